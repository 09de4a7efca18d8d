use model::{Missing, Period, Raw};

use super::*;
use crate::{BlockBuilder, ChangeSeq, Changed, Chunk, ChunkKey, Hour, Month, Registered, Sample, SeriesId};

type Cell = Result<Raw, Missing>;

#[allow(clippy::unnecessary_wraps, reason = "a cell of a poll is a result")]
fn int(value: i64) -> Cell {
    Ok(Raw::Integer(value))
}

/// A chunk of one series, from (milliseconds after `first`, value).
fn chunk(series: Registered, first: Timestamp, hours: u8, rows: &[(i64, Cell)]) -> Chunk {
    let mut builder = BlockBuilder::new(&[(series.series, series.version, Encoding::Integer)]);
    for (offset, value) in rows {
        builder.push(first.plus_millis(*offset), &[*value]).unwrap();
    }
    Chunk { device: series.device, first: Hour::of(first).unwrap(), hours, blocks: vec![builder.finish()] }
}

fn read(reader: &crate::Reader, series: SeriesId, from: Timestamp, millis: i64) -> Vec<(i64, Cell)> {
    let samples = reader.samples(series, Period::new(from, from.plus_millis(millis))).unwrap();
    samples.into_iter().map(|sample| (sample.time.millis_since(from), sample.value)).collect()
}

const HOUR: i64 = 3_600_000;

#[test]
fn samples_read_back_in_order_with_their_gaps() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let other = register(&mut writer, "meter-2", Quantity::ActivePower);
    let rows = [(0, int(5)), (10_000, Err(Missing::NoAnswer)), (20_000, int(-7))];
    writer.put_chunks(&[chunk(power, NOW, 1, &rows), chunk(other, NOW, 1, &[(0, int(1))])]).unwrap();
    writer.put_chunks(&[chunk(power, NOW.plus_millis(HOUR), 2, &[(5000, int(9))])]).unwrap();
    drop((writer, store));
    let store = reopen(&dir);
    let reader = store.reader().unwrap();
    let all = [rows[0], rows[1], rows[2], (HOUR + 5000, int(9))];
    assert_eq!(read(&reader, power.series, NOW, 3 * HOUR), all);
    assert_eq!(read(&reader, power.series, NOW, 20_000), rows[..2]);
    assert_eq!(read(&reader, other.series, NOW, HOUR), [(0, int(1))]);
    assert!(reader.samples(SeriesId::new(77), Period::new(NOW, NOW)).is_err());
}

#[test]
fn late_samples_fill_what_was_missing_and_never_replace_what_was_there() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let early = [(0, int(1)), (1000, Err(Missing::NoAnswer)), (3000, int(4))];
    let late = [(0, int(99)), (1000, int(2)), (2000, int(3)), (4000, Err(Missing::Overrun))];
    writer.put_chunks(&[chunk(power, NOW, 1, &early)]).unwrap();
    writer.put_chunks(&[chunk(power, NOW, 1, &late)]).unwrap();
    let expected =
        [(0, int(1)), (1000, int(2)), (2000, int(3)), (3000, int(4)), (4000, Err(Missing::Overrun))];
    assert_eq!(read(writer.reader(), power.series, NOW, HOUR), expected);
    let before =
        writer.reader().chunk(ChunkKey { device: power.device, first: Hour::of(NOW).unwrap() }).unwrap();
    writer.put_chunks(&[chunk(power, NOW, 1, &early), chunk(power, NOW, 1, &late)]).unwrap();
    let after =
        writer.reader().chunk(ChunkKey { device: power.device, first: Hour::of(NOW).unwrap() }).unwrap();
    assert_eq!(before, after);
}

#[test]
fn a_late_hour_inside_a_longer_chunk_becomes_part_of_it() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let second = NOW.plus_millis(HOUR);
    writer.put_chunks(&[chunk(power, NOW, 3, &[(0, int(1)), (2 * HOUR, int(3))])]).unwrap();
    let keys = writer.put_chunks(&[chunk(power, second, 1, &[(0, int(2))])]).unwrap();
    assert_eq!(keys, [ChunkKey { device: power.device, first: Hour::of(NOW).unwrap() }]);
    assert_eq!(
        read(writer.reader(), power.series, NOW, 4 * HOUR),
        [(0, int(1)), (HOUR, int(2)), (2 * HOUR, int(3))]
    );
}

#[test]
fn a_chunk_over_two_shorter_ones_takes_both_in() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let hour = |n: i64| NOW.plus_millis(n * HOUR);
    writer
        .put_chunks(&[chunk(power, hour(0), 1, &[(0, int(1))]), chunk(power, hour(2), 1, &[(0, int(3))])])
        .unwrap();
    writer.put_chunks(&[chunk(power, hour(0), 3, &[(HOUR, int(2)), (2 * HOUR, int(99))])]).unwrap();
    let period = Period::new(hour(0), hour(4));
    assert_eq!(writer.reader().chunks(power.device, period).unwrap().len(), 1);
    assert_eq!(
        read(writer.reader(), power.series, NOW, 4 * HOUR),
        [(0, int(1)), (HOUR, int(2)), (2 * HOUR, int(3))]
    );
}

#[test]
fn a_series_that_changes_its_meaning_within_an_hour_reads_each_sample_by_its_own_version() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let old = register(&mut writer, "meter-1", Quantity::ActivePower);
    let scaled = SeriesDescriptor { exponent: -1, ..descriptor("meter-1", Quantity::ActivePower) };
    let new = writer.transaction::<_, StoreError>(|tx| tx.series(&site(), &scaled, NOW)).unwrap();
    let mut both = chunk(old, NOW, 1, &[(0, int(5)), (2000, int(6))]);
    both.blocks.extend(chunk(new, NOW, 1, &[(1000, int(55)), (2000, int(66))]).blocks);
    writer.put_chunks(&[both]).unwrap();
    let samples = writer.reader().samples(old.series, Period::new(NOW, NOW.plus_millis(HOUR))).unwrap();
    let seen: Vec<_> =
        samples.iter().map(|one| (one.time.millis_since(NOW), one.version, one.value)).collect();
    assert_eq!(seen, [(0, 1, int(5)), (1000, 2, int(55)), (2000, 1, int(6))]);
}

#[test]
fn chunks_of_the_last_and_the_first_hour_of_a_month_lie_in_their_months_files() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    // 2026-10-31T23:00Z by GNU date.
    let last = Timestamp::from_seconds(1_793_487_600);
    let first = last.plus_millis(HOUR);
    let rows = |n| [(0, int(n)), (HOUR - 1, int(n + 1))];
    writer.put_chunks(&[chunk(power, last, 1, &rows(1)), chunk(power, first, 1, &rows(3))]).unwrap();
    assert!(dir.path().join("raw-202610.db").exists() && dir.path().join("raw-202611.db").exists());
    let reader = writer.reader();
    let all = [(0, int(1)), (HOUR - 1, int(2)), (HOUR, int(3)), (2 * HOUR - 1, int(4))];
    assert_eq!(read(reader, power.series, last, 2 * HOUR), all);
    let months = store.months().unwrap();
    assert_eq!(months.len(), 2);
    assert_eq!(reader.chunk_keys(months[0], None, 10).unwrap().len(), 1);
    assert_eq!(value(reader.last_before(power.series, first).unwrap()), Some(2));
    assert_eq!(value(reader.first_at_or_after(power.series, last.plus_millis(HOUR - 1)).unwrap()), Some(2));
    assert_eq!(value(reader.first_at_or_after(power.series, last.plus_millis(HOUR)).unwrap()), Some(3));
}

fn value(sample: Option<Sample>) -> Option<i64> {
    match sample?.value {
        Ok(Raw::Integer(value)) => Some(value),
        _ => None,
    }
}

#[test]
fn searches_pass_missing_samples_and_other_devices() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let other = register(&mut writer, "meter-2", Quantity::ActivePower);
    let gone = Err(Missing::Refused);
    let rows = [(0, gone), (1000, int(1)), (2000, gone), (3000, int(2)), (4000, gone)];
    writer.put_chunks(&[chunk(power, NOW, 2, &rows), chunk(other, NOW, 1, &[(0, int(9))])]).unwrap();
    let reader = writer.reader();
    let at = |offset| NOW.plus_millis(offset);
    assert_eq!(value(reader.latest(power.series).unwrap()), Some(2));
    assert_eq!(value(reader.last_before(power.series, at(3000)).unwrap()), Some(1));
    assert_eq!(value(reader.last_before(power.series, at(1000)).unwrap()), None);
    assert_eq!(value(reader.first_at_or_after(power.series, at(1001)).unwrap()), Some(2));
    assert_eq!(value(reader.first_at_or_after(power.series, at(3001)).unwrap()), None);
    assert_eq!(value(reader.first_at_or_after(power.series, at(-50_000 * 24)).unwrap()), Some(1));
}

#[test]
fn every_chunk_that_is_written_is_seen_by_whoever_follows_the_changes() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let one = chunk(power, NOW, 1, &[(0, int(1))]);
    writer.put_chunks(std::slice::from_ref(&one)).unwrap();
    // As after a crash between the two commits: the same again must be noted again.
    writer.put_chunks(&[one]).unwrap();
    let changes = writer.reader().change_after(ChangeSeq::new(0), 10).unwrap();
    let expected = Changed::Chunk { device: power.device, first: Hour::of(NOW).unwrap() };
    assert_eq!(changes.iter().map(|change| change.what).collect::<Vec<_>>(), [expected, expected]);
    assert!(changes[0].seq < changes[1].seq);
}

#[test]
fn readers_read_whole_chunks_while_the_writer_writes() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let hours = 30;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let store = store.clone();
            scope.spawn(move || {
                let reader = store.reader().unwrap();
                let mut seen = 0;
                while seen < hours * 60 {
                    let samples = reader
                        .samples(power.series, Period::new(NOW, NOW.plus_millis(hours * HOUR)))
                        .unwrap();
                    let len = i64::try_from(samples.len()).unwrap();
                    assert!(len >= seen && len % 60 == 0, "{len} samples after {seen}");
                    seen = len;
                    std::thread::yield_now();
                }
            });
        }
        for hour in 0..hours {
            let rows: Vec<_> = (0..60).map(|n| (n * 60_000, int(n))).collect();
            writer.put_chunks(&[chunk(power, NOW.plus_millis(hour * HOUR), 1, &rows)]).unwrap();
        }
    });
}

#[test]
fn a_damaged_chunk_is_an_error_and_not_data() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    writer.put_chunks(&[chunk(power, NOW, 1, &[(0, int(1)), (1000, int(7))])]).unwrap();
    let sql = rusqlite::Connection::open(dir.path().join("raw-202611.db")).unwrap();
    sql.execute("UPDATE chunk SET body = CAST(substr(body, 1, 9) || x'55' || substr(body, 11) AS BLOB)", [])
        .unwrap();
    let read = writer.reader().samples(power.series, Period::new(NOW, NOW.plus_millis(HOUR)));
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    assert!(writer.put_chunks(&[chunk(power, NOW, 1, &[(2000, int(1))])]).is_err());
    assert_eq!(store.check().unwrap().len(), 1);
}

#[test]
fn dropping_old_months_leaves_the_newer_ones() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    let old = Timestamp::from_seconds(1_793_487_600);
    writer.put_chunks(&[chunk(power, old, 1, &[(0, int(1))]), chunk(power, NOW, 1, &[(0, int(2))])]).unwrap();
    assert_eq!(read(writer.reader(), power.series, old, HOUR).len(), 1);
    let month = Month::new(2026, 11).unwrap();
    assert_eq!(writer.drop_raw_before(month).unwrap(), [Month::new(2026, 10).unwrap()]);
    assert!(!dir.path().join("raw-202610.db").exists());
    assert_eq!(read(writer.reader(), power.series, old, HOUR), []);
    assert_eq!(read(writer.reader(), power.series, NOW, HOUR).len(), 1);
}
