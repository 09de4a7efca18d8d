//! Which profile fits a Modbus device, and why.
//!
//! The surest evidence comes first and ends the search: signature registers, SunSpec, the name that function 43 says, and
//! last whether voltage and frequency make sense where a profile looks for them. Several may fit; all are told.

use std::sync::Arc;

use model::{Missing, Quantity};
use profile::sunspec::Survey;
use profile::{Confidence, Library, ModbusReading, Profile, Signature};

use super::line::Line;
use super::{Exact, ProbeError, modbus};
use crate::modbus::SessionError;

/// Profiles that are tried by their values: each costs one to four requests.
const TRIALS_MAX: usize = 100;
/// Shortest word of a model's name that is compared; shorter ones are in too many names.
const WORD_MIN: usize = 3;

/// A way to find out which profiles fit.
type Way<'w> = dyn Fn(&mut Line<'_>) -> Vec<Fit> + 'w;

/// A profile that fits.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    /// The profile.
    pub(super) profile: Arc<Profile>,
    /// Why.
    pub(super) why: String,
    /// More is better; only of meaning among fits of one kind.
    weight: i64,
}

/// The profile that fits best, and what is to be said about it. `None` if the device is unknown.
///
/// # Errors
/// If the unit does not answer at all.
pub(super) fn recognise(
    line: &mut Line<'_>,
    library: &Library,
) -> Result<(Option<Fit>, Vec<String>), ProbeError> {
    hear(line)?;
    let names: Vec<String> =
        line.identification().unwrap_or_default().into_iter().map(|(_, text)| text).collect();
    let mut notes = Vec::new();
    if !names.is_empty() {
        notes.push(format!("function 43 says: {}", names.join(", ")));
    }
    let ways: [&Way<'_>; 4] = [
        &|line| by_signature(line, library),
        &|line| by_sunspec(line, library),
        &|_| by_name(&names, library),
        &|line| by_values(line, library),
    ];
    for way in ways {
        let mut fits = way(line);
        fits.sort_by_key(|fit| {
            std::cmp::Reverse((fit.weight, fit.profile.confidence == Confidence::Checked))
        });
        let Some(best) = fits.first().cloned() else { continue };
        notes.push(format!("profile `{}` was chosen: {}", best.profile.id, best.why));
        notes.extend(fits.iter().skip(1).map(|fit| {
            format!(
                "profile `{}` fits too: {}; --profile {} reads by it",
                fit.profile.id, fit.why, fit.profile.id
            )
        }));
        return Ok((Some(best), notes));
    }
    Ok((None, notes))
}

/// Makes sure that somebody is there. Some devices leave a function that they do not know unanswered.
fn hear(line: &mut Line<'_>) -> Result<(), ProbeError> {
    let gateway = match line.ping() {
        Ok(_) => return Ok(()),
        Err(error) if error.is_answer() => return Ok(()),
        Err(SessionError::Reach { source, .. }) => {
            return Err(ProbeError::Reach { endpoint: line.bus().to_string(), source });
        }
        Err(error @ SessionError::Lapse { .. }) => {
            let what = match error.missing() {
                Missing::Disconnected => "it closes the connection",
                _ => "what came is no answer",
            };
            let problem = format!(
                "asked for holding register 0, {what}; does it speak Modbus on this port, and is its only place free?"
            );
            return Err(ProbeError::Nonsense { endpoint: line.bus().to_string(), problem });
        }
        Err(SessionError::Exception { .. }) => true,
        Err(SessionError::NoAnswer { .. }) => false,
    };
    let also = !gateway && line.read((profile::Function::Input, 0), 0, 1).is_ok();
    if also || line.heard { Ok(()) } else { Err(line.silent()) }
}

fn modbus_profiles(library: &Library) -> impl Iterator<Item = &Arc<Profile>> {
    library.iter().filter(|profile| profile.modbus().is_some())
}

fn by_signature(line: &mut Line<'_>, library: &Library) -> Vec<Fit> {
    let holds = |line: &mut Line<'_>, signature: &Signature| {
        let count = u16::try_from(signature.words.len()).unwrap_or(u16::MAX);
        let words = line.read((signature.function, 0), signature.register, count);
        words.is_ok_and(|words| signature.matches(&words))
    };
    let mut fits = Vec::new();
    for profile in modbus_profiles(library) {
        let signatures = &profile.identification.signatures;
        if !signatures.is_empty() && signatures.iter().all(|signature| holds(line, signature)) {
            let words: usize = signatures.iter().map(|one| one.words.len()).sum();
            let place = signatures.first().map_or(0, |one| one.register);
            let why = format!("register {place} holds what only it has ({words} words agree)");
            fits.push(Fit { profile: Arc::clone(profile), why, weight: count(words) });
        }
    }
    fits
}

fn by_sunspec(line: &mut Line<'_>, library: &Library) -> Vec<Fit> {
    let mut fits = Vec::new();
    for profile in modbus_profiles(library) {
        let Some(sunspec) = profile.sunspec() else { continue };
        let mut survey = Survey::new(sunspec);
        let Some(readings) = modbus::survey(line, &mut survey) else { continue };
        if !readings.is_empty() {
            let why = format!("the device describes itself as SunSpec, with {} values", readings.len());
            fits.push(Fit { profile: Arc::clone(profile), why, weight: count(readings.len()) });
        }
    }
    fits
}

/// By what function 43 says: the maker's first word must be there, and a word of the model with a digit in it.
fn by_name(names: &[String], library: &Library) -> Vec<Fit> {
    let said = plain(&names.join(" "));
    if said.is_empty() {
        return Vec::new();
    }
    let fit = |profile: &Arc<Profile>| {
        let maker = plain(profile.maker.split_whitespace().next()?);
        if !said.contains(&maker) {
            return None;
        }
        let words = profile.model.split([' ', ',', ';', '(', ')', '/']).map(plain);
        let known = words.filter(|word| word.len() >= WORD_MIN && word.bytes().any(|b| b.is_ascii_digit()));
        let longest = known.filter(|word| said.contains(word.as_str())).max_by_key(String::len)?;
        let why = format!("function 43 says `{}`", names.join(", "));
        Some(Fit { profile: Arc::clone(profile), why, weight: count(longest.len()) })
    };
    modbus_profiles(library).filter_map(fit).collect()
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// By whether phase voltages and frequency make sense where a profile looks for them.
fn by_values(line: &mut Line<'_>, library: &Library) -> Vec<Fit> {
    let without_mark = modbus_profiles(library)
        .filter(|profile| profile.identification.signatures.is_empty() && profile.sunspec().is_none());
    without_mark.take(TRIALS_MAX).filter_map(|profile| trial(line, profile)).collect()
}

fn trial(line: &mut Line<'_>, profile: &Arc<Profile>) -> Option<Fit> {
    let (limits, readings) = profile.modbus()?;
    let of = |quantity| readings.iter().filter(move |reading| reading.quantity == quantity);
    let frequency = of(Quantity::Frequency).next()?;
    let phases: Vec<ModbusReading> =
        of(Quantity::Voltage).filter(|one| !one.channel.as_str().contains("-l")).take(3).cloned().collect();
    let first = phases.first()?;
    let value = |line: &mut Line<'_>, reading: &ModbusReading| {
        let (raw, _) = modbus::read_all(line, std::slice::from_ref(reading), limits).pop()?;
        Exact::new(raw.ok()?, reading.exponent())
    };
    let volts = value(line, first).filter(|volts| (80.0..=300.0).contains(&volts.to_f64()))?;
    let hertz = value(line, frequency).filter(|hertz| (45.0..=65.0).contains(&hertz.to_f64()))?;
    // A meter with fewer phases refuses the others.
    let all: Vec<Exact> = phases.iter().skip(1).map(|one| value(line, one)).collect::<Option<_>>()?;
    let why = format!(
        "{} reads as {volts} V and {} as {hertz} Hz, which proves little: compare with the device's display",
        first.source(),
        frequency.source()
    );
    // Families share their first registers: the profile that finds most of what it looks for is nearer.
    let found = modbus::read_all(line, readings, limits);
    let ok = found.iter().filter(|(value, _)| value.is_ok()).count();
    let sensible = all.iter().filter(|volts| (80.0..=300.0).contains(&volts.to_f64())).count();
    let weight = count(ok + sensible) * 2 - count(readings.len());
    Some(Fit { profile: Arc::clone(profile), why, weight })
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
