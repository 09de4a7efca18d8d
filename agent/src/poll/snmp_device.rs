//! One device that is asked over SNMP v2c: learned first, then polled for the objects that are known.

use std::net::SocketAddr;
use std::time::Duration;

use model::{Missing, PollGroup, Raw, Timestamp};
use profile::{SeriesShape, SnmpPlan, SnmpValue};

use super::backoff::{Backoff, Patience};
use super::desk::{Alarm, Desk, Ended, Health};
use super::snmp::SnmpTarget;
use super::snmp_known::Known;
use crate::snmp::{Answer, ErrorStatus, GET_OBJECTS_MAX, Packet, Step, Walk, WalkError};

/// How often rows are learned anew: sensors are plugged in, units of a chain come and go.
const RELEARN_AFTER: Duration = Duration::from_hours(1);
/// How soon at the earliest: a device that keeps saying "no such instance" is not walked all the time.
const RELEARN_AT_MOST: Duration = Duration::from_mins(1);
/// How often one packet of a walk is sent before the walk is given up.
const WALK_ATTEMPTS: u8 = 3;

/// A request on its way.
#[derive(Debug, Clone, Copy)]
struct Flight {
    id: i32,
    what: What,
    deadline: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Part of a poll: this packet of the plan.
    Poll(usize),
    /// Part of a walk.
    Walk,
}

/// A packet and where it is to go.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    /// What to send.
    pub bytes: &'a [u8],
    /// To whom.
    pub to: SocketAddr,
}

#[derive(Debug)]
struct Active {
    scheduled: Timestamp,
    ends: Duration,
    /// Packets not sent yet, the next one last.
    todo: Vec<usize>,
    unresolved: usize,
    retries: u8,
    answered: Option<Timestamp>,
    departed: bool,
    /// Why what did not come did not.
    reason: Missing,
}

#[derive(Debug)]
struct Learning {
    walk: Walk,
    packet: Option<Packet>,
    attempts: u8,
}

/// One device.
#[derive(Debug)]
pub(super) struct Device {
    /// How it is asked.
    pub target: SnmpTarget,
    /// Its address, once it is known.
    pub address: Option<SocketAddr>,
    /// Wakes it when it has waited long enough.
    pub alarm: Alarm,
    /// Request ids that were given up.
    pub closed: Vec<i32>,
    known: Option<Known>,
    learning: Option<Learning>,
    learned_at: Duration,
    relearn: bool,
    active: Option<Active>,
    values: Vec<Option<SnmpValue>>,
    flights: Vec<Flight>,
    backoff: Backoff,
    health: Health,
    /// Objects in one packet; halved when the device says that its answer is too big.
    objects: usize,
}

impl Device {
    /// A device of which nothing is known yet.
    pub(super) fn new(target: SnmpTarget) -> Self {
        Self {
            address: target.name.parse().ok(),
            target,
            alarm: Alarm::default(),
            closed: Vec::new(),
            known: None,
            learning: None,
            learned_at: Duration::ZERO,
            relearn: false,
            active: None,
            values: Vec::new(),
            flights: Vec::new(),
            backoff: Backoff::default(),
            health: Health::default(),
            objects: GET_OBJECTS_MAX,
        }
    }

    /// Number of its group, and how many series it has; `None` until its objects are known.
    pub(super) fn group(&self) -> Option<(u32, usize)> {
        self.known.as_ref().map(|known| (known.group, known.shapes.len()))
    }

    /// It is due.
    pub(super) fn due(&mut self, scheduled: Timestamp, desk: &mut Desk) {
        if self.active.is_some() {
            self.give_up_poll(desk);
        }
        let allowed = self.backoff.allows(desk.now.mono);
        let Some(known) = &self.known else {
            if allowed && self.learning.is_none() {
                self.learn();
            }
            return;
        };
        if !allowed {
            desk.skipped((known.group, known.shapes.len()), scheduled, Missing::BackedOff);
            return;
        }
        self.begin_poll(scheduled, desk);
        let age = desk.now.mono.saturating_sub(self.learned_at);
        if self.learning.is_none() && (age >= RELEARN_AFTER || (self.relearn && age >= RELEARN_AT_MOST)) {
            self.learn();
        }
    }

    fn learn(&mut self) {
        let Some(profile) = self.target.profile.snmp() else { return };
        self.relearn = false;
        let walk = Walk::new(profile.scalars_to_get(), profile.columns_to_walk());
        self.learning = Some(Learning { walk, packet: None, attempts: WALK_ATTEMPTS });
    }

    fn begin_poll(&mut self, scheduled: Timestamp, desk: &Desk) {
        let Some(known) = &self.known else { return };
        let elapsed = desk.now.wall().millis_since(scheduled).max(0).unsigned_abs();
        let period = Duration::from_millis(u64::from(self.target.schedule.period_ms));
        self.values.clear();
        self.values.resize(known.encoded.len(), None);
        self.active = Some(Active {
            scheduled,
            ends: desk.now.mono + period.saturating_sub(Duration::from_millis(elapsed)),
            todo: (0..known.packets.len()).rev().collect(),
            unresolved: known.packets.len(),
            retries: self.target.retries,
            answered: None,
            departed: false,
            reason: Missing::NoAnswer,
        });
    }

    /// Has it anything to send?
    pub(super) fn wants_to_send(&mut self) -> bool {
        if self.address.is_none() {
            self.unreachable_name();
            return false;
        }
        let walks = self.learning.as_ref().is_some_and(|learning| !learning.walk.is_done())
            && !self.flights.iter().any(|flight| flight.what == What::Walk);
        walks
            || (self.polls_under_way() < self.target.in_flight
                && self.active.as_ref().is_some_and(|one| !one.todo.is_empty()))
    }

    fn unreachable_name(&mut self) {
        if let Some(active) = &mut self.active {
            active.reason = Missing::Refused;
        }
        self.learning = None;
    }

    fn polls_under_way(&self) -> usize {
        self.flights.iter().filter(|flight| flight.what != What::Walk).count()
    }

    /// The next packet, under this id.
    pub(super) fn next_packet(&mut self, id: i32, desk: &mut Desk) -> Option<Outgoing<'_>> {
        let to = self.address?;
        let may_poll = self.polls_under_way() < self.target.in_flight;
        let next = self.active.as_mut().filter(|_| may_poll).and_then(|active| {
            let number = active.todo.pop()?;
            if !std::mem::replace(&mut active.departed, true) {
                desk.refresh();
                desk.departed(active.scheduled);
            }
            Some((number, active.ends))
        });
        if let Some((number, ends)) = next {
            let deadline = (desk.now.mono + self.target.timeout).min(ends);
            self.flights.push(Flight { id, what: What::Poll(number), deadline });
            let (packet, _, _) = self.known.as_mut()?.packets.get_mut(number)?;
            return Some(Outgoing { bytes: packet.with_id(id), to });
        }
        self.walk_packet(id, to, desk)
    }

    fn walk_packet(&mut self, id: i32, to: SocketAddr, desk: &Desk) -> Option<Outgoing<'_>> {
        let learning = self.learning.as_mut()?;
        // An end is found when an answer is taken, never here: the walk would have been closed.
        let Step::Ask(packet) = learning.walk.ask(&self.target.community) else { return None };
        let deadline = desk.now.mono + self.target.timeout;
        self.flights.push(Flight { id, what: What::Walk, deadline });
        Some(Outgoing { bytes: learning.packet.insert(packet).with_id(id), to })
    }

    /// The earliest instant at which it has waited long enough for something.
    pub(super) fn first_deadline(&self) -> Option<Duration> {
        let unsent = self.active.as_ref().filter(|_| self.flights.is_empty()).map(|active| active.ends);
        self.flights.iter().map(|flight| flight.deadline).chain(unsent).min()
    }

    /// An answer to one of its requests came from its address.
    pub(super) fn answer(&mut self, answer: &Answer<'_>, desk: &mut Desk) {
        let Some(place) = self.flights.iter().position(|flight| flight.id == answer.id) else { return };
        match self.flights.swap_remove(place).what {
            What::Walk => self.walk_answer(answer, desk),
            What::Poll(number) => self.poll_answer(number, answer, desk),
        }
    }

    fn poll_answer(&mut self, number: usize, answer: &Answer<'_>, desk: &mut Desk) {
        let (Some(active), Some(known)) = (&mut self.active, &self.known) else { return };
        let Some((_, first, count)) = known.packets.get(number) else { return };
        let range = *first..first + count;
        active.answered = Some(desk.now.wall());
        match answer.status {
            ErrorStatus::Good => {}
            ErrorStatus::TooBig if self.objects > 1 => {
                self.objects /= 2;
                self.relearn = true;
                active.reason = Missing::Exception;
                return self.end_poll(desk);
            }
            ErrorStatus::TooBig | ErrorStatus::Other(_) => active.reason = Missing::Exception,
        }
        let good = answer.status == ErrorStatus::Good;
        let asked = known.encoded.get(range.clone()).unwrap_or_default();
        let mut values = vec![SnmpValue::Null; asked.len()];
        match answer.fill(asked, &mut values) {
            Ok(came) if good => {
                if came < asked.len() {
                    active.reason = Missing::ShortAnswer;
                }
                self.relearn |= values.iter().take(came).any(|value| *value == SnmpValue::NoSuchInstance);
                let places = self.values.iter_mut().skip(range.start).zip(values).take(came);
                places.for_each(|(place, value)| *place = Some(value));
            }
            Ok(_) => {}
            Err(_) => {
                desk.statistics.strays += 1;
                active.reason = Missing::Nonsense;
            }
        }
        active.unresolved = active.unresolved.saturating_sub(1);
        self.backoff.succeeded();
        if active.unresolved == 0 {
            self.end_poll(desk);
        }
    }

    fn walk_answer(&mut self, answer: &Answer<'_>, desk: &mut Desk) {
        let Some(learning) = self.learning.as_mut() else { return };
        learning.attempts = WALK_ATTEMPTS;
        match learning.walk.take(answer) {
            Ok(()) => self.backoff.succeeded(),
            Err(error) => return self.not_learned(error, desk),
        }
        let Some(learning) = self.learning.as_mut() else { return };
        if !learning.walk.is_done() {
            return;
        }
        if let Step::Done(found) = learning.walk.ask(&self.target.community) {
            self.learning = None;
            self.learned_at = desk.now.mono;
            self.learned(&found, desk);
        }
    }

    fn not_learned(&mut self, error: WalkError, desk: &mut Desk) {
        tracing::warn!(device = self.target.device.as_str(), error = %error, "cannot learn the objects");
        self.learning = None;
        self.learned_at = desk.now.mono;
        let reason =
            if matches!(error, WalkError::Refused(_)) { Missing::Exception } else { Missing::Nonsense };
        self.failed(reason, desk);
    }

    /// A walk has come to its end.
    fn learned(&mut self, found: &profile::VarBinds, desk: &mut Desk) {
        let Some(profile) = self.target.profile.snmp() else { return };
        let plan = profile.plan(found);
        let shapes: Vec<SeriesShape> = plan.readings().iter().map(|reading| reading.shape.clone()).collect();
        if shapes.is_empty() {
            tracing::warn!(
                device = self.target.device.as_str(),
                profile = self.target.profile.id.as_str(),
                "answers, but has no object of its profile"
            );
            return self.failed(Missing::NotAvailable, desk);
        }
        // What was there before and is not now is missing, which is not the same as never having been expected.
        let nothing_new = |known: &&Known| shapes.iter().all(|shape| known.shapes.contains(shape));
        let fits = |known: &Known| known.packets.iter().all(|(_, _, count)| *count <= self.objects);
        if self.known.as_ref().filter(nothing_new).is_some_and(fits) {
            return;
        }
        if self.active.is_some() {
            self.give_up_poll(desk);
        }
        self.know(plan, shapes, desk);
    }

    fn know(&mut self, plan: SnmpPlan, shapes: Vec<SeriesShape>, desk: &mut Desk) {
        let series: Vec<_> = shapes
            .iter()
            .map(|shape| {
                shape.describe(desk.numbers.series(), self.target.device.clone(), Some(&self.target.profile))
            })
            .collect();
        let group = PollGroup {
            number: desk.numbers.group(),
            device: self.target.device.clone(),
            period_ms: self.target.schedule.period_ms,
            offset_ms: self.target.schedule.offset_ms,
            series: series.iter().map(|one| one.number).collect(),
        };
        tracing::info!(device = self.target.device.as_str(), series = series.len(), "learned");
        let number = group.number;
        desk.declare(series, vec![group]);
        self.known = Some(Known::new(plan, shapes, number, (&self.target.community, self.objects)));
    }

    fn failed(&mut self, reason: Missing, desk: &mut Desk) {
        let period = Duration::from_millis(u64::from(self.target.schedule.period_ms));
        self.backoff.failed(desk.now.mono, period, Patience::Alone);
        if self.known.is_none() {
            self.tell(&[Err(reason)], desk);
        }
    }

    /// Gives up what has waited too long; gives the ids that are closed now.
    pub(super) fn expire(&mut self, desk: &mut Desk) -> Vec<i32> {
        let now = desk.now.mono;
        let late: Vec<Flight> = self.flights.extract_if(.., |flight| now >= flight.deadline).collect();
        for flight in &late {
            match flight.what {
                What::Walk => self.walk_unanswered(desk),
                What::Poll(number) => self.poll_unanswered(number, desk),
            }
        }
        if self.active.as_ref().is_some_and(|active| now >= active.ends) {
            self.give_up_poll(desk);
        }
        late.into_iter().map(|flight| flight.id).collect()
    }

    fn walk_unanswered(&mut self, desk: &mut Desk) {
        let Some(learning) = self.learning.as_mut() else { return };
        learning.attempts = learning.attempts.saturating_sub(1);
        if learning.attempts == 0 {
            self.learning = None;
            self.failed(Missing::NoAnswer, desk);
        }
    }

    fn poll_unanswered(&mut self, number: usize, desk: &mut Desk) {
        let Some(active) = self.active.as_mut() else { return };
        if active.retries > 0 && desk.now.mono < active.ends {
            active.retries -= 1;
            active.todo.push(number);
            return;
        }
        active.reason = Missing::NoAnswer;
        self.failed(Missing::NoAnswer, desk);
        self.end_poll(desk);
    }

    /// Ends a poll that is still under way.
    fn give_up_poll(&mut self, desk: &mut Desk) {
        if self.active.as_ref().is_some_and(|active| active.answered.is_none()) {
            self.failed(Missing::NoAnswer, desk);
        }
        self.end_poll(desk);
    }

    /// Ends the poll with what came.
    fn end_poll(&mut self, desk: &mut Desk) {
        let (Some(active), Some(known)) = (self.active.take(), &self.known) else { return };
        let polls = self.flights.extract_if(.., |flight| flight.what != What::Walk);
        self.closed.extend(polls.map(|flight| flight.id));
        let values = known.decode(&mut self.values, active.reason);
        desk.ended(&Ended {
            group: known.group,
            scheduled: active.scheduled,
            answered: active.answered,
            values: &values,
        });
        self.tell(&values, desk);
    }

    fn tell(&mut self, values: &[Result<Raw, Missing>], desk: &mut Desk) {
        if let Some(event) = self.health.after(values, &self.target.device, desk.now.wall()) {
            // It may have been started anew, with other units or rows.
            self.relearn |= event.kind == model::EventKind::DeviceBack;
            desk.event(event);
        }
    }

    /// The engine stops.
    pub(super) fn stop(&mut self, desk: &mut Desk) {
        if let Some(active) = &mut self.active {
            active.reason = Missing::AgentDown;
        }
        self.end_poll(desk);
    }
}
