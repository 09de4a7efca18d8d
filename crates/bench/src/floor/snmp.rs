//! A bare datagram loop: one socket, packets that are made once. It looks only at where an answer comes from.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use agent::snmp::{Credentials, Packet, REQUEST_IDS, Read};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use super::Floor;
use crate::fleet::{self, Kind};

pub(super) struct Datagrams {
    socket: UdpSocket,
    devices: Vec<Device>,
    places: HashMap<SocketAddr, usize>,
    /// The same for all devices.
    packets: Vec<Packet>,
    in_flight: usize,
    next_id: i32,
}

struct Device {
    address: SocketAddr,
    /// Packets of this poll that were sent.
    sent: usize,
}

impl Datagrams {
    pub(super) fn new(
        kind: Kind,
        devices: u32,
        in_flight: usize,
        registry: &Registry,
    ) -> anyhow::Result<Self> {
        let mut socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0).into())?;
        registry.register(&mut socket, Token(0), Interest::READABLE)?;
        let devices: Vec<Device> =
            (0..devices).map(|n| Device { address: kind.address(n), sent: 0 }).collect();
        let places = devices.iter().enumerate().map(|(place, device)| (device.address, place)).collect();
        let credentials = Credentials::v2c(fleet::COMMUNITY.as_bytes())?;
        let packet = |objects: &Vec<profile::Oid>| Packet::new(&credentials, Read::Get, objects.iter());
        let packets = fleet::packets()?.iter().map(packet).collect();
        Ok(Self { socket, devices, places, packets, in_flight, next_id: *REQUEST_IDS.start() })
    }

    fn send(&mut self, place: usize) -> io::Result<()> {
        let Some(device) = self.devices.get_mut(place) else { return Ok(()) };
        let Some(packet) = self.packets.get_mut(device.sent) else { return Ok(()) };
        device.sent += 1;
        self.next_id =
            if self.next_id < *REQUEST_IDS.end() { self.next_id + 1 } else { *REQUEST_IDS.start() };
        self.socket.send_to(packet.with_id(self.next_id), device.address).map(drop)
    }
}

impl Floor for Datagrams {
    fn due(&mut self, place: usize) -> anyhow::Result<()> {
        if let Some(device) = self.devices.get_mut(place) {
            device.sent = 0;
        }
        for _ in 0..self.in_flight {
            self.send(place)?;
        }
        Ok(())
    }

    fn event(&mut self, _: Token) -> anyhow::Result<()> {
        let mut room = [0u8; 2048];
        loop {
            match self.socket.recv_from(&mut room) {
                Ok((_, from)) => {
                    if let Some(place) = self.places.get(&from).copied() {
                        self.send(place)?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
