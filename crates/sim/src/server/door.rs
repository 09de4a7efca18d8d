//! Where devices listen.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::ServerError;
use crate::site::{Framing, Link};
use crate::world::World;

/// An address and the devices behind it.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) address: SocketAddr,
    /// Devices by unit id; an SNMP device has its address for itself and stands at 0.
    pub(super) units: HashMap<u8, usize>,
    is_snmp: bool,
    pub(super) framing: Framing,
    /// The socket, while it is open.
    pub(super) socket: Option<usize>,
}

impl Door {
    /// The SNMP device that listens here; `None` if Modbus is spoken.
    pub(super) fn datagrams_of(&self) -> Option<usize> {
        self.is_snmp.then(|| self.units.get(&0).copied()).flatten()
    }
}

/// All doors of a world.
pub(super) fn all(world: &World) -> Result<Vec<Door>, ServerError> {
    let mut doors: BTreeMap<(SocketAddr, bool), Door> = BTreeMap::new();
    for (n, unit) in world.units().iter().enumerate() {
        let (address, id, is_snmp) = match unit.device.link {
            Link::Modbus { listen, unit } => (listen, unit, false),
            Link::Snmp { listen } => (listen, 0, true),
        };
        let framing = unit.device.framing;
        let empty = || Door { address, units: HashMap::new(), is_snmp, framing, socket: None };
        let door = doors.entry((address, is_snmp)).or_insert_with(empty);
        if let Some(first) = door.units.insert(id, n) {
            let name =
                |n: usize| world.units().get(n).map_or_else(String::new, |unit| unit.device.id.to_string());
            return Err(ServerError::SameUnit { address, unit: id, first: name(first), second: name(n) });
        }
    }
    Ok(doors.into_values().collect())
}
