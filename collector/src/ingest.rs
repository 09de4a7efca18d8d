//! The agents' door: takes batches over mutual TLS and answers only when they are durable.
//!
//! On the path of a reading this comes after `uplink` and before `close`. A batch is checked as a whole (size, schema,
//! numbers, checksums of records) and kept as it came; what its records say is read later, by the closer, so that the
//! answer never waits for arithmetic.
//!
//! Invariants: agent and site come from the certificate and from nowhere else; a batch is stored whole or not at all;
//! an acknowledgement leaves after the commit (`synchronous=FULL`); everything that waits has a limit.

mod certificate;
mod door;
mod routes;
mod writer;

#[cfg(test)]
mod tests;

pub use certificate::{Identity, IdentityError};
pub use door::{Door, DoorError};
pub use routes::{Counters, Gate, router};
pub use writer::{Incoming, RecordBusy, WriterHandle, start_writer};
