//! The rules.

use std::collections::{BTreeMap, HashMap};

use accounting::{Limit, coverage_of};
use dashboards::AlarmKind;
use model::{Celsius, Coverage, Period, Quantity, Severity, SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{AlarmFilter, Core, DeviceKey, IntervalSubject, NewAlarm, StoreError, Tx};

use super::{LIMIT, LOW_COVERAGE, SILENT_DEVICE, TWO_AGENTS};
use crate::close::LiveTable;
use crate::config::Alarms;
use crate::facts::{Context, FactsError, SiteEntry, SiteSpan, covered_to};

/// A device is silent after so many of its periods without a value.
const SILENT_PERIODS: i64 = 3;
/// At the least this long: agents send once a second and the closer looks once a second.
const SILENT_MIN_MS: i64 = 15_000;
/// Nothing is called silent this soon after a start: what was kept in spools has to arrive first.
const START_GRACE_MS: i64 = 120_000;
/// Today's coverage is judged when the day has so many quarter hours.
const TODAY_QUARTERS_MIN: u32 = 8;
/// A dispute between two agents is over when it was not seen for so long.
const DISPUTE_MS: i64 = 600_000;

/// Numbers that the sentence of an alarm names, kept in its detail.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Detail {
    Silent { since: Timestamp },
    Coverage { coverage: Coverage, limit_percent: u8 },
    Temperature { value: f64, limit: f64 },
    Limit { text: String },
}

/// What an alarm of the record is about, for the panels; `None` for one that is told by its words.
pub fn kind_of(alarm: &NewAlarm) -> Option<AlarmKind> {
    Some(match serde_json::from_str(&alarm.detail).ok()? {
        Detail::Silent { .. } => AlarmKind::DeviceSilent,
        Detail::Coverage { coverage, limit_percent } => AlarmKind::LowCoverage { coverage, limit_percent },
        Detail::Temperature { value, limit } => {
            AlarmKind::InletLimit { value: Celsius::from_degrees(value), limit: Celsius::from_degrees(limit) }
        }
        Detail::Limit { text } => AlarmKind::Other { text },
    })
}

/// How much it matters, what it names, and since when.
type Incident = (Severity, Detail, Timestamp);

/// What the rules found: incidents that there are, and subjects that were checked.
#[derive(Debug, Default)]
pub struct Findings {
    open: Vec<NewAlarm>,
    /// Kind and subject of what was checked and is in order.
    fine: Vec<(SiteId, &'static str, String)>,
}

impl Findings {
    /// Brings the record's incidents up to date.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn write(&self, tx: &Tx<'_>, at: Timestamp) -> Result<(), StoreError> {
        self.open.iter().try_for_each(|alarm| tx.open_alarm(alarm).map(drop))?;
        self.fine
            .iter()
            .try_for_each(|(site, kind, subject)| tx.close_alarm(site, kind, subject, at).map(drop))
    }

    fn judge(&mut self, site: &SiteId, (kind, subject): (&'static str, String), found: Option<Incident>) {
        let Some((severity, detail, at)) = found else {
            return self.fine.push((site.clone(), kind, subject));
        };
        let detail = serde_json::to_string(&detail).expect("numbers and texts can always be written as JSON");
        self.open.push(NewAlarm { site: site.clone(), kind: kind.to_owned(), subject, severity, detail, at });
    }
}

/// Checks the rules from time to time, and remembers what must last before it counts.
#[derive(Debug)]
pub struct Watch {
    limits: Alarms,
    started: Timestamp,
    /// Since when a limit is passed.
    passed: HashMap<(SiteId, String), Timestamp>,
    coverage_checked: HashMap<SiteId, Timestamp>,
}

impl Watch {
    /// From the start of the program on.
    pub fn new(limits: Alarms, started: Timestamp) -> Self {
        Self { limits, started, passed: HashMap::new(), coverage_checked: HashMap::new() }
    }

    /// Checks all rules of all sites.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn check(
        &mut self,
        core: &Core,
        context: &Context,
        live: &LiveTable,
        now: Timestamp,
    ) -> Result<Findings, FactsError> {
        let mut findings = Findings::default();
        for entry in context.sites.values() {
            let site = &entry.topology.site.id;
            self.silent(core, (site, live), now, &mut findings)?;
            self.limits(core, (entry, live), now, &mut findings)?;
            // Coverage changes by the quarter hour, and when a spool brings what was missing.
            let quarter = covered_to(now);
            let arriving = now.millis_since(self.started) < START_GRACE_MS;
            if !arriving && self.coverage_checked.get(site) != Some(&quarter) {
                let before = findings.open.len();
                self.coverage(core, (context, entry), now, &mut findings)?;
                if findings.open.len() == before {
                    self.coverage_checked.insert(site.clone(), quarter);
                }
            }
            disputes(core, site, now, &mut findings)?;
        }
        Ok(findings)
    }

    fn silent(
        &self,
        core: &Core,
        (site, live): (&SiteId, &LiveTable),
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<(), FactsError> {
        let planned: HashMap<DeviceKey, u32> =
            core.plan_now(site)?.into_iter().fold(HashMap::new(), |mut periods, entry| {
                let shortest = periods.entry(entry.group.device).or_insert(entry.group.period_ms);
                *shortest = (*shortest).min(entry.group.period_ms);
                periods
            });
        for device in core.devices(site)? {
            let subject = (SILENT_DEVICE, device.id.to_string());
            let Some(period_ms) = planned.get(&device.key) else {
                findings.judge(site, subject, None);
                continue;
            };
            let patience = (SILENT_PERIODS * i64::from(*period_ms)).max(SILENT_MIN_MS);
            let heard = live.device(device.key).map(|(time, _)| time);
            if heard.is_none() && now.millis_since(self.started) < patience.max(START_GRACE_MS) {
                continue;
            }
            let since = heard.unwrap_or(self.started);
            let silent = now.millis_since(since) > patience;
            let found = silent.then_some((Severity::Warning, Detail::Silent { since }, since));
            findings.judge(site, subject, found);
        }
        Ok(())
    }

    fn limits(
        &mut self,
        core: &Core,
        (entry, live): (&SiteEntry, &LiveTable),
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<(), FactsError> {
        let site = &entry.topology.site.id;
        for limit in entry.topology.limits_at(now) {
            let series = core.find_series(site, &limit.device, limit.quantity, &limit.channel)?;
            let Some(value) = series.and_then(|series| live.get(series.id)) else { continue };
            let key = (site.clone(), limit.id.clone());
            let subject = (LIMIT, limit.name.clone());
            let Some(detail) = passed(limit, value.value) else {
                self.passed.remove(&key);
                findings.judge(site, subject, None);
                continue;
            };
            let since = *self.passed.entry(key).or_insert(value.time);
            let held = i64::try_from(limit.hold.as_millis()).unwrap_or(i64::MAX);
            if value.time.millis_since(since) >= held {
                findings.judge(site, subject, Some((limit.severity, detail, since)));
            }
        }
        Ok(())
    }

    /// Yesterday and today together: one incident for each meter point, about the later of the two days that is low.
    fn coverage(
        &self,
        core: &Core,
        (context, entry): (&Context, &SiteEntry),
        now: Timestamp,
        findings: &mut Findings,
    ) -> Result<(), FactsError> {
        let site = &entry.topology.site;
        let Some(began) = first_day(core, entry)? else { return Ok(()) };
        let today = site.zone.date_of(now);
        let mut low: BTreeMap<String, Option<(Severity, Detail, Timestamp)>> = BTreeMap::new();
        for (day, least) in [(today.previous(), 1), (today, TODAY_QUARTERS_MIN)] {
            let whole = site.zone.day(day);
            // Nobody expects values of a time before the first one there ever was.
            let span = Period::new(whole.from.max(began), whole.to.min(covered_to(now)));
            let values = SiteSpan::read(core, context, entry, span)?;
            for point in values.points() {
                let found = self.low_coverage(coverage_of(&point.values), least, whole.from);
                let known = low.entry(point.point.to_string()).or_insert(None);
                *known = found.or_else(|| known.take());
            }
        }
        for (point, found) in low {
            findings.judge(&site.id, (LOW_COVERAGE, point), found);
        }
        Ok(())
    }

    fn low_coverage(
        &self,
        coverage: Coverage,
        least: u32,
        since: Timestamp,
    ) -> Option<(Severity, Detail, Timestamp)> {
        let limit_percent = self.limits.coverage_percent;
        let covered = coverage.expected - coverage.missing();
        let low = u64::from(covered) * 100 < u64::from(limit_percent) * u64::from(coverage.expected);
        let detail = Detail::Coverage { coverage, limit_percent };
        (coverage.expected >= least && low).then_some((Severity::Warning, detail, since))
    }
}

/// Start of the first UTC day of which a site has a quarter hour.
fn first_day(core: &Core, entry: &SiteEntry) -> Result<Option<Timestamp>, FactsError> {
    let site = &entry.topology.site.id;
    let mut subjects = Vec::new();
    for key in entry.topology.series() {
        let found = core.find_series(site, &key.device, key.quantity, &key.channel)?;
        subjects.extend(found.map(|series| IntervalSubject::Register(series.id)));
    }
    for (point, _) in core.imported_points(site)? {
        subjects.push(IntervalSubject::MeterPoint { site: site.clone(), point });
    }
    let mut first = None;
    for subject in subjects {
        let Some(id) = core.find_interval_series(&subject)? else { continue };
        let began = core.interval_span(id)?.map(|(first, _)| first.start());
        first = first.into_iter().chain(began).min();
    }
    Ok(first)
}

fn passed(limit: &Limit, value: f64) -> Option<Detail> {
    let above = limit.above.map(model::Decimal::to_f64).filter(|above| value > *above);
    let below = limit.below.map(model::Decimal::to_f64).filter(|below| value < *below);
    match (above, below) {
        (Some(limit_value), _) if limit.quantity == Quantity::Temperature => {
            Some(Detail::Temperature { value, limit: limit_value })
        }
        (Some(bound), _) | (None, Some(bound)) => {
            let text = format!("{} is {value} {}, limit {bound}", limit.name, limit.quantity.unit());
            Some(Detail::Limit { text })
        }
        (None, None) => None,
    }
}

/// Whoever sends a device twice goes on doing so, and is told again at each checkpoint; a dispute that is not told any
/// more is over.
fn disputes(core: &Core, site: &SiteId, now: Timestamp, findings: &mut Findings) -> Result<(), FactsError> {
    for alarm in core.alarms(Some(site), AlarmFilter::Open, 1000)? {
        if alarm.alarm.kind == TWO_AGENTS && now.millis_since(alarm.alarm.at) > DISPUTE_MS {
            findings.fine.push((site.clone(), TWO_AGENTS, alarm.alarm.subject));
        }
    }
    Ok(())
}
