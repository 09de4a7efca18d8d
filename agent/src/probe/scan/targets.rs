//! Where to look: `10.4.0.0/24`, `10.4.0.17`, `10.4.0.17-10.4.0.40`, `fd00::7`, a serial line; and at which units.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use super::LINE_UNITS;
use crate::address::{Address, bus};
use crate::modbus::Bus;

/// Addresses of one search, at most: those of a /20. At the usual rate that is half an hour for the silent ones alone.
pub const ADDRESSES_MAX: u32 = 4096;

/// Somewhere to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Hosts, in order.
    Hosts(Vec<IpAddr>),
    /// A bus that is reached in another way: a serial line, or one behind a serial server.
    Bus(Bus),
}

/// A text that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// No address, no range.
    #[error(
        "`{0}` is none of: a range such as 10.4.0.0/24 or 10.4.0.17-10.4.0.40, an address, a line such as \
         modbus+rtu:///dev/ttyUSB0?baud=9600 or modbus+rtu-tcp://10.4.0.9:4001"
    )]
    Form(String),
    /// More addresses than are looked at.
    #[error(
        "`{0}` has {1} addresses, at most {ADDRESSES_MAX} (a /20) are looked at in one search: larger ranges take hours and \
         look like an attack; name the networks in which devices stand"
    )]
    Large(String, u64),
    /// No list of units.
    #[error("`{0}` is no list of unit ids from 0 to 255, such as 1-32 or 1,2,255")]
    Units(String),
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let wrong = || InvalidTarget::Form(text.chars().take(80).collect());
        if text.contains("://") {
            return line(text).map(Self::Bus).ok_or_else(wrong);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Hosts(vec![address]));
        }
        let (first, last) = range(text).ok_or_else(wrong)?;
        let count = u64::from(last - first) + 1;
        if count > u64::from(ADDRESSES_MAX) {
            return Err(InvalidTarget::Large(text.to_owned(), count));
        }
        Ok(Self::Hosts((first..=last).map(|address| Ipv4Addr::from_bits(address).into()).collect()))
    }
}

impl Target {
    /// How many places it has.
    pub const fn count(&self) -> usize {
        match self {
            Self::Hosts(hosts) => hosts.len(),
            Self::Bus(_) => 1,
        }
    }
}

/// A bus as it is written in an address, with or without a unit; its settings stand behind it.
fn line(text: &str) -> Option<Bus> {
    if let Ok(Address::Modbus { bus, .. }) = text.parse() {
        return Some(bus);
    }
    let (front, query) = text.split_once('?').unwrap_or((text, ""));
    let with_unit = if query.is_empty() { format!("{front}/1") } else { format!("{front}/1?{query}") };
    match with_unit.parse() {
        Ok(Address::Modbus { bus, .. }) => Some(bus),
        _ => bus(text).ok(),
    }
}

/// First and last address of a range. In a network of more than two addresses the first and the last are nobody's.
fn range(text: &str) -> Option<(u32, u32)> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last): (Ipv4Addr, Ipv4Addr) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        return (first <= last).then(|| (first.to_bits(), last.to_bits()));
    }
    let (address, bits) = text.split_once('/')?;
    let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    let first = address.parse::<Ipv4Addr>().ok()?.to_bits() & mask;
    let last = first | !mask;
    Some(if last - first > 2 { (first + 1, last - 1) } else { (first, last) })
}

/// Unit ids to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// Those that devices and gateways have by default: over TCP 1, 255 and 0 until one answers, on a line 1 to 32.
    Usual,
    /// These.
    These(Vec<u8>),
}

impl Units {
    /// Those to ask behind a TCP address, in order.
    pub(super) fn over_tcp(&self) -> Vec<u8> {
        match self {
            Self::Usual => vec![1, 255, 0],
            Self::These(units) => units.clone(),
        }
    }

    /// Those to ask on a serial line, in order.
    pub(super) fn on_line(&self) -> Vec<u8> {
        match self {
            Self::Usual => (1..=32).collect(),
            Self::These(units) => units.iter().copied().filter(|unit| LINE_UNITS.contains(unit)).collect(),
        }
    }
}

impl FromStr for Units {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let wrong = || InvalidTarget::Units(text.chars().take(80).collect());
        let mut units: Vec<u8> = Vec::new();
        for part in text.split(',').take(256) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first: u8 = first.trim().parse().map_err(|_| wrong())?;
            let last: u8 = last.trim().parse().map_err(|_| wrong())?;
            if first > last {
                return Err(wrong());
            }
            (first..=last).for_each(|unit| {
                if !units.contains(&unit) {
                    units.push(unit);
                }
            });
        }
        Ok(Self::These(units))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<String> {
        match text.parse() {
            Ok(Target::Hosts(hosts)) => hosts.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_network_is_its_hosts_without_its_own_and_its_broadcast_address() {
        let all = hosts("10.4.0.99/24");
        assert_eq!((all.len(), all[0].as_str(), all[253].as_str()), (254, "10.4.0.1", "10.4.0.254"));
        assert_eq!(hosts("10.4.0.8/31"), ["10.4.0.8", "10.4.0.9"]);
        assert_eq!(hosts("10.4.0.8/32"), ["10.4.0.8"]);
        assert_eq!(hosts("10.4.0.254-10.4.1.1"), ["10.4.0.254", "10.4.0.255", "10.4.1.0", "10.4.1.1"]);
        assert_eq!(hosts("fd00::7"), ["fd00::7"]);
        assert_eq!(hosts("10.4.0.0/20").len(), 4094);
    }

    #[test]
    fn a_range_that_is_too_large_is_refused_with_the_reason() {
        let error = "10.0.0.0/8".parse::<Target>().unwrap_err().to_string();
        assert!(error.contains("16777214 addresses, at most 4096 (a /20)"), "{error}");
        assert!("0.0.0.0/0".parse::<Target>().is_err());
        for wrong in ["10.4.0.0/33", "10.4.0.9-10.4.0.8", "meter", "10.4.0/24", "http://x", "fd00::/64"] {
            assert!(matches!(wrong.parse::<Target>(), Err(InvalidTarget::Form(_))), "{wrong}");
        }
    }

    #[test]
    fn a_serial_line_is_a_target_with_its_settings_and_without_a_unit() {
        let Ok(Target::Bus(Bus::Rtu(line))) = "modbus+rtu:///dev/ttyUSB0?baud=9600".parse() else {
            panic!("no line")
        };
        assert_eq!((line.path.to_str(), line.baud), (Some("/dev/ttyUSB0"), 9600));
        assert!(matches!("modbus+rtu-tcp://10.4.0.9:4001".parse(), Ok(Target::Bus(Bus::RtuTcp(_)))));
    }

    #[test]
    fn units_are_ranges_and_lists_in_the_order_they_are_named() {
        assert_eq!("1-3,255,2".parse(), Ok(Units::These(vec![1, 2, 3, 255])));
        assert_eq!(Units::These(vec![0, 1, 248]).on_line(), [1]);
        for wrong in ["", "3-1", "256", "1,,2", "a"] {
            assert!(wrong.parse::<Units>().is_err(), "{wrong}");
        }
    }
}
