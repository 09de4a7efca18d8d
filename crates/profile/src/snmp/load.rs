//! The SNMP half of a profile, as it is written.

use std::sync::Arc;

use model::{Channel, Decimal, Quantity, Side, Unit};
use settings::Table;

use super::load_table::table as read_table;
use super::{
    Against, Condition, IndexPart, InvalidOid, Lookup, Measured, Oid, Scalar, ScaleForm, ScaleLookup,
    Sentinel, SnmpProfile, Syntax, UnitLookup,
};
use crate::Conversion;

/// More scalars or columns than this and something is wrong with the file.
const READINGS_MAX: usize = 2000;
/// A number in a text has no more digits behind the point than a sensor can tell.
const DECIMALS_MAX: i64 = 6;

/// Short names for the beginnings of OIDs, from the table `[base]`: with `a = "1.3.6.1.4.1.318.1.1"`, `a.26.4` is
/// `1.3.6.1.4.1.318.1.1.26.4`.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<(String, Oid)>);

impl Names {
    pub(crate) fn from_table(root: &Table<'_>) -> Self {
        let read = |table: &Table<'_>| {
            let one = |key: String| table.parsed::<Oid>(&key).map(|oid| (key, oid));
            Some(Self(table.keys().into_iter().filter_map(one).collect()))
        };
        root.optional_table("base", read).unwrap_or_default()
    }

    /// The OID that `text` means.
    pub(crate) fn oid(&self, text: &str) -> Result<Oid, InvalidOid> {
        let (first, rest) = text.split_once('.').unwrap_or((text, ""));
        let Some((_, base)) = self.0.iter().find(|(name, _)| name == first) else { return text.parse() };
        if rest.is_empty() {
            return Ok(base.clone());
        }
        Ok(base.child(rest.parse::<Oid>()?.arcs()))
    }

    pub(crate) fn optional(&self, table: &Table<'_>, key: &str) -> Option<Oid> {
        let text = table.optional_string(key)?;
        self.oid(&text).map_err(|error| table.mistake(key, error)).ok()
    }

    pub(crate) fn required(&self, table: &Table<'_>, key: &str) -> Option<Oid> {
        let text = table.string(key)?;
        self.oid(&text).map_err(|error| table.mistake(key, error)).ok()
    }

    /// A list of OIDs; an absent key is an empty list.
    pub(crate) fn list(&self, table: &Table<'_>, key: &str) -> Vec<Oid> {
        let one = |text: String| self.oid(&text).map_err(|error| table.mistake(key, error)).ok();
        table.strings(key).into_iter().filter_map(one).collect()
    }
}

/// What a reading is if it does not say so itself; a table's come before the file's.
#[derive(Clone)]
pub(super) struct Usual {
    pub(super) sentinels: Arc<[Sentinel]>,
    pub(super) minimum: Option<i64>,
    pub(super) syntax: Syntax,
    pub(super) side: Side,
    pub(super) unit_from: Option<Arc<UnitLookup>>,
    pub(super) scale_from: Option<Arc<ScaleLookup>>,
    pub(super) precision_from: Option<Arc<ScaleLookup>>,
}

impl Usual {
    /// What `table` says of these, else what `self` says.
    pub(super) fn or_from(&self, table: &Table<'_>, of: &Context<'_>) -> Self {
        Self {
            sentinels: if table.has("sentinels") { sentinels(table) } else { Arc::clone(&self.sentinels) },
            minimum: table.optional_integer("minimum", i64::MIN..=i64::MAX).or(self.minimum),
            syntax: syntax(table).unwrap_or(self.syntax),
            side: side(table).unwrap_or(self.side),
            unit_from: unit_from(table, of).map(Arc::new).or_else(|| self.unit_from.clone()),
            scale_from: scale_from(table, "scale_from", of).or_else(|| self.scale_from.clone()),
            precision_from: scale_from(table, "precision_from", of).or_else(|| self.precision_from.clone()),
        }
    }
}

/// What names mean at this place of the file.
pub(super) struct Context<'a> {
    pub(super) names: &'a Names,
    /// The parts of a row's index; none for scalars.
    pub(super) index: &'a [IndexPart],
}

impl Context<'_> {
    /// The names of the parts of the index, for mistakes.
    pub(super) fn parts(&self) -> String {
        self.index.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The tables `[snmp]`, `[[scalar]]` and `[[table]]`.
pub(crate) fn profile(root: &Table<'_>, names: &Names) -> SnmpProfile {
    let of = Context { names, index: &[] };
    let none = Usual {
        sentinels: Arc::from([]),
        minimum: None,
        syntax: Syntax::default(),
        side: Side::default(),
        unit_from: None,
        scale_from: None,
        precision_from: None,
    };
    let usual = root.optional_table("snmp", |table| Some(none.or_from(table, &of))).unwrap_or(none);
    let mut scalars: Vec<Scalar> = Vec::new();
    root.tables("scalar", |table| {
        let scalar = scalar(table, &usual, &of)?;
        check_scalar(table, &scalar, &scalars);
        scalars.push(scalar);
        Some(())
    });
    let tables = root.tables("table", |table| read_table(table, &usual, names));
    if !root.has("scalar") && !root.has("table") {
        root.mistake("", "the profile reads nothing: `[[scalar]]` or `[[table]]` is missing");
    }
    if scalars.len() + tables.iter().map(|table| table.readings.len()).sum::<usize>() > READINGS_MAX {
        root.mistake("", format_args!("has more than {READINGS_MAX} scalars and columns"));
    }
    SnmpProfile { scalars, tables }
}

fn scalar(table: &Table<'_>, usual: &Usual, of: &Context<'_>) -> Option<Scalar> {
    let measured = measured(table, usual, of);
    let channel = table.parsed::<Channel>("channel");
    let oid = of.names.required(table, "oid");
    let only_if = conditions(table, of);
    Some(Scalar { measured: measured?, channel: channel?, oid: oid?, only_if })
}

fn check_scalar(table: &Table<'_>, scalar: &Scalar, seen: &[Scalar]) {
    let (quantity, channel) = (scalar.measured.quantity, &scalar.channel);
    for other in seen {
        let same = other.measured.quantity == quantity && other.channel == *channel;
        if same && !scalar.measured.fallback {
            let oid = &other.oid;
            table.mistake(
                "channel",
                format_args!(
                    "{quantity} at `{channel}` is already read from {oid}; say `fallback = true` if meant"
                ),
            );
        }
        if other.oid == scalar.oid {
            table.mistake("oid", format_args!("{} is already read", scalar.oid));
        }
    }
}

/// The keys that say how a number becomes a value.
pub(super) fn measured(table: &Table<'_>, usual: &Usual, of: &Context<'_>) -> Option<Measured> {
    let quantity = table.parsed::<Quantity>("quantity");
    let scale = table.optional_number::<Decimal>("scale").unwrap_or(Decimal::ONE);
    let unit = table.parsed::<Unit>("unit");
    let usual = usual.or_from(table, of);
    let decimals = table.optional_integer("decimals", 0..=DECIMALS_MAX).and_then(|n| u8::try_from(n).ok());
    let wraps_at = table.optional_integer("wraps_at", 2..=i64::MAX).and_then(|wrap| u64::try_from(wrap).ok());
    let fallback = table.optional_boolean("fallback").unwrap_or(false);
    let (quantity, unit) = (quantity?, unit?);
    if let Err(error) = Conversion::new(quantity, scale, unit) {
        table.mistake(if table.has("scale") { "scale" } else { "unit" }, error);
        return None;
    }
    Some(Measured {
        quantity,
        scale,
        unit,
        unit_from: usual.unit_from,
        scale_from: usual.scale_from,
        precision_from: usual.precision_from,
        against: against(table, of).map(Arc::new),
        sentinels: usual.sentinels,
        minimum: usual.minimum,
        decimals: decimals.unwrap_or(0),
        wraps_at,
        side: usual.side,
        fallback,
        syntax: usual.syntax,
    })
}

fn sentinels(table: &Table<'_>) -> Arc<[Sentinel]> {
    let one = |text: String| text.parse().map_or(Sentinel::Text(text), Sentinel::Number);
    table.strings("sentinels").into_iter().map(one).collect()
}

fn syntax(table: &Table<'_>) -> Option<Syntax> {
    let name = table.optional_string("syntax")?;
    let known = [
        ("integer", Syntax::Integer),
        ("gauge32", Syntax::Gauge32),
        ("counter32", Syntax::Counter32),
        ("counter64", Syntax::Counter64),
        ("timeticks", Syntax::TimeTicks),
        ("text", Syntax::Text),
    ];
    let found = known.into_iter().find(|(one, _)| *one == name).map(|(_, syntax)| syntax);
    if found.is_none() {
        table.mistake(
            "syntax",
            format_args!("found \"{name}\", expected one of {}", known.map(|it| it.0).join(", ")),
        );
    }
    found
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

/// `{ oid = ".." }` for a scalar, `{ column = ".." }` for a column at the row's index, with `index = ["pdu"]` at these
/// parts of it, and with `then = [1]` at these numbers behind them.
pub(super) fn lookup(table: &Table<'_>, of: &Context<'_>) -> Option<Lookup> {
    if table.has("oid") {
        return Some(Lookup { base: of.names.required(table, "oid")?, index: Vec::new(), then: Vec::new() });
    }
    let base = of.names.required(table, "column");
    let names = table.strings("index");
    let numbers = table.integers("then");
    let then: Vec<u32> = numbers.iter().filter_map(|number| u32::try_from(*number).ok()).collect();
    if then.len() != numbers.len() {
        table.mistake("then", "numbers from 0 to 4294967295 are expected");
    }
    if of.index.is_empty() {
        table.mistake("column", "a scalar has no row; name a whole object with `oid`");
        return None;
    }
    let place = |name: &String| {
        let found = of.index.iter().position(|one| one.name == *name);
        if found.is_none() {
            table.mistake("index", format_args!("`{name}` is no part of the index, which is {}", of.parts()));
        }
        found
    };
    let named: Option<Vec<usize>> = names.iter().map(place).collect();
    let index = if names.is_empty() { (0..of.index.len()).collect() } else { named? };
    Some(Lookup { base: base?, index, then })
}

fn unit_from(table: &Table<'_>, of: &Context<'_>) -> Option<UnitLookup> {
    table.optional_table("unit_from", |table| {
        let at = lookup(table, of);
        let codes = table.table("codes", |codes| {
            let one = |code: String| codes.parsed::<Unit>(&code).map(|unit| (code, unit));
            Some(codes.keys().into_iter().filter_map(one).collect())
        });
        Some(UnitLookup { at: at?, codes: codes? })
    })
}

fn scale_from(table: &Table<'_>, key: &str, of: &Context<'_>) -> Option<Arc<ScaleLookup>> {
    table.optional_table(key, |table| {
        let at = lookup(table, of);
        let form = match table.string("form")?.as_str() {
            "digits" => ScaleForm::Digits,
            "power" => ScaleForm::Power,
            "divisor" => ScaleForm::Divisor,
            "signed_factor" => ScaleForm::SignedFactor,
            "si_prefix" => ScaleForm::SiPrefix,
            other => {
                let forms = "digits, power, divisor, signed_factor or si_prefix";
                let what = format!("found \"{other}\", expected {forms}");
                table.mistake("form", what);
                return None;
            }
        };
        Some(Arc::new(ScaleLookup { at: at?, form }))
    })
}

/// `against = { volts = { column = ".." }, amperes = { column = "..", scale = 0.1 } }`.
fn against(table: &Table<'_>, of: &Context<'_>) -> Option<Against> {
    table.optional_table("against", |table| {
        let one = |key: &str| {
            table.table(key, |table| {
                let scale = table.optional_number::<Decimal>("scale").unwrap_or(Decimal::ONE);
                Some((lookup(table, of)?, scale))
            })
        };
        let (volts, amperes) = (one("volts"), one("amperes"));
        let ((volts, volt_scale), (amperes, ampere_scale)) = (volts?, amperes?);
        Some(Against { volts, volt_scale, amperes, ampere_scale })
    })
}

/// `only_if = [{ column = "..", is = [1] }, { column = "..", is_not = [4] }, { column = "..", is_not_text = [""] }]`.
pub(super) fn conditions(table: &Table<'_>, of: &Context<'_>) -> Vec<Condition> {
    table.tables("only_if", |table| {
        let at = lookup(table, of);
        let (is, is_not) = (table.integers("is"), table.integers("is_not"));
        let (is_text, is_not_text) = (table.strings("is_text"), table.strings("is_not_text"));
        match (is.is_empty(), is_not.is_empty(), is_text.is_empty(), is_not_text.is_empty()) {
            (false, true, true, true) => Some(Condition::Is(at?, is)),
            (true, false, true, true) => Some(Condition::IsNot(at?, is_not)),
            (true, true, false, true) => Some(Condition::IsText(at?, is_text)),
            (true, true, true, false) => Some(Condition::IsNotText(at?, is_not_text)),
            _ => {
                table.mistake("", "needs one of `is`, `is_not`, `is_text`, `is_not_text`, a list of values");
                None
            }
        }
    })
}
