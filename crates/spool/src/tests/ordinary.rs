//! What a spool does while nothing goes wrong.

use std::sync::Arc;

use model::Missing;

use super::faulty::FaultyDisk;
use super::{SMALL, at, read_all, sequences};
use crate::{Lost, MAX_PAYLOAD_BYTES, Options, Spool, SpoolError};

fn open(disk: &FaultyDisk) -> (Spool, crate::Recovery) {
    Spool::open_on(Arc::new(disk.clone()), SMALL).unwrap()
}

/// A record of 100 bytes: 72 beside its header of 28.
const PAYLOAD: [u8; 72] = [7; 72];

/// Appends and syncs records of 100 bytes, one for each second.
fn fill(spool: &mut Spool, seconds: std::ops::Range<i64>) -> Vec<crate::Appended> {
    seconds
        .map(|second| {
            let appended = spool.append(at(second), &PAYLOAD).unwrap();
            spool.sync().unwrap();
            appended
        })
        .collect()
}

#[test]
fn readers_see_records_in_order_once_they_are_synced_and_not_before() {
    let (mut spool, recovery) = open(&FaultyDisk::default());
    assert_eq!((recovery.next_sequence, recovery.last_durable, recovery.clean_stop), (0, None, true));
    let mut reader = spool.reader();
    assert_eq!(spool.append(at(1), b"one").unwrap().sequence, 0);
    spool.append(at(2), b"two").unwrap();
    assert_eq!((reader.synced(), reader.read(0, 100).unwrap().len()), (0, 0));
    spool.sync().unwrap();
    let records = reader.read(0, 100).unwrap();
    assert_eq!(reader.synced(), 2);
    assert_eq!(records[0].payload, b"one");
    assert_eq!(
        (records[1].sequence, records[1].time, records[1].payload.as_slice()),
        (1, at(2), b"two".as_slice())
    );
    assert_eq!(reader.read(1, 100).unwrap(), records[1..]);
    assert_eq!(reader.read(2, 100).unwrap(), []);
}

#[test]
fn a_read_gives_what_fits_but_at_least_one_record() {
    let (mut spool, _) = open(&FaultyDisk::default());
    fill(&mut spool, 0..5);
    let mut reader = spool.reader();
    assert_eq!(sequences(&reader.read(0, 1).unwrap()), [0]);
    assert_eq!(sequences(&reader.read(0, 3 * 72).unwrap()), [0, 1, 2]);
    assert_eq!(sequences(&reader.read(1, 3 * 72 - 1).unwrap()), [1, 2]);
    assert_eq!(sequences(&reader.read(0, 1 << 20).unwrap()), [0, 1, 2, 3, 4]);
}

#[test]
fn a_new_segment_is_announced_with_its_first_record() {
    let (mut spool, _) = open(&FaultyDisk::default());
    // A segment of 1024 bytes: 36 for its start, 9 records of 100.
    let begins: Vec<u64> =
        fill(&mut spool, 0..20).iter().filter(|done| done.new_segment).map(|done| done.sequence).collect();
    assert_eq!(begins, [0, 9, 18]);
    assert_eq!(spool.status().segments, 3);
    assert!(!spool.begins_segment(72));
    assert!(spool.begins_segment(1024));
}

#[test]
fn what_is_acknowledged_stays_for_a_while_and_then_goes() {
    let (mut spool, _) = open(&FaultyDisk::default());
    fill(&mut spool, 0..20);
    spool.reader().acknowledge(18);
    // The first segment ends with second 8; 10 s are kept.
    let oldest = |spool: &mut Spool, second| {
        fill(spool, second..second + 1);
        spool.status().oldest
    };
    spool.append(at(17), b"x").unwrap();
    spool.sync().unwrap();
    assert_eq!(spool.status().oldest, 0);
    assert_eq!(oldest(&mut spool, 18), 9);
    assert_eq!(oldest(&mut spool, 26), 9);
    assert_eq!(oldest(&mut spool, 27), 18);
    assert_eq!(oldest(&mut spool, 1000), 18);
    assert_eq!(spool.status().lost_records, 0);
}

#[test]
fn over_the_cap_the_oldest_segment_goes_and_is_reported_once() {
    let (mut spool, _) = open(&FaultyDisk::default());
    // 8 segments of 936 bytes are 7488; with 1024 for a ninth that is over 8192.
    let lost: Vec<Lost> = fill(&mut spool, 0..72).into_iter().flat_map(|done| done.lost).collect();
    assert_eq!(lost, []);
    let appended = fill(&mut spool, 72..74);
    let expected =
        Lost { first: 0, last: 8, from: at(0), to: at(8).plus_millis(1), reason: Missing::SpoolFull };
    assert_eq!(appended[0].lost, []);
    assert_eq!(appended[1].lost, [expected]);
    assert_eq!(spool.status().lost_records, 9);
    assert!(spool.status().bytes <= SMALL.cap_bytes);
    assert_eq!(spool.reader().read(0, 100).unwrap()[0].sequence, 9);
}

#[test]
fn over_the_cap_nothing_is_lost_that_was_acknowledged() {
    let (mut spool, _) = open(&FaultyDisk::default());
    fill(&mut spool, 0..72);
    spool.reader().acknowledge(5);
    let lost: Vec<Lost> = fill(&mut spool, 72..75).into_iter().flat_map(|done| done.lost).collect();
    assert_eq!(lost.iter().map(|lost| (lost.first, lost.last)).collect::<Vec<_>>(), [(5, 8)]);
}

#[test]
fn a_closed_spool_goes_on_where_it_was() {
    let disk = FaultyDisk::default();
    let (mut spool, _) = open(&disk);
    let id = spool.id();
    fill(&mut spool, 0..12);
    spool.reader().acknowledge(10);
    spool.close().unwrap();
    let (mut spool, recovery) = open(&disk);
    assert_eq!(spool.id(), id);
    assert_eq!((recovery.next_sequence, recovery.last_durable), (12, Some(at(11))));
    assert!(recovery.clean_stop);
    assert_eq!((recovery.torn_bytes, recovery.lost.len()), (0, 0));
    assert_eq!(spool.status().acknowledged, 10);
    assert!(spool.append(at(12), b"x").unwrap().new_segment);
    spool.sync().unwrap();
    assert_eq!(sequences(&read_all(&mut spool.reader(), 0)), (0..13).collect::<Vec<_>>());
}

#[test]
fn a_life_that_was_not_closed_is_no_clean_stop_and_what_was_not_synced_is_gone() {
    let disk = FaultyDisk::default();
    let (mut spool, _) = open(&disk);
    fill(&mut spool, 0..3);
    spool.append(at(3), b"lost").unwrap();
    drop(spool);
    let (spool, recovery) = open(&disk);
    assert!(!recovery.clean_stop);
    assert_eq!(recovery.next_sequence, 3);
    assert_eq!(sequences(&read_all(&mut spool.reader(), 0)), [0, 1, 2]);
    // Opened and closed without a record: that is an end in order again.
    spool.close().unwrap();
    assert!(open(&disk).1.clean_stop);
}

#[test]
fn a_collector_that_was_set_back_is_given_what_it_had() {
    let (mut spool, _) = open(&FaultyDisk::default());
    fill(&mut spool, 0..10);
    let mut reader = spool.reader();
    reader.acknowledge(10);
    reader.acknowledge(4);
    assert_eq!(reader.acknowledged(), 4);
    assert_eq!(sequences(&read_all(&mut reader, 4)), [4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_spool_that_was_set_back_gives_no_number_that_the_collector_has_seen() {
    let disk = FaultyDisk::default();
    let (mut spool, _) = open(&disk);
    fill(&mut spool, 0..3);
    let image = disk.copy();
    fill(&mut spool, 3..8);
    let (mut spool, recovery) = open(&image);
    assert_eq!(recovery.next_sequence, 3);
    // Two records before the first word with the collector, which has them up to 7.
    fill(&mut spool, 100..102);
    spool.reader().acknowledge(8);
    let appended = spool.append(at(103), b"new").unwrap();
    assert_eq!((appended.sequence, appended.new_segment), (8, true));
    let lost = Lost { first: 3, last: 4, from: at(100), to: at(101).plus_millis(1), reason: Missing::Other };
    assert_eq!(appended.lost, [lost]);
    spool.sync().unwrap();
    assert_eq!(sequences(&spool.reader().read(8, 100).unwrap()), [8]);
}

#[test]
fn a_cursor_that_cannot_be_right_is_not_believed() {
    let (mut spool, _) = open(&FaultyDisk::default());
    fill(&mut spool, 0..2);
    spool.reader().acknowledge(u64::MAX);
    assert_eq!(spool.append(at(2), b"x").unwrap().sequence, 2);
    assert_eq!(spool.reader().acknowledged(), 0);
}

#[test]
fn a_payload_that_is_too_big_is_refused() {
    let (mut spool, _) = Spool::open_on(Arc::new(FaultyDisk::default()), Options::default()).unwrap();
    let error = spool.append(at(0), &vec![0; MAX_PAYLOAD_BYTES + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a payload of 524289 bytes is too big for a record, at most 524288 are allowed"
    );
    assert!(matches!(error, SpoolError::TooBig { .. }));
    spool.append(at(0), &vec![9; MAX_PAYLOAD_BYTES]).unwrap();
    spool.sync().unwrap();
    assert_eq!(spool.reader().read(0, 1).unwrap()[0].payload, vec![9; MAX_PAYLOAD_BYTES]);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let wrong = Options { cap_bytes: 2047, ..SMALL };
    let error = Spool::open_on(Arc::new(FaultyDisk::default()), wrong).unwrap_err();
    let said = "a spool is to take 2047 bytes, less than two of its segments of 1024 bytes";
    assert_eq!(error.to_string(), said);
}
