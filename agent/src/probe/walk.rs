//! All objects below one, as a device has them: the first step towards a profile for it.

use profile::{Oid, VarBinds};
use serde::Serialize;

use super::snmp::shown;
use super::snmp_client::Client;
use super::{ProbeError, Question};
use crate::address::Address;
use crate::snmp::Walk;

/// An object with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Walked {
    /// Which.
    pub oid: String,
    /// Type and value.
    pub value: String,
}

/// Reads all objects below `oid`, in their order; a walk that goes in circles or does not end is an error.
///
/// # Errors
/// If the device does not answer, or the address is not one of SNMP.
pub fn walk(question: &Question<'_>, oid: &Oid) -> Result<Vec<Walked>, ProbeError> {
    let Address::Snmp { endpoint, .. } = question.address else {
        return Err(ProbeError::Address { what: "--walk", example: "snmp://10.4.0.31" });
    };
    let mut client = Client::open(endpoint, question)?;
    let mut found: VarBinds = client.walk(Walk::new(Vec::new(), vec![oid.clone()]))?;
    if found.is_empty() {
        // The object itself, which is not below itself.
        found = client.get(std::slice::from_ref(oid))?;
    }
    Ok(found.iter().map(|(oid, value)| Walked { oid: oid.to_string(), value: shown(value) }).collect())
}
