//! The latest values, for panels and for the rule about silent devices.

use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};

use model::Timestamp;
use store::{DeviceKey, SeriesId};

/// How much of the past is kept of a power: the quarter hour that the current PUE is made of.
const WINDOW_MS: i64 = 900_000;
/// Values kept of one power: a quarter hour at one a second.
const WINDOW_MAX: usize = 900;

/// The latest value of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveValue {
    /// When it was measured.
    pub time: Timestamp,
    /// In the quantity's canonical unit.
    pub value: f64,
    /// How often a new one is due.
    pub period_ms: u32,
}

#[derive(Debug, Default)]
struct Inner {
    values: HashMap<SeriesId, LiveValue>,
    windows: HashMap<SeriesId, VecDeque<(Timestamp, f64)>>,
    polled: HashMap<DeviceKey, (Timestamp, u32)>,
}

/// The latest values of all series. Written by the closer after each look into the inbox, read by anyone.
#[derive(Debug, Default)]
pub struct LiveTable(RwLock<Inner>);

/// Does a series keep a window of its past?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// Powers do.
    Kept,
    /// Others do not.
    None,
}

impl LiveTable {
    /// Takes a newer value of a series; an older one is left out.
    pub(crate) fn put(&self, values: impl IntoIterator<Item = (SeriesId, LiveValue, Window)>) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (series, value, window) in values {
            if inner.values.get(&series).is_some_and(|known| known.time >= value.time) {
                continue;
            }
            inner.values.insert(series, value);
            if window == Window::Kept {
                let past = inner.windows.entry(series).or_default();
                past.push_back((value.time, value.value));
                while past.len() > WINDOW_MAX
                    || past.front().is_some_and(|(time, _)| value.time.millis_since(*time) >= WINDOW_MS)
                {
                    past.pop_front();
                }
            }
        }
    }

    /// Notes when a device answered last, and its shortest period.
    pub(crate) fn polled(&self, device: DeviceKey, time: Timestamp, period_ms: u32) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = inner.polled.entry(device).or_insert((time, period_ms));
        *known = (known.0.max(time), period_ms);
    }

    /// The latest value of a series.
    pub fn get(&self, series: SeriesId) -> Option<LiveValue> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values.get(&series).copied()
    }

    /// When a device last answered with at least one value, and its shortest period in milliseconds.
    pub fn device(&self, device: DeviceKey) -> Option<(Timestamp, u32)> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).polled.get(&device).copied()
    }

    /// Mean of what a power was in the quarter hour before `now`; `None` if nothing is known of it.
    pub fn mean(&self, series: SeriesId, now: Timestamp) -> Option<f64> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let past = inner.windows.get(&series)?.iter().filter(|(time, _)| now.millis_since(*time) < WINDOW_MS);
        let (n, sum) = past.fold((0u32, 0.0), |(n, sum), (_, value)| (n + 1, sum + value));
        (n > 0).then(|| sum / f64::from(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_counts_and_a_power_keeps_its_quarter_hour() {
        let table = LiveTable::default();
        let series = SeriesId::new(1);
        let at = |seconds: i64, value: f64| {
            let value = LiveValue { time: Timestamp::from_seconds(seconds), value, period_ms: 10_000 };
            (series, value, Window::Kept)
        };
        table.put([at(0, 100.0), at(600, 20.0), at(590, 7.0), at(900, 40.0)]);
        assert_eq!(table.get(series).map(|value| value.value), Some(40.0));
        // The first is exactly a quarter hour old and gone, the one out of order was never taken.
        assert_eq!(table.mean(series, Timestamp::from_seconds(900)), Some(30.0));
        assert_eq!(table.mean(series, Timestamp::from_seconds(4000)), None);
    }
}
