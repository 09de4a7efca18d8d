//! Values that cannot be, each by itself.

use model::Quantity;

use super::{All, warning};
use crate::probe::{ReadingFound, Warning};

/// A mains frequency, anywhere.
const HERTZ: (f64, f64) = (45.0, 65.0);
/// A voltage between phase and neutral, anywhere: 100 V in Japan to 277 V in North America, with their tolerance.
const VOLTS: (f64, f64) = (80.0, 300.0);
/// A voltage between two phases.
const VOLTS_BETWEEN: (f64, f64) = (140.0, 520.0);
/// Air, water and devices, from a cold store to a processor.
const CELSIUS: (f64, f64) = (-40.0, 110.0);
const PERCENT: (f64, f64) = (0.0, 100.0);
/// A power factor is rounded; this much above 1 is still 1.
const ROUNDED: f64 = 0.001;

const SCALE_OR_ORDER: &str =
    "wrong scale, type or order: 230 V or 50 Hz in tenths or hundredths, words swapped, one register off";

pub(super) fn warnings(all: &All<'_>) -> Vec<Warning> {
    all.readings().filter_map(|reading| one(all, reading)).collect()
}

fn one(all: &All<'_>, reading: &ReadingFound) -> Option<Warning> {
    match reading.shape.quantity {
        Quantity::Frequency => frequency(all, reading),
        Quantity::Voltage => voltage(all, reading),
        Quantity::PowerFactor | Quantity::DisplacementPowerFactor => factor(reading),
        Quantity::Temperature | Quantity::DewPoint => outside(
            reading,
            CELSIUS,
            "tenths read as whole degrees, no sensor plugged in, or degrees Fahrenheit",
        ),
        Quantity::RelativeHumidity | Quantity::BatteryCharge => {
            outside(reading, PERCENT, "tenths of a percent read as whole ones, or no sensor plugged in")
        }
        _ => None,
    }
}

fn outside(reading: &ReadingFound, (least, most): (f64, f64), cause: &str) -> Option<Warning> {
    let value = reading.value.to_f64();
    if (least..=most).contains(&value) {
        return None;
    }
    let (quantity, channel, unit) = (reading.quantity, &reading.channel, reading.unit);
    let text =
        format!("{quantity} at {channel} is {} {unit}, outside of {least} to {most} {unit}", reading.value);
    Some(warning(&[reading], text, cause))
}

/// 0 Hz is right where there is no voltage.
fn frequency(all: &All<'_>, reading: &ReadingFound) -> Option<Warning> {
    let dead = reading.value.to_f64() == 0.0 && !is_live(all, &reading.channel);
    if dead { None } else { outside(reading, HERTZ, SCALE_OR_ORDER) }
}

/// Is there a voltage at the channel or at one of its phases?
fn is_live(all: &All<'_>, channel: &str) -> bool {
    let volts =
        |channel: &str| all.get(channel, Quantity::Voltage).is_some_and(|one| one.value.to_f64() > 10.0);
    volts(channel) || all.phases_of(channel).into_iter().any(volts)
}

/// Only at channels that are mains by their name: a power supply has others too.
fn voltage(all: &All<'_>, reading: &ReadingFound) -> Option<Warning> {
    const MAINS: [&str; 8] = ["total", "l1", "l2", "l3", "inlet", "outlet", "input", "output"];
    let mut words = reading.channel.split('.');
    let (first, last) = (words.next()?, words.next_back());
    let between = last.unwrap_or(first);
    if matches!(between, "l1-l2" | "l2-l3" | "l3-l1" | "l1-l3") {
        return if reading.value.to_f64() == 0.0 {
            None
        } else {
            outside(reading, VOLTS_BETWEEN, SCALE_OR_ORDER)
        };
    }
    let is_mains = MAINS.contains(&first) || last.is_some_and(|last| MAINS.contains(&last));
    if !is_mains {
        return None;
    }
    if reading.value.to_f64() == 0.0 {
        return without_voltage(all, reading);
    }
    outside(reading, VOLTS, SCALE_OR_ORDER)
}

/// A phase or outlet that is off has 0 V, but then nothing flows.
fn without_voltage(all: &All<'_>, reading: &ReadingFound) -> Option<Warning> {
    let power =
        all.get(&reading.channel, Quantity::ActivePower).filter(|one| one.value.to_f64().abs() > 0.0)?;
    let channel = &reading.channel;
    let text = format!("voltage at {channel} is 0 V, but active_power is {} W", power.value);
    Some(warning(
        &[reading, power],
        text,
        "a fuse of the voltage tap is out, or another register than the voltage",
    ))
}

fn factor(reading: &ReadingFound) -> Option<Warning> {
    if reading.value.to_f64().abs() <= 1.0 + ROUNDED {
        return None;
    }
    let text =
        format!("{} at {} is {}, no factor is beyond 1", reading.quantity, reading.channel, reading.value);
    Some(warning(&[reading], text, "hundredths or thousandths read as whole ones, or a four-quadrant form"))
}
