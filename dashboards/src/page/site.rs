//! One site: `/site/{id}`, and the parts that its card on the overview shares.

use askama::Template;
use calendar::Zone;
use chart::{Bullet, Details, LineChart, LineSeries, Tone, Verdict};
use locale::{Fixed, Language};
use model::{Period, Power, Ratio, Timestamp};

use super::tile::{Age, Frame, Spec, Tile};
use super::words::{Chip, State, alarm_text, withheld};
use super::{Shell, View};
use crate::facts::{Alarm, Co2Progress, Provisional, SiteOverview};

#[derive(Template)]
#[template(path = "site.html")]
pub(super) struct SitePage {
    shell: Shell,
    part: SitePart,
    power_chart: String,
    co2_year: Option<Co2Part>,
    alarms: Vec<AlarmRow>,
    alarms_empty: String,
    devices: String,
    agents: Vec<AgentRow>,
}

/// What page and card share.
pub(super) struct SitePart {
    pub(super) site: String,
    pub(super) name: String,
    pub(super) zone: String,
    pub(super) chip: Chip,
    pub(super) finding: Finding,
    pub(super) stamp: String,
    pub(super) server_millis: i64,
    pub(super) interval_ms: u32,
    pub(super) alarm_ids: String,
    pub(super) tiles: Vec<Tile>,
    pub(super) co2_month: Option<Co2Part>,
}

pub(super) struct Co2Part {
    pub(super) figure: String,
    pub(super) chip: Chip,
    pub(super) factor: String,
}

pub(super) struct AlarmRow {
    pub(super) chip: Chip,
    pub(super) text: String,
    pub(super) since: String,
    pub(super) site: String,
}

struct AgentRow {
    name: String,
    seen: String,
}

impl SitePage {
    pub(super) fn new(view: &View, facts: &SiteOverview) -> Self {
        let language = view.language;
        let id = facts.site.as_str();
        Self {
            shell: Shell::new(view, facts.name.clone()),
            part: SitePart::new(language, facts),
            power_chart: power_chart(language, facts, &format!("power-{id}")).chart(language).figure(
                language,
                &format!("power-{id}"),
                Details::Folded,
            ),
            co2_year: facts.co2_year.as_ref().map(|year| co2_part(language, facts, year, Span::Year)),
            alarms: facts.alarms.iter().map(|alarm| alarm_row(language, facts, alarm)).collect(),
            alarms_empty: alarms_empty(language, facts),
            devices: language.say(
                "site-devices",
                &[
                    ("all", u64::from(facts.devices).into()),
                    ("silent", u64::from(facts.devices_silent).into()),
                ],
            ),
            agents: facts.agents.iter().map(|agent| agent_row(language, facts, agent)).collect(),
        }
    }

    fn text(&self, key: &str) -> String {
        self.shell.text(key)
    }
}

impl SitePart {
    pub(super) fn new(language: Language, facts: &SiteOverview) -> Self {
        let frame = Frame::new(language, facts);
        let ids: Vec<&str> = facts.alarms.iter().map(|alarm| alarm.id.as_str()).collect();
        Self {
            site: facts.site.to_string(),
            name: facts.name.clone(),
            zone: facts.zone.to_string(),
            chip: Chip::new(language, state(frame, facts)),
            finding: Finding::new(frame, facts),
            stamp: stamp(frame, facts),
            server_millis: facts.server_time.millis(),
            interval_ms: facts.interval_ms,
            alarm_ids: ids.join(" "),
            tiles: tiles(frame, facts),
            co2_month: facts.co2_month.as_ref().map(|month| co2_part(language, facts, month, Span::Month)),
        }
    }
}

/// The worst of what is known: alarms, and a total power that is not fresh.
pub(super) fn state(frame: Frame<'_>, facts: &SiteOverview) -> State {
    let worst = facts.alarms.iter().map(|alarm| State::of(alarm.severity)).max().unwrap_or(State::Ok);
    let fresh = Age::of(frame, &facts.power_total) == Age::Fresh && facts.power_total.value.is_some();
    if fresh { worst } else { worst.max(State::Stale) }
}

fn tiles(frame: Frame<'_>, facts: &SiteOverview) -> Vec<Tile> {
    let language = frame.language;
    let power = |key, label| Spec { key, kind: "kw", label, unit: "kW" };
    let mut tiles = vec![
        Tile::live(
            frame,
            power("power_total", "tile-total"),
            &facts.power_total,
            Fixed::kilowatts,
            String::new(),
        ),
        Tile::live(frame, power("power_it", "tile-it"), &facts.power_it, Fixed::kilowatts, String::new()),
        Tile::live(
            frame,
            power("power_cooling", "tile-cooling"),
            &facts.power_cooling,
            Fixed::kilowatts,
            String::new(),
        ),
        pue_tile(frame, facts),
    ];
    tiles.extend(rolling_tile(language, facts));
    let covered = Fixed::coverage(facts.coverage_today);
    let note =
        language.say("tile-coverage-note", &[("missing", u64::from(facts.coverage_today.missing()).into())]);
    tiles.push(Tile::fixed(language, language.text("tile-coverage"), covered, "%", note));
    if let Some(inlet) = &facts.inlet {
        let limit = language.optional(Fixed::degrees(inlet.limit), "°C");
        let note =
            language.say("tile-inlet-note", &[("place", (&inlet.place).into()), ("limit", (&limit).into())]);
        let spec = Spec { key: "inlet", kind: "celsius", label: "tile-inlet", unit: "°C" };
        tiles.push(Tile::live(frame, spec, &inlet.live, Fixed::degrees, note));
    }
    tiles
}

fn ratio(value: Ratio) -> Option<Fixed> {
    Fixed::from_f64(value.value(), 2)
}

fn pue_tile(frame: Frame<'_>, facts: &SiteOverview) -> Tile {
    let language = frame.language;
    let pue = &facts.pue_now;
    let note = match (&pue.withheld, pue.category) {
        (Some(code), _) => withheld(language, code),
        (None, Some(category)) => language.say("tile-pue-note", &[("category", u64::from(category).into())]),
        (None, None) => String::new(),
    };
    let spec = Spec { key: "pue_now", kind: "ratio", label: "tile-pue", unit: "" };
    Tile::live(frame, spec, &pue.live, ratio, note)
}

fn rolling_tile(language: Language, facts: &SiteOverview) -> Option<Tile> {
    let rolling = facts.pue_rolling.as_ref()?;
    let covered = language.optional(Fixed::coverage(rolling.coverage), "%");
    let note = match &rolling.withheld {
        Some(code) => withheld(language, code),
        None => language.say(
            "tile-pue-rolling-note",
            &[("category", u64::from(rolling.category).into()), ("coverage", (&covered).into())],
        ),
    };
    let key = if rolling.months >= 12 { "tile-pue-annual" } else { "tile-pue-interim" };
    let label = language.say(key, &[("months", u64::from(rolling.months).into())]);
    Some(Tile::fixed(language, label, rolling.value.and_then(ratio), "", note))
}

/// One sentence: power, PUE now and over the longer span; and the same with `{power}` and `{pue}` for the script, so that
/// it never says another number than the tiles.
pub(super) struct Finding {
    pub(super) text: String,
    pub(super) full: String,
    pub(super) power: String,
    pub(super) unknown: String,
}

impl Finding {
    fn new(frame: Frame<'_>, facts: &SiteOverview) -> Self {
        let language = frame.language;
        let name = ("name", (&facts.name).into());
        let unknown = language.say("site-finding-unknown", &[name]);
        let with_power = |power: &str| language.say("site-finding-power", &[name, ("power", power.into())]);
        let is_fresh = Age::of(frame, &facts.power_total) == Age::Fresh;
        let power = facts.power_total.value.filter(|_| is_fresh).and_then(Fixed::kilowatts);
        let power = power.map(|power| language.with_unit(power, "kW"));
        let pue = facts.pue_now.live.value.and_then(ratio).map(|pue| language.number(pue));
        let text = match (&power, &pue) {
            (Some(power), Some(pue)) => full_finding(language, facts, power, pue),
            (Some(power), None) => with_power(power),
            (None, _) => unknown.clone(),
        };
        let full = full_finding(language, facts, "{power}", "{pue}");
        Self { text, full, power: with_power("{power}"), unknown }
    }
}

fn full_finding(language: Language, facts: &SiteOverview, power: &str, pue: &str) -> String {
    let rolling =
        facts.pue_rolling.as_ref().and_then(|r| Some((r.months, language.number(ratio(r.value?)?))));
    let base = [("name", (&facts.name).into()), ("power", power.into()), ("pue", pue.into())];
    match &rolling {
        Some((months, value)) => language.say(
            "site-finding-rolling",
            &[base[0], base[1], base[2], ("months", u64::from(*months).into()), ("rolling", value.into())],
        ),
        None => language.say("site-finding-pue", &base),
    }
}

/// Time of the facts and how much was measured today.
fn stamp(frame: Frame<'_>, facts: &SiteOverview) -> String {
    let at = frame.language.date_time(frame.zone, facts.server_time);
    let covered = frame.language.optional(Fixed::coverage(facts.coverage_today), "%");
    frame.language.say("site-stamp", &[("at", (&at).into()), ("coverage", (&covered).into())])
}

#[derive(Clone, Copy)]
enum Span {
    Month,
    Year,
}

fn co2_part(language: Language, facts: &SiteOverview, progress: &Co2Progress, span: Span) -> Co2Part {
    let name = ("name", (&facts.name).into());
    let (title, part) = match span {
        Span::Month => {
            let month = language.month(facts.zone.month_of(progress.period.from));
            (language.say("co2-month-title", &[("month", (&month).into()), name]), "month")
        }
        Span::Year => {
            let year = facts.zone.year_of(progress.period.from).to_string();
            (language.say("co2-year-title", &[("year", (&year).into()), name]), "year")
        }
    };
    let id = format!("co2-{part}-{}", facts.site);
    let bullet = Bullet {
        id: id.clone(),
        title,
        actual: progress.actual,
        allowed: progress.allowed,
        budget: progress.budget,
        coverage: progress.coverage,
    };
    Co2Part {
        figure: bullet.chart(language).figure(language, &id, Details::Folded),
        chip: verdict_chip(language, bullet.verdict()),
        factor: factor_note(language, progress),
    }
}

fn factor_note(language: Language, progress: &Co2Progress) -> String {
    let key = match progress.factor_provisional {
        Provisional::Yes => "co2-factor-provisional",
        Provisional::No => "co2-factor",
    };
    let year = progress.factor_year.to_string();
    language.say(key, &[("factor", (&progress.factor).into()), ("year", (&year).into())])
}

fn verdict_chip(language: Language, verdict: Verdict) -> Chip {
    let state = match verdict {
        Verdict::OnCourse => State::Ok,
        Verdict::Narrowly => State::Warning,
        Verdict::OffCourse => State::Critical,
        Verdict::NoStatement => State::Stale,
    };
    Chip::saying(state, language.text(verdict.key()))
}

/// Total, IT and cooling of the last 24 hours in kW.
pub(super) fn power_chart(language: Language, facts: &SiteOverview, id: &str) -> LineChart {
    let trend = &facts.power_24h;
    let steps = trend.total.len().max(trend.it.len()).max(trend.cooling.len());
    let start = |step: usize| {
        trend.from.plus_millis(i64::from(trend.step_ms) * i64::try_from(step).unwrap_or(i64::MAX / 2))
    };
    let line = |name: &str, tone, values: &[Option<Power>]| LineSeries {
        name: language.text(name),
        tone,
        values: values.iter().map(|power| power.map(|power| power.watts() / 1000.0)).collect(),
    };
    let series = vec![
        line("series-total", Tone::Total, &trend.total),
        line("series-it", Tone::It, &trend.it),
        line("series-cooling", Tone::Cooling, &trend.cooling),
    ];
    let greatest = series.iter().flat_map(|s| s.values.iter().flatten()).copied().fold(0.0, f64::max);
    LineChart {
        id: format!("{id}-drawing"),
        title: language.text("power-title"),
        unit: "kW".to_owned(),
        label_name: language.text("power-label"),
        labels: (0..steps).map(|step| language.short_time(&facts.zone, start(step))).collect(),
        ticks: (0..steps).filter_map(|step| Some((step, tick(&facts.zone, start(step))?))).collect(),
        series,
        decimals: Fixed::kilowatts(Power::from_watts(greatest * 1000.0)).map_or(0, Fixed::decimals),
    }
}

/// Every full fourth hour of the local clock gets a mark.
fn tick(zone: &Zone, at: Timestamp) -> Option<String> {
    let local = zone.local(at);
    (local.minute == 0 && local.hour.is_multiple_of(4)).then(|| format!("{}:00", local.hour))
}

pub(super) fn alarm_row(language: Language, facts: &SiteOverview, alarm: &Alarm) -> AlarmRow {
    let at = language.date_time(&facts.zone, alarm.since);
    let span = language.span(facts.server_time.millis_since(alarm.since));
    AlarmRow {
        chip: Chip::new(language, State::of(alarm.severity)),
        text: alarm_text(language, alarm),
        since: language.say("alarm-since", &[("at", (&at).into()), ("span", (&span).into())]),
        site: facts.name.clone(),
    }
}

pub(super) fn alarms_empty(language: Language, facts: &SiteOverview) -> String {
    let rules = ("rules", u64::from(facts.alarm_rules).into());
    match facts.alarms_checked {
        Some(at) => {
            let at = language.time_of(&facts.zone, at);
            language.say("alarms-none", &[rules, ("at", (&at).into())])
        }
        None => language.text("alarms-unchecked"),
    }
}

fn agent_row(language: Language, facts: &SiteOverview, agent: &crate::facts::AgentNow) -> AgentRow {
    let seen = match agent.last_seen {
        Some(at) => {
            let span = language.span(Period::new(at, facts.server_time).millis());
            let at = language.date_time(&facts.zone, at);
            language.say("agent-seen", &[("at", (&at).into()), ("span", (&span).into())])
        }
        None => language.text("agent-never"),
    };
    AgentRow { name: agent.agent.clone(), seen }
}
