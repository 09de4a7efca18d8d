//! SNMP v2c as a client that can only read: requests as bytes, answers checked, tables learned.
//!
//! First of the path of a reading. Promises: a request is get, get-next or get-bulk and nothing else can be expressed;
//! an answer is taken only if request id, community, kind and objects are those that were asked for; all that a device
//! can make us hold is bounded.

mod answer;
mod request;
mod walk;

pub use answer::{Answer, AnswerError, ErrorStatus, OtherObjects, answer};
pub use request::{Packet, REQUEST_IDS, Read, community_fits, encoded};
pub use walk::{GET_OBJECTS_MAX, Step, Walk, WalkError};
