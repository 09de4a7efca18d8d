//! Readings as they are written: in a profile (`[[reading]]`) and in an agent's configuration (`[[device.reading]]`).

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use model::{Channel, Quantity, Side};
use settings::Table;

use super::check::{check_against, fits};
use super::doubt::{Doubts, doubt};
use super::forms::{Scaling, mask, names};
use super::{Block, Limits, ModbusReading, Special};
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
    /// Is what is doubtful to be noted?
    pub doubts: Doubts,
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
            doubts: Doubts::Ignored,
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
    list(table, key, defaults, |_, _| ())
}

/// As [`readings`] of a whole profile: notes as well what does not fit into a request.
pub(crate) fn profile_readings(
    table: &Table<'_>,
    defaults: &Defaults,
    limits: &Limits,
) -> Vec<ModbusReading> {
    list(table, "reading", defaults, |table, reading| fits_request(table, reading, limits))
}

fn fits_request(table: &Table<'_>, reading: &ModbusReading, limits: &Limits) {
    let most = limits.max_registers;
    if !reading.function.reads_bits() && Block::of(0, reading).count > most {
        let what =
            format_args!("{} does not fit into one request of at most {most} registers", reading.source());
        table.mistake("register", what);
    }
}

/// The readings of a SunSpec model, whose registers count from its number and must lie `within` it.
pub(crate) fn model_readings(
    table: &Table<'_>,
    (defaults, limits): (&Defaults, &Limits),
    within: Range<u32>,
) -> Vec<ModbusReading> {
    let inside = |table: &Table<'_>, reading: &ModbusReading| {
        let (start, end) = reading.span();
        if u32::from(start) < within.start || end > within.end {
            let (from, to) = (within.start, within.end.saturating_sub(1));
            table.mistake(
                "register",
                format_args!("{} is outside of the model, whose points are {from} to {to}", reading.source()),
            );
        }
        if reading.function != Function::Holding {
            table.mistake("function", "SunSpec is read by function 3");
        }
        fits_request(table, reading, limits);
    };
    let found = list(table, "reading", defaults, inside);
    if !table.has("reading") {
        table.mistake("", "the model gives nothing: `reading` is missing");
    }
    found
}

fn list(
    table: &Table<'_>,
    key: &str,
    defaults: &Defaults,
    check: impl Fn(&Table<'_>, &ModbusReading),
) -> Vec<ModbusReading> {
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
        check(table, &reading);
        check_against(table, &reading, &seen);
        if let Some((key, what)) = doubt(&reading, &seen).filter(|_| defaults.doubts == Doubts::Noted) {
            table.mistake(key, what);
        }
        seen.push(reading);
        Some(())
    });
    if !any && table.has(key) {
        table.mistake(key, "holds no reading");
    }
    seen
}

/// One reading: the keys `quantity`, `channel`, `register`, `function`, `type`, `order`, `scale`, `unit`, and the
/// rarer `file`, `offset`, `scale_register`, `scale_finest`, `scale_usual`, `bit`, `mask`, `names`, `sentinels`,
/// `wraps_at`, `side`, `terms`, `special`.
pub(super) fn reading(table: &Table<'_>, defaults: &Defaults) -> Option<ModbusReading> {
    let quantity = table.parsed::<Quantity>("quantity");
    let channel = table.parsed::<Channel>("channel");
    let register = address(table.integer("register", 0..=65_535));
    let function = required(table, "function", function(table).or(defaults.function));
    let data_type = required(table, "type", table.optional_parsed("type").or(defaults.data_type));
    let order = table.optional_parsed("order").unwrap_or(defaults.order);
    let file = file(table, function);
    let scaling = Scaling::from_table(table);
    let rest = Rest::from_table(table, defaults, data_type);
    let (quantity, data_type) = (quantity?, data_type?);
    let mask = mask(table, data_type);
    let (scale, unit) = (scaling.scale, scaling.unit?);
    let conversion = scaling.number(data_type, unit).conversion(quantity);
    let conversion = conversion.map_err(|error| table.mistake(scaling.key_of(&error, table), error)).ok()?;
    let reading = ModbusReading {
        quantity,
        channel: channel?,
        function: function?,
        file,
        register: register?,
        data_type,
        order,
        terms: rest.terms,
        scale,
        offset: scaling.offset,
        unit,
        scale_register: scaling.register,
        scale_finest: scaling.finest,
        scale_usual: scaling.usual,
        mask,
        names: names(table, quantity),
        sentinels: rest.sentinels,
        wraps_at_register: rest.wraps_at,
        side: rest.side,
        special: rest.special,
        conversion,
    };
    fits(table, &reading).then_some(reading)
}

pub(super) fn address(number: Option<i64>) -> Option<u16> {
    number.and_then(|number| u16::try_from(number).ok())
}

/// The file number: there for function 20 and for no other.
fn file(table: &Table<'_>, function: Option<Function>) -> u16 {
    let number = table.optional_integer("file", 1..=65_535).and_then(|file| u16::try_from(file).ok());
    match (function.is_some_and(Function::reads_files), number) {
        (true, None) if !table.has("file") => {
            table.mistake("", "function 20 needs `file`, the number of a file");
        }
        (false, Some(_)) if function.is_some() => table.mistake("file", "only function 20 reads files"),
        _ => {}
    }
    number.unwrap_or(0)
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

fn required<T>(table: &Table<'_>, key: &str, value: Option<T>) -> Option<T> {
    if value.is_none() && !table.has(key) {
        table.mistake("", format_args!("`{key}` is missing and the file gives no default"));
    }
    value
}

/// The function code under `function`.
pub(crate) fn function(table: &Table<'_>) -> Option<Function> {
    let code = table.optional_integer("function", 1..=20)?;
    let function = Function::from_code(code);
    if function.is_none() {
        table.mistake(
            "function",
            format_args!("found {code}, expected 1, 2, 3, 4 or 20: devices are only read"),
        );
    }
    function
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
