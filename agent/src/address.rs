//! Where a device is: `modbus+tcp://host:502/1`, `modbus+rtu:///dev/ttyUSB0/1?baud=9600`, `modbus+rtu-tcp://host:502/1`,
//! `snmp://host:161`, `host://`.

use std::fmt;
use std::str::FromStr;

use crate::modbus::{Bus, SerialLine};

/// Port of Modbus TCP (IANA).
const MODBUS_PORT: u16 = 502;
/// Port of SNMP (IANA).
const SNMP_PORT: u16 = 161;
/// Longest host name (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Where a device is and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Modbus: what the device hangs on, and the unit id there.
    Modbus {
        /// The bus.
        bus: Bus,
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
    #[error("`{0}` begins with none of modbus+tcp://, modbus+rtu://, modbus+rtu-tcp://, snmp:// and host://")]
    Scheme(String),
    /// A serial line is named by no device file.
    #[error("`{0}` names no device file such as in modbus+rtu:///dev/ttyUSB0/1")]
    Path(String),
    /// A setting of a serial line is none.
    #[error("`{setting}` in `{text}` is none of baud=300 to 4000000, parity=none, even or odd, stop=1 or 2")]
    Setting {
        /// The address.
        text: String,
        /// What is wrong in it.
        setting: String,
    },
    /// No host.
    #[error("`{0}` names no host such as `10.4.0.17`, `[fd00::7]` or `meter-1.example`")]
    Host(String),
    /// The port is none.
    #[error("`{0}` has no port from 1 to 65535, which modbus+rtu-tcp:// always needs")]
    Port(String),
    /// The unit is none.
    #[error("`{text}` ends in no unit id from {first} to {last}, such as the 1 in modbus+tcp://host:502/1", first = units.start(), last = units.end())]
    Unit {
        /// The address.
        text: String,
        /// The units that the bus has.
        units: std::ops::RangeInclusive<u8>,
    },
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
            "modbus+tcp" | "modbus+rtu" | "modbus+rtu-tcp" => modbus(text),
            "snmp" => {
                // The community may hold an `@`, a host name cannot.
                let (community, authority) = match rest.rsplit_once('@') {
                    Some((community, authority)) => (Some(community.to_owned()), authority),
                    None => (None, rest),
                };
                if authority.contains('/') {
                    return Err(InvalidAddress::Rest(without_community(text)));
                }
                Ok(Self::Snmp { endpoint: endpoint(authority, Some(SNMP_PORT), text)?, community })
            }
            "host" if rest.is_empty() => Ok(Self::Host),
            "host" => Err(InvalidAddress::Rest(shown())),
            _ => Err(InvalidAddress::Scheme(shown())),
        }
    }
}

/// A bus and a unit of it: `BUS/UNIT`, for a serial line followed by `?` and its settings.
fn modbus(text: &str) -> Result<Address, InvalidAddress> {
    let (front, query) = text.split_once('?').map_or((text, None), |(front, query)| (front, Some(query)));
    let (scheme, rest) = front.split_once("://").ok_or_else(|| InvalidAddress::Scheme(cut(text)))?;
    let (place, unit) = rest.rsplit_once('/').unwrap_or((rest, ""));
    let bus = parse_bus((scheme, place), query, text)?;
    let unit = unit.parse().ok().filter(|unit| bus.units().contains(unit));
    let unit = unit.ok_or_else(|| InvalidAddress::Unit { text: cut(text), units: bus.units() })?;
    Ok(Address::Modbus { bus, unit })
}

/// The bus without a unit, as `[[bus]]` names it; a serial line without its settings, which stand with the devices.
///
/// # Errors
/// If it is none.
pub fn bus(text: &str) -> Result<Bus, InvalidAddress> {
    let parts = text.split_once("://").ok_or_else(|| InvalidAddress::Scheme(cut(text)))?;
    parse_bus(parts, None, text)
}

fn parse_bus((scheme, rest): (&str, &str), query: Option<&str>, text: &str) -> Result<Bus, InvalidAddress> {
    let setting = |setting| InvalidAddress::Setting { text: cut(text), setting };
    match (scheme, query) {
        ("modbus+rtu", query) => {
            if !rest.starts_with('/') || rest.len() < 2 || rest.contains('?') {
                return Err(InvalidAddress::Path(cut(text)));
            }
            Ok(Bus::Rtu(SerialLine::from_query(rest, query.unwrap_or("")).map_err(setting)?))
        }
        ("modbus+tcp" | "modbus+rtu-tcp", Some(query)) => Err(setting(cut(query))),
        ("modbus+tcp", None) => Ok(Bus::Tcp(endpoint(rest, Some(MODBUS_PORT), text)?)),
        ("modbus+rtu-tcp", None) => Ok(Bus::RtuTcp(endpoint(rest, None, text)?)),
        _ => Err(InvalidAddress::Scheme(cut(text))),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// `host:port` from `host` or `host:port`; without a usual port it must be said.
fn endpoint(authority: &str, usual: Option<u16>, text: &str) -> Result<String, InvalidAddress> {
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
        None => usual.ok_or_else(|| InvalidAddress::Port(shown()))?,
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
            Self::Modbus { bus: bus @ Bus::Rtu(line), unit } => {
                write!(f, "{bus}/{unit}?baud={}&parity={}&stop={}", line.baud, line.parity, line.stop)
            }
            Self::Modbus { bus, unit } => write!(f, "{bus}/{unit}"),
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
            ("modbus+rtu-tcp://[fd00::7]:4001/247", "modbus+rtu-tcp://[fd00::7]:4001/247"),
            ("modbus+rtu:///dev/ttyUSB0/1", "modbus+rtu:///dev/ttyUSB0/1?baud=19200&parity=even&stop=1"),
            (
                "modbus+rtu:///dev/serial/by-id/usb-x/9?baud=9600&parity=none",
                "modbus+rtu:///dev/serial/by-id/usb-x/9?baud=9600&parity=none&stop=2",
            ),
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
            ("modbus+tcp://a/", "unit id"),
            ("modbus+tcp://a/1?baud=9600", "baud=9600"),
            ("modbus+rtu-tcp://a/1", "port"),
            ("modbus+rtu:///dev/ttyUSB0/0", "from 1 to 247"),
            ("modbus+rtu:///dev/ttyUSB0/248", "from 1 to 247"),
            ("modbus+rtu://ttyUSB0/1", "device file"),
            ("modbus+rtu:///dev/ttyUSB0/1?baud=12", "`baud=12`"),
            ("modbus+rtu:///dev/ttyUSB0/1?parity=mark", "`parity=mark`"),
            ("modbus+rtu:///dev/ttyUSB0/1?stop=3", "`stop=3`"),
            ("modbus+rtu:///dev/ttyUSB0/1?bits=7", "`bits=7`"),
            ("modbus+tcp://a/256", "unit id"),
            ("modbus+tcp://a:0/1", "port"),
            ("modbus+tcp:///1", "names no host"),
            ("modbus+tcp://a b/1", "names no host"),
            ("snmp://fd00::7", "names no host"),
            ("snmp://a/1", "goes on"),
            ("host://x", "goes on"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
