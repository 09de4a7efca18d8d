//! The devices that are asked over SNMP, through one socket for each address family.
//!
//! Invariants:
//! - Every request has an id of its own; an answer is taken only from the address that was asked, for an id that is
//!   open. What comes later finds its id closed.
//! - Every poll of a device whose objects are known ends exactly once.
//! - A device that does not answer is left alone for longer after each failure; it holds nothing that others need.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use model::{DeviceId, Timestamp};
use profile::Profile;

use super::desk::{Desk, Wake};
use super::schedule::Schedule;
use super::snmp_device::{Device, Outgoing};
use crate::snmp::{Credentials, Incoming, REQUEST_IDS};

/// Room for the answers of a burst while the engine is busy: some 700 of 1472 bytes.
const RECEIVE_BYTES: usize = 1 << 20;
/// The largest UDP packet.
const PACKET_BYTES_MAX: usize = 65_535;
/// Packets that are read from a socket before others get their turn.
const PACKETS_AT_ONCE: usize = 256;

/// How a device is asked.
#[derive(Debug, Clone)]
pub struct SnmpTarget {
    /// The device.
    pub device: DeviceId,
    /// `host:port`.
    pub name: String,
    /// In whose name it is asked.
    pub credentials: Credentials,
    /// What its objects mean.
    pub profile: Arc<Profile>,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// How often an unanswered request is repeated within the period.
    pub retries: u8,
    /// Requests that may be under way at once.
    pub in_flight: usize,
    /// When it is due.
    pub schedule: Schedule,
}

/// All devices that are asked over SNMP.
#[derive(Debug)]
pub(super) struct SnmpDevices {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    devices: Vec<Device>,
    /// Devices whose names are to be looked up.
    to_resolve: Vec<usize>,
    /// Request ids that are open, and whose they are.
    open: HashMap<i32, usize>,
    next_id: i32,
    buffer: Vec<u8>,
}

impl SnmpDevices {
    /// Binds the sockets; a family that the host does not have is left out. `first_id` is where ids begin.
    ///
    /// # Errors
    /// If the host has neither family, or a socket cannot be watched.
    pub(super) fn new(registry: &Registry, tokens: (Token, Token), first_id: i32) -> io::Result<Self> {
        let v4 = bind(IpAddr::V4(Ipv4Addr::UNSPECIFIED), registry, tokens.0);
        let v6 = bind(IpAddr::V6(Ipv6Addr::UNSPECIFIED), registry, tokens.1);
        let (v4, v6) = match (v4, v6) {
            (Err(error), Err(_)) => return Err(error),
            (v4, v6) => (v4.ok(), v6.ok()),
        };
        let next_id = first_id.clamp(*REQUEST_IDS.start(), *REQUEST_IDS.end());
        Ok(Self {
            v4,
            v6,
            devices: Vec::new(),
            to_resolve: Vec::new(),
            open: HashMap::new(),
            next_id,
            buffer: vec![0; PACKET_BYTES_MAX],
        })
    }

    /// Adds a device; gives its place.
    pub(super) fn add(&mut self, target: SnmpTarget) -> usize {
        let place = self.devices.len();
        let device = Device::new(target);
        if device.address.is_none() {
            self.to_resolve.push(place);
        }
        self.devices.push(device);
        place
    }

    /// Places and names of the devices whose address is to be looked up; each is named once.
    pub(super) fn unresolved(&mut self) -> Vec<(usize, String)> {
        let places = std::mem::take(&mut self.to_resolve).into_iter();
        places.filter_map(|place| Some((place, self.devices.get(place)?.target.name.clone()))).collect()
    }

    /// The name of a device could not be looked up now.
    pub(super) fn ask_again(&mut self, place: usize) {
        self.to_resolve.push(place);
    }

    /// Number of a device's group, and how many series it has; `None` until its objects are known.
    pub(super) fn group(&self, place: usize) -> Option<(u32, usize)> {
        self.devices.get(place).and_then(Device::group)
    }

    /// The name of a device was looked up.
    pub(super) fn resolved(&mut self, place: usize, address: SocketAddr, desk: &mut Desk) {
        if let Some(device) = self.devices.get_mut(place) {
            device.resolved(address, desk);
        }
    }

    /// A device is due.
    pub(super) fn due(&mut self, place: usize, scheduled: Timestamp, desk: &mut Desk) {
        let Some(device) = self.devices.get_mut(place) else { return };
        device.due(scheduled, desk);
        if device.is_to_be_looked_up() {
            self.to_resolve.push(place);
        }
        self.pump(place, desk);
    }

    /// The alarm of a device went off.
    pub(super) fn alarm(&mut self, place: usize, desk: &mut Desk) {
        let Some(device) = self.devices.get_mut(place) else { return };
        if !device.alarm.went_off(desk.now.wall()) {
            return;
        }
        for id in device.expire(desk) {
            self.open.remove(&id);
        }
        self.pump(place, desk);
    }

    /// The wheel was emptied because the clock was set.
    pub(super) fn rearm(&mut self, desk: &mut Desk) {
        for (place, device) in self.devices.iter_mut().enumerate() {
            device.alarm.reset();
            device.alarm.set(device.first_deadline(), Wake::Snmp(place), desk);
        }
    }

    /// Packets arrived. Gives whether there may be more.
    pub(super) fn event(&mut self, family: Family, desk: &mut Desk) -> bool {
        for _ in 0..PACKETS_AT_ONCE {
            let socket = match family {
                Family::V4 => self.v4.as_ref(),
                Family::V6 => self.v6.as_ref(),
            };
            let Some(socket) = socket else { return false };
            match socket.recv_from(&mut self.buffer) {
                Ok((bytes, from)) => self.packet(bytes, from, desk),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // What a router says about an earlier packet; the next receive goes on.
                Err(error) => tracing::debug!(%error, "cannot receive"),
            }
        }
        true
    }

    fn packet(&mut self, bytes: usize, from: SocketAddr, desk: &mut Desk) {
        desk.statistics.bytes_in += u64::try_from(bytes).unwrap_or(u64::MAX);
        let Some(Ok(incoming)) = self.buffer.get(..bytes).map(Incoming::parse) else {
            desk.statistics.strays += 1;
            return;
        };
        let id = incoming.id();
        let asked = self.open.get(&id).copied();
        let Some((place, device)) = asked.and_then(|place| Some((place, self.devices.get_mut(place)?)))
        else {
            desk.statistics.strays += 1;
            return;
        };
        if device.address != Some(from) {
            desk.statistics.strays += 1;
            return device.answered_elsewhere(from, desk);
        }
        if device.hear(incoming, desk) {
            self.open.remove(&id);
            self.pump(place, desk);
        }
    }

    /// Sends what the device may send and sets its alarm.
    fn pump(&mut self, place: usize, desk: &mut Desk) {
        let Some(device) = self.devices.get_mut(place) else { return };
        for id in device.closed.drain(..) {
            self.open.remove(&id);
        }
        while device.wants_to_send() {
            let id = fresh_id(&mut self.next_id, &self.open);
            let Some(Outgoing { bytes, to }) = device.next_packet(id, desk) else { break };
            let socket = if to.is_ipv4() { self.v4.as_ref() } else { self.v6.as_ref() };
            match socket.map(|socket| socket.send_to(&bytes, to)) {
                Some(Ok(sent)) => desk.statistics.bytes_out += u64::try_from(sent).unwrap_or(u64::MAX),
                // As good as lost on the way: the wait for the answer deals with it.
                Some(Err(error)) => tracing::debug!(%error, "cannot send"),
                None => tracing::debug!(%to, "this host has no socket of that family"),
            }
            desk.statistics.requests += 1;
            self.open.insert(id, place);
        }
        device.alarm.set(device.first_deadline(), Wake::Snmp(place), desk);
    }

    /// The engine stops: polls under way end without an answer.
    pub(super) fn stop(&mut self, desk: &mut Desk) {
        self.devices.iter_mut().for_each(|device| device.stop(desk));
    }
}

/// Address family of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

fn fresh_id(next: &mut i32, open: &HashMap<i32, usize>) -> i32 {
    // Far fewer ids are ever open than there are: one round always finds a closed one.
    loop {
        let id = *next;
        *next = if id >= *REQUEST_IDS.end() { *REQUEST_IDS.start() } else { id + 1 };
        if !open.contains_key(&id) {
            return id;
        }
    }
}

fn bind(address: IpAddr, registry: &Registry, token: Token) -> io::Result<UdpSocket> {
    let domain = socket2::Domain::for_address(SocketAddr::new(address, 0));
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(address, 0).into())?;
    let mut socket = UdpSocket::from_std(socket.into());
    registry.register(&mut socket, token, Interest::READABLE)?;
    Ok(socket)
}
