//! Modbus as a client that can only read: frames of TCP and of serial lines, one connection that never blocks, and a
//! session that waits.
//!
//! First of the path of a reading. Promises: a request can only be one of the functions that read; an answer is taken
//! only if transaction (or checksum), unit, function and length are those that were asked for; buffers are bounded by
//! the protocol's own limits of a frame.

pub mod bus;
mod codec;
mod echo;
mod identity;
mod link;
mod port;
mod rtu;
mod serial;
mod session;

pub use bus::{Bus, Parity, SerialLine};
pub use codec::{
    Access, Answer, Ask, DEVICE_SILENT, FRAME_BYTES_MAX, Frame, FrameError, Reject, Request, split_frame,
};
pub use identity::Identification;
pub use link::{Flight, Framing, Inbox, Lapse, Link, Read, Reply, Ticket};
pub use port::Peer;
pub use rtu::{Found, RTU_BYTES_MAX, crc16, find as find_rtu};
pub use session::{Session, SessionError};
