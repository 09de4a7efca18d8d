//! The 96 quarter hours of a UTC day as one blob.
//!
//! ```text
//! 01
//! number of runs; for each: quarter hours, marks (quality 3 bits, method 4, reason 4, amount 1, final 1)
//! the amounts that are there, see amounts.rs
//! CRC-32C, little endian
//! ```

use std::ops::Range;

use model::{Coverage, Energy, IntervalValue, Method, Quality, QuarterHour, Reason};

use super::amounts;
use crate::CodecError;
use crate::bytes::{self, Input, put, put_len};

const LAYOUT: u8 = 1;
/// Quarter hours of a UTC day.
pub(crate) const SLOTS: usize = 96;

const HAS_AMOUNT: u16 = 1 << 11;
const FINAL: u16 = 1 << 12;
const ALL_MARKS: u16 = (1 << 13) - 1;

/// A day of quarter hours, unpacked but not yet judged: marks and amounts apart, so that sums run fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayValues {
    marks: [u16; SLOTS],
    amounts: [i64; SLOTS],
}

impl Default for DayValues {
    fn default() -> Self {
        Self { marks: [0; SLOTS], amounts: [0; SLOTS] }
    }
}

impl DayValues {
    /// The value of a quarter hour; `None` if nothing was ever said of it.
    pub(crate) fn get(&self, slot: usize) -> Option<IntervalValue> {
        let marks = self.marks[slot];
        let quality = Quality::from_number(low_bits(marks, 0, 3))?;
        Some(IntervalValue {
            energy: (marks & HAS_AMOUNT != 0).then(|| Energy::from_milliwatt_hours(self.amounts[slot])),
            quality,
            method: Method::from_number(low_bits(marks, 3, 4)),
            reason: Reason::from_number(low_bits(marks, 7, 4)),
        })
    }

    pub(crate) const fn is_final(&self, slot: usize) -> bool {
        self.marks[slot] & FINAL != 0
    }

    pub(crate) fn set(&mut self, slot: usize, value: IntervalValue, is_final: bool) {
        let number = |number: Option<u8>| u16::from(number.unwrap_or(0));
        self.marks[slot] = u16::from(value.quality.number())
            | number(value.method.map(Method::number)) << 3
            | number(value.reason.map(Reason::number)) << 7
            | if value.energy.is_some() { HAS_AMOUNT } else { 0 }
            | if is_final { FINAL } else { 0 };
        self.amounts[slot] = value.energy.map_or(0, Energy::milliwatt_hours);
    }

    /// Makes a quarter hour what it is in `other`.
    pub(crate) fn copy_slot(&mut self, slot: usize, other: &Self) {
        self.marks[slot] = other.marks[slot];
        self.amounts[slot] = other.amounts[slot];
    }

    pub(crate) fn same_slot(&self, slot: usize, other: &Self) -> bool {
        self.marks[slot] == other.marks[slot] && self.amounts[slot] == other.amounts[slot]
    }

    /// The amounts that are there.
    pub(crate) fn present(&self) -> impl Iterator<Item = i64> + '_ {
        let there = |(marks, amount): (&u16, &i64)| (marks & HAS_AMOUNT != 0).then_some(*amount);
        self.marks.iter().zip(&self.amounts).filter_map(there)
    }

    /// Sum of the amounts of some quarter hours.
    pub(crate) fn sum(&self, slots: Range<usize>) -> i128 {
        // What is not there is 0 here.
        self.amounts[slots].iter().map(|amount| i128::from(*amount)).sum()
    }

    /// Counts some quarter hours by their quality.
    pub(crate) fn count(&self, slots: Range<usize>, coverage: &mut Coverage) {
        for run in self.marks[slots].chunk_by(|a, b| a == b) {
            let Some(quality) = Quality::from_number(low_bits(run[0], 0, 3)) else { continue };
            let mut one = Coverage::default();
            one.count(quality);
            let times = u32::try_from(run.len()).expect("at most 96");
            coverage.measured += one.measured * times;
            coverage.substitute += one.substitute * times;
            coverage.provisional += one.provisional * times;
        }
    }

    /// As a blob for the row `key`.
    pub(crate) fn encode(&self, key: i64) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        let runs: Vec<&[u16]> = self.marks.chunk_by(|a, b| a == b).collect();
        put_len(&mut out, runs.len());
        for run in runs {
            put_len(&mut out, run.len());
            put(&mut out, run[0].into());
        }
        let amounts: Vec<i64> = self.present().collect();
        amounts::write(&amounts, &mut out);
        bytes::seal(key, &mut out);
        out
    }

    pub(crate) fn decode(key: i64, bytes: &[u8]) -> Result<Self, CodecError> {
        let mut day = Self::default();
        day.read(key, bytes)?;
        Ok(day)
    }

    /// Like [`decode`](Self::decode), into what is there.
    pub(crate) fn read(&mut self, key: i64, bytes: &[u8]) -> Result<(), CodecError> {
        let mut input = bytes::unseal(key, bytes)?;
        let layout = input.byte("layout")?;
        if layout != LAYOUT {
            return Err(CodecError::Version { found: layout, known: LAYOUT });
        }
        self.read_marks(&mut input)?;
        self.read_amounts(&mut input)?;
        input.end("intervals")
    }

    fn read_marks(&mut self, input: &mut Input<'_>) -> Result<(), CodecError> {
        let runs = input.bounded("number of runs", SLOTS)?;
        let mut at = 0;
        for _ in 0..runs {
            let len = input.bounded("length of a run", SLOTS - at)?;
            let marks = input.bounded("marks", ALL_MARKS.into())?;
            self.marks[at..at + len].fill(u16::try_from(marks).expect("bounded"));
            at += len;
        }
        if at == SLOTS { Ok(()) } else { Err(CodecError::Short { what: "marks" }) }
    }

    fn read_amounts(&mut self, input: &mut Input<'_>) -> Result<(), CodecError> {
        let count = self.marks.iter().filter(|marks| *marks & HAS_AMOUNT != 0).count();
        let mut packed = [0; SLOTS];
        amounts::read(&mut packed[..count], input)?;
        if count == SLOTS {
            self.amounts = packed;
            return Ok(());
        }
        let mut next = packed.iter();
        for (marks, amount) in self.marks.iter().zip(&mut self.amounts) {
            let there = marks & HAS_AMOUNT != 0;
            *amount = if there { next.next().copied().unwrap_or(0) } else { 0 };
        }
        Ok(())
    }
}

#[allow(clippy::cast_possible_truncation, reason = "at most 4 bits are left")]
const fn low_bits(marks: u16, from: u32, count: u32) -> u8 {
    (marks >> from & ((1 << count) - 1)) as u8
}

/// Copies what a day says into values that begin at `first`, one for each quarter hour.
pub(super) fn copy_into(values: &mut [IntervalValue], first: QuarterHour, day: u32, stored: &DayValues) {
    let offset = i64::from(day) * QuarterHour::PER_DAY - first.index();
    let skip = usize::try_from(-offset).unwrap_or(0);
    let place = usize::try_from(offset).unwrap_or(0);
    let Some(wanted) = values.get_mut(place..) else { return };
    for (slot, value) in (skip..SLOTS).zip(wanted) {
        if let Some(stored) = stored.get(slot) {
            *value = stored;
        }
    }
}
