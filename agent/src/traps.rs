//! What devices tell by themselves: notifications of SNMP (traps, and informs, which want an answer) become events.
//!
//! Beside the path of a reading: nothing is measured here. Promises: only a configured device that shows its own
//! credentials is heard, everybody else is counted; what is sent back is the acknowledgement of an inform and the report
//! that answers the discovery of our engine, and nothing else can be expressed (promise 5); an inform that is sent again
//! makes one event; no device fills the record, what is beyond its share is told as a sum; a flood of packets costs the
//! polling thread nothing, since all of this has a thread of its own; every list, queue and text is bounded.

mod community;
mod engine;
mod flow;
mod notification;
mod receiver;
mod senders;
mod service;
mod strays;
mod version3;
mod words;

pub use engine::OwnEngine;
pub use receiver::{Counts, Receiver, Reply};
pub use senders::Sender;
pub use service::{Traps, TrapsError};

#[cfg(test)]
mod tests;
