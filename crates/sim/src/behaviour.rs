//! How a device misbehaves: from when to when and how often, by configuration or told at run time.

mod fault;

use model::Timestamp;

pub use fault::{Fault, UnknownFault};

/// A fault and when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// What.
    pub fault: Fault,
    /// From when; for a reset and a rollover, when they happen.
    pub from: Timestamp,
    /// Until when, not inside.
    pub to: Timestamp,
    /// For how many requests at most; `None` if it only ends by time.
    pub times: Option<u32>,
}

/// All faults of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behaviour {
    faults: Vec<Timed>,
    /// Do counters show 0 to the request that is being answered?
    is_zero: bool,
}

impl Behaviour {
    /// Adds a fault; of faults that exclude each other, the one added last holds.
    pub fn add(&mut self, fault: Timed) {
        self.faults.push(fault);
    }

    /// Behaves well from now on. What happened to its counters stays.
    pub fn clear(&mut self, now: Timestamp) {
        for timed in &mut self.faults {
            if !matches!(timed.fault, Fault::Reset | Fault::Rollover) {
                timed.to = timed.to.min(now);
            }
        }
        self.is_zero = false;
    }

    /// How it changes who may be connected, if it does.
    pub fn at_the_door(&self, now: Timestamp) -> Option<Fault> {
        self.last(now, Fault::is_of_the_door)
    }

    /// How it fails to answer, if it does.
    pub fn answering(&self, now: Timestamp) -> Option<Fault> {
        self.last(now, Fault::is_of_answers)
    }

    /// A request came: how it fails to answer, if it does. Faults that hold for some requests only have one less.
    pub fn asked(&mut self, now: Timestamp) -> Option<Fault> {
        if self.faults.is_empty() {
            return None;
        }
        let (answering, zero) = (self.answering(now), self.last(now, |fault| fault == Fault::Zero));
        self.is_zero = zero.is_some();
        for happened in [answering, zero].into_iter().flatten() {
            let mut latest = self.faults.iter_mut().rev();
            if let Some(times) =
                latest.find(|one| one.fault == happened && one.holds(now)).and_then(|one| one.times.as_mut())
            {
                *times = times.saturating_sub(1);
            }
        }
        answering
    }

    /// Do its counters show 0 to the request that came last?
    pub const fn is_zero(&self) -> bool {
        self.is_zero
    }

    /// How many rows its tables have, if not all.
    pub fn rows(&self, now: Timestamp) -> Option<u8> {
        match self.last(now, |fault| matches!(fault, Fault::Rows(_))) {
            Some(Fault::Rows(rows)) => Some(rows),
            _ => None,
        }
    }

    fn last(&self, now: Timestamp, concerns: impl Fn(Fault) -> bool) -> Option<Fault> {
        let holding = self.faults.iter().rev().find(|timed| concerns(timed.fault) && timed.holds(now));
        holding.map(|timed| timed.fault)
    }

    /// What its own clock shows.
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        let ahead = self.faults.iter().filter(|timed| timed.holds(now)).map(|timed| match timed.fault {
            Fault::ClockJump(millis) => millis,
            _ => 0,
        });
        now.plus_millis(ahead.sum())
    }

    /// The last reset that has happened.
    pub fn reset_before(&self, now: Timestamp) -> Option<Timestamp> {
        let resets = self.faults.iter().filter(|timed| timed.fault == Fault::Reset && timed.from <= now);
        resets.map(|timed| timed.from).max()
    }

    /// When counters pass their wrap, whether or not it has happened.
    pub fn rollover(&self) -> Option<Timestamp> {
        self.faults.iter().rev().find(|timed| timed.fault == Fault::Rollover).map(|timed| timed.from)
    }
}

impl Timed {
    /// From `from` on, for good.
    pub const fn since(fault: Fault, from: Timestamp) -> Self {
        Self { fault, from, to: Timestamp::MAX, times: None }
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.to && self.times != Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_fault_holds_in_its_time_and_the_last_one_wins() {
        let mut behaviour = Behaviour::default();
        behaviour.add(Timed { to: at(20), ..Timed::since(Fault::Hang, at(10)) });
        behaviour.add(Timed { to: at(20), ..Timed::since(Fault::Refuse, at(15)) });
        assert_eq!(behaviour.answering(at(9)), None);
        assert_eq!(behaviour.answering(at(10)), Some(Fault::Hang));
        assert_eq!(behaviour.answering(at(15)), Some(Fault::Refuse));
        assert_eq!(behaviour.at_the_door(at(15)), Some(Fault::Refuse));
        assert_eq!(behaviour.answering(at(20)), None);
    }

    #[test]
    fn a_fault_for_two_requests_is_over_after_them() {
        let mut behaviour = Behaviour::default();
        behaviour.add(Timed { times: Some(2), ..Timed::since(Fault::Short, at(10)) });
        behaviour.add(Timed { times: Some(1), ..Timed::since(Fault::Zero, at(10)) });
        assert_eq!(behaviour.asked(at(9)), None);
        assert_eq!((behaviour.asked(at(10)), behaviour.is_zero()), (Some(Fault::Short), true));
        assert_eq!((behaviour.asked(at(11)), behaviour.is_zero()), (Some(Fault::Short), false));
        assert_eq!(behaviour.asked(at(12)), None);
    }

    #[test]
    fn a_device_that_was_cleared_behaves_but_keeps_what_happened_to_its_counters() {
        let mut behaviour = Behaviour::default();
        for fault in [Fault::Hang, Fault::Reset, Fault::ClockJump(5000)] {
            behaviour.add(Timed::since(fault, at(10)));
        }
        assert_eq!(behaviour.clock(at(11)), at(16));
        behaviour.clear(at(12));
        assert_eq!(behaviour.answering(at(12)), None);
        assert_eq!(behaviour.clock(at(12)), at(12));
        assert_eq!(behaviour.reset_before(at(12)), Some(at(10)));
    }
}
