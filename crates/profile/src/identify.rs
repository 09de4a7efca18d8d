//! How a device is recognised, and how it says who it is.

use settings::Table;

use crate::snmp::Names;
use crate::{Function, Oid, VarBinds};

/// The longest text or signature that is read from a device, in registers.
const WORDS_MAX: usize = 32;
/// The longest text of a name plate that is kept, in characters; sysDescr may have 255.
const TEXT_MAX: usize = 255;

/// How a device is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identification {
    /// Beginnings of sysObjectID (1.3.6.1.2.1.1.2.0); one must fit.
    pub object_ids: Vec<Oid>,
    /// Objects that must all have a value, or tables and groups of which the device must have some object.
    pub probes: Vec<Oid>,
    /// Registers that must all hold what is said.
    pub signatures: Vec<Signature>,
    /// Of profiles that fit a device equally well, the one with the higher rank is taken; 0 unless said.
    pub rank: i8,
}

/// Registers by which a device is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// By which function they are read.
    pub function: Function,
    /// Address of the first, from 0.
    pub register: u16,
    /// What they hold, or for `texts` an example of it; as many are to be read.
    pub words: Vec<u16>,
    /// Texts, two characters in each register, one of which the registers begin with, whatever the case; empty if the
    /// words themselves are meant.
    pub texts: Vec<String>,
}

impl Signature {
    /// Is this what the registers hold?
    pub fn matches(&self, words: &[u16]) -> bool {
        if self.texts.is_empty() {
            return self.words == words;
        }
        let found: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        let begins =
            |text: &String| found.get(..text.len()).is_some_and(|f| f.eq_ignore_ascii_case(text.as_bytes()));
        self.texts.iter().any(begins)
    }
}

/// Where a device says who it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Maker, where one map serves many.
    pub maker: Option<IdentitySource>,
    /// Model.
    pub model: Option<IdentitySource>,
    /// Serial number.
    pub serial: Option<IdentitySource>,
    /// Version of its program.
    pub firmware: Option<IdentitySource>,
    /// What time it thinks it is.
    pub clock: Option<ClockSource>,
}

/// Where a device's clock stands. It is shown when a device is probed and compared with the true time there; it is no
/// series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSource {
    /// By which function it is read.
    pub function: Function,
    /// Address of the first register, from 0.
    pub register: u16,
    /// What it looks like.
    pub form: ClockForm,
}

/// What a device's clock looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockForm {
    /// Seconds since 1970-01-01 as u32, high word first.
    Unix,
    /// Year, month, day, hour, minute, second, a word each.
    Words,
    /// Four words as IEC 60870-5-4 has it: year (7 bits, from 2000); month, day; hour, minute; milliseconds.
    Iec870,
}

impl ClockForm {
    /// Registers that it takes.
    pub const fn words(self) -> u16 {
        match self {
            Self::Unix => 2,
            Self::Words => 6,
            Self::Iec870 => 4,
        }
    }

    /// The time, as the device means it: `2026-01-31 13:05:00`, seconds since 1970 as `@1769864700`; `None` if the words
    /// are no time.
    pub fn text(self, words: &[u16]) -> Option<String> {
        let parts = match (self, words) {
            (Self::Unix, &[high, low, ..]) => {
                let seconds = u32::from(high) << 16 | u32::from(low);
                return (seconds != 0 && seconds != u32::MAX).then(|| format!("@{seconds}"));
            }
            (Self::Words, &[year, month, day, hour, minute, second, ..]) => {
                [year, month, day, hour, minute, second]
            }
            (Self::Iec870, &[year, date, time, ms, ..]) => {
                let (month, day) = (date >> 8 & 0xF, date & 0x1F);
                [2000 + (year & 0x7F), month, day, time >> 8 & 0x1F, time & 0x3F, ms / 1000]
            }
            _ => return None,
        };
        let [year, month, day, hour, minute, second] = parts;
        let is_time = (1970..=2199).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 61;
        is_time.then(|| format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
    }
}

/// Where a text stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// In an SNMP object; below it, the first that has a value.
    Object(Oid),
    /// A word in the text of an SNMP object, such as `MN:AP8853` in sysDescr.
    Word {
        /// The object.
        oid: Oid,
        /// What stands before the word.
        after: String,
    },
    /// In registers, two characters in each.
    Registers {
        /// By which function they are read.
        function: Function,
        /// Address of the first, from 0.
        register: u16,
        /// How many.
        count: u16,
    },
}

impl IdentitySource {
    /// The SNMP object in which it stands.
    pub const fn object(&self) -> Option<&Oid> {
        match self {
            Self::Object(oid) | Self::Word { oid, .. } => Some(oid),
            Self::Registers { .. } => None,
        }
    }

    /// What it is, from the text of its object; `None` if nothing readable is there.
    pub fn from_object(&self, text: &str) -> Option<String> {
        let found = match self {
            Self::Word { after, .. } => {
                let rest = text.split_once(after.as_str())?.1.trim_start();
                rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | ')' | '(')).next()?
            }
            Self::Object(_) | Self::Registers { .. } => text,
        };
        let found: String = found.trim().chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect();
        (!found.is_empty()).then_some(found)
    }

    /// The text in registers: two characters in each, or one in each where every upper byte is 0, up to the first 0
    /// character; `None` if nothing readable is there.
    pub fn text(words: &[u16]) -> Option<String> {
        let bytes = words.iter().flat_map(|word| word.to_be_bytes());
        let one_each = words.iter().all(|word| *word < 0x100);
        let characters: Vec<u8> = if one_each {
            words.iter().map(|word| word.to_be_bytes()[1]).take_while(|byte| *byte != 0).collect()
        } else {
            bytes.take_while(|byte| *byte != 0).collect()
        };
        let text = String::from_utf8_lossy(&characters);
        let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
        (!text.is_empty()).then_some(text)
    }
}

impl Identification {
    /// Length of the longest known beginning of `object_id`; `None` if none fits.
    pub fn object_id_match(&self, object_id: &Oid) -> Option<usize> {
        self.object_ids
            .iter()
            .filter(|prefix| object_id.starts_with(prefix))
            .map(|prefix| prefix.arcs().len())
            .max()
    }

    /// Do all probed objects have a value in `answers`, or something below them?
    pub fn probes_answer(&self, answers: &VarBinds) -> bool {
        self.probes.iter().all(|probe| Self::answers(probe, answers))
    }

    /// Has `probe`, or something below it, a value in `answers`?
    pub fn answers(probe: &Oid, answers: &VarBinds) -> bool {
        let mut below = answers.range(probe.clone()..).take_while(|(oid, _)| oid.starts_with(probe));
        below.any(|(_, value)| value.exists())
    }

    /// The table `[identify]`.
    pub(crate) fn from_table(root: &Table<'_>, names: &Names) -> Self {
        let read = |table: &Table<'_>| {
            Some(Self {
                object_ids: names.list(table, "object_id"),
                probes: names.list(table, "probe"),
                signatures: table.tables("registers", signature),
                rank: rank(table),
            })
        };
        root.optional_table("identify", read).unwrap_or_default()
    }
}

impl Identity {
    /// The table `[identity]`.
    pub(crate) fn from_table(root: &Table<'_>, names: &Names) -> Self {
        let read = |table: &Table<'_>| {
            let source = |key| table.optional_table(key, |table| identity_source(table, names));
            Some(Self {
                maker: source("maker"),
                model: source("model"),
                serial: source("serial"),
                firmware: source("firmware"),
                clock: table.optional_table("clock", clock_source),
            })
        };
        root.optional_table("identity", read).unwrap_or_default()
    }
}

fn rank(table: &Table<'_>) -> i8 {
    let rank = table.optional_integer("rank", -9..=9).unwrap_or(0);
    i8::try_from(rank).unwrap_or(0)
}

/// `{ function = 3, register = 0xC350, words = [0x53, 0x4F] }`, or `text = ["acme x2", "acme x3"]` instead of `words`.
fn signature(table: &Table<'_>) -> Option<Signature> {
    let (function, register) = place(table);
    let (words, texts) = if table.has("text") { texts(table) } else { (plain_words(table), Vec::new()) };
    if words.is_empty() {
        return None;
    }
    Some(Signature { function: function?, register: register?, words, texts })
}

fn plain_words(table: &Table<'_>) -> Vec<u16> {
    let numbers = table.integers("words");
    let words: Vec<u16> = numbers.iter().filter_map(|word| u16::try_from(*word).ok()).collect();
    if words.is_empty() || words.len() != numbers.len() || words.len() > WORDS_MAX {
        table.mistake("words", format_args!("1 to {WORDS_MAX} numbers from 0 to 65535 are expected"));
        return Vec::new();
    }
    words
}

/// The first text as words, filled up with 0 to the length of the longest, and all of them.
fn texts(table: &Table<'_>) -> (Vec<u16>, Vec<String>) {
    let texts = table.strings("text");
    let most = texts.iter().map(String::len).max().unwrap_or(0);
    if texts.iter().any(String::is_empty) || most == 0 || most.div_ceil(2) > WORDS_MAX {
        table.mistake(
            "text",
            format_args!("1 or more texts of 1 to {} characters are expected", WORDS_MAX * 2),
        );
        return (Vec::new(), Vec::new());
    }
    let mut bytes = texts.first().map(String::as_str).unwrap_or_default().bytes();
    let mut next = || bytes.next().unwrap_or(0);
    let words = (0..most.div_ceil(2)).map(|_| u16::from_be_bytes([next(), next()])).collect();
    (words, texts)
}

/// `{ oid = ".." }`, `{ oid = "..", after = "MN:" }` or `{ function = 3, register = 49, count = 20 }`.
fn identity_source(table: &Table<'_>, names: &Names) -> Option<IdentitySource> {
    if table.has("oid") {
        let oid = names.required(table, "oid");
        return match table.optional_string("after") {
            Some(after) => Some(IdentitySource::Word { oid: oid?, after }),
            None => oid.map(IdentitySource::Object),
        };
    }
    let (function, register) = place(table);
    let count = table.integer("count", 1..=32).and_then(|count| u16::try_from(count).ok());
    Some(IdentitySource::Registers { function: function?, register: register?, count: count? })
}

/// `{ function = 3, register = 1836, form = "iec870" }`.
fn clock_source(table: &Table<'_>) -> Option<ClockSource> {
    let (function, register) = place(table);
    let form = match table.string("form")?.as_str() {
        "unix" => ClockForm::Unix,
        "words" => ClockForm::Words,
        "iec870" => ClockForm::Iec870,
        other => {
            table.mistake(
                "form",
                format_args!("found \"{other}\", expected \"unix\", \"words\" or \"iec870\""),
            );
            return None;
        }
    };
    Some(ClockSource { function: function?, register: register?, form })
}

fn place(table: &Table<'_>) -> (Option<Function>, Option<u16>) {
    let function = table.integer("function", 3..=4).and_then(Function::from_code);
    let register = table.integer("register", 0..=65_535).and_then(|register| u16::try_from(register).ok());
    (function, register)
}
