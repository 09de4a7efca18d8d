//! Writing quarter hours: in place while open, as a revision once final.

use model::{IntervalValue, QuarterHour, Timestamp};

use super::day::SLOTS;
use super::{DayValues, day_name};
use crate::key::{Day, row_key};
use crate::{Changed, ImportNumber, IntervalSeriesId, StoreError, Tx};

/// Whether values may still change without a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// The hour is open or its grace is not over.
    Open,
    /// From now on a change is a revision.
    Final,
}

/// Why values are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// When.
    pub at: Timestamp,
    /// In words; stands beside the old state when final values change.
    pub why: String,
    /// The import, which can then be undone.
    pub import: Option<ImportNumber>,
}

/// What writing did, in quarter hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PutIntervals {
    /// Written: new, open ones rewritten, or made final.
    pub written: u32,
    /// Final ones that were changed, of the written.
    pub revised: u32,
    /// Left as they were, since they said the same already.
    pub unchanged: u32,
    /// Left as they were, since an open value never replaces a final one.
    pub refused: u32,
}

/// What undoing an import did, in quarter hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Undone {
    /// As they were before the import again.
    pub restored: u32,
    /// Left, since something else has changed them after the import.
    pub kept: u32,
}

/// A day on its way from what it was to what it will be.
struct DayChange {
    key: i64,
    /// Revision and values that are there.
    old: Option<(u32, DayValues)>,
    new: DayValues,
    /// A final value changed.
    revised: bool,
    /// A value became final, or a final one changed.
    published: bool,
}

impl Tx<'_> {
    /// Writes the values of successive quarter hours from `first` on; `None` leaves a quarter hour as it is. When a
    /// value that was final changes, the old day is kept as a revision. Days with new or changed final values are
    /// appended to the log of changes.
    ///
    /// # Errors
    /// If the record cannot be written, a day is damaged, a day's sum does not fit 64 bits, or the quarter hours lie
    /// before 1970.
    pub fn put_intervals(
        &self,
        id: IntervalSeriesId,
        first: QuarterHour,
        values: &[Option<IntervalValue>],
        (finality, cause): (Finality, &Cause),
    ) -> Result<PutIntervals, StoreError> {
        let mut done = PutIntervals::default();
        let mut quarter = first;
        let mut rest = values;
        while !rest.is_empty() {
            let (day, later) = rest.split_at(rest.len().min(SLOTS - quarter.slot()));
            let mut change = self.day_change(id, quarter.start())?;
            for (slot, value) in (quarter.slot()..).zip(day) {
                if let Some(value) = value {
                    change.put(slot, *value, finality, &mut done);
                }
            }
            self.write_day(&change, cause)?;
            quarter = QuarterHour::from_index((quarter.utc_day() + 1) * QuarterHour::PER_DAY);
            rest = later;
        }
        Ok(done)
    }

    fn day_change(&self, id: IntervalSeriesId, instant: Timestamp) -> Result<DayChange, StoreError> {
        self.day_change_at(row_key(id.number(), Day::of(instant)?.index()))
    }

    fn day_change_at(&self, key: i64) -> Result<DayChange, StoreError> {
        let sql = "SELECT rev, body FROM iv_day WHERE id = ?1";
        let row =
            self.one("read intervals", sql, [key], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let decode = |(rev, body): (u32, Vec<u8>)| Ok((rev, DayValues::decode(key, &body)?));
        let old = row.map(decode).transpose().map_err(StoreError::corrupt(day_name(key)))?;
        let new = old.as_ref().map(|(_, values)| values.clone()).unwrap_or_default();
        Ok(DayChange { key, old, new, revised: false, published: false })
    }

    fn write_day(&self, change: &DayChange, cause: &Cause) -> Result<(), StoreError> {
        let key = change.key;
        if change.old.as_ref().is_some_and(|(_, old)| *old == change.new) {
            return Ok(());
        }
        if change.old.is_none() && change.new == DayValues::default() {
            return Ok(());
        }
        let rev = match &change.old {
            Some((rev, old)) if change.revised => {
                let sql = "INSERT INTO iv_rev(id, rev, at_ms, why, old) VALUES(?1, ?2, ?3, ?4, ?5)";
                let values = (key, rev, cause.at.millis(), &cause.why, old.encode(key));
                self.run("keep a revision", sql, values)?;
                rev + 1
            }
            Some((rev, _)) => *rev,
            None => 0,
        };
        self.replace_day(key, rev, &change.new)?;
        if let Some(import) = cause.import {
            self.remember_import(import, change)?;
        }
        if change.published {
            self.note(Changed::intervals(key, rev)?)?;
        }
        Ok(())
    }

    fn replace_day(&self, key: i64, rev: u32, new: &DayValues) -> Result<(), StoreError> {
        let sum: i128 = new.present().map(i128::from).sum();
        let sum = i64::try_from(sum).map_err(|_| StoreError::OutOfRange {
            what: "sum of a day in mWh",
            found: sum,
            expected: "64 bits",
        })?;
        let (n, min, max) = (new.present().count(), new.present().min(), new.present().max());
        let sql = "INSERT INTO iv_day(id, n, sum, min, max, rev, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT DO UPDATE SET n = excluded.n, sum = excluded.sum, min = excluded.min,
              max = excluded.max, rev = excluded.rev, body = excluded.body";
        let values = (key, crate::tx::limit(n), sum, min, max, rev, new.encode(key));
        self.run("write intervals", sql, values).map(drop)
    }

    fn remember_import(&self, import: ImportNumber, change: &DayChange) -> Result<(), StoreError> {
        let sql = "INSERT INTO import_day(import, id, old, new) VALUES(?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET new = excluded.new";
        let old = change.old.as_ref().map(|(_, old)| old.encode(change.key));
        self.run("remember an import", sql, (import, change.key, old, change.new.encode(change.key)))
            .map(drop)
    }

    /// Puts back what an import of intervals changed, as revisions, and marks the import as undone. What was changed
    /// again after the import is left.
    ///
    /// # Errors
    /// If there is no such import, it is undone already, a day is damaged, or the record cannot be written.
    pub fn undo_import(&self, number: ImportNumber, cause: &Cause) -> Result<Undone, StoreError> {
        self.mark_undone(number, cause.at)?;
        let sql = "SELECT id, old, new FROM import_day WHERE import = ?1 ORDER BY id";
        let days = self.all("read an import", sql, [number], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<Vec<u8>>>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        let mut undone = Undone::default();
        for (key, before, after) in days {
            let decode = |body: &[u8]| {
                DayValues::decode(key, body)
                    .map_err(StoreError::corrupt(format!("import {number}, {}", day_name(key))))
            };
            let before = before.as_deref().map_or_else(|| Ok(DayValues::default()), decode)?;
            let mut change = self.day_change_at(key)?;
            change.undo(&before, &decode(&after)?, &mut undone);
            self.write_day(&change, &Cause { import: None, ..cause.clone() })?;
        }
        Ok(undone)
    }
}

impl DayChange {
    fn put(&mut self, slot: usize, value: IntervalValue, finality: Finality, done: &mut PutIntervals) {
        let was_final = self.new.is_final(slot);
        let is_final = was_final || finality == Finality::Final;
        let same_value = self.new.get(slot) == Some(value);
        if same_value && was_final == is_final {
            done.unchanged += 1;
        } else if was_final && finality == Finality::Open {
            done.refused += 1;
        } else {
            self.new.set(slot, value, is_final);
            self.published |= is_final;
            self.revised |= was_final;
            done.written += 1;
            done.revised += u32::from(was_final);
        }
    }

    fn undo(&mut self, before: &DayValues, after: &DayValues, undone: &mut Undone) {
        for slot in (0..SLOTS).filter(|slot| !before.same_slot(*slot, after)) {
            if self.new.same_slot(slot, after) {
                self.new.copy_slot(slot, before);
                self.revised |= after.is_final(slot);
                self.published |= after.is_final(slot);
                undone.restored += 1;
            } else {
                undone.kept += 1;
            }
        }
    }
}
