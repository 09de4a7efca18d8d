//! One device behind a Modbus address, and the poll of it that is under way.

use std::sync::Arc;
use std::time::Duration;

use model::{DeviceId, Missing, Raw, Timestamp};
use profile::{Block, ModbusReading};

use super::super::backoff::Backoff;
use super::super::desk::{Desk, Ended, Health};

/// Stands for "not answered yet" while a poll is under way; no decoding gives this reason.
const OPEN: Result<Raw, Missing> = Err(Missing::Overrun);

/// How a device is read.
#[derive(Debug, Clone)]
pub struct ModbusPlan {
    /// The device.
    pub device: DeviceId,
    /// Its unit id.
    pub unit: u8,
    /// What is read.
    pub readings: Arc<[ModbusReading]>,
    /// By which requests.
    pub blocks: Vec<Block>,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// How often an unanswered request is repeated within its period.
    pub retries: u8,
    /// Time from one poll to the next.
    pub period: Duration,
    /// Number of its group.
    pub group: u32,
}

/// How a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Requests that may be under way at once.
    pub in_flight: usize,
    /// Rest between an answer and the next request.
    pub pause: Duration,
}

/// A device and the poll that is under way.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) plan: ModbusPlan,
    pub(super) backoff: Backoff,
    pub(super) health: Health,
    pub(super) active: Option<Active>,
    pub(super) values: Vec<Result<Raw, Missing>>,
    /// Blocks to be asked, the next one last.
    pub(super) todo: Vec<usize>,
    pub(super) queued: bool,
    /// How many polls began.
    pub(super) polls: u32,
    /// Its last poll was never sent because others always came first.
    pub(super) passed_over: bool,
}

#[derive(Debug)]
pub(super) struct Active {
    /// Counts the polls of a device.
    pub(super) number: u32,
    pub(super) scheduled: Timestamp,
    /// One period after the scheduled tick, by the monotonic clock.
    pub(super) ends: Duration,
    pub(super) unresolved: usize,
    pub(super) answered: Option<Timestamp>,
    pub(super) retries: u8,
    pub(super) departed: bool,
    /// Was it asked again because a connection that had been good broke?
    pub(super) revived: bool,
}

impl Device {
    pub(super) fn new(plan: ModbusPlan) -> Self {
        Self {
            values: vec![OPEN; plan.readings.len()],
            plan,
            backoff: Backoff::default(),
            health: Health::default(),
            active: None,
            todo: Vec::new(),
            queued: false,
            polls: 0,
            passed_over: false,
        }
    }

    /// Begins the poll that was due at `scheduled`.
    pub(super) fn begin(&mut self, scheduled: Timestamp, desk: &Desk) {
        let elapsed = desk.now.wall().millis_since(scheduled).max(0).unsigned_abs();
        let rest = self.plan.period.saturating_sub(Duration::from_millis(elapsed));
        self.values.fill(OPEN);
        self.todo.clear();
        self.todo.extend((0..self.plan.blocks.len()).rev());
        self.polls = self.polls.wrapping_add(1);
        self.active = Some(Active {
            number: self.polls,
            scheduled,
            ends: desk.now.mono + rest,
            unresolved: self.plan.blocks.len(),
            answered: None,
            retries: self.plan.retries,
            departed: false,
            revived: false,
        });
    }

    /// The registers of a block came.
    pub(super) fn take_words(&mut self, block: usize, words: &[u16]) {
        let Some(block) = self.plan.blocks.get(block) else { return };
        for reading in &block.readings {
            if let (Some(value), Some(what)) =
                (self.values.get_mut(*reading), self.plan.readings.get(*reading))
            {
                *value = what.decode(block.words(what, words));
            }
        }
    }

    /// A block will not come, for this reason.
    pub(super) fn miss(&mut self, block: usize, reason: Missing) {
        let Some(block) = self.plan.blocks.get(block) else { return };
        for reading in &block.readings {
            if let Some(value) = self.values.get_mut(*reading) {
                *value = Err(reason);
            }
        }
    }

    /// Ends the poll under way, if there is one; what is still open is missing for `reason`.
    pub(super) fn end(&mut self, reason: Missing, desk: &mut Desk) {
        let Some(active) = self.active.take() else { return };
        self.todo.clear();
        self.values.iter_mut().filter(|value| **value == OPEN).for_each(|value| *value = Err(reason));
        desk.ended(&Ended {
            group: self.plan.group,
            scheduled: active.scheduled,
            answered: active.answered,
            values: &self.values,
        });
        if let Some(event) = self.health.after(&self.values, &self.plan.device, desk.now.wall()) {
            desk.event(event);
        }
    }
}
