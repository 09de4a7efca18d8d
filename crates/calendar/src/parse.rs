//! Instants and spans as people and files write them.

use model::{Period, Timestamp};

use crate::{Date, Zone};

/// Longer texts are refused unread; the longest RFC 3339 instant with nanoseconds and offset has 35 characters.
const TEXT_MAX: usize = 40;

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInstant {
    /// Not RFC 3339, or without offset.
    #[error("`{0}` is no instant with offset such as `2026-03-29T03:15:00+02:00` or `2026-03-29T01:15:00Z`")]
    Instant(String),
    /// Neither local date nor RFC 3339.
    #[error(
        "`{0}` is neither a date such as `2026-03-01` nor an instant such as `2026-03-29T03:15:00+02:00`"
    )]
    DateOrInstant(String),
}

/// Two texts that make no span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpan {
    /// One of them is no instant.
    #[error(transparent)]
    Bound(#[from] InvalidInstant),
    /// Nothing lies between them.
    #[error("`{from}` to `{to}` is empty: the end is not inside and must come later")]
    Empty {
        /// The first bound, as written.
        from: String,
        /// The second bound, as written.
        to: String,
    },
}

/// Reads an RFC 3339 instant. The offset must be there; fractions of a millisecond are cut off.
///
/// # Errors
/// If it is anything else.
pub fn instant_from_rfc3339(text: &str) -> Result<Timestamp, InvalidInstant> {
    let wrong = || InvalidInstant::Instant(shown(text));
    let shape = text.as_bytes();
    let has_shape = (20..=TEXT_MAX).contains(&shape.len())
        && text.is_ascii()
        && matches!(shape[10], b'T' | b't' | b' ')
        && shape[..4].iter().all(u8::is_ascii_digit)
        && !text.contains('[');
    if !has_shape {
        return Err(wrong());
    }
    let instant = text.parse::<jiff::Timestamp>().map_err(|_| wrong())?;
    Ok(Timestamp::from_millis(instant.as_millisecond()))
}

fn shown(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}

impl Zone {
    /// Reads a local date, which is its first instant, or an RFC 3339 instant with offset.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse_instant(&self, text: &str) -> Result<Timestamp, InvalidInstant> {
        if let Ok(date) = text.parse::<Date>() {
            return Ok(self.start_of_day(date));
        }
        instant_from_rfc3339(text).map_err(|_| InvalidInstant::DateOrInstant(shown(text)))
    }

    /// Reads the span from `from` to `to`, each a local date or an RFC 3339 instant; `to` is not inside.
    ///
    /// # Errors
    /// If one of them is neither, or nothing lies between them.
    pub fn parse_span(&self, from: &str, to: &str) -> Result<Period, InvalidSpan> {
        let (start, end) = (self.parse_instant(from)?, self.parse_instant(to)?);
        if start >= end {
            return Err(InvalidSpan::Empty { from: shown(from), to: shown(to) });
        }
        Ok(Period::new(start, end))
    }
}
