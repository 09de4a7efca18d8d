//! What everything that polls shares: the clocks, the wheel, the statistics, and the way out for what was read.

use std::collections::BTreeMap;
use std::time::Duration;

use mio::Registry;
use model::{Event, EventKind, Missing, PollGroup, Raw, SeriesDescriptor, Severity, Timestamp};

use super::outbox::Outbox;
use super::schedule::sample_time;
use super::snmp_plans::Plans;
use super::statistics::Statistics;
use super::wheel::Wheel;
use crate::clock::{Clock, Now};

/// Polls in a row without any value after which a device is called silent.
const SILENT_AFTER: u32 = 3;

/// What wakes the engine at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// A group is due.
    Poll(usize),
    /// A gateway has waited long enough for something.
    Gateway(usize),
    /// A device asked over SNMP has waited long enough for something.
    Snmp(usize),
    /// A second is over.
    Flush,
}

/// What everything that polls shares.
pub(super) struct Desk {
    /// The clocks, as they were read last.
    pub now: Now,
    /// What is due when.
    pub wheel: Wheel<Wake>,
    /// Gateways whose waits are shorter than a tick, and when the next one is over, by the monotonic clock.
    soon: BTreeMap<usize, Duration>,
    /// What happened so far.
    pub statistics: Statistics,
    /// The sockets that are watched.
    pub registry: Registry,
    /// Gateways whose names are to be looked up again.
    pub unresolved: Vec<usize>,
    /// Numbers for series and groups that are learned.
    pub numbers: Numbers,
    /// What devices asked over SNMP have in common.
    pub plans: Plans,
    clock: Box<dyn Clock>,
    outbox: Outbox,
    /// Is a [`Wake::Flush`] on the wheel?
    flush_is_set: bool,
}

/// Numbers of series and groups, unique within one run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    series: u32,
    group: u32,
}

impl Numbers {
    /// A number for a series.
    pub const fn series(&mut self) -> u32 {
        self.series += 1;
        self.series
    }

    /// A number for a group.
    pub const fn group(&mut self) -> u32 {
        self.group += 1;
        self.group
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("now", &self.now).finish_non_exhaustive()
    }
}

/// What one poll brought, as it is handed to the desk.
#[derive(Debug)]
pub(super) struct Ended<'a> {
    /// Number of the group.
    pub group: u32,
    /// When it was due.
    pub scheduled: Timestamp,
    /// When its last answer came; `None` if none did.
    pub answered: Option<Timestamp>,
    /// A value or reason for each series of the group.
    pub values: &'a [Result<Raw, Missing>],
}

impl Desk {
    /// A desk at which nothing is due yet.
    pub(super) fn new(clock: Box<dyn Clock>, registry: Registry, outbox: Outbox, numbers: Numbers) -> Self {
        let now = clock.now();
        let wheel = Wheel::new(now.wall());
        Self {
            now,
            wheel,
            soon: BTreeMap::new(),
            statistics: Statistics::default(),
            registry,
            unresolved: Vec::new(),
            numbers,
            plans: Plans::default(),
            clock,
            outbox,
            flush_is_set: false,
        }
    }

    /// Reads the clocks anew.
    pub(super) fn refresh(&mut self) {
        self.now = self.clock.now();
    }

    /// Wakes a gateway at this instant, between ticks if need be, and no more at the one before; never if it is `None`.
    pub(super) fn wake_gateway(&mut self, place: usize, at: Option<Duration>) {
        match at {
            Some(at) => self.soon.insert(place, at),
            None => self.soon.remove(&place),
        };
    }

    /// Takes those that are to be woken now.
    pub(super) fn take_soon(&mut self, due: &mut Vec<Wake>) {
        if !self.soon.is_empty() {
            let now = self.now.mono;
            due.extend(self.soon.extract_if(.., |_, at| *at <= now).map(|(place, _)| Wake::Gateway(place)));
        }
    }

    /// How long it is until the first of them.
    pub(super) fn until_soon(&self) -> Option<Duration> {
        self.soon.values().min().map(|at| at.saturating_sub(self.now.mono))
    }

    /// Counts how far the first request of a poll is off its schedule.
    pub(super) fn departed(&mut self, scheduled: Timestamp) {
        let off = self.now.wall_us - scheduled.millis().saturating_mul(1000);
        self.statistics.deviation.add(off.unsigned_abs());
    }

    /// A poll has ended.
    pub(super) fn ended(&mut self, poll: &Ended<'_>) {
        self.statistics.poll(poll.values);
        let time = poll.answered.map_or(poll.scheduled, |answered| sample_time(poll.scheduled, answered));
        let flush = self.outbox.poll(self.now.wall(), (poll.group, time), poll.values);
        self.flush_later(flush);
    }

    /// A poll could not even begin, for one reason for all of its values.
    pub(super) fn skipped(&mut self, (group, series): (u32, usize), scheduled: Timestamp, reason: Missing) {
        self.ended(&Ended { group, scheduled, answered: None, values: &vec![Err(reason); series] });
    }

    /// Hands on series and groups that were learned and have been due since `since`: the plan holds from then on.
    pub(super) fn declare_since(
        &mut self,
        since: Timestamp,
        series: Vec<SeriesDescriptor>,
        groups: Vec<PollGroup>,
    ) {
        self.outbox.declare(since.min(self.now.wall()), series, groups);
        self.flush_what_is_left();
    }

    /// Hands on what happened at a device, and logs it.
    pub(super) fn event(&mut self, event: Event) {
        let (device, text) = (event.device.as_ref().map_or("", |id| id.as_str()), event.text.as_str());
        match event.severity {
            Severity::Info => tracing::info!(device, "{text}"),
            Severity::Warning | Severity::Critical => tracing::warn!(device, "{text}"),
        }
        self.outbox.event(self.now.wall(), event);
        self.flush_what_is_left();
    }

    /// The wall clock was set.
    pub(super) fn clock_step(&mut self, before: Timestamp, after: Timestamp) {
        self.statistics.clock_steps += 1;
        self.statistics.unrecorded += self.outbox.clock_step(before, after);
        self.flush_what_is_left();
    }

    /// Hands on what ended in the seconds before this one.
    pub(super) fn flush(&mut self) {
        self.flush_is_set = false;
        let lost = self.outbox.flush(self.now.wall());
        self.statistics.unrecorded += lost;
        self.flush_what_is_left();
    }

    /// Hands on all that ended: the engine stops.
    pub(super) fn close(&mut self) {
        let lost = self.outbox.close();
        self.statistics.unrecorded += lost;
    }

    /// What nobody takes now is offered again in a second.
    fn flush_what_is_left(&mut self) {
        let again = (!self.outbox.is_empty()).then(|| self.now.wall().plus_millis(1000));
        self.flush_later(again);
    }

    fn flush_later(&mut self, at: Option<Timestamp>) {
        let Some(at) = at.filter(|_| !self.flush_is_set) else { return };
        self.flush_is_set = true;
        self.wheel.insert(at, Wake::Flush);
    }
}

/// A timer of which at most one is on the wheel: it is moved by being looked at when it goes off.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    set: Option<Timestamp>,
}

impl Alarm {
    /// Makes sure that `wake` comes at `deadline` or earlier.
    pub(super) fn set(&mut self, deadline: Option<Duration>, wake: Wake, desk: &mut Desk) {
        let Some(deadline) = deadline else { return };
        let at = desk.now.wall_at(deadline);
        if self.set.is_none_or(|set| at < set) {
            self.set = Some(at);
            desk.wheel.insert(at, wake);
        }
    }

    /// Did this alarm go off? Else it was one that has been overtaken by an earlier one and set anew since.
    pub(super) fn went_off(&mut self, now: Timestamp) -> bool {
        let due = self.set.is_some_and(|set| set <= now);
        if due {
            self.set = None;
        }
        due
    }

    /// It was swept off the wheel.
    pub(super) fn reset(&mut self) {
        self.set = None;
    }
}

/// Whether a device answers, told once when it changes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Health {
    silent_polls: u32,
}

impl Health {
    /// After a poll of `device`: what is to be told, if anything.
    pub(super) fn after(
        &mut self,
        values: &[Result<Raw, Missing>],
        device: &model::DeviceId,
        time: Timestamp,
    ) -> Option<Event> {
        if values.is_empty() {
            return None;
        }
        let Some(Err(reason)) = values.iter().all(Result::is_err).then(|| values.first().copied()).flatten()
        else {
            let was = std::mem::take(&mut self.silent_polls);
            return (was >= SILENT_AFTER)
                .then(|| event(device, time, Severity::Info, "answers again".to_owned()));
        };
        self.silent_polls = self.silent_polls.saturating_add(1);
        let text =
            || format!("silent: {SILENT_AFTER} polls in a row brought no value, the last one {reason}");
        (self.silent_polls == SILENT_AFTER).then(|| event(device, time, Severity::Warning, text()))
    }
}

fn event(device: &model::DeviceId, time: Timestamp, severity: Severity, text: String) -> Event {
    let kind = if severity == Severity::Info { EventKind::DeviceBack } else { EventKind::DeviceSilent };
    Event { time, device: Some(device.clone()), kind, severity, text }
}
