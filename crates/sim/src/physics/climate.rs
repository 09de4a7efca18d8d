//! Temperatures and humidity inside.

use model::Timestamp;

use super::Weather;
use crate::noise::{mix, smooth, spread};

const MINUTE_MS: i64 = 60_000;

/// The air and the water of a data centre's cooling.
#[derive(Debug, Clone, Copy)]
pub struct Climate {
    weather: Weather,
    seed: u64,
}

impl Climate {
    /// The climate of a site under the weather of its city.
    pub const fn new(weather: Weather, seed: u64) -> Self {
        Self { weather, seed: mix(seed, 0x636c_696d) }
    }

    /// Outdoor temperature in degrees Celsius.
    pub fn outdoor(self, time: Timestamp) -> f64 {
        self.weather.outdoor(time)
    }

    /// Outdoor relative humidity in percent.
    pub fn outdoor_humidity(self, time: Timestamp) -> f64 {
        self.weather.humidity(time)
    }

    /// Air that a CRAC blows under the floor, in degrees Celsius.
    pub fn supply_air(self, crac: u8, time: Timestamp) -> f64 {
        19.5 + 0.4 * spread(self.seed, i64::from(crac)) + self.wobble(u64::from(crac), time, 0.35)
    }

    /// Air that comes back to a CRAC, in degrees Celsius.
    pub fn return_air(self, crac: u8, time: Timestamp) -> f64 {
        self.supply_air(crac, time) + 10.5 + self.wobble(100 + u64::from(crac), time, 0.5)
    }

    /// Air at the inlet of a rack, in degrees Celsius. The last rack of the row stands off the best and is warmest.
    pub fn rack_inlet(self, rack: u8, of: u8, time: Timestamp) -> f64 {
        let along_the_row = 2.4 * f64::from(rack) / f64::from(of.max(1));
        let heat_wave = 0.09 * (self.outdoor(time) - 22.0).max(0.0);
        20.6 + along_the_row + heat_wave + self.wobble(200 + u64::from(rack), time, 0.5)
    }

    /// Relative humidity of the room in percent.
    pub fn room_humidity(self, time: Timestamp) -> f64 {
        (42.0 + 0.35 * (self.outdoor(time) - 10.0) + self.wobble(300, time, 2.0)).clamp(15.0, 80.0)
    }

    /// Chilled water that leaves the chiller, in degrees Celsius.
    pub fn water_supply(self, time: Timestamp) -> f64 {
        14.0 + self.wobble(301, time, 0.3)
    }

    /// Chilled water that comes back, in degrees Celsius.
    pub fn water_return(self, time: Timestamp) -> f64 {
        self.water_supply(time) + 5.6 + self.wobble(302, time, 0.3)
    }

    /// Mains voltage between a phase (0 to 2) and neutral.
    pub fn voltage(self, phase: u8, time: Timestamp) -> f64 {
        231.0 + spread(self.seed, 400 + i64::from(phase)) + self.wobble(400 + u64::from(phase), time, 1.8)
    }

    /// Mains frequency in hertz.
    pub fn frequency(self, time: Timestamp) -> f64 {
        50.0 + 0.02 * smooth(mix(self.seed, 500), time.millis(), MINUTE_MS)
    }

    fn wobble(self, what: u64, time: Timestamp, height: f64) -> f64 {
        let slow = smooth(mix(self.seed, what), time.millis(), 40 * MINUTE_MS);
        let fast = smooth(mix(self.seed, what + 1000), time.millis(), MINUTE_MS / 2);
        height * (0.75 * slow + 0.25 * fast)
    }
}
