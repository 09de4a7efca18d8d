//! The devices: one thread that answers every read on every address at once, and notes what it was asked.
//!
//! It is told on its standard input: `begin` and `end` bound the measured span, after `end` it prints what it saw.

mod modbus;
mod snmp;

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};

use crate::fleet::Kind;
use crate::log::Log;

const ORDERS: Token = Token(usize::MAX - 1);

/// What answers at the addresses of a kind of devices.
trait Devices {
    /// Something came for `token`.
    fn event(&mut self, token: Token, registry: &Registry, log: &mut Log) -> anyhow::Result<()>;
}

/// Serves so many devices until its input ends. Prints a line when all are listening.
pub(crate) fn serve(kind: Kind, devices: u32, period: Duration) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut all: Box<dyn Devices> = if kind.is_snmp() {
        Box::new(snmp::Outlets::new(kind, devices, poll.registry())?)
    } else {
        Box::new(modbus::Meters::new(kind, devices, poll.registry())?)
    };
    let orders = io::stdin().as_raw_fd();
    poll.registry().register(&mut SourceFd(&orders), ORDERS, Interest::READABLE)?;
    let mut log = Log::new(kind, usize::try_from(devices)?, period);
    writeln!(io::stdout(), "ready")?;
    let mut events = Events::with_capacity(1024);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            match event.token() {
                ORDERS if !obey(&mut log)? => return Ok(()),
                ORDERS => {}
                token => all.event(token, poll.registry(), &mut log)?,
            }
        }
    }
}

/// One order at a time: whoever gives them waits for the answer to `end`. Gives false at the end of the input.
fn obey(log: &mut Log) -> anyhow::Result<bool> {
    let mut room = [0u8; 64];
    let bytes = io::stdin().lock().read(&mut room)?;
    match room.get(..bytes).unwrap_or_default() {
        b"" => return Ok(false),
        b"begin\n" => log.begin(),
        b"end\n" => writeln!(io::stdout(), "{}", serde_json::to_string(&log.end())?)?,
        other => anyhow::bail!("order {:?}, expected begin or end", String::from_utf8_lossy(other)),
    }
    Ok(true)
}
