//! Object identifiers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The most sub-identifiers of an OID (RFC 2578, 3.5).
const ARCS_MAX: usize = 128;

/// An object identifier, such as `1.3.6.1.2.1.1.2.0`. Ordered as SNMP orders objects; cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Arc<[u32]>);

/// A text that is no OID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no OID: 1 to 128 numbers joined by dots are expected, such as `1.3.6.1.2.1.1.2.0`")]
pub struct InvalidOid(pub(super) String);

impl Oid {
    /// From its sub-identifiers.
    ///
    /// # Errors
    /// If there are none or more than 128.
    pub fn new(arcs: &[u32]) -> Result<Self, InvalidOid> {
        if arcs.is_empty() || arcs.len() > ARCS_MAX {
            return Err(InvalidOid(format!("OID of {} numbers", arcs.len())));
        }
        Ok(Self(Arc::from(arcs)))
    }

    /// Its sub-identifiers.
    pub fn arcs(&self) -> &[u32] {
        &self.0
    }

    /// Is it `prefix` or something below it?
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// What follows `prefix`; `None` if it is not below it.
    pub fn below(&self, prefix: &Self) -> Option<&[u32]> {
        self.0.strip_prefix(&*prefix.0)
    }

    /// This OID with `arcs` behind it; too many are cut off, as no device has such an object.
    #[must_use]
    pub fn child(&self, arcs: &[u32]) -> Self {
        Self(self.0.iter().chain(arcs).copied().take(ARCS_MAX).collect())
    }
}

/// `1.3.6.1`, without a leading dot.
impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, arc) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(".")?;
            }
            write!(f, "{arc}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

impl FromStr for Oid {
    type Err = InvalidOid;

    /// A leading dot is taken.
    fn from_str(text: &str) -> Result<Self, InvalidOid> {
        let wrong = || InvalidOid(text.chars().take(80).collect());
        let arc = |arc: &str| {
            let digits = !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| arc.parse::<u32>().ok()).flatten().ok_or_else(wrong)
        };
        let arcs: Vec<u32> = text
            .strip_prefix('.')
            .unwrap_or(text)
            .split('.')
            .take(ARCS_MAX + 1)
            .map(arc)
            .collect::<Result<_, _>>()?;
        Self::new(&arcs).map_err(|_| wrong())
    }
}
