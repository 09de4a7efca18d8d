//! What is asked of a device over SNMP in every poll, and what its answers mean.
//!
//! Invariant: every object is in exactly one part, or left out with a reason; a part keeps its number as long as the
//! plan holds, so that an answer on its way finds it again.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Missing, Raw};
use profile::{Oid, SeriesShape, SnmpPlan, SnmpValue, VarBinds};

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
/// sysUpTime.0 (RFC 3418): goes back when a device was started anew.
const SYS_UP_TIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];

/// Objects that are asked for in one packet.
#[derive(Debug)]
pub(super) struct Part {
    packet: Packet,
    /// Objects as bytes, to hold the answer against them.
    pub(super) encoded: Vec<Box<[u8]>>,
    /// Their places in the list of all.
    pub(super) places: Vec<u32>,
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
    plan: SnmpPlan,
    pub(super) shapes: Vec<SeriesShape>,
    /// For each reading the place of its object.
    object_of: Vec<u32>,
    pub(super) parts: Vec<Part>,
    pub(super) group: u32,
    left_out: BTreeMap<u32, LeftOut>,
    /// How long objects that were left out had to wait for another chance.
    waits: BTreeMap<u32, Duration>,
    uptime: Oid,
    /// Objects by which rows are recognised, and what they said when the rows were learned.
    labels: Vec<(Oid, SnmpValue)>,
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
    fn labels(&self) -> Vec<(Oid, SnmpValue)> {
        let below = |column: &Oid| {
            let (column, from) = (column.clone(), self.found.range(column.clone()..));
            from.take_while(move |(oid, _)| oid.starts_with(&column))
        };
        let all = self.label_columns.iter().flat_map(below);
        all.map(|(oid, value)| (oid.clone(), value.clone())).take(LABELS_MAX).collect()
    }
}

impl Known {
    /// Asks for the objects of `plan`, at most `objects` in each packet and no more than the answer may hold; `walk` says
    /// how long the values are.
    pub(super) fn new(
        (plan, shapes, group): (SnmpPlan, Vec<SeriesShape>, u32),
        walk: &Walked<'_>,
        how: (&Credentials, usize),
    ) -> Self {
        let names: BTreeMap<String, u32> =
            (0..).zip(plan.oids()).map(|(place, oid)| (oid.to_string(), place)).collect();
        let object_of =
            shapes.iter().map(|shape| names.get(&shape.source).copied().unwrap_or(u32::MAX)).collect();
        let uptime = Oid::new(&SYS_UP_TIME).expect("nine numbers are an OID");
        let mut known = Self {
            plan,
            shapes,
            object_of,
            parts: Vec::new(),
            group,
            left_out: BTreeMap::new(),
            waits: BTreeMap::new(),
            uptime,
            labels: walk.labels(),
        };
        let first_label = known.objects();
        known.pack(0..first_label, walk.found, how);
        known.pack(first_label..known.slots(), walk.found, how);
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
            let Some(oid) = self.oid(place) else { continue };
            let size = encoded(oid).len() + walk.get(oid).map_or(5, value_bytes) + OBJECT_OVERHEAD;
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
        let oids: Vec<&Oid> = places.iter().filter_map(|place| self.oid(*place)).collect();
        Part {
            packet: Packet::new(credentials, Read::Get, oids.iter().copied()),
            encoded: oids.iter().map(|oid| encoded(oid)).collect(),
            places,
            is_proven: false,
        }
    }

    fn oid(&self, place: u32) -> Option<&Oid> {
        let place = usize::try_from(place).ok()?;
        let first_label = self.objects();
        match self.plan.oids().get(place) {
            Some(oid) => Some(oid),
            None if place < first_label => Some(&self.uptime),
            None => self.labels.get(place - first_label).map(|(oid, _)| oid),
        }
    }

    /// The number of objects that are asked for in every poll, sysUpTime included.
    fn objects(&self) -> usize {
        self.plan.oids().len() + 1
    }

    /// The number of objects that are ever asked for.
    pub(super) fn slots(&self) -> usize {
        self.objects() + self.labels.len()
    }

    /// Numbers of the parts that are asked for in every poll.
    pub(super) fn parts_to_ask(&self) -> Vec<usize> {
        self.parts_from(0..self.objects())
    }

    /// Numbers of the parts that ask how rows are called.
    pub(super) fn label_parts(&self) -> Vec<usize> {
        self.parts_from(self.objects()..self.slots())
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
        let now = values.get(self.objects()..).unwrap_or_default();
        let is_other = |(now, (_, then)): (&Option<SnmpValue>, &(Oid, SnmpValue))| {
            now.as_ref().is_some_and(|now| now.exists() && now != then)
        };
        now.iter().zip(&self.labels).any(is_other)
    }

    /// Takes how rows are called now, where the plan stays as it is.
    pub(super) fn renew_labels(&mut self, walk: &Walked<'_>) {
        for (oid, value) in &mut self.labels {
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
        let mut places = part.places.clone();
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
        let mut first = part.places.clone();
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

    /// Has a walk found any of the objects that are left out?
    pub(super) fn leaves_out_any_of(&self, walk: &VarBinds) -> bool {
        let found =
            |place: &u32| self.oid(*place).is_some_and(|oid| *oid != self.uptime && walk.contains_key(oid));
        self.left_out.keys().any(found)
    }

    /// The device's sysUpTime among the values of a poll, in hundredths of a second.
    pub(super) fn uptime_of(&self, values: &[Option<SnmpValue>]) -> Option<u32> {
        match values.get(self.plan.oids().len())? {
            Some(SnmpValue::TimeTicks(ticks)) => Some(*ticks),
            _ => None,
        }
    }

    /// A value or reason for each reading; what did not come at all is missing for `reason`.
    pub(super) fn decode(
        &self,
        values: &mut [Option<SnmpValue>],
        reason: Missing,
    ) -> Vec<Result<Raw, Missing>> {
        let came: Vec<bool> = values.iter().map(Option::is_some).collect();
        let mut values: Vec<SnmpValue> =
            values.iter_mut().map(|value| value.take().unwrap_or(SnmpValue::Null)).collect();
        values.truncate(self.plan.oids().len());
        let decoded = self.plan.decode(&values).into_iter().zip(&self.object_of);
        let one = |(raw, object): (Result<Raw, Missing>, &u32)| {
            let has_come = usize::try_from(*object).ok().and_then(|object| came.get(object)) == Some(&true);
            if has_come { raw } else { Err(self.left_out.get(object).map_or(reason, |one| one.reason)) }
        };
        decoded.map(one).collect()
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
