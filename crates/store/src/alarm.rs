//! Alarms: at most one open for each site, kind and subject.

use model::{Period, Severity, SiteId, Timestamp};
use rusqlite::Row;

use crate::tx::{instant, instant_option, limit, parsed};
use crate::{AlarmId, Core, StoreError, Tx};

/// A condition that someone should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAlarm {
    /// The site.
    pub site: SiteId,
    /// What kind, such as `silent_device`.
    pub kind: String,
    /// What it is about, such as a device's id.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// In words.
    pub detail: String,
    /// Since when.
    pub at: Timestamp,
}

/// An alarm of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its number.
    pub id: AlarmId,
    /// What it says; `at` is when it was opened.
    pub alarm: NewAlarm,
    /// When it was over; `None`: it is open.
    pub closed: Option<Timestamp>,
}

/// What opening an alarm did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is new.
    New(AlarmId),
    /// It was open already; severity and detail were brought up to date.
    Already(AlarmId),
}

/// Which alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlarmFilter {
    /// Those that are open.
    Open,
    /// Those that were open at some time in a period.
    During(Period),
}

impl Tx<'_> {
    /// Opens an alarm, unless the same is open already.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn open_alarm(&self, alarm: &NewAlarm) -> Result<Opened, StoreError> {
        let sql = "UPDATE alarm SET severity = ?4, detail = ?5
            WHERE site = ?1 AND kind = ?2 AND subject = ?3 AND closed_ms IS NULL RETURNING id";
        let severity = severity_name(alarm.severity);
        let values = (alarm.site.as_str(), &alarm.kind, &alarm.subject, severity, &alarm.detail);
        if let Some(id) = self.one("bring an alarm up to date", sql, values, |row| row.get(0))? {
            return Ok(Opened::Already(id));
        }
        let sql = "INSERT INTO alarm(site, kind, subject, severity, detail, opened_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
        let (site, kind, subject, severity, detail) = values;
        let id =
            self.insert("open an alarm", sql, (site, kind, subject, severity, detail, alarm.at.millis()))?;
        Ok(Opened::New(AlarmId::new(id)))
    }

    /// Closes the open alarm of a kind and subject, if there is one.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn close_alarm(
        &self,
        site: &SiteId,
        kind: &str,
        subject: &str,
        at: Timestamp,
    ) -> Result<Option<AlarmId>, StoreError> {
        let sql = "UPDATE alarm SET closed_ms = max(opened_ms, ?4)
            WHERE site = ?1 AND kind = ?2 AND subject = ?3 AND closed_ms IS NULL RETURNING id";
        self.one("close an alarm", sql, (site.as_str(), kind, subject, at.millis()), |row| row.get(0))
    }
}

impl Core {
    /// Alarms of one site or of all, the newest first, at most `rows`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn alarms(
        &self,
        site: Option<&SiteId>,
        filter: AlarmFilter,
        rows: usize,
    ) -> Result<Vec<Alarm>, StoreError> {
        let sql = "SELECT id, site, kind, subject, severity, detail, opened_ms, closed_ms FROM alarm
            WHERE (?1 IS NULL OR site = ?1) AND opened_ms < ?3 AND (closed_ms IS NULL OR closed_ms > ?2)
            ORDER BY opened_ms DESC, id DESC LIMIT ?4";
        let (from, to) = match filter {
            AlarmFilter::Open => (i64::MAX, i64::MAX),
            AlarmFilter::During(period) => (period.from.millis(), period.to.millis()),
        };
        self.all("read alarms", sql, (site.map(SiteId::as_str), from, to, limit(rows)), alarm)
    }
}

fn alarm(row: &Row<'_>) -> rusqlite::Result<Alarm> {
    let alarm = NewAlarm {
        site: parsed(row, 1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        severity: severity(row.get_ref(4)?.as_str()?),
        detail: row.get(5)?,
        at: instant(row, 6)?,
    };
    Ok(Alarm { id: row.get(0)?, alarm, closed: instant_option(row, 7)? })
}

const fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// A name that is not known here counts as critical: better seen than lost.
fn severity(name: &str) -> Severity {
    match name {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        _ => Severity::Critical,
    }
}
