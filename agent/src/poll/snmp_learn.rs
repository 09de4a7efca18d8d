//! How a device's objects are learned: when, how fast, and what to tell of what has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{Channel, Missing, Quantity, Timestamp};
use profile::snmp::{Key, KeySource};
use profile::{Oid, Profile, SnmpPlan};

use crate::snmp::{Credentials, Pace, Packet, Step, Walk};

/// How often rows are learned anew: sensors are plugged in, units of a chain come and go.
const RELEARN_AFTER: Duration = Duration::from_hours(1);
/// How soon at the earliest: a device that keeps saying "no such instance" is not walked all the time.
const RELEARN_AT_MOST: Duration = Duration::from_mins(1);
/// How often one packet of a walk is sent before the walk is given up.
const WALK_ATTEMPTS: u8 = 3;
/// Ticks before the first walk came to its end that are recorded one by one, each with its reason.
const UNLEARNED_TICKS_MAX: usize = 60;
/// How far back the plan of a device that was learned late is dated, at most: older hours may be closed.
const UNLEARNED_FOR_MAX_MS: i64 = 3_600_000;

/// A walk under way.
#[derive(Debug)]
pub(super) struct Learning {
    pub(super) walk: Walk,
    packet: Option<Packet>,
    attempts: u8,
}

impl Learning {
    /// Begins a walk.
    pub(super) fn new(profile: &Profile, pace: Pace) -> Option<Self> {
        let profile = profile.snmp()?;
        let walk = Walk::new(profile.scalars_to_get(), profile.columns_to_walk()).at_pace(pace);
        Some(Self { walk, packet: None, attempts: WALK_ATTEMPTS })
    }

    /// The next packet.
    pub(super) fn packet(&mut self, credentials: &Credentials) -> Option<&mut Packet> {
        // An end is found when an answer is taken, never here: the walk would have been closed.
        let Step::Ask(packet) = self.walk.ask(credentials) else { return None };
        Some(self.packet.insert(packet))
    }

    /// An answer came.
    pub(super) const fn answered(&mut self) {
        self.attempts = WALK_ATTEMPTS;
    }

    /// No answer came, or none to what was asked; gives whether the walk is to be given up.
    pub(super) fn unanswered(&mut self) -> bool {
        self.attempts = self.attempts.saturating_sub(1);
        self.attempts == 0
    }
}

/// When to learn anew.
#[derive(Debug, Default)]
pub(super) struct Renewal {
    learned_at: Duration,
    wanted: Option<Duration>,
}

impl Renewal {
    /// A row is not there any more.
    pub(super) fn want(&mut self) {
        self.wanted = Some(self.wanted.unwrap_or(Duration::MAX).min(self.learned_at + RELEARN_AT_MOST));
    }

    /// The device was started anew.
    pub(super) const fn want_now(&mut self) {
        self.wanted = Some(Duration::ZERO);
    }

    /// Is it time?
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= (self.learned_at + RELEARN_AFTER).min(self.wanted.unwrap_or(Duration::MAX))
    }

    /// A walk begins.
    pub(super) const fn begun(&mut self) {
        self.wanted = None;
    }

    /// A walk has come to an end.
    pub(super) const fn ended(&mut self, now: Duration) {
        self.learned_at = now;
    }
}

/// What was due while it was not known yet what there is.
#[derive(Debug, Default)]
pub(super) struct Unlearned {
    since: Option<Timestamp>,
    ticks: Vec<(Timestamp, Missing)>,
}

impl Unlearned {
    /// A tick at which nothing could be asked yet.
    pub(super) fn tick(&mut self, scheduled: Timestamp, reason: Missing) {
        self.since.get_or_insert(scheduled);
        if self.ticks.len() >= UNLEARNED_TICKS_MAX {
            self.ticks.remove(0);
        }
        self.ticks.push((scheduled, reason));
    }

    /// The walk of the last ticks failed.
    pub(super) fn failed(&mut self, reason: Missing) {
        let waiting = self.ticks.iter_mut().rev().take_while(|(_, why)| *why == Missing::Overrun);
        waiting.for_each(|(_, why)| *why = reason);
    }

    /// What is known now was due since then, and was missing at these ticks.
    pub(super) fn take(&mut self, now: Timestamp) -> (Timestamp, Vec<(Timestamp, Missing)>) {
        let earliest = now.plus_millis(-UNLEARNED_FOR_MAX_MS);
        let since = self.since.take().unwrap_or(now).max(earliest);
        let ticks = std::mem::take(&mut self.ticks).into_iter().filter(|(tick, _)| *tick >= since).collect();
        (since, ticks)
    }
}

/// Columns that say how the rows of a device are called, where that is not their index.
pub(super) fn label_columns(profile: &Profile) -> Vec<Oid> {
    let keys = profile.snmp().into_iter().flat_map(|snmp| &snmp.tables).flat_map(|table| &table.keys);
    let column = |key: &Key| match &key.from {
        KeySource::Object(lookup) if !lookup.index.is_empty() => Some(lookup.base.clone()),
        _ => None,
    };
    keys.filter_map(column).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is read of what, and from where.
fn sources(plan: &SnmpPlan) -> impl Iterator<Item = ((Quantity, Channel), &str)> {
    let shapes = plan.readings().iter().map(|reading| &reading.shape);
    shapes.map(|shape| ((shape.quantity, shape.channel.clone()), shape.source.as_str()))
}

/// What a new plan brings beside the one before, in words; `None` if nothing that matters.
pub(super) fn difference(before: &SnmpPlan, after: &SnmpPlan) -> Option<String> {
    let old: BTreeMap<_, &str> = sources(before).collect();
    let after: BTreeMap<_, &str> = sources(after).collect();
    let moved: Vec<_> =
        after.iter().filter(|(name, source)| old.get(name).is_some_and(|old| old != *source)).collect();
    let new = after.keys().filter(|name| !old.contains_key(name)).count();
    let gone = old.keys().filter(|name| !after.contains_key(name)).count();
    let example = moved.first().map(|((quantity, channel), source)| {
        let was = old.get(&(*quantity, channel.clone())).copied().unwrap_or_default();
        format!(", such as {quantity} of {channel} from {was} to {source}")
    });
    let text = format!(
        "the table has changed: {} readings moved to other objects{}, {new} are new, {gone} are gone",
        moved.len(),
        example.unwrap_or_default()
    );
    (!moved.is_empty() || new > 0 || gone > 0).then_some(text)
}
