//! What the pages show: values with their age; the collector fills them, [`crate::page`] draws them, and the same
//! structs go out as JSON on `/api/v1/live`.
//!
//! Instants are UTC milliseconds; the browser never sees its own zone. A value without an instant is never shown as
//! current. Missing is `null`, never zero.

use calendar::{Month, Zone};
use model::{CarbonMass, Celsius, Coverage, MeterPointId, Period, Power, Ratio, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

pub use model::Severity;

/// A value that lives: the latest one and when it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Live<T> {
    /// The value; `None` if there was none yet, or if it may not be shown (see [`withheld`](PueNow::withheld)).
    pub value: Option<T>,
    /// When the oldest of its parts was measured; `None` if there was none yet.
    pub at: Option<Timestamp>,
    /// How often a new one is due, in milliseconds; after 3 of these it is stale.
    pub every_ms: u32,
}

impl<T> Live<T> {
    /// None yet.
    pub const fn never(every_ms: u32) -> Self {
        Self { value: None, at: None, every_ms }
    }
}

/// All that one site's page shows, and, in a shorter form, its card on the overview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiteOverview {
    /// The site.
    pub site: SiteId,
    /// Its name as shown.
    pub name: String,
    /// Its time zone, such as `Europe/Berlin`.
    pub zone: Zone,
    /// The collector's clock when these facts were taken.
    pub server_time: Timestamp,
    /// How often a new message is sent on the live stream, in milliseconds; after 3 of these the page is stale.
    pub interval_ms: u32,
    /// Total power now.
    pub power_total: Live<Power>,
    /// IT power now.
    pub power_it: Live<Power>,
    /// Cooling power now.
    pub power_cooling: Live<Power>,
    /// PUE now: mean power of the last 15 minutes, total over IT.
    pub pue_now: PueNow,
    /// PUE over the longest closed span up to 12 months.
    pub pue_rolling: Option<PueRolling>,
    /// Quarter hours of today's local day up to now, over all meter points that count.
    pub coverage_today: Coverage,
    /// CO2 of this month so far against the path.
    pub co2_month: Option<Co2Progress>,
    /// CO2 of this year so far against the path.
    pub co2_year: Option<Co2Progress>,
    /// The hottest rack inlet, if inlets are measured.
    pub inlet: Option<InletNow>,
    /// Mean power of the last 24 hours in equal steps, oldest first. At most 288 (5 minutes each).
    pub power_24h: PowerTrend,
    /// Open alarms, worst first. At most 100.
    pub alarms: Vec<Alarm>,
    /// How many alarm rules were checked, and when last: an empty list says so.
    pub alarm_rules: u32,
    /// When the rules were last checked.
    pub alarms_checked: Option<Timestamp>,
    /// Devices by plan.
    pub devices: u32,
    /// Devices that are silent.
    pub devices_silent: u32,
    /// The agents of the site.
    pub agents: Vec<AgentNow>,
}

/// PUE of the last 15 minutes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PueNow {
    /// The value; `None` if withheld.
    pub live: Live<Ratio>,
    /// Measurement category, 1 to 3.
    pub category: Option<u8>,
    /// Why there is none: `missing_it_meter`, `zero_it_load`, `stale`, `boundary_error`, `low_coverage`.
    pub withheld: Option<String>,
}

/// PUE over a longer span, from closed intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PueRolling {
    /// The value; `None` if withheld.
    pub value: Option<Ratio>,
    /// Measurement category, 1 to 3.
    pub category: u8,
    /// How many whole months it spans, 1 to 12. Only 12 may be called annual.
    pub months: u8,
    /// Quarter hours behind it.
    pub coverage: Coverage,
    /// Why there is none, a code as in [`PueNow::withheld`].
    pub withheld: Option<String>,
}

/// CO2 of a month or a year so far, against the target path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Co2Progress {
    /// From the start of the month or year to now.
    pub period: Period,
    /// Emitted so far, location-based; `None` if unknown.
    #[serde(rename = "actual_milligrams")]
    pub actual: Option<CarbonMass>,
    /// What the path allows up to now; `None` without a target.
    #[serde(rename = "allowed_milligrams")]
    pub allowed: Option<CarbonMass>,
    /// What the path allows for the whole month or year; `None` without a target.
    #[serde(rename = "budget_milligrams")]
    pub budget: Option<CarbonMass>,
    /// Quarter hours behind it.
    pub coverage: Coverage,
    /// The factor set, such as `uba-strommix@2025-03`.
    pub factor: String,
    /// The year for which the factor was published.
    pub factor_year: i16,
    /// May the factor still change?
    pub factor_provisional: Provisional,
}

/// May it still change?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provisional {
    /// It may.
    Yes,
    /// It is final.
    No,
}

/// The hottest rack inlet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InletNow {
    /// The temperature.
    pub live: Live<Celsius>,
    /// Where, such as `rack a07`.
    pub place: String,
    /// The upper limit.
    pub limit: Celsius,
}

/// Mean power in equal steps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PowerTrend {
    /// Start of the first step.
    pub from: Timestamp,
    /// Length of a step in milliseconds.
    pub step_ms: u32,
    /// Total power of each step; `None` is a gap.
    pub total: Vec<Option<Power>>,
    /// IT power of each step.
    pub it: Vec<Option<Power>>,
    /// Cooling power of each step.
    pub cooling: Vec<Option<Power>>,
}

/// An open alarm, one line per incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Id, stable while it is open.
    pub id: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about, with the numbers that the sentence names.
    pub kind: AlarmKind,
    /// The device, meter point or place.
    pub object: String,
    /// Since when.
    pub since: Timestamp,
}

/// What an alarm is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AlarmKind {
    /// A device does not answer.
    DeviceSilent,
    /// An agent does not send.
    AgentSilent,
    /// Less data than needed.
    LowCoverage {
        /// What there is.
        coverage: Coverage,
        /// The limit in percent.
        limit_percent: u8,
    },
    /// A rack inlet is too hot.
    InletLimit {
        /// The temperature.
        value: Celsius,
        /// The limit.
        limit: Celsius,
    },
    /// Anything else, in words that are shown as they are.
    Other {
        /// One line.
        text: String,
    },
}

/// An agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentNow {
    /// Its id.
    pub agent: String,
    /// When its last batch was stored.
    pub last_seen: Option<Timestamp>,
}

/// All that `/` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CityOverview {
    /// Name of the city as shown.
    pub city: String,
    /// Zone of the page's own times.
    pub zone: Zone,
    /// The collector's clock.
    pub server_time: Timestamp,
    /// The sites, in the order in which they are shown.
    pub sites: Vec<SiteOverview>,
    /// The latest report, if there is one.
    pub latest_report: Option<ReportEntry>,
}

/// All that `/reports` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportArchive {
    /// Zone of the page's own times.
    pub zone: Zone,
    /// The collector's clock.
    pub server_time: Timestamp,
    /// The reports, newest first. At most 500.
    pub reports: Vec<ReportEntry>,
}

/// A report in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportEntry {
    /// The report's id.
    pub id: String,
    /// Site's name, or the city's.
    pub scope: String,
    /// The month.
    pub month: Month,
    /// Its revision.
    pub revision: u32,
    /// May it still change?
    pub preliminary: Provisional,
    /// When it was made.
    pub created: Timestamp,
    /// Quarter hours behind it.
    pub coverage: Coverage,
    /// SHA-256 of the sealed facts, 64 hexadecimal digits.
    pub sha256: String,
    /// The files: format and address on this server.
    pub files: Vec<ReportFile>,
}

/// A file of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// `html`, `csv`, `json`.
    pub format: String,
    /// `de` or `en`; `None` for files without language.
    pub language: Option<String>,
    /// Address, beginning with `/`.
    pub href: String,
}

/// All that `/site/{id}/quality` shows: one month, a row per meter point, a column per local day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteQuality {
    /// The site.
    pub site: SiteId,
    /// Its name as shown.
    pub name: String,
    /// Its time zone.
    pub zone: Zone,
    /// The collector's clock.
    pub server_time: Timestamp,
    /// The month.
    pub month: Month,
    /// Is there a month before with data?
    pub earlier: Option<Month>,
    /// Is there a month after with data?
    pub later: Option<Month>,
    /// The meter points, in the order of the site's file.
    pub points: Vec<PointDays>,
}

/// The days of one meter point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointDays {
    /// The meter point.
    pub point: MeterPointId,
    /// Its role, such as `MP_EVU`.
    pub role: String,
    /// Coverage of each day of the month; days still to come are `None`.
    pub days: Vec<Option<Coverage>>,
}
