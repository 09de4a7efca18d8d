//! The only place of the stories that reads a clock or waits.

use std::time::{Duration, Instant};

use model::Timestamp;

/// How often a state is looked at: often enough to lose no time, seldom enough to take none from the programs.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `is_so`, at most so long; panics with `what` was waited for then.
pub(crate) fn wait_for(what: &str, at_most: Duration, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < at_most, "waited {} s for {what}", begin.elapsed().as_secs());
        // A thread that nobody unparks: looks again after a moment.
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// The wall clock.
#[allow(clippy::disallowed_methods, reason = "a story is the edge at which the wall clock is read")]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}
