//! A bare epoll loop over TCP connections. It checks that answers have the right length, and nothing else.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context, bail};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::Floor;
use crate::fleet::Kind;

/// Header of an answer before its registers.
const HEAD_BYTES: usize = 9;

pub(super) struct Streams {
    devices: Vec<Device>,
    blocks: &'static [(u16, u16)],
    in_flight: usize,
}

struct Device {
    stream: TcpStream,
    /// Answers still to come in this poll.
    open: usize,
    /// Bytes of this poll's answers that came.
    came: usize,
}

impl Streams {
    pub(super) fn new(
        kind: Kind,
        devices: u32,
        in_flight: usize,
        registry: &Registry,
    ) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for n in 0..devices {
            let address = kind.address(n);
            let stream =
                std::net::TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            registry.register(&mut stream, Token(all.len()), Interest::READABLE)?;
            all.push(Device { stream, open: 0, came: 0 });
        }
        Ok(Self { devices: all, blocks: kind.blocks(), in_flight })
    }
}

impl Floor for Streams {
    fn due(&mut self, device: usize) -> anyhow::Result<()> {
        let Some(device) = self.devices.get_mut(device) else { return Ok(()) };
        if device.open > 0 {
            bail!("the responder is too slow for the floor: a poll was not over when the next one was due");
        }
        (device.open, device.came) = (self.blocks.len(), 0);
        Ok(device.send(self.blocks.iter().take(self.in_flight))?)
    }

    fn event(&mut self, token: Token) -> anyhow::Result<()> {
        let Some(device) = self.devices.get_mut(token.0) else { return Ok(()) };
        let mut room = [0u8; 4096];
        match device.stream.read(&mut room) {
            Ok(0) => bail!("the responder hung up"),
            Ok(bytes) => device.take(bytes, self.blocks, self.in_flight)?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

impl Device {
    /// Sends requests in one write.
    fn send<'b>(&mut self, blocks: impl Iterator<Item = &'b (u16, u16)>) -> io::Result<()> {
        let mut out = Vec::with_capacity(64);
        for (start, words) in blocks {
            let ([s0, s1], [w0, w1]) = (start.to_be_bytes(), words.to_be_bytes());
            out.extend([0, 1, 0, 0, 0, 6, 1, 3, s0, s1, w0, w1]);
        }
        self.stream.write_all(&out)
    }

    fn take(&mut self, bytes: usize, blocks: &[(u16, u16)], in_flight: usize) -> io::Result<()> {
        self.came += bytes;
        while self.open > 0 {
            let done = blocks.len() - self.open;
            let sizes = blocks.iter().take(done + 1).map(|(_, words)| HEAD_BYTES + usize::from(*words) * 2);
            if self.came < sizes.sum::<usize>() {
                return Ok(());
            }
            self.open -= 1;
            if self.open > 0 && done + in_flight < blocks.len() {
                self.send(blocks.iter().skip(done + in_flight).take(1))?;
            }
        }
        Ok(())
    }
}
