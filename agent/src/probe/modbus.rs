//! A probe over Modbus: on whatever bus, by whatever profile.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Missing, Raw};
use profile::sunspec::{Step, Survey};
use profile::{Block, Library, Limits, ModbusReading, Profile, plan, split};

use super::fit::{self, Fit};
use super::line::Line;
use super::{Exact, ProbeError, Probed, Question, watch};
use crate::address::Address;
use crate::modbus::SessionError;

/// Blocks in a row that are not answered before the rest is given up: each costs a whole time limit.
const SILENT_BLOCKS_MAX: u32 = 3;

/// A value with the words that it was made of.
type Found = (Result<Raw, Missing>, String);

pub(super) fn probe(question: &Question<'_>, library: &Library) -> Result<Probed, ProbeError> {
    let Address::Modbus { bus, unit } = question.address else {
        return Err(ProbeError::Address {
            what: "a probe over Modbus",
            example: "modbus+tcp://10.4.0.17:502/1",
        });
    };
    let mut line = Line::open(bus, *unit, question.timeout, question.patience)?;
    let (profile, notes) = match &question.profile {
        Some(profile) => (Arc::clone(profile), Vec::new()),
        None => match fit::recognise(&mut line, library)? {
            (Some(Fit { profile, .. }), notes) => (profile, notes),
            (None, notes) => return Ok(unknown(question.address, notes)),
        },
    };
    let (limits, _) = profile.modbus().ok_or_else(|| ProbeError::Protocol(profile.id.to_string()))?;
    let mut probed = Probed::new(question.address, Some(profile.id.to_string()));
    probed.notes = notes;
    let (readings, identity) = readings(&mut line, &profile, &mut probed);
    line.rest_at_least(limits.pause);
    let found = read_all(&mut line, &readings, limits);
    if !line.heard {
        return Err(line.silent());
    }
    for (reading, (value, sent)) in readings.iter().zip(found) {
        probed.add(&reading.shape(), value, sent);
        if let (Ok(raw), Some(last)) = (value, probed.readings.last_mut()) {
            last.meaning = reading.name_of(raw).map(ToOwned::to_owned);
        }
    }
    probed.identify(&profile, &identity, |source| line.text(source));
    probed.notes.extend(clock(&mut line, &identity));
    watch::counters(question, &mut probed, &mut |sources| again(&mut line, &readings, limits, sources));
    Ok(probed)
}

fn unknown(address: &Address, notes: Vec<String>) -> Probed {
    let hint = "no profile recognises this device: name one with --profile (`wattwacht-agent profiles list` names all), or \
                look at its registers with --registers 0-99";
    let mut probed = Probed::unknown(address, hint.to_owned());
    probed.notes = notes;
    probed
}

/// What the profile reads, and where the device says who it is; of a device that describes itself, by what it says that
/// it has.
fn readings(
    line: &mut Line<'_>,
    profile: &Profile,
    probed: &mut Probed,
) -> (Vec<ModbusReading>, profile::Identity) {
    let fixed = profile.modbus().map_or_else(Vec::new, |(_, readings)| readings.to_vec());
    let Some(sunspec) = profile.sunspec() else { return (fixed, profile.identity.clone()) };
    let mut walk = Survey::new(sunspec);
    let found = survey(line, &mut walk);
    let models: Vec<String> = walk.models().iter().map(|model| model.id.to_string()).collect();
    let has = format!("the device has the SunSpec models {}", models.join(", "));
    match &found {
        Some(readings) if !readings.is_empty() => probed.notes.push(has),
        Some(_) => probed.problem(String::new(), format!("{has}, the profile reads none of them")),
        None => probed.problem(String::new(), "the device has no SunSpec mark".to_owned()),
    }
    let common = walk.models().iter().find_map(profile::sunspec::FoundModel::identity);
    let all = fixed.into_iter().chain(found.unwrap_or_default()).collect();
    (all, common.unwrap_or_else(|| profile.identity.clone()))
}

/// What time the device thinks it is; in which zone, it does not say.
fn clock(line: &mut Line<'_>, identity: &profile::Identity) -> Option<String> {
    let clock = identity.clock.as_ref()?;
    let words = line.read((clock.function, 0), clock.register, clock.form.words()).ok()?;
    clock.form.text(&words).map(|time| format!("its clock says {time}"))
}

/// Walks the chain of models; `None` if there is none.
pub(super) fn survey(line: &mut Line<'_>, survey: &mut Survey<'_>) -> Option<Vec<ModbusReading>> {
    loop {
        match survey.next() {
            Step::Found(readings) => return Some(readings),
            Step::NotSunSpec => return None,
            Step::Ask { function, address, count } => match line.read((function, 0), address, count) {
                Ok(words) => survey.take(&words),
                Err(_) => survey.refused(),
            },
        }
    }
}

/// Reads by blocks; where a block is refused, by ever smaller ones, so that only what the device really does not have is
/// missing.
pub(super) fn read_all(line: &mut Line<'_>, readings: &[ModbusReading], limits: &Limits) -> Vec<Found> {
    let mut found: Vec<Found> = vec![(Err(Missing::NoAnswer), String::new()); readings.len()];
    let mut silent = 0;
    let mut open: Vec<Block> = plan(readings, limits);
    open.reverse();
    while let Some(block) = open.pop() {
        if silent >= SILENT_BLOCKS_MAX {
            break;
        }
        match line.read((block.function, block.file), block.start, block.count) {
            Ok(words) => {
                silent = 0;
                keep(&block, readings, &words, &mut found);
            }
            Err(error) => {
                silent = if matches!(error, SessionError::NoAnswer { .. }) { silent + 1 } else { 0 };
                refused(&block, readings, &error, (&mut open, &mut found));
            }
        }
    }
    found
}

fn keep(block: &Block, readings: &[ModbusReading], words: &[u16], found: &mut [Found]) {
    for n in &block.readings {
        if let (Some(reading), Some(found)) = (readings.get(*n), found.get_mut(*n)) {
            *found = (block.value(reading, words), hex(block.words(reading, words)));
        }
    }
}

fn refused(
    block: &Block,
    readings: &[ModbusReading],
    error: &SessionError,
    (open, found): (&mut Vec<Block>, &mut [Found]),
) {
    let halves = if error.is_answer() { split(block, readings) } else { None };
    if let Some((left, right)) = halves {
        open.extend([right, left]);
        return;
    }
    for n in &block.readings {
        if let Some(found) = found.get_mut(*n) {
            found.0 = Err(error.missing());
        }
    }
}

/// Words as they came.
pub(super) fn hex(words: &[u16]) -> String {
    words.iter().map(|word| format!("{word:04X}")).collect::<Vec<_>>().join(" ")
}

fn again(
    line: &mut Line<'_>,
    readings: &[ModbusReading],
    limits: &Limits,
    sources: &[String],
) -> BTreeMap<String, Exact> {
    let wanted: Vec<ModbusReading> =
        readings.iter().filter(|reading| sources.contains(&reading.source())).cloned().collect();
    let found = read_all(line, &wanted, limits);
    let value = |(reading, (raw, _)): (&ModbusReading, Found)| {
        Some((reading.source(), Exact::new(raw.ok()?, reading.exponent())?))
    };
    wanted.iter().zip(found).filter_map(value).collect()
}
