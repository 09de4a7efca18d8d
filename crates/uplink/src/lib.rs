//! Ships a spool to a collector: one batch in flight over mTLS, again and again until the collector has it for good.
//!
//! On the path of a reading it stands between the spool and the collector's door. The agent runs it, the simulator runs it
//! for the past that it makes up, and a cell may run it towards its region: there is no second way in.
//!
//! At start it asks the collector how far it is, then sends what follows. The collector answers each batch with the
//! number of the first record that it does not have; only that moves the spool's cursor. So sending twice is harmless, and
//! nothing depends on what this side remembers.
//!
//! One batch in flight is enough: 256 KiB at a round trip of 50 ms are 5 MB/s, and a day of 50 devices with 20
//! quantities every 10 s is some 13 MB. gRPC
//! streams and brokers were rejected, because they need an acknowledgement of their own above theirs, and because a plain
//! POST passes every proxy and load balancer.
//!
//! Invariants:
//! - Nothing is ever dropped here. Whatever the collector answers, the records stay in the spool.
//! - Each wait is bounded: for a connection, for an answer, for the next try, and for an end.
//! - No other certificate authority is trusted than the one that was configured; no proxy is taken from the environment
//!   and no redirect is followed.

pub mod answer;
mod backoff;
mod batcher;
mod client;
mod config;
mod run;
mod statistics;
#[cfg(test)]
mod tests;
mod tls;

pub use config::{Config, Pace, UplinkError};
pub use run::Uplink;
pub use statistics::{Snapshot, State, Statistics, Trouble};
