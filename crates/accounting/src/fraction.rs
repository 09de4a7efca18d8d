//! Exact fractions, for transformer ratios and the coefficients of formulas.

use std::fmt;
use std::str::FromStr;

use model::Decimal;
use serde::{Deserialize, Serialize};

/// An exact fraction, reduced, with a denominator above 0. Reads `80/1`, `80`, `12.5`, `150/5 * 20000/100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fraction {
    numerator: i64,
    denominator: i64,
}

/// A text that is no fraction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ratio such as `80/1`, `150/5` or `150/5 * 20000/100`")]
pub struct InvalidFraction(String);

impl Fraction {
    /// One.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };
    /// Nothing.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };

    /// `numerator / denominator`, reduced; `None` if the denominator is 0 or it does not fit.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = gcd(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok()? * denominator.signum();
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        Some(Self { numerator: numerator.try_into().ok()?, denominator: denominator.try_into().ok()? })
    }

    /// A decimal as a fraction; `None` if it does not fit.
    pub fn from_decimal(decimal: Decimal) -> Option<Self> {
        let power = 10i128.checked_pow(u32::from(decimal.exponent().unsigned_abs()))?;
        let mantissa = i128::from(decimal.mantissa());
        if decimal.exponent() < 0 {
            Self::new(mantissa, power)
        } else {
            Self::new(mantissa.checked_mul(power)?, 1)
        }
    }

    /// What stands above the line.
    pub const fn numerator(self) -> i64 {
        self.numerator
    }

    /// What stands below the line, above 0.
    pub const fn denominator(self) -> i64 {
        self.denominator
    }

    /// The sum; `None` if it does not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        let (a, b) = (i128::from(self.numerator), i128::from(other.numerator));
        let (p, q) = (i128::from(self.denominator), i128::from(other.denominator));
        Self::new((a * q).checked_add(b * p)?, p * q)
    }

    /// The product; `None` if it does not fit.
    pub fn times(self, other: Self) -> Option<Self> {
        let above = i128::from(self.numerator) * i128::from(other.numerator);
        Self::new(above, i128::from(self.denominator) * i128::from(other.denominator))
    }

    /// The same with the other sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { numerator: -self.numerator, denominator: self.denominator }
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

/// `above / below`, rounded half away from zero; `below` must be above 0.
pub(crate) fn divided(above: i128, below: i128) -> i128 {
    let (whole, rest) = (above / below, above % below);
    if rest.abs() >= below - rest.abs() { whole + above.signum() } else { whole }
}

pub(crate) fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

/// `80/1`; a whole number prints without denominator.
impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            below => write!(f, "{}/{below}", self.numerator),
        }
    }
}

impl FromStr for Fraction {
    type Err = InvalidFraction;

    fn from_str(text: &str) -> Result<Self, InvalidFraction> {
        let wrong = || InvalidFraction(text.chars().take(60).collect());
        let mut factors = text.split(['*', 'x']).map(|factor| one_factor(factor.trim()));
        let product = factors.try_fold(Self::ONE, |product, factor| product.times(factor?));
        product.ok_or_else(wrong)
    }
}

fn one_factor(text: &str) -> Option<Fraction> {
    let part = |part: &str| part.trim().parse::<Decimal>().ok().and_then(Fraction::from_decimal);
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let (above, below) = (part(above)?, part(below)?);
    let inverse = Fraction::new(i128::from(below.denominator), i128::from(below.numerator))?;
    above.times(inverse)
}

impl TryFrom<String> for Fraction {
    type Error = InvalidFraction;
    fn try_from(text: String) -> Result<Self, InvalidFraction> {
        text.parse()
    }
}

impl From<Fraction> for String {
    fn from(fraction: Fraction) -> Self {
        fraction.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_read_as_it_stands_on_the_transformer() {
        for (text, above, below) in [
            ("80/1", 80, 1),
            ("80", 80, 1),
            ("150/5", 30, 1),
            ("12.5", 25, 2),
            ("150/5 * 20000/100", 6000, 1),
            ("1/3", 1, 3),
        ] {
            let fraction: Fraction = text.parse().unwrap();
            assert_eq!((fraction.numerator(), fraction.denominator()), (above, below), "{text}");
        }
        for bad in ["", "80/0", "80:1", "a/b", "1/2/3", "*", "9223372036854775807/1 * 2"] {
            assert!(bad.parse::<Fraction>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_division_rounds_half_away_from_zero() {
        for (above, below, rounded) in
            [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (2, 4, 1), (1, 3, 0), (6, 3, 2)]
        {
            assert_eq!(divided(above, below), rounded, "{above}/{below}");
        }
    }
}
