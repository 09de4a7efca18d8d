//! One device that is asked over SNMP: learned first, then polled for the objects that are known.

mod answers;
mod telling;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::{EventKind, Missing, PollGroup, Severity, Timestamp};
use profile::SnmpValue;

use super::backoff::{Backoff, Patience};
use super::desk::{Alarm, Desk, Ended, Health};
use super::snmp::SnmpTarget;
use super::snmp_known::{Known, Walked};
use super::snmp_learn::{Learning, Renewal, Unlearned, difference, label_columns};
use super::snmp_plans::Objects;
use crate::snmp::{
    Answer, Change, GET_OBJECTS_MAX, Heard, Incoming, Pace, Refusal, Session, Step, WalkError,
};

/// How often within one poll, or in a row within a walk, an engine may say something about itself before it answers: who
/// it is and what its clock says, for each of the packets under way.
const AGAIN_MAX: u8 = 6;
/// How often rows are asked how they are called: an index that moves gives another row's values until it is noticed.
const LABELS_EVERY: Duration = Duration::from_secs(30);
/// After so many failures in a row the device's name is looked up again: it may have moved.
const LOOK_UP_AFTER_FAILURES: u32 = 2;

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
    pub bytes: Cow<'a, [u8]>,
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
    agains: u8,
    answered: Option<Timestamp>,
    departed: bool,
    /// Why what did not come did not.
    reason: Missing,
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
    session: Session,
    known: Option<Known>,
    learning: Option<Learning>,
    renewal: Renewal,
    unlearned: Unlearned,
    pace: Pace,
    walk_agains: u8,
    active: Option<Active>,
    values: Vec<Option<SnmpValue>>,
    flights: Vec<Flight>,
    backoff: Backoff,
    health: Health,
    /// Objects in one packet; less when the device says that its answer is too big.
    objects: usize,
    /// Objects that a walk found and that are not there any more.
    gone: BTreeSet<u32>,
    /// Are rows called otherwise than when they were learned?
    moved: bool,
    /// When it was asked last how its rows are called.
    labels_asked: Duration,
    uptime: Option<u32>,
    restart_told: Option<Duration>,
    refusal: Option<Refusal>,
    /// Who answered in its stead, as was told last.
    elsewhere: Option<SocketAddr>,
    looped: bool,
    look_up: bool,
}

impl Device {
    /// A device of which nothing is known yet.
    pub(super) fn new(target: SnmpTarget) -> Self {
        Self {
            address: target.name.parse().ok(),
            session: Session::new(target.credentials.clone()),
            renewal: Renewal::default(),
            target,
            alarm: Alarm::default(),
            closed: Vec::new(),
            known: None,
            learning: None,
            unlearned: Unlearned::default(),
            pace: Pace::default(),
            walk_agains: 0,
            active: None,
            values: Vec::new(),
            flights: Vec::new(),
            backoff: Backoff::default(),
            health: Health::default(),
            objects: GET_OBJECTS_MAX,
            gone: BTreeSet::new(),
            moved: false,
            labels_asked: Duration::ZERO,
            uptime: None,
            restart_told: None,
            refusal: None,
            elsewhere: None,
            looped: false,
            look_up: false,
        }
    }

    /// Number of its group, and how many series it has; `None` until its objects are known.
    pub(super) fn group(&self) -> Option<(u32, usize)> {
        self.known.as_ref().map(|known| (known.group, known.objects.series()))
    }

    /// It is due.
    pub(super) fn due(&mut self, scheduled: Timestamp, desk: &mut Desk) {
        if self.active.is_some() {
            self.give_up_poll(desk);
        }
        let allowed = self.backoff.allows(desk.now.mono);
        let Some(known) = &self.known else {
            self.unlearned.tick(scheduled, if allowed { Missing::Overrun } else { Missing::BackedOff });
            if allowed && self.learning.is_none() {
                self.learn();
            }
            return;
        };
        if !allowed {
            desk.skipped((known.group, known.objects.series()), scheduled, Missing::BackedOff);
            return;
        }
        self.begin_poll(scheduled, desk);
        if self.learning.is_none() && (self.moved || self.renewal.is_due(desk.now.mono)) {
            self.learn();
        }
    }

    fn learn(&mut self) {
        self.renewal.begun();
        self.walk_agains = 0;
        self.learning = Learning::new(&self.target.profile, self.pace.eased());
    }

    fn begin_poll(&mut self, scheduled: Timestamp, desk: &Desk) {
        let Some(known) = &mut self.known else { return };
        known.ask_again(&self.target.credentials, desk.now.mono);
        let elapsed = desk.now.wall().millis_since(scheduled).max(0).unsigned_abs();
        let period = Duration::from_millis(u64::from(self.target.schedule.period_ms));
        self.values.clear();
        self.values.resize(known.objects.slots(), None);
        let mut todo = known.parts_to_ask();
        if desk.now.mono.saturating_sub(self.labels_asked) >= LABELS_EVERY {
            self.labels_asked = desk.now.mono;
            todo.extend(known.label_parts());
        }
        self.active = Some(Active {
            scheduled,
            ends: desk.now.mono + period.saturating_sub(Duration::from_millis(elapsed)),
            unresolved: todo.len(),
            todo,
            retries: self.target.retries,
            agains: 0,
            answered: None,
            departed: false,
            reason: Missing::NoAnswer,
        });
    }

    /// Is its name to be looked up?
    pub(super) fn is_to_be_looked_up(&mut self) -> bool {
        std::mem::take(&mut self.look_up) || self.address.is_none()
    }

    /// Its name was looked up.
    pub(super) fn resolved(&mut self, address: SocketAddr, desk: &mut Desk) {
        let before = self.address.replace(address);
        if before.is_some_and(|before| before != address) {
            self.event(desk, (EventKind::Other, Severity::Info), format!("its name now means {address}"));
            self.backoff.succeeded();
        }
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
        let now = desk.now.mono;
        if let Some((number, ends)) = next {
            let deadline = (now + self.target.timeout).min(ends);
            self.flights.push(Flight { id, what: What::Poll(number), deadline });
            let packet = self.known.as_mut()?.packet(number)?;
            return Some(Outgoing { bytes: self.session.encode(packet, id, now), to });
        }
        let packet = self.learning.as_mut()?.packet(&self.target.credentials)?;
        self.flights.push(Flight { id, what: What::Walk, deadline: now + self.target.timeout });
        Some(Outgoing { bytes: self.session.encode(packet, id, now), to })
    }

    /// The earliest instant at which it has waited long enough for something.
    pub(super) fn first_deadline(&self) -> Option<Duration> {
        let unsent = self.active.as_ref().filter(|_| self.flights.is_empty()).map(|active| active.ends);
        self.flights.iter().map(|flight| flight.deadline).chain(unsent).min()
    }

    /// A packet came from its address under an open id; gives whether that id is closed now.
    pub(super) fn hear(&mut self, incoming: Incoming<'_>, desk: &mut Desk) -> bool {
        let id = incoming.id();
        let heard = match self.session.hear(incoming, desk.now.mono) {
            Ok(heard) => heard,
            Err(error) => {
                tracing::debug!(device = self.target.device.as_str(), %error, "a packet is thrown away");
                desk.statistics.strays += 1;
                return false;
            }
        };
        let Some(place) = self.flights.iter().position(|flight| flight.id == id) else { return true };
        let what = self.flights.swap_remove(place).what;
        match heard {
            Heard::Answer(body) => match body.answer() {
                Ok(answer) => self.answer(what, &answer, desk),
                Err(_) => self.refused(what, None, desk),
            },
            Heard::Again(change) => self.again(what, change, desk),
            Heard::Refused(refusal) => self.refused(what, Some(refusal), desk),
        }
        true
    }

    fn answer(&mut self, what: What, answer: &Answer<'_>, desk: &mut Desk) {
        self.tell_refusal(None, desk);
        match what {
            What::Walk => self.walk_answer(answer, desk),
            What::Poll(number) => self.poll_answer(number, answer, desk),
        }
    }

    /// The engine said something about itself: the same is asked again at once, but not for ever.
    fn again(&mut self, what: What, change: Option<Change>, desk: &mut Desk) {
        if let Some(change) = change {
            self.changed(change, desk);
        }
        let agains = match (what, &mut self.active) {
            (What::Poll(_), Some(active)) => &mut active.agains,
            _ => &mut self.walk_agains,
        };
        *agains = agains.saturating_add(1);
        if *agains > AGAIN_MAX {
            return self.refused(what, None, desk);
        }
        // A walk asks again by itself.
        if let (What::Poll(number), Some(active)) = (what, &mut self.active) {
            active.todo.push(number);
        }
    }

    /// The device does not answer us.
    fn refused(&mut self, what: What, refusal: Option<Refusal>, desk: &mut Desk) {
        if refusal.is_some() {
            self.tell_refusal(refusal, desk);
        }
        if what == What::Walk {
            self.learning = None;
            self.renewal.ended(desk.now.mono);
        }
        if let Some(active) = self.active.as_mut().filter(|_| what != What::Walk) {
            active.reason = Missing::Exception;
        }
        self.failed(Missing::Exception, desk);
        if what != What::Walk {
            self.end_poll(desk);
        }
    }

    fn walk_answer(&mut self, answer: &Answer<'_>, desk: &mut Desk) {
        let Some(learning) = self.learning.as_mut() else { return };
        learning.answered();
        self.walk_agains = 0;
        match learning.walk.take(answer) {
            Ok(()) => self.backoff.succeeded(),
            Err(error) => return self.not_learned(error, desk),
        }
        let Some(learning) = self.learning.as_mut().filter(|learning| learning.walk.is_done()) else {
            return;
        };
        if let Step::Done(found) = learning.walk.ask(&self.target.credentials) {
            self.pace = learning.walk.pace();
            let looped = learning.walk.looped().to_vec();
            self.learning = None;
            self.renewal.ended(desk.now.mono);
            self.tell_loops(&looped, desk);
            self.learned(&found, desk);
        }
    }

    fn not_learned(&mut self, error: WalkError, desk: &mut Desk) {
        tracing::warn!(device = self.target.device.as_str(), error = %error, "cannot learn the objects");
        self.learning = None;
        self.renewal.ended(desk.now.mono);
        let reason =
            if matches!(error, WalkError::Refused(_)) { Missing::Exception } else { Missing::Nonsense };
        self.failed(reason, desk);
    }

    /// A walk has come to its end.
    fn learned(&mut self, found: &profile::VarBinds, desk: &mut Desk) {
        let Some(profile) = self.target.profile.snmp() else { return };
        let plan = profile.plan(found);
        if plan.readings().is_empty() {
            tracing::warn!(
                device = self.target.device.as_str(),
                profile = self.target.profile.id.as_str(),
                "answers, but has no object of its profile"
            );
            return self.failed(Missing::NotAvailable, desk);
        }
        self.moved = false;
        let columns = label_columns(&self.target.profile);
        let walked = Walked { found, label_columns: &columns };
        if let Some(known) = self.known.as_mut().filter(|known| known.covers(&plan, found)) {
            return known.renew_labels(&walked);
        }
        if self.active.is_some() {
            self.give_up_poll(desk);
        }
        if let Some(text) = self.known.as_ref().and_then(|known| difference(known.objects.plan(), &plan)) {
            self.event(desk, (EventKind::Other, Severity::Warning), text);
        }
        let objects = desk.plans.share(plan, walked.labels());
        self.know(objects, &walked, desk);
    }

    fn know(&mut self, objects: Arc<Objects>, walked: &Walked<'_>, desk: &mut Desk) {
        let series: Vec<_> = objects
            .shapes()
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
        let (since, ticks) = self.unlearned.take(desk.now.wall());
        desk.declare_since(since, series, vec![group]);
        for (tick, reason) in ticks {
            desk.skipped((number, objects.series()), tick, reason);
        }
        self.gone.clear();
        self.labels_asked = desk.now.mono;
        let how = (&self.target.credentials, self.objects);
        self.known = Some(Known::new((objects, number), walked, how));
    }

    fn failed(&mut self, reason: Missing, desk: &mut Desk) {
        let period = Duration::from_millis(u64::from(self.target.schedule.period_ms));
        self.backoff.failed(desk.now.mono, period, Patience::Alone);
        let is_name = self.target.name.parse::<SocketAddr>().is_err();
        self.look_up |= is_name && self.backoff.failures() >= LOOK_UP_AFTER_FAILURES;
        self.unlearned.failed(reason);
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
        learning.walk.silent();
        if learning.unanswered() {
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
        self.halve_if_never_answered(number);
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
        let uptime = known.uptime_of(&self.values);
        let mut reason = active.reason;
        let has_moved = known.has_moved(&self.values);
        if has_moved || self.moved {
            // Whose values these are is not known until the rows are learned anew.
            self.values.fill(None);
            reason = Missing::Nonsense;
        }
        // Most of the time no poll is under way: the room is given back until the next one.
        let values = known.decode(std::mem::take(&mut self.values), reason);
        desk.ended(&Ended {
            group: known.group,
            scheduled: active.scheduled,
            answered: active.answered,
            values: &values,
        });
        if has_moved && !std::mem::replace(&mut self.moved, true) {
            self.learn();
        }
        self.tell(&values, desk);
        if let Some(uptime) = uptime {
            self.watch_uptime(uptime, desk);
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
