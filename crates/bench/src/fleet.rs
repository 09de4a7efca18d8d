//! The devices that are polled: each at an address of its own on loopback, 20 values in three blocks of registers that
//! cannot be joined.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use agent::poll::schedule::{Schedule, TICK_MS};
use model::DeviceId;

/// Start and count of the registers of each block: 7, 7 and 6 floats.
pub(crate) const BLOCKS: [(u16, u16); 3] = [(0, 14), (1000, 14), (2000, 12)];
/// Name of the profile's file, beside the configuration.
pub(crate) const PROFILE_FILE: &str = "bench-meter.toml";
/// Port of all of them, outside of the ports that the system hands out.
const PORT: u16 = 15_020;
/// More do not fit into 127.20.0.0/16 as they are counted here.
pub(crate) const DEVICES_MAX: u32 = 10_000;

/// Address of a device: 127.20.0.1 to 127.20.0.250, then 127.20.1.1 and so on.
pub(crate) fn address(device: u32) -> SocketAddr {
    let (third, fourth) = (device / 250, device % 250 + 1);
    let octet = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
    SocketAddrV4::new(Ipv4Addr::new(127, 20, octet(third), octet(fourth)), PORT).into()
}

fn id(device: u32) -> String {
    format!("meter-{device}")
}

/// When a device is due: as the agent lays it.
pub(crate) fn schedule(device: u32, period: Duration) -> anyhow::Result<Schedule> {
    Ok(Schedule::spread(&DeviceId::new(&id(device))?, period, TICK_MS))
}

/// The agent's configuration for the same devices and requests; all are read by [`profile`], in the file named here.
pub(crate) fn config(devices: u32, period: Duration, in_flight: u8) -> String {
    let head = format!("[agent]\nid = \"bench\"\nsite = \"bench\"\n[[profile]]\nfile = \"{PROFILE_FILE}\"\n");
    let device = |device: u32| {
        let (id, address, every) = (id(device), address(device), period.as_millis());
        format!(
            "\n[[device]]\nid = \"{id}\"\nprofile = \"bench-meter\"\naddress = \"modbus+tcp://{address}/1\"\n\
             every = \"{every}ms\"\nin_flight = {in_flight}\n"
        )
    };
    std::iter::once(head).chain((0..devices).map(device)).collect()
}

/// What is read of each: 20 floats in [`BLOCKS`].
pub(crate) fn profile() -> String {
    let head = "id = \"bench-meter\"\nmaker = \"bench\"\nmodel = \"meter\"\nprotocol = \"modbus\"\n\
        confidence = \"known\"\nsources = \"made up for measuring\"\n";
    let registers = BLOCKS.iter().flat_map(|(start, count)| (*start..start + count).step_by(2));
    let reading = |(n, register): (usize, u16)| {
        format!(
            "\n[[reading]]\nquantity = \"active_power\"\nchannel = \"outlet.{n}\"\nregister = {register}\n\
             function = 3\ntype = \"f32\"\nunit = \"W\"\n"
        )
    };
    std::iter::once(head.to_owned()).chain(registers.enumerate().map(reading)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_has_an_address_of_its_own_and_20_values() {
        let addresses: std::collections::BTreeSet<_> = (0..DEVICES_MAX).map(address).collect();
        assert_eq!(addresses.len(), usize::try_from(DEVICES_MAX).unwrap());
        assert_eq!(profile().matches("[[reading]]").count(), 20);
        assert_eq!(config(7, Duration::from_secs(1), 1).matches("[[device]]").count(), 7);
    }
}
