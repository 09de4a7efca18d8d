//! How likely a number is, as it stands in registers.

use model::{Decimal, Quantity, Raw};
use profile::{DataType, Order};

use super::Guess;
use crate::probe::{Exact, modbus};

/// Types that are tried, the narrow ones first.
pub(super) const TYPES: [DataType; 8] = [
    DataType::U16,
    DataType::I16,
    DataType::F32,
    DataType::U32,
    DataType::I32,
    DataType::F64,
    DataType::U64,
    DataType::I64,
];

/// What meters are asked for first, and what makes them sure: a range, what is in it, how much it says.
const KNOWN: [(f64, f64, Quantity, &str, u32); 5] = [
    (207.0, 253.0, Quantity::Voltage, "voltage, 230 V", 95),
    (360.0, 440.0, Quantity::Voltage, "voltage between phases, 400 V", 85),
    (49.5, 50.5, Quantity::Frequency, "frequency, 50 Hz", 95),
    (59.5, 60.5, Quantity::Frequency, "frequency, 60 Hz", 60),
    (108.0, 132.0, Quantity::Voltage, "voltage, 120 V", 50),
];
/// Powers of ten by which whole numbers are scaled, and how much that takes from a guess.
const SCALES: [(i8, u32); 4] = [(0, 45), (-1, 38), (-2, 38), (-3, 50)];
/// Floats outside of this are made of other things.
const SENSIBLE: std::ops::RangeInclusive<f64> = 1e-3..=1e8;

/// Orders that are tried for a type: bytes inside of one word are swapped only by devices that are rare.
pub(super) const fn orders(data_type: DataType) -> &'static [Order] {
    match data_type.words() {
        1 => &[Order::Abcd],
        _ => &[Order::Abcd, Order::Cdab, Order::Badc, Order::Dcba],
    }
}

/// What these words could be in this type and order; `None` if nothing.
pub(super) fn guess(register: u16, words: &[u16], data_type: DataType, order: Order) -> Option<Guess> {
    let raw = decode(words, data_type, order)?;
    let (meaning, likelihood, quantity) =
        if data_type.is_float() { float(raw.to_f64())? } else { whole(raw.to_f64(), data_type)? };
    let scale = quantity.map_or(Decimal::ONE, |(_, scale)| scale);
    let form = if words.len() == 1 { data_type.to_string() } else { format!("{data_type} {order}") };
    Some(Guess {
        register,
        words: modbus::hex(words),
        form,
        value: Exact::new(raw, scale.exponent())?.to_string(),
        could_be: meaning,
        likelihood: (likelihood + 3).saturating_sub(rare(order)).max(1),
        count: data_type.words(),
        form_of: Some((data_type, order)),
        quantity,
    })
}

/// How much an order takes from a guess: few devices swap words, and hardly any bytes.
const fn rare(order: Order) -> u32 {
    match order {
        Order::Abcd => 0,
        Order::Cdab => 8,
        Order::Badc | Order::Dcba => 30,
    }
}

fn decode(words: &[u16], data_type: DataType, order: Order) -> Option<Raw> {
    let mut reading =
        profile::ModbusReading::new(Quantity::State, model::Channel::total(), 0, data_type).ok()?;
    reading.order = order;
    reading.decode(words).ok()
}

type Meaning = (String, u32, Option<(Quantity, Decimal)>);

fn float(value: f64) -> Option<Meaning> {
    if value == 0.0 {
        return None;
    }
    if let Some((.., quantity, meaning, weight)) = known(value) {
        return Some((meaning.to_owned(), weight, Some((quantity, Decimal::ONE))));
    }
    let size = value.abs();
    if !SENSIBLE.contains(&size) {
        return None;
    }
    let meaning =
        if (0.3..=1.0).contains(&size) { "a number up to 1: a power factor?" } else { "a sensible number" };
    Some((meaning.to_owned(), if size >= 0.1 { 40 } else { 25 }, None))
}

fn known(value: f64) -> Option<(f64, f64, Quantity, &'static str, u32)> {
    KNOWN.into_iter().find(|(least, most, ..)| (*least..=*most).contains(&value))
}

fn whole(value: f64, data_type: DataType) -> Option<Meaning> {
    let scaled = |(exponent, less): (i8, u32)| {
        let (.., quantity, meaning, weight) = known(value / 10f64.powi(-i32::from(exponent)))?;
        // A bare 50 is more often something else.
        let less = if exponent == 0 && quantity == Quantity::Frequency { less + 25 } else { less };
        let scale = Decimal::new(1, exponent);
        let meaning = if exponent == 0 { meaning.to_owned() } else { format!("{meaning}, x {scale}") };
        Some((meaning, weight.saturating_sub(less).max(1), Some((quantity, scale))))
    };
    let best = SCALES.into_iter().filter_map(scaled).max_by_key(|(_, weight, _)| *weight);
    if best.is_some() {
        return best;
    }
    plain(value, data_type)
}

/// Whole numbers that are nothing in particular. The wider the type, the less a small number speaks for it.
fn plain(value: f64, data_type: DataType) -> Option<Meaning> {
    let told = |meaning: &str, weight| Some((meaning.to_owned(), weight, None));
    match (data_type.words(), value) {
        (_, 0.0) => None,
        (1, value) if value < 0.0 => (value >= -10_000.0).then(|| told("a number below 0", 13)).flatten(),
        (1, _) => told("a number", 14),
        (2, value) if value < 0.0 => (value >= -1e6).then(|| told("a number below 0", 16)).flatten(),
        (2, value) if (65_536.0..1e9).contains(&value) => told("a counter, or power in small steps", 20),
        (4, value) if (4_294_967_296.0..1e15).contains(&value) => told("a counter", 22),
        _ => None,
    }
}
