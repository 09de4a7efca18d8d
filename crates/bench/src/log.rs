//! What the devices saw: when each was polled, and how many values it gave.

use std::time::{Duration, Instant};

use crate::fleet::Kind;

/// A device that was left alone for this part of its period and is asked again: a poll begins.
const PAUSE_PART: u32 = 4;

/// Deviations from a schedule in microseconds.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Deviation {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

/// What the devices saw in the measured span.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Seen {
    pub(crate) seconds: f64,
    pub(crate) requests: u64,
    /// Values that were given in answers, by devices that are alive.
    pub(crate) values: u64,
    /// How far the first request of each poll was off the device's own grid of periods.
    pub(crate) deviation_us: Deviation,
}

/// Notes requests while it is told to.
#[derive(Debug)]
pub(crate) struct Log {
    kind: Kind,
    period: Duration,
    began: Instant,
    measuring: bool,
    last: Vec<Option<Duration>>,
    /// When polls began, from the first one on: what came before the measured span shows the grid.
    starts: Vec<Vec<Duration>>,
    requests: u64,
    values: u64,
    from: Duration,
}

impl Log {
    /// A log of so many devices, each polled once in `period`.
    pub(crate) fn new(kind: Kind, devices: usize, period: Duration) -> Self {
        Self {
            kind,
            period,
            began: Instant::now(),
            measuring: false,
            last: vec![None; devices],
            starts: vec![Vec::new(); devices],
            requests: 0,
            values: 0,
            from: Duration::ZERO,
        }
    }

    /// The measured span begins.
    pub(crate) fn begin(&mut self) {
        (self.measuring, self.requests, self.values) = (true, 0, 0);
        self.from = self.began.elapsed();
    }

    /// A device was asked and gives so many values.
    pub(crate) fn asked(&mut self, device: usize, values: u64) {
        let now = self.began.elapsed();
        let Some(last) = self.last.get_mut(device) else { return };
        let begins = last.is_none_or(|last| now.saturating_sub(last) >= self.period / PAUSE_PART);
        *last = Some(now);
        let dead = u32::try_from(device).is_ok_and(|device| self.kind.is_dead(device));
        if let Some(starts) = self.starts.get_mut(device).filter(|_| begins && !dead) {
            starts.push(now);
        }
        if self.measuring {
            self.requests += 1;
            self.values += if dead { 0 } else { values };
        }
    }

    /// The measured span ends.
    pub(crate) fn end(&mut self) -> Seen {
        self.measuring = false;
        let mut off: Vec<u64> =
            self.starts.iter().flat_map(|starts| deviations(starts, self.from, self.period)).collect();
        off.sort_unstable();
        let at = |part: f64| quantile(&off, part);
        Seen {
            seconds: self.began.elapsed().saturating_sub(self.from).as_secs_f64(),
            requests: self.requests,
            values: self.values,
            deviation_us: Deviation { p50: at(0.5), p99: at(0.99), max: off.last().copied().unwrap_or(0) },
        }
    }
}

fn quantile(sorted: &[u64], part: f64) -> u64 {
    let count = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
    let place = (f64::from(count) * part).ceil();
    let found = (1..=count).find(|n| f64::from(*n) >= place);
    found.and_then(|n| sorted.get(usize::try_from(n).ok()? - 1)).copied().unwrap_or(0)
}

/// How far each start after `from` is from the grid of periods that fits the device best: the grid through the middle of its phases.
/// Nobody but the agent and the floor says when it means to poll, so all are held against the grid that they keep.
fn deviations(starts: &[Duration], from: Duration, period: Duration) -> Vec<u64> {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    let period = micros(period).max(1);
    let Some(first) = starts.first().map(|first| micros(*first)) else { return Vec::new() };
    // Phases relative to the first one, between minus and plus half a period, so that none is torn at the end of a period.
    let around = |micros: i64| (micros - first + period / 2).rem_euclid(period) - period / 2;
    let mut phases: Vec<i64> = starts.iter().map(|start| around(micros(*start))).collect();
    phases.sort_unstable();
    let at = |place: usize| phases.get(place).copied().unwrap_or(0);
    let middle = i64::midpoint(at((phases.len() - 1) / 2), at(phases.len() / 2));
    let measured = starts.iter().filter(|start| **start >= from);
    measured.map(|start| (around(micros(*start)) - middle).unsigned_abs()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: &[u64]) -> Vec<Duration> {
        micros.iter().map(|micros| Duration::from_micros(*micros)).collect()
    }

    #[test]
    fn a_device_that_is_polled_on_its_grid_is_off_by_nothing_wherever_the_grid_lies() {
        let off =
            |micros: &[u64]| deviations(&at(micros), Duration::from_millis(1500), Duration::from_secs(1));
        assert_eq!(off(&[999_990, 1_999_990, 2_999_990]), [0, 0], "the first one only shows the grid");
        assert_eq!(off(&[999_990, 2_000_010, 2_999_990]), [20, 0]);
        assert_eq!(off(&[5, 1_000_005, 3_000_305, 4_000_005]), [300, 0]);
        assert_eq!(off(&[5, 3_000_205]), [100], "of two, neither is the grid");
    }

    #[test]
    fn a_quantile_is_a_value_that_was_there() {
        let sorted: Vec<u64> = (1..=200).collect();
        assert_eq!((quantile(&sorted, 0.5), quantile(&sorted, 0.99), quantile(&[], 0.5)), (100, 198, 0));
    }

    #[test]
    fn only_what_comes_after_a_pause_begins_a_poll_and_a_dead_unit_gives_nothing() {
        let mut log = Log::new(Kind::Gateway, 8, Duration::from_secs(1000));
        log.begin();
        (0..3).for_each(|_| log.asked(0, 7));
        log.asked(7, 7);
        let seen = log.end();
        assert_eq!((seen.requests, seen.values), (4, 21));
        assert_eq!(log.starts[0].len(), 1);
    }
}
