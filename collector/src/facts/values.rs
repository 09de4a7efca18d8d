//! The record as `accounting` wants it.

use accounting::{PointValues, Record, SeriesKey};
use model::{IntervalValue, MeterPointId, Period, QuarterHour, SiteId, Timestamp};
use store::{Core, IntervalSubject, StoreError};

/// A quarter hour is expected to be in the record this long after its end: the reading after it, the way to the
/// collector and a checkpoint take two minutes, a few more are left for a slow line.
const SETTLED_MS: i64 = 300_000;

/// The quarter-hour values of one site.
#[derive(Debug)]
pub struct SiteRecord<'c> {
    core: &'c Core,
    site: &'c SiteId,
    /// Highest number of revisions among the series that were read.
    revisions: usize,
}

impl<'c> SiteRecord<'c> {
    /// Of a site.
    pub const fn new(core: &'c Core, site: &'c SiteId) -> Self {
        Self { core, site, revisions: 0 }
    }

    /// Revision of the values that were read, from 1: rises with every correction of any of them.
    pub fn revision(&self) -> u32 {
        u32::try_from(self.revisions).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn values(&mut self, subject: &IntervalSubject, span: Period) -> Result<Vec<IntervalValue>, StoreError> {
        let Some(id) = self.core.find_interval_series(subject)? else { return Ok(Vec::new()) };
        self.revisions += self.core.revisions(id, span)?.len();
        self.core.intervals(id, span)
    }
}

impl Record for SiteRecord<'_> {
    type Error = StoreError;

    fn series(&mut self, key: &SeriesKey, span: Period) -> Result<Vec<IntervalValue>, StoreError> {
        let found = self.core.find_series(self.site, &key.device, key.quantity, &key.channel)?;
        match found {
            Some(series) => self.values(&IntervalSubject::Register(series.id), span),
            None => Ok(Vec::new()),
        }
    }

    fn imported(&mut self, point: &MeterPointId, span: Period) -> Result<Vec<IntervalValue>, StoreError> {
        self.values(&IntervalSubject::MeterPoint { site: self.site.clone(), point: point.clone() }, span)
    }
}

/// The last quarter hour boundary up to which values are to be expected at an instant.
pub fn covered_to(now: Timestamp) -> Timestamp {
    now.plus_millis(-SETTLED_MS).quarter().start()
}

/// The part of values that lies in a shorter span than they were evaluated for.
pub(super) fn slice(points: &[PointValues], whole: Period, part: Period) -> Vec<PointValues> {
    let first = QuarterHour::at_or_after(whole.from).index();
    let index = |instant| usize::try_from(QuarterHour::at_or_after(instant).index() - first).unwrap_or(0);
    let range = index(part.from)..index(part.to);
    let cut = |point: &PointValues| {
        let values = point.values.get(range.clone()).unwrap_or_default().to_vec();
        // Class errors scale with what was measured, so the part's share of the uncertainty is that of its sum.
        let relative = point.relative_uncertainty();
        let total = accounting::total_of(&values);
        let standard_uncertainty = relative.map(|share| share * (total as f64).abs()).or_else(|| {
            (accounting::total_of(&point.values) == 0).then_some(point.standard_uncertainty).flatten()
        });
        PointValues { values, standard_uncertainty, ..point.clone() }
    };
    points.iter().map(cut).collect()
}
