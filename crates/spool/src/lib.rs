//! Records on disk, in order and checksummed, until a collector has acknowledged them.
//!
//! On the path of a reading it stands between the poller and the uplink: what has been polled is appended here within a
//! second and stays until the collector says that it has it for good, through `kill -9`, power cuts, full disks and weeks
//! without a network. What a record says is opaque here.
//!
//! # What lies in the folder
//!
//! - `SPOOL`: the identity, 128 random bits drawn when the folder was made. The folder is locked while it is open.
//! - `seg-XXXXXXXXXXXXXXXX.log`: segments, named by the number of their first record. Each life of a writer begins a
//!   new one; no life writes into the file of another.
//! - `ACK`: how far the collector was, as a hint that saves re-sending. `CLEAN`: the last life ended in order.
//! - `RESERVE`: some megabytes to give up when the disk is full.
//!
//! A segment is a row of records: `magic u16 | version u8 | type u8 | length u32 | sequence u64 | time i64 | crc32c u32 |
//! payload`, little endian. The checksum covers the spool's identity and all but itself, so that a block of another
//! spool, or of a deleted file, never passes for a record. A segment begins with a *start* record that says which number
//! would have followed in the segment before, so that numbers that were never used are told from records that are lost.
//!
//! # Invariants
//!
//! - A number is never used for two records, whatever the disk does: after a torn tail as many numbers are passed over
//!   as records could have been in it.
//! - Readers see only what is on disk for good. Nothing that was acknowledged is needed again, except by a collector
//!   that was set back; therefore acknowledged segments stay for a while.
//! - After an error of a write or an fdatasync the file is never touched again: the kernel may have thrown the pages away
//!   and report success the next time (PostgreSQL stops over this since version 12). What was not yet on disk is still
//!   in memory, and goes into a new segment.
//! - What is lost without having been acknowledged is reported as a range of numbers with its reason: to the caller of
//!   [`Spool::open`] or of the next [`Spool::append`], who writes it down in the spool itself.
//! - A record with a wrong checksum is never given out; reading goes on at the next good one.
//!
//! SQLite was rejected for this: a queue of appended records needs none of its machinery, and its recovery from a spoiled
//! page is to stop.

mod disk;
mod files;
mod lost;
mod reader;
mod record;
mod recover;
mod shared;
mod spool;
#[cfg(test)]
mod tests;
mod types;
mod writer;

pub use reader::SpoolReader;
pub use record::records_in;
pub use spool::{Spool, inspect};
pub use types::{Appended, Lost, Options, Record, Recovery, SpoolError, Status};

/// Largest payload of a record, in bytes: half of what the uplink may send at once, so that one record always fits.
pub const MAX_PAYLOAD_BYTES: usize = 512 << 10;
