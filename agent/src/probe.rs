//! One device, recognised and read once, and the help that goes with putting it into service. Waits for its answers, so
//! it has nothing to do with the poll engine; it shares the codecs with it.
//!
//! Promises: devices are only read, one request at a time, with a rest between requests; everything a device can make us
//! do is bounded in requests, bytes and time; a value is shown as the device means it, with what it sent beside it, and
//! what contradicts something else is said.

mod diagnose;
pub mod draft;
mod fit;
pub mod guess;
mod line;
mod modbus;
mod pace;
pub mod registers;
pub mod scan;
mod snmp;
mod snmp_client;
mod value;
mod walk;
mod warn;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use model::{Missing, Raw};
use profile::{IdentitySource, Library, Profile, SeriesShape};
use serde::Serialize;

use crate::address::Address;

pub use diagnose::{ProbeError, Secret};
pub use pace::{Pace, Patience, RealTime};
pub use value::Exact;
pub use walk::{Walked, walk};
pub use watch::Watch;
/// Time over which the machine itself is looked at: a hundred ticks of its clock.
const HOST_LOOK: Duration = Duration::from_secs(1);

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// Where the device is.
    pub address: &'a Address,
    /// By what it is read; `None` to recognise it.
    pub profile: Option<Arc<Profile>>,
    /// In whose name it is asked, for SNMP.
    pub secret: Secret,
    /// Longest wait for each answer.
    pub timeout: Duration,
    /// How long counters are watched.
    pub watch: Watch,
    /// How time passes.
    pub patience: &'a dyn Patience,
}

/// What was found, in the format of `probe --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probed {
    /// Where it was found.
    pub address: String,
    /// The profile that fits.
    pub profile: Option<String>,
    /// Who the device says it is.
    pub identity: Identity,
    /// What it offers.
    pub readings: Vec<ReadingFound>,
    /// What was expected and not found.
    pub problems: Vec<Problem>,
    /// What contradicts something else.
    pub warnings: Vec<Warning>,
    /// Why this profile was chosen, how little that may prove, which others fit, what was seen on the way.
    pub notes: Vec<String>,
}

/// Who a device says it is; maker and model are the profile's if it does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Maker.
    pub maker: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Version of its program.
    pub firmware: Option<String>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadingFound {
    /// What is measured.
    pub quantity: &'static str,
    /// At which part of the device.
    pub channel: String,
    /// In the canonical unit of the quantity.
    pub value: Exact,
    /// That unit.
    pub unit: &'static str,
    /// Where in the device it stands: the OID, or `fcN ADDRESS TYPE ORDER`.
    pub source: String,
    /// As the device sent it, before the power of ten.
    pub raw: serde_json::Number,
    /// What came over the network: the words in hex, or the object with its type.
    #[serde(skip)]
    pub sent: String,
    /// What the number stands for, where it is one of a set.
    #[serde(skip)]
    pub meaning: Option<String>,
    /// All that is known of the series.
    #[serde(skip)]
    pub shape: SeriesShape,
}

/// Something that was expected and not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: the OID, or `fcN ADDRESS TYPE ORDER`.
    pub source: String,
    /// Why.
    pub reason: String,
}

/// Values that contradict each other, or what can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where the values stand.
    pub sources: Vec<String>,
    /// What is wrong with them, with their numbers.
    pub text: String,
    /// What it usually comes from.
    pub cause: String,
}

/// Recognises a device and reads all it offers once.
///
/// # Errors
/// If it does not answer at all, or the profile does not go with the address.
pub fn probe(question: &Question<'_>, library: &Library) -> Result<Probed, ProbeError> {
    let mut probed = match question.address {
        Address::Modbus { .. } => modbus::probe(question, library)?,
        Address::Snmp { .. } => snmp::probe(question, library)?,
        Address::Host => host(question),
    };
    probed.warnings.extend(warn::contradictions(&probed.readings));
    Ok(probed)
}

/// Use of the processors and power are means over time that has to pass.
fn host(question: &Question<'_>) -> Probed {
    let mut probe = crate::host::Probe::new(&crate::host::Roots::default(), HOST_LOOK);
    question.patience.wait(HOST_LOOK);
    let (shapes, values) = (probe.shapes(), probe.read());
    let mut probed = Probed::new(question.address, Some("host".to_owned()));
    probed.identity.model = sysinfo::System::host_name().ok();
    shapes.iter().zip(values).for_each(|(shape, value)| probed.add(shape, value, String::new()));
    let unavailable = probe.unavailable().iter();
    unavailable.for_each(|one| probed.problem(one.source.clone(), format!("unavailable: {}", one.reason)));
    probed
}

impl Probed {
    fn new(address: &Address, profile: Option<String>) -> Self {
        Self {
            address: address.to_string(),
            profile,
            identity: Identity::default(),
            readings: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A device that no profile fits.
    fn unknown(address: &Address, hint: String) -> Self {
        let mut probed = Self::new(address, None);
        probed.problem(String::new(), hint);
        probed
    }

    fn problem(&mut self, source: String, reason: String) {
        self.problems.push(Problem { source, reason });
    }

    fn add(&mut self, shape: &SeriesShape, value: Result<Raw, Missing>, sent: String) {
        let (raw, number) = match value {
            Ok(raw) => (raw, value::number(raw)),
            Err(reason) => return self.problem(shape.source.clone(), said(reason)),
        };
        let (Some(number), Some(value)) = (number, Exact::new(raw, shape.exponent)) else {
            return self.problem(shape.source.clone(), said(Missing::NotAvailable));
        };
        self.readings.push(ReadingFound {
            quantity: shape.quantity.as_str(),
            channel: shape.channel.to_string(),
            value,
            unit: shape.quantity.unit().symbol(),
            source: shape.source.clone(),
            raw: number,
            sent,
            meaning: None,
            shape: shape.clone(),
        });
    }

    /// Who the device is, by what `text` finds at each of the places; maker and model else by the profile.
    fn identify(
        &mut self,
        profile: &Profile,
        of: &profile::Identity,
        mut text: impl FnMut(&IdentitySource) -> Option<String>,
    ) {
        let mut found = |source: &Option<IdentitySource>| source.as_ref().and_then(&mut text);
        self.identity = Identity {
            maker: found(&of.maker).or_else(|| Some(profile.maker.clone())),
            model: found(&of.model).or_else(|| Some(profile.model.clone())),
            serial: found(&of.serial),
            firmware: found(&of.firmware),
        };
    }
}

/// A reason in the words of statistics, with what it means for whoever stands before the device.
fn said(reason: Missing) -> String {
    let means = match reason {
        Missing::NoAnswer => "asked and not answered in time",
        Missing::Exception => "the device refuses it: it has no such register, or not here",
        Missing::NotAvailable => "the device says that it has no such value",
        Missing::OutOfRange => "cannot be: wrong type or order?",
        Missing::Nonsense => "the answer does not fit the question",
        Missing::Disconnected => "the device closed the connection",
        Missing::ShortAnswer => "the answer held less than was asked for",
        _ => return reason.to_string(),
    };
    format!("{reason} ({means})")
}

#[cfg(test)]
mod tests;
