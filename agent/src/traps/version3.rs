//! Notifications of SNMP v3, secured by users (RFC 3414).
//!
//! Of a trap the sender's engine is the authoritative one: its id and clock are learned from what it has signed. Of an
//! inform ours is: whoever does not know it asks, and is told its id and then its time by reports. No other report is
//! ever sent. A message that is less secure than its user's is not heard.

use std::collections::BTreeMap;
use std::time::Duration;

use ::snmp::AsnReader;

use super::engine::OwnEngine;
use super::notification::ResponsePdu;
use crate::snmp::ber::{Backwards, INTEGER, OBJECT, SEQUENCE};
use crate::snmp::usm::{
    EngineClock, Frame, Header, Keys, Level, Opened, Salt, User, introduction, sealed_in,
};

/// Context tag of a report, and application tag of a counter (RFC 3416, 3; RFC 2578, 7.1.6).
const REPORT: u8 = 0xa8;
const COUNTER: u8 = 0x41;
/// usmStats (RFC 3414, 5) without its last two numbers, in BER: 1.3.6.1.6.3.15.1.1.
const USM_STATS: [u8; 8] = [0x2b, 6, 1, 6, 3, 15, 1, 1];
/// usmStatsNotInTimeWindows and usmStatsUnknownEngineIDs.
const NOT_IN_TIME: u8 = 2;
const UNKNOWN_ENGINE: u8 = 4;
/// Keys for an engine that a device has not shown before are made at most so often, as some take a while.
const MEET_EVERY: Duration = Duration::from_secs(1);

/// What is known of engines.
#[derive(Debug)]
pub(super) struct Engines {
    own: Option<OwnEngine>,
    /// By the place of the device: keys of its user at our engine.
    own_keys: BTreeMap<usize, Keys>,
    /// By the place of the device: the engine that has signed its traps.
    theirs: BTreeMap<usize, Engine>,
    /// By the place of the device: when keys for a new engine were made last.
    met: BTreeMap<usize, Duration>,
    salt: Salt,
    asked_who: u32,
    not_in_time: u32,
}

#[derive(Debug)]
struct Engine {
    id: Vec<u8>,
    keys: Keys,
    clock: EngineClock,
}

/// What is sent back to whoever asks for our engine or does not know its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report(pub(super) Vec<u8>);

/// What became of an inform.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    /// It is to be told and acknowledged.
    Inform(Opened<'a>),
    /// It has to be sent again with the time in this report.
    Late(Report),
}

impl Engines {
    pub(super) const fn new(own: Option<OwnEngine>, salt: Salt) -> Self {
        Self {
            own,
            own_keys: BTreeMap::new(),
            theirs: BTreeMap::new(),
            met: BTreeMap::new(),
            salt,
            asked_who: 0,
            not_in_time: 0,
        }
    }

    /// Is the message for our engine?
    pub(super) fn is_ours(&self, frame: &Frame<'_>) -> bool {
        self.own.as_ref().is_some_and(|own| own.id() == frame.engine_id)
    }

    /// Who we are, for whoever wants a report and does not know it.
    pub(super) fn introduce(&mut self, frame: &Frame<'_>, now: Duration) -> Option<Report> {
        let own = self.own.as_ref()?;
        self.asked_who = self.asked_who.wrapping_add(1);
        let request = frame.unsecured().ok().and_then(|opened| request_id(opened.pdu())).unwrap_or(0);
        let (boots, time) = own.clock(now);
        let header = Header { id: frame.id, engine_id: own.id(), boots, time, reportable: false };
        let pdu = report(request, UNKNOWN_ENGINE, self.asked_who);
        Some(Report(introduction(&header, frame.user, &pdu)))
    }

    /// A trap of the device in this place, if its user has signed it.
    pub(super) fn hear_trap<'a>(
        &mut self,
        (place, user): (usize, &User),
        frame: &Frame<'a>,
        now: Duration,
    ) -> Option<Opened<'a>> {
        if frame.level == Level::NoAuth || frame.level < user.level() {
            return unsecured(user, frame);
        }
        if let Some(engine) = self.theirs.get_mut(&place).filter(|engine| engine.id == frame.engine_id) {
            let opened = frame.open(user, &engine.keys).ok()?;
            return engine.clock.follow(frame.boots, frame.time, now).ok().map(|()| opened);
        }
        self.meet((place, user), frame, now)
    }

    /// The first trap of an engine. The engine of another device is not taken, or its traps could be sent again from here.
    fn meet<'a>(
        &mut self,
        (place, user): (usize, &User),
        frame: &Frame<'a>,
        now: Duration,
    ) -> Option<Opened<'a>> {
        let is_known = self.theirs.values().any(|engine| engine.id == frame.engine_id);
        let is_soon = self.met.get(&place).is_some_and(|at| now.saturating_sub(*at) < MEET_EVERY);
        if is_known || is_soon || frame.engine_id.is_empty() {
            return None;
        }
        self.met.insert(place, now);
        let keys = user.keys(frame.engine_id);
        let opened = frame.open(user, &keys).ok()?;
        let clock = EngineClock::new(frame.boots, frame.time, now);
        self.theirs.insert(place, Engine { id: frame.engine_id.to_vec(), keys, clock });
        Some(opened)
    }

    /// An inform of the device in this place to our engine, if its user has signed it.
    pub(super) fn hear_inform<'a>(
        &mut self,
        (place, user): (usize, &User),
        frame: &Frame<'a>,
        now: Duration,
    ) -> Option<Heard<'a>> {
        if frame.level == Level::NoAuth || frame.level < user.level() {
            return unsecured(user, frame).map(Heard::Inform);
        }
        let own = self.own.as_ref()?;
        let keys = self.own_keys.entry(place).or_insert_with(|| user.keys(own.id()));
        let opened = frame.open(user, keys).ok()?;
        if own.is_in_time((frame.boots, frame.time), now) {
            return Some(Heard::Inform(opened));
        }
        self.not_in_time = self.not_in_time.wrapping_add(1);
        let pdu = report(request_id(opened.pdu())?, NOT_IN_TIME, self.not_in_time);
        let context = (own.id().to_vec(), Vec::new());
        self.seal((place, user), (frame, context), &pdu, now).map(|bytes| Heard::Late(Report(bytes)))
    }

    /// The message that acknowledges an inform, in the context from which it came.
    pub(super) fn acknowledge(
        &mut self,
        sender: (usize, &User),
        (frame, opened): (&Frame<'_>, &Opened<'_>),
        response: &ResponsePdu,
        now: Duration,
    ) -> Option<Vec<u8>> {
        let context = (opened.context_engine_id().to_vec(), opened.context().to_vec());
        self.seal(sender, (frame, context), response.bytes(), now)
    }

    /// Only called with the PDU of a report or of a response.
    fn seal(
        &mut self,
        (place, user): (usize, &User),
        (frame, context): (&Frame<'_>, (Vec<u8>, Vec<u8>)),
        pdu: &[u8],
        now: Duration,
    ) -> Option<Vec<u8>> {
        let own = self.own.as_ref()?;
        let keys = self.own_keys.entry(place).or_insert_with(|| user.keys(own.id()));
        let (boots, time) = own.clock(now);
        let header = Header { id: frame.id, engine_id: own.id(), boots, time, reportable: false };
        sealed_in((&context.0, &context.1), &header, (user, keys), pdu, &mut self.salt)
    }
}

/// A message without security, if its user has none.
fn unsecured<'a>(user: &User, frame: &Frame<'a>) -> Option<Opened<'a>> {
    if user.level() > Level::NoAuth || frame.level > Level::NoAuth {
        return None;
    }
    frame.unsecured().ok()
}

/// The id that stands first in a PDU.
fn request_id(pdu: &[u8]) -> Option<i32> {
    let inside = AsnReader::from_bytes(pdu).read_raw(*pdu.first()?).ok()?;
    i32::try_from(AsnReader::from_bytes(inside).read_asn_integer().ok()?).ok()
}

/// The PDU of a report of one of usmStats.
fn report(request: i32, which: u8, count: u32) -> Vec<u8> {
    let mut out = Backwards::default();
    out.value(COUNTER, &[[0].as_slice(), &count.to_be_bytes()].concat());
    out.value(OBJECT, &[USM_STATS.as_slice(), &[which, 0]].concat());
    out.wrap(SEQUENCE, 0);
    out.wrap(SEQUENCE, 0);
    out.value(INTEGER, &[0]);
    out.value(INTEGER, &[0]);
    out.value(INTEGER, &request.to_be_bytes());
    out.wrap(REPORT, 0);
    out.finish()
}
