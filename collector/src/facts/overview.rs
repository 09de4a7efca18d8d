//! What the pages of a site and of the city show.

use accounting::{Book, coverage_of};
use calendar::Zone;
use carbon::{Indicator, TargetPath};
use dashboards::{
    AgentNow, Alarm, AlarmKind, CityOverview, Co2Progress, InletNow, Live, PowerTrend, Provisional, PueNow,
    PueRolling, ReportEntry, SiteOverview,
};
use kpi::Kpi;
use model::{Celsius, Coverage, Period, Power, Quantity, QuarterHour, Ratio, SiteId, Timestamp};
use store::{AlarmFilter, Core};

use super::FactsError;
use super::catalogue::{Context, SiteEntry};
use super::kpi::SiteSpan;
use super::live::{Moment, Powers, is_stale, it_of, powers, trend};
use super::month::{add, find, mass};
use super::values::covered_to;
use crate::alarms;
use crate::close::LiveTable;

/// Period of a power of which nothing was heard yet.
const EVERY_MS_DEFAULT: u32 = 10_000;
/// Open alarms that are shown.
const ALARMS_MAX: usize = 100;
/// Whole months of the rolling PUE.
const ROLLING_MONTHS: i32 = 12;
/// Length of the trend.
const TREND_MS: i64 = 86_400_000;

/// Values that live, and when they are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Now<'l> {
    /// The latest values.
    pub live: &'l LiveTable,
    /// Now.
    pub time: Timestamp,
    /// How often a page gets a new message, in milliseconds.
    pub interval_ms: u32,
}

/// What changes by the quarter hour and takes long to gather: to be kept for a minute.
#[derive(Debug, Clone)]
pub struct Slow {
    coverage_today: Coverage,
    co2_month: Option<Co2Progress>,
    co2_year: Option<Co2Progress>,
    pue_rolling: Option<PueRolling>,
    power_24h: PowerTrend,
}

impl Slow {
    /// Gathers it.
    ///
    /// # Errors
    /// If the site is not known, or the record cannot be read.
    pub fn gather(core: &Core, context: &Context, site: &SiteId, now: Timestamp) -> Result<Self, FactsError> {
        let entry = context.site(site)?;
        let zone = &entry.topology.site.zone;
        let until = covered_to(now);
        let month = zone.month_of(now);
        let oldest = zone.month(month.plus_months(-ROLLING_MONTHS)).from;
        let from = oldest.min(zone.year(zone.year_of(now)).from).min(until.plus_millis(-TREND_MS));
        let all = SiteSpan::read(core, context, entry, Period::new(from, until))?;
        let today = all.part(Period::new(zone.day(zone.date_of(now)).from, until));
        let mut coverage_today = Coverage::default();
        today.points().iter().for_each(|point| add(&mut coverage_today, coverage_of(&point.values)));
        let last_day = Period::new(until.plus_millis(-TREND_MS), until);
        let [total, it, cooling] = trend(&entry.topology, last_day, all.part(last_day).points());
        let step_ms = u32::try_from(QuarterHour::MILLIS).unwrap_or(u32::MAX);
        Ok(Self {
            coverage_today,
            co2_month: progress(&all, (context, entry), zone.month(month), until)?,
            co2_year: progress(&all, (context, entry), zone.year(zone.year_of(now)), until)?,
            pue_rolling: rolling(&all, zone, month)?,
            power_24h: PowerTrend { from: last_day.from, step_ms, total, it, cooling },
        })
    }
}

fn progress(
    all: &SiteSpan<'_>,
    (context, entry): (&Context, &SiteEntry),
    whole: Period,
    until: Timestamp,
) -> Result<Option<Co2Progress>, FactsError> {
    let zone = &entry.topology.site.zone;
    let year = zone.year_of(whole.from);
    let factor = context.grid.as_ref().and_then(|grid| grid.factor(year, Indicator::Co2Mix));
    let Some(factor) = factor else { return Ok(None) };
    let period = Period::new(whole.from, until.max(whole.from));
    let figures = all.part(period).figures()?;
    let figure = find(&figures, Kpi::Co2, None, Some("location"));
    let targets = entry.topology.targets_of(Book::Location);
    let path = TargetPath::new(targets.map(|target| (target.year, target.mass)));
    let may_change = factor.provisional || factor.status != carbon::Status::Final;
    Ok(Some(Co2Progress {
        period,
        actual: figure.and_then(|figure| figure.value).and_then(mass),
        allowed: path.as_ref().and_then(|path| path.of_period(zone, period)),
        budget: path.as_ref().and_then(|path| path.of_period(zone, whole)),
        coverage: figure.map_or(Coverage::default(), |figure| figure.counted),
        factor: factor.set,
        factor_year: factor.year.number(),
        factor_provisional: if may_change { Provisional::Yes } else { Provisional::No },
    }))
}

/// PUE over as many whole months before this one as the record has, up to twelve.
fn rolling(
    all: &SiteSpan<'_>,
    zone: &Zone,
    month: calendar::Month,
) -> Result<Option<PueRolling>, FactsError> {
    let to = zone.month(month).from;
    let has_data = |months: i32| {
        let span = zone.month(month.plus_months(-months));
        all.part(span).balance().map(|balance| balance.total.is_some_and(|total| total.energy.is_some()))
    };
    let mut months = 0;
    while months < ROLLING_MONTHS && has_data(months + 1)? {
        months += 1;
    }
    if months == 0 {
        return Ok(None);
    }
    let part = all.part(Period::new(zone.month(month.plus_months(-months)).from, to));
    let Some(category) = part.balance()?.it_category else { return Ok(None) };
    let figures = part.figures()?;
    let Some(figure) = find(&figures, Kpi::Pue, Some(category), None) else { return Ok(None) };
    Ok(Some(PueRolling {
        value: figure.value.map(|value| Ratio::new(value.to_f64())),
        category,
        months: u8::try_from(months).unwrap_or(12),
        coverage: figure.counted,
        withheld: figure.withheld.map(|reason| reason.code().to_owned()),
    }))
}

/// All that the page of a site shows.
///
/// # Errors
/// If the record cannot be read.
pub fn site(
    core: &Core,
    context: &Context,
    (site, slow): (&SiteId, &Slow),
    now: Now<'_>,
) -> Result<SiteOverview, FactsError> {
    let entry = context.site(site)?;
    let site = &entry.topology.site;
    let Now { live, time: now, interval_ms } = now;
    let current = powers(core, &entry.topology, live, (now, Moment::Now))?;
    let mean = powers(core, &entry.topology, live, (now, Moment::Mean))?;
    let devices = core.devices(&site.id)?;
    let silent = core
        .alarms(Some(&site.id), AlarmFilter::Open, ALARMS_MAX.max(devices.len()))?
        .iter()
        .filter(|alarm| alarm.alarm.kind == alarms::SILENT_DEVICE)
        .count();
    let agents = core.agents()?.into_iter().filter(|agent| agent.key.site == site.id);
    Ok(SiteOverview {
        site: site.id.clone(),
        name: site.name.clone(),
        zone: site.zone.clone(),
        server_time: now,
        interval_ms,
        power_total: power(current.balance.total, &current),
        power_it: power(it_of(&current.balance), &current),
        power_cooling: power(current.balance.cooling, &current),
        pue_now: pue_now(&mean, now),
        pue_rolling: slow.pue_rolling.clone(),
        coverage_today: slow.coverage_today,
        co2_month: slow.co2_month.clone(),
        co2_year: slow.co2_year.clone(),
        inlet: inlet(core, entry, live, now)?,
        power_24h: slow.power_24h.clone(),
        alarms: open_alarms(core, &site.id)?,
        alarm_rules: alarms::RULES,
        alarms_checked: Some(now),
        devices: u32::try_from(devices.len()).unwrap_or(u32::MAX),
        devices_silent: u32::try_from(silent).unwrap_or(u32::MAX),
        agents: agents
            .map(|agent| AgentNow { agent: agent.key.agent.to_string(), last_seen: Some(agent.seen) })
            .collect(),
    })
}

fn power(amount: Option<kpi::EnergyAmount>, powers: &Powers) -> Live<Power> {
    let every_ms = if powers.period_ms == 0 { EVERY_MS_DEFAULT } else { powers.period_ms };
    // Milliwatts stand in the amount, see `live`.
    let watts = |energy: model::Energy| Power::from_watts(energy.milliwatt_hours() as f64 / 1000.0);
    let known = amount.filter(|amount| amount.coverage.missing() == 0).and_then(|amount| amount.energy);
    Live { value: known.map(watts), at: powers.oldest, every_ms }
}

fn pue_now(mean: &Powers, now: Timestamp) -> PueNow {
    let every_ms = if mean.period_ms == 0 { EVERY_MS_DEFAULT } else { mean.period_ms };
    let category = mean.balance.it_category;
    let complete = |amount: Option<kpi::EnergyAmount>| {
        amount.filter(|amount| amount.coverage.missing() == 0).and_then(|amount| amount.energy)
    };
    let (total, it) = (complete(mean.balance.total), complete(it_of(&mean.balance)));
    let (value, withheld) = match (category, total, it) {
        (None, _, _) => (None, Some("missing_it_meter")),
        (_, Some(_), Some(it)) if it.milliwatt_hours() == 0 => (None, Some("zero_it_load")),
        (_, Some(total), Some(it)) if total < it => (None, Some("boundary_error")),
        (_, Some(total), Some(it)) => {
            (Some(Ratio::new(total.milliwatt_hours() as f64 / it.milliwatt_hours() as f64)), None)
        }
        _ if mean.oldest.is_some_and(|oldest| now.millis_since(oldest) > 3 * i64::from(every_ms)) => {
            (None, Some("stale"))
        }
        _ => (None, Some("low_coverage")),
    };
    PueNow {
        live: Live { value, at: mean.oldest, every_ms },
        category,
        withheld: withheld.map(str::to_owned),
    }
}

/// The hottest of the places for which the site's file has a temperature limit.
fn inlet(
    core: &Core,
    entry: &SiteEntry,
    live: &LiveTable,
    now: Timestamp,
) -> Result<Option<InletNow>, FactsError> {
    let mut hottest: Option<InletNow> = None;
    for limit in entry.topology.limits_at(now).filter(|limit| limit.quantity == Quantity::Temperature) {
        let Some(above) = limit.above else { continue };
        let found =
            core.find_series(&entry.topology.site.id, &limit.device, limit.quantity, &limit.channel)?;
        let latest = found.and_then(|series| live.get(series.id));
        let fresh = latest.filter(|value| !is_stale(*value, now));
        let shown = InletNow {
            live: Live {
                value: fresh.map(|value| Celsius::from_degrees(value.value)),
                at: latest.map(|value| value.time),
                every_ms: latest.map_or(EVERY_MS_DEFAULT, |value| value.period_ms),
            },
            place: limit.name.clone(),
            limit: Celsius::from_degrees(above.to_f64()),
        };
        let over = |inlet: &InletNow| inlet.live.value.map(|value| value.degrees() - inlet.limit.degrees());
        if hottest.as_ref().is_none_or(|known| over(known) < over(&shown)) {
            hottest = Some(shown);
        }
    }
    Ok(hottest)
}

fn open_alarms(core: &Core, site: &SiteId) -> Result<Vec<Alarm>, FactsError> {
    let mut open = core.alarms(Some(site), AlarmFilter::Open, ALARMS_MAX)?;
    open.sort_by_key(|alarm| (std::cmp::Reverse(alarm.alarm.severity), alarm.alarm.at));
    Ok(open
        .into_iter()
        .map(|alarm| Alarm {
            id: alarm.id.to_string(),
            severity: alarm.alarm.severity,
            kind: match alarms::kind_of(&alarm.alarm) {
                Some(kind) => kind,
                None => AlarmKind::Other { text: alarm.alarm.detail },
            },
            object: alarm.alarm.subject,
            since: alarm.alarm.at,
        })
        .collect())
}

/// All that the page of the city shows. Its own times are in the zone of the first site.
pub fn city(
    name: &str,
    sites: Vec<SiteOverview>,
    latest: Option<ReportEntry>,
    now: Timestamp,
) -> CityOverview {
    let zone = sites.first().map_or_else(default_zone, |site| site.zone.clone());
    CityOverview { city: name.to_owned(), zone, server_time: now, sites, latest_report: latest }
}

/// The zone of pages before there is a site.
pub(super) fn default_zone() -> Zone {
    Zone::new("Europe/Berlin").expect("the zone data are built in")
}
