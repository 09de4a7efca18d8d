//! A TOML table whose keys are asked for one by one.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use crate::text::{duration_from_text, size_from_text};
use crate::{Mistake, Mistakes};

/// More than this and a text is refused without being read: no site of a city comes near it.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// Reads a whole text with `read`, which asks its table for keys.
///
/// # Errors
/// Every mistake found: broken TOML, keys missing, of the wrong type, out of range, or unknown.
pub fn read<T>(file: &str, text: &str, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Result<T, Mistakes> {
    let notes = Notes { file, text, mistakes: RefCell::default() };
    if text.len() > TEXT_BYTES_MAX {
        notes.add(
            0,
            String::new(),
            format!("{} bytes are too long, at most {TEXT_BYTES_MAX} are read", text.len()),
        );
        return Err(Mistakes(notes.mistakes.into_inner()));
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        notes.add(at, String::new(), error.message().trim().replace('\n', "; "));
    }
    let table = Table {
        notes: &notes,
        entries: root.get_ref(),
        at: root.span().start,
        path: String::new(),
        asked: RefCell::default(),
    };
    let value = read(&table);
    table.note_unknown_keys();
    let mut mistakes = notes.mistakes.into_inner();
    // What recovery makes of broken TOML misleads: the broken places come first and alone.
    if !errors.is_empty() {
        mistakes.truncate(errors.len());
    }
    mistakes.sort_by_key(|mistake| mistake.line);
    match value {
        Some(value) if mistakes.is_empty() => Ok(value),
        None if mistakes.is_empty() => Err(Mistakes(vec![Mistake {
            file: file.to_owned(),
            line: 1,
            key: String::new(),
            what: "cannot be read".to_owned(),
        }])),
        _ => Err(Mistakes(mistakes)),
    }
}

struct Notes<'d> {
    file: &'d str,
    text: &'d str,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Notes<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }

    fn add(&self, at: usize, key: String, what: String) {
        let mistake = Mistake { file: self.file.to_owned(), line: self.line(at), key, what };
        self.mistakes.borrow_mut().push(mistake);
    }
}

/// A table of a TOML text. Each method asks for one key: the required ones give `None` and note a mistake if it is
/// missing or wrong, the `optional_` ones only if it is wrong.
pub struct Table<'d> {
    notes: &'d Notes<'d>,
    entries: &'d DeTable<'d>,
    at: usize,
    path: String,
    asked: RefCell<BTreeSet<String>>,
}

impl std::fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table")
            .field("file", &self.notes.file)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Table<'_> {
    /// The line on which the table begins, from 1.
    pub fn line(&self) -> usize {
        self.notes.line(self.at)
    }

    /// The line of a key's value, or of the table if there is no such key.
    pub fn line_of(&self, key: &str) -> usize {
        self.notes.line(self.entries.get(key).map_or(self.at, |value| value.span().start))
    }

    /// Is there such a key? Does not count as asking for it.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The keys of this table, in no special order. Counts as asking for all of them.
    pub fn keys(&self) -> Vec<String> {
        let keys: Vec<String> = self.entries.keys().map(|key| key.get_ref().to_string()).collect();
        self.asked.borrow_mut().extend(keys.iter().cloned());
        keys
    }

    /// Notes a mistake that the reader found, at `key` if there is such a key, else at the table.
    pub fn mistake(&self, key: &str, what: impl Display) {
        let at = self.entries.get(key).map_or(self.at, |value| value.span().start);
        self.notes.add(at, self.path_of(key), what.to_string());
    }

    /// A text.
    pub fn string(&self, key: &str) -> Option<String> {
        self.required(key, Self::optional_string)
    }

    /// A text, if there.
    pub fn optional_string(&self, key: &str) -> Option<String> {
        self.get(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A text that is read by `FromStr`.
    pub fn parsed<T: FromStr<Err: Display>>(&self, key: &str) -> Option<T> {
        self.required(key, Self::optional_parsed)
    }

    /// A text that is read by `FromStr`, if there.
    pub fn optional_parsed<T: FromStr<Err: Display>>(&self, key: &str) -> Option<T> {
        let text = self.optional_string(key)?;
        self.noted(key, text.parse())
    }

    /// A number, whole or not, as it is written, read by `FromStr`: for exact decimals. A text is taken as well.
    pub fn optional_number<T: FromStr<Err: Display>>(&self, key: &str) -> Option<T> {
        let text = self.get(key, "a number", |value| match value {
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().replace('_', "")),
            DeValue::Float(number) => Some(number.as_str().replace('_', "")),
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        })?;
        self.noted(key, text.parse())
    }

    /// As [`optional_number`](Self::optional_number), but it must be there.
    pub fn number<T: FromStr<Err: Display>>(&self, key: &str) -> Option<T> {
        self.required(key, Self::optional_number)
    }

    /// A whole number within bounds.
    pub fn integer(&self, key: &str, within: RangeInclusive<i64>) -> Option<i64> {
        self.required(key, |table, key| table.optional_integer(key, within.clone()))
    }

    /// A whole number within bounds, if there. Decimal or `0x` hexadecimal.
    pub fn optional_integer(&self, key: &str, within: RangeInclusive<i64>) -> Option<i64> {
        let expected = format!("a whole number from {} to {}", within.start(), within.end());
        self.get(key, &expected, |value| {
            let number = value.as_integer()?;
            let digits = number.as_str().replace('_', "");
            i64::from_str_radix(&digits, number.radix()).ok().filter(|number| within.contains(number))
        })
    }

    /// `true` or `false`, if there.
    pub fn optional_boolean(&self, key: &str) -> Option<bool> {
        self.get(key, "true or false", |value| value.as_str().is_none().then(|| value.as_bool()).flatten())
    }

    /// A duration written as text, within bounds, if there: `"10s"`.
    pub fn optional_duration(&self, key: &str, within: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.optional_string(key)?;
        let duration = self.noted(key, duration_from_text(&text))?;
        if within.contains(&duration) {
            return Some(duration);
        }
        self.mistake(
            key,
            format_args!("found \"{text}\", expected {:?} to {:?}", within.start(), within.end()),
        );
        None
    }

    /// A duration written as text, within bounds.
    pub fn duration(&self, key: &str, within: RangeInclusive<Duration>) -> Option<Duration> {
        self.required(key, |table, key| table.optional_duration(key, within.clone()))
    }

    /// A size in bytes written as text, if there: `"2 GiB"`.
    pub fn optional_size(&self, key: &str) -> Option<u64> {
        let text = self.optional_string(key)?;
        self.noted(key, size_from_text(&text))
    }

    /// A local date, written bare as TOML has it or as text, if there: `2026-01-31`.
    pub fn optional_date(&self, key: &str) -> Option<Date> {
        let text = self.get(key, "a date such as 2026-01-31", |value| match value {
            DeValue::Datetime(date) if date.time.is_none() && date.offset.is_none() => Some(date.to_string()),
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        })?;
        self.noted(key, text.parse::<Date>().map_err(|_| format!("`{text}` is no date such as 2026-01-31")))
    }

    /// A local date.
    pub fn date(&self, key: &str) -> Option<Date> {
        self.required(key, Self::optional_date)
    }

    /// A list of texts; an absent key is an empty list.
    pub fn strings(&self, key: &str) -> Vec<String> {
        self.get(key, "a list of texts", |value| {
            value.as_array()?.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        })
        .unwrap_or_default()
    }

    /// A list of whole numbers; an absent key is an empty list.
    pub fn integers(&self, key: &str) -> Vec<i64> {
        self.get(key, "a list of whole numbers", |value| {
            let number = |item: &Spanned<DeValue<'_>>| {
                let number = item.get_ref().as_integer()?;
                i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
            };
            value.as_array()?.iter().map(number).collect()
        })
        .unwrap_or_default()
    }

    /// A table, read by `read`.
    pub fn table<T>(&self, key: &str, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Option<T> {
        self.present(key)?;
        self.optional_table(key, read)
    }

    /// A table, read by `read`, if there.
    pub fn optional_table<T>(&self, key: &str, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Option<T> {
        self.asked.borrow_mut().insert(key.to_owned());
        let value = self.entries.get(key)?;
        let Some(entries) = value.get_ref().as_table() else {
            self.mistake(key, wrong_type(value.get_ref(), "a table"));
            return None;
        };
        self.inside(entries, value.span().start, self.path_of(key), read)
    }

    /// A list of tables (`[[key]]`), each read by `read`; those that could not be read are left out and noted.
    pub fn tables<T>(&self, key: &str, mut read: impl FnMut(&Table<'_>) -> Option<T>) -> Vec<T> {
        self.asked.borrow_mut().insert(key.to_owned());
        let Some(value) = self.entries.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.mistake(key, wrong_type(value.get_ref(), "a list of tables"));
            return Vec::new();
        };
        let mut all = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            let path = format!("{}.{}", self.path_of(key), n + 1);
            match item.get_ref().as_table() {
                Some(entries) => all.extend(self.inside(entries, item.span().start, path, &mut read)),
                None => self.notes.add(item.span().start, path, wrong_type(item.get_ref(), "a table")),
            }
        }
        all
    }

    fn inside<T>(
        &self,
        entries: &DeTable<'_>,
        at: usize,
        path: String,
        read: impl FnOnce(&Table<'_>) -> Option<T>,
    ) -> Option<T> {
        let table = Table { notes: self.notes, entries, at, path, asked: RefCell::default() };
        let value = read(&table);
        table.note_unknown_keys();
        value
    }

    fn get<T>(&self, key: &str, expected: &str, take: impl FnOnce(&DeValue<'_>) -> Option<T>) -> Option<T> {
        self.asked.borrow_mut().insert(key.to_owned());
        let value = self.entries.get(key)?;
        let taken = take(value.get_ref());
        if taken.is_none() {
            self.mistake(key, wrong_type(value.get_ref(), expected));
        }
        taken
    }

    fn required<T>(&self, key: &str, get: impl FnOnce(&Self, &str) -> Option<T>) -> Option<T> {
        self.present(key)?;
        get(self, key)
    }

    fn present(&self, key: &str) -> Option<()> {
        self.asked.borrow_mut().insert(key.to_owned());
        if self.has(key) {
            return Some(());
        }
        self.notes.add(self.at, self.path_of(key), "is missing".to_owned());
        None
    }

    fn noted<T, E: Display>(&self, key: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.mistake(key, error)).ok()
    }

    fn path_of(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }

    fn note_unknown_keys(&self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries {
            let name = key.get_ref().as_ref();
            if asked.contains(name) {
                continue;
            }
            let known = asked.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
            let what = format!("is no known key here; known are {known}");
            self.notes.add(key.span().start, self.path_of(name), what);
        }
    }
}

fn wrong_type(found: &DeValue<'_>, expected: &str) -> String {
    let shown = match found {
        DeValue::String(text) => format!("\"{}\"", text.chars().take(60).collect::<String>()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    };
    format!("found {shown}, expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Device {
        id: String,
        every: Duration,
        register: Option<i64>,
    }

    fn devices(text: &str) -> Result<Vec<Device>, Mistakes> {
        read("agent.toml", text, |root| {
            Some(root.tables("device", |table| {
                let id = table.string("id");
                let every = table.duration("every", Duration::from_secs(1)..=Duration::from_hours(24));
                let register = table.optional_integer("register", 0..=65_535);
                Some(Device { id: id?, every: every?, register })
            }))
        })
    }

    #[test]
    fn a_text_without_mistakes_is_read() {
        let read = devices("[[device]]\nid = \"a\"\nevery = \"10s\"\nregister = 0x10\n").unwrap();
        assert_eq!(read, [Device { id: "a".into(), every: Duration::from_secs(10), register: Some(16) }]);
    }

    #[test]
    fn every_mistake_is_found_at_once_with_its_line() {
        let text =
            "[[device]]\nid = 7\nevery = \"500ms\"\n\n[[device]]\nid = \"b\"\nregister = 70000\ncolour = 1\n";
        let said = devices(text).unwrap_err().to_string();
        let expected = [
            "agent.toml:2: device.1.id: found 7, expected a text",
            "agent.toml:3: device.1.every: found \"500ms\", expected 1s to 86400s",
            "agent.toml:5: device.2.every: is missing",
            "agent.toml:7: device.2.register: found 70000, expected a whole number from 0 to 65535",
            "agent.toml:8: device.2.colour: is no known key here; known are `every`, `id`, `register`",
        ];
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn broken_toml_is_named_with_its_line_and_nothing_else_is_claimed() {
        let said = devices("[[device]]\nid = \"a\nevery = \"10s\"\n").unwrap_err();
        assert!(said.0.iter().all(|mistake| mistake.line >= 2), "{said}");
        assert!(!said.0.is_empty());
    }

    #[test]
    fn an_exact_decimal_is_taken_as_it_is_written() {
        let text = read("x", "scale = 0.10\n", |root| root.number::<String>("scale")).unwrap();
        assert_eq!(text, "0.10");
    }
}
