//! The devices: one thread that answers every read on every address at once.

use std::io::{self, Read, Write};

use anyhow::Context;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::fleet;

/// Bytes of a read request of Modbus TCP.
const REQUEST_BYTES: usize = 12;

/// Serves the first `devices` addresses until the process is ended. Prints a line when all are listening.
pub(crate) fn serve(devices: u32) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut listeners = Vec::new();
    for device in 0..devices {
        let address = fleet::address(device);
        let mut listener =
            TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        let token = Token(listeners.len());
        poll.registry().register(&mut listener, token, Interest::READABLE)?;
        listeners.push(listener);
    }
    writeln!(io::stdout(), "ready")?;
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let mut events = Events::with_capacity(1024);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            let Token(token) = event.token();
            match listeners.get(token) {
                Some(listener) => accept(listener, &poll, listeners.len(), &mut streams)?,
                None => answer(streams.get_mut(token - listeners.len())),
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    first: usize,
    streams: &mut Vec<Option<TcpStream>>,
) -> anyhow::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nodelay(true)?;
                let token = Token(first + streams.len());
                poll.registry().register(&mut stream, token, Interest::READABLE)?;
                streams.push(Some(stream));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Answers what has come. Requests are whole: the clients write each of them at once, and loopback does not cut them.
fn answer(place: Option<&mut Option<TcpStream>>) {
    let Some(place) = place else { return };
    let Some(stream) = place.as_mut() else { return };
    let mut room = [0u8; 16 * REQUEST_BYTES];
    let mut out = Vec::with_capacity(512);
    let good = match stream.read(&mut room) {
        Ok(0) => false,
        Ok(bytes) => {
            let requests = room.get(..bytes).unwrap_or_default().chunks_exact(REQUEST_BYTES);
            requests.for_each(|request| frame(request, &mut out));
            stream.write_all(&out).is_ok()
        }
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    };
    if !good {
        *place = None;
    }
}

/// Every float is 230.5: 4366 8000 hex.
fn frame(request: &[u8], out: &mut Vec<u8>) {
    let &[t0, t1, _, _, _, _, unit, function, _, _, c0, c1] = request else { return };
    let words = u16::from_be_bytes([c0, c1]).min(125);
    let bytes = u8::try_from(words * 2).unwrap_or(250);
    out.extend([t0, t1, 0, 0, 0, bytes + 3, unit, function, bytes]);
    (0..words).for_each(|n| out.extend(if n % 2 == 0 { [0x43, 0x66] } else { [0x80, 0x00] }));
}
