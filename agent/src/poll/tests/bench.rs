//! What the tests of the engine share: plans, a clock that can be set, and an engine that runs until enough came.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::{Channel, DeviceId, Missing, Poll, PollGroup, Quantity, Raw, SeriesDescriptor};
use profile::{DataType, Limits, ModbusReading, plan as blocks};

use crate::clock::{Clock, Now, SystemClock};
use crate::modbus::Bus;
use crate::poll::schedule::Schedule;
use crate::poll::{
    Engine, GatewayPlan, Handle, Manners, Message, ModbusPlan, Outbox, Plan, QUEUE_MESSAGES, Statistics,
};

/// Longer than this no test waits; they end within a few seconds.
pub(super) const AT_MOST: Duration = Duration::from_secs(30);

/// A device behind `endpoint`, with one u16 register for each of `registers`.
pub(super) struct Device {
    pub(super) id: &'static str,
    pub(super) unit: u8,
    pub(super) registers: Vec<u16>,
    pub(super) period_ms: u32,
    pub(super) timeout_ms: u64,
    pub(super) group: u32,
}

impl Device {
    pub(super) fn new(group: u32, unit: u8, registers: &[u16]) -> Self {
        Self { id: "meter", unit, registers: registers.to_vec(), period_ms: 200, timeout_ms: 100, group }
    }

    pub(super) fn plan(&self) -> (ModbusPlan, Schedule) {
        let reading = |(n, register): (usize, &u16)| {
            let channel = Channel::new(&format!("outlet.{n}")).unwrap();
            ModbusReading::new(Quantity::ActivePower, channel, *register, DataType::U16).unwrap()
        };
        let readings: Vec<ModbusReading> = self.registers.iter().enumerate().map(reading).collect();
        let plan = ModbusPlan {
            device: DeviceId::new(self.id).unwrap(),
            unit: self.unit,
            blocks: blocks(&readings, &Limits::default()),
            readings: readings.into(),
            timeout: Duration::from_millis(self.timeout_ms),
            retries: 0,
            period: Duration::from_millis(u64::from(self.period_ms)),
            group: Some(self.group),
            limits: Limits::default(),
            survey: None,
        };
        (plan, Schedule { period_ms: self.period_ms, offset_ms: 0 })
    }
}

pub(super) fn gateway(endpoint: String, in_flight: usize, devices: &[Device]) -> GatewayPlan {
    on_bus(Bus::Tcp(endpoint), Manners { in_flight, ..Manners::default() }, devices)
}

pub(super) fn on_bus(bus: Bus, manners: Manners, devices: &[Device]) -> GatewayPlan {
    GatewayPlan { bus, manners, is_fixed: true, devices: devices.iter().map(Device::plan).collect() }
}

pub(super) fn plan(gateways: Vec<GatewayPlan>) -> Plan {
    Plan { gateways, ..Plan::default() }
}

/// The system's clock, with a wall and a monotonic clock that can be moved.
#[derive(Debug, Clone)]
pub(super) struct MovedClock {
    system: SystemClock,
    pub(super) ahead_us: Arc<AtomicI64>,
    pub(super) mono_ahead_s: Arc<AtomicU64>,
}

impl MovedClock {
    pub(super) fn new() -> Self {
        Self { system: SystemClock::start(), ahead_us: Arc::default(), mono_ahead_s: Arc::default() }
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Now {
        let now = self.system.now();
        let mono = now.mono + Duration::from_secs(self.mono_ahead_s.load(Ordering::SeqCst));
        Now { wall_us: now.wall_us + self.ahead_us.load(Ordering::SeqCst), mono }
    }
}

/// A running engine and all that came from it so far.
pub(super) struct Running {
    messages: Receiver<Message>,
    pub(super) all: Vec<Message>,
    handle: Handle,
    thread: JoinHandle<Statistics>,
}

pub(super) fn start(plan: Plan) -> Running {
    start_with(plan, Box::new(SystemClock::start()))
}

pub(super) fn start_with(plan: Plan, clock: Box<dyn Clock>) -> Running {
    start_resolved(plan, clock, crate::poll::helper::of_system())
}

pub(super) fn start_resolved(
    plan: Plan,
    clock: Box<dyn Clock>,
    resolver: crate::poll::helper::Resolver,
) -> Running {
    let (to, messages) = sync_channel(QUEUE_MESSAGES);
    let (engine, handle) = Engine::with_resolver(plan, clock, Outbox::new(Some(to)), resolver).unwrap();
    let thread = std::thread::spawn(move || engine.run().unwrap());
    Running { messages, all: Vec::new(), handle, thread }
}

impl Running {
    /// Waits until `enough` holds of all that came.
    pub(super) fn until(&mut self, what: &str, enough: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + AT_MOST;
        while !enough(self) {
            let rest = deadline.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(rest) {
                Ok(message) => self.all.push(message),
                Err(error) => panic!("waited for {what}: {error}; came: {:#?}", self.all),
            }
        }
    }

    /// The polls of a group, in their order.
    pub(super) fn polls(&self, group: u32) -> Vec<&Poll> {
        let mut polls = Vec::new();
        for message in &self.all {
            if let Message::Samples(_, samples) = message {
                polls.extend(samples.polls.iter().filter(|poll| poll.group == group));
            }
        }
        polls
    }

    /// The first value of each poll of a group.
    pub(super) fn firsts(&self, group: u32) -> Vec<Result<Raw, Missing>> {
        self.polls(group).iter().map(|poll| poll.values[0]).collect()
    }

    /// What was told that is neither silence nor return.
    pub(super) fn told(&self) -> Vec<String> {
        let text = |one: &Message| match one {
            Message::Event(_, event) if event.kind == model::EventKind::Other => Some(event.text.clone()),
            _ => None,
        };
        self.all.iter().filter_map(text).collect()
    }

    pub(super) fn declared(&self) -> (Vec<SeriesDescriptor>, Vec<PollGroup>) {
        let mut declared = (Vec::new(), Vec::new());
        for message in &self.all {
            if let Message::Declare(_, series, groups) = message {
                declared.0.extend(series.iter().cloned());
                declared.1.extend(groups.iter().cloned());
            }
        }
        declared
    }

    /// Stops the engine; what came until its end is added.
    pub(super) fn stop(mut self) -> (Statistics, Vec<Message>) {
        self.handle.stop();
        self.all.extend(self.messages.iter());
        (self.thread.join().unwrap(), self.all)
    }
}

pub(super) fn integers(values: &[i64]) -> Vec<Result<Raw, Missing>> {
    values.iter().map(|value| Ok(Raw::Integer(*value))).collect()
}
