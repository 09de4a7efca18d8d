use model::{Encoding, Period, Raw};

use super::*;
use crate::{BlockBuilder, Chunk, Hour, Store};

#[test]
fn there_is_one_writer_at_a_time() {
    let (_dir, store) = record();
    let writer = store.writer().unwrap();
    assert!(matches!(store.clone().writer(), Err(StoreError::WriterTaken { .. })));
    drop(writer);
    assert!(store.writer().is_ok());
}

#[test]
fn readers_and_the_writer_can_be_given_to_threads() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<crate::Reader>();
    send::<crate::Writer>();
    sync::<Store>();
}

#[test]
fn a_reader_cannot_write() {
    let (_dir, store) = record();
    let reader = store.reader().unwrap();
    assert!(reader.sql.execute("DELETE FROM cursor", []).is_err());
}

#[test]
fn a_snapshot_does_not_see_what_is_written_meanwhile() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let reader = store.reader().unwrap();
    reader
        .snapshot::<_, StoreError>(|reader| {
            assert_eq!(reader.sites()?, []);
            register(&mut writer, "meter-1", Quantity::ActivePower);
            assert_eq!(reader.sites()?, []);
            Ok(())
        })
        .unwrap();
    assert_eq!(reader.sites().unwrap(), [site()]);
}

#[test]
fn a_record_of_a_newer_program_is_left_alone() {
    let (dir, store) = record();
    drop(store);
    let sql = rusqlite::Connection::open(dir.path().join("core.db")).unwrap();
    sql.pragma_update(None, "user_version", 99).unwrap();
    drop(sql);
    let opened = Store::open(dir.path(), Options::default());
    assert!(matches!(opened, Err(StoreError::Newer { found: 99, .. })), "{opened:?}");
}

#[test]
fn a_file_that_is_no_record_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("core.db"),
        b"This is not a database, but long enough to look at.".repeat(100),
    )
    .unwrap();
    assert!(Store::open(dir.path(), Options::default()).is_err());
    let other = tempfile::tempdir().unwrap();
    let sql = rusqlite::Connection::open(other.path().join("core.db")).unwrap();
    sql.execute_batch("PRAGMA application_id = 7; CREATE TABLE x(y)").unwrap();
    drop(sql);
    assert!(matches!(Store::open(other.path(), Options::default()), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_damaged_file_is_found_when_the_record_is_opened() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    for n in 0..200 {
        register(&mut writer, &format!("meter-{n}"), Quantity::ActivePower);
    }
    drop((writer, store));
    let path = dir.path().join("core.db");
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4096).skip(1) {
        page[..16].fill(0xee);
    }
    std::fs::write(&path, bytes).unwrap();
    assert!(Store::open(dir.path(), Options::default()).is_err());
}

#[test]
fn a_backup_taken_while_the_record_is_in_use_opens_as_a_record() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let mut builder = BlockBuilder::new(&[(power.series, power.version, Encoding::Integer)]);
    builder.push(NOW, &[Ok(Raw::Integer(5))]).unwrap();
    let first = Hour::of(NOW).unwrap();
    writer
        .put_chunks(&[Chunk { device: power.device, first, hours: 1, blocks: vec![builder.finish()] }])
        .unwrap();
    let to = tempfile::tempdir().unwrap();
    let files = store.backup(to.path()).unwrap();
    assert_eq!(files.iter().map(|file| file.file.as_str()).collect::<Vec<_>>(), ["core.db", "raw-202611.db"]);
    assert_eq!(store.sizes().unwrap().len(), 2);
    assert!(store.backup(to.path()).is_err());
    let copy = reopen(&to);
    assert_eq!(copy.check().unwrap(), Vec::<String>::new());
    let samples = copy.reader().unwrap().samples(power.series, Period::new(NOW, NOW.plus_millis(1))).unwrap();
    assert_eq!(samples[0].value, Ok(Raw::Integer(5)));
    let mode: String =
        copy.reader().unwrap().sql.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
