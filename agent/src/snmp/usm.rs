//! The user-based security model of SNMP v3: who asks, unaltered, in time, and unread by others.
//!
//! RFC 3412 (message), RFC 3414 (model, MD5, SHA-1, DES), RFC 3826 (AES-128), RFC 7860 (SHA-2); AES-192 and AES-256 as
//! draft-blumenthal-aes-usm-04, with the keys of that draft or of draft-reeder-snmpv3-usm-3desede-00 (Cisco's way).
//! Pure: bytes in, bytes out; sockets, clocks and retries are the caller's.
//!
//! Promises: digests are compared in constant time; keys and passphrases are wiped when they are dropped and never
//! shown; keys are localised once for each engine; what a message may make us hold is what came in its packet.

mod algorithm;
mod engine;
mod keys;
mod message;

pub use algorithm::{AuthProtocol, PrivacyProtocol, UnknownAlgorithm};
pub use engine::{EngineClock, OutOfWindow};
pub use keys::{Keys, User, UserError};
pub use message::{
    ENGINE_ID_BYTES, Frame, FrameError, Header, Level, Opened, Salt, discovery, introduction, sealed,
    sealed_in,
};

#[cfg(test)]
mod tests;
