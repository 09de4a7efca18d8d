//! What is measured.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Unit;

/// How the values of a series behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesKind {
    /// A value at an instant: power, temperature.
    Gauge,
    /// A register that only rises, save rollover, reset and exchange: energy, volume.
    Counter,
    /// One of a small set of whole numbers: running, on battery, fault.
    State,
}

/// The family of a quantity; in line protocol, its measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it; the quantities of each stand in the table below")]
pub enum Domain {
    Power,
    Energy,
    Environment,
    Cooling,
    Ups,
    Host,
    Any,
}

impl Domain {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Energy => "energy",
            Self::Environment => "environment",
            Self::Cooling => "cooling",
            Self::Ups => "ups",
            Self::Host => "host",
            Self::Any => "any",
        }
    }
}

/// A name that is no quantity known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no known quantity")]
pub struct UnknownQuantity(String);

macro_rules! quantities {
    ($($(#[$doc:meta])* $variant:ident $name:literal $unit:ident $domain:ident $kind:ident;)*) => {
        /// What is measured. Each has one canonical unit; values in other units of the same dimension are converted
        /// where they are read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Quantity {
            $($(#[$doc])* $variant,)*
        }

        impl Quantity {
            /// Every quantity.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Snake-case name, as in profiles, files and interfaces.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The unit in which it is recorded.
            pub const fn unit(self) -> Unit {
                match self { $(Self::$variant => Unit::$unit,)* }
            }

            /// Its family.
            pub const fn domain(self) -> Domain {
                match self { $(Self::$variant => Domain::$domain,)* }
            }

            /// How its values behave.
            pub const fn kind(self) -> SeriesKind {
                match self { $(Self::$variant => SeriesKind::$kind,)* }
            }
        }
    };
}

quantities! {
    /// Active power; positive = drawn from the supply. IEC 61850 `TotW`.
    ActivePower "active_power" Watt Power Gauge;
    /// Reactive power. IEC 61850 `TotVAr`.
    ReactivePower "reactive_power" Var Power Gauge;
    /// Apparent power. IEC 61850 `TotVA`.
    ApparentPower "apparent_power" VoltAmpere Power Gauge;
    /// True power factor P/S, -1 to 1. IEC 61850 `TotPF`.
    PowerFactor "power_factor" One Power Gauge;
    /// Cosine of the angle between the fundamentals of voltage and current; not P/S where there is distortion.
    DisplacementPowerFactor "displacement_power_factor" One Power Gauge;
    /// Voltage, of a phase against neutral (`l1`) or between phases (`l1-l2`).
    Voltage "voltage" Volt Power Gauge;
    /// Current.
    Current "current" Ampere Power Gauge;
    /// Mains frequency. IEC 61850 `Hz`.
    Frequency "frequency" Hertz Power Gauge;
    /// Total harmonic distortion of the voltage.
    ThdVoltage "thd_voltage" Percent Power Gauge;
    /// Total harmonic distortion of the current.
    ThdCurrent "thd_current" Percent Power Gauge;
    /// Load as a share of the rating.
    Load "load" Percent Power Gauge;
    /// Residual current.
    ResidualCurrent "residual_current" Ampere Power Gauge;
    /// Imbalance between the phases.
    PhaseImbalance "phase_imbalance" Percent Power Gauge;
    /// Active energy drawn; OBIS 1.8.0.
    ActiveEnergyImport "active_energy_import" WattHour Energy Counter;
    /// Active energy delivered; OBIS 2.8.0.
    ActiveEnergyExport "active_energy_export" WattHour Energy Counter;
    /// Reactive energy drawn; OBIS 3.8.0.
    ReactiveEnergyImport "reactive_energy_import" VarHour Energy Counter;
    /// Reactive energy delivered; OBIS 4.8.0.
    ReactiveEnergyExport "reactive_energy_export" VarHour Energy Counter;
    /// Apparent energy.
    ApparentEnergy "apparent_energy" VoltAmpereHour Energy Counter;
    /// Air or device temperature.
    Temperature "temperature" Celsius Environment Gauge;
    /// Relative humidity.
    RelativeHumidity "relative_humidity" Percent Environment Gauge;
    /// Dew point.
    DewPoint "dew_point" Celsius Environment Gauge;
    /// Volume flow of water or air.
    VolumeFlow "volume_flow" CubicMetrePerHour Cooling Gauge;
    /// Thermal power; never electrical.
    ThermalPower "thermal_power" Watt Cooling Gauge;
    /// Thermal energy; never electrical.
    ThermalEnergy "thermal_energy" WattHour Cooling Counter;
    /// Volume of water or fuel.
    Volume "volume" CubicMetre Cooling Counter;
    /// Fan speed as a share of the highest.
    FanSpeed "fan_speed" Percent Cooling Gauge;
    /// Valve position as a share of fully open.
    ValvePosition "valve_position" Percent Cooling Gauge;
    /// Cooling output as a share of the rating.
    CoolingCapacity "cooling_capacity" Percent Cooling Gauge;
    /// Pressure or pressure difference.
    Pressure "pressure" Pascal Cooling Gauge;
    /// Charge of a battery.
    BatteryCharge "battery_charge" Percent Ups Gauge;
    /// Time a battery will last at this load.
    BatteryRuntime "battery_runtime" Second Ups Gauge;
    /// Voltage of a battery.
    BatteryVoltage "battery_voltage" Volt Ups Gauge;
    /// Current of a battery; positive = discharging.
    BatteryCurrent "battery_current" Ampere Ups Gauge;
    /// Time on battery since the mains failed.
    TimeOnBattery "time_on_battery" Second Ups Gauge;
    /// Mean use of the processors.
    CpuUtilisation "cpu_utilisation" Percent Host Gauge;
    /// Memory in use.
    MemoryUsed "memory_used" Byte Host Gauge;
    /// Memory built in.
    MemoryTotal "memory_total" Byte Host Gauge;
    /// Processor time that a program has used since it began.
    ProcessCpuTime "process_cpu_time" Second Host Counter;
    /// Memory that a program holds.
    ProcessMemory "process_memory" Byte Host Gauge;
    /// Bytes that a program has written to disks since it began.
    ProcessWritten "process_written" Byte Host Counter;
    /// Seconds since start.
    Uptime "uptime" Second Any Gauge;
    /// One of a set of whole numbers whose meaning the profile gives.
    State "state" One Any State;
    /// Number of alarms a device reports.
    AlarmCount "alarm_count" One Any Gauge;
}

impl Quantity {
    /// Is it energy of the electrical kind, in watt-hours?
    pub const fn is_active_energy(self) -> bool {
        matches!(self, Self::ActiveEnergyImport | Self::ActiveEnergyExport)
    }

    /// The field name in line protocol: name and unit, `active_power_w`, `temperature_c`.
    pub fn field_name(self) -> String {
        let suffix = match self.unit() {
            Unit::Celsius => "c",
            Unit::Percent => "percent",
            Unit::One => return self.as_str().to_owned(),
            Unit::CubicMetrePerHour => "m3_h",
            Unit::Byte => "bytes",
            other => return format!("{}_{}", self.as_str(), other.symbol().to_ascii_lowercase()),
        };
        format!("{}_{suffix}", self.as_str())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Quantity {
    type Err = UnknownQuantity;

    fn from_str(text: &str) -> Result<Self, UnknownQuantity> {
        Self::ALL
            .iter()
            .copied()
            .find(|quantity| quantity.as_str() == text)
            .ok_or_else(|| UnknownQuantity(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Quantity {
    type Error = UnknownQuantity;
    fn try_from(text: String) -> Result<Self, UnknownQuantity> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quantity_reads_back_from_its_name() {
        for quantity in Quantity::ALL {
            assert_eq!(quantity.as_str().parse(), Ok(*quantity));
        }
    }

    #[test]
    fn a_field_is_named_after_quantity_and_unit() {
        for (quantity, field) in [
            (Quantity::ActivePower, "active_power_w"),
            (Quantity::ActiveEnergyImport, "active_energy_import_wh"),
            (Quantity::Temperature, "temperature_c"),
            (Quantity::RelativeHumidity, "relative_humidity_percent"),
            (Quantity::PowerFactor, "power_factor"),
            (Quantity::VolumeFlow, "volume_flow_m3_h"),
        ] {
            assert_eq!(quantity.field_name(), field);
        }
    }
}
