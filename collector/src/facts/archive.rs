//! Sealed reports, as the archive page lists them and as documents are made of them again.

use dashboards::{Provisional, ReportArchive, ReportEntry, ReportFile};
use model::{Coverage, SiteId, Timestamp};
use report::{MonthReport, Status};
use store::{Reader, SealedReport};

use super::{Context, FactsError};

/// Reports that the page lists.
const SHOWN_MAX: usize = 500;

/// All sealed reports of the sites and of the city, newest month first.
///
/// # Errors
/// If the record cannot be read.
pub fn archive(
    reader: &Reader,
    context: &Context,
    city: &SiteId,
    now: Timestamp,
) -> Result<ReportArchive, FactsError> {
    let mut reports = Vec::new();
    for site in context.sites.keys().chain([city]) {
        for sealed in reader.reports(site)? {
            reports.push(entry(&sealed)?);
        }
    }
    reports.sort_by(newest_first);
    reports.truncate(SHOWN_MAX);
    let zone = context.sites.values().next().map(|site| site.topology.site.zone.clone());
    let zone = zone.unwrap_or_else(super::overview::default_zone);
    Ok(ReportArchive { zone, server_time: now, reports })
}

/// The first line of the [`archive`], without reading all of it.
///
/// # Errors
/// If the record cannot be read.
pub fn newest(reader: &Reader, context: &Context, city: &SiteId) -> Result<Option<ReportEntry>, FactsError> {
    let mut newest = Vec::new();
    for site in context.sites.keys().chain([city]) {
        newest.extend(reader.newest_report(site)?.as_ref().map(entry).transpose()?);
    }
    Ok(newest.into_iter().min_by(newest_first))
}

fn newest_first(a: &ReportEntry, b: &ReportEntry) -> std::cmp::Ordering {
    (b.month, &a.scope, b.revision).cmp(&(a.month, &b.scope, a.revision))
}

/// A sealed report's line in the archive.
///
/// # Errors
/// If its facts cannot be read.
pub fn entry(sealed: &SealedReport) -> Result<ReportEntry, FactsError> {
    let report = facts_of(sealed)?;
    let scope = match report.sites.as_slice() {
        [only] => only.name.clone(),
        _ => report.city.clone(),
    };
    let mut coverage = Coverage::default();
    for site in &report.sites {
        coverage.expected += site.quality.coverage.expected;
        coverage.measured += site.quality.coverage.measured;
        coverage.substitute += site.quality.coverage.substitute;
        coverage.provisional += site.quality.coverage.provisional;
    }
    let file = |format: &str, language: Option<&str>| {
        let middle = language.map(|language| format!(".{language}")).unwrap_or_default();
        ReportFile {
            format: format.to_owned(),
            language: language.map(str::to_owned),
            href: format!("/reports/{}{middle}.{format}", report.id),
        }
    };
    Ok(ReportEntry {
        scope,
        month: report.month,
        revision: report.revision,
        preliminary: if report.status == Status::Preliminary { Provisional::Yes } else { Provisional::No },
        created: sealed.report.at,
        coverage,
        sha256: crate::hex(&sealed.sealed.sha256),
        files: vec![
            file("html", Some("de")),
            file("html", Some("en")),
            file("csv", None),
            file("json", None),
        ],
        id: report.id,
    })
}

/// The sealed report of an id such as `rz-nord-2026-10-r1`, with its facts.
///
/// # Errors
/// If the record cannot be read.
pub fn sealed(
    reader: &Reader,
    context: &Context,
    city: &SiteId,
    id: &str,
) -> Result<Option<(SealedReport, MonthReport)>, FactsError> {
    for site in context.sites.keys().chain([city]).filter(|site| id.starts_with(site.as_str())) {
        for sealed in reader.reports(site)? {
            let facts = facts_of(&sealed)?;
            if facts.id == id {
                return Ok(Some((sealed, facts)));
            }
        }
    }
    Ok(None)
}

pub(super) fn facts_of(sealed: &SealedReport) -> Result<MonthReport, FactsError> {
    let unreadable = |source| FactsError::Sealed { number: sealed.sealed.number, source };
    serde_json::from_slice(&sealed.report.facts).map_err(unreadable)
}
