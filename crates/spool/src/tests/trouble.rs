//! Disks that refuse.

use std::sync::Arc;

use model::Missing;

use super::faulty::{Fault, FaultyDisk};
use super::{SMALL, at, read_all, sequences};
use crate::record::HEADER;
use crate::writer::MAX_PENDING_BYTES;
use crate::{MAX_PAYLOAD_BYTES, Options, Spool};

fn open(disk: &FaultyDisk) -> Spool {
    Spool::open_on(Arc::new(disk.clone()), SMALL).unwrap().0
}

#[test]
fn after_a_failed_sync_the_records_go_into_a_new_file_and_outlive_a_power_cut() {
    for fault in [Fault::Sync, Fault::ShortWrite(10), Fault::ShortWrite(0), Fault::Names] {
        let disk = FaultyDisk::default();
        let mut spool = open(&disk);
        if fault != Fault::Names {
            spool.append(at(0), b"before").unwrap();
            spool.sync().unwrap();
        }
        disk.fail(fault);
        spool.append(at(1), b"in trouble").unwrap();
        spool.sync().unwrap();
        assert_eq!(spool.status().trouble, None);
        assert_eq!(spool.begins_segment(1), fault != Fault::Names, "declarations are due: {fault:?}");
        let after = spool.append(at(2), b"after").unwrap();
        assert_eq!(after.new_segment, fault != Fault::Names, "{fault:?}");
        spool.sync().unwrap();
        let written = read_all(&mut spool.reader(), 0);
        disk.cut_power(0);
        let recovered = open(&disk);
        assert_eq!(read_all(&mut recovered.reader(), 0), written, "{fault:?}");
    }
}

#[test]
fn while_the_disk_refuses_records_wait_in_memory_and_the_status_says_why() {
    let disk = FaultyDisk::default();
    let mut spool = open(&disk);
    spool.append(at(0), b"waits").unwrap();
    for _ in 0..3 {
        disk.fail(Fault::Create);
    }
    let error = spool.sync().unwrap_err();
    assert_eq!(error.to_string(), "cannot create `/faulty/seg-0000000000000000.log`");
    let trouble = spool.status().trouble.unwrap();
    assert_eq!(trouble, "cannot create `/faulty/seg-0000000000000000.log`: input/output error");
    assert_eq!((spool.status().synced, spool.append(at(1), b"too").unwrap().new_segment), (0, false));
    spool.sync().unwrap();
    assert_eq!(sequences(&read_all(&mut spool.reader(), 0)), [0, 1]);
    assert_eq!(spool.status().trouble, None);
}

#[test]
fn a_disk_that_refuses_too_long_costs_the_older_half_of_what_waits_and_says_so() {
    let disk = FaultyDisk::default();
    let wide = Options { segment_bytes: 64 << 20, cap_bytes: 256 << 20, ..SMALL };
    let (mut spool, _) = Spool::open_on(Arc::new(disk.clone()), wide).unwrap();
    disk.fill_up_to(0);
    let payload = vec![1; MAX_PAYLOAD_BYTES];
    let fitting = MAX_PENDING_BYTES / (HEADER + MAX_PAYLOAD_BYTES);
    let mut lost = Vec::new();
    for second in 0..=i64::try_from(fitting).unwrap() {
        lost.extend(spool.append(at(second), &payload).unwrap().lost);
    }
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].first, lost[0].from, lost[0].reason), (0, at(0), Missing::SpoolFull));
    disk.heal();
    spool.sync().unwrap();
    let read = read_all(&mut spool.reader(), 0);
    let kept: Vec<u64> = (lost[0].last + 1..=fitting as u64).collect();
    assert_eq!(sequences(&read), kept);
    assert!(kept.len() * 3 > fitting, "about half is kept");
}

#[test]
fn on_a_full_disk_the_reserve_is_given_up_first_and_then_the_oldest_segment() {
    let disk = FaultyDisk::default();
    // Room for the reserve of 4 MiB and little more.
    disk.fill_up_to((4 << 20) + 1600);
    let mut spool = open(&disk);
    let mut lost = Vec::new();
    let mut fill = |spool: &mut Spool, seconds: std::ops::Range<i64>| {
        for second in seconds {
            lost.extend(spool.append(at(second), &[1; 72]).unwrap().lost);
            spool.sync().unwrap();
        }
        lost.clone()
    };
    assert_eq!(fill(&mut spool, 0..9), []);
    assert!(disk.bytes_of("RESERVE").is_some());
    assert_eq!(fill(&mut spool, 9..16), []);
    assert!(disk.bytes_of("RESERVE").is_none(), "the reserve was not given up");
    disk.fill_up_to(1900);
    let lost = fill(&mut spool, 16..27);
    assert_eq!((lost[0].first, lost[0].reason), (0, Missing::SpoolFull));
    let read = sequences(&read_all(&mut spool.reader(), 0));
    let gone: u64 = lost.iter().map(crate::Lost::count).sum();
    assert_eq!(read, (gone..27).collect::<Vec<_>>(), "what is not there was told");
}

#[test]
fn a_number_that_was_seen_is_not_given_again_when_the_disk_forgets_the_record() {
    let disk = FaultyDisk::default();
    let mut spool = open(&disk);
    for second in 0..3 {
        spool.append(at(second), b"x").unwrap();
    }
    spool.sync().unwrap();
    drop(spool);
    // Bit rot in the last record, which a collector has had.
    let name = disk.segments().remove(0);
    let mut bytes = disk.bytes_of(&name).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    disk.set_bytes(&name, bytes);
    for _ in 0..2 {
        // Twice: a life that wrote nothing must not forget that the number was used.
        assert_eq!(open(&disk).next_sequence(), 3);
    }
}
