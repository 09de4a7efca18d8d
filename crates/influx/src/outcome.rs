//! What an answer of the server means for the lines that were sent.

use std::time::Duration;

/// Longest wait that a server's `Retry-After` may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(10);
/// Words that servers use when lines, and not the server, are at fault. Version 3 also answers 400 when its disk is
/// full, so a 400 without one of them says nothing about the lines.
const FAULT_OF_LINES: [&str; 8] = [
    "partial write",
    "unable to parse",
    "field type conflict",
    "line protocol",
    "parse error",
    "invalid line",
    "invalid number",
    "unbalanced quotes",
];
/// Words for points that are older than what the server keeps, of versions 1 and 2.
const RETENTION: [&str; 2] = ["beyond retention policy", "outside retention policy"];

/// What became of one body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is stored.
    Stored,
    /// All that lies inside the server's retention is stored; so many points were older.
    Retention {
        /// Points that the server dropped, as it says.
        dropped: u64,
    },
    /// The body is too large for this server.
    TooLarge,
    /// Some line is wrong. Others may or may not be stored.
    Refused {
        /// The server's words.
        text: String,
    },
    /// The server does not let us in or does not know where to put it: a person must act.
    Denied {
        /// The status.
        status: u16,
        /// The server's words.
        text: String,
    },
    /// Overloaded, out of reach, or an answer that says nothing about the lines.
    Busy {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// The server's or the connection's words.
        text: String,
    },
}

impl Outcome {
    /// From an HTTP answer of any generation of InfluxDB.
    pub fn from_answer(status: u16, retry_after: Option<&str>, text: String) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match status {
            200..=299 => Self::Stored,
            413 => Self::TooLarge,
            400 | 422 if has(&RETENTION) => Self::Retention { dropped: dropped_points(&text) },
            422 => Self::Refused { text },
            400 if has(&FAULT_OF_LINES) => Self::Refused { text },
            401 | 403 | 404 => Self::Denied { status, text },
            _ => Self::Busy {
                retry_after: retry_after.and_then(seconds),
                text: format!("status {status}: {text}"),
            },
        }
    }
}

/// Only the form in seconds: no InfluxDB sends the form with a date.
fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Version 1 says `dropped=3`, version 2 `dropped 3 points`.
fn dropped_points(text: &str) -> u64 {
    let number = |rest: &str| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    text.split("dropped").skip(1).find_map(|rest| number(rest.trim_start_matches(['=', ' ']))).unwrap_or(0)
}
