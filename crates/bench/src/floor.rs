//! The bare loop: the same requests on the same ticks, and nothing else. It checks that an answer has the right length,
//! decodes nothing, keeps nothing, and knows no failure.

use std::io::{self, Read, Write};
use std::time::Duration;

use agent::clock::{Clock, Now, SystemClock};
use agent::poll::Histogram;
use anyhow::{Context, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use model::Timestamp;

use crate::fleet::{self, BLOCKS};

/// Header of an answer before its registers.
const HEAD_BYTES: usize = 9;

/// What the loop did.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Done {
    pub(crate) polls: u64,
    pub(crate) requests: u64,
    pub(crate) deviation_us: crate::cost::Deviation,
}

struct Device {
    stream: TcpStream,
    next: Timestamp,
    schedule: agent::poll::schedule::Schedule,
    /// Answers still to come in this poll.
    open: usize,
    /// Bytes of this poll's answers that came.
    came: usize,
}

/// Polls `devices` for `seconds`, with `in_flight` requests under way at each.
pub(crate) fn run(devices: u32, period: Duration, seconds: u64, in_flight: u8) -> anyhow::Result<Done> {
    let mut bare = Loop::new(devices, period, usize::from(in_flight))?;
    let end = bare.clock.now().mono + Duration::from_secs(seconds);
    bare.run(end)?;
    Ok(Done { polls: bare.polls, requests: bare.requests, deviation_us: (&bare.deviation).into() })
}

struct Loop {
    poll: Poll,
    clock: SystemClock,
    devices: Vec<Device>,
    /// Devices by the tick of the period at which they are due.
    ticks: Vec<Vec<usize>>,
    in_flight: usize,
    polls: u64,
    requests: u64,
    deviation: Histogram,
}

impl Loop {
    fn new(devices: u32, period: Duration, in_flight: usize) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let clock = SystemClock::start();
        let count = usize::try_from(period.as_millis() / 10)?;
        let mut ticks = vec![Vec::new(); count];
        let mut all = Vec::new();
        for n in 0..devices {
            let schedule = fleet::schedule(n, period)?;
            let address = fleet::address(n);
            let stream =
                std::net::TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let place = all.len();
            poll.registry().register(&mut stream, Token(place), Interest::READABLE)?;
            let tick = usize::try_from(schedule.offset_ms / 10)?;
            ticks.get_mut(tick).context("an offset is less than the period")?.push(place);
            all.push(Device { stream, next: Timestamp::MIN, schedule, open: 0, came: 0 });
        }
        let now = clock.now().wall();
        for device in &mut all {
            device.next = device.schedule.next(now);
        }
        let deviation = Histogram::default();
        Ok(Self { poll, clock, devices: all, ticks, in_flight, polls: 0, requests: 0, deviation })
    }

    fn run(&mut self, end: Duration) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut tick = self.clock.now().wall().millis() / 10 + 1;
        loop {
            let now = self.clock.now();
            if now.mono >= end {
                return Ok(());
            }
            while now.wall_us >= tick * 10_000 {
                self.tick(tick)?;
                tick += 1;
            }
            let wait = until(tick * 10_000, self.clock.now());
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            }
            for event in &events {
                self.answer(event.token().0)?;
            }
        }
    }

    fn tick(&mut self, tick: i64) -> anyhow::Result<()> {
        let count = i64::try_from(self.ticks.len())?;
        let due = self.ticks.get(usize::try_from(tick.rem_euclid(count))?).cloned().unwrap_or_default();
        for place in due {
            let Some(device) = self.devices.get_mut(place) else { continue };
            if device.next.millis() > tick * 10 {
                continue;
            }
            if device.open > 0 {
                bail!(
                    "the responder is too slow for the floor: a poll was not over when the next one was due"
                );
            }
            let off = self.clock.now().wall_us - device.next.millis() * 1000;
            self.deviation.add(off.unsigned_abs());
            device.next = device.schedule.next(device.next);
            (device.open, device.came) = (BLOCKS.len(), 0);
            self.polls += 1;
            self.requests += device.send(0, self.in_flight)?;
        }
        Ok(())
    }

    fn answer(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(device) = self.devices.get_mut(place) else { return Ok(()) };
        let mut room = [0u8; 4096];
        match device.stream.read(&mut room) {
            Ok(0) => bail!("the responder hung up"),
            Ok(bytes) => self.requests += device.take(bytes, self.in_flight)?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

impl Device {
    /// Sends up to `count` requests from block `first` on, in one write.
    fn send(&mut self, first: usize, count: usize) -> io::Result<u64> {
        let mut out = Vec::with_capacity(64);
        let mut sent = 0u64;
        for (start, words) in BLOCKS.iter().skip(first).take(count) {
            let ([s0, s1], [w0, w1]) = (start.to_be_bytes(), words.to_be_bytes());
            out.extend([0, 1, 0, 0, 0, 6, 1, 3, s0, s1, w0, w1]);
            sent += 1;
        }
        self.stream.write_all(&out)?;
        Ok(sent)
    }

    fn take(&mut self, bytes: usize, in_flight: usize) -> anyhow::Result<u64> {
        self.came += bytes;
        let mut requests = 0;
        while self.open > 0 {
            let done = BLOCKS.len() - self.open;
            let whole: usize =
                BLOCKS.iter().take(done + 1).map(|(_, words)| HEAD_BYTES + usize::from(*words) * 2).sum();
            if self.came < whole {
                return Ok(requests);
            }
            self.open -= 1;
            if self.open > 0 && done + in_flight < BLOCKS.len() {
                requests += self.send(done + in_flight, 1)?;
            }
        }
        Ok(requests)
    }
}

fn until(wall_us: i64, now: Now) -> Duration {
    Duration::from_micros(u64::try_from(wall_us - now.wall_us).unwrap_or(0))
}
