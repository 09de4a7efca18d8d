//! Quarter-hour values of meter points that no agent reads, from CSV.

use std::collections::{BTreeMap, BTreeSet};

use accounting::Topology;
use calendar::instant_from_rfc3339;
use model::{Decimal, Energy, IntervalValue, Method, Period, Quality, QuarterHour, Reason, SiteId};
use store::{Cause, DocumentKind, Finality, IntervalSubject, PutIntervals, Writer};

use super::{ImportError, Mode, PointKey, Request, Summary, csv};

const COLUMNS: &[&str] = &["from", "to", "site", "meter_point", "energy_kwh", "quality"];
/// The longest span of one row: a leap year of quarter hours and a day.
const QUARTERS_MAX: usize = 367 * 96;

struct Row {
    key: PointKey,
    period: Period,
    energy: Option<Energy>,
    quality: Quality,
}

/// Values by quarter hour, each with the number of its row.
type Values = BTreeMap<QuarterHour, (usize, IntervalValue)>;

pub(super) fn import(
    writer: &mut Writer,
    request: &Request<'_>,
    bytes: &[u8],
) -> Result<Summary, ImportError> {
    let rows = csv::rows(&request.name(), bytes, request.variant, COLUMNS, row)?;
    let points = by_point(request, &rows)?;
    let keys: Vec<_> = rows.iter().enumerate().map(|(n, row)| (row.key.clone(), line(n))).collect();
    points_of(writer, request, &keys)?;
    let cause = |import| Cause { at: request.at, why: format!("import of {}", request.name()), import };
    let mut lines: Vec<String> = points
        .iter()
        .map(|((site, point), values)| format!("{site}/{point}: {} quarter hours", values.len()))
        .collect();
    if request.mode == Mode::DryRun {
        return Ok(Summary { number: None, lines });
    }
    let (number, put) = writer.transaction(|tx| {
        let number = request.note(tx, bytes, rows.len(), format!("{} meter points", points.len()))?;
        let mut put = PutIntervals::default();
        for ((site, point), values) in &points {
            let subject = IntervalSubject::MeterPoint { site: site.clone(), point: point.clone() };
            let id = tx.interval_series(&subject)?;
            for (first, run) in runs(values) {
                let done = tx.put_intervals(id, first, &run, (Finality::Final, &cause(Some(number))))?;
                put.written += done.written;
                put.revised += done.revised;
                put.unchanged += done.unchanged;
            }
        }
        Ok::<_, store::StoreError>((number, put))
    })?;
    lines.push(format!(
        "{} quarter hours written, {} of them revised; {} said the same already",
        put.written, put.revised, put.unchanged
    ));
    Ok(Summary { number: Some(number), lines })
}

fn row(row: &csv::Row<'_>) -> Result<Row, String> {
    let instant =
        |column| instant_from_rfc3339(row.text(column)).map_err(|error| format!("{column}: {error}"));
    let period = Period { from: instant("from")?, to: instant("to")? };
    let on_quarter = |instant: model::Timestamp| instant.millis() % QuarterHour::MILLIS == 0;
    if period.is_empty() || !on_quarter(period.from) || !on_quarter(period.to) {
        return Err(format!("from {} to {} are no whole quarter hours", period.from, period.to));
    }
    if period.quarter_count() > QUARTERS_MAX {
        return Err("more than a year in one row".to_owned());
    }
    let text = row.text("quality");
    let quality: Quality =
        text.parse().map_err(|()| format!("quality: `{text}` is none of T, S, P, R, F, X, M"))?;
    let energy = match (quality, row.text("energy_kwh")) {
        (Quality::Missing, "") => None,
        (Quality::Missing, _) => return Err("energy_kwh: a missing value (M) has no energy".to_owned()),
        _ => Some(milliwatt_hours(row.decimal("energy_kwh")?)?),
    };
    Ok(Row { key: (row.parsed("site")?, row.parsed("meter_point")?), period, energy, quality })
}

/// Exact: a kWh with more than six decimals cannot be held.
fn milliwatt_hours(kwh: Decimal) -> Result<Energy, String> {
    let wrong = || format!("energy_kwh: `{kwh}` does not fit; at most six decimals are kept");
    let exponent = u32::try_from(i32::from(kwh.exponent()) + 6).map_err(|_| wrong())?;
    let power = 10i64.checked_pow(exponent).ok_or_else(wrong)?;
    kwh.mantissa().checked_mul(power).map(Energy::from_milliwatt_hours).ok_or_else(wrong)
}

fn by_point(request: &Request<'_>, rows: &[Row]) -> Result<BTreeMap<PointKey, Values>, ImportError> {
    let mut points: BTreeMap<PointKey, Values> = BTreeMap::new();
    for (n, row) in rows.iter().enumerate() {
        let values = points.entry(row.key.clone()).or_default();
        for (quarter, value) in row.period.quarters().zip(apportioned(row)) {
            if let Some((earlier, _)) = values.insert(quarter, (n, value)) {
                let what = format!(
                    "{}/{} has {} twice, also in line {}",
                    row.key.0,
                    row.key.1,
                    quarter.start(),
                    line(earlier)
                );
                return Err(request.contradiction(line(n), what));
            }
        }
    }
    Ok(points)
}

/// Line of a row without line breaks in its fields; the header is line 1.
fn line(row: usize) -> u64 {
    row as u64 + 2
}

/// A row's energy, spread over its quarter hours to the milliwatt-hour. A row of one quarter hour keeps its quality. In
/// a longer one the sum is what it says, but the shape is not known: its quarter hours are substitutes by
/// apportioning (ZQ8), since nobody has access to quarter-hour values there (Z74).
fn apportioned(row: &Row) -> Vec<IntervalValue> {
    let count = row.period.quarter_count();
    let Some(energy) = row.energy else {
        return vec![IntervalValue::missing(None); count];
    };
    if count == 1 {
        return vec![IntervalValue {
            energy: Some(energy),
            quality: row.quality,
            method: None,
            reason: None,
        }];
    }
    let (total, of) = (i128::from(energy.milliwatt_hours()), count as i128);
    let until = |n: usize| i64::try_from(total * n as i128 / of).unwrap_or(i64::MAX);
    let part = |n: usize| Energy::from_milliwatt_hours(until(n + 1) - until(n));
    let value = |n| match row.quality {
        Quality::True => IntervalValue::substitute(part(n), Method::Apportioned, Reason::NoAccess),
        quality => IntervalValue {
            quality,
            ..IntervalValue::substitute(part(n), Method::Apportioned, Reason::NoAccess)
        },
    };
    (0..count).map(value).collect()
}

/// The files of the sites that rows name. Every point must stand in its site's file, without a source or formula of its
/// own: else two sources would compete.
pub(super) fn points_of(
    writer: &Writer,
    request: &Request<'_>,
    rows: &[(PointKey, u64)],
) -> Result<BTreeMap<SiteId, Topology>, ImportError> {
    let mut sites: BTreeMap<SiteId, Topology> = BTreeMap::new();
    for document in writer.reader().documents(DocumentKind::Topology)? {
        let read =
            Topology::read(&document.document.key, &document.document.text).map_err(ImportError::Text)?;
        sites.insert(read.site.id.clone(), read);
    }
    let mut checked = BTreeSet::new();
    for (key, line) in rows {
        if checked.insert(key) {
            check_point(&sites, key).map_err(|what| request.contradiction(*line, what))?;
        }
    }
    Ok(sites)
}

fn check_point(sites: &BTreeMap<SiteId, Topology>, (site, id): &PointKey) -> Result<(), String> {
    let topology =
        sites.get(site).ok_or_else(|| format!("site `{site}` is not known; import its topology first"))?;
    let point = topology
        .point(id)
        .ok_or_else(|| format!("meter point `{id}` is not in the file of site `{site}`"))?;
    if point.is_imported() {
        return Ok(());
    }
    Err(format!("meter point `{site}/{id}` has a source or formula of its own and takes no import"))
}

/// Successive quarter hours as one run each, so that a day is written once.
fn runs(values: &Values) -> Vec<(QuarterHour, Vec<Option<IntervalValue>>)> {
    let mut runs: Vec<(QuarterHour, Vec<Option<IntervalValue>>)> = Vec::new();
    let mut expected = None;
    for (quarter, (_, value)) in values {
        match runs.last_mut() {
            Some((_, run)) if expected == Some(*quarter) => run.push(Some(*value)),
            _ => runs.push((*quarter, vec![Some(*value)])),
        }
        expected = Some(quarter.next());
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;

    fn span(quarters: i64) -> Period {
        Period::new(Timestamp::from_millis(0), Timestamp::from_millis(quarters * QuarterHour::MILLIS))
    }

    fn of(quarters: i64, kwh: i64, quality: Quality) -> Row {
        let key = (SiteId::new("s").unwrap(), model::MeterPointId::new("p").unwrap());
        Row { key, period: span(quarters), energy: Some(Energy::from_kilowatt_hours(kwh)), quality }
    }

    #[test]
    fn a_row_of_one_quarter_hour_keeps_its_quality() {
        assert_eq!(
            apportioned(&of(1, 5, Quality::True)),
            [IntervalValue::measured(Energy::from_kilowatt_hours(5))]
        );
    }

    #[test]
    fn a_longer_row_is_spread_to_the_milliwatt_hour_as_substitutes() {
        let values = apportioned(&of(7, 1, Quality::True));
        let sum: Energy = values.iter().filter_map(|value| value.energy).sum();
        assert_eq!(sum, Energy::from_kilowatt_hours(1));
        assert!(values.iter().all(|value| value.quality == Quality::Substitute));
        assert!(values.iter().all(|value| value.method == Some(Method::Apportioned)));
    }

    #[test]
    fn six_decimals_of_a_kilowatt_hour_are_exact_and_a_seventh_is_refused() {
        assert_eq!(milliwatt_hours("0.000001".parse().unwrap()), Ok(Energy::from_milliwatt_hours(1)));
        assert!(milliwatt_hours("0.0000001".parse().unwrap()).is_err());
    }
}
