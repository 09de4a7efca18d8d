//! What a profile says about a device that speaks SNMP.

use std::sync::Arc;

use model::{Channel, Decimal, Quantity, Side, Unit};

use super::index::Row;
use super::{IndexPart, Oid, Template};

/// The objects of a device and what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SnmpProfile {
    /// Objects that are there once.
    pub scalars: Vec<Scalar>,
    /// Tables with a row for each phase, outlet, sensor.
    pub tables: Vec<SnmpTable>,
}

/// How the number in an object becomes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// What is measured.
    pub quantity: Quantity,
    /// The object's number times this is a number in `unit`.
    pub scale: Decimal,
    /// The unit after scaling, unless `unit_from` finds another.
    pub unit: Unit,
    /// Where the device says in which unit it measures.
    pub unit_from: Option<Arc<UnitLookup>>,
    /// Where the device says how the number is scaled; comes on top of `scale`.
    pub scale_from: Option<Arc<ScaleLookup>>,
    /// A second such object, where a device has two: a unit prefix and digits behind the point.
    pub precision_from: Option<Arc<ScaleLookup>>,
    /// Voltage and current beside a power that some devices send in another unit than they should.
    pub against: Option<Arc<Against>>,
    /// Values that say "no value".
    pub sentinels: Arc<[Sentinel]>,
    /// Numbers below this say "no value".
    pub minimum: Option<i64>,
    /// Digits behind the point that are kept of a number that comes as text.
    pub decimals: u8,
    /// Steps of the object after which a counter begins again at 0, if the maker says so.
    pub wraps_at: Option<u64>,
    /// On which side of the instrument transformers it counts.
    pub side: Side,
    /// Used only if nothing before it gives this quantity at this channel.
    pub fallback: bool,
    /// As which kind of value the simulator sends it.
    pub syntax: Syntax,
}

/// An object that is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// What it means.
    pub measured: Measured,
    /// At which part of the device.
    pub channel: Channel,
    /// The object, with its `.0`.
    pub oid: Oid,
    /// Has a value only if all of these hold.
    pub only_if: Vec<Condition>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnmpTable {
    /// The parts that make the index of a row, in order.
    pub index: Vec<IndexPart>,
    /// What fills the places of channel templates; every index name that has no key of its own is one, as it is.
    pub keys: Vec<Key>,
    /// The key whose raw value says of which type a row is, if rows have types.
    pub type_key: Option<String>,
    /// What is read from its rows.
    pub readings: Vec<TableReading>,
}

/// What is read from the rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReading {
    /// What it means.
    pub measured: Measured,
    /// The column, without index.
    pub column: Oid,
    /// The same as a signed number, preferred where the device has it.
    pub signed_column: Option<Oid>,
    /// Only rows of this type have it; `*` stands for any characters.
    pub row_type: Option<String>,
    /// Name of the part of the device.
    pub channel: Template,
    /// A row has a value only if all of these hold.
    pub only_if: Vec<Condition>,
}

/// Fills a place of a channel template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name of the place.
    pub name: String,
    /// Where its raw value comes from.
    pub from: KeySource,
    /// Raw value to filling.
    pub map: Vec<(String, String)>,
    /// Filling for raw values that the map does not have, `{}` standing for the raw value; without it such rows are
    /// left out.
    pub otherwise: Option<String>,
    /// Raw value where the column has no such row.
    pub if_missing: Option<String>,
    /// Raw values whose rows are left out.
    pub skip: Vec<String>,
    /// The raw value is only what follows the last of this in the text.
    pub after: Option<String>,
}

/// Where the raw value of a key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A part of the index, counted from 0.
    Index(usize),
    /// Another object of the row.
    Object(Lookup),
}

/// An object beside the value: a column at the row's index or at a part of it, or a scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The column without index, or the whole scalar.
    pub base: Oid,
    /// Which parts of the row's index follow, counted from 0; none for a scalar.
    pub index: Vec<usize>,
    /// Numbers that follow these, the same for every row.
    pub then: Vec<u32>,
}

/// Where the device says in which unit it measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitLookup {
    /// The object.
    pub at: Lookup,
    /// Its values and what they mean; a row with any other value is left out.
    pub codes: Vec<(String, Unit)>,
}

/// Where the device says how a number is scaled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleLookup {
    /// The object.
    pub at: Lookup,
    /// How its number scales.
    pub form: ScaleForm,
}

/// How the number `n` of another object scales a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleForm {
    /// Divided by 10^n.
    Digits,
    /// Multiplied by 10^n.
    Power,
    /// Divided by n, which must be a power of ten.
    Divisor,
    /// Negative: divided by |n|; positive: multiplied by n; 0: as it is (Rittal CMC III).
    SignedFactor,
    /// The prefix of the unit: 9 is none, 8 milli, 10 kilo and so on (EntitySensorDataScale, RFC 3433).
    SiPrefix,
}

/// Voltage and current of the same row: a power far below their product was sent in another unit than the profile
/// says (kW for W), and is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Against {
    /// The voltage.
    pub volts: Lookup,
    /// Its number times this is in V.
    pub volt_scale: Decimal,
    /// The current.
    pub amperes: Lookup,
    /// Its number times this is in A.
    pub ampere_scale: Decimal,
}

/// What must hold for a value to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The object, if it is there, has one of these values.
    Is(Lookup, Vec<i64>),
    /// The object, if it is there, has none of these values.
    IsNot(Lookup, Vec<i64>),
    /// The object, if it is there, has one of these texts.
    IsText(Lookup, Vec<String>),
    /// The object, if it is there, has none of these texts.
    IsNotText(Lookup, Vec<String>),
}

impl Condition {
    /// The object that it looks at.
    pub const fn lookup(&self) -> &Lookup {
        match self {
            Self::Is(lookup, _)
            | Self::IsNot(lookup, _)
            | Self::IsText(lookup, _)
            | Self::IsNotText(lookup, _) => lookup,
        }
    }
}

/// A value that says "no value".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sentinel {
    /// This number, also as text.
    Number(i64),
    /// This text.
    Text(String),
}

/// Kinds of values that the simulator sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names are those of the SNMP syntaxes")]
pub enum Syntax {
    #[default]
    Integer,
    Gauge32,
    Counter32,
    Counter64,
    TimeTicks,
    Text,
}

impl Lookup {
    /// The object for this row; `None` if its index is too short.
    pub(super) fn at(&self, row: &Row) -> Option<Oid> {
        let parts: Option<Vec<&[u32]>> = self.index.iter().map(|place| row.part(*place)).collect();
        let mut arcs = parts?.concat();
        arcs.extend(&self.then);
        Some(self.base.child(&arcs))
    }
}

impl TableReading {
    /// Is a row of the type `raw` read?
    pub(super) fn is_of_type(&self, raw: &str) -> bool {
        self.row_type.as_ref().is_none_or(|pattern| fits(pattern, raw))
    }
}

/// Does `text` fit `pattern`, in which `*` stands for any characters?
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, others)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(start) else { return false };
    let mut parts = others.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    true
}

impl Key {
    /// The raw value that a text of the device holds.
    pub(super) fn cut<'t>(&self, text: &'t str) -> &'t str {
        let after = self.after.as_deref().and_then(|mark| text.rsplit_once(mark));
        after.map_or(text, |(_, after)| after.trim())
    }

    /// What fills the place for this raw value; `None` if the row is to be left out.
    pub fn filling(&self, raw: &str) -> Option<String> {
        if self.skip.iter().any(|skipped| skipped == raw) {
            return None;
        }
        let mapped = self.map.iter().find(|(from, _)| from == raw).map(|(_, to)| to.clone());
        mapped.or_else(|| self.otherwise.as_ref().map(|pattern| pattern.replace("{}", &channel_word(raw))))
    }
}

/// Texts of a device as words of a channel: `Outlet A1` becomes `outlet-a1`.
pub(super) fn channel_word(raw: &str) -> String {
    let word: String =
        raw.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    word.trim_matches('-').to_owned()
}
