//! What goes into and comes out of a spool.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use model::{Missing, SpoolId, Timestamp};

use crate::disk::Disk;

/// Bounds of [`Options::segment_bytes`]: below, segments would be more name than content; above, opening a spool, which
/// holds one segment in memory, would take too much of it.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 1 << 10..=128 << 20;

/// How a spool is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Bytes that all segments together may take; beyond it the oldest whole segment goes. At least two segments.
    pub cap_bytes: u64,
    /// Bytes after which a new segment begins.
    pub segment_bytes: u64,
    /// How long acknowledged segments stay, by the times of the records, so that a collector that was restored from a
    /// backup can have them again.
    pub keep_acknowledged: Duration,
}

/// 2 GiB in segments of 16 MiB, acknowledged ones kept for a day: at 3.2 bytes a sample more than two months of 50 devices
/// with 20 quantities every 10 s.
impl Default for Options {
    fn default() -> Self {
        Self { cap_bytes: 2 << 30, segment_bytes: 16 << 20, keep_acknowledged: Duration::from_hours(24) }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), SpoolError> {
        if !SEGMENT_BYTES.contains(&self.segment_bytes) {
            let problem = format!(
                "a spool's segments are to be of {} bytes, {} to {} are possible",
                self.segment_bytes,
                SEGMENT_BYTES.start(),
                SEGMENT_BYTES.end()
            );
            return Err(SpoolError::Options { problem });
        }
        if self.cap_bytes < 2 * self.segment_bytes {
            let problem = format!(
                "a spool is to take {} bytes, less than two of its segments of {} bytes",
                self.cap_bytes, self.segment_bytes
            );
            return Err(SpoolError::Options { problem });
        }
        Ok(())
    }
}

/// One record, as it was appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number: unique in its spool, rising, never used twice.
    pub sequence: u64,
    /// When it was written, by the caller's clock.
    pub time: Timestamp,
    /// What it says, opaque here.
    pub payload: Vec<u8>,
}

/// Records that were in the spool and are gone without having been acknowledged. The caller appends a record that says
/// so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Sequence number of the first.
    pub first: u64,
    /// Sequence number of the last.
    pub last: u64,
    /// Where the time that they covered begins: the time of the first, or of the last good record before it.
    pub from: Timestamp,
    /// Where it ends, not inside: just after the last, or the time of the first good record after it.
    pub to: Timestamp,
    /// `SpoolFull` where the oldest had to go, `Other` where the disk lost or spoiled them, `AgentDown` where the writer
    /// ended before they were on disk.
    pub reason: Missing,
}

/// What opening a spool found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Number that the next record will get.
    pub next_sequence: u64,
    /// Time of the last record on disk; `None` in a new spool.
    pub last_durable: Option<Timestamp>,
    /// Was the spool [closed](crate::Spool::close) in order? `true` in a new spool.
    pub clean_stop: bool,
    /// Bytes cut off the end of the newest segment: the record that was being written when the power went.
    pub torn_bytes: u64,
    /// Records that are gone, in order.
    pub lost: Vec<Lost>,
}

/// What an append did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Number of the record.
    pub sequence: u64,
    /// Is it the first of a new segment, or did one begin unseen since the append before? Then the caller repeats its declarations, so that any suffix of the spool can
    /// be understood.
    pub new_segment: bool,
    /// Records that had to go or were found spoiled since the append before; the caller appends a gap for each.
    pub lost: Vec<Lost>,
}

/// How a spool stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Identity of the spool.
    pub id: SpoolId,
    /// Segments on disk.
    pub segments: usize,
    /// Bytes that they take.
    pub bytes: u64,
    /// Number of the oldest record on disk; equal to `synced` if there is none.
    pub oldest: u64,
    /// Number after the last record that is on disk for good.
    pub synced: u64,
    /// Number after the last record that the collector has for good, as far as is known.
    pub acknowledged: u64,
    /// Time of the oldest record that is not acknowledged; `None` if all are. Exact to a segment.
    pub oldest_unacknowledged: Option<Timestamp>,
    /// Time of the last record on disk.
    pub last_durable: Option<Timestamp>,
    /// Records lost since the spool was opened, and at opening.
    pub lost_records: u64,
    /// What the disk last refused, while records wait in memory for it; `None` if all is well.
    pub trouble: Option<String>,
}

/// What can go wrong with a spool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk refused.
    #[error("cannot {action} `{path}`", path = path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another process has it open.
    #[error("spool `{path}` is in use by another process", path = path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// There are records, but not the identity to which they belong.
    #[error("spool `{path}` has segments but no readable file `SPOOL`; move the folder away to begin a new one", path = path.display())]
    IdentityLost {
        /// The folder.
        path: PathBuf,
    },
    /// A record is too big.
    #[error("a payload of {bytes} bytes is too big for a record, at most {limit} are allowed")]
    TooBig {
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The options contradict each other.
    #[error("{problem}")]
    Options {
        /// How.
        problem: String,
    },
}

/// Makes an error of a refusal.
pub(crate) fn refused(
    disk: &dyn Disk,
    action: &'static str,
    name: &str,
) -> impl FnOnce(io::Error) -> SpoolError {
    let path = disk.path(name);
    move |source| SpoolError::Disk { action, path, source }
}
