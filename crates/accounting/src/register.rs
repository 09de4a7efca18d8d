//! Readings of one cumulative register to quarter-hour amounts.
//!
//! A state read on the quarter hour is true. Between two accepted readings that are no more than two periods and no
//! more than 120 s apart the state at the quarter hour is interpolated, rounded to the register's resolution, and
//! stays true. Over a longer gap whose register survived, the rise is spread evenly over time: the sum is true, the
//! shape a substitute (Z92, Z75). Where the register did not survive (reset, exchange), what flowed between its last
//! and its first reading is unknown: for up to two hours the mean power of the quarter hour before is held (Z93, with
//! the energy on both sides counted as measured), beyond that the quarter hours touched are missing.
//!
//! A reading becomes energy only when the one after it has been seen, because only then a single zero or spike can
//! be told from a rise. A register that fell is taken for a rollover if what then flowed is plausible and less than
//! half of what it can count; otherwise it is a glitch unless the readings after it go on from there.

mod machine;
mod output;
mod settle;
mod spec;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use machine::{Carry, Register};
pub use output::{Finding, FindingKind, Interval, Output};
pub use settle::{Settled, settle};
pub use spec::{Reading, RegisterSpec, SpecError};
