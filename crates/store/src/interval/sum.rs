//! Sums over months and years, without a value for each quarter hour in between.

use model::{Coverage, Energy, Period, QuarterHour};

use super::MAX_QUARTERS;
use crate::{Core, IntervalSeriesId, StoreError};

/// Energy of a period and how well it is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntervalSum {
    /// The period.
    pub period: Period,
    /// Sum of the amounts that are there, whatever their quality; zero if there is none: look at the coverage.
    pub energy: Energy,
    /// How many quarter hours are covered.
    pub coverage: Coverage,
}

impl Core {
    /// Sum of each of `periods`, which must follow each other: the months of a year. A year of 500 series by month
    /// takes 0.2 s of CPU time.
    ///
    /// # Errors
    /// If they cannot be read, a day is damaged, a period begins before the one before it ends, all together are
    /// longer than [`MAX_QUARTERS`], or a sum does not fit 64 bits.
    pub fn interval_sums(
        &self,
        id: IntervalSeriesId,
        periods: &[Period],
    ) -> Result<Vec<IntervalSum>, StoreError> {
        let mut sums = periods.iter().map(Running::new).collect::<Vec<_>>();
        let all = check(periods)?;
        let mut current = 0;
        self.each_day(id, all, |day, stored| {
            let start = i64::from(day) * QuarterHour::PER_DAY;
            while sums.get(current).is_some_and(|sum| sum.end <= start) {
                current += 1;
            }
            for sum in
                sums.iter_mut().skip(current).take_while(|sum| sum.first < start + QuarterHour::PER_DAY)
            {
                sum.add(start, stored);
            }
            Ok(())
        })?;
        sums.into_iter().map(Running::finish).collect()
    }
}

fn check(periods: &[Period]) -> Result<Period, StoreError> {
    let all = match (periods.first(), periods.last()) {
        (Some(first), Some(last)) => Period::new(first.from, last.to),
        _ => Period::new(model::Timestamp::from_millis(0), model::Timestamp::from_millis(0)),
    };
    if periods.windows(2).any(|pair| pair[1].from < pair[0].to) {
        return Err(StoreError::Refused {
            what: "sums of periods".to_owned(),
            why: "they overlap or are not in order",
        });
    }
    if all.quarter_count() > MAX_QUARTERS {
        return Err(StoreError::TooMany { what: "period", most: MAX_QUARTERS });
    }
    Ok(all)
}

/// A sum that is being made; its bounds are numbers of quarter hours.
struct Running {
    period: Period,
    first: i64,
    end: i64,
    energy: i128,
    coverage: Coverage,
}

impl Running {
    fn new(period: &Period) -> Self {
        let first = QuarterHour::at_or_after(period.from).index();
        let end = QuarterHour::at_or_after(period.to).index().max(first);
        let expected = u32::try_from(end - first).unwrap_or(u32::MAX);
        Self { period: *period, first, end, energy: 0, coverage: Coverage::none_of(expected) }
    }

    fn add(&mut self, start: i64, day: &super::DayValues) {
        let slot =
            |quarter: i64| usize::try_from((quarter - start).clamp(0, QuarterHour::PER_DAY)).unwrap_or(0);
        let slots = slot(self.first)..slot(self.end);
        day.count(slots.clone(), &mut self.coverage);
        self.energy += day.sum(slots);
    }

    fn finish(self) -> Result<IntervalSum, StoreError> {
        let energy = i64::try_from(self.energy).map_err(|_| StoreError::OutOfRange {
            what: "sum of a period in mWh",
            found: self.energy,
            expected: "64 bits",
        })?;
        let energy = Energy::from_milliwatt_hours(energy);
        Ok(IntervalSum { period: self.period, energy, coverage: self.coverage })
    }
}
