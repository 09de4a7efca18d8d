//! Temperature and sun outside.

use std::f64::consts::TAU;

use model::Timestamp;

use crate::noise::{mix, smooth};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Mean length of a year, in days.
const YEAR_DAYS: f64 = 365.2425;
/// Central European standard time all year: machines in a data centre do not care, people's rhythm hardly.
pub(crate) const LOCAL_OFFSET_MS: i64 = HOUR_MS;
/// Latitude of Frankfurt, in radians.
const LATITUDE: f64 = 0.8744;
/// Tilt of the Earth's axis, in radians.
const TILT: f64 = 0.4091;

/// The weather of a city, for all of its sites the same.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    seed: u64,
}

impl Weather {
    /// Weather by a seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed: mix(seed, 0x7765_6174) }
    }

    /// Outdoor temperature in degrees Celsius: a wave of the year with monthly means from about 1.5 (January) to 20.5
    /// (July) as in Frankfurt, a wave of the day that is higher in summer, and smooth chance of days and hours.
    pub fn outdoor(self, time: Timestamp) -> f64 {
        let season = season(time);
        let hour = hour_of_day(time);
        let year_wave = 11.0 + 9.5 * season;
        let day_wave = (4.0 + 2.0 * season) * (TAU * (hour - 15.0) / 24.0).cos();
        let days = 3.6 * smooth(self.seed, time.millis(), 3 * DAY_MS);
        let hours = 1.2 * smooth(mix(self.seed, 1), time.millis(), 5 * HOUR_MS);
        year_wave + day_wave + days + hours
    }

    /// Sunshine on a south roof as a share of the strongest, 0 to 1: height of the sun over Frankfurt, dimmed by clouds.
    pub fn sun(self, time: Timestamp) -> f64 {
        let declination = TILT * season_of_light(time);
        let hour_angle = TAU * (hour_of_day(time) - 12.4) / 24.0;
        let height =
            LATITUDE.sin() * declination.sin() + LATITUDE.cos() * declination.cos() * hour_angle.cos();
        let clouds = 0.55 + 0.45 * smooth(mix(self.seed, 2), time.millis(), 9 * HOUR_MS);
        let passing = 1.0 - 0.15 * (1.0 + smooth(mix(self.seed, 3), time.millis(), HOUR_MS / 2));
        height.max(0.0) * clouds * passing
    }

    /// Outdoor relative humidity in percent.
    pub fn humidity(self, time: Timestamp) -> f64 {
        let dry_by_day = 14.0 * (TAU * (hour_of_day(time) - 15.0) / 24.0).cos();
        let days = 12.0 * smooth(mix(self.seed, 4), time.millis(), 2 * DAY_MS);
        (74.0 - 6.0 * season(time) - dry_by_day + days).clamp(20.0, 100.0)
    }
}

/// -1 in the middle of January, 1 in the middle of July: air lags the sun by three weeks.
fn season(time: Timestamp) -> f64 {
    -(TAU * (day_of_year(time) - 17.0) / YEAR_DAYS).cos()
}

/// -1 at the winter solstice, 1 at the summer solstice.
fn season_of_light(time: Timestamp) -> f64 {
    -(TAU * (day_of_year(time) + 10.0) / YEAR_DAYS).cos()
}

fn day_of_year(time: Timestamp) -> f64 {
    (time.millis() as f64 / DAY_MS as f64).rem_euclid(YEAR_DAYS)
}

/// Hour of the local day, 0 to 24.
pub(crate) fn hour_of_day(time: Timestamp) -> f64 {
    (time.millis() + LOCAL_OFFSET_MS).rem_euclid(DAY_MS) as f64 / HOUR_MS as f64
}

/// Day of the local week, 0 = Monday. The first of January 1970 was a Thursday.
pub(crate) fn weekday(time: Timestamp) -> i64 {
    ((time.millis() + LOCAL_OFFSET_MS).div_euclid(DAY_MS) + 3).rem_euclid(7)
}
