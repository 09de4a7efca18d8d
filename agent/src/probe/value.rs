//! Values as exact decimals.

use std::fmt;

use model::{Decimal, Raw};
use serde::{Serialize, Serializer};

/// A value in its canonical unit: the decimal number that the device means, without binary noise. A float is the
/// shortest decimal that reads back to the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact(Decimal);

impl Exact {
    /// `raw x 10^exponent`; `None` if it is no number or out of all range.
    pub fn new(raw: Raw, exponent: i8) -> Option<Self> {
        let number = match raw {
            Raw::Integer(number) => Decimal::new(number, 0),
            Raw::Float32(number) => format!("{number:e}").parse().ok()?,
            Raw::Float64(number) => format!("{number:e}").parse().ok()?,
        };
        Decimal::new(1, exponent).times(number).map(Self)
    }

    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        self.0.to_f64()
    }

    /// The whole number, if it is one that fits.
    fn whole(self) -> Option<i64> {
        let power = u32::try_from(self.0.exponent()).ok().and_then(|power| 10i64.checked_pow(power))?;
        self.0.mantissa().checked_mul(power)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// A JSON number: whole numbers without a point, others as the shortest decimal.
impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.whole() {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.to_f64()),
        }
    }
}

/// The raw value as a JSON number; `None` for what is none.
pub(super) fn number(raw: Raw) -> Option<serde_json::Number> {
    match raw {
        Raw::Integer(raw) => Some(raw.into()),
        Raw::Float32(_) => Exact::new(raw, 0).and_then(|exact| serde_json::Number::from_f64(exact.to_f64())),
        Raw::Float64(raw) => serde_json::Number::from_f64(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(raw: Raw, exponent: i8) -> (String, String) {
        let exact = Exact::new(raw, exponent).unwrap();
        (exact.to_string(), serde_json::to_string(&exact).unwrap())
    }

    fn text(shown: &str, json: &str) -> (String, String) {
        (shown.to_owned(), json.to_owned())
    }

    #[test]
    fn a_value_is_shown_as_the_decimal_that_the_device_means() {
        assert_eq!(both(Raw::Integer(123), 2), text("12300", "12300"));
        assert_eq!(both(Raw::Integer(-2305), -1), text("-230.5", "-230.5"));
        assert_eq!(both(Raw::Integer(0), -3), text("0", "0"));
        // 230.1 as a float of 32 bits is 230.100006103515625; as one of 64 bits, 0.1 + 0.2 has all its digits.
        assert_eq!(both(Raw::Float32(230.1), 0), text("230.1", "230.1"));
        assert_eq!(both(Raw::Float32(1.5e6), -3), text("1500", "1500"));
        assert_eq!(both(Raw::Float64(0.1 + 0.2), 0), text("0.30000000000000004", "0.30000000000000004"));
    }

    #[test]
    fn what_is_no_number_has_no_value() {
        assert_eq!(Exact::new(Raw::Float32(f32::NAN), 0), None);
        assert_eq!(Exact::new(Raw::Float64(f64::INFINITY), 0), None);
    }
}
