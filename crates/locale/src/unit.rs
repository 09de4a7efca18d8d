//! Amounts with their unit, each with the decimals that people need and no more.

use model::{CarbonMass, Celsius, Coverage, Energy, Power};

use crate::{Fixed, Language};

/// U+202F, between a number and its unit (DIN 5008 asks for a narrow space that does not break).
pub const NARROW_SPACE: char = '\u{202f}';

impl Fixed {
    /// Power in kW: 2 decimals below 10 kW, 1 below 100 kW, else none. `None` if it is not finite.
    pub fn kilowatts(power: Power) -> Option<Self> {
        let kilowatts = power.watts() / 1000.0;
        let decimals = match kilowatts.abs() {
            size if size < 10.0 => 2,
            size if size < 100.0 => 1,
            _ => 0,
        };
        Self::from_f64(kilowatts, decimals)
    }

    /// Energy in kWh without decimals.
    pub fn kilowatt_hours(energy: Energy) -> Self {
        Self::from_scaled(energy.milliwatt_hours(), 6, 0)
    }

    /// Mass in tonnes with 1 decimal.
    pub fn tonnes(mass: CarbonMass) -> Self {
        Self::from_scaled(mass.milligrams(), 9, 1)
    }

    /// Mass in kilograms without decimals.
    pub fn kilograms(mass: CarbonMass) -> Self {
        Self::from_scaled(mass.milligrams(), 6, 0)
    }

    /// Temperature in degrees Celsius with 1 decimal. `None` if it is not finite.
    pub fn degrees(temperature: Celsius) -> Option<Self> {
        Self::from_f64(temperature.degrees(), 1)
    }

    /// Covered share in percent with 1 decimal, cut and not rounded. `None` if nothing was expected.
    pub fn coverage(coverage: Coverage) -> Option<Self> {
        Self::percent_covered(coverage.expected - coverage.missing(), coverage.expected, 1)
    }

    /// True share in percent with 1 decimal, cut and not rounded. `None` if nothing was expected.
    pub fn true_share(coverage: Coverage) -> Option<Self> {
        Self::percent_covered(coverage.measured, coverage.expected, 1)
    }
}

impl Language {
    /// A number, U+202F and its unit: `142 kW`.
    pub fn with_unit(self, value: Fixed, unit: &str) -> String {
        format!("{}{NARROW_SPACE}{unit}", self.number(value))
    }

    /// A number that may be absent, with its unit; the en dash stands for "no value".
    pub fn optional(self, value: Option<Fixed>, unit: &str) -> String {
        match value {
            Some(value) if unit.is_empty() => self.number(value),
            Some(value) => self.with_unit(value, unit),
            None => "\u{2013}".to_owned(),
        }
    }

    /// Energy, `182.400 kWh`.
    pub fn energy(self, energy: Energy) -> String {
        self.with_unit(Fixed::kilowatt_hours(energy), "kWh")
    }

    /// Mass of CO2 in tonnes, `66,3 t`.
    pub fn tonnes(self, mass: CarbonMass) -> String {
        self.with_unit(Fixed::tonnes(mass), "t")
    }
}
