//! The conversation with one device: what is sent in whose name, and what of what comes is believed.
//!
//! For a community that is little. For a user it is RFC 3414: find out the engine, follow its clock, and notice when it
//! was started anew or became another one. Invariants: it holds one engine with its keys and clock and nothing else;
//! only an authenticated answer to a message id that is open changes the clock. An engine whose count of starts goes
//! back is followed all the same: the report that says so is authenticated together with our message id, which is
//! never used twice in a run, so that it cannot be an old one (RFC 3414, 3.2.7 would refuse it for ever).

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::answer::{Answer, AnswerError, Kind, answer};
use super::credentials::Credentials;
use super::request::{Packet, Read};
use super::usm::{
    ENGINE_ID_BYTES, EngineClock, Frame, FrameError, Header, Keys, Level, Opened, OutOfWindow, Salt, User,
    discovery, sealed,
};

/// usmStats (RFC 3414, 5): what an engine reports, by its last number but one.
const USM_STATS: [u32; 9] = [1, 3, 6, 1, 6, 3, 15, 1, 1];

/// A packet that came, its head read, nothing of it believed yet.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// An answer to a community.
    Community(Answer<'a>),
    /// A message of SNMP v3.
    User(Frame<'a>),
}

/// What a packet says.
#[derive(Debug)]
pub enum Heard<'a> {
    /// An answer to what was asked.
    Answer(Body<'a>),
    /// The engine said something about itself: ask again at once.
    Again(Option<Change>),
    /// The device does not answer us at all.
    Refused(Refusal),
}

/// An answer that is believed.
#[derive(Debug)]
pub enum Body<'a> {
    /// To a community.
    Plain(Answer<'a>),
    /// To a user.
    Opened(Opened<'a>),
}

/// What became of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was started anew.
    Rebooted {
        /// Starts so far.
        boots: u32,
    },
    /// It was started anew and does not count its starts, or its clock was set back.
    ClockBack,
    /// It has forgotten starts that it had counted.
    BootsBack {
        /// What it said before.
        from: u32,
        /// What it says now.
        to: u32,
    },
    /// It has another engine id: another device, or set up anew.
    OtherEngine,
}

/// Why a device does not answer us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not bear our level of security.
    #[error("it does not take this level of security for the user")]
    Level,
    /// It does not know the user.
    #[error("it does not know the user")]
    User,
    /// It computes another digest.
    #[error("it finds the digest wrong: another passphrase or `auth` algorithm")]
    Digest,
    /// It cannot decrypt what we send.
    #[error("it cannot decrypt: another passphrase or `privacy` algorithm")]
    Decryption,
    /// Any other report.
    #[error("it reports something that is not known here")]
    Other,
}

/// Why a packet is thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It cannot be read.
    #[error("the answer cannot be read")]
    Answer(#[from] AnswerError),
    /// It is no message that we can take.
    #[error("the message cannot be taken")]
    Frame(#[from] FrameError),
    /// It is too old.
    #[error("the answer is too old")]
    Window(#[from] OutOfWindow),
    /// It came in another version or name than was asked.
    #[error("the answer is to somebody else")]
    Other,
    /// It is less secure than what was asked.
    #[error("the answer is less secure than the request")]
    Level,
    /// It is from another engine than was asked.
    #[error("the answer is from another engine")]
    Engine,
}

/// The conversation with one device.
#[derive(Debug)]
pub struct Session {
    credentials: Credentials,
    engine: Option<Box<Engine>>,
}

#[derive(Debug)]
struct Engine {
    id: Vec<u8>,
    keys: Keys,
    clock: EngineClock,
    /// Has an authenticated message said what its clock is?
    is_confirmed: bool,
    salt: Salt,
}

impl<'a> Incoming<'a> {
    /// Reads the head of a packet.
    ///
    /// # Errors
    /// If it is none of SNMP.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Distrust> {
        match answer(bytes) {
            Ok(answer) => Ok(Self::Community(answer)),
            Err(AnswerError::Kind) => Ok(Self::User(Frame::parse(bytes)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// The id of the request that it claims to answer.
    pub const fn id(&self) -> i32 {
        match self {
            Self::Community(answer) => answer.id,
            Self::User(frame) => frame.id,
        }
    }
}

impl Body<'_> {
    /// The answer.
    ///
    /// # Errors
    /// If it cannot be read; that was tried before it was believed.
    pub fn answer(&self) -> Result<Answer<'_>, AnswerError> {
        match self {
            Self::Plain(answer) => Ok(answer.clone()),
            Self::Opened(opened) => Answer::of_pdu(opened.pdu()),
        }
    }
}

impl Session {
    /// A conversation that has not begun.
    pub const fn new(credentials: Credentials) -> Self {
        Self { credentials, engine: None }
    }

    /// In whose name it is.
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The bytes to send for `packet`, made with the same credentials, under this id; `now` is the monotonic clock.
    /// While the engine is not known, it is what asks for it: the answer is then [`Heard::Again`].
    pub fn encode<'p>(&mut self, packet: &'p mut Packet, id: i32, now: Duration) -> Cow<'p, [u8]> {
        let Credentials::User(user) = &self.credentials else { return Cow::Borrowed(packet.with_id(id)) };
        let Some(engine) = &mut self.engine else {
            let mut nothing = Packet::new(&self.credentials, Read::Get, std::iter::empty());
            return Cow::Owned(discovery(id, nothing.with_id(id)));
        };
        let (boots, time) = engine.clock.read(now);
        let header = Header { id, engine_id: &engine.id, boots, time, reportable: true };
        let sealed = sealed(&header, (user, &engine.keys), packet.with_id(id), &mut engine.salt);
        // Nothing to send is as good as lost on the way; it cannot happen with keys that fit their algorithms.
        Cow::Owned(sealed.unwrap_or_default())
    }

    /// Takes a packet whose id is open and whose sender is the device.
    ///
    /// # Errors
    /// If it is not believed; it is to be thrown away as if it had not come.
    pub fn hear<'a>(&mut self, incoming: Incoming<'a>, now: Duration) -> Result<Heard<'a>, Distrust> {
        match (incoming, &self.credentials) {
            (Incoming::Community(answer), Credentials::Community(_, community)) => {
                let is_ours =
                    answer.community == community.bytes() && (answer.version == self.credentials.version());
                is_ours.then_some(Heard::Answer(Body::Plain(answer))).ok_or(Distrust::Other)
            }
            (Incoming::User(frame), Credentials::User(user)) => {
                let user = std::sync::Arc::clone(user);
                self.hear_frame(&frame, &user, now)
            }
            _ => Err(Distrust::Other),
        }
    }

    fn hear_frame<'a>(
        &mut self,
        frame: &Frame<'a>,
        user: &User,
        now: Duration,
    ) -> Result<Heard<'a>, Distrust> {
        let opened = match &self.engine {
            _ if frame.level == Level::NoAuth => frame.unsecured()?,
            Some(engine) if engine.id == frame.engine_id => frame.open(user, &engine.keys)?,
            _ => return Err(Distrust::Engine),
        };
        let answer = Answer::of_pdu(opened.pdu())?;
        match answer.kind {
            Kind::Report => self.report((frame, opened.level), &answer, user, now),
            Kind::Response => {
                self.believe(frame, &answer, user, now)?;
                Ok(Heard::Answer(Body::Opened(opened)))
            }
            Kind::Trap | Kind::Inform => Err(Distrust::Other),
        }
    }

    fn believe(
        &mut self,
        frame: &Frame<'_>,
        answer: &Answer<'_>,
        user: &User,
        now: Duration,
    ) -> Result<(), Distrust> {
        let engine = self.engine.as_mut().filter(|engine| engine.id == frame.engine_id);
        let engine = engine.ok_or(Distrust::Engine)?;
        if frame.level < user.level() {
            return Err(Distrust::Level);
        }
        if answer.id != frame.id || frame.user != user.name() {
            return Err(Distrust::Other);
        }
        if frame.level >= Level::Auth {
            engine.clock.follow(frame.boots, frame.time, now)?;
            engine.is_confirmed = true;
        }
        Ok(())
    }

    fn report<'a>(
        &mut self,
        (frame, level): (&Frame<'_>, Level),
        answer: &Answer<'_>,
        user: &User,
        now: Duration,
    ) -> Result<Heard<'a>, Distrust> {
        match reported(answer) {
            // Whoever does not know an engine cannot sign for it: this report alone is never authenticated.
            Some(4) => self.meet(frame, user, now).map(Heard::Again),
            Some(2) if level >= user.level().min(Level::Auth) => self.set_clock(frame, now).map(Heard::Again),
            Some(2) => Err(Distrust::Level),
            Some(1) => Ok(Heard::Refused(Refusal::Level)),
            Some(3) => Ok(Heard::Refused(Refusal::User)),
            Some(5) => Ok(Heard::Refused(Refusal::Digest)),
            Some(6) => Ok(Heard::Refused(Refusal::Decryption)),
            _ => Ok(Heard::Refused(Refusal::Other)),
        }
    }

    /// The engine says who it is.
    fn meet(&mut self, frame: &Frame<'_>, user: &User, now: Duration) -> Result<Option<Change>, Distrust> {
        if !ENGINE_ID_BYTES.contains(&frame.engine_id.len()) {
            return Err(Distrust::Engine);
        }
        let clock = EngineClock::new(frame.boots, frame.time, now);
        match &mut self.engine {
            Some(engine) if engine.id == frame.engine_id => {
                engine.clock = clock;
                Ok(None)
            }
            known => {
                let was_known = known.is_some();
                let (id, keys) = (frame.engine_id.to_vec(), user.keys(frame.engine_id));
                *known = Some(Box::new(Engine { id, keys, clock, is_confirmed: false, salt: Salt::new() }));
                Ok(was_known.then_some(Change::OtherEngine))
            }
        }
    }

    /// The engine says that our idea of its clock is wrong.
    fn set_clock(&mut self, frame: &Frame<'_>, now: Duration) -> Result<Option<Change>, Distrust> {
        let engine = self.engine.as_mut().filter(|engine| engine.id == frame.engine_id);
        let engine = engine.ok_or(Distrust::Engine)?;
        let (boots, time) = engine.clock.read(now);
        let change = match frame.boots.cmp(&boots) {
            std::cmp::Ordering::Greater => Some(Change::Rebooted { boots: frame.boots }),
            std::cmp::Ordering::Less => Some(Change::BootsBack { from: boots, to: frame.boots }),
            std::cmp::Ordering::Equal => (frame.time < time).then_some(Change::ClockBack),
        };
        engine.clock = EngineClock::new(frame.boots, frame.time, now);
        let was_confirmed = std::mem::replace(&mut engine.is_confirmed, true);
        Ok(change.filter(|_| was_confirmed))
    }
}

/// Which of usmStats a report names.
fn reported(answer: &Answer<'_>) -> Option<u32> {
    let (oid, _) = answer.objects().into_iter().next()?;
    match oid.arcs().strip_prefix(&USM_STATS)? {
        [which, 0] => Some(*which),
        _ => None,
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rebooted { boots } => write!(f, "was started anew, for the {boots}. time by its own count"),
            Self::ClockBack => f.write_str("its engine's clock went back: started anew without counting it"),
            Self::BootsBack { from, to } => write!(
                f,
                "its engine's count of starts went back from {from} to {to}; followed, but a device that forgets it can \
                 be told old messages: set it up so that the count survives a start"
            ),
            Self::OtherEngine => f.write_str("has another engine id: another device, or set up anew"),
        }
    }
}

#[cfg(test)]
mod tests;
