//! Polls as packed columns.
//!
//! Nearly every poll holds values of one kind and misses none: then its values are one packed list and nothing else. A
//! mixed poll says by run lengths of which kind its values are, in order; each value then comes from the list of its
//! kind. Nothing is allocated per value, and every value takes at least one byte, so a decoder's memory is bounded by
//! what it was given.

use model::{Missing, Poll, Raw, Samples, Timestamp};

use crate::WireError;
use crate::message;

/// What a value is, in the lowest two bits of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer = 0,
    Float32 = 1,
    Float64 = 2,
    Missing = 3,
}

impl Kind {
    const fn of(value: Result<Raw, Missing>) -> Self {
        match value {
            Ok(Raw::Integer(_)) => Self::Integer,
            Ok(Raw::Float32(_)) => Self::Float32,
            Ok(Raw::Float64(_)) => Self::Float64,
            Err(_) => Self::Missing,
        }
    }

    const fn from_bits(run: u32) -> Self {
        match run & 3 {
            0 => Self::Integer,
            1 => Self::Float32,
            2 => Self::Float64,
            _ => Self::Missing,
        }
    }
}

/// Longest run that fits beside the two bits of its kind; a longer one is told as several.
const MAX_RUN: u32 = u32::MAX >> 2;

pub(crate) fn to_message(run: u64, samples: &Samples) -> message::Samples {
    let base = samples.polls.first().map_or(0, |poll| poll.time.millis());
    message::Samples {
        run,
        time: base,
        polls: samples.polls.iter().map(|poll| poll_message(poll, base)).collect(),
    }
}

fn poll_message(poll: &Poll, base: i64) -> message::Poll {
    let mut message = message::Poll {
        group: poll.group,
        offset: poll.time.millis().wrapping_sub(base),
        ..Default::default()
    };
    let Some(first) = poll.values.first() else { return message };
    let kind = Kind::of(*first);
    let uniform = kind != Kind::Missing && poll.values.iter().all(|value| Kind::of(*value) == kind);
    reserve(&mut message, kind, poll.values.len());
    for value in &poll.values {
        push_value(&mut message, *value);
    }
    if !uniform {
        message.runs = runs(&poll.values);
    }
    message
}

fn reserve(message: &mut message::Poll, kind: Kind, values: usize) {
    match kind {
        Kind::Integer => message.integers.reserve_exact(values),
        Kind::Float32 => message.floats.reserve_exact(values),
        Kind::Float64 => message.doubles.reserve_exact(values),
        Kind::Missing => message.missing.reserve_exact(values),
    }
}

fn push_value(message: &mut message::Poll, value: Result<Raw, Missing>) {
    match value {
        Ok(Raw::Integer(value)) => message.integers.push(value),
        Ok(Raw::Float32(value)) => message.floats.push(value),
        Ok(Raw::Float64(value)) => message.doubles.push(value),
        Err(reason) => message.missing.push(reason.code()),
    }
}

fn runs(values: &[Result<Raw, Missing>]) -> Vec<u32> {
    let mut runs: Vec<(Kind, u32)> = Vec::new();
    for value in values {
        let kind = Kind::of(*value);
        match runs.last_mut() {
            Some((last, length)) if *last == kind && *length < MAX_RUN => *length += 1,
            _ => runs.push((kind, 1)),
        }
    }
    runs.into_iter().map(|(kind, length)| length << 2 | kind as u32).collect()
}

pub(crate) fn from_message(message: message::Samples) -> Result<Samples, WireError> {
    let base = message.time;
    let polls = message.polls.into_iter().map(|poll| from_poll(&poll, base)).collect::<Result<_, _>>()?;
    Ok(Samples { polls })
}

fn from_poll(message: &message::Poll, base: i64) -> Result<Poll, WireError> {
    let values = if message.runs.is_empty() { uniform(message)? } else { mixed(message)? };
    Ok(Poll { group: message.group, time: Timestamp::from_millis(base.wrapping_add(message.offset)), values })
}

fn uniform(message: &message::Poll) -> Result<Vec<Result<Raw, Missing>>, WireError> {
    let message::Poll { integers, floats, doubles, missing, .. } = message;
    match (integers.len(), floats.len(), doubles.len(), missing.len()) {
        (_, 0, 0, 0) => Ok(integers.iter().map(|value| Ok(Raw::Integer(*value))).collect()),
        (0, _, 0, 0) => Ok(floats.iter().map(|value| Ok(Raw::Float32(*value))).collect()),
        (0, 0, _, 0) => Ok(doubles.iter().map(|value| Ok(Raw::Float64(*value))).collect()),
        _ => Err(WireError::invalid("poll.runs", "not there although the values are of several kinds")),
    }
}

fn mixed(message: &message::Poll) -> Result<Vec<Result<Raw, Missing>>, WireError> {
    let message::Poll { integers, floats, doubles, missing, runs, .. } = message;
    let values = integers.len() + floats.len() + doubles.len() + missing.len();
    let mut integers = integers.iter().map(|value| Ok(Raw::Integer(*value)));
    let mut floats = floats.iter().map(|value| Ok(Raw::Float32(*value)));
    let mut doubles = doubles.iter().map(|value| Ok(Raw::Float64(*value)));
    let mut missing = missing.iter().map(|code| Err(Missing::from_code(*code)));
    let mut out = Vec::with_capacity(values);
    for run in runs {
        let length = usize::try_from(run >> 2).unwrap_or(usize::MAX);
        match Kind::from_bits(*run) {
            Kind::Integer => take(&mut out, &mut integers, length)?,
            Kind::Float32 => take(&mut out, &mut floats, length)?,
            Kind::Float64 => take(&mut out, &mut doubles, length)?,
            Kind::Missing => take(&mut out, &mut missing, length)?,
        }
    }
    if out.len() == values {
        return Ok(out);
    }
    Err(WireError::invalid("poll.runs", format_args!("{} values are told, {values} are there", out.len())))
}

/// Moves `length` values on, if there are so many.
fn take<I>(out: &mut Vec<Result<Raw, Missing>>, from: &mut I, length: usize) -> Result<(), WireError>
where
    I: ExactSizeIterator<Item = Result<Raw, Missing>>,
{
    if from.len() < length {
        let problem = format_args!("a run of {length} where {} values are left", from.len()).to_string();
        return Err(WireError::invalid("poll.runs", problem));
    }
    out.extend(from.take(length));
    Ok(())
}
