//! What is made of the answers to a poll. Whatever a device does to one of them, the other objects are not lost: what is
//! cut off is asked for again, what is too big in halves, and what spoils the rest is left out.

use std::time::Duration;

use model::Missing;
use profile::SnmpValue;

use super::Device;
use crate::poll::desk::Desk;
use crate::snmp::{Answer, ErrorStatus};

/// genErr (RFC 3416, 3).
const GEN_ERR: u32 = 5;

impl Device {
    pub(super) fn poll_answer(&mut self, number: usize, answer: &Answer<'_>, desk: &mut Desk) {
        let Some(active) = &mut self.active else { return };
        active.answered = Some(desk.now.wall());
        self.backoff.succeeded();
        let resolved = match answer.status {
            ErrorStatus::Good => self.take_values(number, answer, desk),
            ErrorStatus::TooBig => self.ask_in_halves(number),
            ErrorStatus::NoSuchName => {
                self.ask_without((number, answer.index), Missing::NotAvailable, desk.now.mono)
            }
            ErrorStatus::Other(GEN_ERR) if answer.index > 0 => {
                self.ask_without((number, answer.index), Missing::Exception, desk.now.mono)
            }
            ErrorStatus::Other(_) => {
                active.reason = Missing::Exception;
                true
            }
        };
        let Some(active) = &mut self.active else { return };
        if resolved {
            active.unresolved = active.unresolved.saturating_sub(1);
        }
        if active.unresolved == 0 {
            self.end_poll(desk);
        }
    }

    /// Takes the values of a part; gives whether that is all of it, or all that there will be.
    fn take_values(&mut self, number: usize, answer: &Answer<'_>, desk: &mut Desk) -> bool {
        let (Some(active), Some(known)) = (&mut self.active, &mut self.known) else { return true };
        let Some(part) = known.parts.get(number) else { return true };
        let mut values = vec![SnmpValue::Null; part.places.len()];
        let Ok(came) = answer.fill(known.asked(part), &mut values) else {
            desk.statistics.strays += 1;
            active.reason = Missing::Nonsense;
            return true;
        };
        let Some(part) = known.parts.get_mut(number) else { return true };
        part.is_proven |= came > 0;
        let is_cut = came < part.places.len();
        for (place, value) in part.places.iter().zip(values).take(came) {
            let is_gone = value == SnmpValue::NoSuchInstance;
            if is_gone && self.gone.insert(*place) {
                self.renewal.want();
            } else if !is_gone && !self.gone.is_empty() {
                self.gone.remove(place);
            }
            if let Some(slot) = usize::try_from(*place).ok().and_then(|place| self.values.get_mut(place)) {
                *slot = Some(value);
            }
        }
        if is_cut {
            active.reason = Missing::ShortAnswer;
            return came == 0 || self.ask_the_rest(number, came);
        }
        true
    }

    /// A cut answer: the rest becomes a part of its own and is asked for at once. Gives whether nothing is left to ask.
    fn ask_the_rest(&mut self, number: usize, came: usize) -> bool {
        let (Some(active), Some(known)) = (&mut self.active, &mut self.known) else { return true };
        let Some(rest) = known.split_at(number, came, &self.target.credentials) else { return true };
        active.todo.push(rest);
        false
    }

    /// An answer would be too big: two smaller ones are asked for, now and from now on.
    fn ask_in_halves(&mut self, number: usize) -> bool {
        let (Some(active), Some(known)) = (&mut self.active, &mut self.known) else { return true };
        let Some(second) = known.split(number, &self.target.credentials) else {
            active.reason = Missing::Exception;
            return true;
        };
        self.objects = self.objects.min(known.parts.get(number).map_or(1, |part| part.places.len())).max(1);
        active.todo.extend([second, number]);
        active.unresolved += 1;
        false
    }

    /// One object spoils the answer: the others are asked for without it, and it itself some other time.
    fn ask_without(&mut self, (number, index): (usize, u32), reason: Missing, now: Duration) -> bool {
        let (Some(active), Some(known)) = (&mut self.active, &mut self.known) else { return true };
        let count = known.parts.get(number).map_or(0, |part| part.places.len());
        let named = usize::try_from(index).ok().and_then(|index| index.checked_sub(1));
        let Some(within) = named.filter(|within| *within < count).or((count == 1).then_some(0)) else {
            return self.ask_in_halves(number);
        };
        if known.leave_out((number, within), reason, (&self.target.credentials, now)) == 0 {
            return true;
        }
        active.todo.push(number);
        false
    }

    /// A device that answered a walk and is silent to what is asked now may not bear so many objects at once.
    pub(super) fn halve_if_never_answered(&mut self, number: usize) {
        let Some(known) = &mut self.known else { return };
        if known.parts.get(number).is_some_and(|part| !part.is_proven)
            && known.split(number, &self.target.credentials).is_some()
        {
            self.objects =
                known.parts.get(number).map_or(1, |part| part.places.len()).max(1).min(self.objects);
        }
    }
}
