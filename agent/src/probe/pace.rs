//! How fast devices are asked, and how long is waited.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How time passes for a probe. Tests have their own.
pub trait Patience: std::fmt::Debug + Sync {
    /// Time since some fixed instant.
    fn now(&self) -> Duration;
    /// Lets so much time pass; less if somebody has had enough.
    fn wait(&self, time: Duration);
}

/// Time as it is.
#[derive(Debug)]
pub struct RealTime {
    start: Instant,
    over: Mutex<bool>,
    woken: Condvar,
}

impl Default for RealTime {
    fn default() -> Self {
        Self { start: Instant::now(), over: Mutex::new(false), woken: Condvar::new() }
    }
}

impl RealTime {
    /// Ends all waiting, now and later.
    pub fn stop(&self) {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.woken.notify_all();
    }

    /// Has somebody had enough?
    pub fn is_over(&self) -> bool {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patience for RealTime {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait(&self, time: Duration) {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.woken.wait_timeout_while(over, time, |over| !*over));
    }
}

/// A rate that several workers keep together: at most so many turns a second, evenly spread, never a burst.
#[derive(Debug)]
pub struct Pace<'p> {
    patience: &'p dyn Patience,
    gap: Duration,
    next: Mutex<Duration>,
}

impl<'p> Pace<'p> {
    /// At most `per_second` turns a second.
    pub fn new(patience: &'p dyn Patience, per_second: u32) -> Self {
        Self { patience, gap: Duration::from_secs(1) / per_second.max(1), next: Mutex::new(Duration::ZERO) }
    }

    /// Waits until it is this caller's turn.
    pub fn turn(&self) {
        let now = self.patience.now();
        let mine = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = (*next).max(now);
            *next = mine + self.gap;
            mine
        };
        if let Some(rest) = mine.checked_sub(now).filter(|rest| !rest.is_zero()) {
            self.patience.wait(rest);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Time that passes only when somebody waits.
    #[derive(Debug, Default)]
    pub(in crate::probe) struct Unhurried(Mutex<Duration>);

    impl Patience for Unhurried {
        fn now(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn wait(&self, time: Duration) {
            *self.0.lock().unwrap() += time;
        }
    }

    #[test]
    fn turns_are_spread_evenly_and_time_that_was_not_used_is_no_credit() {
        let time = Unhurried::default();
        let pace = Pace::new(&time, 20);
        let mut at = Vec::new();
        for n in 0..4 {
            if n == 2 {
                time.wait(Duration::from_secs(1));
            }
            pace.turn();
            at.push(time.now().as_millis());
        }
        // Turns of 50 ms: 0, 50; then a second of doing nothing; the next at once, the one after it 50 ms later.
        assert_eq!(at, [0, 50, 1050, 1100]);
    }

    #[test]
    fn waiting_ends_when_somebody_has_had_enough() {
        let time = RealTime::default();
        time.stop();
        time.wait(Duration::from_hours(1));
        assert!(time.is_over() && time.now() < Duration::from_mins(1));
    }
}
