//! How a device is recognised, and how it says who it is.

use settings::Table;

use crate::snmp::Names;
use crate::{Function, Oid, VarBinds};

/// The longest text or signature that is read from a device, in registers.
const WORDS_MAX: i64 = 32;
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
    /// What they hold.
    pub words: Vec<u16>,
}

impl Signature {
    /// Is this what the registers hold?
    pub fn matches(&self, words: &[u16]) -> bool {
        self.words == words
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
            })
        };
        root.optional_table("identity", read).unwrap_or_default()
    }
}

fn rank(table: &Table<'_>) -> i8 {
    let rank = table.optional_integer("rank", -9..=9).unwrap_or(0);
    i8::try_from(rank).unwrap_or(0)
}

/// `{ function = 3, register = 0xC350, words = [0x53, 0x4F] }`.
fn signature(table: &Table<'_>) -> Option<Signature> {
    let (function, register) = place(table);
    let numbers = table.integers("words");
    let words: Vec<u16> = numbers.iter().filter_map(|word| u16::try_from(*word).ok()).collect();
    if words.is_empty() || words.len() != numbers.len() || numbers.len() > 32 {
        table.mistake("words", format_args!("1 to {WORDS_MAX} numbers from 0 to 65535 are expected"));
        return None;
    }
    Some(Signature { function: function?, register: register?, words })
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
    let count = table.integer("count", 1..=WORDS_MAX).and_then(|count| u16::try_from(count).ok());
    Some(IdentitySource::Registers { function: function?, register: register?, count: count? })
}

fn place(table: &Table<'_>) -> (Option<Function>, Option<u16>) {
    let function = table.integer("function", 3..=4).and_then(Function::from_code);
    let register = table.integer("register", 0..=65_535).and_then(|register| u16::try_from(register).ok());
    (function, register)
}
