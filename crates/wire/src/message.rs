//! The protocol buffers themselves, private: `wattwacht.proto` says the same to others, and a test holds the two
//! together. Field numbers are never used for anything else.

use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Batch {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) spool: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub(crate) first: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) last: u64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) records: Vec<Record>,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) gap_from: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    #[prost(uint64, tag = "1")]
    pub(crate) sequence: u64,
    #[prost(sint64, tag = "2")]
    pub(crate) time: i64,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) payload: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Payload {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(crate) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Kind {
    #[prost(message, tag = "1")]
    RunStart(RunStart),
    #[prost(message, tag = "2")]
    RunStop(RunStop),
    #[prost(message, tag = "3")]
    Declaration(Declaration),
    #[prost(message, tag = "4")]
    Samples(Samples),
    #[prost(message, tag = "5")]
    Gap(Gap),
    #[prost(message, tag = "6")]
    ClockStep(ClockStep),
    #[prost(message, tag = "7")]
    Event(Event),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RunStart {
    #[prost(uint64, tag = "1")]
    pub(crate) run: u64,
    #[prost(string, tag = "2")]
    pub(crate) agent_version: String,
    #[prost(sint64, optional, tag = "3")]
    pub(crate) last_durable: Option<i64>,
    #[prost(bool, tag = "4")]
    pub(crate) clean_stop: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RunStop {
    #[prost(uint64, tag = "1")]
    pub(crate) run: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Declaration {
    #[prost(uint64, tag = "1")]
    pub(crate) run: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) profiles: Vec<Profile>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) series: Vec<Series>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) groups: Vec<Group>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Profile {
    #[prost(string, optional, tag = "1")]
    pub(crate) id: Option<String>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub(crate) hash: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Series {
    #[prost(uint32, tag = "1")]
    pub(crate) number: u32,
    #[prost(string, tag = "2")]
    pub(crate) device: String,
    #[prost(string, tag = "3")]
    pub(crate) quantity: String,
    #[prost(string, tag = "4")]
    pub(crate) channel: String,
    #[prost(uint32, tag = "5")]
    pub(crate) encoding: u32,
    #[prost(sint32, tag = "6")]
    pub(crate) exponent: i32,
    #[prost(uint64, optional, tag = "7")]
    pub(crate) wraps_at: Option<u64>,
    #[prost(uint32, tag = "8")]
    pub(crate) resolution: u32,
    #[prost(uint32, tag = "9")]
    pub(crate) side: u32,
    #[prost(string, tag = "10")]
    pub(crate) source: String,
    #[prost(uint32, optional, tag = "11")]
    pub(crate) profile: Option<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Group {
    #[prost(uint32, tag = "1")]
    pub(crate) number: u32,
    #[prost(string, tag = "2")]
    pub(crate) device: String,
    #[prost(uint32, tag = "3")]
    pub(crate) period_ms: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) offset_ms: u32,
    #[prost(uint32, repeated, tag = "5")]
    pub(crate) series: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Samples {
    #[prost(uint64, tag = "1")]
    pub(crate) run: u64,
    #[prost(sint64, tag = "2")]
    pub(crate) time: i64,
    #[prost(message, repeated, tag = "3")]
    pub(crate) polls: Vec<Poll>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Poll {
    #[prost(uint32, tag = "1")]
    pub(crate) group: u32,
    #[prost(sint64, tag = "2")]
    pub(crate) offset: i64,
    #[prost(sint64, repeated, tag = "3")]
    pub(crate) integers: Vec<i64>,
    #[prost(float, repeated, tag = "4")]
    pub(crate) floats: Vec<f32>,
    #[prost(double, repeated, tag = "5")]
    pub(crate) doubles: Vec<f64>,
    #[prost(bytes = "vec", tag = "6")]
    pub(crate) missing: Vec<u8>,
    #[prost(uint32, repeated, tag = "7")]
    pub(crate) runs: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Gap {
    #[prost(uint64, tag = "1")]
    pub(crate) first: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) last: u64,
    #[prost(sint64, tag = "3")]
    pub(crate) from: i64,
    #[prost(sint64, tag = "4")]
    pub(crate) to: i64,
    #[prost(uint32, tag = "5")]
    pub(crate) reason: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ClockStep {
    #[prost(sint64, tag = "1")]
    pub(crate) before: i64,
    #[prost(sint64, tag = "2")]
    pub(crate) after: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(sint64, tag = "1")]
    pub(crate) time: i64,
    #[prost(string, optional, tag = "2")]
    pub(crate) device: Option<String>,
    #[prost(uint32, tag = "3")]
    pub(crate) kind: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) severity: u32,
    #[prost(string, tag = "5")]
    pub(crate) text: String,
}

/// A [`Batch`] of which only the schema is wanted: all else may have changed in a newer one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SchemaHead {
    #[prost(uint32, tag = "1")]
    pub(crate) schema: u32,
}

/// A [`Batch`] of which only the number of records is wanted: elements without a size cost no memory however many there
/// are.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BatchHead {
    #[prost(message, repeated, tag = "5")]
    pub(crate) records: Vec<Nothing>,
}

/// A [`Payload`] of which only the sizes of its lists are wanted.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PayloadHead {
    #[prost(message, optional, tag = "3")]
    pub(crate) declaration: Option<DeclarationHead>,
    #[prost(message, optional, tag = "4")]
    pub(crate) samples: Option<SamplesHead>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeclarationHead {
    #[prost(message, repeated, tag = "2")]
    pub(crate) profiles: Vec<Nothing>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) series: Vec<Nothing>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) groups: Vec<Nothing>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct SamplesHead {
    #[prost(message, repeated, tag = "3")]
    pub(crate) polls: Vec<Nothing>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Nothing {}
