//! One type per kind of name, so that a device cannot pass for a site.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A text that is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no {kind} id: 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or a digit, are allowed"
)]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

fn check(kind: &'static str, text: &str) -> Result<Arc<str>, InvalidId> {
    let good = (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if good { Ok(Arc::from(text)) } else { Err(InvalidId { kind, text: text.chars().take(80).collect() }) }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $kind:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// `[a-z0-9][a-z0-9-]{0,62}`; cloning is cheap.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// From a text.
            ///
            /// # Errors
            /// If it is empty, longer than 63 characters, begins with `-`, or holds anything but `a-z`, `0-9`, `-`.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                check($kind, text).map(Self)
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

ids! {
    /// A program that reads devices and ships what it read.
    AgentId "agent";
    /// A city, the root of the full key city/site/device.
    CityId "city";
    /// A data centre.
    SiteId "site";
    /// A thing with an address that answers: meter, PDU, UPS, CRAC, chiller, host.
    DeviceId "device";
    /// A device profile, `maker-model`.
    ProfileId "profile";
    /// A place whose energy is accounted for.
    MeterPointId "meter point";
    /// A room of a site.
    RoomId "room";
    /// A rack of a room.
    RackId "rack";
    /// A place to which the collector copies what it has, such as an `InfluxDB`.
    SinkId "sink";
}

/// Identity of a spool: 128 random bits, drawn when the spool's folder is made and kept with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SpoolId([u8; 16]);

impl SpoolId {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// 32 lower-case hexadecimal digits.
impl fmt::Display for SpoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SpoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpoolId({self})")
    }
}

impl FromStr for SpoolId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let wrong = || InvalidId { kind: "spool", text: text.chars().take(80).collect() };
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        u128::from_str_radix(text, 16).map(|bits| Self(bits.to_be_bytes())).map_err(|_| wrong())
    }
}

impl TryFrom<String> for SpoolId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<SpoolId> for String {
    fn from(id: SpoolId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_takes_lower_case_letters_digits_and_inner_dashes_up_to_63() {
        for good in ["a", "0", "pdu-17", &"x".repeat(63)] {
            assert_eq!(DeviceId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "Pdu", "a_b", "a.b", "ä", "a b", "a/b", &"x".repeat(64)] {
            assert!(DeviceId::new(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_wrong_id_says_what_kind_of_id_it_was_to_be() {
        let error = SiteId::new("RZ Nord").unwrap_err().to_string();
        assert!(error.starts_with("`RZ Nord` is no site id"), "{error}");
    }

    #[test]
    fn a_spool_id_prints_and_reads_back() {
        let id = SpoolId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("000102030405060708090a0b0c0d0eF".parse::<SpoolId>().is_err());
        assert!("+00102030405060708090a0b0c0d0eff".parse::<SpoolId>().is_err());
    }
}
