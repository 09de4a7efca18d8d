//! The agent: polls power, cooling and rack metrics over Modbus and SNMP, keeps them on disk, ships them.
//!
//! It stands first on the path of a reading and has never heard of a kilogram of CO2. Devices are only read: no type
//! here can express anything else.

pub mod address;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod host;
pub mod modbus;
pub mod poll;
pub mod probe;
pub mod run;
pub mod sink;
pub mod snmp;
pub mod traps;

#[cfg(test)]
mod testing;
