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
}

impl Link {
    /// Where it listens.
    pub const fn listen(&self) -> SocketAddr {
        match self {
            Self::Modbus { listen, .. } | Self::Snmp { listen } => *listen,
        }
    }
}
