//! Where a device is: `modbus+tcp://host:502/1`, `snmp://host:161`, `host://`.

use std::fmt;
use std::str::FromStr;

/// Port of Modbus TCP (IANA).
const MODBUS_PORT: u16 = 502;
/// Port of SNMP (IANA).
const SNMP_PORT: u16 = 161;
/// Longest host name (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Where a device is and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Modbus TCP: `host:port`, and the unit id behind it.
    ModbusTcp {
        /// `host:port`, an IPv6 address in brackets.
        endpoint: String,
        /// Unit id.
        unit: u8,
    },
    /// SNMP over UDP.
    Snmp {
        /// `host:port`, an IPv6 address in brackets.
        endpoint: String,
        /// Community of a quick probe.
        community: Option<String>,
    },
    /// The machine on which the agent runs.
    Host,
}

/// A text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// The scheme is none that there is.
    #[error("`{0}` begins with none of modbus+tcp://, snmp:// and host://")]
    Scheme(String),
    /// A scheme that is known, but not spoken yet.
    #[error("`{0}`: serial lines are not supported by this version, only modbus+tcp://, snmp:// and host://")]
    Serial(String),
    /// No host.
    #[error("`{0}` names no host such as `10.4.0.17`, `[fd00::7]` or `meter-1.example`")]
    Host(String),
    /// The port is none.
    #[error("`{0}` has no port from 1 to 65535")]
    Port(String),
    /// The unit is none.
    #[error("`{0}` ends in no unit id from 0 to 255, such as in modbus+tcp://host:502/1")]
    Unit(String),
    /// Something follows that has no place there.
    #[error("`{0}` goes on after the host; an address is snmp://host:161 or host://")]
    Rest(String),
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let shown = || text.chars().take(80).collect::<String>();
        let (scheme, rest) = text.split_once("://").ok_or_else(|| InvalidAddress::Scheme(shown()))?;
        match scheme {
            "modbus+tcp" => {
                let (authority, unit) = rest.split_once('/').ok_or_else(|| InvalidAddress::Unit(shown()))?;
                let unit = unit.parse().map_err(|_| InvalidAddress::Unit(shown()))?;
                Ok(Self::ModbusTcp { endpoint: endpoint(authority, MODBUS_PORT, text)?, unit })
            }
            "snmp" => {
                // The community may hold an `@`, a host name cannot.
                let (community, authority) = match rest.rsplit_once('@') {
                    Some((community, authority)) => (Some(community.to_owned()), authority),
                    None => (None, rest),
                };
                if authority.contains('/') {
                    return Err(InvalidAddress::Rest(without_community(text)));
                }
                Ok(Self::Snmp { endpoint: endpoint(authority, SNMP_PORT, text)?, community })
            }
            "host" if rest.is_empty() => Ok(Self::Host),
            "host" => Err(InvalidAddress::Rest(shown())),
            "modbus+rtu" | "modbus+rtu-tcp" => Err(InvalidAddress::Serial(shown())),
            _ => Err(InvalidAddress::Scheme(shown())),
        }
    }
}

/// `host:port` from `host` or `host:port`.
fn endpoint(authority: &str, usual: u16, text: &str) -> Result<String, InvalidAddress> {
    let shown = || without_community(text);
    let (host, port) = match authority.rsplit_once(':') {
        // The colons inside of brackets are those of an IPv6 address.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        Some(port) => {
            port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| InvalidAddress::Port(shown()))?
        }
        None => usual,
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good = match bracketed {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_name(host),
    };
    if good { Ok(format!("{host}:{port}")) } else { Err(InvalidAddress::Host(shown())) }
}

fn is_name(host: &str) -> bool {
    (1..=HOST_BYTES_MAX).contains(&host.len())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// A secret does not go into a message.
fn without_community(text: &str) -> String {
    match text.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
        Some((scheme, host)) => format!("{scheme}://...@{}", host.chars().take(60).collect::<String>()),
        None => text.chars().take(80).collect(),
    }
}

/// As it is written; a community is not shown.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ModbusTcp { endpoint, unit } => write!(f, "modbus+tcp://{endpoint}/{unit}"),
            Self::Snmp { endpoint, .. } => write!(f, "snmp://{endpoint}"),
            Self::Host => f.write_str("host://"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_their_usual_ports() {
        for (text, shown) in [
            ("modbus+tcp://10.4.0.17/3", "modbus+tcp://10.4.0.17:502/3"),
            ("modbus+tcp://meter-1.example:1502/255", "modbus+tcp://meter-1.example:1502/255"),
            ("modbus+tcp://[fd00::7]/1", "modbus+tcp://[fd00::7]:502/1"),
            ("snmp://pdu", "snmp://pdu:161"),
            ("snmp://public@10.0.0.1:1161", "snmp://10.0.0.1:1161"),
            ("snmp://[::1]:1161", "snmp://[::1]:1161"),
            ("host://", "host://"),
        ] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn the_community_of_a_quick_probe_is_taken_and_never_shown() {
        let address = "snmp://s3cr@t@10.0.0.1".parse().unwrap();
        let Address::Snmp { community, .. } = &address else { panic!("{address}") };
        assert_eq!(community.as_deref(), Some("s3cr@t"));
        let error = "snmp://s3cr@t@10.0.0.1:99999".parse::<Address>().unwrap_err().to_string();
        assert!(!error.contains("s3cr") && !error.contains("t@"), "{error}");
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        for (text, part) in [
            ("10.0.0.1", "begins with none"),
            ("http://a", "begins with none"),
            ("modbus+tcp://a", "unit id"),
            ("modbus+tcp://a/256", "unit id"),
            ("modbus+tcp://a:0/1", "port"),
            ("modbus+tcp:///1", "names no host"),
            ("modbus+tcp://a b/1", "names no host"),
            ("snmp://fd00::7", "names no host"),
            ("snmp://a/1", "goes on"),
            ("host://x", "goes on"),
            ("modbus+rtu:///dev/ttyUSB0/1", "serial"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
