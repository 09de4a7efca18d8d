//! From values to the objects in which a device of this profile would show them, for the simulator.
//!
//! The inverse of [`SnmpProfile::rows`]: what is made here decodes to the same quantities and channels, and to the same
//! values within one step of each object.

use std::collections::BTreeMap;

use model::{Channel, Quantity, Unit};

use super::index::Row;
use super::template::Places;
use super::{
    Condition, Key, KeySource, Lookup, Measured, Oid, ScaleForm, SnmpProfile, SnmpTable, SnmpValue, Syntax,
    TableReading, VarBinds,
};
use crate::{Amount, Conversion, EncodeError};

/// A value that the device is to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What is measured.
    pub quantity: Quantity,
    /// At which part of the device.
    pub channel: Channel,
    /// How much, in the canonical unit.
    pub amount: Amount,
}

/// Rows that were given to parts of the device so far, for tables whose row numbers mean nothing.
#[derive(Default)]
struct Rows(BTreeMap<usize, Vec<Places>>);

impl Rows {
    /// The number of the row for these places, from 1; parts get their rows in the order in which they are named.
    fn number(&mut self, table: usize, places: &Places) -> u32 {
        let rows = self.0.entry(table).or_default();
        let known = rows.iter().position(|row| row == places);
        let at = known.unwrap_or_else(|| {
            rows.push(places.clone());
            rows.len() - 1
        });
        u32::try_from(at + 1).unwrap_or(u32::MAX)
    }
}

impl SnmpProfile {
    /// The objects that show `wanted`. The same list of channels gives the same rows.
    ///
    /// # Errors
    /// If the profile has no such reading or the value does not fit its object.
    pub fn encode(&self, wanted: &[Wanted]) -> Result<VarBinds, EncodeError> {
        let mut rows = Rows::default();
        let mut binds = VarBinds::new();
        for one in wanted {
            self.encode_one(one, &mut rows, &mut binds)?;
        }
        Ok(binds)
    }

    fn encode_one(&self, one: &Wanted, rows: &mut Rows, binds: &mut VarBinds) -> Result<(), EncodeError> {
        let scalar =
            self.scalars.iter().find(|it| it.measured.quantity == one.quantity && it.channel == one.channel);
        if let Some(scalar) = scalar {
            let value = scalar.measured.show(one.amount, &Row::default(), binds, &scalar.oid)?;
            binds.insert(scalar.oid.clone(), value);
            show_conditions(&scalar.only_if, &Row::default(), binds);
            return Ok(());
        }
        for (n, table) in self.tables.iter().enumerate() {
            for reading in table.readings.iter().filter(|it| it.measured.quantity == one.quantity) {
                let Some(places) = table.places(reading, &one.channel) else { continue };
                let row = table.row(reading, &places, |places| rows.number(n, places));
                table.show_keys(reading, &places, &row, binds);
                let oid = reading.column.child(row.arcs());
                let value = reading.measured.show(one.amount, &row, binds, &oid)?;
                binds.insert(oid, value);
                show_conditions(&reading.only_if, &row, binds);
                return Ok(());
            }
        }
        Err(EncodeError::NoSuchReading { quantity: one.quantity, channel: one.channel.clone() })
    }
}

impl SnmpTable {
    /// The raw values of the places that make `channel`; `None` if this reading cannot make it.
    fn places(&self, reading: &TableReading, channel: &Channel) -> Option<Places> {
        let options = |place: &str, rest: &str| match self.keys.iter().find(|key| key.name == place) {
            Some(key) => key.fillings(rest),
            None => number_at(rest).map(|number| (number.clone(), number)).into_iter().collect(),
        };
        let mut places = reading.channel.unfill(channel.as_str(), &options)?;
        places.sort();
        // A place that stands twice in a template must mean the same thing both times.
        places.dedup();
        places.windows(2).all(|pair| pair[0].0 != pair[1].0).then_some(places)
    }

    /// The index of the row: numbers that the channel tells, the type if it is in the index, and else 1, but for the
    /// last of those, which counts the rows.
    fn row(&self, reading: &TableReading, places: &Places, number: impl FnOnce(&Places) -> u32) -> Row {
        let told = |n: usize| {
            let name = &self.index.get(n)?.name;
            let key = self.keys.iter().find(|key| key.from == KeySource::Index(n)).map(|key| &key.name);
            let of_type = self.type_key.as_ref().filter(|of| *of == name || Some(*of) == key);
            match (of_type, &reading.row_type) {
                (Some(_), Some(row_type)) => Some(row_type.replace('*', "")),
                _ => places
                    .iter()
                    .find(|(place, _)| place == name || Some(place) == key)
                    .map(|(_, raw)| raw.clone()),
            }
        };
        let mut row: Vec<Option<String>> = (0..self.index.len()).map(told).collect();
        if let Some(last) = row.iter_mut().rev().find(|raw| raw.is_none()) {
            *last = Some(number(places).to_string());
        }
        Row::of(&self.index, &row)
    }

    /// The columns from which the channel and the type of the row are read.
    fn show_keys(&self, reading: &TableReading, places: &Places, row: &Row, binds: &mut VarBinds) {
        for key in &self.keys {
            let KeySource::Object(lookup) = &key.from else { continue };
            let of_type = reading.row_type.as_ref().filter(|_| self.type_key.as_ref() == Some(&key.name));
            let place = || places.iter().find(|(place, _)| *place == key.name).map(|(_, raw)| raw.clone());
            let raw = of_type.map(|row_type| row_type.replace('*', "")).or_else(place);
            let (Some(raw), Some(oid)) = (raw, lookup.at(row)) else { continue };
            let value = match raw.parse::<i64>() {
                Ok(number) => SnmpValue::Integer(number),
                Err(_) => SnmpValue::OctetString(raw.into_bytes()),
            };
            binds.insert(oid, value);
        }
    }
}

impl Key {
    /// The (filling, raw value) pairs with which `rest` can begin; those of the map first.
    fn fillings(&self, rest: &str) -> Vec<(String, String)> {
        let mapped = self.map.iter().filter(|(_, to)| rest.starts_with(to.as_str()) && !to.is_empty());
        let mut pairs: Vec<_> = mapped.map(|(from, to)| (to.clone(), from.clone())).collect();
        pairs.sort_by_key(|(filling, _)| std::cmp::Reverse(filling.len()));
        pairs.extend(self.unmapped(rest));
        pairs.extend(
            self.map.iter().filter(|(_, to)| to.is_empty()).map(|(from, to)| (to.clone(), from.clone())),
        );
        pairs
    }

    fn unmapped(&self, rest: &str) -> Option<(String, String)> {
        let (before, after) = self.otherwise.as_ref()?.split_once("{}")?;
        let raw = number_at(rest.strip_prefix(before)?)?;
        let is_other = self.skip.contains(&raw) || self.map.iter().any(|(from, _)| *from == raw);
        (!is_other).then(|| (format!("{before}{raw}{after}"), raw))
    }
}

fn number_at(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}

fn show_conditions(conditions: &[Condition], row: &Row, binds: &mut VarBinds) {
    for condition in conditions {
        // A condition that only forbids values holds for an object that is not there.
        let value = match condition {
            Condition::Is(_, codes) => codes.first().map(|code| SnmpValue::Integer(*code)),
            Condition::IsText(_, texts) => {
                texts.first().map(|it| SnmpValue::OctetString(it.clone().into_bytes()))
            }
            Condition::IsNot(..) | Condition::IsNotText(..) => None,
        };
        if let (Some(value), Some(oid)) = (value, condition.lookup().at(row)) {
            binds.entry(oid).or_insert(value);
        }
    }
}

impl Measured {
    /// The value of the object; puts the objects that tell unit and scale beside it.
    fn show(
        &self,
        amount: Amount,
        row: &Row,
        binds: &mut VarBinds,
        oid: &Oid,
    ) -> Result<SnmpValue, EncodeError> {
        let out = || EncodeError::OutOfRange(oid.to_string());
        if let Some(from) = &self.unit_from {
            let code = from.codes.iter().find(|(_, unit)| *unit == self.unit).map(|(code, _)| code);
            tell(&from.at, row, code.map(String::as_str), binds);
        }
        let mut scale = self.scale;
        let digits = usual_digits(self.quantity.unit(), self.unit);
        // Where there are two, the prefix is none and the digits tell all.
        let first = if self.precision_from.is_some() { 0 } else { digits };
        for (from, digits) in [(&self.scale_from, first), (&self.precision_from, digits)] {
            let Some(from) = from else { continue };
            let number = from.form.number(digits);
            tell(&from.at, row, Some(&number.to_string()), binds);
            scale = from.form.factor(number).and_then(|factor| scale.times(factor)).ok_or_else(out)?;
        }
        let conversion = Conversion::new(self.quantity, scale, self.unit).map_err(|_| out())?;
        let number = conversion.encode(amount, self.quantity.kind()).ok_or_else(out)?;
        let number = match self.wraps_at.and_then(|wrap| i64::try_from(wrap).ok()) {
            Some(wrap) if self.quantity.kind() == model::SeriesKind::Counter => number.rem_euclid(wrap),
            _ => number,
        };
        self.syntax.value(number).ok_or_else(out)
    }
}

fn tell(lookup: &Lookup, row: &Row, code: Option<&str>, binds: &mut VarBinds) {
    if let (Some(code), Some(oid)) = (code, lookup.at(row)) {
        let value = match code.parse::<i64>() {
            Ok(number) => SnmpValue::Integer(number),
            Err(_) => SnmpValue::OctetString(code.as_bytes().to_vec()),
        };
        binds.insert(oid, value);
    }
}

/// Digits behind the point as a Raritan PX3 shows them: 7.467 A, 229 V, 1665 W, 0.98, 74057676 Wh, 50.0 Hz.
fn usual_digits(canonical: Unit, unit: Unit) -> i64 {
    match (canonical, unit) {
        (Unit::Ampere, _) => 3,
        (Unit::One, _) => 2,
        (Unit::Hertz | Unit::Celsius | Unit::Percent, _) => 1,
        _ => 0,
    }
}

impl ScaleForm {
    /// The number by which a device says that there are `digits` digits behind the point.
    fn number(self, digits: i64) -> i64 {
        let power = || (0..digits).fold(1, |power, _| power * 10);
        match self {
            Self::Digits => digits,
            Self::Power => -digits,
            Self::Divisor => power(),
            Self::SignedFactor => -power(),
            Self::SiPrefix => 9 - (digits + 2) / 3,
        }
    }
}

impl Syntax {
    /// The number as a value of this kind; `None` if it does not fit.
    fn value(self, number: i64) -> Option<SnmpValue> {
        let short = || u32::try_from(number).ok();
        Some(match self {
            Self::Integer => SnmpValue::Integer(i64::from(i32::try_from(number).ok()?)),
            Self::Gauge32 => SnmpValue::Gauge32(short()?),
            Self::Counter32 => SnmpValue::Counter32(short()?),
            Self::Counter64 => SnmpValue::Counter64(u64::try_from(number).ok()?),
            Self::TimeTicks => SnmpValue::TimeTicks(short()?),
            Self::Text => SnmpValue::OctetString(number.to_string().into_bytes()),
        })
    }
}
