//! What all figures share: their frame, the coverage rule, and rounding.

use accounting::Fraction;
use model::{Coverage, Decimal};

use crate::balance::Rows;
use crate::figure::{Figure, Kpi, Warning, Withheld};
use crate::input::Input;
use crate::number_id::NumberId;
use crate::row::{Paired, Row};

/// Decimals of a ratio on output (R7: stored with three to four).
const RATIO_DECIMALS: i8 = 4;

pub(super) struct Builder<'b> {
    pub(super) input: &'b Input<'b>,
    pub(super) rows: &'b Rows,
}

/// A quotient of two whole amounts, with the powers of ten between their units.
pub(super) struct Quotient {
    pub(super) above: i128,
    pub(super) below: i128,
    /// Standard uncertainty as a share.
    pub(super) relative: Option<f64>,
}

impl Builder<'_> {
    /// A figure without a value yet.
    pub(super) fn figure(
        &self,
        kpi: Kpi,
        category: Option<u8>,
        variant: Option<&'static str>,
        formula: &str,
    ) -> Figure {
        let Input { site, zone, period, revision, .. } = *self.input;
        let category_text = category.map(|category| format!("-{category}")).unwrap_or_default();
        let variant_text = variant.map(|variant| format!("-{variant}")).unwrap_or_default();
        let what = format!("{kpi}{category_text}{variant_text}");
        let (from, to) = (period.from, period.to);
        Figure {
            id: NumberId { site: site.clone(), what, at: "site".to_owned(), from, to, revision },
            kpi,
            category,
            variant,
            value: None,
            unit: kpi.unit(),
            from,
            to,
            zone: zone.clone(),
            coverage: None,
            true_share: None,
            uncertainty: None,
            standard_edition: kpi.standard_edition(),
            formula: format!("{kpi}@1: {formula}"),
            factor_set: None,
            withheld: None,
            counted: Coverage::default(),
            warnings: Vec::new(),
        }
    }

    /// Non-electric carriers of the period, in mWh.
    pub(super) fn carriers(&self) -> i64 {
        let parts =
            self.input.facts.carriers.iter().map(|used| times(used.energy.milliwatt_hours(), used.factor));
        parts.fold(0, i64::saturating_add)
    }

    /// An amount in a millionth of its unit, with something added that no interval knows.
    pub(super) fn amount(&self, figure: Figure, row: &Row, more: i64) -> Figure {
        let (sum, counted) = row.sum();
        let uncertainty = row.relative().map(|share| share * 2.0 * sum as f64 / 1e6);
        let figure = figure.covered(counted);
        match self.too_little(counted) {
            Some(reason) => figure.without(reason),
            None => Figure {
                value: Some(Decimal::new(sum.saturating_add(more), -6)),
                uncertainty: uncertainty.and_then(|amount| decimal(amount, 3)),
                ..figure
            },
        }
    }

    /// The reason to withhold, if less is known than the rules ask for.
    pub(super) fn too_little(&self, counted: Coverage) -> Option<Withheld> {
        let required = self.input.rules.coverage_min;
        let known = u64::from(counted.expected - counted.missing());
        let covered = (known * 1000).checked_div(u64::from(counted.expected)).unwrap_or(0);
        let covered = u32::try_from(covered).unwrap_or(1000);
        // Compared as counted, not as rounded: 94.96 % is less than 95 %.
        let enough =
            known * 1000 >= u64::from(required) * u64::from(counted.expected) && counted.expected > 0;
        (!enough).then_some(Withheld::LowCoverage { covered, required })
    }

    /// The reason to withhold a figure over IT energy.
    pub(super) fn no_it(&self, it: &Row, pair: &Paired) -> Option<Withheld> {
        let (_, known) = it.sum();
        if known.missing() == known.expected {
            return Some(Withheld::MissingItMeter);
        }
        self.too_little(pair.counted).or((pair.below == 0).then_some(Withheld::ZeroItLoad))
    }
}

impl Figure {
    pub(super) fn without(self, reason: Withheld) -> Self {
        Self { value: None, uncertainty: None, withheld: Some(reason), ..self }
    }

    pub(super) fn covered(self, counted: Coverage) -> Self {
        let short = |share: f64| (share * 1e4).round() / 1e4;
        let (coverage, true_share) = (counted.completeness().map(short), counted.true_share().map(short));
        Self { coverage, true_share, counted, ..self }
    }

    pub(super) fn warned(mut self, warning: Option<Warning>) -> Self {
        self.warnings.extend(warning);
        self
    }

    /// With the value of a quotient, rounded half away from zero, and its expanded uncertainty.
    pub(super) fn ratio(self, quotient: &Quotient) -> Self {
        let value = rounded_quotient(quotient.above, quotient.below);
        let exact = quotient.above as f64 / quotient.below as f64;
        let uncertainty =
            quotient.relative.and_then(|share| decimal(2.0 * share * exact.abs(), RATIO_DECIMALS));
        Self { value, uncertainty, ..self }
    }
}

/// Root of the sum of squares: independent parts of a quotient.
pub(super) fn in_quadrature(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.hypot(b))
}

/// `amount x factor`, half away from zero.
fn times(amount: i64, factor: Fraction) -> i64 {
    let (above, below) =
        (i128::from(amount) * i128::from(factor.numerator()), i128::from(factor.denominator()));
    i64::try_from(divided(above, below)).unwrap_or(i64::MAX)
}

fn rounded_quotient(above: i128, below: i128) -> Option<Decimal> {
    let (above, below) = if below < 0 { (-above, -below) } else { (above, below) };
    let scaled = above.checked_mul(10i128.pow(u32::from(RATIO_DECIMALS.unsigned_abs())))?;
    if below == 0 {
        return None;
    }
    i64::try_from(divided(scaled, below)).ok().map(|digits| Decimal::new(digits, -RATIO_DECIMALS))
}

fn divided(above: i128, below: i128) -> i128 {
    let (whole, rest) = (above / below, above % below);
    if rest.abs() >= below - rest.abs() { whole + above.signum() } else { whole }
}

/// A float as a decimal of so many places.
fn decimal(value: f64, places: i8) -> Option<Decimal> {
    format!("{value:.*}", usize::from(places.unsigned_abs())).parse().ok()
}
