//! What one record of a spool says.

use model::{Event, Missing, PollGroup, Samples, SeriesDescriptor, Timestamp};
use prost::Message;

use crate::error::within;
use crate::message::{self, Kind};
use crate::{MAX_PAYLOAD_BYTES, WireError, declaration, event, samples};

/// Most elements in one list of a payload. An agent that polls so many groups in one second writes several records.
const MAX_ELEMENTS: usize = 1 << 16;

/// Longest version of an agent, in bytes; longer ones are cut when they are encoded.
const MAX_VERSION_BYTES: usize = 64;

/// What one record of a spool says. Numbers of series and groups are scoped to a *run*: one life of one agent process,
/// named by the sequence number of the first record that it wrote, so unique in its spool and rising.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload {
    /// An agent process began.
    RunStart {
        /// The run that begins: the sequence number of its first record, which is this one or stands just before it.
        run: u64,
        /// Version of the agent.
        agent_version: String,
        /// Time of the last record that outlived the run before; `None` in a new spool.
        last_durable: Option<Timestamp>,
        /// Did the run before end in order? If not, what lay between is a loss with the reason `agent_down`.
        clean_stop: bool,
    },
    /// The agent process ends in order.
    RunStop {
        /// The run that ends.
        run: u64,
    },
    /// What the columns of samples mean. Adds to what the same run declared before; a new run begins with nothing.
    ///
    /// A series whose quantity, encoding or side this version does not know is left out when it is decoded, so a group
    /// may name series without a descriptor: their columns are to be passed over, and counted.
    Declaration {
        /// The run in which the numbers hold.
        run: u64,
        /// Series.
        series: Vec<SeriesDescriptor>,
        /// Poll groups: the plan.
        groups: Vec<PollGroup>,
    },
    /// All polls that ended in one second.
    Samples {
        /// The run in which the group numbers hold.
        run: u64,
        /// The polls.
        samples: Samples,
    },
    /// Records that will never come.
    Gap {
        /// Sequence number of the first of them.
        first: u64,
        /// Sequence number of the last of them.
        last: u64,
        /// Where the time that they covered begins.
        from: Timestamp,
        /// Where it ends, not inside.
        to: Timestamp,
        /// Why.
        reason: Missing,
    },
    /// The wall clock was set.
    ClockStep {
        /// What it showed just before.
        before: Timestamp,
        /// What it showed just after.
        after: Timestamp,
    },
    /// Something that happened.
    Event(Event),
    /// A kind of payload that this version does not know, as its bytes.
    Unknown(Vec<u8>),
}

/// A payload as bytes. [`Payload::Unknown`] gives back the bytes that it was.
///
/// Texts are cut at their bounds (event texts at 500 characters, sources at 255 bytes, versions at 64), so whatever is
/// encoded can be decoded, provided it is at most [`MAX_PAYLOAD_BYTES`] long; [`split_declaration`](crate::split_declaration)
/// sees to it where a payload may grow beyond.
pub fn encode_payload(payload: &Payload) -> Vec<u8> {
    match kind(payload) {
        Ok(kind) => message::Payload { kind: Some(kind) }.encode_to_vec(),
        Err(unknown) => unknown.to_vec(),
    }
}

fn kind(payload: &Payload) -> Result<Kind, &[u8]> {
    Ok(match payload {
        Payload::RunStart { run, agent_version, last_durable, clean_stop } => {
            Kind::RunStart(message::RunStart {
                run: *run,
                agent_version: cut(agent_version, MAX_VERSION_BYTES).to_owned(),
                last_durable: last_durable.map(Timestamp::millis),
                clean_stop: *clean_stop,
            })
        }
        Payload::RunStop { run } => Kind::RunStop(message::RunStop { run: *run }),
        Payload::Declaration { run, series, groups } => {
            Kind::Declaration(declaration::to_message(*run, series, groups))
        }
        Payload::Samples { run, samples } => Kind::Samples(samples::to_message(*run, samples)),
        Payload::Gap { first, last, from, to, reason } => Kind::Gap(message::Gap {
            first: *first,
            last: *last,
            from: from.millis(),
            to: to.millis(),
            reason: u32::from(reason.code()),
        }),
        Payload::ClockStep { before, after } => {
            Kind::ClockStep(message::ClockStep { before: before.millis(), after: after.millis() })
        }
        Payload::Event(event) => Kind::Event(event::to_message(event)),
        Payload::Unknown(bytes) => return Err(bytes),
    })
}

/// Reads the payload of a record.
///
/// # Errors
/// If it is longer than [`MAX_PAYLOAD_BYTES`], no protocol buffer, or contradicts itself. An unknown kind is no error.
pub fn decode_payload(bytes: &[u8]) -> Result<Payload, WireError> {
    within("size of a payload in bytes", bytes.len(), MAX_PAYLOAD_BYTES)?;
    let broken = |source| WireError::Protobuf { what: "payload", bytes: bytes.len(), source };
    check_counts(&message::PayloadHead::decode(bytes).map_err(broken)?)?;
    match message::Payload::decode(bytes).map_err(broken)?.kind {
        None => Ok(Payload::Unknown(bytes.to_vec())),
        Some(kind) => from_kind(kind),
    }
}

fn check_counts(head: &message::PayloadHead) -> Result<(), WireError> {
    if let Some(samples) = &head.samples {
        within("number of polls", samples.polls.len(), MAX_ELEMENTS)?;
    }
    if let Some(declaration) = &head.declaration {
        within("number of profiles", declaration.profiles.len(), MAX_ELEMENTS)?;
        within("number of series", declaration.series.len(), MAX_ELEMENTS)?;
        within("number of groups", declaration.groups.len(), MAX_ELEMENTS)?;
    }
    Ok(())
}

fn from_kind(kind: Kind) -> Result<Payload, WireError> {
    Ok(match kind {
        Kind::RunStart(start) => run_start(start)?,
        Kind::RunStop(stop) => Payload::RunStop { run: stop.run },
        Kind::Declaration(declaration) => declaration::from_message(declaration)?,
        Kind::Samples(message) => {
            Payload::Samples { run: message.run, samples: samples::from_message(message)? }
        }
        Kind::Gap(gap) => Payload::Gap {
            first: gap.first,
            last: gap.last,
            from: Timestamp::from_millis(gap.from),
            to: Timestamp::from_millis(gap.to),
            reason: u8::try_from(gap.reason).map_or(Missing::Other, Missing::from_code),
        },
        Kind::ClockStep(step) => Payload::ClockStep {
            before: Timestamp::from_millis(step.before),
            after: Timestamp::from_millis(step.after),
        },
        Kind::Event(message) => Payload::Event(event::from_message(message)?),
    })
}

fn run_start(message: message::RunStart) -> Result<Payload, WireError> {
    within("length of an agent version in bytes", message.agent_version.len(), MAX_VERSION_BYTES)?;
    Ok(Payload::RunStart {
        run: message.run,
        agent_version: message.agent_version,
        last_durable: message.last_durable.map(Timestamp::from_millis),
        clean_stop: message.clean_stop,
    })
}

/// The longest beginning of `text` that takes at most `bytes` bytes.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    text.split_at(text.floor_char_boundary(bytes)).0
}
