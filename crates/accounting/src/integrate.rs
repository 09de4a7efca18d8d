//! Energy from power, for devices that have no register (facts 2.2, priorities 3 and 4).
//!
//! The result is never a true value: it is a substitute, reconstructed (Z91), because what happened between two samples
//! is not known (Z82).

use model::{Energy, IntervalValue, Method, Period, Power, Reason, Timestamp};

/// Milliwatt-hours of one watt in one millisecond are 1 / 3600.
const WATT_MILLIS_PER_MILLIWATT_HOUR: f64 = 3600.0;

/// Power held for a time; `None` if it is no finite number or does not fit.
pub(crate) fn held(power: Power, millis: i64) -> Option<Energy> {
    energy(power.watts() * millis as f64)
}

/// Energy by the trapezoid rule over samples in the order of their time: the mean of two neighbours times the time
/// between them. `None` if a power is no finite number or the sum does not fit.
pub fn trapezoid(samples: &[(Timestamp, Power)]) -> Option<Energy> {
    let parts = samples.windows(2).map(|pair| {
        let mean = f64::midpoint(pair[0].1.watts(), pair[1].1.watts());
        mean * pair[1].0.millis_since(pair[0].0) as f64
    });
    energy(parts.sum())
}

/// Energy from samples of which each holds until the next: for registers that show the mean power of the time that
/// begins. `None` if a power is no finite number or the sum does not fit.
pub fn hold_left(samples: &[(Timestamp, Power)]) -> Option<Energy> {
    let parts = samples.windows(2).map(|pair| pair[0].1.watts() * pair[1].0.millis_since(pair[0].0) as f64);
    energy(parts.sum())
}

/// The quarter hours of `span` by the trapezoid rule, from samples in the order of their time. A quarter hour through
/// which two neighbours are further apart than `gap_ms` is missing (Z75); the power at its bounds is interpolated.
pub fn quarters(samples: &[(Timestamp, Power)], span: Period, gap_ms: i64) -> Vec<IntervalValue> {
    span.quarters().map(|quarter| one_quarter(samples, quarter.period(), gap_ms)).collect()
}

fn one_quarter(samples: &[(Timestamp, Power)], quarter: Period, gap_ms: i64) -> IntervalValue {
    let missing = IntervalValue::missing(Some(Reason::CommunicationFault));
    let first = samples.partition_point(|sample| sample.0 <= quarter.from);
    let last = samples.partition_point(|sample| sample.0 < quarter.to);
    let (Some(start), Some(_)) = (first.checked_sub(1), samples.get(last)) else { return missing };
    let around = &samples[start..=last];
    if around.windows(2).any(|pair| pair[1].0.millis_since(pair[0].0) > gap_ms) {
        return missing;
    }
    let mut inside = vec![(quarter.from, between(around[0], around[1], quarter.from))];
    inside.extend_from_slice(&samples[first..last]);
    inside.push((quarter.to, between(samples[last - 1], samples[last], quarter.to)));
    let substitute =
        |energy| IntervalValue::substitute(energy, Method::Reconstructed, Reason::MeasurementUncertainty);
    trapezoid(&inside).map_or(missing, substitute)
}

fn between(from: (Timestamp, Power), to: (Timestamp, Power), at: Timestamp) -> Power {
    let share = at.millis_since(from.0) as f64 / to.0.millis_since(from.0) as f64;
    Power::from_watts(from.1.watts() + (to.1.watts() - from.1.watts()) * share)
}

/// From watt-milliseconds, rounded half away from zero.
fn energy(watt_millis: f64) -> Option<Energy> {
    let amount = (watt_millis / WATT_MILLIS_PER_MILLIWATT_HOUR).round();
    // 2^62 is far above any energy and far inside 64 bits.
    #[allow(clippy::cast_possible_truncation, reason = "checked against 2^62 on the line before")]
    (amount.is_finite() && amount.abs() < 4.6e18).then(|| Energy::from_milliwatt_hours(amount as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(kilowatts: &[f64]) -> Vec<(Timestamp, Power)> {
        let time = |n: usize| Timestamp::from_seconds(300 * i64::try_from(n).unwrap());
        kilowatts.iter().enumerate().map(|(n, kw)| (time(n), Power::from_watts(kw * 1000.0))).collect()
    }

    #[test]
    fn v21_the_trapezoid_rule_and_the_held_value_differ_as_published() {
        // Facts V21: 400, 420, 440, 430 kW at 0, 5, 10, 15 minutes.
        let samples = samples(&[400.0, 420.0, 440.0, 430.0]);
        assert_eq!(trapezoid(&samples), Some(Energy::from_watt_hours(106_250)));
        assert_eq!(hold_left(&samples), Some(Energy::from_watt_hours(105_000)));
        let quarter = Period::new(Timestamp::from_seconds(0), Timestamp::from_seconds(900));
        let values = quarters(&samples, quarter, 600_000);
        assert_eq!(values[0].energy, Some(Energy::from_watt_hours(106_250)));
        assert_eq!(values[0].quality, model::Quality::Substitute);
    }

    #[test]
    fn a_gap_in_the_power_makes_the_quarter_hour_missing_and_not_small() {
        let samples = samples(&[400.0, 420.0, 440.0, 430.0, 430.0, 430.0, 430.0]);
        let gappy: Vec<_> = samples.iter().copied().filter(|(time, _)| time.millis() != 600_000).collect();
        let half_hour = Period::new(Timestamp::from_seconds(0), Timestamp::from_seconds(1800));
        let values = quarters(&gappy, half_hour, 300_000);
        assert_eq!(values[0].energy, None);
        assert_eq!(values[1].energy, Some(Energy::from_watt_hours(107_500)));
        assert_eq!(trapezoid(&[(Timestamp::from_seconds(0), Power::from_watts(f64::NAN)), samples[1]]), None);
    }
}
