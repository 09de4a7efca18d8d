//! The devices that are polled, each at an address of its own on loopback, and how the agent is told about them.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use agent::poll::schedule::{SNMP_TICK_MS, Schedule, TICK_MS};
use model::DeviceId;
use profile::Oid;

/// Name of the profile's file, beside the configuration.
pub(crate) const PROFILE_FILE: &str = "bench-device.toml";
/// File with the community, beside the configuration.
pub(crate) const COMMUNITY_FILE: &str = "community";
/// Community of all SNMP devices.
pub(crate) const COMMUNITY: &str = "public";
/// Ports outside of those that the system hands out.
const MODBUS_PORT: u16 = 15_020;
const SNMP_PORT: u16 = 16_100;
/// More do not fit into a network of the second octet as they are counted here.
pub(crate) const DEVICES_MAX: u32 = 10_000;
/// Units behind one gateway; the last of them is dead.
pub(crate) const UNITS: u32 = 8;
/// Outlets of an SNMP device, and the columns that are read of each.
const OUTLETS: u32 = 24;
const COLUMNS: u32 = 4;
/// A made-up enterprise number (RFC 5612 keeps 32473 for examples).
const TABLE: &str = "1.3.6.1.4.1.32473.1.1";
/// sysUpTime.0 (RFC 3418), which the agent asks for with every poll.
pub(crate) const UPTIME: &str = "1.3.6.1.2.1.1.3.0";
/// Objects in one packet: as many of these as have room in the 1400 bytes that the agent allows an answer.
const OBJECTS_A_PACKET: usize = 53;
/// What the columns hold: name of the quantity and its unit.
const COLUMNS_MEAN: [(&str, &str); 4] =
    [("current", "A"), ("voltage", "V"), ("active_power", "W"), ("active_energy_import", "Wh")];

/// What kind of devices there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Modbus meters: 20 floats in three blocks that cannot be joined.
    Split,
    /// The same in one block.
    Joined,
    /// SNMP: 24 outlets with four columns each.
    Outlets,
    /// Eight Modbus units behind each gateway, one of them dead.
    Gateway,
}

impl Kind {
    /// Start and count of the registers of each block.
    pub(crate) const fn blocks(self) -> &'static [(u16, u16)] {
        match self {
            Self::Split | Self::Gateway => &[(0, 14), (1000, 14), (2000, 12)],
            Self::Joined => &[(0, 40)],
            Self::Outlets => &[],
        }
    }

    /// Values of one poll of one device.
    pub(crate) fn values(self) -> u32 {
        match self {
            Self::Outlets => OUTLETS * COLUMNS,
            other => other.blocks().iter().map(|(_, words)| u32::from(words / 2)).sum(),
        }
    }

    /// Is it asked over SNMP?
    pub(crate) const fn is_snmp(self) -> bool {
        matches!(self, Self::Outlets)
    }

    /// Does this device never answer?
    pub(crate) const fn is_dead(self, device: u32) -> bool {
        matches!(self, Self::Gateway) && device % UNITS == UNITS - 1
    }

    /// Addresses that are served for so many devices.
    pub(crate) const fn addresses(self, devices: u32) -> u32 {
        if matches!(self, Self::Gateway) { devices.div_ceil(UNITS) } else { devices }
    }

    /// Address of a device.
    pub(crate) fn address(self, device: u32) -> SocketAddr {
        match self {
            Self::Split | Self::Joined => place(20, device, MODBUS_PORT),
            Self::Outlets => place(21, device, SNMP_PORT),
            Self::Gateway => place(22, device / UNITS, MODBUS_PORT),
        }
    }

    /// Unit id of a device.
    pub(crate) const fn unit(self, device: u32) -> u32 {
        if matches!(self, Self::Gateway) { device % UNITS + 1 } else { 1 }
    }

    /// When a device is due: as the agent lays it.
    pub(crate) fn schedule(self, device: u32, period: Duration) -> anyhow::Result<Schedule> {
        Ok(Schedule::spread(&DeviceId::new(&id(device))?, period, self.tick_ms()))
    }

    /// On which ticks devices of this kind are laid.
    pub(crate) const fn tick_ms(self) -> u32 {
        if self.is_snmp() { SNMP_TICK_MS } else { TICK_MS }
    }
}

/// 127.x.0.1 to 127.x.0.250, then 127.x.1.1 and so on.
fn place(net: u8, n: u32, port: u16) -> SocketAddr {
    let octet = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
    SocketAddrV4::new(Ipv4Addr::new(127, net, octet(n / 250), octet(n % 250 + 1)), port).into()
}

/// Name of a device.
pub(crate) fn id(device: u32) -> String {
    format!("device-{device}")
}

/// The objects of one SNMP device, in order.
pub(crate) fn objects() -> anyhow::Result<Vec<Oid>> {
    let column = |column: u32| (1..=OUTLETS).map(move |outlet| format!("{TABLE}.{column}.{outlet}"));
    let texts = (1..=COLUMNS).flat_map(column);
    texts.map(|text| text.parse::<Oid>().map_err(anyhow::Error::from)).collect()
}

/// What is asked of an SNMP device in one poll, packet by packet: as the agent packs it, sysUpTime last.
pub(crate) fn packets() -> anyhow::Result<Vec<Vec<Oid>>> {
    let all: Vec<Oid> = objects()?.into_iter().chain([UPTIME.parse()?]).collect();
    Ok(all.chunks(OBJECTS_A_PACKET).map(<[Oid]>::to_vec).collect())
}

/// The columns of the table, without index.
pub(crate) fn columns() -> Vec<String> {
    (1..=COLUMNS).map(|column| format!("{TABLE}.{column}")).collect()
}

/// The agent's configuration for `devices` of `kind`; all are read by [`profile()`], in the file named here.
pub(crate) fn config(kind: Kind, devices: u32, period: Duration, in_flight: u8) -> String {
    let head = format!(
        "[agent]\nid = \"bench\"\nsite = \"bench\"\n[spool]\ndir = \"spool\"\n[[profile]]\nfile = \"{PROFILE_FILE}\"\n"
    );
    let credentials =
        format!("\n[credentials.bench]\nversion = \"2c\"\ncommunity_file = \"{COMMUNITY_FILE}\"\n");
    let device = |device: u32| {
        let (id, address, every) = (id(device), kind.address(device), period.as_millis());
        let how = if kind.is_snmp() {
            format!("address = \"snmp://{address}\"\ncredentials = \"bench\"\n")
        } else {
            let unit = kind.unit(device);
            format!("address = \"modbus+tcp://{address}/{unit}\"\nin_flight = {in_flight}\n")
        };
        format!("\n[[device]]\nid = \"{id}\"\nprofile = \"bench-device\"\nevery = \"{every}ms\"\n{how}")
    };
    let tail = kind.is_snmp().then_some(credentials);
    std::iter::once(head).chain((0..devices).map(device)).chain(tail).collect()
}

/// What is read of each.
pub(crate) fn profile(kind: Kind) -> String {
    let protocol = if kind.is_snmp() { "snmp" } else { "modbus" };
    let head = format!(
        "id = \"bench-device\"\nmaker = \"bench\"\nmodel = \"device\"\nprotocol = \"{protocol}\"\n\
         confidence = \"known\"\nsources = \"made up for measuring\"\n"
    );
    head + &if kind.is_snmp() { table() } else { registers(kind) }
}

fn registers(kind: Kind) -> String {
    let registers = kind.blocks().iter().flat_map(|(start, count)| (*start..start + count).step_by(2));
    let reading = |(n, register): (usize, u16)| {
        format!(
            "\n[[reading]]\nquantity = \"active_power\"\nchannel = \"outlet.{n}\"\nregister = {register}\n\
             function = 3\ntype = \"f32\"\nunit = \"W\"\n"
        )
    };
    registers.enumerate().map(reading).collect()
}

fn table() -> String {
    let reading = |(column, (quantity, unit)): (String, (&str, &str))| {
        format!("  {{ quantity = \"{quantity}\", column = \"{column}\", unit = \"{unit}\" }},\n")
    };
    let readings: String = columns().into_iter().zip(COLUMNS_MEAN).map(reading).collect();
    format!("\n[[table]]\nindex = [\"outlet\"]\nchannel = \"outlet.{{outlet}}\"\nreading = [\n{readings}]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_has_an_address_of_its_own_and_a_gateway_has_eight() {
        for kind in [Kind::Split, Kind::Joined, Kind::Outlets] {
            let addresses: std::collections::BTreeSet<_> =
                (0..DEVICES_MAX).map(|n| kind.address(n)).collect();
            assert_eq!(addresses.len(), usize::try_from(DEVICES_MAX).unwrap());
        }
        assert_eq!(Kind::Gateway.address(7), Kind::Gateway.address(0));
        assert_ne!(Kind::Gateway.address(8), Kind::Gateway.address(0));
        assert_eq!(
            (Kind::Gateway.unit(7), Kind::Gateway.is_dead(7), Kind::Gateway.is_dead(6)),
            (8, true, false)
        );
    }

    #[test]
    fn the_agent_takes_the_configurations_and_reads_as_many_values_as_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(COMMUNITY_FILE), COMMUNITY).unwrap();
        for (kind, values) in
            [(Kind::Split, 20), (Kind::Joined, 20), (Kind::Outlets, 96), (Kind::Gateway, 20)]
        {
            std::fs::write(folder.path().join(PROFILE_FILE), profile(kind)).unwrap();
            let path = folder.path().join("agent.toml");
            std::fs::write(&path, config(kind, 9, Duration::from_secs(1), 3)).unwrap();
            assert_eq!(agent::config::Config::load(&path, None).unwrap().devices.len(), 9);
            assert_eq!(kind.values(), values);
        }
        assert_eq!(objects().unwrap().len(), 96);
    }
}
