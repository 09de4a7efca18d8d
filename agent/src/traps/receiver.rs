//! From a packet to an event: who sent it, what it says, whether it was there already. Knows no socket and no thread.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use model::{Event, EventKind, Severity};
use profile::Profile;
use serde::Serialize;

use super::community::{CommunityMessage, Message, answer, message};
use super::engine::OwnEngine;
use super::flow::{Flow, Share};
use super::notification::{Notification, NotificationError, acknowledgement, notification};
use super::senders::{Sender, Senders};
use super::strays::{Stray, StrayCounts, Strays};
use super::version3::{Engines, Heard};
use super::words::{Words, words};
use crate::clock::Now;
use crate::snmp::Credentials;
use crate::snmp::usm::{Frame, Opened, Salt, User};

/// Events that wait for a slow disk; with 20 a minute and device that is 50 devices in a storm for a minute.
const EVENTS_MAX: usize = 1000;

/// What was received so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Packets.
    pub packets: u64,
    /// Notifications of configured devices.
    pub notifications: u64,
    /// Of these, events of their own.
    pub events: u64,
    /// Of these, told as a sum.
    pub summed: u64,
    /// Of these, ones that had been there already.
    pub repeated: u64,
    /// Informs that were acknowledged, repeated ones included.
    pub acknowledged: u64,
    /// Events that nobody could take.
    pub unrecorded: u64,
    /// Packets that were not heard.
    pub strays: StrayCounts,
}

/// What is sent back. Only a [`Receiver`] makes it, of what may be sent: see the head of [`super`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(Vec<u8>);

impl Reply {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Takes packets, gives events.
#[derive(Debug)]
pub struct Receiver {
    senders: Senders,
    flows: Vec<Flow>,
    counts: Counts,
    strays: Strays,
    engines: Engines,
    hasher: RandomState,
    events: VecDeque<Event>,
}

impl Receiver {
    /// `engine` is our own one, for informs of v3.
    pub fn new(senders: Vec<Sender>, engine: Option<OwnEngine>) -> Self {
        let senders = Senders::new(senders);
        Self {
            flows: (0..senders.len()).map(|_| Flow::default()).collect(),
            senders,
            counts: Counts::default(),
            strays: Strays::default(),
            engines: Engines::new(engine, Salt::new()),
            hasher: RandomState::new(),
            events: VecDeque::new(),
        }
    }

    /// Names that have to be looked up, with the places of their devices.
    pub(super) fn names(&self) -> Vec<(usize, String)> {
        self.senders.names()
    }

    /// The addresses of a device.
    pub(super) fn locate(&mut self, place: usize, addresses: &[IpAddr]) {
        self.senders.locate(place, addresses);
    }

    /// A packet came. Gives what is to be sent back to where it came from.
    pub fn packet(&mut self, bytes: &[u8], from: SocketAddr, now: Now) -> Option<Reply> {
        self.counts.packets += 1;
        let heard = self.hear(bytes, from, now);
        heard.map_err(|why| self.strays.add(from.ip().to_canonical(), why)).ok().flatten()
    }

    fn hear(&mut self, bytes: &[u8], from: SocketAddr, now: Now) -> Result<Option<Reply>, Stray> {
        if self.senders.at(from.ip()).is_empty() {
            return Err(Stray::Sender);
        }
        match message(bytes).ok_or(Stray::Unreadable)? {
            Message::Community(message) => self.hear_community(&message, from, now),
            Message::Version3 => {
                self.hear_user(&Frame::parse(bytes).map_err(|_| Stray::Unreadable)?, from, now)
            }
        }
    }

    /// A message of v3, for the first device at that address whose user has signed it.
    fn hear_user(&mut self, frame: &Frame<'_>, from: SocketAddr, now: Now) -> Result<Option<Reply>, Stray> {
        let users = self.users(from);
        if users.is_empty() {
            return Err(Stray::Credentials);
        }
        let is_ours = self.engines.is_ours(frame);
        if !is_ours && frame.reportable {
            return Ok(self.engines.introduce(frame, now.mono).map(|report| Reply(report.0)));
        }
        for (place, user) in users.iter().filter(|(_, user)| user.name() == frame.user) {
            let sender = (*place, user.as_ref());
            if !is_ours {
                let Some(opened) = self.engines.hear_trap(sender, frame, now.mono) else { continue };
                return self.tell(*place, opened.pdu(), now).map(|_| None);
            }
            match self.engines.hear_inform(sender, frame, now.mono) {
                Some(Heard::Inform(opened)) => return self.answer_inform(sender, (frame, &opened), now),
                Some(Heard::Late(report)) => return Ok(Some(Reply(report.0))),
                None => {}
            }
        }
        Err(Stray::Credentials)
    }

    fn answer_inform(
        &mut self,
        sender: (usize, &User),
        inform: (&Frame<'_>, &Opened<'_>),
        now: Now,
    ) -> Result<Option<Reply>, Stray> {
        let pdu = inform.1.pdu();
        let taken = self.tell(sender.0, pdu, now)?;
        let Some(response) = acknowledgement(pdu).filter(|_| taken) else { return Ok(None) };
        self.counts.acknowledged += 1;
        Ok(self.engines.acknowledge(sender, inform, &response, now.mono).map(Reply))
    }

    /// The devices at an address that are asked in the name of a user.
    fn users(&self, from: SocketAddr) -> Vec<(usize, Arc<User>)> {
        let user = |place: &usize| match &self.senders.get(*place)?.credentials {
            Credentials::User(user) => Some((*place, Arc::clone(user))),
            Credentials::Community(..) => None,
        };
        self.senders.at(from.ip()).iter().filter_map(user).collect()
    }

    fn hear_community(
        &mut self,
        message: &CommunityMessage<'_>,
        from: SocketAddr,
        now: Now,
    ) -> Result<Option<Reply>, Stray> {
        // Whoever is asked in v2c may send traps of v1: many devices know no others.
        let shows = |place: &&usize| match self.senders.get(**place).map(|sender| &sender.credentials) {
            Some(Credentials::Community(_, community)) => community.bytes() == message.community,
            _ => false,
        };
        let place = *self.senders.at(from.ip()).iter().find(shows).ok_or(Stray::Credentials)?;
        let taken = self.tell(place, message.pdu, now)?;
        let response = acknowledgement(message.pdu).filter(|_| taken);
        self.counts.acknowledged += u64::from(response.is_some());
        Ok(response.map(|response| Reply(answer(message.community, &response))))
    }

    /// A PDU of a device that has shown who it is. Gives whether it was taken: what is not is not acknowledged either, so
    /// that an inform comes again.
    fn tell(&mut self, place: usize, pdu: &[u8], now: Now) -> Result<bool, Stray> {
        let told = notification(pdu).map_err(|error| match error {
            NotificationError::Kind => Stray::Kind,
            NotificationError::Unreadable | NotificationError::Nameless => Stray::Unreadable,
        })?;
        self.counts.notifications += 1;
        let mark = self.hasher.hash_one(pdu);
        let share = self.flows.get_mut(place).map_or(Share::Repeated, |flow| flow.take(mark, now.mono));
        match share {
            Share::Repeated => self.counts.repeated += 1,
            Share::Event => {
                let taken = self.notified(place, &told, now);
                self.counts.events += u64::from(taken);
                if let Some(flow) = self.flows.get_mut(place).filter(|_| !taken) {
                    flow.forget(mark);
                }
                return Ok(taken);
            }
            Share::Summed => {
                self.counts.summed += 1;
                let words = self.words(place, &told);
                if let Some(flow) = self.flows.get_mut(place) {
                    flow.sum(&words.title, words.severity);
                }
            }
        }
        Ok(true)
    }

    fn words(&self, place: usize, told: &Notification) -> Words {
        let profile = self.senders.get(place).and_then(|sender| sender.profile.as_deref());
        words(told, profile.and_then(Profile::snmp))
    }

    fn notified(&mut self, place: usize, told: &Notification, now: Now) -> bool {
        let words = self.words(place, told);
        let device = self.senders.get(place).map(|sender| sender.device.clone());
        let (kind, severity, text) = (words.kind, words.severity, words.text);
        self.event(Event { time: now.wall(), device, kind, severity, text })
    }

    fn event(&mut self, event: Event) -> bool {
        let has_room = self.events.len() < EVENTS_MAX;
        if has_room {
            self.events.push_back(event);
        } else {
            self.counts.unrecorded += 1;
        }
        has_room
    }

    /// Some time has passed: sums of minutes that are over become events; gives what is to be logged of strays.
    pub fn tick(&mut self, now: Now) -> Option<String> {
        self.sum_up(now, now.mono);
        self.strays.told(now.mono)
    }

    /// Nothing more will come: sums become events whether their minute is over or not.
    pub(super) fn close(&mut self, now: Now) {
        self.sum_up(now, Duration::MAX);
    }

    fn sum_up(&mut self, now: Now, until: Duration) {
        let sums: Vec<(usize, (Severity, String))> = self
            .flows
            .iter_mut()
            .enumerate()
            .filter_map(|(place, flow)| Some((place, flow.sum_up(until)?)))
            .collect();
        for (place, (severity, text)) in sums {
            let device = self.senders.get(place).map(|sender| sender.device.clone());
            self.event(Event { time: now.wall(), device, kind: EventKind::Notification, severity, text });
        }
    }

    /// The next event to hand on.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// An event that could not be handed on now.
    pub(super) fn give_back(&mut self, event: Event) {
        self.events.push_front(event);
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { strays: self.strays.counts, ..self.counts }
    }
}
