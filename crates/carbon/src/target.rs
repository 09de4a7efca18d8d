//! What a site may emit.

use calendar::{Year, Zone};
use model::{CarbonMass, Period};

/// The path between the targets of a site's file: a straight line from each to the next, and what the last one allows
/// from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPath {
    points: Vec<(Year, CarbonMass)>,
}

impl TargetPath {
    /// From the targets of one book; `None` if there are none.
    pub fn new(targets: impl IntoIterator<Item = (Year, CarbonMass)>) -> Option<Self> {
        let mut points: Vec<_> = targets.into_iter().collect();
        points.sort_by_key(|(year, _)| *year);
        points.dedup_by_key(|(year, _)| *year);
        (!points.is_empty()).then_some(Self { points })
    }

    /// What may be emitted in a year; `None` before the first target.
    pub fn of_year(&self, year: Year) -> Option<CarbonMass> {
        let next = self.points.partition_point(|(target, _)| *target <= year);
        let (from, start) = *self.points.get(next.checked_sub(1)?)?;
        let Some((to, end)) = self.points.get(next).copied() else { return Some(start) };
        let (step, steps) = (year.number() - from.number(), to.number() - from.number());
        let fall = i128::from(start.milligrams()) - i128::from(end.milligrams());
        let fallen = rounded(fall * i128::from(step), i128::from(steps))?;
        Some(CarbonMass::from_milligrams(start.milligrams() - fallen))
    }

    /// What may be emitted in a span: of each local year the share of its time that lies inside. `None` if it begins
    /// before the first target.
    pub fn of_period(&self, zone: &Zone, period: Period) -> Option<CarbonMass> {
        let mut sum = 0i64;
        for (year, part) in zone.years_in(period) {
            let whole = i128::from(self.of_year(year)?.milligrams());
            let share = rounded(whole * i128::from(part.millis()), i128::from(zone.year(year).millis()))?;
            sum = sum.checked_add(share)?;
        }
        Some(CarbonMass::from_milligrams(sum))
    }
}

/// Half away from zero; `below` is above 0.
fn rounded(above: i128, below: i128) -> Option<i64> {
    let (whole, rest) = (above / below, above % below);
    let whole = if rest.abs() * 2 >= below { whole + above.signum() } else { whole };
    i64::try_from(whole).ok()
}
