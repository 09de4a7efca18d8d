//! Units and what they measure; a W never adds to a Wh.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Decimal;

/// What a unit measures. Two units can be converted into each other only if they share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the physical dimensions themselves")]
pub enum Dimension {
    ActivePower,
    ReactivePower,
    ApparentPower,
    ActiveEnergy,
    ReactiveEnergy,
    ApparentEnergy,
    Voltage,
    Current,
    Frequency,
    Temperature,
    Fraction,
    VolumeFlow,
    Volume,
    Pressure,
    Duration,
    RotationalSpeed,
    DataAmount,
    Mass,
}

/// A unit that a device, a profile or a file may use. Spelled as UCUM does it where UCUM has a code (`Cel`, `m3/h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[allow(
    missing_docs,
    reason = "the names are the units themselves; symbols and factors stand in the table below"
)]
pub enum Unit {
    Milliwatt,
    Watt,
    Kilowatt,
    Megawatt,
    Var,
    Kilovar,
    VoltAmpere,
    KilovoltAmpere,
    WattHour,
    KilowattHour,
    MegawattHour,
    VarHour,
    KilovarHour,
    VoltAmpereHour,
    KilovoltAmpereHour,
    Millivolt,
    Volt,
    Milliampere,
    Ampere,
    Millihertz,
    Hertz,
    Celsius,
    Fahrenheit,
    One,
    Percent,
    CubicMetrePerHour,
    LitrePerSecond,
    LitrePerMinute,
    LitrePerHour,
    CubicMetre,
    Litre,
    Pascal,
    Kilopascal,
    Bar,
    Second,
    Minute,
    Hour,
    RevolutionPerMinute,
    Byte,
    Kilogram,
}

/// A symbol that is no unit known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no known unit")]
pub struct UnknownUnit(String);

/// A unit that does not measure what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{from} does not convert to {to}: one measures {:?}, the other {:?}", from.dimension(), to.dimension())]
pub struct UnitMismatch {
    /// The unit that was there.
    pub from: Unit,
    /// The unit that was wanted.
    pub to: Unit,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 40] = {
        #[allow(clippy::enum_glob_use, reason = "the list is of these names and nothing else")]
        use Unit::*;
        [
            Milliwatt,
            Watt,
            Kilowatt,
            Megawatt,
            Var,
            Kilovar,
            VoltAmpere,
            KilovoltAmpere,
            WattHour,
            KilowattHour,
            MegawattHour,
            VarHour,
            KilovarHour,
            VoltAmpereHour,
            KilovoltAmpereHour,
            Millivolt,
            Volt,
            Milliampere,
            Ampere,
            Millihertz,
            Hertz,
            Celsius,
            Fahrenheit,
            One,
            Percent,
            CubicMetrePerHour,
            LitrePerSecond,
            LitrePerMinute,
            LitrePerHour,
            CubicMetre,
            Litre,
            Pascal,
            Kilopascal,
            Bar,
            Second,
            Minute,
            Hour,
            RevolutionPerMinute,
            Byte,
            Kilogram,
        ]
    };

    /// Symbol, dimension, and the factor to the dimension's base unit as (mantissa, exponent, divisor).
    const fn row(self) -> (&'static str, Dimension, i64, i8, i64) {
        use Dimension as D;
        match self {
            Self::Milliwatt => ("mW", D::ActivePower, 1, -3, 1),
            Self::Watt => ("W", D::ActivePower, 1, 0, 1),
            Self::Kilowatt => ("kW", D::ActivePower, 1, 3, 1),
            Self::Megawatt => ("MW", D::ActivePower, 1, 6, 1),
            Self::Var => ("var", D::ReactivePower, 1, 0, 1),
            Self::Kilovar => ("kvar", D::ReactivePower, 1, 3, 1),
            Self::VoltAmpere => ("VA", D::ApparentPower, 1, 0, 1),
            Self::KilovoltAmpere => ("kVA", D::ApparentPower, 1, 3, 1),
            Self::WattHour => ("Wh", D::ActiveEnergy, 1, 0, 1),
            Self::KilowattHour => ("kWh", D::ActiveEnergy, 1, 3, 1),
            Self::MegawattHour => ("MWh", D::ActiveEnergy, 1, 6, 1),
            Self::VarHour => ("varh", D::ReactiveEnergy, 1, 0, 1),
            Self::KilovarHour => ("kvarh", D::ReactiveEnergy, 1, 3, 1),
            Self::VoltAmpereHour => ("VAh", D::ApparentEnergy, 1, 0, 1),
            Self::KilovoltAmpereHour => ("kVAh", D::ApparentEnergy, 1, 3, 1),
            Self::Millivolt => ("mV", D::Voltage, 1, -3, 1),
            Self::Volt => ("V", D::Voltage, 1, 0, 1),
            Self::Milliampere => ("mA", D::Current, 1, -3, 1),
            Self::Ampere => ("A", D::Current, 1, 0, 1),
            Self::Millihertz => ("mHz", D::Frequency, 1, -3, 1),
            Self::Hertz => ("Hz", D::Frequency, 1, 0, 1),
            Self::Celsius => ("Cel", D::Temperature, 1, 0, 1),
            Self::Fahrenheit => ("[degF]", D::Temperature, 5, 0, 9),
            Self::One => ("1", D::Fraction, 1, 0, 1),
            Self::Percent => ("%", D::Fraction, 1, -2, 1),
            Self::CubicMetrePerHour => ("m3/h", D::VolumeFlow, 1, 0, 1),
            Self::LitrePerSecond => ("L/s", D::VolumeFlow, 36, -1, 1),
            Self::LitrePerMinute => ("L/min", D::VolumeFlow, 6, -2, 1),
            Self::LitrePerHour => ("L/h", D::VolumeFlow, 1, -3, 1),
            Self::CubicMetre => ("m3", D::Volume, 1, 0, 1),
            Self::Litre => ("L", D::Volume, 1, -3, 1),
            Self::Pascal => ("Pa", D::Pressure, 1, 0, 1),
            Self::Kilopascal => ("kPa", D::Pressure, 1, 3, 1),
            Self::Bar => ("bar", D::Pressure, 1, 5, 1),
            Self::Second => ("s", D::Duration, 1, 0, 1),
            Self::Minute => ("min", D::Duration, 60, 0, 1),
            Self::Hour => ("h", D::Duration, 3600, 0, 1),
            Self::RevolutionPerMinute => ("/min", D::RotationalSpeed, 1, 0, 1),
            Self::Byte => ("By", D::DataAmount, 1, 0, 1),
            Self::Kilogram => ("kg", D::Mass, 1, 0, 1),
        }
    }

    /// What it measures.
    pub const fn dimension(self) -> Dimension {
        self.row().1
    }

    /// Its symbol, as in files and interfaces: `W`, `kWh`, `Cel`, `m3/h`.
    pub const fn symbol(self) -> &'static str {
        self.row().0
    }

    /// The exact factor by which a number in `self` becomes one in `to`.
    ///
    /// # Errors
    /// If the two measure different things, or if no exact decimal factor exists between them: degrees Fahrenheit have
    /// another zero, and are converted where they are read.
    pub fn factor_to(self, to: Self) -> Result<Decimal, UnitMismatch> {
        let mismatch = UnitMismatch { from: self, to };
        let (
            (_, from_dimension, from_mantissa, from_exponent, _),
            (_, to_dimension, to_mantissa, to_exponent, _),
        ) = (self.row(), to.row());
        let has_other_zero = |unit: Self| unit == Self::Fahrenheit;
        if from_dimension != to_dimension || (self != to && (has_other_zero(self) || has_other_zero(to))) {
            return Err(mismatch);
        }
        if self == to {
            return Ok(Decimal::ONE);
        }
        // A million times the quotient is whole for every pair whose factor is a short decimal.
        let scaled = from_mantissa * 1_000_000;
        if scaled % to_mantissa != 0 {
            return Err(mismatch);
        }
        Ok(Decimal::new(scaled / to_mantissa, from_exponent - to_exponent - 6))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl FromStr for Unit {
    type Err = UnknownUnit;

    /// Takes the symbols and, for what people type, `degC`, `C`, `degF`, `F`, `l`, `l/s`, `l/min`, `l/h`, `rpm`, `B`.
    fn from_str(text: &str) -> Result<Self, UnknownUnit> {
        let symbol = match text {
            "C" | "degC" | "°C" => "Cel",
            "F" | "degF" | "°F" => "[degF]",
            "l" => "L",
            "l/s" => "L/s",
            "l/min" => "L/min",
            "l/h" => "L/h",
            "rpm" => "/min",
            "B" => "By",
            "" => "1",
            other => other,
        };
        Self::ALL
            .into_iter()
            .find(|unit| unit.symbol() == symbol)
            .ok_or_else(|| UnknownUnit(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Unit {
    type Error = UnknownUnit;
    fn try_from(text: String) -> Result<Self, UnknownUnit> {
        text.parse()
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.symbol().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_one_dimension_convert_by_an_exact_factor() {
        for (from, to, factor) in [
            (Unit::Kilowatt, Unit::Watt, "1000"),
            (Unit::Watt, Unit::Kilowatt, "0.001"),
            (Unit::KilowattHour, Unit::WattHour, "1000"),
            (Unit::LitrePerSecond, Unit::CubicMetrePerHour, "3.6"),
            (Unit::LitrePerMinute, Unit::CubicMetrePerHour, "0.06"),
            (Unit::Minute, Unit::Second, "60"),
            (Unit::Bar, Unit::Pascal, "100000"),
            (Unit::Percent, Unit::One, "0.01"),
        ] {
            assert_eq!(from.factor_to(to).unwrap().to_string(), factor, "{from} to {to}");
        }
    }

    #[test]
    fn a_watt_never_passes_for_a_watt_hour() {
        assert!(Unit::Watt.factor_to(Unit::WattHour).is_err());
        assert!(Unit::VoltAmpere.factor_to(Unit::Watt).is_err());
        assert!(Unit::Fahrenheit.factor_to(Unit::Celsius).is_err());
        let said = Unit::Kilowatt.factor_to(Unit::KilowattHour).unwrap_err().to_string();
        assert_eq!(said, "kW does not convert to kWh: one measures ActivePower, the other ActiveEnergy");
    }

    #[test]
    fn every_unit_reads_back_from_its_symbol() {
        for unit in Unit::ALL {
            assert_eq!(unit.symbol().parse(), Ok(unit));
        }
    }
}
