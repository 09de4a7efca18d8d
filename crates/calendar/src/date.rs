//! Dates, months and years of the civil calendar, without a zone.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil;
use serde::{Deserialize, Serialize};

/// Years that a date may have: more than any record of a data centre needs, far inside what jiff can hold.
pub(crate) const YEARS: RangeInclusive<i16> = 1900..=2199;

/// A text or number that is no date, month or year of the years 1900 to 2199.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what} of the years 1900 to 2199 such as {example}")]
pub struct InvalidDate {
    text: String,
    what: &'static str,
    example: &'static str,
}

fn invalid(text: &str, what: &'static str, example: &'static str) -> InvalidDate {
    InvalidDate { text: text.chars().take(40).collect(), what, example }
}

/// A day of the civil calendar. Prints and reads as `2026-03-29`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(pub(crate) civil::Date);

impl Date {
    /// From year, month (1 to 12) and day (1 to 31).
    ///
    /// # Errors
    /// If there is no such day, or its year is outside 1900 to 2199.
    pub fn new(year: i16, month: u8, day: u8) -> Result<Self, InvalidDate> {
        let wrong = || invalid(&format!("{year}-{month}-{day}"), "date", "2026-01-31");
        let (month, day) = (i8::try_from(month).ok(), i8::try_from(day).ok());
        let date = month.zip(day).and_then(|(month, day)| civil::Date::new(year, month, day).ok());
        date.ok_or_else(wrong)?.try_into()
    }

    /// The year.
    pub fn year(self) -> Year {
        Year(self.0.year())
    }

    /// The month.
    pub fn month(self) -> Month {
        Month(self.0.first_of_month())
    }

    /// Day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.0.day().unsigned_abs()
    }

    /// Day of the week by ISO 8601: 1 is Monday, 7 is Sunday.
    pub fn weekday(self) -> u8 {
        self.0.weekday().to_monday_one_offset().unsigned_abs()
    }

    /// The date `days` later, or earlier if negative; kept inside the years 1900 to 2199.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        let moved = self.0.saturating_add(jiff::Span::new().days(days.clamp(-200_000, 200_000)));
        Self::clamped(moved)
    }

    /// The day after.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus_days(1)
    }

    /// The day before.
    #[must_use]
    pub fn previous(self) -> Self {
        self.plus_days(-1)
    }

    pub(crate) fn clamped(date: civil::Date) -> Self {
        let (first, last) = (*YEARS.start(), *YEARS.end());
        Self(date.clamp(civil::date(first, 1, 1), civil::date(last, 12, 31)))
    }
}

impl TryFrom<civil::Date> for Date {
    type Error = InvalidDate;

    fn try_from(date: civil::Date) -> Result<Self, InvalidDate> {
        let inside = YEARS.contains(&date.year());
        inside.then_some(Self(date)).ok_or_else(|| invalid(&date.to_string(), "date", "2026-01-31"))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let wrong = || invalid(text, "date", "2026-01-31");
        let [year, month, day] = numbers(text, [4, 2, 2]).ok_or_else(wrong)?;
        let (month, day) =
            (u8::try_from(month).map_err(|_| wrong())?, u8::try_from(day).map_err(|_| wrong())?);
        Self::new(year, month, day).map_err(|_| wrong())
    }
}

/// A month of the civil calendar. Prints and reads as `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(civil::Date);

impl Month {
    /// From year and month (1 to 12).
    ///
    /// # Errors
    /// If the month is not 1 to 12, or the year is outside 1900 to 2199.
    pub fn new(year: i16, month: u8) -> Result<Self, InvalidDate> {
        let wrong = |_| invalid(&format!("{year}-{month}"), "month", "2026-01");
        Date::new(year, month, 1).map(Date::month).map_err(wrong)
    }

    /// The year.
    pub fn year(self) -> Year {
        Year(self.0.year())
    }

    /// Number of the month in its year, 1 to 12.
    pub fn number(self) -> u8 {
        self.0.month().unsigned_abs()
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        Date(self.0)
    }

    /// Its last day.
    pub fn last_day(self) -> Date {
        Date(self.0.last_of_month())
    }

    /// The month `months` later, or earlier if negative; kept inside the years 1900 to 2199.
    #[must_use]
    pub fn plus_months(self, months: i32) -> Self {
        let moved = self.0.saturating_add(jiff::Span::new().months(months.clamp(-10_000, 10_000)));
        Self(Date::clamped(moved).0.first_of_month())
    }

    /// The month after.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus_months(1)
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        self.plus_months(-1)
    }

    /// The same month of the year before, for comparison.
    #[must_use]
    pub fn year_before(self) -> Self {
        self.plus_months(-12)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let wrong = || invalid(text, "month", "2026-01");
        let [year, month] = numbers(text, [4, 2]).ok_or_else(wrong)?;
        let month = u8::try_from(month).map_err(|_| wrong())?;
        Self::new(year, month).map_err(|_| wrong())
    }
}

/// A year of the civil calendar. Prints and reads as `2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Year(i16);

impl Year {
    /// From its number.
    ///
    /// # Errors
    /// If it is outside 1900 to 2199.
    pub fn new(year: i16) -> Result<Self, InvalidDate> {
        let wrong = || invalid(&year.to_string(), "year", "2026");
        YEARS.contains(&year).then_some(Self(year)).ok_or_else(wrong)
    }

    /// Its number.
    pub const fn number(self) -> i16 {
        self.0
    }

    /// 1 January.
    pub fn first_day(self) -> Date {
        Date(civil::date(self.0, 1, 1))
    }

    /// 31 December.
    pub fn last_day(self) -> Date {
        Date(civil::date(self.0, 12, 31))
    }

    /// Its twelve months, in order.
    pub fn months(self) -> impl Iterator<Item = Month> {
        (0..12).map(move |n| self.first_day().month().plus_months(n))
    }

    /// The year before; 1900 stays 1900.
    #[must_use]
    pub fn previous(self) -> Self {
        Self((self.0 - 1).max(*YEARS.start()))
    }

    /// The year after; 2199 stays 2199.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1).min(*YEARS.end()))
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl FromStr for Year {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let wrong = || invalid(text, "year", "2026");
        let [year] = numbers(text, [4]).ok_or_else(wrong)?;
        Self::new(year).map_err(|_| wrong())
    }
}

/// Numbers of exactly these many digits, joined by `-`, and nothing else.
fn numbers<const N: usize>(text: &str, digits: [usize; N]) -> Option<[i16; N]> {
    let mut parts = text.split('-');
    let mut found = [0; N];
    for (number, width) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        let good = part.len() == width && part.bytes().all(|b| b.is_ascii_digit());
        *number = if good { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then_some(found)
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = InvalidDate;
            fn try_from(text: String) -> Result<Self, InvalidDate> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )*};
}

as_text! { Date Month Year }
