//! What happens in a data centre, before anything measures it: weather, loads, losses, heat, and the energy of all of
//! it as an exact function of time.
//!
//! The simulator's side of the first step of the path of a reading: what devices answer, and what the books say, both
//! come from here and from nowhere else.
//!
//! Invariants:
//! - The same seed gives the same world, at any instant, asked in any order, in any process.
//! - Energy is whole: every flow makes a whole number of milliwatt-hours (or millilitres) in every quarter hour, and
//!   between quarters whole milliwatt-milliseconds, so grid + PV + generators = sum of the uses holds to the last digit.
//! - No flow runs backwards, so that no counter ever falls by itself.

mod amount;
mod climate;
mod ledger;
mod plant;
mod ramp;
mod weather;

pub use amount::Amount;
pub use climate::Climate;
pub use ledger::Ledger;
pub(crate) use plant::FREE_COOLING_BELOW;
pub use plant::{Feed, Flow, Place, Plant, PlantSpec, Step};
pub use weather::Weather;

/// The nearest whole number.
#[allow(clippy::cast_possible_truncation, reason = "`as` clamps, and no rate or reading comes near 2^63")]
pub(crate) fn whole(value: f64) -> i64 {
    value.round() as i64
}

#[cfg(test)]
mod tests;
