//! Quarter-hour energy: one blob for each series and UTC day, rewritten while open, revised once final.

mod amounts;
mod day;
mod put;
mod sum;

use model::{IntervalValue, MeterPointId, Period, QuarterHour, SiteId, Timestamp};

pub use put::{Cause, Finality, PutIntervals, Undone};
pub use sum::IntervalSum;

pub(crate) use day::{DayValues, SLOTS};

use crate::error::Doing;
use crate::key::{Day, place_of, row_key};
use crate::registry::row_number;
use crate::tx::{instant, parsed};
use crate::{Core, IntervalSeriesId, SeriesId, StoreError, Tx};

/// Most quarter hours that one call returns: 30 years.
pub const MAX_QUARTERS: usize = 1_051_968;

/// What a series of quarter-hour values belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntervalSubject {
    /// A register: energy counted by it, on its own side of the transformers.
    Register(SeriesId),
    /// A meter point that is fed by import.
    MeterPoint {
        /// Its site.
        site: SiteId,
        /// Its id at the site.
        point: MeterPointId,
    },
}

/// A state of a day of quarter hours that was replaced later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The UTC day.
    pub day: Day,
    /// Number of the replaced state, from 0.
    pub revision: u32,
    /// When it was replaced.
    pub replaced: Timestamp,
    /// Why.
    pub why: String,
}

impl Tx<'_> {
    /// Number of the interval series of a subject; makes a row when it is new.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn interval_series(&self, subject: &IntervalSubject) -> Result<IntervalSeriesId, StoreError> {
        if let Some(id) = self.find_interval_series(subject)? {
            return Ok(id);
        }
        let sql = "INSERT INTO iv_series(series, site, point) VALUES(?1, ?2, ?3)";
        let doing = "add an interval series";
        let id = match subject {
            IntervalSubject::Register(series) => {
                self.insert(doing, sql, (series, None::<&str>, None::<&str>))?
            }
            IntervalSubject::MeterPoint { site, point } => {
                self.insert(doing, sql, (None::<u32>, site.as_str(), point.as_str()))?
            }
        };
        Ok(IntervalSeriesId::new(row_number("interval series", id)?))
    }
}

impl Core {
    /// Number of the interval series of a subject; `None` if there never was a value.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn find_interval_series(
        &self,
        subject: &IntervalSubject,
    ) -> Result<Option<IntervalSeriesId>, StoreError> {
        let doing = "find an interval series";
        match subject {
            IntervalSubject::Register(series) => {
                self.one(doing, "SELECT id FROM iv_series WHERE series = ?1", [series], |row| row.get(0))
            }
            IntervalSubject::MeterPoint { site, point } => {
                let sql = "SELECT id FROM iv_series WHERE site = ?1 AND point = ?2";
                self.one(doing, sql, (site.as_str(), point.as_str()), |row| row.get(0))
            }
        }
    }

    /// What an interval series belongs to.
    ///
    /// # Errors
    /// If the record cannot be read, or there is no such series.
    pub fn interval_subject(&self, id: IntervalSeriesId) -> Result<IntervalSubject, StoreError> {
        let sql = "SELECT series, site, point FROM iv_series WHERE id = ?1";
        let found = self.one("read an interval series", sql, [id], |row| {
            Ok(match row.get(0)? {
                Some(series) => IntervalSubject::Register(series),
                None => IntervalSubject::MeterPoint { site: parsed(row, 1)?, point: parsed(row, 2)? },
            })
        })?;
        found.ok_or_else(|| StoreError::Unknown { what: "interval series", name: id.to_string() })
    }

    /// The imported meter points of a site.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn imported_points(
        &self,
        site: &SiteId,
    ) -> Result<Vec<(MeterPointId, IntervalSeriesId)>, StoreError> {
        let sql = "SELECT point, id FROM iv_series WHERE site = ?1 ORDER BY point";
        self.all("list imported meter points", sql, [site.as_str()], |row| Ok((parsed(row, 0)?, row.get(1)?)))
    }

    /// The quarter hours that start in `period`, one value for each in order; what is not there is
    /// [`IntervalValue::missing`] without a reason.
    ///
    /// # Errors
    /// If they cannot be read, a day is damaged, or the period is longer than [`MAX_QUARTERS`].
    pub fn intervals(&self, id: IntervalSeriesId, period: Period) -> Result<Vec<IntervalValue>, StoreError> {
        let mut values = frame(period)?;
        let Some(first) = period.quarters().next() else { return Ok(values) };
        self.each_day(id, period, |day, stored| {
            day::copy_into(&mut values, first, day, stored);
            Ok(())
        })?;
        Ok(values)
    }

    /// Like [`intervals`](Self::intervals), as the record stood at `at`: revisions made after it are left out.
    ///
    /// # Errors
    /// As [`intervals`](Self::intervals).
    pub fn intervals_as_of(
        &self,
        id: IntervalSeriesId,
        period: Period,
        at: Timestamp,
    ) -> Result<Vec<IntervalValue>, StoreError> {
        let mut values = self.intervals(id, period)?;
        let Some(first) = period.quarters().next() else { return Ok(values) };
        let (from, to) = keys(id, period);
        // The oldest state that was replaced after `at` is the one that stood at `at`.
        let sql =
            "SELECT id, old, min(rev) FROM iv_rev WHERE id BETWEEN ?1 AND ?2 AND at_ms > ?3 GROUP BY id";
        let days = self.all("read revisions", sql, (from, to, at.millis()), |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        for (key, body) in days {
            let stored = DayValues::decode(key, &body).map_err(StoreError::corrupt(day_name(key)))?;
            day::copy_into(&mut values, first, place_of(key), &stored);
        }
        Ok(values)
    }

    /// Revisions of the days that share a quarter hour with `period`, by day and number.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn revisions(&self, id: IntervalSeriesId, period: Period) -> Result<Vec<Revision>, StoreError> {
        if period.quarter_count() == 0 {
            return Ok(Vec::new());
        }
        let sql = "SELECT id, rev, at_ms, why FROM iv_rev WHERE id BETWEEN ?1 AND ?2 ORDER BY id, rev";
        let rows = self.all("read revisions", sql, keys(id, period), |row| {
            Ok((row.get::<_, i64>(0)?, row.get(1)?, instant(row, 2)?, row.get(3)?))
        })?;
        let revision = |(key, revision, replaced, why)| {
            Ok(Revision { day: Day::from_index(i64::from(place_of(key)))?, revision, replaced, why })
        };
        rows.into_iter().map(revision).collect()
    }

    /// The first and the last UTC day of which a series has anything.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn interval_span(&self, id: IntervalSeriesId) -> Result<Option<(Day, Day)>, StoreError> {
        let sql = "SELECT min(id), max(id) FROM iv_day WHERE id BETWEEN ?1 AND ?2";
        let all = (row_key(id.number(), 0), row_key(id.number(), u32::MAX >> 8));
        let span = self.one("look for intervals", sql, all, |row| {
            Ok(row.get::<_, Option<i64>>(0)?.zip(row.get::<_, Option<i64>>(1)?))
        })?;
        let day = |key| Day::from_index(i64::from(place_of(key)));
        span.flatten().map(|(first, last)| Ok((day(first)?, day(last)?))).transpose()
    }

    /// Runs `take` on each stored day that shares a quarter hour with `period`, in order.
    fn each_day(
        &self,
        id: IntervalSeriesId,
        period: Period,
        mut take: impl FnMut(u32, &DayValues) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if period.quarter_count() == 0 {
            return Ok(());
        }
        let doing = "read intervals";
        let sql = "SELECT id, body FROM iv_day WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
        let mut statement = self.sql.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query(keys(id, period)).doing(doing)?;
        let mut stored = DayValues::default();
        while let Some(row) = rows.next().doing(doing)? {
            let key: i64 = row.get(0).doing(doing)?;
            let body = row.get_ref(1).doing(doing)?.as_blob().map_err(rusqlite::Error::from).doing(doing)?;
            stored.read(key, body).map_err(StoreError::corrupt(day_name(key)))?;
            take(place_of(key), &stored)?;
        }
        Ok(())
    }
}

fn frame(period: Period) -> Result<Vec<IntervalValue>, StoreError> {
    let count = period.quarter_count();
    if count > MAX_QUARTERS {
        return Err(StoreError::TooMany { what: "period", most: MAX_QUARTERS });
    }
    Ok(vec![IntervalValue::missing(None); count])
}

/// Row keys of the first and the last day that share a quarter hour with `period`.
fn keys(id: IntervalSeriesId, period: Period) -> (i64, i64) {
    let last = QuarterHour::at_or_after(period.to).index() - 1;
    let day = |quarter: QuarterHour| Day::clamped(quarter.start()).index();
    let from = day(QuarterHour::at_or_after(period.from));
    let to = day(QuarterHour::from_index(last));
    (row_key(id.number(), from), row_key(id.number(), to))
}

pub(crate) fn day_name(key: i64) -> String {
    let day =
        Day::from_index(i64::from(place_of(key))).map_or_else(|_| "?".to_owned(), |day| day.to_string());
    format!("intervals of series {} on {day}", key >> 24)
}

#[cfg(test)]
mod tests;
