//! A probe over SNMP.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Missing;
use profile::{IdentitySource, Library, Oid, Profile, SnmpProfile, SnmpValue, VarBinds};

use super::snmp_client::Client;
use super::{Exact, ProbeError, Probed, Question, watch};
use crate::address::Address;
use crate::snmp::Walk;

/// sysDescr.0, sysObjectID.0, sysName.0 (RFC 3418).
const SYSTEM: [u32; 7] = [1, 3, 6, 1, 2, 1, 1];
/// Characters of a sysDescr that are shown.
const DESCRIPTION_MAX: usize = 200;

/// What a device says about itself whatever it is.
#[derive(Debug, Clone, Default)]
pub(super) struct System {
    /// sysDescr.
    pub(super) description: Option<String>,
    /// sysObjectID.
    pub(super) object_id: Option<Oid>,
    /// sysName.
    pub(super) name: Option<String>,
}

/// The profile that fits best, what the device says about itself, and what is to be said about the choice.
type Recognised = (Option<Arc<Profile>>, System, Vec<String>);

pub(super) fn probe(question: &Question<'_>, library: &Library) -> Result<Probed, ProbeError> {
    let Address::Snmp { endpoint, .. } = question.address else {
        return Err(ProbeError::Address { what: "a probe over SNMP", example: "snmp://10.4.0.31" });
    };
    let mut client = Client::open(endpoint, question)?;
    let (profile, notes) = match &question.profile {
        Some(profile) => (Arc::clone(profile), Vec::new()),
        None => match recognise(&mut client, library)? {
            (Some(profile), _, notes) => (profile, notes),
            (None, system, notes) => return Ok(unknown(question.address, &system, notes)),
        },
    };
    let snmp = profile.snmp().ok_or_else(|| ProbeError::Protocol(profile.id.to_string()))?;
    let walked = client.walk(Walk::new(snmp.scalars_to_get(), snmp.columns_to_walk()))?;
    let mut probed = Probed::new(question.address, Some(profile.id.to_string()));
    probed.notes = notes;
    add_rows(&mut probed, snmp, &walked);
    if probed.readings.is_empty() {
        probed.problem(String::new(), format!("the device has no object of profile `{}`", profile.id));
    }
    probed.identify(&profile, &profile.identity, |source| text(&mut client, source));
    watch::counters(question, &mut probed, &mut |sources| again(&mut client, snmp, &walked, sources));
    Ok(probed)
}

fn add_rows(probed: &mut Probed, snmp: &SnmpProfile, walked: &VarBinds) {
    for reading in snmp.rows(walked) {
        // A sensor that is not plugged in is no problem.
        if reading.raw != Err(Missing::NotAvailable) {
            let value = reading.shape.source.parse::<Oid>().ok().and_then(|oid| walked.get(&oid));
            probed.add(&reading.shape, reading.raw, value.map(shown).unwrap_or_default());
        }
    }
}

fn unknown(address: &Address, system: &System, notes: Vec<String>) -> Probed {
    let is = system.object_id.as_ref();
    let is = is.map_or_else(|| "it has no sysObjectID".to_owned(), |oid| format!("its sysObjectID is {oid}"));
    let below = system.object_id.as_ref().and_then(|oid| Oid::new(oid.arcs().get(..7)?).ok());
    let below = below.map_or_else(|| "1.3.6.1.2.1".to_owned(), |oid| oid.to_string());
    let hint = format!(
        "no profile recognises this device, {is}: name one with --profile, or look at its objects with --walk {below}"
    );
    let mut probed = Probed::unknown(address, hint);
    probed.identity.model.clone_from(&system.description);
    probed.notes = notes;
    probed
}

/// The likeliest profile whose probed objects all answer, what the device says about itself, and what is to be said about
/// the choice.
pub(super) fn recognise(client: &mut Client<'_>, library: &Library) -> Result<Recognised, ProbeError> {
    let system = system(client)?;
    let mut notes = Vec::new();
    if let Some(description) = &system.description {
        notes.push(format!("sysDescr says: {description}"));
    }
    let mut fits = Vec::new();
    for profile in library.candidates(system.object_id.as_ref()) {
        let probes = &profile.identification.probes;
        // The device answered before: if it does not to these objects, it has none of them.
        let mut answers =
            || client.probe(probes).is_ok_and(|found| profile.identification.probes_answer(&found));
        if probes.is_empty() || answers() {
            fits.push(Arc::clone(profile));
        }
    }
    for (n, profile) in fits.iter().enumerate() {
        let why = why(profile, &system);
        notes.push(match n {
            0 => format!("profile `{}` was chosen: {why}", profile.id),
            _ => format!("profile `{}` fits too: {why}; --profile {} reads by it", profile.id, profile.id),
        });
    }
    Ok((fits.into_iter().next(), system, notes))
}

fn why(profile: &Profile, system: &System) -> String {
    let rules = &profile.identification;
    let matched =
        system.object_id.as_ref().and_then(|oid| rules.object_id_match(oid).map(|length| (oid, length)));
    let probes = match rules.probes.len() {
        0 => String::new(),
        1 => "the object that only it has answers".to_owned(),
        n => format!("the {n} objects by which it is known answer"),
    };
    match matched {
        Some((oid, length)) if probes.is_empty() => format!("sysObjectID {oid} agrees in {length} numbers"),
        Some((oid, length)) => format!("sysObjectID {oid} agrees in {length} numbers and {probes}"),
        None => probes,
    }
}

/// What the device says about itself; the first question, so that it shows whether anybody is there.
pub(super) fn system(client: &mut Client<'_>) -> Result<System, ProbeError> {
    let oids: Vec<Oid> =
        [1, 2, 5].into_iter().filter_map(|n| Oid::new(&[&SYSTEM[..], &[n, 0]].concat()).ok()).collect();
    let found = client.get(&oids)?;
    let text = |n: usize| oids.get(n).and_then(|oid| found.get(oid)).and_then(printable);
    let object_id = match oids.get(1).and_then(|oid| found.get(oid)) {
        Some(SnmpValue::Oid(oid)) => Some(oid.clone()),
        _ => None,
    };
    Ok(System { description: text(0), object_id, name: text(2) })
}

fn printable(value: &SnmpValue) -> Option<String> {
    let text: String =
        value.text()?.trim().chars().filter(|c| !c.is_control()).take(DESCRIPTION_MAX).collect();
    (!text.is_empty()).then_some(text)
}

/// The text of an object, or of the first below it.
pub(super) fn text(client: &mut Client<'_>, source: &IdentitySource) -> Option<String> {
    let oid = source.object()?;
    let exact = client.get(std::slice::from_ref(oid)).ok()?.remove(oid);
    let value = match exact.filter(SnmpValue::exists) {
        Some(value) => value,
        None => client.next(oid).ok()?.filter(|(found, _)| found.starts_with(oid))?.1,
    };
    source.from_object(&value.text()?)
}

fn again(
    client: &mut Client<'_>,
    snmp: &SnmpProfile,
    walked: &VarBinds,
    sources: &[String],
) -> BTreeMap<String, Exact> {
    let oids: Vec<Oid> = sources.iter().filter_map(|source| source.parse().ok()).collect();
    let Ok(later) = client.get(&oids) else { return BTreeMap::new() };
    let mut all = walked.clone();
    all.extend(later);
    let value = |reading: profile::SnmpReading| {
        let value = Exact::new(reading.raw.ok()?, reading.shape.exponent)?;
        sources.contains(&reading.shape.source).then_some((reading.shape.source, value))
    };
    snmp.rows(&all).into_iter().filter_map(value).collect()
}

/// A value with its type, as it came.
pub(super) fn shown(value: &SnmpValue) -> String {
    let text = || value.text().unwrap_or_default();
    match value {
        SnmpValue::Integer(number) => format!("INTEGER {number}"),
        SnmpValue::Counter32(number) => format!("Counter32 {number}"),
        SnmpValue::Gauge32(number) => format!("Gauge32 {number}"),
        SnmpValue::Counter64(number) => format!("Counter64 {number}"),
        SnmpValue::TimeTicks(ticks) => format!("TimeTicks {ticks}"),
        SnmpValue::OctetString(bytes) if is_text(bytes) => format!("STRING \"{}\"", text()),
        SnmpValue::OctetString(bytes) => format!("Hex-STRING {}", bytes_in_hex(bytes)),
        SnmpValue::Oid(oid) => format!("OID {oid}"),
        SnmpValue::IpAddress([a, b, c, d]) => format!("IpAddress {a}.{b}.{c}.{d}"),
        SnmpValue::Opaque(bytes) => format!("Opaque {}", bytes_in_hex(bytes)),
        SnmpValue::Null => "Null".to_owned(),
        SnmpValue::NoSuchObject => "noSuchObject".to_owned(),
        SnmpValue::NoSuchInstance => "noSuchInstance".to_owned(),
        SnmpValue::EndOfMibView => "endOfMibView".to_owned(),
    }
}

fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| !text.trim_end_matches('\0').chars().any(char::is_control))
}

fn bytes_in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}
