//! From a walk to the list of objects that matter, and from their values to raw values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::{Channel, Decimal, Encoding, Missing, Quantity, Raw};

use super::describe::channel_word;
use super::index::Row;
use super::parse::Reader;
use super::scale::Product;
use super::{
    Condition, KeySource, Lookup, Measured, Oid, Scalar, SnmpProfile, SnmpTable, SnmpValue, TableReading,
    VarBinds,
};
use crate::SeriesShape;

/// More readings than this of one device are not planned: a full cabinet row behind one card has some hundred.
const READINGS_MAX: usize = 10_000;
/// A power below this share of voltage times current was sent in another unit: kW for W is a thousandth. No load of a
/// data centre has so low a power factor.
const POWER_SHARE_MIN: f64 = 0.05;

/// A reading with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnmpReading {
    /// What it is.
    pub shape: SeriesShape,
    /// Its value, or why there is none.
    pub raw: Result<Raw, Missing>,
}

/// Which objects to ask a device for, and what their values mean. Equal plans of many devices are worth sharing: a
/// reading takes some 400 bytes with its names.
#[derive(Debug, Clone, PartialEq)]
pub struct SnmpPlan {
    oids: Box<[Oid]>,
    readings: Box<[PlannedReading]>,
}

/// A reading of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedReading {
    /// What it is.
    pub shape: SeriesShape,
    value: usize,
    conditions: Vec<(usize, Condition)>,
    against: Option<Product<usize>>,
    reader: Reader,
}

/// A reading that was found, before objects are numbered.
struct Found {
    shape: SeriesShape,
    oid: Oid,
    conditions: Vec<(Oid, Condition)>,
    against: Option<Product<Oid>>,
    reader: Reader,
    fallback: bool,
}

impl SnmpPlan {
    /// The objects to ask for, in order and each once.
    pub fn oids(&self) -> &[Oid] {
        &self.oids
    }

    /// What is read from them.
    pub fn readings(&self) -> &[PlannedReading] {
        &self.readings
    }

    /// One value or reason for each of [`readings`](Self::readings), from the values of [`oids`](Self::oids) in their
    /// order. A value that is not there at all, as in a cut answer, is [`Missing::ShortAnswer`].
    pub fn decode(&self, values: &[SnmpValue]) -> Vec<Result<Raw, Missing>> {
        self.readings.iter().map(|reading| reading.decode(values)).collect()
    }

    fn new(found: Vec<Found>) -> Self {
        let wanted = |one: &Found| {
            let mut oids: Vec<Oid> = one.conditions.iter().map(|(oid, _)| oid.clone()).collect();
            oids.extend(one.against.iter().flat_map(|of| [of.volts.0.clone(), of.amperes.0.clone()]));
            oids.push(one.oid.clone());
            oids
        };
        let oids: Box<[Oid]> = found.iter().flat_map(wanted).collect::<BTreeSet<_>>().into_iter().collect();
        let place: BTreeMap<&Oid, usize> = oids.iter().enumerate().map(|(n, oid)| (oid, n)).collect();
        let readings = found
            .into_iter()
            .map(|one| PlannedReading {
                value: place[&one.oid],
                conditions: one
                    .conditions
                    .into_iter()
                    .map(|(oid, condition)| (place[&oid], condition))
                    .collect(),
                against: one.against.map(|of| of.map(|oid| place[oid])),
                shape: one.shape,
                reader: one.reader,
            })
            .collect();
        Self { oids, readings }
    }
}

impl PlannedReading {
    /// Place of its object in [`SnmpPlan::oids`].
    pub const fn object(&self) -> usize {
        self.value
    }

    fn decode(&self, values: &[SnmpValue]) -> Result<Raw, Missing> {
        let value = values.get(self.value).ok_or(Missing::ShortAnswer)?;
        let holds = |(place, condition): &(usize, Condition)| {
            values.get(*place).is_none_or(|at| holds(condition, at))
        };
        if !self.conditions.iter().all(holds) {
            return Err(Missing::NotAvailable);
        }
        let raw = self.reader.read(value)?;
        if self.against.as_ref().is_some_and(|of| self.is_far_below(raw, of, values)) {
            return Err(Missing::Nonsense);
        }
        Ok(raw)
    }

    /// Is this power far below voltage times current? What is not measured says nothing.
    fn is_far_below(&self, raw: Raw, of: &Product<usize>, values: &[SnmpValue]) -> bool {
        let measured = |(place, scale): &(usize, f64)| {
            let number = values.get(*place)?.number().filter(|number| self.reader.accepts(*number))?;
            Some(Decimal::new(number, 0).to_f64() * scale)
        };
        let (Some(volts), Some(amperes)) = (measured(&of.volts), measured(&of.amperes)) else { return false };
        let watts = raw.to_f64() * 10f64.powi(i32::from(self.shape.exponent));
        watts.abs() < POWER_SHARE_MIN * (volts * amperes).abs()
    }
}

/// Does `condition` hold for this value? What is not there says nothing.
fn holds(condition: &Condition, value: &SnmpValue) -> bool {
    if !value.exists() {
        return true;
    }
    let (number, text) = (|| value.number(), || value.text().unwrap_or_default());
    match condition {
        Condition::Is(_, codes) => number().is_none_or(|number| codes.contains(&number)),
        Condition::IsNot(_, codes) => number().is_none_or(|number| !codes.contains(&number)),
        Condition::IsText(_, texts) => texts.contains(&text()),
        Condition::IsNotText(_, texts) => !texts.contains(&text()),
    }
}

impl SnmpProfile {
    /// Scalars to get in the first round, in order: the values, and the objects that tell their unit or state.
    pub fn scalars_to_get(&self) -> Vec<Oid> {
        let of_scalar = |scalar: &Scalar| {
            let beside = scalar.only_if.iter().map(Condition::lookup);
            let lookups = beside.chain(lookups(&scalar.measured)).map(|lookup| lookup.base.clone());
            lookups.chain([scalar.oid.clone()]).collect::<Vec<_>>()
        };
        let of_tables = self.tables.iter().flat_map(table_lookups).filter(|lookup| lookup.index.is_empty());
        let scalars =
            self.scalars.iter().flat_map(of_scalar).chain(of_tables.map(|lookup| lookup.base.clone()));
        scalars.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Columns to walk in the first round, in order and without index.
    pub fn columns_to_walk(&self) -> Vec<Oid> {
        let values = |table: &SnmpTable| {
            let columns =
                table.readings.iter().flat_map(|one| [Some(&one.column), one.signed_column.as_ref()]);
            columns.flatten().cloned().collect::<Vec<_>>()
        };
        let beside = self.tables.iter().flat_map(table_lookups).filter(|lookup| !lookup.index.is_empty());
        let columns = self.tables.iter().flat_map(values).chain(beside.map(|lookup| lookup.base.clone()));
        columns.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Every reading in what was walked, with its value or the reason why it has none.
    pub fn rows(&self, walk: &VarBinds) -> Vec<SnmpReading> {
        let plan = self.plan_all(walk);
        let values = plan.values(walk);
        let raws = plan.decode(&values);
        plan.readings.into_iter().zip(raws).map(|(one, raw)| SnmpReading { shape: one.shape, raw }).collect()
    }

    /// The plan for a device that answered `walk`, without the readings of which it said that it has no such value:
    /// sensors that are not plugged in, quantities that this model does not measure. They come in with the next walk
    /// that finds them.
    pub fn plan(&self, walk: &VarBinds) -> SnmpPlan {
        let all = self.plan_all(walk);
        let values = all.values(walk);
        let raws = all.decode(&values);
        let oids = all.oids;
        let kept = all.readings.into_iter().zip(raws).filter(|(_, raw)| *raw != Err(Missing::NotAvailable));
        SnmpPlan::new(
            kept.map(|(one, _)| Found {
                oid: oids[one.value].clone(),
                conditions: one
                    .conditions
                    .into_iter()
                    .map(|(n, condition)| (oids[n].clone(), condition))
                    .collect(),
                against: one.against.map(|of| of.map(|place| oids[*place].clone())),
                shape: one.shape,
                reader: one.reader,
                fallback: false,
            })
            .collect(),
        )
    }

    /// The plan for a device that answered `walk`, with every reading that has an object.
    pub fn plan_all(&self, walk: &VarBinds) -> SnmpPlan {
        let mut found: Vec<Found> = self.scalars.iter().filter_map(|scalar| scalar.found(walk)).collect();
        for table in &self.tables {
            for reading in &table.readings {
                found.extend(table.rows(reading, walk));
            }
        }
        found.truncate(READINGS_MAX);
        SnmpPlan::new(without_doubles(found, walk))
    }
}

impl SnmpPlan {
    fn values(&self, walk: &VarBinds) -> Vec<SnmpValue> {
        self.oids.iter().map(|oid| walk.get(oid).cloned().unwrap_or(SnmpValue::NoSuchInstance)).collect()
    }
}

/// One reading for each quantity and channel: the first one, or the first fallback if that has no value. A fallback
/// does not read again what is read already under another channel.
fn without_doubles(found: Vec<Found>, walk: &VarBinds) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::with_capacity(found.len());
    let mut places: BTreeMap<(Quantity, Channel), usize> = BTreeMap::new();
    let mut read: BTreeSet<Oid> = BTreeSet::new();
    for one in found {
        if !read.insert(one.oid.clone()) && one.fallback {
            continue;
        }
        let name = (one.shape.quantity, one.shape.channel.clone());
        match places.get(&name) {
            None => {
                places.insert(name, kept.len());
                kept.push(one);
            }
            Some(place) if one.fallback && !kept[*place].has_value(walk) && one.has_value(walk) => {
                kept[*place] = one;
            }
            Some(_) => {}
        }
    }
    kept
}

impl Found {
    fn has_value(&self, walk: &VarBinds) -> bool {
        walk.get(&self.oid).is_some_and(|value| self.reader.read(value).is_ok())
    }
}

impl Scalar {
    fn found(&self, walk: &VarBinds) -> Option<Found> {
        walk.get(&self.oid).filter(|value| value.exists())?;
        found(&self.measured, self.channel.clone(), self.oid.clone(), &self.only_if, (&Row::default(), walk))
    }
}

impl SnmpTable {
    fn rows<'a>(&'a self, reading: &'a TableReading, walk: &'a VarBinds) -> impl Iterator<Item = Found> + 'a {
        let signed = reading.signed_column.as_ref().filter(|column| below(walk, column).next().is_some());
        let column = signed.unwrap_or(&reading.column);
        below(walk, column).filter_map(move |(oid, value)| {
            let row = Row::read(&self.index, oid.below(column)?)?;
            if !value.exists() || !self.is_of_type(reading, &row, walk) {
                return None;
            }
            let channel = reading.channel.fill(|place| self.filling(place, &row, walk))?;
            let channel = Channel::new(&channel).ok()?;
            found(&reading.measured, channel, oid.clone(), &reading.only_if, (&row, walk))
        })
    }

    fn is_of_type(&self, reading: &TableReading, row: &Row, walk: &VarBinds) -> bool {
        if reading.row_type.is_none() {
            return true;
        }
        let raw = self.type_key.as_ref().and_then(|key| self.raw(key, row, walk));
        raw.is_some_and(|raw| reading.is_of_type(&raw))
    }

    fn filling(&self, place: &str, row: &Row, walk: &VarBinds) -> Option<String> {
        let raw = self.raw(place, row, walk)?;
        match self.keys.iter().find(|key| key.name == place) {
            Some(key) => key.filling(&raw),
            None => Some(raw),
        }
    }

    fn raw(&self, place: &str, row: &Row, walk: &VarBinds) -> Option<String> {
        let Some(key) = self.keys.iter().find(|key| key.name == place) else {
            let part = self.index.iter().position(|part| part.name == place)?;
            return row.raw(&self.index, part).map(|raw| channel_word(&raw));
        };
        match &key.from {
            KeySource::Index(n) => row.raw(&self.index, *n),
            KeySource::Object(lookup) => {
                let value = lookup.at(row).and_then(|oid| walk.get(&oid)).filter(|value| value.exists());
                let text = value.and_then(SnmpValue::text).map(|text| key.cut(&text).to_owned());
                text.or_else(|| key.if_missing.clone())
            }
        }
    }
}

fn below<'w>(walk: &'w VarBinds, column: &Oid) -> impl Iterator<Item = (&'w Oid, &'w SnmpValue)> + use<'w> {
    let column = column.clone();
    walk.range(column.clone()..).take_while(move |(oid, _)| oid.starts_with(&column))
}

fn found(
    measured: &Measured,
    channel: Channel,
    oid: Oid,
    only_if: &[Condition],
    (row, walk): (&Row, &VarBinds),
) -> Option<Found> {
    let conversion = measured.conversion(row, walk)?;
    let conditions = only_if.iter().filter_map(|condition| {
        let oid = condition.lookup().at(row)?;
        walk.get(&oid)?.exists().then(|| (oid, condition.clone()))
    });
    let against = measured.against.as_ref().and_then(|of| of.beside(row, walk));
    Some(Found {
        against,
        shape: SeriesShape {
            quantity: measured.quantity,
            channel,
            encoding: Encoding::Integer,
            exponent: conversion.exponent(),
            wraps_at: measured.wraps_at.and_then(|wrap| conversion.raw_steps(wrap)),
            resolution: conversion.resolution(),
            side: measured.side,
            source: oid.to_string(),
        },
        oid,
        conditions: conditions.collect(),
        reader: Reader {
            conversion,
            sentinels: Arc::clone(&measured.sentinels),
            minimum: measured.minimum,
            decimals: measured.decimals,
        },
        fallback: measured.fallback,
    })
}

fn lookups(measured: &Measured) -> impl Iterator<Item = &Lookup> {
    let unit = measured.unit_from.as_ref().map(|from| &from.at);
    let scale = measured.scale_from.as_ref().map(|from| &from.at);
    let precision = measured.precision_from.as_ref().map(|from| &from.at);
    let against = measured.against.iter().flat_map(|of| [&of.volts, &of.amperes]);
    [unit, scale, precision].into_iter().flatten().chain(against)
}

fn table_lookups(table: &SnmpTable) -> Vec<&Lookup> {
    let keys = table.keys.iter().filter_map(|key| match &key.from {
        KeySource::Object(lookup) => Some(lookup),
        KeySource::Index(_) => None,
    });
    let of_readings = table
        .readings
        .iter()
        .flat_map(|one| lookups(&one.measured).chain(one.only_if.iter().map(Condition::lookup)));
    keys.chain(of_readings).collect()
}
