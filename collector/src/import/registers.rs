//! Registers that people read, from CSV: `readings` and `water`.
//!
//! All readings of a meter point are kept together, so that a later file goes on where an earlier one ended; its
//! quarter hours are counted anew from all of them by the rules of `accounting`: between two readings the rise is
//! spread, true in its sum and a substitute in its shape.

use std::collections::BTreeMap;

use accounting::{Medium, Reading, RegisterSpec, Topology, settle};
use calendar::instant_from_rfc3339;
use model::{Decimal, MeterPointId, Period, QuarterHour, Raw, SiteId, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use store::{
    Cause, DocumentKind, DocumentVersion, Finality, IntervalSubject, NewDocument, StoreError, Tx, Writer,
};

use super::intervals::points_of;
use super::{ImportError, Kind, Mode, PointKey, Request, Summary, csv};

const READINGS: &[&str] = &["time", "site", "meter_point", "value", "unit", "author", "reason"];
const WATER: &[&str] = &["time", "site", "meter_point", "volume_m3"];
/// People read a register once a day at the most; it only says that two readings are never neighbours.
const PERIOD_MS: u32 = 86_400_000;

/// A reading as it is kept, in base units of the medium: milliwatt-hours, or millilitres.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    time: Timestamp,
    state: i64,
    /// Who read it and why, as far as the file says.
    note: String,
}

struct Row {
    key: PointKey,
    value: Decimal,
    unit: Unit,
    time: Timestamp,
    note: String,
}

pub(super) fn import(
    writer: &mut Writer,
    request: &Request<'_>,
    bytes: &[u8],
) -> Result<Summary, ImportError> {
    let rows = match request.kind {
        Kind::Water => csv::rows(&request.name(), bytes, request.variant, WATER, water)?,
        _ => csv::rows(&request.name(), bytes, request.variant, READINGS, reading)?,
    };
    let points = by_point(writer, request, &rows)?;
    let mut lines = Vec::new();
    let mut counted = Vec::new();
    for (key, (medium, new)) in points {
        let all = with_earlier(writer, &key, new)?;
        lines.push(format!("{}/{}: {} readings in all", key.0, key.1, all.len()));
        counted.push((key, medium, all));
    }
    if request.mode == Mode::DryRun {
        return Ok(Summary { number: None, lines });
    }
    let number = writer.transaction(|tx| {
        let number = request.note(tx, bytes, rows.len(), format!("{} meter points", counted.len()))?;
        let why = format!("import of {}", request.name());
        let cause = Cause { at: request.at, why, import: Some(number) };
        for ((site, point), medium, all) in &counted {
            keep(tx, request, (site, point), all)?;
            count(tx, (site, point), (*medium, all), &cause)?;
        }
        Ok::<_, StoreError>(number)
    })?;
    Ok(Summary { number: Some(number), lines })
}

fn reading(row: &csv::Row<'_>) -> Result<Row, String> {
    let note = format!("{}: {}", row.text("author"), row.text("reason"));
    let (value, unit) = (row.decimal("value")?, row.parsed("unit")?);
    let (time, key) = place(row)?;
    Ok(Row { key, value, unit, time, note })
}

fn water(row: &csv::Row<'_>) -> Result<Row, String> {
    let value = row.decimal("volume_m3")?;
    let (time, key) = place(row)?;
    Ok(Row { key, value, unit: Unit::CubicMetre, time, note: String::new() })
}

fn place(row: &csv::Row<'_>) -> Result<(Timestamp, PointKey), String> {
    let time = instant_from_rfc3339(row.text("time")).map_err(|error| format!("time: {error}"))?;
    Ok((time, (row.parsed("site")?, row.parsed("meter_point")?)))
}

type Points = BTreeMap<PointKey, (Medium, BTreeMap<Timestamp, Kept>)>;

fn by_point(writer: &Writer, request: &Request<'_>, rows: &[Row]) -> Result<Points, ImportError> {
    let lines: Vec<(PointKey, u64)> =
        rows.iter().zip(2u64..).map(|(row, line)| (row.key.clone(), line)).collect();
    let sites = points_of(writer, request, &lines)?;
    let mut points = Points::new();
    for (row, line) in rows.iter().zip(2u64..) {
        let medium = medium_of(&sites, &row.key);
        let state = base_units(row, medium).map_err(|what| request.contradiction(line, what))?;
        let (_, readings) = points.entry(row.key.clone()).or_insert_with(|| (medium, BTreeMap::new()));
        let kept = Kept { time: row.time, state, note: row.note.clone() };
        if readings.insert(row.time, kept).is_some() {
            let what = format!("{}/{} was read twice at {}", row.key.0, row.key.1, row.time);
            return Err(request.contradiction(line, what));
        }
    }
    Ok(points)
}

fn medium_of(sites: &BTreeMap<SiteId, Topology>, (site, point): &PointKey) -> Medium {
    let point = sites.get(site).and_then(|topology| topology.point(point));
    point.map_or(Medium::Electricity, |point| point.medium)
}

/// The state in base units, exact.
fn base_units(row: &Row, medium: Medium) -> Result<i64, String> {
    let (canonical, exponent) = match medium {
        Medium::Electricity | Medium::Heat => (Unit::WattHour, 3),
        Medium::Water => (Unit::CubicMetre, 6),
    };
    let factor = row.unit.factor_to(canonical).map_err(|error| error.to_string())?;
    let wrong = || format!("value: `{}` {} does not fit", row.value, row.unit);
    let value = row.value.times(factor).ok_or_else(wrong)?;
    let power = u32::try_from(i32::from(value.exponent()) + exponent).map_err(|_| wrong())?;
    let state =
        10i64.checked_pow(power).and_then(|power| value.mantissa().checked_mul(power)).ok_or_else(wrong)?;
    if state < 0 { Err("value: a register is never below 0".to_owned()) } else { Ok(state) }
}

fn document_key(site: &SiteId, point: &MeterPointId) -> String {
    format!("readings/{site}/{point}")
}

/// The new readings with those that were there; one at the same instant is replaced.
fn with_earlier(
    writer: &Writer,
    (site, point): &PointKey,
    new: BTreeMap<Timestamp, Kept>,
) -> Result<Vec<Kept>, ImportError> {
    let key = document_key(site, point);
    let kept = writer.reader().document(DocumentKind::Other, &key, DocumentVersion::Latest)?;
    let unreadable = |source| ImportError::Kept { key: key.clone(), source };
    let earlier: Vec<Kept> = match &kept {
        Some(kept) => serde_json::from_str(&kept.document.text).map_err(unreadable)?,
        None => Vec::new(),
    };
    let mut all: BTreeMap<Timestamp, Kept> = earlier.into_iter().map(|one| (one.time, one)).collect();
    all.extend(new);
    Ok(all.into_values().collect())
}

fn keep(
    tx: &Tx<'_>,
    request: &Request<'_>,
    (site, point): (&SiteId, &MeterPointId),
    all: &[Kept],
) -> Result<(), StoreError> {
    let text = serde_json::to_string(all).expect("numbers and texts can always be written as JSON");
    let (key, author) = (document_key(site, point), request.author.to_owned());
    let kind = DocumentKind::Other;
    tx.put_document(&NewDocument { kind, key, text, author, at: request.at, valid_from: None }).map(drop)
}

fn count(
    tx: &Tx<'_>,
    (site, point): (&SiteId, &MeterPointId),
    (medium, all): (Medium, &[Kept]),
    cause: &Cause,
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return Ok(()) };
    let exponent = if medium == Medium::Water { -6 } else { -3 };
    let spec = RegisterSpec::new(medium, exponent, PERIOD_MS).expect("a step of one base unit is a register");
    let first = QuarterHour::at_or_after(first.time);
    let span = Period::new(first.start(), last.time.quarter().start());
    let readings = all.iter().map(|one| Reading::new(one.time, Raw::Integer(one.state)));
    let values: Vec<_> = settle(spec, readings, span).values.into_iter().map(Some).collect();
    let id = tx.interval_series(&IntervalSubject::MeterPoint { site: site.clone(), point: point.clone() })?;
    tx.put_intervals(id, first, &values, (Finality::Final, cause)).map(drop)
}
