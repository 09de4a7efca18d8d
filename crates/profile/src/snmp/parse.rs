//! From the value of an object to a whole number.

use model::{Missing, Raw};

use super::{Sentinel, SnmpValue};
use crate::Conversion;

/// How a value is read; all that is needed with every poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reader {
    pub(super) conversion: Conversion,
    pub(super) sentinels: std::sync::Arc<[Sentinel]>,
    pub(super) minimum: Option<i64>,
    pub(super) decimals: u8,
}

impl Reader {
    /// The raw value.
    pub(super) fn read(&self, value: &SnmpValue) -> Result<Raw, Missing> {
        let number = match value {
            SnmpValue::OctetString(_) => self.text(&value.text().ok_or(Missing::Nonsense)?)?,
            SnmpValue::Counter64(big) => {
                self.number(i64::try_from(*big).map_err(|_| Missing::OutOfRange)?)?
            }
            other if !other.exists() => return Err(Missing::NotAvailable),
            other => self.number(other.number().ok_or(Missing::Nonsense)?)?,
        };
        self.conversion.decode(number)
    }

    /// Is this number, before scaling, a value?
    pub(super) fn accepts(&self, number: i64) -> bool {
        self.is_one(number).is_ok()
    }

    fn number(&self, number: i64) -> Result<i64, Missing> {
        self.is_one(number)?;
        let power = 10i64.checked_pow(u32::from(self.decimals)).ok_or(Missing::OutOfRange)?;
        number.checked_mul(power).ok_or(Missing::OutOfRange)
    }

    fn text(&self, text: &str) -> Result<i64, Missing> {
        if self.sentinels.iter().any(|sentinel| matches!(sentinel, Sentinel::Text(one) if one == text)) {
            return Err(Missing::NotAvailable);
        }
        let number = LeadingNumber::of(text).ok_or(Missing::NotAvailable)?;
        if number.is_whole() {
            self.is_one(number.rounded(0).ok_or(Missing::OutOfRange)?)?;
        }
        if self.decimals == 0 && !number.is_whole() {
            return Err(Missing::Nonsense);
        }
        number.rounded(self.decimals).ok_or(Missing::OutOfRange)
    }

    /// Sentinels and minimum are meant for the number as it came, before scaling.
    fn is_one(&self, number: i64) -> Result<(), Missing> {
        let sentinel = self.sentinels.iter().any(|one| matches!(one, Sentinel::Number(no) if *no == number));
        if sentinel || self.minimum.is_some_and(|minimum| number < minimum) {
            return Err(Missing::NotAvailable);
        }
        Ok(())
    }
}

/// The number at the beginning of texts such as `23% of maximum`, `50.0 Hz`, `-3`.
struct LeadingNumber<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> LeadingNumber<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, rest) = digits(rest);
        let fraction = rest.strip_prefix('.').map_or("", |rest| digits(rest).0);
        (!whole.is_empty()).then_some(Self { negative, whole, fraction })
    }

    fn is_whole(&self) -> bool {
        self.fraction.bytes().all(|b| b == b'0')
    }

    /// Times 10^decimals, rounded half away from zero.
    fn rounded(&self, decimals: u8) -> Option<i64> {
        let mut value = self.whole.parse::<i64>().ok()?;
        let mut fraction = self.fraction.bytes();
        for _ in 0..decimals {
            let digit = fraction.next().map_or(0, |b| i64::from(b - b'0'));
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
        if fraction.next().is_some_and(|b| b >= b'5') {
            value = value.checked_add(1)?;
        }
        Some(if self.negative { -value } else { value })
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}
