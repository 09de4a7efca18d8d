//! The devices on one Modbus bus: who is asked next over the one connection, and what a failure costs.
//!
//! Invariants:
//! - Every poll that was due ends exactly once, with a value or a reason for each of its series.
//! - A failure drops a TCP connection; what others had on its way over it is asked again at once. A serial line is used
//!   again when it has been silent, and a unit that did not answer only after half its period or its time limit, so that
//!   a late answer has come and gone.
//! - A device that has failed is asked only when no other waits and nothing else is on its way, and is left alone for
//!   longer after each failure. On a shared connection one unanswered request takes at most half of the shortest
//!   period, so the other half is left to the others; one to a device that failed before takes at most 200 ms, or twice
//!   what the device ever took, so that the others' samples still carry the time of their tick.

mod device;
mod failures;
mod holes;
mod manners;
mod survey;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use mio::Token;
use model::{Missing, Timestamp};

use super::backoff::Backoff;
pub use device::ModbusPlan;
pub use manners::Manners;
pub use survey::SurveyPlan;

use super::desk::{Alarm, Desk, Wake};
use crate::modbus::{Bus, DEVICE_SILENT, Flight, Framing, Inbox, Lapse, Link, Peer, Reply, Ticket};
use device::Device;
use manners::Lessons;

/// A damaged answer is given up when nothing more came for so long: USB adapters hand on what they have every 16 ms,
/// serial servers every few dozen.
const SETTLED_AFTER: Duration = Duration::from_millis(80);

/// The devices behind one address.
#[derive(Debug)]
pub(super) struct Gateway {
    place: usize,
    token: Token,
    bus: Bus,
    address: Option<SocketAddr>,
    manners: Manners,
    link: Link,
    devices: Vec<Device>,
    ready: VecDeque<usize>,
    suspects: VecDeque<usize>,
    backoff: Backoff,
    connect_until: Option<Duration>,
    not_before: Duration,
    /// When the last bytes came, and when the last request left.
    heard_at: Duration,
    used_at: Duration,
    lessons: Lessons,
    alarm: Alarm,
}

/// Room that all gateways share.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    inbox: Inbox,
    words: Vec<u16>,
}

impl Gateway {
    /// A gateway without devices.
    pub(super) fn new(place: usize, token: Token, bus: Bus, manners: Manners) -> Self {
        Self {
            place,
            token,
            address: bus.endpoint().and_then(|name| name.parse().ok()),
            manners,
            link: new_link(&bus, &manners),
            bus,
            devices: Vec::new(),
            ready: VecDeque::new(),
            suspects: VecDeque::new(),
            backoff: Backoff::default(),
            connect_until: None,
            not_before: Duration::ZERO,
            heard_at: Duration::ZERO,
            used_at: Duration::ZERO,
            lessons: Lessons::default(),
            alarm: Alarm::default(),
        }
    }

    /// Adds a device; gives its place.
    pub(super) fn add(&mut self, plan: ModbusPlan) -> usize {
        self.devices.push(Device::new(plan));
        self.devices.len() - 1
    }

    /// `host:port`, as in the configuration; nothing for a serial line.
    pub(super) fn name(&self) -> Option<&str> {
        self.bus.endpoint()
    }

    /// Is its address still to be looked up?
    pub(super) const fn is_unresolved(&self) -> bool {
        self.address.is_none() && self.bus.line().is_none()
    }

    /// Its name was looked up.
    pub(super) const fn resolved(&mut self, address: SocketAddr) {
        self.address = Some(address);
    }

    /// Number of a device's group, and how many series it has, once that is known.
    pub(super) fn group(&self, device: usize) -> Option<(u32, usize)> {
        self.devices.get(device).and_then(Device::group)
    }

    /// A device is due.
    pub(super) fn due(&mut self, device: usize, scheduled: Timestamp, desk: &mut Desk) {
        self.end_previous(device, desk);
        let blocked = !self.backoff.allows(desk.now.mono);
        let shared = self.devices.len() > 1;
        let Some(one) = self.devices.get_mut(device) else { return };
        if blocked || !one.backoff.allows(desk.now.mono) {
            if let Some(group) = one.group() {
                desk.skipped(group, scheduled, Missing::BackedOff);
            }
            return;
        }
        one.begin(scheduled, desk);
        self.queue(device, shared);
        self.pump(desk);
    }

    /// The poll before has not ended when the next one is due: what is on its way is given up.
    fn end_previous(&mut self, device: usize, desk: &mut Desk) {
        let Some(one) = self.devices.get_mut(device).filter(|one| one.active.is_some()) else { return };
        let late = self.link.flights().iter().any(|flight| flight.ticket.device == device);
        if late {
            self.unanswered(|flight| flight.ticket.device == device, desk);
            // Even if a repetition was still allowed: its time is over.
            self.finish(device, Missing::NoAnswer, desk);
            return;
        }
        one.passed_over = true;
        self.finish(device, Missing::Overrun, desk);
    }

    fn queue(&mut self, device: usize, shared: bool) {
        let Some(one) = self.devices.get_mut(device).filter(|one| !one.queued) else { return };
        one.queued = true;
        if shared && one.backoff.failures() > 0 && !one.passed_over {
            self.suspects.push_back(device);
        } else {
            self.ready.push_back(device);
        }
    }

    /// Something happened at the socket.
    pub(super) fn event(&mut self, scratch: &mut Scratch, desk: &mut Desk) {
        if let Err(lapse) = self.follow(scratch, desk) {
            self.lapse(&lapse, desk);
        }
        self.pump(desk);
    }

    fn follow(&mut self, scratch: &mut Scratch, desk: &mut Desk) -> Result<(), Lapse> {
        if !self.link.is_open() {
            if !self.link.finish_connecting()? {
                return Ok(());
            }
            self.connect_until = None;
            self.not_before = self.not_before.max(desk.now.mono + self.manners.pause_after_connect);
            self.used_at = desk.now.mono;
            desk.statistics.connects += 1;
        }
        loop {
            let read = self.link.read(&mut scratch.inbox)?;
            if read.bytes > 0 && self.bus.is_rtu() {
                // Also what nobody asked for keeps the line busy.
                self.heard_at = desk.now.mono;
                self.not_before = self.not_before.max(desk.now.mono + self.manners.silence);
            }
            desk.statistics.bytes_in += u64::try_from(read.bytes).unwrap_or(u64::MAX);
            while let Some(reply) = self.link.next_reply(&mut scratch.inbox, &mut scratch.words)? {
                self.reply(reply, &scratch.words, desk);
            }
            self.link.keep_rest(&mut scratch.inbox);
            if !read.more {
                return Ok(());
            }
        }
    }

    fn reply(&mut self, reply: Reply, words: &[u16], desk: &mut Desk) {
        self.backoff.succeeded();
        self.lessons.answered(self.link.flights().len() + 1);
        if self.link.has_learned_echo() {
            self.tell(
                "gives back what is sent to it; `echo = true` in its `[[bus]]` says so beforehand",
                desk,
            );
        }
        let rest = self.manners.pause.max(self.manners.silence);
        if !rest.is_zero() {
            self.not_before = desk.now.mono + rest;
        }
        match reply {
            Reply::Words(flight) => self.words(flight, words, desk),
            Reply::Exception(flight, code) => self.exception(flight, code, desk),
        }
    }

    fn words(&mut self, flight: Flight, words: &[u16], desk: &mut Desk) {
        let Some(one) = self.asker(&flight) else { return };
        one.take_words(flight.ticket.block, words);
        self.resolved_block(flight.ticket.device, desk);
    }

    fn exception(&mut self, flight: Flight, code: u8, desk: &mut Desk) {
        let Some(one) = self.asker(&flight) else { return };
        tracing::debug!(device = one.plan.device.as_str(), code, start = flight.request.start(), "exception");
        if DEVICE_SILENT.contains(&code) {
            self.failed(&flight, Missing::Exception, desk);
            return;
        }
        one.take_exception(flight.ticket.block, code);
        self.resolved_block(flight.ticket.device, desk);
    }

    fn resolved_block(&mut self, device: usize, desk: &mut Desk) {
        let Some(one) = self.devices.get_mut(device) else { return };
        one.answered(desk.now.mono);
        let Some(active) = one.active.as_mut() else { return };
        active.answered = Some(desk.now.wall());
        active.unresolved = active.unresolved.saturating_sub(1);
        if active.unresolved == 0 {
            self.finish(device, Missing::Other, desk);
        } else if !one.todo.is_empty() {
            // A refused block was divided, or a survey goes on.
            self.queue(device, self.devices.len() > 1);
        }
    }

    /// Ends the poll of a device; what is still open is missing for `reason`.
    fn finish(&mut self, device: usize, reason: Missing, desk: &mut Desk) {
        let Some(one) = self.devices.get_mut(device) else { return };
        if std::mem::take(&mut one.queued) {
            self.ready.retain(|queued| *queued != device);
            self.suspects.retain(|queued| *queued != device);
        }
        one.end(reason, desk);
    }

    /// The device whose poll a request was for, while that poll is under way.
    fn asker(&mut self, flight: &Flight) -> Option<&mut Device> {
        let of_this =
            |one: &&mut Device| one.active.as_ref().is_some_and(|active| active.number == flight.ticket.poll);
        self.devices.get_mut(flight.ticket.device).filter(of_this)
    }

    /// Sends what may be sent, connects if that is needed for it, and sets the alarm.
    fn pump(&mut self, desk: &mut Desk) {
        self.leave_connection(desk.now.mono);
        if self.link.is_open() {
            let mut requests = 0u64;
            while self.may_send(desk.now.mono) {
                let Some(device) = self.next_device(desk.now.mono) else { break };
                requests += u64::from(self.send_next(device, desk));
            }
            if requests > 0 {
                self.used_at = desk.now.mono;
                desk.statistics.requests += requests;
                self.flush(desk);
            }
        }
        if self.link.is_idle() && self.has_work() {
            self.connect(desk);
        }
        self.set_alarm(desk);
    }

    /// Leaves a connection that was not used for too long, or one that others wait for.
    fn leave_connection(&mut self, now: Duration) {
        if !self.link.is_open() || !self.link.flights().is_empty() {
            return;
        }
        let unused = now.saturating_sub(self.used_at);
        let old = self.manners.idle_timeout.is_some_and(|longest| unused >= longest) && self.has_work();
        let done = self.manners.close_after_poll
            && self.link.has_answered()
            && self.devices.iter().all(|one| one.active.is_none());
        if old || done {
            self.link.drop_connection();
        }
    }

    fn has_work(&self) -> bool {
        !(self.ready.is_empty() && self.suspects.is_empty())
    }

    fn flush(&mut self, desk: &mut Desk) {
        match self.link.flush() {
            Ok(bytes) => desk.statistics.bytes_out += u64::try_from(bytes).unwrap_or(u64::MAX),
            Err(lapse) => self.lapse(&lapse, desk),
        }
    }

    fn may_send(&self, now: Duration) -> bool {
        self.link.flights().len() < self.manners.in_flight && now >= self.not_before
    }

    /// Whose turn it is: those that waited longest, and suspects only when nobody else could be hurt.
    fn next_device(&mut self, now: Duration) -> Option<usize> {
        let device = take_rested(&mut self.ready, &self.devices, now).or_else(|| {
            let alone = self.link.flights().is_empty();
            alone.then(|| take_rested(&mut self.suspects, &self.devices, now)).flatten()
        })?;
        self.devices.get_mut(device)?.queued = false;
        Some(device)
    }

    /// Sends the next block of a device and puts the device back at the end if there are more; gives whether it did.
    fn send_next(&mut self, device: usize, desk: &mut Desk) -> bool {
        let (limit, line) = (self.longest_wait(), self.bus.line());
        let Some(one) = self.devices.get_mut(device) else { return false };
        let limit = limit.map(|limit| limit.min(one.longest_wait()));
        let next = one.todo.pop().and_then(|block| Some((block, one.request(block)?)));
        let Some(active) = one.active.as_mut() else { return false };
        let Some((block, request)) = next else { return false };
        let airtime = line.map_or(Duration::ZERO, |line| line.airtime(request.air_bytes()));
        let wait = one.plan.timeout + airtime;
        let wait = limit.map_or(wait, |limit| wait.min(limit.max(airtime * 2)));
        if !active.departed {
            active.departed = true;
            desk.refresh();
            desk.departed(active.scheduled);
        }
        one.asked_at = desk.now.mono;
        let ticket = Ticket { device, block, poll: active.number };
        self.link.send(request, ticket, (desk.now.mono + wait).min(active.ends));
        if !one.todo.is_empty() {
            one.queued = true;
            // A device under suspicion goes on behind the others, block by block.
            let suspect = limit.is_some() && one.backoff.failures() > 0;
            if suspect { self.suspects.push_back(device) } else { self.ready.push_back(device) }
        }
        true
    }

    /// On a shared connection the longest that one request may keep the others waiting.
    fn longest_wait(&self) -> Option<Duration> {
        (self.devices.len() > 1).then(|| self.shortest_period() / 2)
    }

    fn shortest_period(&self) -> Duration {
        self.devices.iter().map(|one| one.plan.period).min().unwrap_or_default()
    }

    fn connect(&mut self, desk: &mut Desk) {
        let wait = self.devices.iter().map(|one| one.plan.timeout).min().unwrap_or_default();
        let peer = match (&self.bus, self.address) {
            (Bus::Rtu(line), _) => Peer::Line(line),
            (_, Some(address)) => Peer::Tcp(address),
            (_, None) => return self.unreachable(desk),
        };
        match self.link.connect(peer, &desk.registry, self.token) {
            Ok(()) => self.connect_until = Some(desk.now.mono + wait),
            Err(error) => self.lapse(&Lapse::Connect(error), desk),
        }
    }

    /// The alarm went off.
    pub(super) fn alarm(&mut self, desk: &mut Desk) {
        if !self.is_precise() && !self.alarm.went_off(desk.now.wall()) {
            return;
        }
        let now = desk.now.mono;
        if self.connect_until.is_some_and(|until| now >= until) {
            self.unreachable(desk);
        }
        if self.link.flights().iter().any(|flight| now >= flight.deadline) {
            self.unanswered(|flight| now >= flight.deadline, desk);
        }
        if self.settles_at().is_some_and(|at| now >= at) {
            self.unanswered(|_| true, desk);
        }
        self.pump(desk);
    }

    /// When a damaged answer is given up.
    fn settles_at(&self) -> Option<Duration> {
        self.link.is_broken().then(|| self.heard_at + SETTLED_AFTER)
    }

    /// Are its waits shorter than a tick, so that they would cost more than they last?
    const fn is_precise(&self) -> bool {
        self.bus.is_rtu() || !self.manners.pause.is_zero()
    }

    /// The wheel was emptied because the clock was set.
    pub(super) fn rearm(&mut self, desk: &mut Desk) {
        self.alarm.reset();
        self.set_alarm(desk);
    }

    fn set_alarm(&mut self, desk: &mut Desk) {
        let answers = self.link.flights().iter().map(|flight| flight.deadline).min();
        let waits = self.has_work() && self.not_before > desk.now.mono;
        let pause = waits.then_some(self.not_before);
        let first = [answers, self.connect_until, pause, self.settles_at(), self.rested_at(desk.now.mono)];
        let first = first.into_iter().flatten().min();
        if self.is_precise() {
            desk.wake_gateway(self.place, first);
        } else {
            self.alarm.set(first, Wake::Gateway(self.place), desk);
        }
    }

    /// When the first of the devices that wait for a late answer to pass has waited long enough.
    fn rested_at(&self, now: Duration) -> Option<Duration> {
        self.bus.line()?;
        let queued = self.devices.iter().filter(|one| one.queued).map(|one| one.quiet_until);
        queued.filter(|until| *until > now).min()
    }

    /// The engine stops: polls under way end without an answer.
    pub(super) fn stop(&mut self, desk: &mut Desk) {
        self.link.drop_connection();
        for device in 0..self.devices.len() {
            self.finish(device, Missing::AgentDown, desk);
        }
    }
}

fn new_link(bus: &Bus, manners: &Manners) -> Link {
    let mut link = Link::new(Framing::of(bus), manners.echo);
    if manners.ignore_transaction_id {
        link.ignore_ids();
    }
    link
}

/// The first of a queue that does not wait for a late answer to pass.
fn take_rested(queue: &mut VecDeque<usize>, devices: &[Device], now: Duration) -> Option<usize> {
    let rested = |place: &usize| devices.get(*place).is_none_or(|one| one.quiet_until <= now);
    let at = queue.iter().position(rested)?;
    queue.remove(at)
}
