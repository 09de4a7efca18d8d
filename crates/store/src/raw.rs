//! Raw samples: chunks in the file of their month.
//!
//! A chunk is committed to its month's file first and noted in the log of changes after that. When the machine dies in
//! between, the closer does the same again from the inbox: merging what is there already changes nothing, and the note
//! is made then.

use std::collections::BTreeMap;

use model::{Period, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, TransactionBehavior};

use crate::chunk::{self, Chunk, Column, Sample};
use crate::error::Doing;
use crate::key::{owner_of, place_of, row_key};
use crate::tx::limit;
use crate::{Changed, CodecError, DeviceKey, Hour, Month, Reader, SeriesId, StoreError, Writer};

/// Most samples that one call returns: a series polled each second for two months, 250 MB in memory.
pub const MAX_SAMPLES: usize = 5_200_000;
/// Most chunks that one call returns: a device over a year of whole hours.
pub const MAX_CHUNKS: usize = 8_784;
/// Most chunks that a search backwards or forwards looks into before it gives up: 16 days of whole hours.
const MAX_SEARCH: usize = 384;

/// Key of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkKey {
    /// The device.
    pub device: DeviceKey,
    /// The first hour.
    pub first: Hour,
}

impl ChunkKey {
    pub(crate) const fn row(self) -> i64 {
        row_key(self.device.number(), self.first.index())
    }

    pub(crate) fn from_row(row: i64) -> Result<Self, StoreError> {
        let first = Hour::from_index(i64::from(place_of(row)))?;
        Ok(Self { device: DeviceKey::new(owner_of(row)?), first })
    }
}

impl Writer {
    /// Stores chunks durably, and appends each to the log of changes. What is there for the same hours is merged: a
    /// sample that is there keeps its value, one that is missing there takes the new one; saying the same again
    /// changes nothing. Returns the keys under which the chunks stand now; one that overlaps an earlier chunk is found
    /// under that one's key, or the earlier one under its.
    ///
    /// # Errors
    /// If a chunk breaks the rules of its fields, what is there is damaged, or a file cannot be written. Then some of
    /// the chunks may be stored; storing all again is harmless.
    pub fn put_chunks(&mut self, chunks: &[Chunk]) -> Result<Vec<ChunkKey>, StoreError> {
        let mut by_month = BTreeMap::<Month, Vec<&Chunk>>::new();
        for chunk in chunks {
            by_month.entry(Month::of(chunk.first)).or_default().push(chunk);
        }
        let mut keys = Vec::with_capacity(chunks.len());
        for (month, mut chunks) in by_month {
            chunks.sort_by_key(|chunk| (chunk.device, chunk.first));
            let written = self.months.with(month, |sql| put_month(sql, &chunks))?;
            keys.extend(written.into_iter().flatten());
        }
        keys.dedup();
        self.transaction(|tx| {
            keys.iter().try_for_each(|key| tx.note(Changed::Chunk { device: key.device, first: key.first }))
        })?;
        Ok(keys)
    }
}

fn put_month(sql: &mut Connection, chunks: &[&Chunk]) -> Result<Vec<ChunkKey>, StoreError> {
    let doing = "write raw samples";
    let tx = sql.transaction_with_behavior(TransactionBehavior::Immediate).doing(doing)?;
    let keys = chunks.iter().map(|chunk| put_chunk(&tx, chunk)).collect::<Result<_, _>>()?;
    tx.commit().doing(doing)?;
    Ok(keys)
}

fn put_chunk(sql: &Connection, new: &Chunk) -> Result<ChunkKey, StoreError> {
    let mut span = (new.first.index(), new.end_index());
    let known = overlapping(sql, new.device, new.first, &mut span)?;
    let merged;
    let chunk = if known.is_empty() && new.blocks.len() < 2 {
        new
    } else {
        merged = merge_all(sql, &known, new)?;
        &merged
    };
    let key = ChunkKey { device: chunk.device, first: chunk.first };
    for old in known.iter().filter(|old| **old != key) {
        run(sql, "DELETE FROM chunk WHERE id = ?1", [old.row()])?;
    }
    let body = chunk.encode().map_err(StoreError::corrupt(name_of(key)))?;
    let sql_text = "INSERT OR REPLACE INTO chunk(id, hours, n, body) VALUES(?1, ?2, ?3, ?4)";
    run(sql, sql_text, (key.row(), chunk.hours, limit(chunk.samples()), body))?;
    Ok(key)
}

/// Keys of the chunks of the same day that share an hour with `span`, which grows to hold them all.
fn overlapping(
    sql: &Connection,
    device: DeviceKey,
    hour: Hour,
    span: &mut (u32, u32),
) -> Result<Vec<ChunkKey>, StoreError> {
    let doing = "look for raw samples";
    let first = row_key(device.number(), hour.day().first_hour().index());
    let text = "SELECT id, hours FROM chunk WHERE id BETWEEN ?1 AND ?1 + 23 ORDER BY id";
    let mut statement = sql.prepare_cached(text).doing(doing)?;
    let rows = statement.query_map([first], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?)));
    let rows = rows.and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>).doing(doing)?;
    let mut found = Vec::new();
    // Growing towards earlier hours can reach a chunk that was passed already, so until nothing grows.
    loop {
        let before = found.len();
        found.clear();
        for &(row, hours) in &rows {
            let (from, to) = (place_of(row), place_of(row) + hours);
            if from < span.1 && span.0 < to {
                *span = (span.0.min(from), span.1.max(to));
                found.push(ChunkKey::from_row(row)?);
            }
        }
        if found.len() == before {
            return Ok(found);
        }
    }
}

fn merge_all(sql: &Connection, known: &[ChunkKey], new: &Chunk) -> Result<Chunk, StoreError> {
    let mut merged: Option<Chunk> = None;
    for key in known {
        let old = read_chunk(sql, *key)?
            .ok_or_else(|| StoreError::Unknown { what: "chunk", name: name_of(*key) })?;
        merged = Some(match merged {
            Some(before) => before.merge(old).map_err(StoreError::corrupt(name_of(*key)))?,
            None => old,
        });
    }
    match merged {
        Some(old) => old.merge(new.clone()).map_err(StoreError::corrupt(format!("hour {}", new.first))),
        None => Ok(new.clone().tidied()),
    }
}

fn read_chunk(sql: &Connection, key: ChunkKey) -> Result<Option<Chunk>, StoreError> {
    let doing = "read raw samples";
    let mut statement = sql.prepare_cached("SELECT body FROM chunk WHERE id = ?1").doing(doing)?;
    let body: Option<Vec<u8>> = statement.query_row([key.row()], |row| row.get(0)).optional().doing(doing)?;
    let decode = |body: Vec<u8>| Chunk::decode(key.device, key.first, &body);
    body.map(decode).transpose().map_err(StoreError::corrupt(name_of(key)))
}

fn run(sql: &Connection, text: &str, params: impl Params) -> Result<usize, StoreError> {
    sql.prepare_cached(text).and_then(|mut statement| statement.execute(params)).doing("write raw samples")
}

fn name_of(key: ChunkKey) -> String {
    format!("chunk of device {} at {}", key.device, key.first)
}

impl Reader {
    /// A chunk by its key; `None` if there is none, or it has become part of another by merging.
    ///
    /// # Errors
    /// If it cannot be read or is damaged.
    pub fn chunk(&self, key: ChunkKey) -> Result<Option<Chunk>, StoreError> {
        Ok(self.months.with(Month::of(key.first), |sql| read_chunk(sql, key))?.flatten())
    }

    /// The chunks of a device that share an hour with `period`, in order. They may hold samples outside of it.
    ///
    /// # Errors
    /// If they cannot be read, one is damaged, or there are more than [`MAX_CHUNKS`].
    pub fn chunks(&self, device: DeviceKey, period: Period) -> Result<Vec<Chunk>, StoreError> {
        let mut chunks = Vec::new();
        self.each_body(device, period, |key, body| {
            if chunks.len() == MAX_CHUNKS {
                return Err(StoreError::TooMany { what: "period", most: MAX_CHUNKS });
            }
            let chunk =
                Chunk::decode(key.device, key.first, body).map_err(StoreError::corrupt(name_of(key)))?;
            chunks.push(chunk);
            Ok(())
        })?;
        Ok(chunks)
    }

    /// Keys of the chunks of a month after `after`, by device and hour, at most `rows`: for a sink that is filled
    /// again.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn chunk_keys(
        &self,
        month: Month,
        after: Option<ChunkKey>,
        rows: usize,
    ) -> Result<Vec<ChunkKey>, StoreError> {
        let doing = "list raw samples";
        let after = after.map_or(-1, ChunkKey::row);
        let found = self.months.with(month, |sql| {
            let text = "SELECT id FROM chunk WHERE id > ?1 ORDER BY id LIMIT ?2";
            let mut statement = sql.prepare_cached(text).doing(doing)?;
            let rows = statement.query_map((after, limit(rows)), |row| row.get::<_, i64>(0)).doing(doing)?;
            rows.collect::<rusqlite::Result<Vec<_>>>().doing(doing)
        })?;
        found.into_iter().flatten().map(ChunkKey::from_row).collect()
    }

    /// The samples of a series in `period`, missing ones included, in the order of time.
    ///
    /// # Errors
    /// If they cannot be read, a chunk is damaged, the series is unknown, or there are more than [`MAX_SAMPLES`].
    pub fn samples(&self, series: SeriesId, period: Period) -> Result<Vec<Sample>, StoreError> {
        let device = self.device_of(series)?;
        let mut samples = Vec::new();
        self.each_body(device, period, |key, body| {
            samples
                .extend(samples_in(key, body, series)?.into_iter().filter(|one| period.contains(one.time)));
            if samples.len() > MAX_SAMPLES {
                return Err(StoreError::TooMany { what: "period", most: MAX_SAMPLES });
            }
            Ok(())
        })?;
        Ok(samples)
    }

    /// The last sample with a value strictly before `instant`; `None` if the nearest 384 chunks have none.
    ///
    /// # Errors
    /// If they cannot be read, a chunk is damaged, or the series is unknown.
    pub fn last_before(&self, series: SeriesId, instant: Timestamp) -> Result<Option<Sample>, StoreError> {
        let device = self.device_of(series)?;
        let key = ChunkKey { device, first: Hour::clamped(instant) };
        let mut months =
            self.months.between(Month::of(Hour::clamped(Timestamp::MIN)), Month::of(key.first))?;
        months.reverse();
        self.search(&months, (key, Direction::Back), |key, body| {
            let mut samples = samples_in(key, body, series)?;
            samples.retain(|one| one.time < instant && one.value.is_ok());
            Ok(samples.pop())
        })
    }

    /// The first sample with a value at or after `instant`; `None` if the nearest 384 chunks have none.
    ///
    /// # Errors
    /// If they cannot be read, a chunk is damaged, or the series is unknown.
    pub fn first_at_or_after(
        &self,
        series: SeriesId,
        instant: Timestamp,
    ) -> Result<Option<Sample>, StoreError> {
        let device = self.device_of(series)?;
        // A chunk that holds the instant may begin up to the start of its day.
        let key = ChunkKey { device, first: Hour::clamped(instant).day().first_hour() };
        let months = self.months.between(Month::of(key.first), Month::of(Hour::clamped(Timestamp::MAX)))?;
        self.search(&months, (key, Direction::Forth), |key, body| {
            let samples = samples_in(key, body, series)?;
            Ok(samples.into_iter().find(|one| one.time >= instant && one.value.is_ok()))
        })
    }

    /// The last sample of a series that has a value; `None` if its newest 384 chunks have none.
    ///
    /// # Errors
    /// If they cannot be read, a chunk is damaged, or the series is unknown.
    pub fn latest(&self, series: SeriesId) -> Result<Option<Sample>, StoreError> {
        self.last_before(series, Timestamp::MAX)
    }

    fn device_of(&self, series: SeriesId) -> Result<DeviceKey, StoreError> {
        let sql = "SELECT device FROM series WHERE id = ?1";
        let found = self.one("find a series", sql, [series], |row| row.get(0))?;
        found.ok_or_else(|| StoreError::Unknown { what: "series", name: series.to_string() })
    }

    /// Runs `take` on the chunks of a device that share an hour with `period`, in order.
    fn each_body(
        &self,
        device: DeviceKey,
        period: Period,
        mut take: impl FnMut(ChunkKey, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if period.is_empty() {
            return Ok(());
        }
        let wanted = (Hour::clamped(period.from), Hour::clamped(period.to.plus_millis(-1)));
        let keys = (
            row_key(device.number(), wanted.0.day().first_hour().index()),
            row_key(device.number(), wanted.1.index()),
        );
        for month in self.months.between(Month::of(wanted.0), Month::of(wanted.1))? {
            self.months.with(month, |sql| {
                each_row(sql, keys, |row, hours, body| {
                    let key = ChunkKey::from_row(row)?;
                    if key.first.index() + hours <= wanted.0.index() { Ok(()) } else { take(key, body) }
                })
            })?;
        }
        Ok(())
    }

    fn search(
        &self,
        months: &[Month],
        (from, direction): (ChunkKey, Direction),
        mut find: impl FnMut(ChunkKey, &[u8]) -> Result<Option<Sample>, StoreError>,
    ) -> Result<Option<Sample>, StoreError> {
        let device = from.device.number();
        let keys = match direction {
            Direction::Back => (row_key(device, 0), from.row()),
            Direction::Forth => (from.row(), row_key(device, u32::MAX >> 8)),
        };
        let mut left = MAX_SEARCH;
        for month in months {
            let found = self.months.with(*month, |sql| direction.search(sql, keys, &mut left, &mut find))?;
            if let Some(Some(sample)) = found {
                return Ok(Some(sample));
            }
            if left == 0 {
                break;
            }
        }
        Ok(None)
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Back,
    Forth,
}

impl Direction {
    fn search(
        self,
        sql: &Connection,
        keys: (i64, i64),
        left: &mut usize,
        find: &mut impl FnMut(ChunkKey, &[u8]) -> Result<Option<Sample>, StoreError>,
    ) -> Result<Option<Sample>, StoreError> {
        let doing = "search raw samples";
        let text = match self {
            Self::Back => "SELECT id, body FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3",
            Self::Forth => "SELECT id, body FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
        };
        let mut statement = sql.prepare_cached(text).doing(doing)?;
        let mut rows = statement.query((keys.0, keys.1, limit(*left))).doing(doing)?;
        while let Some(row) = rows.next().doing(doing)? {
            *left -= 1;
            let key = ChunkKey::from_row(row.get(0).doing(doing)?)?;
            let body = row.get_ref(1).doing(doing)?.as_blob().map_err(rusqlite::Error::from).doing(doing)?;
            if let Some(sample) = find(key, body)? {
                return Ok(Some(sample));
            }
        }
        Ok(None)
    }
}

fn each_row(
    sql: &Connection,
    keys: (i64, i64),
    mut take: impl FnMut(i64, u32, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let doing = "read raw samples";
    let text = "SELECT id, hours, body FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
    let mut statement = sql.prepare_cached(text).doing(doing)?;
    let mut rows = statement.query(keys).doing(doing)?;
    while let Some(row) = rows.next().doing(doing)? {
        let body = row.get_ref(2).doing(doing)?.as_blob().map_err(rusqlite::Error::from).doing(doing)?;
        take(row.get(0).doing(doing)?, row.get(1).doing(doing)?, body)?;
    }
    Ok(())
}

/// The samples of a series in one chunk, in the order of time, one for each instant.
fn samples_in(key: ChunkKey, body: &[u8], series: SeriesId) -> Result<Vec<Sample>, StoreError> {
    let columns = chunk::decode_series(key.device, key.first, body, series);
    let columns: Vec<(Vec<i64>, Column)> =
        columns.map_err(|error: CodecError| StoreError::corrupt(name_of(key))(error))?;
    let several = columns.len() > 1;
    let mut samples = Vec::new();
    for (times, column) in columns {
        samples.extend(times.into_iter().zip(column.rows()).map(|(time, value)| Sample {
            time: Timestamp::from_millis(time),
            version: column.version,
            value,
        }));
    }
    if several {
        // Stable: of two at one instant the one of the earlier block stands first, unless it has no value.
        samples.sort_by_key(|sample| (sample.time, sample.value.is_err()));
        samples.dedup_by_key(|sample| sample.time);
    }
    Ok(samples)
}
