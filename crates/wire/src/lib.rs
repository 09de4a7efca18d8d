//! The one contract between two programs that are upgraded on different days: a batch of spooled records as bytes, and
//! what the payload of a record says.
//!
//! On the path of a reading it lies twice: the agent encodes a [`Payload`] into each record of its spool, and the
//! uplink puts records, which it cannot read, into a [`Batch`]. The collector undoes both, in that order.
//!
//! The bytes are protocol buffers (`wattwacht.proto` beside this crate is for third parties), a batch compressed once
//! with zstd. Protocol buffers were taken over denser formats without field numbers, because fields can be added
//! without breaking whoever does not know them.
//!
//! Invariants:
//! - What was ever encoded decodes for ever; `golden/` holds the bytes of every version.
//! - Unknown fields are skipped, an unknown kind of payload is kept as [`Payload::Unknown`], an unknown code of a known
//!   list becomes the list's "other". Only a newer [`SCHEMA`] is refused: that is what it is counted up for.
//! - Decoding takes no more memory than a fixed multiple of a fixed bound, whatever the bytes are, and never panics.
//! - A value keeps its bits: integers as i64, floats as the device sent them, NaN payloads included.

mod batch;
mod declaration;
mod error;
mod event;
mod inflate;
mod message;
mod payload;
mod samples;
#[cfg(test)]
mod tests;

pub use batch::{Acknowledgement, Batch, Record, decode_batch, encode_batch};
pub use declaration::split_declaration;
pub use error::WireError;
pub use payload::{Payload, decode_payload, encode_payload};

/// Major version of the format. A decoder refuses a greater one, so the sender keeps the batch until the receiver has
/// been upgraded.
pub const SCHEMA: u32 = 1;

/// Media type of an encoded batch.
pub const CONTENT_TYPE: &str = "application/x-protobuf";

/// Name of the HTTP header that tells the [`SCHEMA`] of a batch before its body is read.
pub const SCHEMA_HEADER: &str = "wattwacht-schema";

/// Largest batch as it is sent, in bytes: a tenth of a second of a slow 100 Mbit/s line.
pub const MAX_BATCH_BYTES: usize = 1 << 20;

/// Largest batch once inflated, in bytes.
pub const MAX_INFLATED_BYTES: usize = 8 << 20;

/// Most records in one batch. Each takes some tens of bytes beside its payload, so a hostile batch of empty ones stays
/// below 3 MiB.
pub const MAX_RECORDS: usize = 1 << 16;

/// Largest payload of one record, in bytes. Half of [`MAX_BATCH_BYTES`], so that a record which does not compress still
/// fits into a batch of its own.
pub const MAX_PAYLOAD_BYTES: usize = 512 << 10;
