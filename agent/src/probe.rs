//! One device, recognised and read once. Waits for its answers, so it has nothing to do with the poll engine; it shares
//! the codecs with it.

mod modbus;
mod snmp;

use std::sync::Arc;
use std::time::Duration;

use model::{Missing, Raw};
use profile::{IdentitySource, Library, Profile, SeriesShape};
use serde::Serialize;

use crate::address::Address;

/// What is asked.
#[derive(Debug)]
pub struct Question<'a> {
    /// Where the device is.
    pub address: &'a Address,
    /// By what it is read; `None` to recognise it.
    pub profile: Option<Arc<Profile>>,
    /// The community, for SNMP.
    pub community: Vec<u8>,
    /// Longest wait for each answer.
    pub timeout: Duration,
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
    pub value: f64,
    /// That unit.
    pub unit: &'static str,
    /// Where in the device it stands: the OID, or `fcN ADDRESS TYPE ORDER`.
    pub source: String,
    /// As the device sent it, before the power of ten.
    pub raw: serde_json::Number,
}

/// Something that was expected and not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: the OID, or `fcN ADDRESS TYPE ORDER`.
    pub source: String,
    /// Why.
    pub reason: String,
}

/// Why nothing can be said about a device.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It cannot be reached.
    #[error("cannot reach `{endpoint}`")]
    Reach {
        /// `host:port`.
        endpoint: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It does not answer.
    #[error("no answer from `{endpoint}` within {timeout:?}")]
    Silent {
        /// `host:port`.
        endpoint: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// It answers something else.
    #[error("`{endpoint}` answers nonsense: {problem}")]
    Nonsense {
        /// `host:port`.
        endpoint: String,
        /// What.
        problem: String,
    },
    /// The profile is for another protocol.
    #[error("profile `{0}` is for another protocol than the address")]
    Protocol(String),
    /// The community cannot be sent.
    #[error("a community has 1 to 255 bytes")]
    Community,
}

/// Recognises a device and reads all it offers once.
///
/// # Errors
/// If it does not answer at all, or the profile does not go with the address.
pub fn probe(question: &Question<'_>, library: &Library) -> Result<Probed, ProbeError> {
    match question.address {
        Address::ModbusTcp { endpoint, unit } => modbus::probe(question, library, endpoint, *unit),
        Address::Snmp { endpoint, .. } => snmp::probe(question, library, endpoint),
        Address::Host => Ok(host(question)),
    }
}

fn host(question: &Question<'_>) -> Probed {
    let mut probe = crate::host::Probe::new();
    // The use of the processors is known only from the second reading on.
    probe.read();
    let (shapes, values) = (probe.shapes(), probe.read());
    let mut probed = Probed::new(question.address, Some("host".to_owned()));
    probed.identity.model = sysinfo::System::host_name().ok();
    shapes.iter().zip(values).for_each(|(shape, value)| probed.add(shape, value));
    probed
}

impl Probed {
    fn new(address: &Address, profile: Option<String>) -> Self {
        let identity = Identity::default();
        Self { address: address.to_string(), profile, identity, readings: Vec::new(), problems: Vec::new() }
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

    fn add(&mut self, shape: &SeriesShape, value: Result<Raw, Missing>) {
        let number = match value {
            Ok(Raw::Integer(raw)) => Some(serde_json::Number::from(raw)),
            Ok(Raw::Float32(raw)) => serde_json::Number::from_f64(f64::from(raw)),
            Ok(Raw::Float64(raw)) => serde_json::Number::from_f64(raw),
            Err(reason) => return self.problem(shape.source.clone(), reason.to_string()),
        };
        let (Ok(raw), Some(number)) = (value, number) else {
            return self.problem(shape.source.clone(), Missing::NotAvailable.to_string());
        };
        self.readings.push(ReadingFound {
            quantity: shape.quantity.as_str(),
            channel: shape.channel.to_string(),
            value: in_unit(shape, raw),
            unit: shape.quantity.unit().symbol(),
            source: shape.source.clone(),
            raw: number,
        });
    }

    /// Who the device is, by what `text` finds at each place the profile names.
    fn identify(&mut self, profile: &Profile, mut text: impl FnMut(&IdentitySource) -> Option<String>) {
        let mut found = |source: &Option<IdentitySource>| source.as_ref().and_then(&mut text);
        let of = &profile.identity;
        self.identity = Identity {
            maker: found(&of.maker).or_else(|| Some(profile.maker.clone())),
            model: found(&of.model).or_else(|| Some(profile.model.clone())),
            serial: found(&of.serial),
            firmware: found(&of.firmware),
        };
    }
}

/// The nearest float in the canonical unit.
fn in_unit(shape: &SeriesShape, raw: Raw) -> f64 {
    let power = 10f64.powi(i32::from(shape.exponent).abs());
    if shape.exponent < 0 { raw.to_f64() / power } else { raw.to_f64() * power }
}

#[cfg(test)]
mod tests;
