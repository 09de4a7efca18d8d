//! A time zone and the days, months and years that it cuts.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use model::{Period, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Date, HourMark, Local, LocalTimeError, Month, Year};

/// A name that is no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone of the IANA database such as `Europe/Berlin`")]
pub struct UnknownZone(String);

/// A time zone of the IANA database. Cloning is cheap. Prints and reads as its name, `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// By its name in the IANA database.
    ///
    /// # Errors
    /// If the database has no such name.
    pub fn new(name: &str) -> Result<Self, UnknownZone> {
        let unknown = || UnknownZone(name.chars().take(40).collect());
        let rules = TimeZone::get(name).map_err(|_| unknown())?;
        let name = rules.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, rules })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The local day in which an instant lies; instants outside of 1900 to 2199 count as the nearest day inside.
    pub fn date_of(&self, instant: Timestamp) -> Date {
        Date::clamped(self.rules.to_datetime(held(instant)).date())
    }

    /// The local month in which an instant lies.
    pub fn month_of(&self, instant: Timestamp) -> Month {
        self.date_of(instant).month()
    }

    /// The local year in which an instant lies.
    pub fn year_of(&self, instant: Timestamp) -> Year {
        self.date_of(instant).year()
    }

    /// The first instant of a local day: midnight, or what follows it where the clock skips midnight.
    pub fn start_of_day(&self, date: Date) -> Timestamp {
        let midnight = date.0.at(0, 0, 0, 0);
        let instant =
            self.rules.to_timestamp(midnight).expect("dates of 1900 to 2199 lie inside what jiff holds");
        Timestamp::from_millis(instant.as_millisecond())
    }

    /// A local day.
    pub fn day(&self, date: Date) -> Period {
        Period::new(self.start_of_day(date), self.start_of_day(date.next()))
    }

    /// A local month.
    pub fn month(&self, month: Month) -> Period {
        Period::new(self.start_of_day(month.first_day()), self.start_of_day(month.last_day().next()))
    }

    /// A local year.
    pub fn year(&self, year: Year) -> Period {
        Period::new(self.start_of_day(year.first_day()), self.start_of_day(year.last_day().next()))
    }

    /// How many quarter hours a local day has: 92, 96 or 100 in Europe.
    pub fn quarters_of_day(&self, date: Date) -> usize {
        self.day(date).quarter_count()
    }

    /// The local days that a span touches, in order, each cut to the span.
    pub fn days_in(&self, span: Period) -> Vec<(Date, Period)> {
        self.cut(span, self.date_of(span.from), Date::next, Self::day)
    }

    /// The local months that a span touches, in order, each cut to the span.
    pub fn months_in(&self, span: Period) -> Vec<(Month, Period)> {
        self.cut(span, self.month_of(span.from), Month::next, Self::month)
    }

    /// The local years that a span touches, in order, each cut to the span.
    pub fn years_in(&self, span: Period) -> Vec<(Year, Period)> {
        self.cut(span, self.year_of(span.from), Year::next, Self::year)
    }

    /// How many whole local months lie inside a span. Twelve are needed before a figure may be called annual.
    pub fn whole_months(&self, span: Period) -> usize {
        self.months_in(span).into_iter().filter(|(month, part)| *part == self.month(*month)).count()
    }

    /// The month that a span is, if it is exactly one local month.
    pub fn as_month(&self, span: Period) -> Option<Month> {
        let month = self.month_of(span.from);
        (self.month(month) == span).then_some(month)
    }

    /// The year that a span is, if it is exactly one local year.
    pub fn as_year(&self, span: Period) -> Option<Year> {
        let year = self.year_of(span.from);
        (self.year(year) == span).then_some(year)
    }

    /// What the clock on the wall shows at an instant; fractions of a second are cut off.
    pub fn local(&self, instant: Timestamp) -> Local {
        let instant = held(instant);
        let time = self.rules.to_datetime(instant);
        let offset = self.rules.to_offset(instant);
        let mark = match self.rules.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Fold { before, .. } if before == offset => HourMark::A,
            AmbiguousOffset::Fold { .. } => HourMark::B,
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => HourMark::Only,
        };
        Local {
            date: Date::clamped(time.date()),
            hour: time.hour().unsigned_abs(),
            minute: time.minute().unsigned_abs(),
            second: time.second().unsigned_abs(),
            mark,
            offset_seconds: offset.seconds(),
        }
    }

    /// The instant of a local time, for imports that carry no offset.
    ///
    /// # Errors
    /// If the clock never shows that time, or shows it twice and `mark` does not say which, or shows it once though
    /// `mark` says A or B.
    pub fn instant(
        &self,
        date: Date,
        hour: u8,
        minute: u8,
        mark: HourMark,
    ) -> Result<Timestamp, LocalTimeError> {
        let hours = i8::try_from(hour).ok().filter(|hour| *hour < 24);
        let minutes = i8::try_from(minute).ok().filter(|minute| *minute < 60);
        let (hours, minutes) = hours.zip(minutes).ok_or(LocalTimeError::NoTime { hour, minute })?;
        let time = date.0.at(hours, minutes, 0, 0);
        let offset = match (self.rules.to_ambiguous_timestamp(time).offset(), mark) {
            (AmbiguousOffset::Unambiguous { offset }, HourMark::Only) => offset,
            (AmbiguousOffset::Fold { before, .. }, HourMark::A) => before,
            (AmbiguousOffset::Fold { after, .. }, HourMark::B) => after,
            (found, _) => return Err(self.no_instant(time, found)),
        };
        let instant = offset.to_timestamp(time).expect("dates of 1900 to 2199 lie inside what jiff holds");
        Ok(Timestamp::from_millis(instant.as_millisecond()))
    }

    fn no_instant(&self, local: civil::DateTime, found: AmbiguousOffset) -> LocalTimeError {
        let date = Date::clamped(local.date());
        let time = format!("{:02}:{:02}", local.hour(), local.minute());
        let zone = self.name.clone();
        match found {
            AmbiguousOffset::Gap { .. } => LocalTimeError::Skipped { date, time, zone },
            AmbiguousOffset::Fold { .. } => LocalTimeError::Twice { date, time, zone },
            AmbiguousOffset::Unambiguous { .. } => LocalTimeError::Once { date, time, zone },
        }
    }

    fn cut<U: Copy>(
        &self,
        span: Period,
        first: U,
        next: impl Fn(U) -> U,
        period: impl Fn(&Self, U) -> Period,
    ) -> Vec<(U, Period)> {
        let mut parts = Vec::new();
        let mut unit = first;
        let mut end = Timestamp::MIN;
        loop {
            let whole = period(self, unit);
            // The last day that can be held is followed by itself.
            if whole.from >= span.to || whole.to <= end {
                return parts;
            }
            let part = whole.intersection(span);
            if !part.is_empty() {
                parts.push((unit, part));
            }
            end = whole.to;
            unit = next(unit);
        }
    }
}

/// The instant as jiff holds it; what lies outside counts as the nearest inside.
fn held(instant: Timestamp) -> jiff::Timestamp {
    let nearest = if instant.millis() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(instant.millis()).unwrap_or(nearest)
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;
    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        Self::new(name)
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;
    fn try_from(name: String) -> Result<Self, UnknownZone> {
        Self::new(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}
