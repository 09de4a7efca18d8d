//! What is possible, and how far our programs are from it.
//!
//! A bare loop that sends the same requests on the same ticks is the floor; the agent is measured against it on the same
//! machine, against the same responder, each on a processor of its own. Only `/proc` is read for what it costs.

pub mod cli;
mod cost;
mod fleet;
mod floor;
mod responder;
mod run;
