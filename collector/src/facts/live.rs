//! Power now, by the same meter points and formulas as energy.

use accounting::{PointValues, Record, SeriesKey, Topology, evaluate};
use kpi::{Balance, Facts, Input, Rules, balance};
use model::{
    Energy, IntervalValue, MeterPointId, Period, Power, Quantity, QuarterHour, Role, SiteId, Timestamp,
};
use store::{Core, StoreError};

use crate::close::{LiveTable, LiveValue};

/// A power older than so many of its periods is no power of now.
const STALE_PERIODS: i64 = 3;
/// Power of the whole quarter hour or of this moment?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The latest value.
    Now,
    /// The mean of the last quarter hour.
    Mean,
}

/// Knows of each register the power that the same part of the same device shows. Milliwatts stand where an evaluation
/// of energy has milliwatt-hours: formulas are linear, so the same sums hold.
struct LivePower<'l> {
    core: &'l Core,
    site: &'l SiteId,
    live: &'l LiveTable,
    now: Timestamp,
    moment: Moment,
    oldest: Option<Timestamp>,
    period_ms: u32,
}

impl LivePower<'_> {
    fn power(&mut self, key: &SeriesKey) -> Result<Option<f64>, StoreError> {
        let found = self.core.find_series(self.site, &key.device, Quantity::ActivePower, &key.channel)?;
        let Some(series) = found else { return Ok(None) };
        let Some(latest) = self.live.get(series.id) else { return Ok(None) };
        self.oldest = Some(self.oldest.map_or(latest.time, |oldest| oldest.min(latest.time)));
        self.period_ms = self.period_ms.max(latest.period_ms);
        if is_stale(latest, self.now) {
            return Ok(None);
        }
        let watts = match self.moment {
            Moment::Now => Some(latest.value),
            Moment::Mean => self.live.mean(series.id, self.now),
        };
        // Signed at the meter: what is delivered counts on the export register.
        Ok(watts.map(|watts| match key.quantity {
            Quantity::ActiveEnergyExport => (-watts).max(0.0),
            _ => watts.max(0.0),
        }))
    }
}

/// Is it too old to be shown as now?
pub(super) fn is_stale(value: LiveValue, now: Timestamp) -> bool {
    now.millis_since(value.time) > STALE_PERIODS * i64::from(value.period_ms.max(1))
}

impl Record for LivePower<'_> {
    type Error = StoreError;

    fn series(&mut self, key: &SeriesKey, _span: Period) -> Result<Vec<IntervalValue>, StoreError> {
        let value =
            self.power(key)?.and_then(milliwatts).map_or(IntervalValue::missing(None), |milliwatts| {
                IntervalValue::measured(Energy::from_milliwatt_hours(milliwatts))
            });
        Ok(vec![value])
    }

    fn imported(&mut self, _point: &MeterPointId, _span: Period) -> Result<Vec<IntervalValue>, StoreError> {
        Ok(Vec::new())
    }
}

#[allow(clippy::cast_possible_truncation, reason = "checked against the range that is exact in both")]
fn milliwatts(watts: f64) -> Option<i64> {
    let milliwatts = (watts * 1000.0).round();
    (milliwatts.abs() < 9e15).then_some(milliwatts as i64)
}

/// Powers of a site at a moment.
#[derive(Debug)]
pub(super) struct Powers {
    pub(super) balance: Balance,
    /// When the oldest part was measured.
    pub(super) oldest: Option<Timestamp>,
    /// Longest period of a part.
    pub(super) period_ms: u32,
}

/// What counts into the powers that are shown.
fn is_shown(role: Role) -> bool {
    matches!(
        role,
        Role::Grid
            | Role::Renewable
            | Role::Generator
            | Role::OutsideBoundary
            | Role::ItUpsOutput
            | Role::ItPduOutput
            | Role::ItInput
            | Role::Cooling
    )
}

/// The powers of a site; milliwatts stand in the balance where it says milliwatt-hours.
pub(super) fn powers(
    core: &Core,
    topology: &Topology,
    live: &LiveTable,
    (now, moment): (Timestamp, Moment),
) -> Result<Powers, StoreError> {
    let site = &topology.site;
    let mut record = LivePower { core, site: &site.id, live, now, moment, oldest: None, period_ms: 0 };
    let span = now.quarter().period();
    let points = evaluate(topology, span, |point| is_shown(point.role), &mut record)?;
    let balance = one_quarter(topology, span, &points);
    Ok(Powers { balance, oldest: record.oldest, period_ms: record.period_ms })
}

fn one_quarter(topology: &Topology, period: Period, points: &[PointValues]) -> Balance {
    let site = &topology.site;
    balance(&Input {
        site: &site.id,
        zone: &site.zone,
        period,
        revision: 1,
        points,
        grid_factors: None,
        facts: &Facts::default(),
        rules: Rules::default(),
    })
}

/// Mean power of each quarter hour of a span: total, IT, cooling.
pub(super) fn trend(topology: &Topology, span: Period, points: &[PointValues]) -> [Vec<Option<Power>>; 3] {
    let mut rows = [Vec::new(), Vec::new(), Vec::new()];
    for quarter in span.quarters() {
        let part = super::values::slice(points, span, quarter.period());
        let balance = one_quarter(topology, quarter.period(), &part);
        let it = it_of(&balance);
        for (row, amount) in rows.iter_mut().zip([balance.total, it, balance.cooling]) {
            let energy = amount.and_then(|amount| amount.energy);
            row.push(energy.and_then(|energy| energy.mean_power(QuarterHour::MILLIS)));
        }
    }
    rows
}

/// IT energy of the category on which figures stand.
pub(super) fn it_of(balance: &Balance) -> Option<kpi::EnergyAmount> {
    *balance.it.get(usize::from(balance.it_category?).checked_sub(1)?)?
}
