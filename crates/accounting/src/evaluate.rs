//! The values of meter points for a span, from those of the registers behind them.

use std::collections::{BTreeMap, BTreeSet};

use model::{Coverage, IntervalValue, MeterPointId, Period, QuarterHour, Reason, Role};

use crate::fraction::{divided, gcd};
use crate::{Flow, Formula, Fraction, Medium, MeterPoint, SeriesKey, Source, Topology, Validity};

/// What knows the interval values of registers and of imports: the store, or a map in a test.
pub trait Record {
    /// Why it can fail.
    type Error;

    /// The values of a register for the quarter hours of `span`, in order, one for each; [`IntervalValue::missing`]
    /// where there is none. On the register's side of the transformers, in base units of its medium.
    ///
    /// # Errors
    /// If the record cannot be read.
    fn series(&mut self, series: &SeriesKey, span: Period) -> Result<Vec<IntervalValue>, Self::Error>;

    /// The values imported for a meter point that has neither source nor formula, likewise.
    ///
    /// # Errors
    /// If the record cannot be read.
    fn imported(&mut self, point: &MeterPointId, span: Period) -> Result<Vec<IntervalValue>, Self::Error>;
}

/// The values of a meter point for the quarter hours of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct PointValues {
    /// The meter point.
    pub point: MeterPointId,
    /// What it measures for.
    pub role: Role,
    /// Which way it counts.
    pub flow: Flow,
    /// What it counts, and so the base unit of its amounts.
    pub medium: Medium,
    /// One for each quarter hour of the span, in order.
    pub values: Vec<IntervalValue>,
    /// Standard uncertainty of the sum of the values by the classes of meters and transformers, in base units; `None`
    /// if the class of a meter behind it is not known.
    pub standard_uncertainty: Option<f64>,
}

impl PointValues {
    /// Standard uncertainty of the sum as a share of it; `None` if a class is not known or the sum is 0.
    pub fn relative_uncertainty(&self) -> Option<f64> {
        let total = total_of(&self.values);
        self.standard_uncertainty.filter(|_| total != 0).map(|absolute| absolute / (total as f64).abs())
    }
}

/// How well a row of values is covered; one that is shorter than the span counts as missing at its end.
pub fn coverage_of(values: &[IntervalValue]) -> Coverage {
    let mut coverage = Coverage::none_of(u32::try_from(values.len()).unwrap_or(u32::MAX));
    for value in values {
        coverage.count(value.quality);
    }
    coverage
}

/// Sum of the amounts that are covered, in base units.
pub fn total_of(values: &[IntervalValue]) -> i64 {
    let covered = values.iter().filter(|value| value.quality.is_covered());
    covered
        .filter_map(|value| value.energy)
        .fold(0, |sum, energy| sum.saturating_add(energy.milliwatt_hours()))
}

/// The values of the meter points that are `wanted`, for the quarter hours of `span`, in the order of the topology.
///
/// A point of registers is the sum of those valid through the quarter hour, each times its ratio; a point with a
/// formula is computed from the points it names; others are read as imported. The worst quality wins, a part that is
/// missing makes the sum missing, and so does a quarter hour for which nothing is valid.
///
/// # Errors
/// The first of the record.
pub fn evaluate<R: Record>(
    topology: &Topology,
    span: Period,
    wanted: impl Fn(&MeterPoint) -> bool,
    record: &mut R,
) -> Result<Vec<PointValues>, R::Error> {
    let named = named_by(topology, &wanted);
    let mut known: BTreeMap<&MeterPointId, PointValues> = BTreeMap::new();
    let mut found = Vec::new();
    for point in &topology.points {
        let is_named = named.contains(&point.id);
        if !is_named && !wanted(point) {
            continue;
        }
        let values = Evaluation { span, known: &known }.point(point, record)?;
        match (wanted(point), is_named) {
            (true, true) => {
                found.push(values.clone());
                known.insert(&point.id, values);
            }
            (true, false) => found.push(values),
            (false, _) => {
                known.insert(&point.id, values);
            }
        }
    }
    Ok(found)
}

/// [`evaluate`] for all points but those of role `sub`: what figures are made of.
///
/// # Errors
/// The first of the record.
pub fn evaluate_all<R: Record>(
    topology: &Topology,
    span: Period,
    record: &mut R,
) -> Result<Vec<PointValues>, R::Error> {
    evaluate(topology, span, |point| point.role != Role::Sub, record)
}

/// The points that formulas of wanted points name, directly or not. Points come after those they name, so one walk
/// from the end is enough.
fn named_by(topology: &Topology, wanted: impl Fn(&MeterPoint) -> bool) -> BTreeSet<&MeterPointId> {
    let mut named = BTreeSet::new();
    for point in topology.points.iter().rev() {
        if wanted(point) || named.contains(&point.id) {
            let terms = point.formulas.iter().flat_map(|one| one.formula.terms());
            named.extend(terms.map(|(id, _)| id));
        }
    }
    named
}

struct Evaluation<'k> {
    span: Period,
    known: &'k BTreeMap<&'k MeterPointId, PointValues>,
}

impl Evaluation<'_> {
    fn point<R: Record>(&self, point: &MeterPoint, record: &mut R) -> Result<PointValues, R::Error> {
        let (values, standard_uncertainty) = if point.is_imported() {
            let values = record.imported(&point.id, self.span)?;
            let share = point.accuracy.map(crate::Accuracy::standard_uncertainty);
            let absolute = share.map(|share| share * (total_of(&values) as f64).abs());
            (self.padded(values), absolute)
        } else {
            let mut sum = Sum::of(self.span);
            for source in point
                .sources
                .iter()
                .filter(|source| !source.validity.period().intersection(self.span).is_empty())
            {
                let values = self.padded(record.series(&source.series, self.span)?);
                sum.add_source(source, values);
            }
            for one in &point.formulas {
                sum.add_formula(&one.formula, one.validity, self.known);
            }
            sum.finish()
        };
        let MeterPoint { id, role, flow, medium, .. } = point;
        Ok(PointValues {
            point: id.clone(),
            role: *role,
            flow: *flow,
            medium: *medium,
            values,
            standard_uncertainty,
        })
    }

    /// A record that gives fewer values than asked for has none for the rest.
    fn padded(&self, mut values: Vec<IntervalValue>) -> Vec<IntervalValue> {
        values.resize(self.span.quarter_count(), IntervalValue::missing(None));
        values
    }
}

/// A sum of parts with exact factors, kept over a common denominator until it is rounded once.
struct Sum {
    first: QuarterHour,
    parts: Vec<Part>,
    length: usize,
    square: Option<f64>,
}

struct Part {
    factor: Fraction,
    values: Vec<IntervalValue>,
    /// Indices of the quarter hours in which it counts.
    within: std::ops::Range<usize>,
}

impl Sum {
    fn of(span: Period) -> Self {
        let first = QuarterHour::at_or_after(span.from);
        Self { first, parts: Vec::new(), length: span.quarter_count(), square: Some(0.0) }
    }

    fn add_source(&mut self, source: &Source, values: Vec<IntervalValue>) {
        let within = self.covered_by(source.validity);
        let total = total_of(values.get(within.clone()).unwrap_or_default()) as f64 * source.ratio.to_f64();
        let absolute = source.standard_uncertainty().map(|share| share * total);
        self.square = self.square.zip(absolute).map(|(square, absolute)| square + absolute * absolute);
        self.parts.push(Part { factor: source.ratio, values, within });
    }

    fn add_formula(
        &mut self,
        formula: &Formula,
        validity: Validity,
        known: &BTreeMap<&MeterPointId, PointValues>,
    ) {
        let within = self.covered_by(validity);
        if within.is_empty() {
            return;
        }
        for (id, factor) in formula.terms() {
            // A topology that was read names no point it does not have; one made by hand may.
            let point = known.get(id);
            let missing = || vec![IntervalValue::missing(None); self.length];
            let values = point.map_or_else(missing, |point| point.values.clone());
            let absolute =
                point.and_then(|point| point.standard_uncertainty).map(|absolute| absolute * factor.to_f64());
            self.square = self.square.zip(absolute).map(|(square, absolute)| square + absolute * absolute);
            self.parts.push(Part { factor: *factor, values, within: within.clone() });
        }
    }

    fn covered_by(&self, validity: Validity) -> std::ops::Range<usize> {
        let from = QuarterHour::at_or_after(validity.from).index() - self.first.index();
        // The last quarter hour must end inside.
        let to = validity.to.quarter().index() - self.first.index();
        let length = i64::try_from(self.length).unwrap_or(i64::MAX);
        let inside = |index: i64| usize::try_from(index.clamp(0, length)).unwrap_or_default();
        inside(from)..inside(to).max(inside(from))
    }

    fn finish(mut self) -> (Vec<IntervalValue>, Option<f64>) {
        let uncertainty = self.square.map(f64::sqrt).filter(|_| !self.parts.is_empty());
        let common = self.parts.iter().try_fold(1i128, |common, part| {
            let below = i128::from(part.factor.denominator());
            common.checked_mul(below / i128::try_from(gcd(common.unsigned_abs(), below.unsigned_abs())).ok()?)
        });
        // Denominators whose common multiple is beyond 128 bits: no decimal ratios get there.
        let Some(common) = common else {
            return (vec![IntervalValue::missing(Some(Reason::ProcessingError)); self.length], uncertainty);
        };
        if let [Part { factor: Fraction::ONE, values, within }] = self.parts.as_mut_slice()
            && *within == (0..self.length)
        {
            return (std::mem::take(values), uncertainty);
        }
        ((0..self.length).map(|index| self.at(index, common)).collect(), uncertainty)
    }

    fn at(&self, index: usize, common: i128) -> IntervalValue {
        let mut sum = 0i128;
        let mut worst: Option<IntervalValue> = None;
        for part in self.parts.iter().filter(|part| part.within.contains(&index)) {
            let value = part.values[index];
            worst = Some(worst.map_or(value, |worst| {
                worst.plus(IntervalValue { energy: value.energy.map(|_| model::Energy::ZERO), ..value })
            }));
            let amount = value.energy.map_or(0, |energy| i128::from(energy.milliwatt_hours()));
            let factor =
                i128::from(part.factor.numerator()) * (common / i128::from(part.factor.denominator()));
            let Some(next) = amount.checked_mul(factor).and_then(|term| sum.checked_add(term)) else {
                return IntervalValue::missing(Some(Reason::ProcessingError));
            };
            sum = next;
        }
        let Some(worst) = worst else { return IntervalValue::missing(None) };
        let Some(_) = worst.energy else { return worst };
        match i64::try_from(divided(sum, common)) {
            Ok(amount) => {
                IntervalValue { energy: Some(model::Energy::from_milliwatt_hours(amount)), ..worst }
            }
            Err(_) => IntervalValue::missing(Some(Reason::ProcessingError)),
        }
    }
}

#[cfg(test)]
mod tests;
