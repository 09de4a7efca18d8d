//! Instants as people write them.

use model::Timestamp;

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no instant such as 2026-01-31 (midnight UTC) or 2026-01-31T12:00:00+01:00")]
pub struct InvalidInstant(String);

/// Reads an RFC 3339 instant, or a date as its midnight in UTC: the simulator knows no time zones.
///
/// # Errors
/// If it is neither.
pub fn instant(text: &str) -> Result<Timestamp, InvalidInstant> {
    let wrong = || InvalidInstant(text.chars().take(60).collect());
    let text = text.trim();
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong())?;
        return Ok(Timestamp::from_millis(midnight.timestamp().as_millisecond()));
    }
    let instant: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
    Ok(Timestamp::from_millis(instant.as_millisecond()))
}

/// A month of local time, cut an hour before UTC midnight: in the winter exactly, in the summer an hour late. Only used
/// to choose spans that are rounded up anyway; real months are cut by the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// The month in which an instant lies; `None` for years that no calendar has.
    pub fn of(time: Timestamp) -> Option<Self> {
        let local = jiff::Timestamp::from_millisecond(time.millis()).ok()?;
        let date = local
            .checked_add(jiff::SignedDuration::from_hours(1))
            .ok()?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        Some(Self { year: date.year(), month: date.month() })
    }

    /// So many months before.
    pub fn back(self, months: u32) -> Option<Self> {
        let index = i32::from(self.year) * 12 + i32::from(self.month) - 1 - i32::try_from(months).ok()?;
        let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
        Some(Self { year: i16::try_from(year).ok()?, month: i8::try_from(month).ok()? })
    }

    /// Midnight UTC of its first day.
    pub fn start(self) -> Option<Timestamp> {
        instant(&format!("{self}-01")).ok()
    }
}

/// `2026-10`.
impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_instants_are_read() {
        // GNU `date -u -d ... +%s`.
        for (text, seconds) in [
            ("2024-01-01", 1_704_067_200),
            ("2026-10-25T02:30:00+02:00", 1_792_888_200),
            ("2026-10-25T02:30:00Z", 1_792_895_400),
        ] {
            assert_eq!(instant(text), Ok(Timestamp::from_seconds(seconds)), "{text}");
        }
        for bad in ["", "yesterday", "2026-13-01", "2026-01-01T00:00:00", "01.02.2026"] {
            assert!(instant(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn months_go_back_over_years() {
        let month = Month::of(Timestamp::from_seconds(1_792_895_400)).unwrap();
        assert_eq!(month.to_string(), "2026-10");
        assert_eq!(month.back(14).unwrap().to_string(), "2025-08");
        // The last hour of the year in UTC is the first of the next in Frankfurt.
        assert_eq!(Month::of(Timestamp::from_seconds(1_704_067_199)).unwrap().to_string(), "2024-01");
        assert_eq!(month.back(33).unwrap().start(), Some(Timestamp::from_seconds(1_704_067_200)));
    }
}
