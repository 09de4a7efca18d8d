//! Quarter hours counted again from raw samples, because some of them came late.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use accounting::{Reading, RegisterSpec, settle};
use model::{Decimal, IntervalValue, Period, QuarterHour, Raw, SeriesDescriptor, Timestamp};
use store::{Reader, Sample, SeriesId, StoreError};

/// So much is read and counted at once: a register that is read each second has 2.7 million samples in it.
const WINDOW_MS: i64 = 31 * 86_400_000;

/// A register and the instants between which samples came late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recount {
    pub(super) series: SeriesId,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

type Values = Vec<(QuarterHour, IntervalValue)>;

impl Recount {
    /// What the quarter hours around the late samples are now. A quarter hour that the raw samples do not reach, since
    /// they are past their time, is left as it is.
    pub(super) fn values(&self, reader: &Reader) -> Result<Vec<(SeriesId, Values)>, StoreError> {
        let mut all = Vec::new();
        let mut from = self.start(reader)?;
        let to = self.end(reader)?;
        while from < to {
            let until = from.plus_millis(WINDOW_MS).min(to);
            let span = Period::new(from, until);
            all.push((self.series, self.window(reader, span)?));
            from = until;
        }
        Ok(all)
    }

    /// The rise to a late sample begins at the one before it.
    fn start(&self, reader: &Reader) -> Result<Timestamp, StoreError> {
        let before = reader.last_before(self.series, self.from)?.map_or(self.from, |sample| sample.time);
        Ok(before.quarter().start())
    }

    fn end(&self, reader: &Reader) -> Result<Timestamp, StoreError> {
        let after = reader.first_at_or_after(self.series, self.to.plus_millis(1))?;
        Ok(after.map_or(self.to, |sample| sample.time).quarter().end())
    }

    fn window(&self, reader: &Reader, span: Period) -> Result<Values, StoreError> {
        let mut samples: Vec<Sample> = reader.last_before(self.series, span.from)?.into_iter().collect();
        samples.extend(reader.samples(self.series, span)?);
        samples.extend(reader.first_at_or_after(self.series, span.to)?);
        let mut descriptors = BTreeMap::new();
        for sample in &samples {
            if let Entry::Vacant(new) = descriptors.entry(sample.version) {
                new.insert(reader.descriptor(self.series, sample.version)?);
            }
        }
        let Some(finest) = descriptors.values().min_by_key(|descriptor| descriptor.exponent) else {
            return Ok(Values::new());
        };
        let period_ms = period_of(&samples);
        let Ok(spec) = RegisterSpec::of_series(finest, period_ms) else { return Ok(Values::new()) };
        let reading = |sample: &Sample| {
            let state = at_exponent(sample.value.ok()?, &descriptors[&sample.version], finest.exponent)?;
            Some(Reading::new(sample.time, state))
        };
        let settled = settle(spec, samples.iter().filter_map(reading), span);
        let counted = span.quarters().zip(settled.values);
        Ok(counted.filter(|(_, value)| value.energy.is_some()).collect())
    }
}

/// The same state as a raw value of a finer exponent; `None` if it does not fit.
fn at_exponent(raw: Raw, descriptor: &SeriesDescriptor, finest: i8) -> Option<Raw> {
    if descriptor.exponent == finest {
        return Some(raw);
    }
    let steps = descriptor.exponent.checked_sub(finest)?;
    match raw {
        Raw::Integer(value) => {
            let scaled = Decimal::new(1, steps);
            let power = 10i64.checked_pow(u32::try_from(scaled.exponent()).ok()?)?;
            value.checked_mul(power).map(Raw::Integer)
        }
        raw => Some(Raw::Float64(raw.to_f64() * 10f64.powi(i32::from(steps)))),
    }
}

/// The shortest step between two samples.
fn period_of(samples: &[Sample]) -> u32 {
    let steps = samples.windows(2).filter_map(|pair| match pair {
        [a, b] => u32::try_from(b.time.millis_since(a.time)).ok().filter(|step| *step > 0),
        _ => None,
    });
    steps.min().unwrap_or(u32::MAX)
}
