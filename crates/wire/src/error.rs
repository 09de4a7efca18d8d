//! What can be wrong with received bytes.

use std::io;

/// Why bytes are no batch or no payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The batch is of a newer major version: the sender must keep it until this program is upgraded.
    #[error("batch has schema {found}, this program knows {known} and older", known = crate::SCHEMA)]
    NewerSchema {
        /// The schema that the batch names.
        found: u32,
    },
    /// More than a bound allows.
    #[error("{what} is {found}, at most {limit} is allowed")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much was found; where counting stopped early, more than the limit.
        found: usize,
        /// The bound.
        limit: usize,
    },
    /// The body is no zstd frame, or a broken one.
    #[error("batch of {bytes} bytes does not inflate")]
    Inflate {
        /// Size of the body.
        bytes: usize,
        /// What zstd says.
        #[source]
        source: io::Error,
    },
    /// The bytes are no protocol buffer of this message.
    #[error("{what} of {bytes} bytes is no such protocol buffer")]
    Protobuf {
        /// Which message.
        what: &'static str,
        /// Size of the message.
        bytes: usize,
        /// What is wrong with it.
        #[source]
        source: prost::DecodeError,
    },
    /// A field that cannot be left out is not there, or makes no sense.
    #[error("{what}: {problem}")]
    Invalid {
        /// Which field of which message.
        what: &'static str,
        /// What was found and what was expected.
        problem: String,
    },
}

impl WireError {
    pub(crate) fn invalid(what: &'static str, problem: impl std::fmt::Display) -> Self {
        Self::Invalid { what, problem: problem.to_string() }
    }
}

/// Is `found` within `limit`?
pub(crate) fn within(what: &'static str, found: usize, limit: usize) -> Result<(), WireError> {
    if found <= limit { Ok(()) } else { Err(WireError::TooMuch { what, found, limit }) }
}
