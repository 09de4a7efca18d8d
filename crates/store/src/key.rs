//! Numbers by which the record knows things, and the keys made of them.

use std::fmt;

use model::{AgentId, SiteId, Timestamp};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Bits that an hour or a day takes in a row key; hours pass 2^24 in the year 3883.
const PLACE_BITS: u32 = 24;
/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident $of:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($of);

        impl $name {
            /// From its number.
            pub const fn new(number: $of) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn number(self) -> $of {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <$of>::column_result(value).map(Self)
            }
        }
    )*};
}

numbers! {
    /// A device in this record, one for each (site, device id) ever seen. Never reused.
    DeviceKey u32;
    /// A series in this record, one for each (site, device, quantity, channel) ever seen. Never reused.
    SeriesId u32;
    /// A series of quarter-hour values, one for each register series or imported meter point. Never reused.
    IntervalSeriesId u32;
    /// A batch in the inbox; rises in the order of arrival. Never reused.
    InboxId i64;
    /// Place in the log of changes; rises, with holes. Never reused.
    ChangeSeq i64;
    /// An import. Never reused.
    ImportNumber i64;
    /// An alarm. Never reused.
    AlarmId i64;
}

/// An agent by its full key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgentKey {
    /// Site of its certificate.
    pub site: SiteId,
    /// Name in its certificate.
    pub agent: AgentId,
}

impl fmt::Display for AgentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.site, self.agent)
    }
}

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident $millis:ident $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u32);

        impl $name {
            #[doc = concat!("The ", $what, " that contains `instant`.")]
            ///
            /// # Errors
            /// If it lies before 1970 or beyond what 24 bits can count.
            pub fn of(instant: Timestamp) -> Result<Self, StoreError> {
                Self::from_index(instant.millis().div_euclid($millis))
            }

            #[doc = concat!("By the number of the ", $what, " since 1970-01-01T00Z.")]
            ///
            /// # Errors
            /// If it is negative or does not fit into 24 bits.
            pub fn from_index(index: i64) -> Result<Self, StoreError> {
                match u32::try_from(index) {
                    Ok(index) if index >> PLACE_BITS == 0 => Ok(Self(index)),
                    _ => Err(StoreError::OutOfRange {
                        what: concat!($what, " number"),
                        found: index.into(),
                        expected: "0 to 2^24 - 1",
                    }),
                }
            }

            #[doc = concat!("Like [`of`](Self::of), with the nearest ", $what, " that a key can hold.")]
            pub(crate) fn clamped(instant: Timestamp) -> Self {
                let most = (1i64 << PLACE_BITS) - 1;
                let index = instant.millis().div_euclid($millis).clamp(0, most);
                Self(u32::try_from(index).expect("24 bits fit into 32"))
            }

            /// Its number since 1970-01-01T00Z.
            pub const fn index(self) -> u32 {
                self.0
            }

            /// The instant at which it starts.
            pub fn start(self) -> Timestamp {
                Timestamp::from_millis(i64::from(self.0) * $millis)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.start().fmt(f)
            }
        }
    )*};
}

places! {
    /// A UTC hour by its number since 1970-01-01T00Z.
    Hour HOUR_MS "hour";
    /// A UTC day by its number since 1970-01-01. It always has 96 quarter hours; local days are cut in `calendar`.
    Day DAY_MS "day";
}

impl Hour {
    /// The UTC day in which it lies.
    pub const fn day(self) -> Day {
        Day(self.0 / 24)
    }

    /// Hours from here to the end of its UTC day, itself included: 1 to 24.
    pub const fn left_in_day(self) -> u32 {
        24 - self.0 % 24
    }

    /// The hour `hours` later, kept within what a key can hold.
    pub(crate) const fn plus(self, hours: u32) -> Self {
        let most = (1 << PLACE_BITS) - 1;
        let sum = self.0.saturating_add(hours);
        Self(if sum > most { most } else { sum })
    }
}

impl Day {
    /// Its first hour.
    pub(crate) const fn first_hour(self) -> Hour {
        // A day beyond the range of hours cannot come from an instant that has an hour; it is cut to the last one.
        Hour(self.0).times_24()
    }
}

impl Hour {
    const fn times_24(self) -> Self {
        Self(0).plus(self.0.saturating_mul(24))
    }
}

/// Row key of a place in a series of them: `owner << 24 | place`.
pub(crate) const fn row_key(owner: u32, place: u32) -> i64 {
    ((owner as i64) << PLACE_BITS) | place as i64
}

/// The place in a row key.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "masked to 24 bits")]
pub(crate) const fn place_of(key: i64) -> u32 {
    (key & ((1 << PLACE_BITS) - 1)) as u32
}

/// The owner in a row key.
///
/// # Errors
/// If the key is negative or its owner does not fit: no key of ours.
pub(crate) fn owner_of(key: i64) -> Result<u32, StoreError> {
    u32::try_from(key >> PLACE_BITS).map_err(|_| StoreError::OutOfRange {
        what: "row key",
        found: key.into(),
        expected: "owner << 24 | place",
    })
}

/// A UTC month, the unit in which raw samples are kept and dropped: `raw-202610.db`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// From year and month.
    ///
    /// # Errors
    /// If there is no such month, or it lies before 1970 or after 9999.
    pub fn new(year: u16, month: u8) -> Result<Self, StoreError> {
        if (1970..=9999).contains(&year) && (1..=12).contains(&month) {
            return Ok(Self { year, month });
        }
        let found = i128::from(year) * 100 + i128::from(month);
        Err(StoreError::OutOfRange { what: "month", found, expected: "197001 to 999912" })
    }

    /// The month that contains an hour.
    pub fn of(hour: Hour) -> Self {
        let text = hour.start().to_string();
        let part =
            |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<u16>().ok());
        let (year, month) = part(0..4).zip(part(5..7)).expect("a time stamp prints as yyyy-mm");
        Self { year, month: u8::try_from(month).expect("months end at 12") }
    }

    /// `raw-202610.db`.
    pub fn file_name(self) -> String {
        format!("raw-{:04}{:02}.db", self.year, self.month)
    }

    pub(crate) fn from_file_name(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("raw-")?.strip_suffix(".db")?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: u32 = digits.parse().ok()?;
        Self::new(u16::try_from(number / 100).ok()?, u8::try_from(number % 100).ok()?).ok()
    }
}

/// `2026-10`.
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_key_gives_back_its_owner_and_its_place() {
        let key = row_key(u32::MAX, (1 << 24) - 1);
        assert_eq!((owner_of(key).unwrap(), place_of(key)), (u32::MAX, (1 << 24) - 1));
        assert!(owner_of(-1).is_err());
    }

    #[test]
    fn an_hour_knows_its_day_and_its_month() {
        // 2026-10-31T23:59:59Z is 1793491199 s after the epoch (GNU date).
        let last = Hour::of(Timestamp::from_seconds(1_793_491_199)).unwrap();
        assert_eq!(Month::of(last).file_name(), "raw-202610.db");
        assert_eq!(Month::of(last.plus(1)).file_name(), "raw-202611.db");
        assert_eq!(last.left_in_day(), 1);
        assert_eq!(last.day().first_hour().plus(23), last);
        assert_eq!(Month::from_file_name("raw-202610.db"), Some(Month::of(last)));
        assert_eq!(Month::from_file_name("raw-202613.db"), None);
    }

    #[test]
    fn an_instant_before_1970_has_no_place() {
        assert!(Hour::of(Timestamp::from_millis(-1)).is_err());
        assert!(Day::of(Timestamp::MAX).is_err());
    }
}
