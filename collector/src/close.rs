//! The closer: reads the inbox in its order and turns it into chunks of raw samples, quarter-hour values, statistics of
//! gauges and statements of losses.
//!
//! On the path of a reading this comes after `ingest` and before everything that shows numbers. One thread does it, in
//! memory, and makes all of it durable at a *checkpoint*: first the raw samples, which merge with what is there and so
//! may be written twice; then, in one transaction, everything that is counted, together with the deletion of the inbox
//! rows that it came from. A kill between the two repeats work with the same result; a kill anywhere else repeats it
//! from the inbox. Keeping whole hours in memory and rebuilding them from the inbox was rejected: it makes every
//! restart read hours of batches and needs a second way to tell what was counted already.
//!
//! Invariants: an inbox row is gone only when all that came of it is durable; the same batches give the same values
//! however they are cut into checkpoints; a sample costs no allocation and no look-up by name; what cannot be read or
//! does not belong to its sender is counted and told, never guessed.

mod bucket;
mod commit;
mod group;
mod live;
mod losses;
mod memory;
mod publish;
mod recount;
mod restore;
mod run;
mod saved;
mod spool;
mod track;

#[cfg(test)]
mod tests;

pub use live::{LiveTable, LiveValue};
pub use run::{CloseCounters, CloseError, Closer, Progress, Wake};
