//! Readings over Modbus: registers to raw values, raw values to registers, and which requests to send.
//!
//! Addresses are those on the wire, from 0.

mod codec;
mod load;
mod planner;
mod reading;
mod types;

pub use load::{Defaults, limits, readings};
pub use planner::{Block, plan};
pub use reading::{Limits, ModbusReading, Special};
pub use types::{DataType, Function, InvalidName, Order};
