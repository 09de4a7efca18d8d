//! Stories across the programs: each test starts the real ones on loopback and holds them to a promise.
//!
//! Here too stand the tests that look at the workspace itself: which crate may know which, who may touch the world, and
//! which test fails when a promise of the design is broken.

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod bad_input_story;
#[cfg(test)]
mod books_story;
#[cfg(test)]
mod demo_story;
#[cfg(test)]
mod fault_matrix;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod influx_story;
#[cfg(test)]
mod kill_story;
#[cfg(test)]
mod promises;
