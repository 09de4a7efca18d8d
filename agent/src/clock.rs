//! The two clocks of the agent: the wall's, for schedules and samples, and the monotonic one, for limits of waiting.

use std::time::{Duration, Instant, SystemTime};

use model::Timestamp;

/// Both clocks at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Microseconds since the Unix epoch.
    pub wall_us: i64,
    /// Time since some fixed instant; never set.
    pub mono: Duration,
}

impl Now {
    /// The wall clock in milliseconds.
    pub const fn wall(self) -> Timestamp {
        Timestamp::from_millis(self.wall_us.div_euclid(1000))
    }

    /// The wall clock at a later or earlier instant of the monotonic one, as far as it can be said now.
    pub fn wall_at(self, mono: Duration) -> Timestamp {
        let ahead = mono.checked_sub(self.mono).map(|ahead| self.wall() + ahead);
        ahead.unwrap_or_else(|| self.wall() - self.mono.saturating_sub(mono))
    }
}

/// Something that knows the time.
pub trait Clock: Send {
    /// Both clocks now.
    fn now(&self) -> Now;
}

/// The clocks of the system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the edge at which the program reads the wall clock"
    )]
    fn now(&self) -> Now {
        let since_epoch = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Now { wall_us: since_epoch, mono: self.start.elapsed() }
    }
}
