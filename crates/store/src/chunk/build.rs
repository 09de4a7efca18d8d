//! Rows to columns and back.

use model::{Encoding, Missing, Raw, Timestamp};

use super::{Block, Column, MAX_ROWS, MissingRun, Values};
use crate::SeriesId;

/// A poll that does not fit into a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// Not one value for each series.
    #[error("a poll brought {found} values, its group has {expected} series")]
    Width {
        /// Values that came.
        found: usize,
        /// Series of the block.
        expected: usize,
    },
    /// The block is full.
    #[error("a block of {MAX_ROWS} polls is full")]
    Full,
}

/// Collects polls of one group into a block.
#[derive(Debug, Clone)]
pub struct BlockBuilder {
    block: Block,
    sorted: bool,
    mistaken: u64,
}

impl BlockBuilder {
    /// A builder for polls whose values are of these series (number, version of the descriptor, encoding), in this
    /// order.
    pub fn new(series: &[(SeriesId, u16, Encoding)]) -> Self {
        let column = |&(series, version, encoding)| Column {
            series,
            version,
            values: Values::new(encoding),
            missing: Vec::new(),
        };
        let columns = series.iter().map(column).collect();
        Self { block: Block { times: Vec::new(), columns }, sorted: true, mistaken: 0 }
    }

    /// Adds a poll. Polls may come in any order; of two at one instant, the value that came first counts. A value of
    /// another kind than its series has becomes [`Missing::Nonsense`] and is [counted](Self::mistaken).
    ///
    /// # Errors
    /// If there is not one value for each series, or the block is full.
    pub fn push(&mut self, time: Timestamp, values: &[Result<Raw, Missing>]) -> Result<(), ShapeError> {
        if values.len() != self.block.columns.len() {
            return Err(ShapeError::Width { found: values.len(), expected: self.block.columns.len() });
        }
        let place = self.block.times.len();
        let row = u32::try_from(place).ok().filter(|_| place < MAX_ROWS).ok_or(ShapeError::Full)?;
        self.sorted &= self.block.times.last().is_none_or(|last| *last < time.millis());
        self.block.times.push(time.millis());
        for (column, value) in self.block.columns.iter_mut().zip(values) {
            self.mistaken += u64::from(column.push(row, *value));
        }
        Ok(())
    }

    /// Values that were of another kind than their series.
    pub const fn mistaken(&self) -> u64 {
        self.mistaken
    }

    /// Polls so far.
    pub fn len(&self) -> usize {
        self.block.times.len()
    }

    /// Is there none yet?
    pub fn is_empty(&self) -> bool {
        self.block.times.is_empty()
    }

    /// The block, in the order of time.
    pub fn finish(self) -> Block {
        if self.sorted { self.block } else { super::merge::in_order(&self.block) }
    }
}

impl Column {
    /// Appends a value for row `row`; says 1 if it was of the wrong kind.
    pub(super) fn push(&mut self, row: u32, value: Result<Raw, Missing>) -> u8 {
        match (&mut self.values, value) {
            (Values::Integer(values), Ok(Raw::Integer(value))) => values.push(value),
            (Values::Float32(values), Ok(Raw::Float32(value))) => values.push(value),
            (Values::Float64(values), Ok(Raw::Float64(value))) => values.push(value),
            (_, Err(reason)) => self.push_missing(row, reason),
            (_, Ok(_)) => {
                self.push_missing(row, Missing::Nonsense);
                return 1;
            }
        }
        0
    }

    fn push_missing(&mut self, row: u32, reason: Missing) {
        match self.missing.last_mut() {
            Some(run) if run.reason == reason && run.first + run.count == row => run.count += 1,
            _ => self.missing.push(MissingRun { first: row, count: 1, reason }),
        }
    }

    /// The same column without values.
    pub(super) fn emptied(&self) -> Self {
        Self {
            series: self.series,
            version: self.version,
            values: Values::new(self.encoding()),
            missing: Vec::new(),
        }
    }
}

/// Walks over a column in the order of its block's times.
#[derive(Debug)]
pub(super) struct Rows<'c> {
    column: &'c Column,
    row: u32,
    value: usize,
    run: usize,
}

impl<'c> Rows<'c> {
    pub(super) fn new(column: &'c Column) -> Self {
        Self { column, row: 0, value: 0, run: 0 }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Raw, Missing>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row;
        self.row += 1;
        if let Some(run) = self.column.missing.get(self.run)
            && run.first <= row
        {
            if run.first + run.count == row + 1 {
                self.run += 1;
            }
            return Some(Err(run.reason));
        }
        let value = self.column.values.get(self.value)?;
        self.value += 1;
        Some(Ok(value))
    }
}
