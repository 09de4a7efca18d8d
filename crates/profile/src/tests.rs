//! Promises of the profiles and of their decoding.

mod docs;
mod library;
mod loading;
mod modbus_checks;
mod modbus_codec;
mod modbus_types;
mod modbus_vectors;
mod planning;
mod recordings;
mod snmp_codec;
mod snmp_properties;
mod snmp_traps;
mod snmp_traps_power;
mod snmp_vectors;
mod sunspec;

use std::sync::Arc;

use crate::{Library, Oid, Profile, SnmpValue, VarBinds};

pub(crate) fn profile(id: &str) -> Arc<Profile> {
    let library = Library::built_in().expect("the built-in profiles load");
    Arc::clone(library.get(id).unwrap_or_else(|| panic!("there is a profile {id}")))
}

pub(crate) fn oid(text: &str) -> Oid {
    text.parse().expect("an OID")
}

pub(crate) fn binds(prefix: &str, rows: &[(&str, i64)]) -> VarBinds {
    rows.iter().map(|(rest, value)| (oid(&format!("{prefix}.{rest}")), SnmpValue::Integer(*value))).collect()
}
