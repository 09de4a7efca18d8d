//! Readings over Modbus: registers to raw values, raw values to registers, and which requests to send.
//!
//! Addresses are those on the wire, from 0.

mod bits;
mod check;
mod codec;
mod doubt;
mod forms;
mod load;
mod planner;
mod reading;
mod types;

pub use codec::Patch;
pub use doubt::Doubts;
pub use load::{Defaults, limits, readings};
pub(crate) use load::{model_readings, profile_readings};
pub use planner::{Block, Hole, plan, plan_around, split};
pub use reading::{Limits, ModbusReading, Special};
pub use types::{DataType, Function, InvalidName, Order};
