//! What is possible, and how far our programs and others are from it.
//!
//! A bare loop that sends the same requests on the same ticks is the floor; the agent and every peer that is installed are
//! measured against it on the same machine, against the same responder, each on a processor of its own, in turns, because
//! the noise of a shared machine moves one run more than the agent differs from the floor. What a process costs is read
//! from `/proc`; what it did is counted by the responder, for all of them alike.

pub mod cli;
mod compare;
mod cost;
mod fleet;
mod floor;
mod log;
mod peers;
mod process;
mod report;
mod responder;
mod sink;
mod turn;
