//! The sockets of the simulator.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream, UdpSocket};

/// Bytes of requests that one connection may have waiting: 16 requests of a client that asks ahead, and some.
const INPUT_MAX: usize = 4096;
/// Bytes of answers that one connection may have waiting, if the client does not read them.
const OUTPUT_MAX: usize = 1 << 20;
/// Connections that may wait to be accepted: all clients of a load test at once.
const BACKLOG: i32 = 1024;

/// One socket.
#[derive(Debug)]
pub(super) enum Socket {
    /// Takes connections of Modbus clients, at the door with this number.
    Listener(TcpListener, usize),
    /// A Modbus client, at the door with this number.
    Client(Stream, usize),
    /// An SNMP device.
    Datagrams(UdpSocket, usize),
    /// Takes connections of those who give commands.
    ControlListener(TcpListener),
    /// Somebody who gives commands.
    Controller(Stream),
}

/// A connection with what has come in and what has to go out.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) connection: TcpStream,
    pub(super) input: Vec<u8>,
    output: Vec<u8>,
    /// An answer that is kept back.
    pub(super) held: Option<Vec<u8>>,
    /// The device has forgotten this connection: it says nothing here any more.
    pub(super) is_mute: bool,
    /// It ends with RST.
    pub(super) is_aborted: bool,
    /// Until when pieces of answers are on their way.
    pub(super) busy_until: Instant,
    /// When something last came.
    pub(super) active: Instant,
}

impl Stream {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            connection: stream,
            input: Vec::new(),
            output: Vec::new(),
            held: None,
            is_mute: false,
            is_aborted: false,
            busy_until: Instant::now(),
            active: Instant::now(),
        }
    }

    /// Reads what there is. `false` if the connection has ended or sends too much.
    pub(super) fn fill(&mut self) -> bool {
        let mut chunk = [0; 4096];
        loop {
            match self.connection.read(&mut chunk) {
                Ok(0) => return false,
                Ok(n) => {
                    self.active = Instant::now();
                    self.input.extend_from_slice(chunk.get(..n).unwrap_or_default());
                    if self.input.len() > INPUT_MAX {
                        return false;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Sends, and keeps what the client does not take yet. `false` if the connection has ended.
    pub(super) fn send(&mut self, bytes: &[u8]) -> bool {
        self.output.extend_from_slice(bytes);
        self.output.len() <= OUTPUT_MAX && self.flush()
    }

    /// Sends what was kept back, and `bytes`. `false` if the connection has ended.
    pub(super) fn send_late(&mut self, bytes: &[u8]) -> bool {
        let held = if bytes.is_empty() { self.held.take() } else { None };
        self.send(held.as_deref().unwrap_or(bytes))
    }

    /// Sends what waits. `false` if the connection has ended.
    pub(super) fn flush(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.connection.write(&self.output) {
                Ok(0) => return false,
                Ok(n) => drop(self.output.drain(..n)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Ends the connection both ways.
    pub(super) fn close(&self) {
        if self.is_aborted {
            // With nothing to wait for, dropping the socket sends a reset.
            if let Err(error) = socket2::SockRef::from(&self.connection).set_linger(Some(Duration::ZERO)) {
                tracing::debug!(%error, "cannot have a connection end with a reset");
            }
            return;
        }
        if let Err(error) = self.connection.shutdown(Shutdown::Both) {
            tracing::trace!(%error, "a client was gone before its connection was closed");
        }
    }
}

/// Takes a TCP address.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    // So that a simulator started again at once finds its addresses free.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}
