//! Seals the facts of a month: what was said stays, and a correction gets the next revision.

use calendar::Month;
use model::{CityId, SiteId, Timestamp};
use report::{MonthReport, Sealed};
use store::{NewReport, Writer};

use super::FactsError;
use super::archive::facts_of;
use super::catalogue::{Context, SiteEntry};
use super::month::{MonthScope, month_report};

/// Kind of a monthly report in the record.
const KIND: &str = "month";

/// One site, or all of them in one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// One site.
    Site(SiteId),
    /// All sites of the city.
    All,
}

/// Which report is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// About what.
    pub scope: &'a Scope,
    /// The month.
    pub month: Month,
    /// Id of the city.
    pub city: &'a CityId,
    /// Its name as shown.
    pub city_name: &'a str,
    /// When the facts are taken.
    pub now: Timestamp,
}

/// Gathers the facts and seals them. Facts that are the same as those sealed last are not sealed again: the same
/// report is given back, to the byte.
///
/// # Errors
/// If there is no such site, or the record cannot be read or written.
pub fn seal(
    writer: &mut Writer,
    context: &Context,
    ask: Ask<'_>,
    author: &str,
) -> Result<MonthReport, FactsError> {
    let sites: Vec<&SiteEntry> = match ask.scope {
        Scope::Site(site) => vec![context.site(site)?],
        Scope::All => context.sites.values().collect(),
    };
    let key = match ask.scope {
        Scope::Site(site) => site.clone(),
        Scope::All => SiteId::new(ask.city.as_str()).expect("a city's id has the form of a site's"),
    };
    let scope =
        MonthScope { sites: &sites, name: key.as_str(), city: ask.city_name, month: ask.month, now: ask.now };
    let report = writer.reader().snapshot(|reader| month_report(reader, context, &scope))?;
    let latest = writer.reader().report(&key, KIND, report.period, None)?;
    let report = match &latest {
        Some(latest) => {
            let known = facts_of(latest)?;
            if same(&known, &report)? {
                return Ok(known);
            }
            let revision = known.revision + 1;
            MonthReport { id: format!("{key}-{}-r{revision}", ask.month), revision, ..report }
        }
        None => report,
    };
    let facts = Sealed::new(&report)?.json().as_bytes().to_vec();
    let author = author.to_owned();
    let new =
        NewReport { site: key, kind: KIND.to_owned(), period: report.period, facts, author, at: ask.now };
    writer.transaction(|tx| tx.seal_report(&new))?;
    Ok(report)
}

/// Do two reports say the same, whenever and as whatever revision?
fn same(known: &MonthReport, new: &MonthReport) -> Result<bool, FactsError> {
    let as_known = MonthReport {
        id: known.id.clone(),
        revision: known.revision,
        data_as_of: known.data_as_of,
        software: known.software.clone(),
        ..new.clone()
    };
    Ok(Sealed::new(&as_known)?.sha256() == Sealed::new(known)?.sha256())
}
