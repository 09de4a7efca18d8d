//! Cuts the spool into batches of the right size.
//!
//! What a batch will weigh once compressed is only known afterwards, so the amount that is read follows what the last ones
//! weighed.

use spool::{SpoolError, SpoolReader};
use wire::{Batch, MAX_BATCH_BYTES, MAX_RECORDS, Record, encode_batch};

const _: () =
    assert!(spool::MAX_PAYLOAD_BYTES <= wire::MAX_PAYLOAD_BYTES, "every record must fit into a batch");

/// Least and most payload that is read for one batch, in bytes. Half of what a collector inflates, so that what stands
/// beside the payloads, at most 40 bytes for each of 65,536 records, fits as well.
const LEAST_BYTES: usize = 16 << 10;
const MOST_BYTES: usize = wire::MAX_INFLATED_BYTES / 2;

/// After so many batches that were taken, a bound which the collector made smaller is doubled.
const GROW_AFTER: u32 = 64;

/// A batch, ready to send.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) payload_bytes: usize,
    pub(crate) body: Vec<u8>,
    /// Was there more to read?
    pub(crate) is_full: bool,
}

impl Prepared {
    pub(crate) fn records(&self) -> u64 {
        self.last - self.first + 1
    }
}

/// Reads and encodes; blocks.
#[derive(Debug)]
pub(crate) struct Batcher {
    reader: SpoolReader,
    target_bytes: usize,
    /// Payload to read next time.
    want: usize,
    /// Most payload that the collector seems to take at once.
    ceiling: usize,
    taken: u32,
}

impl Batcher {
    pub(crate) fn new(reader: SpoolReader, target_bytes: usize) -> Self {
        let target_bytes = target_bytes.clamp(1, MAX_BATCH_BYTES);
        Self { reader, target_bytes, want: target_bytes, ceiling: MOST_BYTES, taken: 0 }
    }

    /// The batch that begins with number `next` or, if that is gone, with the first number after it; `None` if there is
    /// nothing yet.
    pub(crate) fn prepare(&mut self, next: u64) -> Result<Option<Prepared>, SpoolError> {
        loop {
            let wanted = self.want.min(self.ceiling).max(1);
            let mut records = self.reader.read(next, wanted)?;
            records.truncate(MAX_RECORDS);
            let Some((first, last)) = ends(&records) else { return Ok(None) };
            let prepared = self.encode(next, records, last + 1 < self.reader.synced());
            // One record of the largest size always fits: its payload is at most half of the bound.
            if prepared.body.len() <= MAX_BATCH_BYTES || first == last {
                self.learn(&prepared, wanted);
                return Ok(Some(prepared));
            }
            self.want = prepared.payload_bytes / 2;
        }
    }

    fn encode(&self, next: u64, records: Vec<spool::Record>, is_full: bool) -> Prepared {
        let (first, last) = ends(&records).unwrap_or((next, next));
        let payload_bytes = records.iter().map(|record| record.payload.len()).sum();
        let records = records
            .into_iter()
            .map(|spool::Record { sequence, time, payload }| Record { sequence, time, payload })
            .collect();
        let gap_from = (next < first).then_some(next);
        let batch = Batch { schema: wire::SCHEMA, spool: self.reader.id(), first, last, gap_from, records };
        Prepared { first, last, payload_bytes, body: encode_batch(&batch), is_full }
    }

    /// A batch that was nearly as large as wanted tells how much to want for the target.
    fn learn(&mut self, prepared: &Prepared, wanted: usize) {
        if prepared.payload_bytes >= wanted / 2 {
            let for_target =
                prepared.payload_bytes.saturating_mul(self.target_bytes) / prepared.body.len().max(1);
            self.want = for_target.clamp(LEAST_BYTES, MOST_BYTES);
        }
    }

    /// The collector took a batch.
    pub(crate) fn was_taken(&mut self) {
        self.taken += 1;
        if self.taken >= GROW_AFTER {
            self.taken = 0;
            self.ceiling = self.ceiling.saturating_mul(2).min(MOST_BYTES);
        }
    }

    /// The collector found a batch too large. `false` if it cannot be made smaller.
    pub(crate) fn was_too_large(&mut self, prepared: &Prepared) -> bool {
        self.taken = 0;
        self.ceiling = (prepared.payload_bytes / 2).max(1);
        prepared.records() > 1
    }
}

fn ends(records: &[spool::Record]) -> Option<(u64, u64)> {
    Some((records.first()?.sequence, records.last()?.sequence))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;
    use spool::{Options, Spool};

    use super::*;

    /// A spool of records that do not compress, as xorshift makes them.
    fn spool(records: u32, bytes: usize) -> (tempfile::TempDir, Spool) {
        let dir = tempfile::tempdir().unwrap();
        let (mut spool, _) = Spool::open(dir.path(), Options::default()).unwrap();
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for number in 0..records {
            let payload: Vec<u8> = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .take(bytes)
            .collect();
            spool.append(Timestamp::from_seconds(i64::from(number)), &payload).unwrap();
        }
        spool.sync().unwrap();
        (dir, spool)
    }

    #[test]
    fn a_backlog_is_cut_into_batches_of_the_target_size_without_a_hole() {
        let (_dir, spool) = spool(3000, 1000);
        let mut batcher = Batcher::new(spool.reader(), 256 << 10);
        let (mut next, mut sizes) = (0, Vec::new());
        while let Some(prepared) = batcher.prepare(next).unwrap() {
            assert_eq!(prepared.first, next);
            let batch = wire::decode_batch(&prepared.body).unwrap();
            assert_eq!((batch.first, batch.last, batch.gap_from), (next, prepared.last, None));
            assert_eq!(prepared.is_full, prepared.last != 2999);
            (next, sizes) = (prepared.last + 1, [sizes, vec![prepared.body.len()]].concat());
        }
        assert_eq!(next, 3000);
        let (_, all_but_last) = sizes.split_last().unwrap();
        assert!(all_but_last.iter().all(|size| (200 << 10..=300 << 10).contains(size)), "{sizes:?}");
    }

    #[test]
    fn a_batch_never_exceeds_what_a_collector_takes_even_if_it_compresses_worse_than_the_one_before() {
        let (_dir, mut spool) = spool(0, 0);
        // 40 MB that compress to nothing teach it to read much, then 3 MB that do not compress at all.
        for number in 0..100 {
            spool.append(Timestamp::from_seconds(number), &vec![0; 400_000]).unwrap();
        }
        let (_noise, noise) = self::spool(30, 100_000);
        for record in noise.reader().read(0, 10 << 20).unwrap() {
            spool.append(record.time, &record.payload).unwrap();
        }
        spool.sync().unwrap();
        let mut batcher = Batcher::new(spool.reader(), 1 << 20);
        let mut next = 0;
        while let Some(prepared) = batcher.prepare(next).unwrap() {
            assert!(prepared.body.len() <= MAX_BATCH_BYTES);
            wire::decode_batch(&prepared.body).unwrap();
            next = prepared.last + 1;
        }
        assert_eq!(next, 130);
    }

    #[test]
    fn after_a_refusal_batches_are_half_as_large_and_grow_again_in_time() {
        let (_dir, spool) = spool(500, 1000);
        let mut batcher = Batcher::new(spool.reader(), 100_000);
        let large = batcher.prepare(0).unwrap().unwrap();
        assert!(batcher.was_too_large(&large));
        let small = batcher.prepare(0).unwrap().unwrap();
        assert_eq!(small.payload_bytes, large.payload_bytes / 2);
        (0..GROW_AFTER).for_each(|_| batcher.was_taken());
        assert!(batcher.prepare(0).unwrap().unwrap().payload_bytes > small.payload_bytes);
    }

    #[test]
    fn one_record_alone_cannot_be_made_smaller() {
        let (_dir, spool) = spool(1, 1000);
        let mut batcher = Batcher::new(spool.reader(), 100_000);
        let only = batcher.prepare(0).unwrap().unwrap();
        assert!(!batcher.was_too_large(&only));
        assert_eq!(batcher.prepare(0).unwrap().unwrap().records(), 1);
    }

    #[test]
    fn a_batch_after_a_hole_says_where_the_hole_begins() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { cap_bytes: 4096, segment_bytes: 1024, ..Options::default() };
        let (mut spool, _) = Spool::open(dir.path(), options).unwrap();
        for second in 0..100 {
            spool.append(Timestamp::from_seconds(second), &[1; 100]).unwrap();
        }
        spool.sync().unwrap();
        let oldest = spool.status().oldest;
        assert!(oldest > 5);
        let prepared = Batcher::new(spool.reader(), 1000).prepare(5).unwrap().unwrap();
        let batch = wire::decode_batch(&prepared.body).unwrap();
        assert_eq!((batch.first, batch.gap_from), (oldest, Some(5)));
    }
}
