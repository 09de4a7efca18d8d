//! Tests of the spool as a whole.

mod damage;
mod faulty;
mod folder;
mod model_check;
mod ordinary;
mod trouble;

use std::time::Duration;

use model::Timestamp;

use crate::{Options, Record, SpoolReader};

/// Small enough to begin a segment every few records.
const SMALL: Options =
    Options { cap_bytes: 8 << 10, segment_bytes: 1 << 10, keep_acknowledged: Duration::from_secs(10) };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Everything that can be read from `from` on.
fn read_all(reader: &mut SpoolReader, from: u64) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let next = all.last().map_or(from, |last| last.sequence + 1);
        let more = reader.read(next, 700).unwrap();
        if more.is_empty() {
            return all;
        }
        assert!(
            more.windows(2).all(|pair| pair[0].sequence + 1 == pair[1].sequence),
            "a hole inside one read"
        );
        assert!(more[0].sequence >= next, "{} was given out before", more[0].sequence);
        all.extend(more);
    }
}

fn sequences(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}
