//! What is asked of a device over SNMP in every poll, and what its answers mean.
//!
//! Invariant: every object is in exactly one part, or left out with a reason; a part keeps its number as long as the
//! plan holds, so that an answer on its way finds it again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::{Missing, Raw};
use profile::{Oid, SeriesShape, SnmpPlan, SnmpValue, VarBinds};

use super::snmp_plans::Objects;
use crate::snmp::{Credentials, GET_OBJECTS_MAX, Packet, Read, encoded};

/// Bytes that an answer may have: it stays one Ethernet frame (1472 bytes) also where numbers grow.
const ANSWER_BYTES: usize = 1400;
/// Bytes around one object: two tags with their lengths, and the tag and length of its value.
const OBJECT_OVERHEAD: usize = 8;
/// Names of rows that are looked after; what comes beyond is noticed by the next walk.
const LABELS_MAX: usize = 1000;
/// How long an object that spoils answers again is not asked for, the first time; it doubles.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// And at most; by then the rows are learned anew anyway.
const AGAIN_AFTER_MAX: Duration = Duration::from_hours(1);

/// Objects that are asked for in one packet.
#[derive(Debug)]
pub(super) struct Part {
    packet: Packet,
    /// Places of its objects in the list of all.
    pub(super) places: Box<[u32]>,
    /// Was a packet of this part ever answered?
    pub(super) is_proven: bool,
}

/// An object that is not asked for now.
#[derive(Debug, Clone, Copy)]
struct LeftOut {
    reason: Missing,
    /// When it is asked for again.
    until: Duration,
}

/// What is asked in every poll.
#[derive(Debug)]
pub(super) struct Known {
    /// Shared with the devices that have the same.
    pub(super) objects: Arc<Objects>,
    pub(super) parts: Vec<Part>,
    pub(super) group: u32,
    left_out: BTreeMap<u32, LeftOut>,
    /// How long objects that were left out had to wait for another chance.
    waits: BTreeMap<u32, Duration>,
    /// What the objects by which rows are recognised said when the rows were learned.
    labels: Box<[SnmpValue]>,
}

/// What of a walk a plan is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked<'a> {
    /// All that was found.
    pub(super) found: &'a VarBinds,
    /// Columns that say how rows are called.
    pub(super) label_columns: &'a [Oid],
}

impl Walked<'_> {
    /// Objects that say how rows are called.
    pub(super) fn labels(&self) -> Vec<Oid> {
        let below = |column: &Oid| {
            let (column, from) = (column.clone(), self.found.range(column.clone()..));
            from.take_while(move |(oid, _)| oid.starts_with(&column))
        };
        let all = self.label_columns.iter().flat_map(below);
        all.map(|(oid, _)| oid.clone()).take(LABELS_MAX).collect()
    }

    fn value(&self, oid: &Oid) -> SnmpValue {
        self.found.get(oid).cloned().unwrap_or(SnmpValue::Null)
    }
}

impl Known {
    /// Asks for `objects`, at most so many in each packet as `how` says and no more than the answer may hold; `walk` says
    /// how long the values are.
    pub(super) fn new(
        (objects, group): (Arc<Objects>, u32),
        walk: &Walked<'_>,
        how: (&Credentials, usize),
    ) -> Self {
        let labels = objects.labels().iter().map(|oid| walk.value(oid)).collect();
        let (first_label, slots) = (objects.polled(), objects.slots());
        let mut known = Self {
            objects,
            parts: Vec::new(),
            group,
            left_out: BTreeMap::new(),
            waits: BTreeMap::new(),
            labels,
        };
        known.pack(0..first_label, walk.found, how);
        known.pack(first_label..slots, walk.found, how);
        known.parts.shrink_to_fit();
        known
    }

    /// Lays these places into as few parts as the answers allow.
    fn pack(
        &mut self,
        places: std::ops::Range<usize>,
        walk: &VarBinds,
        (credentials, objects): (&Credentials, usize),
    ) {
        let room = ANSWER_BYTES.saturating_sub(credentials.overhead());
        let (mut part, mut bytes) = (Vec::new(), 0);
        for place in places.filter_map(|place| u32::try_from(place).ok()) {
            let Some(oid) = self.objects.oid(place) else { continue };
            let size =
                self.objects.encoded(place).len() + walk.get(oid).map_or(5, value_bytes) + OBJECT_OVERHEAD;
            if !part.is_empty() && (bytes + size > room || part.len() >= objects.min(GET_OBJECTS_MAX)) {
                self.parts.push(self.part(std::mem::take(&mut part), credentials));
                bytes = 0;
            }
            bytes += size;
            part.push(place);
        }
        if !part.is_empty() {
            self.parts.push(self.part(part, credentials));
        }
    }

    fn part(&self, places: Vec<u32>, credentials: &Credentials) -> Part {
        let oids = places.iter().filter_map(|place| self.objects.oid(*place));
        let packet = Packet::new(credentials, Read::Get, oids);
        Part { packet, places: places.into_boxed_slice(), is_proven: false }
    }

    /// The objects of a part as they stand in a packet, to hold the answer against them.
    pub(super) fn asked<'k>(&'k self, part: &'k Part) -> impl Iterator<Item = &'k [u8]> {
        part.places.iter().map(|place| self.objects.encoded(*place))
    }

    /// Numbers of the parts that are asked for in every poll.
    pub(super) fn parts_to_ask(&self) -> Vec<usize> {
        self.parts_from(0..self.objects.polled())
    }

    /// Numbers of the parts that ask how rows are called.
    pub(super) fn label_parts(&self) -> Vec<usize> {
        self.parts_from(self.objects.polled()..self.objects.slots())
    }

    fn parts_from(&self, places: std::ops::Range<usize>) -> Vec<usize> {
        let is_wanted = |part: &Part| {
            part.places
                .first()
                .and_then(|place| usize::try_from(*place).ok())
                .is_some_and(|place| places.contains(&place))
        };
        let parts = self.parts.iter().enumerate().rev().filter(|(_, part)| is_wanted(part));
        parts.map(|(number, _)| number).collect()
    }

    /// Is any row called otherwise than when the rows were learned?
    pub(super) fn has_moved(&self, values: &[Option<SnmpValue>]) -> bool {
        let now = values.get(self.objects.polled()..).unwrap_or_default();
        let is_other = |(now, then): (&Option<SnmpValue>, &SnmpValue)| {
            now.as_ref().is_some_and(|now| now.exists() && now != then)
        };
        now.iter().zip(&*self.labels).any(is_other)
    }

    /// Takes how rows are called now, where the plan stays as it is.
    pub(super) fn renew_labels(&mut self, walk: &Walked<'_>) {
        for (oid, value) in self.objects.labels().iter().zip(&mut *self.labels) {
            if let Some(now) = walk.found.get(oid) {
                value.clone_from(now);
            }
        }
    }

    /// The packet of a part.
    pub(super) fn packet(&mut self, number: usize) -> Option<&mut Packet> {
        self.parts.get_mut(number).map(|part| &mut part.packet)
    }

    /// The device cannot say one object of a part, which is left out: the first time, or after it was good again, for
    /// this poll, because an error may pass; then for longer and longer. Gives how many are left in the part.
    pub(super) fn leave_out(
        &mut self,
        (number, within): (usize, usize),
        reason: Missing,
        (credentials, now): (&Credentials, Duration),
    ) -> usize {
        let Some(part) = self.parts.get(number).filter(|part| within < part.places.len()) else { return 0 };
        let mut places = part.places.to_vec();
        let place = places.remove(within);
        let wait = match self.waits.get(&place).copied().filter(|_| !part.is_proven) {
            None => Duration::ZERO,
            Some(Duration::ZERO) => AGAIN_AFTER,
            Some(wait) => wait.saturating_mul(2).min(AGAIN_AFTER_MAX),
        };
        self.waits.insert(place, wait);
        self.left_out.insert(place, LeftOut { reason, until: now + wait });
        self.replace(number, places, credentials)
    }

    /// A poll begins: objects that have been left out for long enough are asked for again, in a part of their own.
    pub(super) fn ask_again(&mut self, credentials: &Credentials, now: Duration) {
        if self.left_out.values().all(|one| now < one.until) {
            return;
        }
        let again: Vec<u32> =
            self.left_out.extract_if(.., |_, one| now >= one.until).map(|(place, _)| place).collect();
        for places in again.chunks(GET_OBJECTS_MAX) {
            // No answer is on its way between two polls, so that the number of an emptied part is free.
            match self.parts.iter().position(|part| part.places.is_empty()) {
                Some(empty) => drop(self.replace(empty, places.to_vec(), credentials)),
                None => self.parts.push(self.part(places.to_vec(), credentials)),
            }
        }
    }

    /// A part is too big for the device: its second half becomes a part of its own, whose number this gives.
    pub(super) fn split(&mut self, number: usize, credentials: &Credentials) -> Option<usize> {
        let at = self.parts.get(number)?.places.len().div_ceil(2);
        self.split_at(number, at, credentials)
    }

    /// A part ends where the device cuts its answers: what follows becomes a part of its own, whose number this gives.
    pub(super) fn split_at(&mut self, number: usize, at: usize, credentials: &Credentials) -> Option<usize> {
        let part = self.parts.get(number).filter(|part| (1..part.places.len()).contains(&at))?;
        let mut first = part.places.to_vec();
        let second = first.split_off(at);
        self.replace(number, first, credentials);
        self.parts.push(self.part(second, credentials));
        Some(self.parts.len() - 1)
    }

    fn replace(&mut self, number: usize, places: Vec<u32>, credentials: &Credentials) -> usize {
        let count = places.len();
        let part = self.part(places, credentials);
        if let Some(place) = self.parts.get_mut(number) {
            *place = part;
        }
        count
    }

    /// Is there nothing in `plan`, or left out and found again, that is not asked for? What was there before and is not
    /// now is missing, which is not the same as never having been expected.
    pub(super) fn covers(&self, plan: &SnmpPlan, walk: &VarBinds) -> bool {
        let is_known = |shape: &SeriesShape| self.objects.shapes().any(|known| known == shape);
        plan.readings().iter().all(|reading| is_known(&reading.shape)) && !self.leaves_out_any_of(walk)
    }

    /// Has a walk found any of the objects that are left out?
    fn leaves_out_any_of(&self, walk: &VarBinds) -> bool {
        let found = |place: &u32| self.objects.oid(*place).is_some_and(|oid| walk.contains_key(oid));
        self.left_out.keys().any(|place| !self.objects.is_uptime(*place) && found(place))
    }

    /// The device's sysUpTime among the values of a poll, in hundredths of a second.
    pub(super) fn uptime_of(&self, values: &[Option<SnmpValue>]) -> Option<u32> {
        match values.get(self.objects.plan().oids().len())? {
            Some(SnmpValue::TimeTicks(ticks)) => Some(*ticks),
            _ => None,
        }
    }

    /// A value or reason for each reading; what did not come at all is missing for `reason`.
    pub(super) fn decode(
        &self,
        values: Vec<Option<SnmpValue>>,
        reason: Missing,
    ) -> Vec<Result<Raw, Missing>> {
        let plan = self.objects.plan();
        let came: Vec<bool> = values.iter().map(Option::is_some).collect();
        let asked = values.into_iter().take(plan.oids().len());
        let values: Vec<SnmpValue> = asked.map(|value| value.unwrap_or(SnmpValue::Null)).collect();
        let one = |(raw, object): (Result<Raw, Missing>, usize)| {
            let left_out = || u32::try_from(object).ok().and_then(|object| self.left_out.get(&object));
            let has_come = came.get(object) == Some(&true);
            if has_come { raw } else { Err(left_out().map_or(reason, |one| one.reason)) }
        };
        let objects = plan.readings().iter().map(profile::snmp::PlannedReading::object);
        plan.decode(&values).into_iter().zip(objects).map(one).collect()
    }
}

/// Bytes that a value may take, also when it has grown.
fn value_bytes(value: &SnmpValue) -> usize {
    match value {
        SnmpValue::Counter64(_) => 9,
        SnmpValue::OctetString(text) | SnmpValue::Opaque(text) => text.len() + 4,
        SnmpValue::Oid(oid) => encoded(oid).len(),
        _ => 5,
    }
}
