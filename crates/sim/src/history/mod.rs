//! A past for simulated sites, through the ordinary ingest path: the same records an agent would have spooled, shipped
//! by the same uplink.
//!
//! One sample exactly on each quarter hour, and for the last hours one every ten seconds. Only what a report and a panel
//! need: counters, power, temperatures.
//!
//! Invariants:
//! - What is recorded is what the device would have answered, encoded and decoded by the agent's own profiles, so the
//!   series go on when the agent takes over.
//! - A history has a spool of its own; sent twice, it is stored once.

mod recorder;
mod ship;
mod write;

pub use recorder::{Recorder, RecorderError};
pub use ship::{Credentials, Progress, ShipError, ship};
pub use write::{Span, WriteError, Writer, Written};

#[cfg(test)]
mod tests;
