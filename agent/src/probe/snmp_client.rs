//! A device that is asked over SNMP, with errors that say what was tried.

use std::time::Duration;

use profile::{Oid, SnmpValue, VarBinds};

use super::{Patience, ProbeError, Question};
use crate::snmp::{self, ClientError, Walk};

/// A device that is asked over SNMP.
#[derive(Debug)]
pub(super) struct Client<'p> {
    inner: snmp::Client,
    tried: String,
    patience: &'p dyn Patience,
}

impl<'p> Client<'p> {
    /// Looks the device up; nothing is sent yet.
    pub(super) fn open(endpoint: &str, question: &Question<'p>) -> Result<Self, ProbeError> {
        let tried = question.secret.to_string();
        match snmp::Client::open(endpoint, question.secret.credentials.clone(), question.timeout) {
            Ok(inner) => Ok(Self { inner, tried, patience: question.patience }),
            Err(error) => Err(told(error, &tried)),
        }
    }

    /// The same with so few attempts: where a device is looked for, most addresses are silent.
    pub(super) fn with_attempts(self, attempts: u32) -> Self {
        Self { inner: self.inner.with_attempts(attempts), ..self }
    }

    /// The values of these objects; those that the device does not have are left out.
    pub(super) fn get(&mut self, oids: &[Oid]) -> Result<VarBinds, ProbeError> {
        self.patience.wait(Duration::ZERO);
        self.inner.get(oids).map_err(|error| told(error, &self.tried))
    }

    /// The values of these objects; where there is none, the first below.
    pub(super) fn probe(&mut self, oids: &[Oid]) -> Result<VarBinds, ProbeError> {
        let mut found = self.get(oids)?;
        // An object of a scalar has nothing below it.
        let is_scalar = |oid: &Oid| oid.arcs().last() == Some(&0);
        for oid in oids.iter().filter(|oid| !is_scalar(oid)) {
            if !found.contains_key(oid) {
                found.extend(self.next(oid)?.filter(|(below, _)| below.starts_with(oid)));
            }
        }
        Ok(found)
    }

    /// The object after `oid`.
    pub(super) fn next(&mut self, oid: &Oid) -> Result<Option<(Oid, SnmpValue)>, ProbeError> {
        self.patience.wait(Duration::ZERO);
        self.inner.next(oid).map_err(|error| told(error, &self.tried))
    }

    /// All that `walk` wants.
    pub(super) fn walk(&mut self, walk: Walk) -> Result<VarBinds, ProbeError> {
        self.inner.walk(walk).map_err(|error| told(error, &self.tried))
    }
}

fn told(error: ClientError, tried: &str) -> ProbeError {
    let tried = tried.to_owned();
    match error {
        ClientError::Reach { endpoint, source } => ProbeError::Reach { endpoint, source },
        ClientError::Silent { endpoint, timeout } => ProbeError::Silent { endpoint, tried, timeout },
        ClientError::Refused { endpoint, refusal } => {
            ProbeError::Refused { endpoint, tried, source: refusal }
        }
        ClientError::Nonsense { endpoint, problem } => ProbeError::Nonsense { endpoint, problem },
    }
}
