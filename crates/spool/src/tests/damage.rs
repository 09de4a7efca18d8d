//! Segments that are cut at every byte and spoiled at every bit: never a panic, never a wrong record.

use std::sync::Arc;

use model::Missing;

use super::faulty::FaultyDisk;
use super::{SMALL, at, read_all, sequences};
use crate::record::HEADER;
use crate::{Options, Record, Recovery, Spool};

const WIDE: Options = Options { segment_bytes: 1 << 20, cap_bytes: 4 << 20, ..SMALL };

/// One segment with records of 0, 5, 10, ... bytes.
fn one_segment(records: u8) -> (FaultyDisk, String, Vec<Record>) {
    let disk = FaultyDisk::default();
    let (mut spool, _) = Spool::open_on(Arc::new(disk.clone()), WIDE).unwrap();
    for number in 0..records {
        spool.append(at(i64::from(number)), &vec![number; usize::from(number) * 5]).unwrap();
    }
    spool.sync().unwrap();
    let written = read_all(&mut spool.reader(), 0);
    assert_eq!(written.len(), usize::from(records));
    drop(spool);
    let name = disk.segments().remove(0);
    (disk, name, written)
}

/// Opens a copy with other bytes, checks that what is read was written, and writes on.
fn reopened(disk: &FaultyDisk, name: &str, bytes: Vec<u8>, written: &[Record]) -> (Vec<Record>, Recovery) {
    let copy = disk.copy();
    copy.set_bytes(name, bytes);
    let (mut spool, recovery) = Spool::open_on(Arc::new(copy), WIDE).unwrap();
    let read = read_all(&mut spool.reader(), 0);
    assert!(read.iter().all(|record| written.contains(record)), "a record was read that was never written");
    let next = spool.append(at(99), b"on").unwrap().sequence;
    assert!(read.last().is_none_or(|last| last.sequence < next), "a number was used twice");
    spool.sync().unwrap();
    let again = read_all(&mut spool.reader(), 0);
    assert_eq!(again.len(), read.len() + 1);
    (read, recovery)
}

#[test]
fn a_segment_that_ends_at_any_byte_gives_the_whole_records_before_it() {
    let (disk, name, written) = one_segment(8);
    let bytes = disk.bytes_of(&name).unwrap();
    // Where each record ends: the start record takes 36 bytes, each other 28 and its payload.
    let mut ends = vec![HEADER + 8];
    for record in &written {
        ends.push(ends.last().unwrap() + HEADER + record.payload.len());
    }
    assert_eq!(*ends.last().unwrap(), bytes.len());
    for length in 0..bytes.len() {
        let (read, recovery) = reopened(&disk, &name, bytes[..length].to_vec(), &written);
        let whole = ends.iter().skip(1).filter(|end| **end <= length).count();
        assert_eq!(read, written[..whole], "cut at {length}");
        let good = ends.iter().rev().find(|end| **end <= length).copied().unwrap_or(0);
        assert_eq!(recovery.torn_bytes, (length - good) as u64, "cut at {length}");
    }
}

#[test]
fn a_segment_with_any_bit_spoiled_loses_one_record_and_says_which() {
    let (disk, name, written) = one_segment(6);
    let bytes = disk.bytes_of(&name).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut spoiled = bytes.clone();
        spoiled[bit / 8] ^= 1 << (bit % 8);
        let (read, recovery) = reopened(&disk, &name, spoiled, &written);
        if bit / 8 < HEADER + 8 {
            assert_eq!(read, written, "the start record alone is spoiled at bit {bit}");
            continue;
        }
        assert_eq!(read.len(), written.len() - 1, "bit {bit}");
        let missing = written.iter().find(|record| !read.contains(record)).unwrap().sequence;
        let is_last = missing == 5;
        assert_eq!(recovery.torn_bytes > 0, is_last, "bit {bit}");
        let lost = recovery.lost[0];
        assert_eq!((lost.first, is_last || lost.last == missing), (missing, true), "bit {bit}");
        let reason = if is_last { Missing::AgentDown } else { Missing::Other };
        assert_eq!(lost.reason, reason, "bit {bit}");
    }
}

#[test]
fn a_spoiled_record_in_an_older_segment_is_told_and_the_next_life_hears_of_it_again_only_until_it_is_acknowledged()
 {
    let disk = FaultyDisk::default();
    let (mut spool, _) = Spool::open_on(Arc::new(disk.clone()), SMALL).unwrap();
    for second in 0..30 {
        spool.append(at(second), &[second.try_into().unwrap(); 72]).unwrap();
    }
    spool.close().unwrap();
    let name = disk.segments().remove(0);
    let mut bytes = disk.bytes_of(&name).unwrap();
    // The last record of the first segment, which holds the numbers 0 to 8.
    *bytes.last_mut().unwrap() ^= 1;
    disk.set_bytes(&name, bytes);
    let (spool, recovery) = Spool::open_on(Arc::new(disk.clone()), SMALL).unwrap();
    let told: Vec<_> =
        recovery.lost.iter().map(|lost| (lost.first, lost.last, lost.from, lost.reason)).collect();
    assert_eq!(told, [(8, 8, at(7), Missing::Other)]);
    assert!(recovery.clean_stop);
    let read = read_all(&mut spool.reader(), 0);
    assert_eq!(sequences(&read), (0..8).chain(9..30).collect::<Vec<_>>());
    assert_eq!(spool.status().lost_records, 1, "reading over a known hole tells nothing new");
    spool.reader().acknowledge(30);
    spool.close().unwrap();
    assert_eq!(Spool::open_on(Arc::new(disk), SMALL).unwrap().1.lost, []);
}

#[test]
fn records_that_spoil_while_the_spool_is_open_are_told_by_the_next_append() {
    for spoiled in [0_u64, 3, 8] {
        let disk = FaultyDisk::default();
        let (mut spool, _) = Spool::open_on(Arc::new(disk.clone()), SMALL).unwrap();
        for second in 0..12 {
            spool.append(at(second), &[1; 72]).unwrap();
        }
        spool.sync().unwrap();
        let name = disk.segments().remove(0);
        let mut bytes = disk.bytes_of(&name).unwrap();
        bytes[36 + 100 * usize::try_from(spoiled).unwrap() + 50] ^= 1;
        disk.set_bytes(&name, bytes);
        let read = read_all(&mut spool.reader(), 0);
        assert_eq!(sequences(&read), (0..12).filter(|number| *number != spoiled).collect::<Vec<_>>());
        let lost = spool.append(at(12), b"x").unwrap().lost;
        assert_eq!(lost.iter().map(|lost| (lost.first, lost.last)).collect::<Vec<_>>(), [(spoiled, spoiled)]);
        read_all(&mut spool.reader(), 0);
        assert_eq!(spool.append(at(13), b"x").unwrap().lost, [], "told once");
    }
}

#[test]
fn a_block_of_another_spool_never_passes_for_a_record() {
    let (disk, name, written) = one_segment(5);
    let (other, other_name, _) = one_segment(5);
    let foreign = other.bytes_of(&other_name).unwrap();
    let (read, _) = reopened(&disk, &name, foreign, &written);
    assert_eq!(read, []);
}

#[test]
fn zeros_at_the_end_of_a_file_are_a_torn_tail() {
    let (disk, name, written) = one_segment(3);
    let mut bytes = disk.bytes_of(&name).unwrap();
    bytes.extend([0; 280]);
    let (read, recovery) = reopened(&disk, &name, bytes, &written);
    assert_eq!((read.len(), recovery.torn_bytes, recovery.next_sequence), (3, 280, 13));
}

#[test]
fn a_torn_tail_is_cut_off_once_the_next_life_has_written() {
    let (disk, name, _) = one_segment(3);
    let good = disk.bytes_of(&name).unwrap();
    disk.set_bytes(&name, [good.clone(), vec![1; 100]].concat());
    let (mut spool, _) = Spool::open_on(Arc::new(disk.clone()), WIDE).unwrap();
    assert_eq!(disk.bytes_of(&name).unwrap().len(), good.len() + 100);
    // 100 bytes may have held 3 whole records: their numbers are passed over.
    assert_eq!(spool.append(at(50), b"x").unwrap().sequence, 6);
    spool.sync().unwrap();
    assert_eq!(disk.bytes_of(&name).unwrap(), good);
    drop(spool);
    let (_, recovery) = Spool::open_on(Arc::new(disk), WIDE).unwrap();
    assert_eq!(
        (recovery.next_sequence, recovery.lost.len()),
        (7, 0),
        "the hole is known, and not told again"
    );
}
