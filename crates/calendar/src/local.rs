//! An instant as the clock on the wall shows it.

use std::fmt;

use crate::Date;

/// Which of two equal hours is meant: in autumn the clock shows the hour from 2 to 3 twice, officially 2A (summer
/// time) and 2B (SoZV section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HourMark {
    /// The time exists once.
    Only,
    /// The first of two, in summer time.
    A,
    /// The second of two, in standard time.
    B,
}

/// An instant as the clock on the wall shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Local {
    /// The day.
    pub date: Date,
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, 0 to 59.
    pub minute: u8,
    /// Second, 0 to 59.
    pub second: u8,
    /// Which of two equal hours it is.
    pub mark: HourMark,
    /// What the clock is ahead of UTC, in seconds.
    pub offset_seconds: i32,
}

impl Local {
    /// Hour and minute, `02:15`; in the doubled hour `2A:15` and `2B:15`.
    pub fn time_label(&self) -> String {
        match self.mark {
            HourMark::Only => format!("{:02}:{:02}", self.hour, self.minute),
            HourMark::A => format!("{}A:{:02}", self.hour, self.minute),
            HourMark::B => format!("{}B:{:02}", self.hour, self.minute),
        }
    }
}

/// RFC 3339 with offset, to the second: `2026-03-29T03:15:00+02:00`.
impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, hour, minute, second, offset_seconds, .. } = self;
        let sign = if *offset_seconds < 0 { '-' } else { '+' };
        let minutes = offset_seconds.unsigned_abs() / 60;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}{sign}{hours:02}:{minutes:02}")
    }
}

/// A local time that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalTimeError {
    /// No hour and minute of a day.
    #[error("{hour}:{minute} is no time of a day")]
    NoTime {
        /// The hour given.
        hour: u8,
        /// The minute given.
        minute: u8,
    },
    /// The clock skips it.
    #[error("{date} {time} does not exist in {zone}: the clock is put forward over it")]
    Skipped {
        /// The day.
        date: Date,
        /// Hour and minute.
        time: String,
        /// The zone.
        zone: String,
    },
    /// The clock shows it twice, and nobody said which is meant.
    #[error(
        "{date} {time} exists twice in {zone}: say A (summer time) or B (standard time), or give the offset"
    )]
    Twice {
        /// The day.
        date: Date,
        /// Hour and minute.
        time: String,
        /// The zone.
        zone: String,
    },
    /// A or B was said of a time that exists once.
    #[error("{date} {time} exists once in {zone}, so it can be neither A nor B")]
    Once {
        /// The day.
        date: Date,
        /// Hour and minute.
        time: String,
        /// The zone.
        zone: String,
    },
}
