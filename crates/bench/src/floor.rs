//! The bare loops: the same requests on the same ticks, and nothing else. They decode nothing, keep nothing, and know no
//! failure.

mod modbus;
mod snmp;

use std::io;
use std::time::Duration;

use agent::clock::{Clock, SystemClock};
use mio::{Events, Poll, Token};
use model::Timestamp;

use crate::fleet::Kind;

/// What is sent and taken.
trait Floor {
    /// This device is due.
    fn due(&mut self, device: usize) -> anyhow::Result<()>;
    /// Something came.
    fn event(&mut self, token: Token) -> anyhow::Result<()>;
}

/// Polls so many devices until it is ended.
pub(crate) fn run(kind: Kind, devices: u32, period: Duration, in_flight: u8) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let in_flight = usize::from(in_flight);
    let mut floor: Box<dyn Floor> = if kind.is_snmp() {
        Box::new(snmp::Datagrams::new(kind, devices, in_flight, poll.registry())?)
    } else {
        Box::new(modbus::Streams::new(kind, devices, in_flight, poll.registry())?)
    };
    let clock = SystemClock::start();
    let mut ticks = Ticks::new(kind, devices, period, clock.now().wall())?;
    let mut events = Events::with_capacity(1024);
    loop {
        let wait = ticks.next_us - clock.now().wall_us;
        match poll.poll(&mut events, Some(Duration::from_micros(u64::try_from(wait).unwrap_or(0)))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            floor.event(event.token())?;
        }
        while clock.now().wall_us >= ticks.next_us {
            ticks.due().iter().try_for_each(|device| floor.due(*device))?;
        }
    }
}

/// Devices by the tick of the period at which they are due.
struct Ticks {
    lists: Vec<Vec<usize>>,
    tick_us: i64,
    /// When the next tick is.
    next_us: i64,
}

impl Ticks {
    fn new(kind: Kind, devices: u32, period: Duration, now: Timestamp) -> anyhow::Result<Self> {
        let tick_ms = kind.tick_ms();
        let mut lists = vec![Vec::new(); usize::try_from(period.as_millis() / u128::from(tick_ms))?.max(1)];
        for device in 0..devices {
            let offset = kind.schedule(device, period)?.offset_ms / tick_ms;
            if let Some(list) = lists.get_mut(usize::try_from(offset)?) {
                list.push(usize::try_from(device)?);
            }
        }
        let tick_us = i64::from(tick_ms) * 1000;
        let next_us = (now.millis() * 1000).div_euclid(tick_us) * tick_us + tick_us;
        Ok(Self { lists, tick_us, next_us })
    }

    /// What is due at the next tick, which is over then.
    fn due(&mut self) -> &[usize] {
        let count = i64::try_from(self.lists.len()).unwrap_or(i64::MAX);
        let tick = (self.next_us / self.tick_us).rem_euclid(count);
        self.next_us += self.tick_us;
        usize::try_from(tick).ok().and_then(|tick| self.lists.get(tick)).map_or(&[], Vec::as_slice)
    }
}
