//! All programs together: two simulated data centres, their agents, a collector, a past, panels and a report.
//!
//! Writes the configurations that a person would write, then starts the ordinary programs as child processes and watches
//! them. Nothing here reaches into them: what the demo can do, an operator can do.
//!
//! Invariants:
//! - It ends everything that it started, and nothing else, on SIGINT, SIGTERM and SIGHUP, also in the background.
//! - It wipes no folder that it did not make.
//! - If it is killed itself, the kernel ends what it started.
//! - If a child ends by itself, it says so and ends the rest.

mod certificates;
mod children;
mod files;
mod ground;
pub mod history;
mod http;
mod programs;
mod stage;

pub use children::become_child;
pub use files::agent_alone;
pub use programs::Programs;
pub use stage::{DemoError, Options, run};

#[cfg(test)]
mod tests;
