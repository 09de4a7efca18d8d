//! SNMP v1, v2c and v3 as a client that can only read: requests as bytes, answers checked, tables learned.
//!
//! First of the path of a reading. Promises: a request is get, get-next or get-bulk and nothing else can be expressed;
//! an answer is taken only if request id, community or user, kind and objects are those that were asked for; all that a
//! device can make us hold is bounded; no secret is ever shown.

mod answer;
pub(crate) mod ber;
mod client;
mod credentials;
mod request;
mod session;
pub mod usm;
mod walk;

pub use answer::{Answer, AnswerError, ErrorStatus, Kind, OtherObjects, Version, answer};
pub(crate) use answer::{own, value_of};
pub use ber::BerError;
pub use client::{Client, ClientError};
pub use credentials::{Community, CommunityVersion, Credentials, InvalidCommunity};
pub use request::{Packet, REQUEST_IDS, Read, encoded};
pub use session::{Body, Change, Distrust, Heard, Incoming, Refusal, Session};
pub use walk::{GET_OBJECTS_MAX, Pace, Step, Walk, WalkError};

#[cfg(test)]
mod tests;
