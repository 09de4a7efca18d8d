//! What the page of a site's data quality shows.

use accounting::coverage_of;
use calendar::Month;
use dashboards::{PointDays, SiteQuality};
use model::{Period, SiteId, Timestamp};
use store::Core;

use super::FactsError;
use super::catalogue::{Context, SiteEntry};
use super::kpi::SiteSpan;
use super::values::covered_to;

/// Coverage of each meter point and local day of a month.
///
/// # Errors
/// If the record cannot be read.
pub fn quality_page(
    core: &Core,
    context: &Context,
    site: &SiteId,
    (month, now): (Month, Timestamp),
) -> Result<SiteQuality, FactsError> {
    let entry = context.site(site)?;
    let site = &entry.topology.site;
    let span = site.zone.month(month);
    let until = covered_to(now);
    let values = SiteSpan::read(core, context, entry, span)?;
    let days = site.zone.days_in(span);
    let mut points: Vec<PointDays> = values
        .points()
        .iter()
        .map(|point| PointDays {
            point: point.point.clone(),
            role: point.role.as_str().to_owned(),
            days: Vec::with_capacity(days.len()),
        })
        .collect();
    for (_, day) in days {
        let past = Period::new(day.from, day.to.min(until));
        let part = values.part(past);
        for (shown, point) in points.iter_mut().zip(part.points()) {
            shown.days.push((!past.is_empty()).then(|| coverage_of(&point.values)));
        }
    }
    Ok(SiteQuality {
        site: site.id.clone(),
        name: site.name.clone(),
        zone: site.zone.clone(),
        server_time: now,
        month,
        earlier: Some(month.previous()).filter(|earlier| has_data(core, entry, *earlier)),
        later: Some(month.next()).filter(|later| site.zone.month(*later).from < now),
        points,
    })
}

fn has_data(core: &Core, entry: &SiteEntry, month: Month) -> bool {
    let span = entry.topology.site.zone.month(month);
    let any = |series: &accounting::SeriesKey| {
        let found = core
            .find_series(&entry.topology.site.id, &series.device, series.quantity, &series.channel)
            .ok()??;
        let id = core.find_interval_series(&store::IntervalSubject::Register(found.id)).ok()??;
        let (first, last) = core.interval_span(id).ok()??;
        Some(first.start() < span.to && last.start() >= span.from)
    };
    entry.topology.series().into_iter().any(|series| any(series) == Some(true))
}
