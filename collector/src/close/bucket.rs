//! Into how many hours of a device one chunk goes.

use model::Timestamp;
use store::{Hour, StoreError};

/// Polls that make a chunk worth its overhead: an hour of a device that is polled every 10 s.
const TICKS: u32 = 360;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// The hours of one chunk and the instants inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    pub(super) first: Hour,
    pub(super) hours: u8,
    from: i64,
    to: i64,
}

/// Hours of a chunk for a poll period: one, or as many as make 360 polls, at most a UTC day.
pub(super) fn hours_of(period_ms: u32) -> u8 {
    let per_hour = 3_600_000 / period_ms.max(1);
    u8::try_from(TICKS.div_ceil(per_hour.max(1)).min(24)).unwrap_or(24)
}

impl Bucket {
    /// The bucket of an instant, for chunks of so many hours counted from the beginning of the UTC day.
    pub(super) fn of(instant: Timestamp, hours: u8) -> Result<Self, StoreError> {
        let hours = u32::from(hours.clamp(1, 24));
        let hour = Hour::of(instant)?;
        let into = (hour.index() % 24) % hours;
        let first = Hour::from_index(i64::from(hour.index() - into))?;
        let count = hours.min(first.left_in_day());
        let from = first.start().millis();
        let hours = u8::try_from(count).unwrap_or(24);
        Ok(Self { first, hours, from, to: from + i64::from(count) * HOUR_MS })
    }

    /// Does it hold an instant?
    pub(super) const fn holds(&self, instant: Timestamp) -> bool {
        self.from <= instant.millis() && instant.millis() < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_has_one_hour_or_as_many_as_make_360_polls() {
        for (period_s, hours) in [(1, 1), (10, 1), (11, 2), (60, 6), (300, 24), (900, 24), (86_400, 24)] {
            assert_eq!(hours_of(period_s * 1000), hours, "{period_s} s");
        }
    }

    #[test]
    fn a_bucket_never_passes_the_end_of_its_utc_day() {
        // 2026-01-01T23:30Z in chunks of 7 hours: the last one begins at 21 and has 3 hours.
        let bucket = Bucket::of(Timestamp::from_seconds(1_767_310_200), 7).unwrap();
        assert_eq!((bucket.first.index() % 24, bucket.hours), (21, 3));
        assert!(bucket.holds(Timestamp::from_seconds(1_767_311_999)));
        assert!(!bucket.holds(Timestamp::from_seconds(1_767_312_000)));
    }
}
