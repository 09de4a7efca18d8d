//! Substitutes for quarter hours of which nothing is known, where no register survived (facts 2.3).
//!
//! Up to two hours: a straight line between the neighbours (Z92). Longer: the mean of the same quarter hour of the
//! week in the last three weeks (Z95), up to seven days. Longer still: missing. What is filled is a substitute with
//! its reason; what a register that survived says of a gap is not this module's (its sum is true).

use model::{Energy, IntervalValue, Method, Quality, QuarterHour, Reason};

use crate::fraction::divided;

/// Longest run that is filled by a straight line: two hours.
const LINE_MAX: usize = 8;
/// Longest run that is filled from earlier weeks: seven days.
const FILL_MAX: usize = 672;
/// Quarter hours of a week. Weeks are counted in UTC: across a clock change the shape is an hour off, the sum is not.
const WEEK: i64 = 672;
/// Weeks that are looked back.
const WEEKS: i64 = 3;

/// Fills the missing quarter hours of a row that begins with `first`. `earlier` gives values from before, for the
/// comparable weeks; substitutes are not taken for comparison. Returns how many were filled.
pub fn fill(
    values: &mut [IntervalValue],
    first: QuarterHour,
    mut earlier: impl FnMut(QuarterHour) -> Option<IntervalValue>,
) -> usize {
    let mut filled = 0;
    let mut start = 0;
    while start < values.len() {
        let length = values[start..].iter().take_while(|value| value.quality == Quality::Missing).count();
        if length > 0 {
            filled += fill_run(values, start..start + length, first, &mut earlier);
        }
        start += length.max(1);
    }
    filled
}

fn fill_run(
    values: &mut [IntervalValue],
    run: std::ops::Range<usize>,
    first: QuarterHour,
    earlier: &mut impl FnMut(QuarterHour) -> Option<IntervalValue>,
) -> usize {
    let amount = |value: &IntervalValue| value.energy.filter(|_| value.quality.is_covered());
    let before = run.start.checked_sub(1).and_then(|index| amount(&values[index]));
    let after = values.get(run.end).and_then(amount);
    let mut filled = 0;
    for index in run.clone() {
        let substitute = match (run.len(), before.zip(after)) {
            (..=LINE_MAX, Some(ends)) => {
                Some((on_line(ends, index + 1 - run.start, run.len() + 1), Method::Interpolation))
            }
            (..=FILL_MAX, _) => {
                comparable(first, index, earlier).map(|mean| (mean, Method::HistoricalValues))
            }
            _ => None,
        };
        if let Some((energy, method)) = substitute {
            let reason = values[index].reason.unwrap_or(Reason::CommunicationFault);
            values[index] = IntervalValue::substitute(energy, method, reason);
            filled += 1;
        }
    }
    filled
}

fn on_line((before, after): (Energy, Energy), step: usize, steps: usize) -> Energy {
    let (before, after) = (i128::from(before.milliwatt_hours()), i128::from(after.milliwatt_hours()));
    let (step, steps) = (step as i128, steps as i128);
    let amount = divided(before * (steps - step) + after * step, steps);
    Energy::from_milliwatt_hours(i64::try_from(amount).expect("what lies between two 64-bit numbers is one"))
}

fn comparable(
    first: QuarterHour,
    index: usize,
    earlier: &mut impl FnMut(QuarterHour) -> Option<IntervalValue>,
) -> Option<Energy> {
    let quarter = first.index() + i64::try_from(index).ok()?;
    let weeks = (1..=WEEKS).filter_map(|week| earlier(QuarterHour::from_index(quarter - week * WEEK)));
    let measured: Vec<i128> = weeks
        .filter(|value| value.quality == Quality::True)
        .filter_map(|value| value.energy)
        .map(|energy| i128::from(energy.milliwatt_hours()))
        .collect();
    let count = i128::try_from(measured.len()).ok().filter(|count| *count > 0)?;
    let mean = divided(measured.iter().sum(), count);
    i64::try_from(mean).ok().map(Energy::from_milliwatt_hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(wh: i64) -> IntervalValue {
        IntervalValue::measured(Energy::from_watt_hours(wh))
    }

    fn row(wh: &[Option<i64>]) -> Vec<IntervalValue> {
        wh.iter().map(|wh| wh.map_or(IntervalValue::missing(None), measured)).collect()
    }

    #[test]
    fn up_to_two_hours_are_filled_by_a_straight_line_between_their_neighbours() {
        let mut values = row(&[Some(100), None, None, None, Some(180)]);
        assert_eq!(fill(&mut values, QuarterHour::from_index(0), |_| None), 3);
        let amounts: Vec<_> =
            values.iter().map(|value| value.energy.unwrap().milliwatt_hours() / 1000).collect();
        assert_eq!(amounts, [100, 120, 140, 160, 180]);
        assert_eq!(values[1].method, Some(Method::Interpolation));
    }

    #[test]
    fn v14_longer_gaps_take_the_mean_of_the_comparable_weeks() {
        // Facts V14: comparable-day mean 101.5 kWh; 9 such quarter hours here, since 8 would still be a line.
        let mut values = row(&[None; 9]);
        let weeks = [100_000, 101_500, 103_000];
        let earlier = |quarter: QuarterHour| {
            Some(measured(weeks[usize::try_from(-1 - quarter.index().div_euclid(672)).unwrap()]))
        };
        assert_eq!(fill(&mut values, QuarterHour::from_index(0), earlier), 9);
        assert!(values.iter().all(|value| value.energy == Some(Energy::from_watt_hours(101_500))));
        assert_eq!(values[0].method, Some(Method::HistoricalValues));
    }

    #[test]
    fn more_than_a_week_and_what_has_no_comparison_stays_missing() {
        let mut values = row(&[None; 673]);
        assert_eq!(fill(&mut values, QuarterHour::from_index(0), |_| Some(measured(1))), 0);
        let mut values = row(&[None; 20]);
        assert_eq!(fill(&mut values, QuarterHour::from_index(0), |_| None), 0);
        assert!(values.iter().all(|value| value.energy.is_none()));
    }
}
