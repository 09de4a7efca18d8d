//! How a profile writes what a register's bits mean: scales, offsets, scale factors, flags and names.

use std::ops::RangeInclusive;
use std::sync::Arc;

use model::{Decimal, Quantity, Unit};
use settings::Table;

use super::load::address;
use super::reading::Number;
use crate::{ConversionError, DataType};

/// Powers of ten that a scale factor may have (SunSpec Device Information Model Specification, `sunssf`).
const POWERS: RangeInclusive<i64> = -10..=10;
/// The smallest power of ten in a scale factor that is told exactly, if the profile does not say: a millionth, with
/// which 32 bits times 1000 still fit 64 bits.
const SCALE_FINEST: i8 = -6;

/// What makes a number of what is in the register.
pub(super) struct Scaling {
    pub(super) scale: Decimal,
    pub(super) offset: Decimal,
    pub(super) unit: Option<Unit>,
    pub(super) register: Option<u16>,
    pub(super) finest: i8,
    pub(super) usual: i8,
}

impl Scaling {
    pub(super) fn from_table(table: &Table<'_>) -> Self {
        let register = address(table.optional_integer("scale_register", 0..=65_535));
        let power = |key| table.optional_integer(key, POWERS).and_then(|power| i8::try_from(power).ok());
        let (finest, usual) = (power("scale_finest"), power("scale_usual"));
        for key in ["scale_finest", "scale_usual"].into_iter().filter(|key| table.has(key)) {
            if !table.has("scale_register") {
                table.mistake(key, "says something about `scale_register`, which is missing");
            }
        }
        let (finest, usual) = match register {
            Some(_) => (finest.unwrap_or(SCALE_FINEST), usual.unwrap_or(0)),
            None => (0, 0),
        };
        if usual < finest {
            table.mistake("scale_usual", format_args!("found {usual}, less than the finest, {finest}"));
        }
        Self {
            scale: table.optional_number::<Decimal>("scale").unwrap_or(Decimal::ONE),
            offset: table.optional_number::<Decimal>("offset").unwrap_or(Decimal::new(0, 0)),
            unit: table.parsed::<Unit>("unit"),
            register,
            finest,
            usual,
        }
    }

    pub(super) fn number(&self, data_type: DataType, unit: Unit) -> Number {
        let finest = self.register.map(|_| self.finest);
        Number { data_type, scale: self.scale, offset: self.offset, unit, finest }
    }

    pub(super) fn key_of(&self, error: &ConversionError, table: &Table<'_>) -> &'static str {
        match error {
            ConversionError::Unit { .. } => "unit",
            ConversionError::FloatOnly if self.register.is_some() => "scale_register",
            ConversionError::FloatOnly | ConversionError::Offset(_) => "offset",
            _ if table.has("scale") => "scale",
            _ => "unit",
        }
    }
}

/// The bits that are meant, by `bit = 3` or `mask = 0x0F00`.
pub(super) fn mask(table: &Table<'_>, data_type: DataType) -> u64 {
    let bits = i64::from(data_type.words()) * 16;
    let largest = i64::try_from(u64::MAX >> (64 - bits.unsigned_abs())).unwrap_or(i64::MAX);
    let bit = table.optional_integer("bit", 0..=bits - 1);
    let mask = table.optional_integer("mask", 1..=largest);
    let found = match (bit, mask) {
        (Some(_), Some(_)) => {
            table.mistake("mask", "`bit` and `mask` say the same twice; one is enough");
            return 0;
        }
        (Some(bit), None) => 1u64 << bit,
        (None, Some(mask)) => mask.cast_unsigned(),
        (None, None) => return 0,
    };
    if !data_type.is_plain_unsigned() {
        let key = if table.has("bit") { "bit" } else { "mask" };
        table.mistake(key, format_args!("bits are taken from u16, u32, u48 or u64, not from {data_type}"));
    }
    found
}

/// `names = { 0 = "off", 1 = "on" }`, numbers decimal or `0x` hexadecimal.
pub(super) fn names(table: &Table<'_>, quantity: Quantity) -> Arc<[(i64, String)]> {
    let read = |names: &Table<'_>| {
        let mut found: Vec<(i64, String)> = Vec::new();
        for key in names.keys() {
            let Some(name) = names.optional_string(&key) else { continue };
            match whole(&key) {
                None => names.mistake(&key, "is no whole number such as 3 or 0x10"),
                Some(value) if found.iter().any(|(other, _)| *other == value) => {
                    names.mistake(&key, format_args!("{value} has a name already"));
                }
                Some(_) if found.iter().any(|(_, other)| *other == name) => {
                    names.mistake(&key, format_args!("\"{name}\" is the name of another value already"));
                }
                Some(value) => found.push((value, name)),
            }
        }
        found.sort_by_key(|(value, _)| *value);
        Some(found)
    };
    let names = table.optional_table("names", read).unwrap_or_default();
    if !names.is_empty() && quantity != Quantity::State {
        table.mistake("names", format_args!("are for the values of a `state`, not of {quantity}"));
    }
    names.into()
}

fn whole(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
