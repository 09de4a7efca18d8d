//! What is wrong with a reading, by itself and beside the others of its device.

use model::{Quantity, Raw};
use settings::Table;

use super::{ModbusReading, Special};
use crate::DataType;

/// Notes what cannot be beside the readings before it: the same quantity at the same channel, registers that overlap.
pub(super) fn check_against(table: &Table<'_>, reading: &ModbusReading, seen: &[ModbusReading]) {
    for other in seen {
        if other.quantity == reading.quantity && other.channel == reading.channel {
            table.mistake(
                "channel",
                format_args!(
                    "{} at `{}` is already read from {}",
                    reading.quantity,
                    reading.channel,
                    other.source()
                ),
            );
        }
        if !overlap(reading, other) || is_term(reading, other) || is_term(other, reading) {
            factors(table, reading, other);
        } else if !are_flags(reading, other) {
            table.mistake("register", format_args!("{} overlaps {}", reading.source(), other.source()));
        } else if reading.mask & other.mask != 0 {
            let key = if table.has("bit") { "bit" } else { "mask" };
            table.mistake(key, format_args!("{} shares bits with {}", reading.source(), other.source()));
        }
    }
}

/// A scale factor is no part of a value, and the simulator shows one for all that use it.
fn factors(table: &Table<'_>, reading: &ModbusReading, other: &ModbusReading) {
    let inside = |factor: &ModbusReading, value: &ModbusReading| {
        let at = factor.scale_register.map(u32::from);
        same_place(factor, value)
            && at.is_some_and(|at| (u32::from(value.register)..value.end()).contains(&at))
    };
    if inside(reading, other) || inside(other, reading) {
        table.mistake("scale_register", format_args!("{} overlaps {}", reading.source(), other.source()));
    }
    let same = reading.scale_register.is_some() && reading.scale_register == other.scale_register;
    if same && same_place(reading, other) && reading.scale_usual != other.scale_usual {
        table.mistake(
            "scale_usual",
            format_args!("found {}, but {} says {}", reading.scale_usual, other.source(), other.scale_usual),
        );
    }
}

fn same_place(a: &ModbusReading, b: &ModbusReading) -> bool {
    (a.function, a.file) == (b.function, b.file)
}

fn overlap(a: &ModbusReading, b: &ModbusReading) -> bool {
    same_place(a, b) && u32::from(a.register) < b.end() && u32::from(b.register) < a.end()
}

/// Are both bits of the same register, so that they may share it?
fn are_flags(a: &ModbusReading, b: &ModbusReading) -> bool {
    a.mask != 0 && b.mask != 0 && (a.register, a.data_type, a.order) == (b.register, b.data_type, b.order)
}

/// Is `one` a term of the sum `sum`?
fn is_term(one: &ModbusReading, sum: &ModbusReading) -> bool {
    sum.terms > 1
        && one.terms == 1
        && (one.data_type, one.order) == (sum.data_type, sum.order)
        && (sum.register..)
            .step_by(usize::from(one.words()))
            .take(usize::from(sum.terms))
            .any(|at| at == one.register)
}

/// Notes what cannot be about one reading. Is there nothing?
pub(super) fn fits(table: &Table<'_>, reading: &ModbusReading) -> bool {
    let mut good = true;
    let mut mistake = |key: &str, what: String| {
        table.mistake(key, what);
        good = false;
    };
    let (code, data_type) = (reading.function.code(), reading.data_type);
    if reading.function.reads_bits() != (data_type == DataType::Bit) {
        mistake("type", format!("function {code} does not read {data_type}"));
    }
    let last = reading.function.addresses() - 1;
    if reading.span().1 > last + 1 {
        mistake("register", format!("{} goes beyond register {last}", reading.source()));
    }
    if reading.special == Special::FourQuadrant && !data_type.is_float() {
        mistake("special", "four_quadrant is a form of float registers".to_owned());
    }
    if reading.scale_register.is_some_and(|at| overlaps_itself(reading, at)) {
        mistake("scale_register", format!("{} holds its own scale factor", reading.source()));
    }
    if (reading.mask != 0 || reading.scale_register.is_some()) && reading.terms > 1 {
        mistake("terms", "bits and values with a scale register are not added up".to_owned());
    }
    if data_type.is_float() && reading.quantity == Quantity::State {
        mistake("type", "a state is a whole number".to_owned());
    }
    for (key, what) in misfits(reading) {
        mistake(key, what);
    }
    good
}

fn overlaps_itself(reading: &ModbusReading, factor: u16) -> bool {
    (u32::from(reading.register)..reading.end()).contains(&u32::from(factor))
}

/// Numbers in the profile that the register cannot hold.
fn misfits(reading: &ModbusReading) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let (data_type, source) = (reading.data_type, reading.source());
    let Some(largest) = reading.largest() else { return found };
    if data_type.words() <= 2 && reading.conversion.decode(largest).is_err() {
        found.push(("scale", format!("{largest} in {source} times the scale does not fit 64 bits")));
    }
    let wraps_late = |wrap: u64| i64::try_from(wrap).is_ok_and(|wrap| wrap - 1 > largest);
    if let Some(wrap) = reading.wraps_at_register.filter(|wrap| reading.terms == 1 && wraps_late(*wrap)) {
        found.push(("wraps_at", format!("found {wrap}, but {source} holds at most {largest}")));
    }
    let beyond = |value: i64| value > largest || (value < 0 && !reading.may_be_negative());
    if let Some((value, name)) = reading.names.iter().find(|(value, _)| beyond(*value)) {
        found.push(("names", format!("{value}, \"{name}\", cannot be in {source}")));
    }
    let scaled = reading.conversion.decode(1) != Ok(Raw::Integer(1)) || reading.conversion.exponent() != 0;
    if reading.quantity == Quantity::State && scaled {
        found.push(("scale", "a state is the number in the register, without scale or offset".to_owned()));
    }
    found
}
