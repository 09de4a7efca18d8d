//! A device profile: what it is for, how sure it is, and what it reads.

use std::fmt;

use model::ProfileId;
use settings::{Mistakes, Table};
use sha2::{Digest, Sha256};

use crate::modbus::{Defaults, limits, readings};
use crate::snmp::{Names, load_profile};
use crate::{Identification, Identity, Limits, ModbusReading, SnmpProfile};

/// How a device is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Modbus, over TCP or a serial line.
    Modbus,
    /// SNMP.
    Snmp,
}

/// How sure a profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Confidence {
    /// Seen in a named source at these addresses; where there is one, checked against a recording.
    Checked,
    /// Known, not read again: to be verified on a device before it is relied on.
    Known,
}

/// What a profile reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Registers.
    Modbus {
        /// What the device bears.
        limits: Limits,
        /// What is read.
        readings: Vec<ModbusReading>,
    },
    /// Objects.
    Snmp(SnmpProfile),
}

/// A device profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name, `maker-model`.
    pub id: ProfileId,
    /// The maker.
    pub maker: String,
    /// The model or family.
    pub model: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where its facts come from, in words.
    pub sources: String,
    /// How a device is recognised.
    pub identification: Identification,
    /// Where the device says who it is.
    pub identity: Identity,
    /// What it reads.
    pub body: Body,
    hash: [u8; 32],
}

impl Profile {
    /// Reads the text of a profile; `file` is how the file is called in mistakes.
    ///
    /// # Errors
    /// Every mistake: keys missing, unknown or of the wrong type, unknown quantities and units, units that do not fit
    /// their quantity, impossible scales, overlapping registers, a quantity at a channel twice.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        settings::read(file, text, |root| profile(root, Sha256::digest(text.as_bytes()).into()))
    }

    /// SHA-256 of its text.
    pub const fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// How the device is spoken to.
    pub const fn protocol(&self) -> Protocol {
        match self.body {
            Body::Modbus { .. } => Protocol::Modbus,
            Body::Snmp(_) => Protocol::Snmp,
        }
    }

    /// Limits and readings, if it is for Modbus.
    pub fn modbus(&self) -> Option<(&Limits, &[ModbusReading])> {
        match &self.body {
            Body::Modbus { limits, readings } => Some((limits, readings)),
            Body::Snmp(_) => None,
        }
    }

    /// Scalars and tables, if it is for SNMP.
    pub fn snmp(&self) -> Option<&SnmpProfile> {
        match &self.body {
            Body::Snmp(snmp) => Some(snmp),
            Body::Modbus { .. } => None,
        }
    }
}

fn profile(root: &Table<'_>, hash: [u8; 32]) -> Option<Profile> {
    let id = root.parsed::<ProfileId>("id");
    let maker = root.string("maker");
    let model = root.string("model");
    let confidence = confidence(root);
    let sources = root.string("sources");
    let names = Names::from_table(root);
    let identification = Identification::from_table(root, &names);
    let identity = Identity::from_table(root, &names);
    let body = match root.string("protocol").as_deref() {
        Some("modbus") => Some(modbus_body(root)),
        Some("snmp") => Some(Body::Snmp(load_profile(root, &names))),
        Some(other) => {
            root.mistake("protocol", format_args!("found \"{other}\", expected \"modbus\" or \"snmp\""));
            None
        }
        None => None,
    };
    Some(Profile {
        id: id?,
        maker: maker?,
        model: model?,
        confidence: confidence?,
        sources: sources?,
        identification,
        identity,
        body: body?,
        hash,
    })
}

fn confidence(root: &Table<'_>) -> Option<Confidence> {
    match root.string("confidence")?.as_str() {
        "checked" => Some(Confidence::Checked),
        "known" => Some(Confidence::Known),
        other => {
            root.mistake("confidence", format_args!("found \"{other}\", expected \"checked\" or \"known\""));
            None
        }
    }
}

fn modbus_body(root: &Table<'_>) -> Body {
    let read = |table: &Table<'_>| Some((limits(table, Limits::default()), Defaults::from_table(table)));
    let (limits, defaults) = root.optional_table("modbus", read).unwrap_or_default();
    let readings = readings(root, "reading", &defaults);
    if !root.has("reading") {
        root.mistake("", "the profile reads nothing: `[[reading]]` is missing");
    }
    if let Some(wide) = readings.iter().find(|one| one.words() > limits.max_registers) {
        let (source, most) = (wide.source(), limits.max_registers);
        root.mistake("", format_args!("{source} does not fit into one request of at most {most} registers"));
    }
    Body::Modbus { limits, readings }
}

impl Protocol {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modbus => "modbus",
            Self::Snmp => "snmp",
        }
    }
}

impl Confidence {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Known => "known",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
