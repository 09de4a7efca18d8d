//! A table of an SNMP profile, as it is written.

use settings::Table;

use super::load::{Context, Names, Usual, conditions, lookup, measured};
use super::{Condition, IndexForm, IndexPart, Key, KeySource, Oid, SnmpTable, TableReading, Template};

/// The most numbers in an index.
const INDEX_MAX: usize = 16;

/// What a reading of a table is if it does not say so itself.
struct TableUsual {
    usual: Usual,
    column: Option<Oid>,
    signed_column: Option<Oid>,
    channel: Option<Template>,
    only_if: Vec<Condition>,
}

/// One `[[table]]`.
pub(super) fn table(table: &Table<'_>, usual: &Usual, names: &Names) -> Option<SnmpTable> {
    let index = index(table)?;
    let of = Context { names, index: &index };
    let type_key = table.optional_string("type");
    let usual = TableUsual {
        usual: usual.or_from(table, &of),
        column: names.optional(table, "column"),
        signed_column: names.optional(table, "signed_column"),
        channel: template(table),
        only_if: conditions(table, &of),
    };
    let keys = table.tables("key", |table| key(table, &of));
    let mut readings: Vec<TableReading> = Vec::new();
    table.tables("reading", |table| {
        let reading = reading(table, &usual, &of)?;
        check(table, &reading, &readings);
        readings.push(reading);
        Some(())
    });
    let read = SnmpTable { index: index.clone(), keys, type_key, readings };
    check_places(table, &read);
    (!read.readings.is_empty()).then_some(read)
}

/// `index = ["pdu", "outlet"]`, `["id:text"]`, `["point:rest"]`.
fn index(table: &Table<'_>) -> Option<Vec<IndexPart>> {
    let names = table.strings("index");
    if names.is_empty() || names.len() > INDEX_MAX {
        let what = format!("1 to {INDEX_MAX} names are expected, one for each number of the index");
        table.mistake("index", what);
        return None;
    }
    let one = |name: &String| name.parse().map_err(|error| table.mistake("index", error)).ok();
    let index: Vec<IndexPart> = names.iter().map(one).collect::<Option<_>>()?;
    if index.iter().rev().skip(1).any(|part| part.form == IndexForm::Rest) {
        table.mistake("index", "`:rest` takes all numbers that are left, so only the last part can be it");
        return None;
    }
    Some(index)
}

fn template(table: &Table<'_>) -> Option<Template> {
    let text = table.optional_string("channel")?;
    Template::new(&text).map_err(|error| table.mistake("channel", error)).ok()
}

/// `name`, `column` (else the number of the index that `of`, or the name itself, names), `map`, `otherwise`,
/// `if_missing`, `skip`, `after`.
fn key(table: &Table<'_>, of: &Context<'_>) -> Option<Key> {
    let name = table.string("name");
    let from = if table.has("column") || table.has("oid") {
        lookup(table, of).map(KeySource::Object)
    } else {
        index_place(table, of)
    };
    let map = table.optional_table("map", |map| {
        Some(map.keys().into_iter().filter_map(|raw| map.string(&raw).map(|to| (raw, to))).collect())
    });
    let otherwise = table.optional_string("otherwise");
    let if_missing = table.optional_string("if_missing");
    let skip = table.strings("skip");
    let after = table.optional_string("after");
    Some(Key { name: name?, from: from?, map: map.unwrap_or_default(), otherwise, if_missing, skip, after })
}

fn index_place(table: &Table<'_>, of: &Context<'_>) -> Option<KeySource> {
    let name = table.optional_string("of").or_else(|| table.optional_string("name"))?;
    let place = of.index.iter().position(|one| one.name == name);
    if place.is_none() {
        table.mistake("name", format_args!("`{name}` is no part of the index, which is {}", of.parts()));
    }
    place.map(KeySource::Index)
}

fn reading(table: &Table<'_>, usual: &TableUsual, of: &Context<'_>) -> Option<TableReading> {
    let measured = measured(table, &usual.usual, of);
    let column = of.names.optional(table, "column").or_else(|| usual.column.clone());
    let channel = template(table).or_else(|| usual.channel.clone());
    let row_type = table.optional_string("type");
    let signed = table.optional_boolean("signed").unwrap_or(false);
    let mut only_if = conditions(table, of);
    only_if.extend(usual.only_if.iter().cloned());
    for (key, missing) in [("column", column.is_none()), ("channel", channel.is_none())] {
        if missing && !table.has(key) {
            table.mistake("", format_args!("`{key}` is missing and the table gives no default"));
        }
    }
    Some(TableReading {
        measured: measured?,
        column: column?,
        signed_column: usual.signed_column.clone().filter(|_| signed),
        row_type,
        channel: channel?,
        only_if,
    })
}

fn check(table: &Table<'_>, reading: &TableReading, seen: &[TableReading]) {
    let quantity = reading.measured.quantity;
    for other in seen {
        let same = other.measured.quantity == quantity && other.channel == reading.channel;
        // Rows of two types may be called the same only if they cannot both be there.
        if same && other.row_type == reading.row_type && !reading.measured.fallback {
            let what = format!("{quantity} at `{}` is already read from {}", reading.channel, other.column);
            table.mistake("channel", format_args!("{what}; say `fallback = true` if meant"));
        }
        if other.column == reading.column && other.row_type == reading.row_type {
            table.mistake("column", format_args!("{} is already read", reading.column));
        }
    }
}

fn check_places(table: &Table<'_>, read: &SnmpTable) {
    let known = |place: &str| {
        read.index.iter().any(|part| part.name == place) || read.keys.iter().any(|key| key.name == place)
    };
    for reading in &read.readings {
        for place in reading.channel.places().filter(|place| !known(place)) {
            table.mistake(
                "",
                format_args!("`{{{place}}}` in `{}` is neither in the index nor a key", reading.channel),
            );
        }
    }
    if let Some(name) = read.type_key.as_ref().filter(|name| !known(name)) {
        table.mistake("type", format_args!("`{name}` is neither in the index nor a key"));
    }
    let typed = read.readings.iter().filter(|one| one.row_type.is_some()).count();
    if typed > 0 && read.type_key.is_none() {
        table.mistake("", "readings have a `type`, but the table does not say which key is the type");
    }
}
