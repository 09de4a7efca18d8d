//! Users and their keys.

use std::fmt;

use zeroize::Zeroizing;

use super::algorithm::{AuthProtocol, PrivacyProtocol};
use super::message::Level;

/// Shortest passphrase (RFC 3414, 11.2).
const PASSPHRASE_BYTES_MIN: usize = 8;
/// Longest name of a user (RFC 3414, 5: SnmpAdminString of 1 to 32) and of a context (RFC 3411, 3.3.1).
const NAME_BYTES_MAX: usize = 32;

type Secret = Zeroizing<Vec<u8>>;

/// What is wrong about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The name is too short or too long.
    #[error("a user's name has 1 to {NAME_BYTES_MAX} bytes")]
    Name,
    /// The context is too long.
    #[error("a context's name has at most {NAME_BYTES_MAX} bytes")]
    Context,
    /// A passphrase is too short.
    #[error("a passphrase has at least {PASSPHRASE_BYTES_MIN} characters")]
    Passphrase,
}

/// A user of SNMP v3, with keys that are not bound to an engine yet. Passphrases are not kept.
pub struct User {
    name: Vec<u8>,
    context: Vec<u8>,
    auth: Option<(AuthProtocol, Secret)>,
    privacy: Option<(PrivacyProtocol, Secret)>,
}

/// The keys of a user at one engine.
pub struct Keys {
    auth: Option<(AuthProtocol, Secret)>,
    privacy: Option<(PrivacyProtocol, Secret)>,
}

impl User {
    /// A user without a secret.
    ///
    /// # Errors
    /// If the name is too short or too long.
    pub fn new(name: &str) -> Result<Self, UserError> {
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) {
            return Err(UserError::Name);
        }
        Ok(Self { name: name.as_bytes().to_vec(), context: Vec::new(), auth: None, privacy: None })
    }

    /// The user, whose messages are authenticated. Takes some milliseconds: a passphrase is stretched over a megabyte.
    ///
    /// # Errors
    /// If the passphrase is too short.
    pub fn with_auth(mut self, protocol: AuthProtocol, passphrase: &[u8]) -> Result<Self, UserError> {
        self.auth = Some((protocol, long_enough(passphrase).map(|passphrase| protocol.key_of(passphrase))?));
        self.privacy = None;
        Ok(self)
    }

    /// The user, whose messages are encrypted too; without [`with_auth`](Self::with_auth) before, nothing changes,
    /// because there is no privacy without authentication (RFC 3411, 3.4.3).
    ///
    /// # Errors
    /// If the passphrase is too short.
    pub fn with_privacy(mut self, protocol: PrivacyProtocol, passphrase: &[u8]) -> Result<Self, UserError> {
        let passphrase = long_enough(passphrase)?;
        if let Some((auth, _)) = &self.auth {
            self.privacy = Some((protocol, auth.key_of(passphrase)));
        }
        Ok(self)
    }

    /// The user, asking for the objects of this context.
    ///
    /// # Errors
    /// If the context is too long.
    pub fn with_context(mut self, context: &str) -> Result<Self, UserError> {
        if context.len() > NAME_BYTES_MAX {
            return Err(UserError::Context);
        }
        self.context = context.as_bytes().to_vec();
        Ok(self)
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The context in which it asks; empty for the usual one.
    pub fn context(&self) -> &[u8] {
        &self.context
    }

    /// How its messages are secured.
    pub const fn level(&self) -> Level {
        match (&self.auth, &self.privacy) {
            (None, _) => Level::NoAuth,
            (Some(_), None) => Level::Auth,
            (Some(_), Some(_)) => Level::AuthPriv,
        }
    }

    /// The most bytes that its security adds to a message beyond those of a community's.
    pub fn overhead(&self) -> usize {
        // Lengths and tags, message head, engine id twice, boots, time, salt, padding of DES.
        let usual = 120;
        usual
            + self.name.len()
            + self.context.len()
            + self.auth.as_ref().map_or(0, |(auth, _)| auth.mac_bytes())
    }

    /// The keys at this engine (RFC 3414, 2.6). Cheap, but for keys that are lengthened as Cisco does.
    pub fn keys(&self, engine_id: &[u8]) -> Keys {
        let local = |auth: AuthProtocol, key: &[u8]| auth.digest(&[key, engine_id, key]);
        let auth = self.auth.as_ref().map(|(auth, key)| (*auth, local(*auth, key)));
        let privacy = self.auth.as_ref().zip(self.privacy.as_ref()).map(|((auth, _), (privacy, key))| {
            let mut key = local(*auth, key);
            while key.len() < privacy.key_bytes() {
                let more =
                    if privacy.is_reeder() { local(*auth, &auth.key_of(&key)) } else { auth.digest(&[&key]) };
                key = Zeroizing::new([key.as_slice(), &more].concat());
            }
            key.truncate(privacy.key_bytes());
            (*privacy, key)
        });
        Keys { auth, privacy }
    }
}

fn long_enough(passphrase: &[u8]) -> Result<&[u8], UserError> {
    (passphrase.len() >= PASSPHRASE_BYTES_MIN).then_some(passphrase).ok_or(UserError::Passphrase)
}

impl Keys {
    pub(super) fn auth(&self) -> Option<(AuthProtocol, &[u8])> {
        self.auth.as_ref().map(|(protocol, key)| (*protocol, key.as_slice()))
    }

    pub(super) fn privacy(&self) -> Option<(PrivacyProtocol, &[u8])> {
        self.privacy.as_ref().map(|(protocol, key)| (*protocol, key.as_slice()))
    }
}

/// Says who and how, never with what.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &String::from_utf8_lossy(&self.name))
            .field("auth", &self.auth.as_ref().map(|(protocol, _)| protocol))
            .field("privacy", &self.privacy.as_ref().map(|(protocol, _)| protocol))
            .finish_non_exhaustive()
    }
}

/// Says how, never with what.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("auth", &self.auth.as_ref().map(|(protocol, _)| protocol))
            .field("privacy", &self.privacy.as_ref().map(|(protocol, _)| protocol))
            .finish_non_exhaustive()
    }
}
