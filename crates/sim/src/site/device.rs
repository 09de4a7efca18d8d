//! Devices of a site.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{DeviceId, ProfileId};
use profile::ModbusReading;

use super::Subject;
use crate::physics::Amount;

/// Which registers or objects a device has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Map {
    /// Those of a profile.
    Profile(ProfileId),
    /// These, which the agent finds in its configuration too.
    Inline(Arc<[ModbusReading]>),
}

/// How a device is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Modbus TCP; devices with the same address are units behind one gateway.
    Modbus {
        /// Where it listens.
        listen: SocketAddr,
        /// Its unit id.
        unit: u8,
    },
    /// SNMP v2c.
    Snmp {
        /// Where it listens.
        listen: SocketAddr,
    },
}

/// How Modbus frames look on a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Framing {
    /// As on TCP, with a transaction id.
    #[default]
    Tcp,
    /// As on a serial line, with a checksum: what a plain converter from Ethernet to RS-485 passes on.
    Rtu,
}

/// A device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its id, unique in its site.
    pub id: DeviceId,
    /// What it stands at.
    pub subject: Subject,
    /// Which registers it has.
    pub map: Map,
    /// How it is spoken to.
    pub link: Link,
    /// Where its counters stood when the plant was commissioned.
    pub start: Amount,
    /// What the main circuit is divided by before it reaches the meter, CT x VT; 1 for a direct meter.
    pub ratio: u32,
    /// How often an agent polls it.
    pub every: Duration,
    /// The rack it belongs to, if any.
    pub rack: Option<u8>,
    /// How its Modbus frames look; all units behind an address have the same.
    pub framing: Framing,
}

impl Device {
    /// Where an agent finds it, as written in its configuration.
    pub fn address(&self) -> String {
        match (&self.link, self.framing) {
            (Link::Modbus { listen, unit }, Framing::Tcp) => format!("modbus+tcp://{listen}/{unit}"),
            (Link::Modbus { listen, unit }, Framing::Rtu) => format!("modbus+rtu-tcp://{listen}/{unit}"),
            (Link::Snmp { listen }, _) => format!("snmp://{listen}"),
        }
    }
}

impl Link {
    /// Where it listens.
    pub const fn listen(&self) -> SocketAddr {
        match self {
            Self::Modbus { listen, .. } | Self::Snmp { listen } => *listen,
        }
    }
}
