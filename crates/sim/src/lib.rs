//! Whole data centres that speak Modbus and SNMP, with true books; and the demo, which starts all programs together.
//!
//! Stands at the far end of the path of a reading: what agents poll comes from here, by the same profiles that they
//! read with. Beside it, [`site::Point::books`] tells what truly happened, so that a test can compare.
//!
//! Invariants: see [`physics`] (energy is exact, a seed repeats), [`world`] (what a device shows is a function of the
//! instant) and [`server`] (no device disturbs another).

pub mod behaviour;
pub mod cli;
pub mod config;
pub mod demo;
pub mod history;
pub mod inline;
mod noise;
pub mod physics;
pub mod server;
pub mod site;
pub mod time;
pub mod world;
