//! What bytes go through: a TCP connection or a serial port, neither of which blocks.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use super::bus::SerialLine;
use super::serial;

/// Where a connection goes.
#[derive(Debug, Clone, Copy)]
pub enum Peer<'a> {
    /// A TCP server.
    Tcp(SocketAddr),
    /// A serial port of this machine.
    Line(&'a SerialLine),
}

#[derive(Debug)]
pub(super) enum Port {
    Tcp(TcpStream),
    Line(File),
}

impl Port {
    /// Begins to connect, and asks for events.
    pub(super) fn open(peer: Peer<'_>, registry: &Registry, token: Token) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        match peer {
            Peer::Tcp(address) => {
                let mut stream = TcpStream::connect(address)?;
                // Requests are small and one answer is awaited: never wait to fill a packet.
                stream.set_nodelay(true)?;
                registry.register(&mut stream, token, interest)?;
                Ok(Self::Tcp(stream))
            }
            Peer::Line(line) => {
                let file = serial::open(line)?;
                registry.register(&mut SourceFd(&file.as_raw_fd()), token, interest)?;
                Ok(Self::Line(file))
            }
        }
    }

    /// Is it open now? A serial port is from the beginning.
    pub(super) fn is_open(&self) -> io::Result<bool> {
        let Self::Tcp(stream) = self else { return Ok(true) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Throws away what came over a serial line and was not read.
    pub(super) fn forget(&self) -> io::Result<()> {
        match self {
            Self::Tcp(_) => Ok(()),
            Self::Line(file) => serial::forget(file),
        }
    }

    pub(super) const fn is_line(&self) -> bool {
        matches!(self, Self::Line(_))
    }
}

impl Read for Port {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(room),
            Self::Line(file) => file.read(room),
        }
    }
}

impl Write for Port {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Line(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Line(file) => file.flush(),
        }
    }
}
