//! Device profiles: which registers and OIDs of a device mean which quantity.
//!
//! On the path of a reading this stands between the words or varbinds that came over the network and the [`model::Raw`]
//! that goes into the spool; the simulator walks the same path backwards. A profile is a TOML text (`config/profiles/`,
//! explained in `docs/profiles.md`), so that a new meter needs no new program.
//!
//! Everything here is a plain function over values: no socket, no file, no clock.
//!
//! Invariants:
//! - Whole numbers stay exact: a value is `raw x mantissa` with a power of ten that is known before the first poll.
//! - Floats keep the bits that came; a scale that is no power of ten is refused for them.
//! - What the device calls "no value" becomes a [`model::Missing`], never a number.
//! - A profile with a mistake is not loaded at all; every mistake is named with file and line.

mod conversion;
mod identify;
mod library;
pub mod modbus;
mod profile;
mod series;
pub mod snmp;
pub mod sunspec;

#[cfg(test)]
mod tests;

pub use conversion::{Amount, Conversion, ConversionError, EncodeError};
pub use identify::{ClockForm, ClockSource, Identification, Identity, IdentitySource, Signature};
pub use library::{Library, LibraryError};
pub use modbus::{
    Block, DataType, Function, Hole, Limits, ModbusReading, Order, Patch, Special, plan, plan_around, split,
};
pub use profile::{Body, Confidence, Profile, Protocol};
pub use series::SeriesShape;
pub use snmp::{Oid, SnmpPlan, SnmpProfile, SnmpReading, SnmpValue, VarBinds};
