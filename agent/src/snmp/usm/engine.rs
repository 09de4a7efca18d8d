//! What another engine's clock says (RFC 3414, 2.2 and 3.2.7).

use std::time::Duration;

/// How far a message may be off the engine's clock (RFC 3414, 2.2.3).
const WINDOW_SECONDS: u32 = 150;
/// A counter that has come to its end stays there, and nothing is in time any more (RFC 3414, 2.2.2).
const LAST: u32 = 0x7fff_ffff;

/// A message that was sent too long ago, or before the engine was started last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is outside of the time window")]
pub struct OutOfWindow;

/// How often an engine was started, and for how long it has run; `now` is this process's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineClock {
    boots: u32,
    time: u32,
    at: Duration,
}

impl EngineClock {
    /// As the engine says at `now`.
    pub const fn new(boots: u32, time: u32, now: Duration) -> Self {
        Self { boots, time, at: now }
    }

    /// Boots and time at `now`.
    pub fn read(&self, now: Duration) -> (u32, u32) {
        let passed = u32::try_from(now.saturating_sub(self.at).as_secs()).unwrap_or(u32::MAX);
        match self.time.checked_add(passed).filter(|time| *time <= LAST) {
            Some(time) => (self.boots, time),
            // The engine counts a start when its time has come round (RFC 3414, 2.2.2).
            None => {
                (self.boots.saturating_add(1).min(LAST), passed.saturating_sub(LAST - self.time.min(LAST)))
            }
        }
    }

    /// Takes boots and time of an authenticated message, if they are in time and newer.
    ///
    /// # Errors
    /// If the message is not in time.
    pub fn follow(&mut self, boots: u32, time: u32, now: Duration) -> Result<(), OutOfWindow> {
        let (own_boots, own_time) = self.read(now);
        let late = boots == own_boots && time < own_time.saturating_sub(WINDOW_SECONDS);
        if boots >= LAST || boots < own_boots || late {
            return Err(OutOfWindow);
        }
        if boots > own_boots || time > own_time {
            *self = Self::new(boots, time, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_goes_on_between_messages() {
        let clock = EngineClock::new(3, 1000, at(50));
        assert_eq!(clock.read(at(50)), (3, 1000));
        assert_eq!(clock.read(at(170)), (3, 1120));
        assert_eq!(EngineClock::new(3, LAST - 1, at(0)).read(at(3)), (4, 2));
    }

    #[test]
    fn what_is_older_than_150_seconds_or_from_an_earlier_start_is_refused() {
        let mut clock = EngineClock::new(3, 1000, at(0));
        assert_eq!(clock.follow(3, 850, at(0)), Ok(()));
        assert_eq!(clock.read(at(0)), (3, 1000), "an older message does not turn the clock back");
        assert_eq!(clock.follow(3, 849, at(0)), Err(OutOfWindow));
        assert_eq!(clock.follow(2, 5000, at(0)), Err(OutOfWindow));
        assert_eq!(clock.follow(LAST, 1, at(0)), Err(OutOfWindow));
        assert_eq!(clock.follow(4, 1, at(0)), Ok(()));
        assert_eq!(clock.read(at(9)), (4, 10));
    }
}
