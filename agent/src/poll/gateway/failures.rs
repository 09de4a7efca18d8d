//! What a failure costs: who is asked again at once, who has failed, and what a gateway teaches by failing.

use std::net::SocketAddr;
use std::time::Duration;

use model::{Event, EventKind, Missing, Severity};

use super::super::backoff::Patience;
use super::super::desk::Desk;
use super::Gateway;
use crate::modbus::{Flight, Lapse, Reject};

impl Gateway {
    /// The connection is of no more use.
    pub(super) fn lapse(&mut self, lapse: &Lapse, desk: &mut Desk) {
        tracing::debug!(bus = %self.bus, error = %crate::chain::Chain(lapse), "connection dropped");
        match lapse {
            Lapse::Connect(_) => self.unreachable(desk),
            Lapse::Broken(_) | Lapse::Closed => self.broken(desk),
            Lapse::Frame(_) | Lapse::Stray { .. } | Lapse::Twice(_) => {
                desk.statistics.strays += 1;
                self.learn_of_stray(lapse, desk);
                self.drop_with(|_| Some(Missing::Nonsense), desk);
            }
            Lapse::Reject(flight, reject) => {
                desk.statistics.strays += 1;
                self.drop_with(|_| None, desk);
                let short = matches!(reject, Reject::Short { .. });
                self.failed(flight, if short { Missing::ShortAnswer } else { Missing::Nonsense }, desk);
            }
        }
    }

    fn learn_of_stray(&mut self, lapse: &Lapse, desk: &mut Desk) {
        let fits = matches!(lapse, Lapse::Stray { fits: true, .. });
        if !self.lessons.stray(fits) {
            return;
        }
        self.manners.in_flight = 1;
        self.link.ignore_ids();
        self.tell(
            "answers under transaction ids of its own; it is asked one request at a time, and its ids are ignored; \
             `ignore_transaction_id = true` in its `[[bus]]` says so beforehand",
            desk,
        );
    }

    /// Tells what was learned about the bus.
    pub(super) fn tell(&self, what: &str, desk: &mut Desk) {
        let (text, time) = (format!("{} {what}", self.bus), desk.now.wall());
        desk.event(Event { time, device: None, kind: EventKind::Other, severity: Severity::Info, text });
    }

    /// The address does not take connections: every poll that waits for one is lost.
    pub(super) fn unreachable(&mut self, desk: &mut Desk) {
        self.drop_with(|_| Some(Missing::Refused), desk);
        self.connect_until = None;
        self.backoff.failed(desk.now.mono, self.shortest_period(), Patience::Alone);
        if self.name().is_some_and(|name| name.parse::<SocketAddr>().is_err()) {
            desk.unresolved.push(self.place);
        }
        for device in 0..self.devices.len() {
            self.finish(device, Missing::Refused, desk);
        }
    }

    /// The other side hung up. If this connection had been good, it may only have been tired of it: ask again once.
    fn broken(&mut self, desk: &mut Desk) {
        let was_good = self.link.has_answered();
        if self.lessons.hung_up(self.link.flights().len()) {
            self.manners.in_flight = 1;
            self.tell(
                "hangs up when several requests are under way; it is asked one at a time; `in_flight = 1` in its \
                 `[[bus]]` says so beforehand",
                desk,
            );
        }
        for flight in self.link.drop_connection() {
            let active = self.asker(&flight).and_then(|one| one.active.as_mut());
            match active.filter(|active| was_good && !active.revived) {
                Some(active) => {
                    active.revived = true;
                    self.again(flight);
                }
                None => self.failed(&flight, Missing::Disconnected, desk),
            }
        }
    }

    /// Gives up the requests on their way of which `is_late` holds.
    pub(super) fn unanswered(&mut self, is_late: impl Fn(&Flight) -> bool, desk: &mut Desk) {
        let garbled = self.link.is_garbled();
        if !garbled {
            self.await_late_answers(&is_late, desk.now.mono);
        }
        let reason = if garbled { Missing::Nonsense } else { Missing::NoAnswer };
        self.drop_with(|flight| is_late(flight).then_some(reason), desk);
    }

    /// On a serial line a late answer cannot be told from the next one, so units that did not answer are not asked again
    /// until it should have come. Answers of other units can be told, so these need not wait.
    fn await_late_answers(&mut self, is_late: &impl Fn(&Flight) -> bool, now: Duration) {
        if self.bus.line().is_none() {
            return;
        }
        for flight in self.link.flights().iter().filter(|flight| is_late(flight)) {
            for one in self.devices.iter_mut().filter(|one| one.plan.unit == flight.request.unit) {
                one.quiet_until = now + one.plan.timeout.min(one.plan.period / 2);
            }
        }
    }

    /// Drops the connection, or lets the line fall silent. What was on its way fails for the given reason, or is asked again if there is none.
    fn drop_with(&mut self, reason: impl Fn(&Flight) -> Option<Missing>, desk: &mut Desk) {
        let given_up = self.link.give_up();
        self.not_before = self.not_before.max(desk.now.mono + self.manners.silence);
        for flight in given_up {
            match reason(&flight) {
                Some(reason) if self.is_repeatable(reason) && self.may_retry(&flight, desk.now.mono) => {
                    self.again(flight);
                }
                Some(reason) => self.failed(&flight, reason, desk),
                None => self.again(flight),
            }
        }
    }

    /// Nothing came; or it was damaged on a line, which happens.
    const fn is_repeatable(&self, reason: Missing) -> bool {
        matches!(reason, Missing::NoAnswer) || (self.bus.is_rtu() && matches!(reason, Missing::Nonsense))
    }

    fn may_retry(&mut self, flight: &Flight, now: Duration) -> bool {
        let active = self.asker(flight).and_then(|one| one.active.as_mut());
        let Some(active) = active.filter(|active| active.retries > 0 && now < active.ends) else {
            return false;
        };
        active.retries -= 1;
        true
    }

    fn again(&mut self, flight: Flight) {
        let device = flight.ticket.device;
        let Some(one) = self.asker(&flight) else { return };
        one.todo.push(flight.ticket.block);
        if !std::mem::replace(&mut one.queued, true) {
            self.ready.push_front(device);
        }
    }

    pub(super) fn failed(&mut self, flight: &Flight, reason: Missing, desk: &mut Desk) {
        let patience = if self.devices.len() > 1 { Patience::Shared } else { Patience::Alone };
        let Some(one) = self.asker(flight) else { return };
        one.backoff.failed(desk.now.mono, one.plan.period, patience);
        one.passed_over = false;
        self.finish(flight.ticket.device, reason, desk);
    }
}
