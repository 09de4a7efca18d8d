//! Values of objects.

use std::collections::BTreeMap;

use super::Oid;

/// The value of an object (RFC 2578, RFC 3416), or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnmpValue {
    /// INTEGER, Integer32.
    Integer(i64),
    /// Counter32.
    Counter32(u32),
    /// Gauge32, Unsigned32.
    Gauge32(u32),
    /// Counter64.
    Counter64(u64),
    /// Hundredths of a second.
    TimeTicks(u32),
    /// Any bytes; mostly text.
    OctetString(Vec<u8>),
    /// An object identifier.
    Oid(Oid),
    /// An IPv4 address.
    IpAddress([u8; 4]),
    /// Whatever else the device wraps.
    Opaque(Vec<u8>),
    /// No value.
    Null,
    /// There is no such object.
    NoSuchObject,
    /// There is such an object, but not this instance of it.
    NoSuchInstance,
    /// A walk has come to its end.
    EndOfMibView,
}

impl SnmpValue {
    /// Is there an object at all?
    pub const fn exists(&self) -> bool {
        !matches!(self, Self::Null | Self::NoSuchObject | Self::NoSuchInstance | Self::EndOfMibView)
    }

    /// Its whole number, for those kinds that are one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Counter32(value) | Self::Gauge32(value) | Self::TimeTicks(value) => Some(i64::from(*value)),
            Self::Counter64(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// As text, as codes are written in profiles: numbers in decimal, strings as they are without white space around.
    /// `None` for what is neither.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::OctetString(bytes) => Some(trimmed(bytes)),
            Self::Oid(oid) => Some(oid.to_string()),
            other => other.number().map(|number| number.to_string()),
        }
    }
}

/// Texts come padded with spaces or zeros; bytes that are no UTF-8 are replaced.
fn trimmed(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}

/// What was asked for and what came, in the order of the objects.
pub type VarBinds = BTreeMap<Oid, SnmpValue>;
