//! How long to wait after a failure.

use std::time::Duration;

use crate::Pace;

/// Full jitter: each wait is drawn evenly between nothing and a bound that doubles with each failure, so that a fleet
/// which lost its collector does not come back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    pace: Pace,
    bound: Duration,
}

impl Backoff {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, bound: pace.retry_min }
    }

    /// After a success the next failure begins anew.
    pub(crate) fn reset(&mut self) {
        self.bound = self.pace.retry_min;
    }

    /// After a failure that may pass by itself. `luck` is drawn evenly from 0 to 1.
    pub(crate) fn next(&mut self, luck: f64) -> Duration {
        let wait = self.bound.mul_f64(luck);
        self.bound = self.bound.saturating_mul(2).min(self.pace.retry_max);
        wait
    }

    /// After a failure that a person must end: half of the longest wait to all of it.
    pub(crate) fn slow(&self, luck: f64) -> Duration {
        self.pace.retry_max.mul_f64(0.5 + luck / 2.0)
    }

    /// As long as the collector asks for, within reason, and up to a tenth more, so that not all come at once.
    pub(crate) fn asked(&self, asked: Duration, luck: f64) -> Duration {
        asked.min(self.pace.retry_after_max).mul_f64(1.0 + luck / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(wait: Duration) -> f64 {
        wait.as_secs_f64()
    }

    #[test]
    fn the_bound_doubles_from_half_a_second_to_a_minute_and_begins_anew_after_a_success() {
        let mut backoff = Backoff::new(Pace::default());
        let bounds: Vec<f64> = (0..9).map(|_| seconds(backoff.next(1.0))).collect();
        assert_eq!(bounds, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_millis(250));
        assert_eq!(backoff.next(0.0), Duration::ZERO);
    }

    #[test]
    fn what_the_collector_asks_for_is_obeyed_up_to_ten_minutes() {
        let backoff = Backoff::new(Pace::default());
        assert_eq!(backoff.asked(Duration::from_secs(30), 0.0), Duration::from_secs(30));
        assert_eq!(backoff.asked(Duration::from_secs(30), 1.0), Duration::from_secs(33));
        assert_eq!(backoff.asked(Duration::MAX, 0.0), Duration::from_mins(10));
        assert_eq!(backoff.slow(0.0), Duration::from_secs(30));
        assert_eq!(backoff.slow(1.0), Duration::from_mins(1));
    }
}
