//! Readings as they are written: in a profile (`[[reading]]`) and in an agent's configuration (`[[device.reading]]`).

use std::ops::RangeInclusive;
use std::time::Duration;

use model::{Channel, Decimal, Quantity, Side, Unit};
use settings::Table;

use super::reading::conversion;
use super::{Limits, ModbusReading, Special};
use crate::{DataType, Function, Order};

/// More readings than this in one device and something is wrong with the file: a full 96-channel panel has 600.
const READINGS_MAX: usize = 5000;
/// The longest rest between two requests that makes sense.
const PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);
/// The most values that are added up to one; tariffs.
const TERMS_MAX: i64 = 8;

/// What a reading is if it does not say so itself.
#[derive(Debug, Clone, Default)]
pub struct Defaults {
    /// Function code; a reading must say it if there is no default.
    pub function: Option<Function>,
    /// Data type; a reading must say it if there is no default.
    pub data_type: Option<DataType>,
    /// Order of bytes.
    pub order: Order,
    /// Side of the instrument transformers.
    pub side: Side,
    /// Bit patterns by data type that say "no value".
    pub sentinels: Vec<(DataType, Vec<u64>)>,
}

impl Defaults {
    /// From the keys `function`, `type`, `order`, `side` and the table `sentinels` of a profile's `[modbus]`.
    pub fn from_table(table: &Table<'_>) -> Self {
        Self {
            function: function(table),
            data_type: table.optional_parsed("type"),
            order: table.optional_parsed("order").unwrap_or_default(),
            side: side(table).unwrap_or_default(),
            sentinels: table
                .optional_table("sentinels", |table| Some(sentinels_by_type(table)))
                .unwrap_or_default(),
        }
    }
}

fn sentinels_by_type(table: &Table<'_>) -> Vec<(DataType, Vec<u64>)> {
    let one = |key: String| match key.parse::<DataType>() {
        Ok(data_type) => Some((data_type, patterns(table, &key, data_type))),
        Err(error) => {
            table.mistake(&key, error);
            None
        }
    };
    table.keys().into_iter().filter_map(one).collect()
}

/// The limits under the keys `max_registers`, `gap`, `in_flight` and `pause`; what is not said is as in `usual`.
pub fn limits(table: &Table<'_>, usual: Limits) -> Limits {
    let small = |key: &str, within| table.optional_integer(key, within).and_then(|n| u16::try_from(n).ok());
    Limits {
        max_registers: small("max_registers", 1..=125).unwrap_or(usual.max_registers),
        gap: small("gap", 0..=124).unwrap_or(usual.gap),
        in_flight: small("in_flight", 1..=16).and_then(|n| u8::try_from(n).ok()).unwrap_or(usual.in_flight),
        pause: table.optional_duration("pause", PAUSE).unwrap_or(usual.pause),
    }
}

/// The list of readings under `key` (`[[reading]]`, `[[device.reading]]`). Notes what is wrong with each, and with all
/// together: the same quantity at the same channel twice, registers that overlap.
pub fn readings(table: &Table<'_>, key: &str, defaults: &Defaults) -> Vec<ModbusReading> {
    let mut seen: Vec<ModbusReading> = Vec::new();
    let mut any = false;
    table.tables(key, |table| {
        any = true;
        let reading = reading(table, defaults)?;
        if seen.len() >= READINGS_MAX {
            table.mistake(
                "",
                format_args!("is more than the {READINGS_MAX} readings that one device may have"),
            );
            return None;
        }
        check_against(table, &reading, &seen);
        seen.push(reading);
        Some(())
    });
    if !any && table.has(key) {
        table.mistake(key, "holds no reading");
    }
    seen
}

fn check_against(table: &Table<'_>, reading: &ModbusReading, seen: &[ModbusReading]) {
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
        if overlap(reading, other) && !is_term(reading, other) && !is_term(other, reading) {
            table.mistake("register", format_args!("{} overlaps {}", reading.source(), other.source()));
        }
    }
}

fn overlap(a: &ModbusReading, b: &ModbusReading) -> bool {
    a.function == b.function && u32::from(a.register) < b.end() && u32::from(b.register) < a.end()
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

/// One reading: the keys `quantity`, `channel`, `register`, `function`, `type`, `order`, `scale`, `unit`, and the
/// rarer `sentinels`, `wraps_at`, `side`, `terms`, `special`.
fn reading(table: &Table<'_>, defaults: &Defaults) -> Option<ModbusReading> {
    let quantity = table.parsed::<Quantity>("quantity");
    let channel = table.parsed::<Channel>("channel");
    let register = table.integer("register", 0..=65_535).and_then(|register| u16::try_from(register).ok());
    let function = required(table, "function", function(table).or(defaults.function));
    let data_type = required(table, "type", table.optional_parsed("type").or(defaults.data_type));
    let order = table.optional_parsed("order").unwrap_or(defaults.order);
    let scale = table.optional_number::<Decimal>("scale").unwrap_or(Decimal::ONE);
    let unit = table.parsed::<Unit>("unit");
    let rest = Rest::from_table(table, defaults, data_type);
    let (quantity, data_type, unit) = (quantity?, data_type?, unit?);
    let conversion = conversion(quantity, data_type, scale, unit)
        .map_err(|error| table.mistake(if table.has("scale") { "scale" } else { "unit" }, error))
        .ok()?;
    let reading = ModbusReading {
        quantity,
        channel: channel?,
        function: function?,
        register: register?,
        data_type,
        order,
        terms: rest.terms,
        scale,
        unit,
        sentinels: rest.sentinels,
        wraps_at_register: rest.wraps_at,
        side: rest.side,
        special: rest.special,
        conversion,
    };
    fits(table, &reading).then_some(reading)
}

struct Rest {
    sentinels: Vec<u64>,
    wraps_at: Option<u64>,
    side: Side,
    terms: u16,
    special: Special,
}

impl Rest {
    fn from_table(table: &Table<'_>, defaults: &Defaults, data_type: Option<DataType>) -> Self {
        let usual = || {
            let of_type = defaults.sentinels.iter().filter(|(of, _)| Some(*of) == data_type);
            of_type.flat_map(|(_, patterns)| patterns.iter().copied()).collect()
        };
        let sentinels = match data_type {
            Some(data_type) if table.has("sentinels") => patterns(table, "sentinels", data_type),
            _ => usual(),
        };
        Self {
            sentinels,
            wraps_at: table
                .optional_integer("wraps_at", 2..=i64::MAX)
                .and_then(|wrap| u64::try_from(wrap).ok()),
            side: side(table).unwrap_or(defaults.side),
            terms: table
                .optional_integer("terms", 1..=TERMS_MAX)
                .and_then(|n| u16::try_from(n).ok())
                .unwrap_or(1),
            special: special(table),
        }
    }
}

fn fits(table: &Table<'_>, reading: &ModbusReading) -> bool {
    let wrong_kind = reading.function.reads_bits() != (reading.data_type == DataType::Bit);
    if wrong_kind {
        let code = reading.function.code();
        table.mistake("type", format_args!("function {code} does not read {}", reading.data_type));
    }
    let beyond = reading.end() > 65_536;
    if beyond {
        table.mistake("register", format_args!("{} goes beyond register 65535", reading.source()));
    }
    let no_float = reading.special == Special::FourQuadrant && !reading.data_type.is_float();
    if no_float {
        table.mistake("special", "four_quadrant is a form of float registers");
    }
    !wrong_kind && !beyond && !no_float
}

fn required<T>(table: &Table<'_>, key: &str, value: Option<T>) -> Option<T> {
    if value.is_none() && !table.has(key) {
        table.mistake("", format_args!("`{key}` is missing and the file gives no default"));
    }
    value
}

/// The function code under `function`.
pub(crate) fn function(table: &Table<'_>) -> Option<Function> {
    table.optional_integer("function", 1..=4).and_then(Function::from_code)
}

fn side(table: &Table<'_>) -> Option<Side> {
    match table.optional_string("side")?.as_str() {
        "primary" => Some(Side::Primary),
        "secondary" => Some(Side::Secondary),
        other => {
            table.mistake("side", format_args!("found \"{other}\", expected \"primary\" or \"secondary\""));
            None
        }
    }
}

fn special(table: &Table<'_>) -> Special {
    match table.optional_string("special").as_deref() {
        None => Special::None,
        Some("four_quadrant") => Special::FourQuadrant,
        Some(other) => {
            table.mistake("special", format_args!("found \"{other}\", expected \"four_quadrant\""));
            Special::None
        }
    }
}

fn patterns(table: &Table<'_>, key: &str, data_type: DataType) -> Vec<u64> {
    let one = |text: String| {
        let pattern = pattern(&text, data_type);
        if pattern.is_none() {
            table.mistake(
                key,
                format_args!("\"{text}\" is no bit pattern of {data_type} such as \"0xFFFF\" or \"-1\""),
            );
        }
        pattern
    };
    table.strings(key).into_iter().filter_map(one).collect()
}

/// `0xFFFF` as it is, `-1` in two's complement of the type's width.
fn pattern(text: &str, data_type: DataType) -> Option<u64> {
    let bits = u32::from(data_type.words()) * 16;
    let mask = u64::MAX >> (64 - bits);
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().filter(|pattern| *pattern <= mask);
    }
    let number = text.parse::<i64>().ok()?;
    let lowest = -1_i128 << (bits - 1);
    (i128::from(number) >= lowest && i128::from(number) <= i128::from(mask))
        .then(|| number.cast_unsigned() & mask)
}
