//! The real folder.

use super::{SMALL, at, read_all, sequences};
use crate::{Options, Spool, SpoolError, inspect};

#[test]
fn a_spool_in_a_real_folder_outlives_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not/there/yet");
    let (mut spool, _) = Spool::open(&path, SMALL).unwrap();
    for second in 0..30 {
        spool.append(at(second), &[1; 72]).unwrap();
    }
    spool.sync().unwrap();
    assert_eq!(sequences(&read_all(&mut spool.reader(), 3)), (3..30).collect::<Vec<_>>());
    spool.close().unwrap();
    let (mut spool, recovery) = Spool::open(&path, SMALL).unwrap();
    assert!(recovery.clean_stop);
    spool.append(at(30), b"again").unwrap();
    spool.sync().unwrap();
    assert_eq!(sequences(&read_all(&mut spool.reader(), 0)), (0..31).collect::<Vec<_>>());
}

#[test]
fn two_writers_of_one_folder_are_not_possible() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), SMALL).unwrap();
    assert!(matches!(Spool::open(dir.path(), SMALL), Err(SpoolError::InUse { .. })));
    drop(spool);
    assert!(Spool::open(dir.path(), SMALL).is_ok());
}

#[test]
fn a_spool_can_be_looked_at_while_another_writes_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(dir.path(), SMALL).unwrap();
    for second in 0..12 {
        spool.append(at(second), &[1; 72]).unwrap();
    }
    spool.sync().unwrap();
    spool.reader().acknowledge(9);
    assert_eq!(inspect(dir.path()).unwrap(), spool.status());
    assert_eq!((spool.status().synced, spool.status().oldest_unacknowledged), (12, Some(at(9))));
}

#[test]
fn a_folder_with_segments_but_no_identity_is_refused_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(dir.path(), SMALL).unwrap();
    spool.append(at(0), b"x").unwrap();
    spool.close().unwrap();
    let file = dir.path().join("SPOOL");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[10] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(Spool::open(dir.path(), SMALL).unwrap().1.next_sequence, 1, "the second copy serves");
    bytes[28 + 10] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let error = Spool::open(dir.path(), SMALL).unwrap_err().to_string();
    assert!(error.ends_with("move the folder away to begin a new one"), "{error}");
}

#[test]
fn many_records_go_through_at_the_speed_of_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (mut spool, _) = Spool::open(dir.path(), Options::default()).unwrap();
    let payload = vec![3; 4000];
    for second in 0..10_000 {
        spool.append(at(second), &payload).unwrap();
    }
    spool.sync().unwrap();
    let mut reader = spool.reader();
    let mut next = 0;
    while let Some(last) = reader.read(next, 1 << 20).unwrap().last() {
        next = last.sequence + 1;
    }
    assert_eq!((next, spool.status().segments), (10_000, 3));
}

#[test]
fn writer_and_reader_may_note_at_once_how_far_the_collector_is() {
    use crate::disk::{Disk as _, Folder};
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::lock(dir.path()).unwrap().unwrap();
    std::thread::scope(|scope| {
        for byte in 0..4 {
            let folder = &folder;
            scope.spawn(move || (0..50).for_each(|_| folder.replace("ACK", &[byte; 12]).unwrap()));
        }
    });
    let bytes = std::fs::read(dir.path().join("ACK")).unwrap();
    assert!(bytes.len() == 12 && bytes.iter().all(|byte| *byte == bytes[0]), "{bytes:?}");
}
