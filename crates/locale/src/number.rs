//! Exact decimals for display.

use model::Decimal;

use crate::Language;

/// A decimal number with a fixed count of decimals, rounded once, half away from zero.
///
/// Value = `units / 10^decimals`. It is what is shown: [`plain`](Self::plain) for files,
/// [`Language::number`] for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed {
    units: i128,
    decimals: u8,
}

/// More decimals than this are never shown; keeps every power of ten inside of i128.
const DECIMALS_MAX: u8 = 9;
/// Digits an i64 can have; a float beyond 10^18 is no amount of ours.
const EXPONENT_MAX: i32 = 18;

impl Fixed {
    /// From a whole number of 10^-`scale` (at most 10^-18), rounded to `decimals` (at most 9).
    pub fn from_scaled(value: i64, scale: u8, decimals: u8) -> Self {
        Self::rounded(i128::from(value), -i32::from(scale.min(18)), decimals)
    }

    /// From a whole number.
    pub fn whole(value: i64) -> Self {
        Self::from_scaled(value, 0, 0)
    }

    /// From a float, rounded to `decimals` from its shortest decimal form, as people write it down (1.005 becomes
    /// 1.01, as `Intl.NumberFormat` has it). `None` if it is not finite or is 10^18 or more.
    pub fn from_f64(value: f64, decimals: u8) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits: i128 = mantissa.replace('.', "").parse().ok()?;
        if exponent >= EXPONENT_MAX {
            return None;
        }
        Some(Self::rounded(digits, exponent - i32::try_from(fraction).ok()?, decimals))
    }

    /// From an exact decimal, rounded to `decimals`. `None` if it is 10^18 or more.
    pub fn from_decimal(value: Decimal, decimals: u8) -> Option<Self> {
        let exponent = i32::from(value.exponent());
        let digits = i32::try_from(value.mantissa().unsigned_abs().to_string().len()).ok()?;
        (digits + exponent <= EXPONENT_MAX)
            .then(|| Self::rounded(i128::from(value.mantissa()), exponent, decimals))
    }

    /// `part / whole` in percent, rounded to `decimals`; `None` for a whole that is not positive.
    pub fn percent_of(part: i64, whole: i64, decimals: u8) -> Option<Self> {
        let decimals = decimals.min(DECIMALS_MAX);
        (whole > 0).then(|| {
            let scaled = i128::from(part) * 100 * power_of_ten(u32::from(decimals));
            Self { units: divide_rounding(scaled, i128::from(whole)), decimals }
        })
    }

    /// `part / whole` in percent, cut to `decimals` and not rounded, so that 100 % means all of it: for coverage.
    /// `None` for a whole of zero.
    pub fn percent_covered(part: u32, whole: u32, decimals: u8) -> Option<Self> {
        let decimals = decimals.min(DECIMALS_MAX);
        let scaled = i128::from(part) * 100 * power_of_ten(u32::from(decimals));
        Some(Self { units: scaled.checked_div(i128::from(whole))?, decimals })
    }

    /// Is it shown as zero?
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Is it shown with a minus?
    pub const fn is_negative(self) -> bool {
        self.units < 0
    }

    /// Without its sign.
    #[must_use]
    pub const fn magnitude(self) -> Self {
        Self { units: self.units.abs(), decimals: self.decimals }
    }

    /// How many decimals it has.
    pub const fn decimals(self) -> u8 {
        self.decimals
    }

    /// For files: decimal point, no grouping, hyphen as minus: `-1234.50`.
    pub fn plain(self) -> String {
        let sign = if self.is_negative() { "-" } else { "" };
        let (whole, fraction) = self.parts();
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// For a German spreadsheet: decimal comma, no grouping, hyphen as minus: `-1234,50`.
    pub fn plain_comma(self) -> String {
        self.plain().replace('.', ",")
    }

    /// Whole and fractional digits without sign.
    fn parts(self) -> (String, String) {
        let decimals = usize::from(self.decimals);
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        (whole.to_owned(), fraction.to_owned())
    }

    /// `mantissa x 10^exponent`, rounded.
    fn rounded(mantissa: i128, exponent: i32, decimals: u8) -> Self {
        let decimals = decimals.min(DECIMALS_MAX);
        let shift = exponent + i32::from(decimals);
        let power = power_of_ten(shift.unsigned_abs());
        let units =
            if shift >= 0 { mantissa.saturating_mul(power) } else { divide_rounding(mantissa, power) };
        Self { units, decimals }
    }
}

/// 10^n, as far as i128 goes: anything divided by more is 0 after rounding.
fn power_of_ten(n: u32) -> i128 {
    10i128.checked_pow(n).unwrap_or(i128::MAX)
}

/// Quotient rounded half away from zero; `divisor` is positive.
fn divide_rounding(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    if rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2) {
        quotient + rest.signum()
    } else {
        quotient
    }
}

impl Language {
    /// A number for people: `1.234.567,89` in German, `1,234,567.89` in English, with U+2212 as minus.
    pub fn number(self, value: Fixed) -> String {
        let (group, point) = match self {
            Self::German => ('.', ','),
            Self::English => (',', '.'),
        };
        let (whole, fraction) = value.parts();
        let mut text = String::with_capacity(whole.len() * 2 + fraction.len() + 4);
        if value.is_negative() {
            text.push('\u{2212}');
        }
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                text.push(group);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(point);
            text.push_str(&fraction);
        }
        text
    }

    /// A count for people.
    pub fn count(self, value: u64) -> String {
        self.number(Fixed { units: i128::from(value), decimals: 0 })
    }
}
