//! Sends line protocol to InfluxDB 1, 2 and 3 and to what speaks like them. Beside the path of a reading: a copy of what
//! is in the record, for people to explore; nothing is read back from it to compute a number.
//!
//! A [`Transport`] posts one compressed body and says what became of it; [`Writer`] decides what that means: which lines
//! to send again, how small, and when. Bodies are made by `line`, never by a client library, whose encoders let one
//! unlucky value cost the whole batch.
//!
//! Invariants: a line is either stored, or counted as older than the server's retention, or handed to
//! [`Observer::quarantined`]; any answer that says none of that keeps it and tries again. Sending a line twice is
//! harmless (same series and time: the last one wins), so whatever is in doubt is sent again. Nothing waits without a
//! limit; a token is in no message.

mod connect;
mod outcome;
mod transport;
mod writer;

pub use connect::{Config, ConnectError, Generation, Secret, connect};
pub use outcome::Outcome;
pub use transport::{AnyTransport, HttpTransport, Influxdb2Transport, Transport};
pub use writer::{LINES_PER_BODY, Observer, Setback, Writer, Written};

#[cfg(test)]
mod tests;
