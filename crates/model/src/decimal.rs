//! Exact decimals, for scales and ratios that people write.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An exact decimal number `mantissa x 10^exponent`, kept without trailing zeros in the mantissa.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    mantissa: i64,
    exponent: i8,
}

/// A text that is no decimal number that fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no decimal number of at most 18 digits, such as `0.01` or `1e-3`")]
pub struct InvalidDecimal(String);

impl Decimal {
    /// One.
    pub const ONE: Self = Self { mantissa: 1, exponent: 0 };

    /// `mantissa x 10^exponent`.
    pub const fn new(mut mantissa: i64, mut exponent: i8) -> Self {
        if mantissa == 0 {
            return Self { mantissa: 0, exponent: 0 };
        }
        while mantissa % 10 == 0 && exponent < i8::MAX {
            mantissa /= 10;
            exponent += 1;
        }
        Self { mantissa, exponent }
    }

    /// The digits, with their sign.
    pub const fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// The power of ten.
    pub const fn exponent(self) -> i8 {
        self.exponent
    }

    /// The product; `None` if it does not fit.
    pub fn times(self, other: Self) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(other.mantissa)?;
        Some(Self::new(mantissa, self.exponent.checked_add(other.exponent)?))
    }

    /// Is it a power of ten, 10^[`exponent`](Self::exponent)?
    pub const fn is_power_of_ten(self) -> bool {
        self.mantissa == 1
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        scale_by_power_of_ten(self.mantissa as f64, self.exponent)
    }
}

/// `value x 10^exponent`; a negative exponent divides, since 10^n is exact in a float up to n = 22 and 10^-n never is.
pub(crate) fn scale_by_power_of_ten(value: f64, exponent: i8) -> f64 {
    let power = 10f64.powi(i32::from(exponent).abs());
    if exponent < 0 { value / power } else { value * power }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mantissa, exponent } = *self;
        if !(-18..=18).contains(&exponent) {
            return write!(f, "{mantissa}e{exponent}");
        }
        let sign = if mantissa < 0 { "-" } else { "" };
        let digits = mantissa.unsigned_abs().to_string();
        let places = usize::from(exponent.unsigned_abs());
        if exponent >= 0 {
            let zeros = if mantissa == 0 { 0 } else { places };
            return write!(f, "{sign}{digits}{}", "0".repeat(zeros));
        }
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

impl FromStr for Decimal {
    type Err = InvalidDecimal;

    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        parse(text).ok_or_else(|| InvalidDecimal(text.chars().take(40).collect()))
    }
}

fn parse(text: &str) -> Option<Decimal> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let (negative, whole) = match whole.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, whole.strip_prefix('+').unwrap_or(whole)),
    };
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    if significant.len() > 18 {
        return None;
    }
    let magnitude = if significant.is_empty() { 0 } else { significant.parse::<i64>().ok()? };
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if magnitude == 0 {
        return Some(Decimal::new(0, 0));
    }
    Some(Decimal::new(if negative { -magnitude } else { magnitude }, i8::try_from(exponent).ok()?))
}

impl TryFrom<String> for Decimal {
    type Error = InvalidDecimal;
    fn try_from(text: String) -> Result<Self, InvalidDecimal> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_decimal_reads_what_people_write_and_keeps_it_exact() {
        for (text, mantissa, exponent) in
            [("0.01", 1, -2), ("10", 1, 1), ("1", 1, 0), ("-0.125", -125, -3), ("1e-3", 1, -3), ("0.0", 0, 0)]
        {
            assert_eq!(text.parse(), Ok(Decimal::new(mantissa, exponent)), "{text}");
        }
        for bad in ["", ".", "1,5", "0x10", "NaN", "1e", "--1", "1234567890123456789"] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_decimal_prints_without_exponent_where_it_is_readable() {
        assert_eq!(Decimal::new(5, -1).to_string(), "0.5");
        assert_eq!(Decimal::new(-125, -3).to_string(), "-0.125");
        assert_eq!(Decimal::new(12, 3).to_string(), "12000");
        assert_eq!(Decimal::new(0, 0).to_string(), "0");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(
            mantissa in -999_999_999_999_999i64..=999_999_999_999_999,
            exponent in -18i8..=3,
        ) {
            let decimal = Decimal::new(mantissa, exponent);
            prop_assert_eq!(decimal.to_string().parse(), Ok(decimal));
        }
    }
}
