//! Instants of a block as bytes.
//!
//! Polls are due on a grid, so a block's instants are nearly always a start, a period and a count. Ticks that were not
//! polled are *holes*, answers that came late are *exceptions*. What does not look like a grid is packed as
//! differences.

use super::column;
use crate::CodecError;
use crate::bytes::{Input, put_len, put_signed};
use crate::key::DAY_MS;

const GRID: u8 = 0;
const DIFFERENCES: u8 = 1;

/// More irregular polls than one in this many, and differences are packed instead: an exception takes about 3 bytes, a
/// packed difference about 1.
const WORTH_A_GRID: usize = 4;

pub(super) fn encode(start: i64, times: &[i64]) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    match Grid::of(times) {
        Some(grid) => grid.write(start, &mut out),
        None => write_differences(start, times, &mut out)?,
    }
    Ok(out)
}

pub(super) fn decode(start: i64, rows: usize, bytes: &[u8]) -> Result<Vec<i64>, CodecError> {
    let mut input = Input::new(bytes);
    let times = match input.byte("kind of instants")? {
        GRID => read_grid(start, rows, &mut input)?,
        DIFFERENCES => read_differences(start, rows, &mut input)?,
        other => return Err(CodecError::impossible("kind of instants", other, "0 or 1")),
    };
    if times.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok(times);
    }
    Err(CodecError::impossible("order of instants", 0, "rising"))
}

struct Grid {
    base: i64,
    period: i64,
    /// (row, ticks skipped before it)
    holes: Vec<(usize, i64)>,
    /// (row, milliseconds off its tick)
    exceptions: Vec<(usize, i64)>,
}

impl Grid {
    fn of(times: &[i64]) -> Option<Self> {
        let first = *times.first()?;
        let period = majority(times.windows(2).map(|pair| pair[1] - pair[0])).unwrap_or(1);
        let phase = majority(times.iter().map(|time| time.rem_euclid(period)))?;
        let tick = |time: i64, base: i64| (time - base + period / 2).div_euclid(period);
        let base = phase + tick(first, phase) * period;
        let mut grid = Self { base, period, holes: Vec::new(), exceptions: Vec::new() };
        let mut due = 0;
        for (row, &time) in times.iter().enumerate() {
            let at = tick(time, base);
            if at < due {
                return None;
            }
            if at > due {
                grid.holes.push((row, at - due));
            }
            let off = time - base - at * period;
            if off != 0 {
                grid.exceptions.push((row, off));
            }
            due = at + 1;
        }
        let irregular = grid.holes.len() + grid.exceptions.len();
        (irregular * WORTH_A_GRID <= times.len()).then_some(grid)
    }

    fn write(&self, start: i64, out: &mut Vec<u8>) {
        out.push(GRID);
        put_signed(out, self.base - start);
        put_signed(out, self.period);
        for list in [&self.holes, &self.exceptions] {
            put_len(out, list.len());
            let mut before = 0;
            for &(row, amount) in list {
                put_len(out, row - before);
                put_signed(out, amount);
                before = row;
            }
        }
    }
}

/// The value that more than half of all are, if there is one; otherwise any of them (Boyer and Moore).
fn majority(values: impl Iterator<Item = i64>) -> Option<i64> {
    let mut leader = None;
    let mut votes = 0u32;
    for value in values {
        if votes == 0 {
            leader = Some(value);
        }
        votes = if leader == Some(value) { votes + 1 } else { votes - 1 };
    }
    leader
}

fn read_grid(start: i64, rows: usize, input: &mut Input<'_>) -> Result<Vec<i64>, CodecError> {
    let base = near(start, input.signed("first instant")?)?;
    let period = input.signed("period")?;
    if !(1..=DAY_MS).contains(&period) {
        return Err(CodecError::impossible("period", period, "1 ms to a day"));
    }
    let holes = read_list(rows, input)?;
    let exceptions = read_list(rows, input)?;
    input.end("instants")?;
    let mut times = Vec::with_capacity(rows);
    let mut due = base;
    let mut holes = holes.into_iter().peekable();
    for row in 0..rows {
        if let Some((_, skipped)) = holes.next_if(|hole| hole.0 == row) {
            due = due.saturating_add(skipped.saturating_mul(period));
        }
        times.push(due);
        due = due.saturating_add(period);
    }
    for (row, off) in exceptions {
        let time = times.get_mut(row).ok_or(CodecError::Short { what: "instants" })?;
        *time = time.saturating_add(off);
    }
    Ok(times)
}

fn read_list(rows: usize, input: &mut Input<'_>) -> Result<Vec<(usize, i64)>, CodecError> {
    let len = input.bounded("number of irregular instants", rows)?;
    let mut list = Vec::with_capacity(len);
    let mut row = 0;
    for _ in 0..len {
        row += input.bounded("place of an irregular instant", rows)?;
        list.push((row, input.signed("irregular instant")?));
    }
    Ok(list)
}

fn write_differences(start: i64, times: &[i64], out: &mut Vec<u8>) -> Result<(), CodecError> {
    out.push(DIFFERENCES);
    put_signed(out, times.first().map_or(0, |first| first - start));
    let differences: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    put_len(out, differences.len());
    column::pack_integers(&differences, out)
}

fn read_differences(start: i64, rows: usize, input: &mut Input<'_>) -> Result<Vec<i64>, CodecError> {
    let mut time = near(start, input.signed("first instant")?)?;
    let count = input.bounded("number of instants", rows)?;
    if count != rows.saturating_sub(1) {
        return Err(CodecError::impossible("number of instants", count as u64, "one less than rows"));
    }
    let differences = column::unpack_integers(count, input.rest())?;
    let mut times = Vec::with_capacity(rows);
    times.extend((rows > 0).then_some(time));
    for difference in differences {
        time = time.saturating_add(difference);
        times.push(time);
    }
    Ok(times)
}

/// An instant not further from the chunk's start than any can be.
fn near(start: i64, offset: i64) -> Result<i64, CodecError> {
    if offset.abs() <= 2 * DAY_MS {
        return Ok(start + offset);
    }
    Err(CodecError::impossible("first instant", offset, "within two days of the chunk"))
}
