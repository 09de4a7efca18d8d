//! What is possible in a reading but hardly meant: kilowatts taken for megawatts, a number of the manual taken for an
//! address.

use model::{Quantity, SeriesKind};

use super::ModbusReading;
use crate::{DataType, Function};

/// Should doubts be noted as if they were mistakes?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Doubts {
    /// No: the profile is used as it is.
    #[default]
    Ignored,
    /// Yes: the profile is being checked.
    Noted,
}

/// What is doubtful, and under which key.
pub(super) fn doubt(reading: &ModbusReading, before: &[ModbusReading]) -> Option<(&'static str, String)> {
    let first = || reference(reading).filter(|_| !before.iter().any(|one| reference(one).is_some()));
    coarse(reading).or_else(|| small(reading)).or_else(|| short_counter(reading)).or_else(first)
}

/// Steps that are too coarse for what is measured, in the canonical unit.
fn coarse(reading: &ModbusReading) -> Option<(&'static str, String)> {
    let (quantity, unit) = (reading.quantity, reading.quantity.unit());
    let most = match quantity {
        Quantity::ActivePower
        | Quantity::ReactivePower
        | Quantity::ApparentPower
        | Quantity::ThermalPower => 1e4,
        Quantity::ActiveEnergyImport | Quantity::ActiveEnergyExport | Quantity::ThermalEnergy => 1e6,
        Quantity::Voltage | Quantity::BatteryVoltage | Quantity::Current => 10.0,
        Quantity::Temperature | Quantity::DewPoint => 5.0,
        Quantity::Frequency => 1.5,
        Quantity::PowerFactor | Quantity::DisplacementPowerFactor if !reading.data_type.is_float() => 0.5,
        _ => return None,
    };
    let step = step(reading);
    let key = if reading.scale == model::Decimal::ONE { "unit" } else { "scale" };
    (step > most).then(|| {
        (
            key,
            format!(
                "one step of {} is {step} {unit}: is that meant? {quantity} is not that coarse",
                reading.source()
            ),
        )
    })
}

/// Types that cannot hold what is usual, in the canonical unit.
fn small(reading: &ModbusReading) -> Option<(&'static str, String)> {
    let usual = match reading.quantity {
        Quantity::Voltage => 100.0,
        Quantity::Frequency => 65.0,
        _ => return None,
    };
    let largest = reading.largest()? as f64 * step(reading);
    let unit = reading.quantity.unit();
    (reading.scale_register.is_none() && largest < usual).then(|| {
        ("scale", format!("{} holds at most {largest} {unit}: is the scale meant?", reading.source()))
    })
}

fn short_counter(reading: &ModbusReading) -> Option<(&'static str, String)> {
    let short = reading.quantity.kind() == SeriesKind::Counter
        && reading.data_type.words() == 1
        && reading.data_type != DataType::Bcd16;
    short.then(|| {
        ("type", format!("{} is a counter of 16 bits: is it the low word of a longer one?", reading.source()))
    })
}

/// Registers behind 40001 or 30001 that are taken for a number of the manual; what lies further is taken for an address.
const PRINTED: u16 = 1000;

/// Numbers as manuals print them: 40001 for the first holding register, 30001 for the first input register.
fn reference(reading: &ModbusReading) -> Option<(&'static str, String)> {
    let first = match reading.function {
        Function::Holding => 40_001,
        Function::Input => 30_001,
        _ => return None,
    };
    let printed = (first..first + PRINTED).contains(&reading.register);
    printed.then(|| {
        let (found, less) = (reading.register, reading.register - first);
        (
            "register",
            format!("{found} looks like the number of a manual; on the wire that is {less}. Right if meant"),
        )
    })
}

/// One step of the register in the canonical unit.
fn step(reading: &ModbusReading) -> f64 {
    let one = 10f64.powi(i32::from(reading.exponent()));
    match reading.shape().resolution {
        0 => one,
        steps => one * f64::from(steps),
    }
}
