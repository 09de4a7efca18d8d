//! Messages of SNMP v3 (RFC 3412, 6; RFC 3414, 2.4): taken apart, opened, and sealed.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::ops::{Range, RangeInclusive};

use super::keys::{Keys, User};
use crate::snmp::ber::{Backwards, BerError, INTEGER, OCTETS, Reader, SEQUENCE};

/// Length of an engine id in bytes (RFC 3411, 5).
pub const ENGINE_ID_BYTES: RangeInclusive<usize> = 5..=32;
/// Number of this version in a message.
const VERSION_3: i64 = 3;
/// Number of the user-based security model (RFC 3411, 5).
const MODEL_USM: i64 = 3;
/// What fits into a UDP packet over IPv4; the largest answer that is taken.
const ANSWER_BYTES_MAX: u32 = 65_507;
const FLAG_AUTH: u8 = 1;
const FLAG_PRIVACY: u8 = 2;
const FLAG_REPORTABLE: u8 = 4;

/// How a message is secured, in order of strength (RFC 3411, 3.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all.
    NoAuth,
    /// It is known who sent it, unaltered.
    Auth,
    /// And nobody else can read it.
    AuthPriv,
}

/// Why a message cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is no message of SNMP v3.
    #[error("no message of SNMP v3")]
    Ber(#[from] BerError),
    /// It is of another version or security model.
    #[error("another version or security model than SNMP v3 with users")]
    Kind,
    /// It is encrypted but not authenticated, which must not be (RFC 3412, 7.2).
    #[error("encrypted without being authenticated")]
    Flags,
    /// It is from somebody else.
    #[error("the user is another one")]
    User,
    /// Its digest is wrong: another passphrase or algorithm, or it was altered.
    #[error("the digest is wrong")]
    Digest,
    /// It cannot be decrypted.
    #[error("the message cannot be decrypted")]
    Decryption,
    /// It is secured in a way for which there are no keys.
    #[error("there are no keys for its level of security")]
    Level,
}

/// A message whose head was read and nothing of which is believed yet.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    bytes: &'a [u8],
    /// Id of the message, by which it is matched with its answer.
    pub id: i32,
    /// Does the sender want a report if the message cannot be taken?
    pub reportable: bool,
    /// How it says that it is secured.
    pub level: Level,
    /// The authoritative engine.
    pub engine_id: &'a [u8],
    /// How often that engine was started.
    pub boots: u32,
    /// For how many seconds it has run.
    pub time: u32,
    /// In whose name it was sent.
    pub user: &'a [u8],
    auth: Range<usize>,
    salt: &'a [u8],
    data: Reader<'a>,
}

/// A message that was verified and decrypted.
#[derive(Debug)]
pub struct Opened<'a> {
    /// How it was secured.
    pub level: Level,
    plain: Cow<'a, [u8]>,
    context_engine_id: Range<usize>,
    context: Range<usize>,
    pdu: Range<usize>,
}

/// The head of a message that is sent.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Id of the message.
    pub id: i32,
    /// The authoritative engine.
    pub engine_id: &'a [u8],
    /// How often it was started, as far as is known.
    pub boots: u32,
    /// For how many seconds it has run, as far as is known.
    pub time: u32,
    /// Is a report wanted if the message cannot be taken? For requests only (RFC 3412, 6.4).
    pub reportable: bool,
}

/// Salts, none of which comes twice in a run; the first is a random one, so that runs differ too.
#[derive(Debug, Clone)]
pub struct Salt(u64);

impl Salt {
    /// Begins anywhere.
    pub fn new() -> Self {
        Self(std::hash::RandomState::new().build_hasher().finish())
    }

    fn next(&mut self, boots: u32, des: bool) -> [u8; 8] {
        self.0 = self.0.wrapping_add(1);
        let salt = if des { u64::from(boots) << 32 | self.0 & 0xffff_ffff } else { self.0 };
        salt.to_be_bytes()
    }
}

impl Default for Salt {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Frame<'a> {
    /// Reads the head of a message.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let mut all = Reader::new(bytes).inside(SEQUENCE)?;
        if all.integer()? != VERSION_3 {
            return Err(FrameError::Kind);
        }
        let mut head = all.inside(SEQUENCE)?;
        let id = head.number::<i32>()?;
        head.number::<i32>()?;
        let &[flags] = head.bytes(OCTETS)? else { return Err(FrameError::Flags) };
        if head.integer()? != MODEL_USM {
            return Err(FrameError::Kind);
        }
        let mut security = all.inside(OCTETS)?.inside(SEQUENCE)?;
        let engine_id = security.bytes(OCTETS)?;
        let (boots, time) = (security.number::<u32>()?, security.number::<u32>()?);
        let user = security.bytes(OCTETS)?;
        let auth = security.inside(OCTETS)?;
        let auth = auth.place()..auth.place() + auth.rest().len();
        let salt = security.bytes(OCTETS)?;
        let (level, reportable) = (level_of(flags)?, flags & FLAG_REPORTABLE != 0);
        // A packet may be longer than the message in it; the digest covers the message.
        let end = all.place() + all.rest().len();
        let bytes = bytes.get(..end).ok_or(BerError::Cut)?;
        Ok(Self { bytes, id, reportable, level, engine_id, boots, time, user, auth, salt, data: all })
    }

    /// Verifies and decrypts it with the keys of `user` at its engine.
    ///
    /// # Errors
    /// If it is not from that user, or was altered.
    pub fn open(&self, user: &User, keys: &Keys) -> Result<Opened<'a>, FrameError> {
        if self.level >= Level::Auth {
            if self.user != user.name() {
                return Err(FrameError::User);
            }
            self.verify(keys)?;
        }
        let mut data = self.data;
        let plain = if self.level == Level::AuthPriv {
            Cow::Owned(self.decrypt(keys, data.bytes(OCTETS)?)?)
        } else {
            Cow::Borrowed(data.rest())
        };
        Opened::new(self.level, plain)
    }

    /// Reads a message that is not secured at all.
    ///
    /// # Errors
    /// If it is secured, or cannot be read.
    pub fn unsecured(&self) -> Result<Opened<'a>, FrameError> {
        if self.level != Level::NoAuth {
            return Err(FrameError::Level);
        }
        Opened::new(self.level, Cow::Borrowed(self.data.rest()))
    }

    fn verify(&self, keys: &Keys) -> Result<(), FrameError> {
        let (protocol, key) = keys.auth().ok_or(FrameError::Level)?;
        let part = |range: Range<usize>| self.bytes.get(range).ok_or(FrameError::Digest);
        let mac = part(self.auth.clone())?;
        let zeros = vec![0; mac.len()];
        let parts = [part(0..self.auth.start)?, &zeros, part(self.auth.end..self.bytes.len())?];
        if protocol.verify(key, &parts, mac) { Ok(()) } else { Err(FrameError::Digest) }
    }

    fn decrypt(&self, keys: &Keys, data: &[u8]) -> Result<Vec<u8>, FrameError> {
        let (protocol, key) = keys.privacy().ok_or(FrameError::Level)?;
        let salt: [u8; 8] = self.salt.try_into().map_err(|_| FrameError::Decryption)?;
        protocol.decrypt(key, (self.boots, self.time), salt, data).ok_or(FrameError::Decryption)
    }
}

fn level_of(flags: u8) -> Result<Level, FrameError> {
    match flags & (FLAG_AUTH | FLAG_PRIVACY) {
        0 => Ok(Level::NoAuth),
        FLAG_AUTH => Ok(Level::Auth),
        FLAG_PRIVACY => Err(FrameError::Flags),
        _ => Ok(Level::AuthPriv),
    }
}

impl<'a> Opened<'a> {
    fn new(level: Level, plain: Cow<'a, [u8]>) -> Result<Self, FrameError> {
        // A wrong key shows itself here: what it decrypts is no BER.
        let error = if level == Level::AuthPriv { |_| FrameError::Decryption } else { FrameError::Ber };
        let [context_engine_id, context, pdu] = scoped(&plain).map_err(error)?;
        Ok(Self { level, plain, context_engine_id, context, pdu })
    }

    /// The engine whose objects are meant.
    pub fn context_engine_id(&self) -> &[u8] {
        self.plain.get(self.context_engine_id.clone()).unwrap_or_default()
    }

    /// The name of the context.
    pub fn context(&self) -> &[u8] {
        self.plain.get(self.context.clone()).unwrap_or_default()
    }

    /// The PDU, with its tag.
    pub fn pdu(&self) -> &[u8] {
        self.plain.get(self.pdu.clone()).unwrap_or_default()
    }
}

/// Where in a scoped PDU its parts are (RFC 3412, 6.8).
fn scoped(plain: &[u8]) -> Result<[Range<usize>; 3], BerError> {
    let mut scoped = Reader::new(plain).inside(SEQUENCE)?;
    let engine_id = scoped.inside(OCTETS)?;
    let context = scoped.inside(OCTETS)?;
    let start = scoped.place();
    let tag = scoped.peek()?;
    scoped.inside(tag)?;
    let range = |inside: Reader<'_>| inside.place()..inside.place() + inside.rest().len();
    Ok([range(engine_id), range(context), start..scoped.place()])
}

/// The message that asks an engine for its id (RFC 3414, 4): a get of nothing, by nobody. `pdu` is that get.
pub fn discovery(id: i32, pdu: &[u8]) -> Vec<u8> {
    let header = Header { id, engine_id: &[], boots: 0, time: 0, reportable: true };
    let mut out = Backwards::default();
    scope(&mut out, (&[], &[]), pdu);
    message(out, &header, &[], (Level::NoAuth, 0, &[])).0
}

/// The report by which our own engine tells who it is (RFC 3414, 4), in the name of whoever asked. `pdu` is that report.
pub fn introduction(header: &Header<'_>, user: &[u8], pdu: &[u8]) -> Vec<u8> {
    let mut out = Backwards::default();
    scope(&mut out, (header.engine_id, &[]), pdu);
    message(out, header, user, (Level::NoAuth, 0, &[])).0
}

/// A message with this PDU, signed and encrypted as far as the user's keys go; `None` if the keys do not fit their
/// algorithms, which [`User::keys`] never gives.
pub fn sealed(
    header: &Header<'_>,
    (user, keys): (&User, &Keys),
    pdu: &[u8],
    salt: &mut Salt,
) -> Option<Vec<u8>> {
    sealed_in((header.engine_id, user.context()), header, (user, keys), pdu, salt)
}

/// The same for another context than the usual one, by the id of its engine and its name: a response goes into the
/// context from which it was asked for (RFC 3412, 7.1).
pub fn sealed_in(
    context: (&[u8], &[u8]),
    header: &Header<'_>,
    (user, keys): (&User, &Keys),
    pdu: &[u8],
    salt: &mut Salt,
) -> Option<Vec<u8>> {
    let mut out = Backwards::default();
    scope(&mut out, context, pdu);
    let used;
    let mut salt_of_message: &[u8] = &[];
    if let Some((protocol, key)) = keys.privacy() {
        used = salt.next(header.boots, protocol == super::PrivacyProtocol::Des);
        let plain = out.finish();
        let encrypted = protocol.encrypt(key, (header.boots, header.time), used, &plain)?;
        out = Backwards::default();
        out.value(OCTETS, &encrypted);
        salt_of_message = &used;
    }
    let mac_bytes = keys.auth().map_or(0, |(protocol, _)| protocol.mac_bytes());
    let (mut bytes, mac_at) = message(out, header, user.name(), (user.level(), mac_bytes, salt_of_message));
    if let Some((protocol, key)) = keys.auth() {
        let mac = protocol.sign(key, &[&bytes]);
        bytes.get_mut(mac_at..mac_at + mac_bytes)?.copy_from_slice(&mac);
    }
    Some(bytes)
}

fn scope(out: &mut Backwards, (engine_id, context): (&[u8], &[u8]), pdu: &[u8]) {
    out.bytes(pdu);
    out.value(OCTETS, context);
    out.value(OCTETS, engine_id);
    out.wrap(SEQUENCE, 0);
}

/// Puts the head before the data in `out`; gives where the digest is to stand, which is all zeros.
fn message(
    mut out: Backwards,
    header: &Header<'_>,
    user: &[u8],
    (level, mac_bytes, salt): (Level, usize, &[u8]),
) -> (Vec<u8>, usize) {
    let security = out.len();
    out.value(OCTETS, salt);
    let mac = out.len();
    out.bytes(&vec![0; mac_bytes]);
    let mac_from_end = out.len();
    out.wrap(OCTETS, mac);
    out.value(OCTETS, user);
    out.natural(header.time);
    out.natural(header.boots);
    out.value(OCTETS, header.engine_id);
    out.wrap(SEQUENCE, security);
    out.wrap(OCTETS, security);
    let head = out.len();
    out.value(INTEGER, &[3]);
    out.value(OCTETS, &[flags(level, header.reportable)]);
    out.natural(ANSWER_BYTES_MAX);
    out.natural(u32::try_from(header.id).unwrap_or(0));
    out.wrap(SEQUENCE, head);
    out.value(INTEGER, &[3]);
    out.wrap(SEQUENCE, 0);
    let bytes = out.finish();
    let mac_at = bytes.len() - mac_from_end;
    (bytes, mac_at)
}

const fn flags(level: Level, reportable: bool) -> u8 {
    let secured = match level {
        Level::NoAuth => 0,
        Level::Auth => FLAG_AUTH,
        Level::AuthPriv => FLAG_AUTH | FLAG_PRIVACY,
    };
    if reportable { secured | FLAG_REPORTABLE } else { secured }
}
