//! When a device is due.
//!
//! Polls are due at whole multiples of the period since the epoch, plus an offset that spreads devices over the period
//! and is the same after every start.

use std::time::Duration;

use model::{DeviceId, Timestamp};

/// Width of a tick of the wheel. What is due within one tick is sent together: waking up costs more than asking.
pub const TICK_MS: u32 = 10;
/// Devices asked over SNMP are laid on every fifth tick: their periods are long, and fewer wake-ups cost less.
pub const SNMP_TICK_MS: u32 = 50;
/// Above this period a register's state on the quarter hour cannot be interpolated (it takes two readings no more than
/// 120 s apart), so it must be read on the quarter itself and is not spread.
const SPREAD_PERIOD_MS_MAX: u32 = 120_000;
/// How late an answer may be and still carry the time of its tick.
pub const ON_TICK_MS: i64 = 250;

/// A device's place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Time from one poll to the next, in milliseconds; a multiple of [`TICK_MS`].
    pub period_ms: u32,
    /// Polls are due at whole multiples of the period since the epoch plus this, in milliseconds.
    pub offset_ms: u32,
}

impl Schedule {
    /// The schedule of a device: spread by a hash of its id, laid on whole `tick_ms`.
    pub fn spread(device: &DeviceId, period: Duration, tick_ms: u32) -> Self {
        let period_ms = u32::try_from(period.as_millis()).unwrap_or(u32::MAX).max(TICK_MS);
        let places = if period_ms > SPREAD_PERIOD_MS_MAX { 1 } else { (period_ms / tick_ms).max(1) };
        let place = fnv1a(device.as_str().as_bytes()) % u64::from(places);
        let offset_ms = u32::try_from(place).unwrap_or(0) * tick_ms;
        Self { period_ms, offset_ms }
    }

    /// The first due instant after `after`.
    pub fn next(self, after: Timestamp) -> Timestamp {
        let (period, offset) = (i64::from(self.period_ms), i64::from(self.offset_ms));
        let periods = (after.millis() - offset).div_euclid(period) + 1;
        Timestamp::from_millis(periods * period + offset)
    }
}

/// The time of a sample: its tick if it was answered within 250 ms of it, otherwise the instant of the answer.
pub fn sample_time(scheduled: Timestamp, answered: Timestamp) -> Timestamp {
    if answered.millis_since(scheduled).abs() <= ON_TICK_MS { scheduled } else { answered }
}

/// FNV-1a with 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), mixed once more because its low bits are poor
/// for short texts that differ in their last digit: spread, not secrecy.
fn fnv1a(bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn device(n: u32) -> DeviceId {
        DeviceId::new(&format!("meter-{n}")).unwrap()
    }

    #[test]
    fn a_poll_is_due_at_whole_periods_since_the_epoch_plus_the_offset() {
        let schedule = Schedule { period_ms: 10_000, offset_ms: 370 };
        let next = |ms| schedule.next(Timestamp::from_millis(ms)).millis();
        assert_eq!((next(0), next(369), next(370), next(10_370)), (370, 370, 10_370, 20_370));
    }

    #[test]
    fn a_register_read_every_quarter_hour_is_read_on_the_quarter() {
        for n in 0..50 {
            let schedule = Schedule::spread(&device(n), Duration::from_mins(15), TICK_MS);
            assert_eq!(schedule.next(Timestamp::from_millis(1)).millis(), 900_000);
        }
    }

    #[test]
    fn a_thousand_devices_spread_over_the_ticks_of_a_second() {
        let mut per_tick = [0u32; 100];
        for n in 0..1000 {
            let schedule = Schedule::spread(&device(n), Duration::from_secs(1), TICK_MS);
            per_tick[usize::try_from(schedule.offset_ms / TICK_MS).unwrap()] += 1;
        }
        // Of 1000 thrown at random into 100, 10 are expected in each; 30 is beyond six standard deviations.
        assert!(per_tick.iter().all(|n| *n < 30), "{per_tick:?}");
        assert!(per_tick.iter().filter(|n| **n == 0).count() < 5, "{per_tick:?}");
    }

    #[test]
    fn an_answer_carries_the_time_of_its_tick_only_if_it_came_soon() {
        let tick = Timestamp::from_seconds(100);
        assert_eq!(sample_time(tick, tick.plus_millis(250)), tick);
        assert_eq!(sample_time(tick, tick.plus_millis(251)), tick.plus_millis(251));
    }

    proptest! {
        #[test]
        fn the_next_poll_is_later_by_at_most_a_period(ms in -1_000_000i64..=4_000_000_000_000, n in 0u32..1000) {
            let schedule = Schedule::spread(&device(n), Duration::from_secs(10), SNMP_TICK_MS);
            let after = Timestamp::from_millis(ms);
            let next = schedule.next(after);
            prop_assert!(next > after && next.millis_since(after) <= 10_000);
            prop_assert_eq!((next.millis() - i64::from(schedule.offset_ms)).rem_euclid(10_000), 0);
            prop_assert_eq!(schedule.offset_ms % SNMP_TICK_MS, 0);
        }
    }
}
