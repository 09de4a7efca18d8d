//! Values of the record, and how far they may be from the books.

use std::collections::{BTreeMap, HashMap};

use accounting::{PointValues, Record, SeriesKey, Topology, evaluate};
use model::{Encoding, IntervalValue, MeterPointId, Period, Quantity, Raw, SeriesDescriptor, Timestamp};
use sim::site::{Point, PointSource, Site};
use store::{IntervalSubject, Reader, Sample, StoreError};

use super::registers;

/// The record of a site, as `accounting` wants to see it.
struct SiteRecord<'r> {
    reader: &'r Reader,
    topology: &'r Topology,
}

impl Record for SiteRecord<'_> {
    type Error = StoreError;

    fn series(&mut self, key: &SeriesKey, span: Period) -> Result<Vec<IntervalValue>, StoreError> {
        let site = &self.topology.site.id;
        let series = self.reader.find_series(site, &key.device, key.quantity, &key.channel)?.unwrap();
        let id = self.reader.find_interval_series(&IntervalSubject::Register(series.id))?.unwrap();
        self.reader.intervals(id, span)
    }

    fn imported(&mut self, _: &MeterPointId, span: Period) -> Result<Vec<IntervalValue>, StoreError> {
        Ok(vec![IntervalValue::missing(None); span.quarter_count()])
    }
}

/// The values of all meter points of a site.
pub(super) fn points_of(
    reader: &Reader,
    topology: &Topology,
    span: Period,
) -> BTreeMap<MeterPointId, PointValues> {
    let values = evaluate(topology, span, |_| true, &mut SiteRecord { reader, topology }).unwrap();
    values.into_iter().map(|point| (point.point.clone(), point)).collect()
}

/// Kilowatt-hours as text or number, in milliwatt-hours.
#[track_caller]
pub(super) fn kwh(value: &serde_json::Value) -> i128 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    assert!(part.len() <= 6, "{text} kWh is more exact than a milliwatt-hour");
    format!("{whole}{part:0<6}").parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// How far a value may be from the books: one step of each register behind it, and where the state at a quarter hour
/// was interpolated between two readings, what the register rose between them.
pub(super) struct Rule<'r> {
    site: &'r Site,
    registers: HashMap<MeterPointId, Readings>,
}

/// What was read of the register of a point, in base units of the main circuit.
struct Readings {
    step: i128,
    states: BTreeMap<Timestamp, i128>,
}

impl<'r> Rule<'r> {
    pub(super) fn new(reader: &Reader, site: &'r Site) -> Self {
        let registers =
            site.points.iter().filter_map(|point| Some((point.id.clone(), readings(reader, site, point)?)));
        Self { site, registers: registers.collect() }
    }

    fn behind(&self, point: &Point) -> Vec<&Readings> {
        registers(&self.site.points, point).into_iter().map(|one| &self.registers[&one.id]).collect()
    }

    /// Between its first and its last reading a month agrees to one step of each register.
    pub(super) fn check_month(&self, point: &Point, period: Period, values: &[IntervalValue], books: &[i64]) {
        let behind = self.behind(point);
        for readings in &behind {
            assert!(readings.states.contains_key(&period.from) && readings.states.contains_key(&period.to));
        }
        let sum = |values: &mut dyn Iterator<Item = i64>| values.map(i128::from).sum::<i128>();
        let found = sum(&mut values.iter().map(|value| value.energy.unwrap().milliwatt_hours()));
        let truth = sum(&mut books.iter().copied());
        let allowed: i128 = behind.iter().map(|readings| readings.step).sum();
        assert!(
            (found - truth).abs() <= allowed,
            "{}/{}: {found} in the record, {truth} in the books, {allowed} are allowed",
            self.site.id,
            point.id
        );
        // A point that measures nothing proves nothing; only the generators stand still.
        assert!(truth > 0 || point.id.as_str() == "generator", "{}", point.id);
    }

    /// Each quarter hour agrees within the uncertainty of the rule for its two boundaries.
    pub(super) fn check_quarters(
        &self,
        point: &Point,
        period: Period,
        values: &[IntervalValue],
        books: &[i64],
    ) {
        let behind = self.behind(point);
        let mut interpolated = 0;
        for ((quarter, value), truth) in period.quarters().zip(values).zip(books) {
            let edge = |readings: &&Readings, at| readings.uncertainty(at);
            let of =
                |readings| edge(readings, quarter.start()) + edge(readings, quarter.end()) + readings.step;
            let allowed: i128 = behind.iter().map(of).sum();
            let found = i128::from(value.energy.unwrap().milliwatt_hours());
            let off = (found - i128::from(*truth)).abs();
            assert!(
                off <= allowed,
                "{}/{} at {}: {found} in the record, {truth} in the books, {allowed} are allowed",
                self.site.id,
                point.id,
                quarter.start()
            );
            interpolated += usize::from(behind.iter().any(|one| !one.states.contains_key(&quarter.end())));
        }
        assert!(interpolated > 300, "{}: only {interpolated} quarter hours were interpolated", point.id);
    }
}

impl Readings {
    /// The most by which the state at an instant can be wrong, but for the register's step.
    fn uncertainty(&self, at: Timestamp) -> i128 {
        if self.states.contains_key(&at) {
            return 0;
        }
        let before = self.states.range(..at).next_back().unwrap();
        let after = self.states.range(at..).next().unwrap();
        let (span, part) = (after.0.millis_since(*before.0), at.millis_since(*before.0));
        assert!(span <= 120_000, "readings that are {span} ms apart make no true value");
        let rise = after.1 - before.1;
        // What is interpolated is rounded to whole steps, half up.
        let whole = i128::from(span) * self.step;
        let share = ((2 * rise * i128::from(part) + whole) / (2 * whole) * self.step).min(rise);
        share.max(rise - share)
    }
}

/// All readings of the register of a point; `None` for a point that is computed.
fn readings(reader: &Reader, site: &Site, point: &Point) -> Option<Readings> {
    let PointSource::Register { device, quantity, channel, ratio } = &point.source else { return None };
    let series = reader.find_series(&site.id, device, *quantity, channel).unwrap().unwrap();
    let whole = crate::harness::whole_time();
    let samples = reader.samples(series.id, whole).unwrap();
    let ratio = i128::from(*ratio);
    let state = |sample: &Sample| {
        let raw = sample.value.unwrap_or_else(|why| panic!("{} has no value: {why}", point.id));
        (sample.time, base_units(&series.descriptor, raw) * ratio)
    };
    let last = samples.last()?.value.ok()?;
    Some(Readings {
        step: step(&series.descriptor, last) * ratio,
        states: samples.iter().map(state).collect(),
    })
}

/// Base units are milliwatt-hours, or millilitres for volumes in cubic metres.
const fn base_exponent(quantity: Quantity) -> i32 {
    if matches!(quantity, Quantity::Volume) { 6 } else { 3 }
}

#[allow(clippy::cast_possible_truncation, reason = "registers stay far below 2^53 base units")]
fn base_units(series: &SeriesDescriptor, raw: Raw) -> i128 {
    let exponent = i32::from(series.exponent) + base_exponent(series.quantity);
    match raw {
        Raw::Integer(steps) if exponent >= 0 => i128::from(steps) * 10i128.pow(exponent.unsigned_abs()),
        Raw::Integer(steps) => i128::from(steps) / 10i128.pow(exponent.unsigned_abs()),
        float => (float.to_f64() * 10f64.powi(exponent)).round() as i128,
    }
}

/// The smallest step of a register at a state, in base units.
#[allow(clippy::cast_possible_truncation, reason = "as above")]
fn step(series: &SeriesDescriptor, state: Raw) -> i128 {
    let exponent = i32::from(series.exponent) + base_exponent(series.quantity);
    let steps = match (series.encoding, state) {
        (Encoding::Integer, _) => f64::from(series.resolution.max(1)),
        (_, Raw::Float32(value)) => f64::from(value.next_up() - value),
        (_, other) => other.to_f64().next_up() - other.to_f64(),
    };
    ((steps * 10f64.powi(exponent)).ceil() as i128).max(1)
}
