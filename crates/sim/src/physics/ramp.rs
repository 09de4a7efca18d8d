//! One flow in one quarter hour.

use model::QuarterHour;

use crate::noise::spread_whole;

/// Rates at quarter hours are multiples of this: (from + to) / 2 for a quarter of an hour is (from + to) / 8 of an
/// hour, so every quarter hour holds a whole number of milliwatt-hours.
pub(crate) const RATE_STEP: i64 = 8;

/// Periods of the ripple in milliseconds, each a divisor of the quarter hour, with their share of the whole ripple in
/// tenths. Each is a square wave whose halves cancel, so a ripple never changes the energy of a quarter hour.
const RIPPLES: [(i64, i64); 4] = [(900_000, 2), (300_000, 3), (100_000, 2), (20_000, 3)];

/// How a flow runs through one quarter hour: straight from one rate to the next, with a ripple upon it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ramp {
    /// Rate at the start, in milliwatts or millilitres per hour.
    pub(crate) from: i64,
    /// Rate at the end.
    pub(crate) to: i64,
    /// Which quarter hour.
    pub(crate) quarter: QuarterHour,
    /// Seed of the ripple.
    pub(crate) seed: u64,
    /// Highest ripple in thousandths of the lower of both rates; at most 1000, so the rate never turns negative.
    pub(crate) ripple_permille: i64,
}

impl Ramp {
    /// What has flowed in the first `elapsed_ms` of the quarter hour, in rate units times milliseconds.
    pub(crate) fn amount(&self, elapsed_ms: i64) -> i128 {
        let elapsed = i128::from(elapsed_ms);
        let slope = i128::from(self.to - self.from);
        let straight = i128::from(self.from) * elapsed
            + (slope * elapsed * elapsed).div_euclid(2 * i128::from(QuarterHour::MILLIS));
        let ripple: i128 = RIPPLES
            .iter()
            .map(|ripple| {
                let within = elapsed_ms.rem_euclid(ripple.0);
                i128::from(self.height(*ripple, elapsed_ms)) * i128::from(within.min(ripple.0 - within))
            })
            .sum();
        straight + ripple
    }

    /// The rate `elapsed_ms` into the quarter hour.
    pub(crate) fn rate(&self, elapsed_ms: i64) -> i64 {
        let slope = i128::from(self.to - self.from) * i128::from(elapsed_ms);
        let straight = self.from
            + i64::try_from(slope.div_euclid(i128::from(QuarterHour::MILLIS)))
                .expect("a part of the difference of two i64 rates fits");
        let ripple: i64 = RIPPLES
            .iter()
            .map(|ripple| {
                let first_half = elapsed_ms.rem_euclid(ripple.0) < ripple.0 / 2;
                let height = self.height(*ripple, elapsed_ms);
                if first_half { height } else { -height }
            })
            .sum();
        straight + ripple
    }

    fn height(&self, (period, tenths): (i64, i64), elapsed_ms: i64) -> i64 {
        let most = self.from.min(self.to).max(0) / 10_000 * tenths * self.ripple_permille.clamp(0, 1000);
        let cell = self.quarter.start().millis() / period + elapsed_ms / period;
        spread_whole(self.seed ^ period.cast_unsigned(), cell, most)
    }
}
