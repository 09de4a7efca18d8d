//! Readings over SNMP: which objects to ask for, and what the answers mean.
//!
//! Decoding is a function of (OID, value) pairs. An agent walks once what [`SnmpProfile::columns_to_walk`] and
//! [`SnmpProfile::scalars_to_get`] name, makes a [`SnmpPlan`] of the answers, and from then on asks only for
//! [`SnmpPlan::oids`]. Units, decimal digits and row types are taken from the walk, so a plan is made anew after a device
//! was restarted or changed; status columns are asked with every poll.

mod describe;
mod encode;
mod index;
mod load;
mod load_table;
mod oid;
mod parse;
mod plan;
mod scale;
mod template;
mod value;

pub(crate) use load::Names;
pub(crate) use load::profile as load_profile;

pub use describe::{
    Against, Condition, Key, KeySource, Lookup, Measured, Scalar, ScaleForm, ScaleLookup, Sentinel,
    SnmpProfile, SnmpTable, Syntax, TableReading, UnitLookup,
};
pub use encode::Wanted;
pub use index::{IndexForm, IndexPart, InvalidIndexPart};
pub use oid::{InvalidOid, Oid};
pub use plan::{PlannedReading, SnmpPlan, SnmpReading};
pub use template::{InvalidTemplate, Template};
pub use value::{SnmpValue, VarBinds};
