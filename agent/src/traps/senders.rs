//! Who is heard: the configured devices, by the addresses that their names stand for.

use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use model::DeviceId;
use profile::Profile;

use crate::snmp::Credentials;

/// Addresses of one name that are kept.
const ADDRESSES_MAX: usize = 16;

/// A device that may send notifications.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The device.
    pub device: DeviceId,
    /// Host name or address at which it is asked.
    pub host: String,
    /// What it has to show.
    pub credentials: Credentials,
    /// What its objects mean.
    pub profile: Option<Arc<Profile>>,
}

/// All devices that may send, with what is known of their addresses.
#[derive(Debug)]
pub(super) struct Senders {
    all: Vec<Sender>,
    by_address: HashMap<IpAddr, Vec<usize>>,
}

impl Senders {
    pub(super) fn new(all: Vec<Sender>) -> Self {
        let mut senders = Self { all, by_address: HashMap::new() };
        for place in 0..senders.all.len() {
            let address = senders.all.get(place).and_then(|sender| literal(&sender.host));
            senders.locate(place, address.as_slice());
        }
        senders
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Sender> {
        self.all.get(place)
    }

    /// The devices at this address, in the order of the configuration.
    pub(super) fn at(&self, address: IpAddr) -> &[usize] {
        self.by_address.get(&address.to_canonical()).map_or(&[], Vec::as_slice)
    }

    /// Names that have to be looked up, with their places.
    pub(super) fn names(&self) -> Vec<(usize, String)> {
        let named = self.all.iter().enumerate().filter(|(_, sender)| literal(&sender.host).is_none());
        named.map(|(place, sender)| (place, sender.host.clone())).collect()
    }

    /// The addresses of a device are these, and no others any more.
    pub(super) fn locate(&mut self, place: usize, addresses: &[IpAddr]) {
        for places in self.by_address.values_mut() {
            places.retain(|other| *other != place);
        }
        self.by_address.retain(|_, places| !places.is_empty());
        for address in addresses.iter().take(ADDRESSES_MAX) {
            let places = self.by_address.entry(address.to_canonical()).or_default();
            places.push(place);
            places.sort_unstable();
            places.dedup();
        }
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// All addresses of a name: a device with several may send from any of them.
pub(super) fn look_up(name: &str) -> std::io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).take(ADDRESSES_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(device: &str, host: &str) -> Sender {
        let credentials = Credentials::v2c(b"c").unwrap();
        Sender { device: DeviceId::new(device).unwrap(), host: host.to_owned(), credentials, profile: None }
    }

    #[test]
    fn devices_are_found_by_address_however_it_is_written_and_by_name_once_it_is_known() {
        let mut senders = Senders::new(vec![
            sender("a", "10.0.0.1"),
            sender("b", "[fd00::7]"),
            sender("c", "ups"),
            sender("d", "10.0.0.1"),
        ]);
        assert_eq!(senders.at("10.0.0.1".parse().unwrap()), [0, 3]);
        assert_eq!(senders.at("::ffff:10.0.0.1".parse().unwrap()), [0, 3]);
        assert_eq!(senders.at("fd00::7".parse().unwrap()), [1]);
        assert_eq!(senders.names(), [(2, "ups".to_owned())]);
        senders.locate(2, &["10.0.0.1".parse().unwrap(), "10.0.0.9".parse().unwrap()]);
        assert_eq!(senders.at("10.0.0.1".parse().unwrap()), [0, 2, 3]);
        senders.locate(2, &["10.0.0.8".parse().unwrap()]);
        assert_eq!(senders.at("10.0.0.9".parse().unwrap()), [0usize; 0]);
        assert_eq!(senders.at("10.0.0.8".parse().unwrap()), [2]);
    }
}
