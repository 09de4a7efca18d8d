//! Modbus TCP: every register holds half of a float.

use std::io::{self, Read as _, Write as _};

use anyhow::Context;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use super::Devices;
use crate::fleet::Kind;
use crate::log::Log;

/// Bytes of a read request of Modbus TCP.
const REQUEST_BYTES: usize = 12;

/// Addresses with the connections to them.
pub(super) struct Meters {
    kind: Kind,
    listeners: Vec<TcpListener>,
    /// Each with the listener that took it.
    streams: Vec<Option<(TcpStream, usize)>>,
}

impl Meters {
    /// Listens for so many devices.
    pub(super) fn new(kind: Kind, devices: u32, registry: &Registry) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        for place in 0..kind.addresses(devices) {
            let first = if kind == Kind::Gateway { place * crate::fleet::UNITS } else { place };
            let address = kind.address(first);
            let mut listener =
                TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
            registry.register(&mut listener, Token(listeners.len()), Interest::READABLE)?;
            listeners.push(listener);
        }
        Ok(Self { kind, listeners, streams: Vec::new() })
    }

    fn accept(&mut self, place: usize, registry: &Registry) -> anyhow::Result<()> {
        let Some(listener) = self.listeners.get(place) else { return Ok(()) };
        loop {
            match listener.accept() {
                Ok((mut stream, _)) => {
                    stream.set_nodelay(true)?;
                    let token = Token(self.listeners.len() + self.streams.len());
                    registry.register(&mut stream, token, Interest::READABLE)?;
                    self.streams.push(Some((stream, place)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Devices for Meters {
    fn event(&mut self, token: Token, registry: &Registry, log: &mut Log) -> anyhow::Result<()> {
        let Some(stream) = token.0.checked_sub(self.listeners.len()) else {
            return self.accept(token.0, registry);
        };
        let Some(slot) = self.streams.get_mut(stream) else { return Ok(()) };
        if slot.as_mut().is_some_and(|(stream, place)| !answer(stream, (self.kind, *place), log)) {
            *slot = None;
        }
        Ok(())
    }
}

/// Answers what has come; gives false when the connection is over. Requests are whole: the clients write each of them at
/// once, and loopback does not cut them.
fn answer(stream: &mut TcpStream, (kind, place): (Kind, usize), log: &mut Log) -> bool {
    let mut room = [0u8; 64 * REQUEST_BYTES];
    let mut out = Vec::with_capacity(512);
    match stream.read(&mut room) {
        Ok(0) => false,
        Ok(bytes) => {
            let requests = room.get(..bytes).unwrap_or_default().chunks_exact(REQUEST_BYTES);
            requests.for_each(|request| frame(request, (kind, place), log, &mut out));
            stream.write_all(&out).is_ok()
        }
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    }
}

/// Every float is 230.5: 4366 8000 hex.
fn frame(request: &[u8], (kind, place): (Kind, usize), log: &mut Log, out: &mut Vec<u8>) {
    let &[t0, t1, _, _, _, _, unit, function, _, _, c0, c1] = request else { return };
    let words = u16::from_be_bytes([c0, c1]).min(125);
    let behind = if kind == Kind::Gateway { usize::from(unit).saturating_sub(1) } else { 0 };
    let device = if kind == Kind::Gateway { place * 8 + behind } else { place };
    log.asked(device, u64::from(words / 2));
    if u32::try_from(device).is_ok_and(|device| kind.is_dead(device)) {
        return;
    }
    let bytes = u8::try_from(words * 2).unwrap_or(250);
    out.extend([t0, t1, 0, 0, 0, bytes + 3, unit, function, bytes]);
    (0..words).for_each(|n| out.extend(if n % 2 == 0 { [0x43, 0x66] } else { [0x80, 0x00] }));
}
