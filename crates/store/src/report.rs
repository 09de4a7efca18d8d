//! Sealed reports: the facts as canonical JSON, with their hash, in revisions that stay.

use model::{Period, SiteId, Timestamp};
use rusqlite::Row;

use crate::audit::sha256;
use crate::tx::{instant, parsed};
use crate::{Changed, Core, StoreError, Tx};

/// Facts to be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReport {
    /// The site.
    pub site: SiteId,
    /// What kind: `month`, `year`, ...
    pub kind: String,
    /// The period.
    pub period: Period,
    /// The facts as canonical JSON (RFC 8785).
    pub facts: Vec<u8>,
    /// Who sealed them.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// What sealing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Row number, which a change names.
    pub number: i64,
    /// The revision, from 0.
    pub revision: u32,
    /// SHA-256 of the facts.
    pub sha256: [u8; 32],
    /// Were these facts sealed before? Then this is the revision that they got.
    pub known: bool,
}

/// A sealed report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedReport {
    /// What sealing it said.
    pub sealed: Sealed,
    /// What was sealed.
    pub report: NewReport,
}

/// The latest period first, then the latest revision.
const NEWEST_FIRST: &str = "ORDER BY from_ms DESC, to_ms DESC, kind, revision DESC";
const COLUMNS: &str = "id, site, kind, from_ms, to_ms, revision, facts, sha256, author, sealed_ms";

impl Tx<'_> {
    /// Seals facts: as the next revision, unless they are those of the latest one.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn seal_report(&self, report: &NewReport) -> Result<Sealed, StoreError> {
        let latest = self.report(&report.site, &report.kind, report.period, None)?;
        let hash = sha256(&report.facts);
        if let Some(latest) = &latest
            && latest.sealed.sha256 == hash
        {
            return Ok(latest.sealed);
        }
        let revision = latest.map_or(0, |latest| latest.sealed.revision + 1);
        let NewReport { site, kind, period, facts, author, at } = report;
        let sql = "INSERT INTO report(site, kind, from_ms, to_ms, revision, facts, sha256, author, sealed_ms)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let (from, to) = (period.from.millis(), period.to.millis());
        let values = (site.as_str(), kind, from, to, revision, facts, hash, author, at.millis());
        let number = self.insert("seal a report", sql, values)?;
        self.note(Changed::Report { number, revision })?;
        Ok(Sealed { number, revision, sha256: hash, known: false })
    }
}

impl Core {
    /// A sealed report; without a revision, the latest one.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn report(
        &self,
        site: &SiteId,
        kind: &str,
        period: Period,
        revision: Option<u32>,
    ) -> Result<Option<SealedReport>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM report WHERE site = ?1 AND kind = ?2 AND from_ms = ?3 AND to_ms = ?4
            AND revision = coalesce(?5, revision) ORDER BY revision DESC LIMIT 1"
        );
        let (from, to) = (period.from.millis(), period.to.millis());
        self.one("read a report", &sql, (site.as_str(), kind, from, to, revision), sealed)
    }

    /// The sealed report that a change names.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn report_by_number(&self, number: i64) -> Result<Option<SealedReport>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM report WHERE id = ?1");
        self.one("read a report", &sql, [number], sealed)
    }

    /// All sealed reports of a site, the latest period first, then the latest revision.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn reports(&self, site: &SiteId) -> Result<Vec<SealedReport>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM report WHERE site = ?1 {NEWEST_FIRST}");
        self.all("list reports", &sql, [site.as_str()], sealed)
    }

    /// The first of [`reports`](Self::reports).
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn newest_report(&self, site: &SiteId) -> Result<Option<SealedReport>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM report WHERE site = ?1 {NEWEST_FIRST} LIMIT 1");
        self.one("read the newest report", &sql, [site.as_str()], sealed)
    }
}

fn sealed(row: &Row<'_>) -> rusqlite::Result<SealedReport> {
    let report = NewReport {
        site: parsed(row, 1)?,
        kind: row.get(2)?,
        period: Period::new(instant(row, 3)?, instant(row, 4)?),
        facts: row.get(6)?,
        author: row.get(8)?,
        at: instant(row, 9)?,
    };
    let sealed = Sealed { number: row.get(0)?, revision: row.get(5)?, sha256: row.get(7)?, known: true };
    Ok(SealedReport { sealed, report })
}

impl SealedReport {
    /// Do the facts still have the hash that they were sealed with?
    pub fn is_unchanged(&self) -> bool {
        sha256(&self.report.facts) == self.sealed.sha256
    }
}
