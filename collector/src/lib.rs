//! The collector: takes what agents ship, keeps the record, closes intervals, feeds sinks and answers people.
//!
//! It has never heard of a register: what an agent read and where is opaque text to it. Batches come in through
//! [`ingest`], [`close`] makes samples, quarter hours and statements of losses of them, [`sinks`] copy what became
//! final, [`alarms`] watches, [`facts`] gathers what reports, KPIs and panels show, [`api`] and [`panels`] show it,
//! [`cli`] is the command line and [`service`] holds the running program together.
//!
//! Invariants: one thread writes the record; what was acknowledged is durable; only [`clock`] reads the wall clock.

pub mod alarms;
pub mod api;
pub mod cli;
pub mod clock;
pub mod close;
pub mod config;
pub mod facts;
pub mod import;
pub mod ingest;
pub mod panels;
pub mod service;
pub mod sinks;
pub mod statistics;
pub mod web;

#[cfg(test)]
mod testing;

pub use clock::Clock;

/// An error with all its causes in one line, for logs and answers.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    use std::fmt::Write;
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a String takes all that is written");
        cause = error.source();
    }
    text
}

/// Bytes as hexadecimal digits, for hashes that people compare.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
