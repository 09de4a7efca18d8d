//! Instants and spans in UTC. Days, months and years are cut in `calendar`.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant that can be held.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant that can be held.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The quarter hour that contains this instant.
    pub const fn quarter(self) -> QuarterHour {
        QuarterHour(self.0.div_euclid(QuarterHour::MILLIS))
    }

    /// Milliseconds from `earlier` to `self`; negative if `self` is the earlier one.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved by `millis`, kept inside the range that can be held.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        self.plus_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        self.plus_millis(-i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
    }
}

/// RFC 3339 in UTC with milliseconds only where there are any: `2026-10-25T01:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(86_400_000));
        let of_day = self.0.rem_euclid(86_400_000);
        let (hour, minute, second, milli) =
            (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60, of_day % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if milli != 0 {
            write!(f, ".{milli:03}")?;
        }
        f.write_str("Z")
    }
}

/// Days since 1970-01-01 to a date of the proleptic Gregorian calendar, after Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>), whose eras of 400 years have 146,097 days.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A half-open span of time, `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// The first instant inside.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
}

impl Period {
    /// From and to; a `to` before `from` makes an empty period at `from`.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to: to.max(from) }
    }

    /// Is `instant` inside?
    pub fn contains(self, instant: Timestamp) -> bool {
        self.from <= instant && instant < self.to
    }

    /// Does nothing lie inside?
    pub fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// Length in milliseconds.
    pub fn millis(self) -> i64 {
        self.to.millis_since(self.from)
    }

    /// The part that both share; empty if they share none.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }

    /// The quarter hours that start inside, in order.
    pub fn quarters(self) -> impl DoubleEndedIterator<Item = QuarterHour> + ExactSizeIterator + use<> {
        let first = QuarterHour::at_or_after(self.from).index();
        let after = QuarterHour::at_or_after(self.to).index().max(first);
        let count = u32::try_from(after - first).unwrap_or(u32::MAX);
        (0..count).map(move |n| QuarterHour(first + i64::from(n)))
    }

    /// How many quarter hours start inside.
    pub fn quarter_count(self) -> usize {
        self.quarters().len()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.from, self.to)
    }
}

/// A quarter hour `[start, start + 15 min)`, the billing and accounting interval of German metering, by its number
/// since 1970-01-01T00:00Z. All zones of Europe lie whole hours from UTC, so local days are cut at quarter hours too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QuarterHour(i64);

impl QuarterHour {
    /// Length of a quarter hour in milliseconds.
    pub const MILLIS: i64 = 900_000;
    /// Quarter hours of a UTC day.
    pub const PER_DAY: i64 = 96;

    /// By its number since the epoch.
    pub const fn from_index(index: i64) -> Self {
        Self(index)
    }

    /// Its number since the epoch.
    pub const fn index(self) -> i64 {
        self.0
    }

    /// The first quarter hour that starts at or after `instant`.
    pub const fn at_or_after(instant: Timestamp) -> Self {
        Self(instant.0.div_euclid(Self::MILLIS) + (instant.0.rem_euclid(Self::MILLIS) != 0) as i64)
    }

    /// The instant at which it starts.
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(Self::MILLIS))
    }

    /// The instant at which it ends, which is not inside.
    pub const fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The one that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// As a period.
    pub const fn period(self) -> Period {
        Period { from: self.start(), to: self.end() }
    }

    /// Number of the UTC day since the epoch in which it lies.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(Self::PER_DAY)
    }

    /// Its place in its UTC day, 0 to 95.
    #[allow(clippy::cast_possible_truncation, reason = "0 to 95 by rem_euclid")]
    pub const fn slot(self) -> usize {
        self.0.rem_euclid(Self::PER_DAY) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_as_rfc_3339_in_utc() {
        // Independent values: GNU `date -u -d @SECONDS +%FT%TZ`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_792_890_000, "2026-10-25T01:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_seconds(seconds).to_string(), text);
        }
        assert_eq!(Timestamp::from_millis(1_007).to_string(), "1970-01-01T00:00:01.007Z");
    }

    #[test]
    fn a_period_holds_the_quarter_hours_that_start_inside_it() {
        let hour = Period::new(Timestamp::from_seconds(0), Timestamp::from_seconds(3600));
        assert_eq!(hour.quarters().map(QuarterHour::index).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let skewed = Period::new(Timestamp::from_millis(1), Timestamp::from_millis(900_001));
        assert_eq!(skewed.quarters().map(QuarterHour::index).collect::<Vec<_>>(), [1]);
        assert_eq!(Period::new(Timestamp::from_seconds(5), Timestamp::from_seconds(1)).quarter_count(), 0);
    }

    #[test]
    fn a_quarter_hour_before_the_epoch_knows_its_day_and_slot() {
        let last_of_1969 = Timestamp::from_seconds(-1).quarter();
        assert_eq!((last_of_1969.index(), last_of_1969.utc_day(), last_of_1969.slot()), (-1, -1, 95));
    }
}
