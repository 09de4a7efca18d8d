//! The log of changes: what sinks, federation and caches follow.

use serde::{Deserialize, Serialize};

use crate::key::{owner_of, place_of, row_key};
use crate::tx::limit;
use crate::{ChangeSeq, ChunkKey, Core, Day, DeviceKey, Hour, IntervalSeriesId, StoreError, Tx};

/// Something that became final, and its place in the order of all such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Its place.
    pub seq: ChangeSeq,
    /// What.
    pub what: Changed,
}

/// What changed. Read it from the record: the state there is this one or a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Changed {
    /// Quarter hours of a UTC day became final, or final ones were revised.
    Intervals {
        /// The series.
        series: IntervalSeriesId,
        /// The day.
        day: Day,
        /// The revision, from 0.
        revision: u32,
    },
    /// A chunk of raw samples was written. It may have become part of another since; that one has its own entry.
    Chunk {
        /// The device.
        device: DeviceKey,
        /// The first hour.
        first: Hour,
    },
    /// A document got a new version.
    Document {
        /// Row number of the version, see [`Core::document_by_number`].
        number: i64,
        /// The version.
        version: u32,
    },
    /// A report was sealed.
    Report {
        /// Row number, see [`Core::report_by_number`].
        number: i64,
        /// Its revision.
        revision: u32,
    },
}

impl Changed {
    pub(crate) fn intervals(key: i64, revision: u32) -> Result<Self, StoreError> {
        let series = IntervalSeriesId::new(owner_of(key)?);
        Ok(Self::Intervals { series, day: Day::from_index(i64::from(place_of(key)))?, revision })
    }

    /// (kind, id, rev) as on disk; kinds are never reused.
    const fn row(self) -> (u8, i64, u32) {
        match self {
            Self::Intervals { series, day, revision } => (1, row_key(series.number(), day.index()), revision),
            Self::Chunk { device, first } => (2, row_key(device.number(), first.index()), 0),
            Self::Document { number, version } => (3, number, version),
            Self::Report { number, revision } => (4, number, revision),
        }
    }

    fn from_row((kind, id, rev): (u8, i64, u32)) -> Result<Self, StoreError> {
        match kind {
            1 => Self::intervals(id, rev),
            2 => ChunkKey::from_row(id).map(|key| Self::Chunk { device: key.device, first: key.first }),
            3 => Ok(Self::Document { number: id, version: rev }),
            4 => Ok(Self::Report { number: id, revision: rev }),
            other => Err(StoreError::OutOfRange {
                what: "kind of a change",
                found: other.into(),
                expected: "1 to 4",
            }),
        }
    }
}

impl Tx<'_> {
    pub(crate) fn note(&self, what: Changed) -> Result<(), StoreError> {
        let sql = "INSERT INTO change(kind, id, rev) VALUES(?1, ?2, ?3)";
        self.run("log a change", sql, what.row()).map(drop)
    }

    /// Forgets changes up to and including `through`, once every sink is past them. Returns how many there were.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn forget_changes(&self, through: ChangeSeq) -> Result<usize, StoreError> {
        self.run("forget changes", "DELETE FROM change WHERE seq <= ?1", [through])
    }
}

impl Core {
    /// Changes after `after`, oldest first, at most `rows`.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn change_after(&self, after: ChangeSeq, rows: usize) -> Result<Vec<Change>, StoreError> {
        let sql = "SELECT seq, kind, id, rev FROM change WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        let rows = self.all("read changes", sql, (after, limit(rows)), |row| {
            Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
        })?;
        rows.into_iter().map(|(seq, row)| Ok(Change { seq, what: Changed::from_row(row)? })).collect()
    }

    /// Place of the newest change; 0 if there was none yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn last_change(&self) -> Result<ChangeSeq, StoreError> {
        let sql = "SELECT coalesce(max(seq), 0) FROM change";
        Ok(self.one("read changes", sql, [], |row| row.get(0))?.unwrap_or(ChangeSeq::new(0)))
    }
}
