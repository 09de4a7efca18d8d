//! The collector as a program: real processes, real TLS, real files.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where something is not as it must be"
)]

mod cli;
mod harness;
mod path;
mod unit;
