//! A device profile: what it is for, how sure it is, and what it reads.

use std::fmt;

use model::ProfileId;
use settings::{Mistake, Mistakes, Table};
use sha2::{Digest, Sha256};

use crate::modbus::{Defaults, Doubts, limits, profile_readings};
use crate::snmp::{Names, load_profile};
use crate::sunspec::SunSpecProfile;
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
        /// What is read; empty if that is found out by a survey.
        readings: Vec<ModbusReading>,
        /// The models that are looked for, if the device describes itself.
        sunspec: Option<SunSpecProfile>,
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
    /// For which versions of the device's program it holds, in words; `None` if nothing else is known.
    pub firmware: Option<String>,
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
        settings::read(file, text, |root| {
            profile(root, Sha256::digest(text.as_bytes()).into(), Doubts::Ignored)
        })
    }

    /// What is possible in the text of a profile but hardly meant, with file and line. None for a text with mistakes,
    /// which come first.
    pub fn doubts(file: &str, text: &str) -> Vec<Mistake> {
        if Self::parse(file, text).is_err() {
            return Vec::new();
        }
        let noted = settings::read(file, text, |root| profile(root, [0; 32], Doubts::Noted));
        noted.err().map(|mistakes| mistakes.0).unwrap_or_default()
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

    /// What is looked for, if it is for devices that describe themselves as SunSpec has it: its readings come from a
    /// [`Survey`](crate::sunspec::Survey) of the device.
    pub const fn sunspec(&self) -> Option<&SunSpecProfile> {
        match &self.body {
            Body::Modbus { sunspec, .. } => sunspec.as_ref(),
            Body::Snmp(_) => None,
        }
    }

    /// Limits and readings, if it is for Modbus.
    pub fn modbus(&self) -> Option<(&Limits, &[ModbusReading])> {
        match &self.body {
            Body::Modbus { limits, readings, .. } => Some((limits, readings)),
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

fn profile(root: &Table<'_>, hash: [u8; 32], doubts: Doubts) -> Option<Profile> {
    let id = root.parsed::<ProfileId>("id");
    let maker = root.string("maker");
    let model = root.string("model");
    let confidence = confidence(root);
    let sources = root.string("sources");
    let firmware = root.optional_string("firmware");
    let names = Names::from_table(root);
    let identification = Identification::from_table(root, &names);
    let identity = Identity::from_table(root, &names);
    let body = match root.string("protocol").as_deref() {
        Some("modbus") => Some(modbus_body(root, doubts)),
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
        firmware,
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

fn modbus_body(root: &Table<'_>, doubts: Doubts) -> Body {
    let read = |table: &Table<'_>| Some((limits(table, Limits::default()), Defaults::from_table(table)));
    let (limits, mut defaults) = root.optional_table("modbus", read).unwrap_or_default();
    defaults.doubts = doubts;
    let readings = profile_readings(root, &defaults, &limits);
    let models = |table: &Table<'_>| Some(SunSpecProfile::from_table(table, &defaults, &limits));
    let sunspec = root.optional_table("sunspec", models);
    match (root.has("reading"), root.has("sunspec")) {
        (false, false) => root.mistake("", "the profile reads nothing: `[[reading]]` is missing"),
        (true, true) => {
            root.mistake("sunspec", "is found by a survey, so `[[reading]]` cannot stand beside it");
        }
        _ => {}
    }
    Body::Modbus { limits, readings, sunspec }
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
