//! How long a dead device is left alone.

use std::time::Duration;

/// A dead device is asked at least this often, so that it is back within a minute of its return.
const DELAY_MAX: Duration = Duration::from_mins(1);
/// After this many failures the delay has reached its maximum whatever it began with.
const DOUBLINGS_MAX: u32 = 20;

/// How soon a device that fails is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It has a connection of its own: a single failure costs nobody else, so the next poll is made as planned.
    Alone,
    /// It shares a connection: every failure keeps the others waiting, so it is left alone from the first on.
    Shared,
}

/// Counts failures in a row and says until when not to ask again. Instants are [`Duration`]s of the monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
    until: Duration,
}

impl Backoff {
    /// It answered.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// It failed at `now`: doubles the delay, which begins with `first`.
    pub fn failed(&mut self, now: Duration, first: Duration, patience: Patience) {
        self.failures = self.failures.saturating_add(1);
        let counted = match patience {
            Patience::Alone => self.failures - 1,
            Patience::Shared => self.failures,
        };
        let delay = match counted {
            0 => Duration::ZERO,
            n => first.saturating_mul(1 << (n - 1).min(DOUBLINGS_MAX)).min(DELAY_MAX),
        };
        self.until = now.saturating_add(delay);
    }

    /// May it be asked at `now`?
    pub fn allows(&self, now: Duration) -> bool {
        now >= self.until
    }

    /// Failures in a row.
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn delays(patience: Patience) -> Vec<u64> {
        let mut backoff = Backoff::default();
        (0..8)
            .map(|_| {
                backoff.failed(SECOND, SECOND, patience);
                backoff.until.saturating_sub(SECOND).as_secs()
            })
            .collect()
    }

    #[test]
    fn the_delay_doubles_up_to_a_minute() {
        assert_eq!(delays(Patience::Alone), [0, 1, 2, 4, 8, 16, 32, 60]);
        assert_eq!(delays(Patience::Shared), [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn one_answer_ends_it() {
        let mut backoff = Backoff::default();
        backoff.failed(SECOND, SECOND, Patience::Shared);
        assert!(!backoff.allows(SECOND) && backoff.allows(2 * SECOND));
        backoff.succeeded();
        assert!(backoff.allows(SECOND) && backoff.failures() == 0);
    }
}
