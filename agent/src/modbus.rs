//! Modbus TCP as a client that can only read: the codec, and one connection that never blocks.
//!
//! First of the path of a reading. Promises: a request can only be one of the functions that read; an answer is taken
//! only if transaction, unit, function and length are those that were asked for; buffers are bounded by the protocol's
//! own limit of 260 bytes a frame.

mod codec;
mod link;

pub use codec::{Answer, FRAME_BYTES_MAX, Frame, FrameError, Reject, Request, split_frame};
pub use link::{Flight, Inbox, Lapse, Link, Read, Reply, Ticket};
