//! The record: everything that arrived and everything that was made of it, in SQLite files of one folder.
//!
//! On the path of a reading this is the place between ingest and accounting, and where accounting, reports and people
//! put their results and doings. `core.db` holds the inbox, who and what, quarter-hour values, documents, reports,
//! alarms, audit and the log of changes; `raw-YYYYMM.db` hold the raw samples of one UTC month each, so that dropping
//! old samples is deleting a file.
//!
//! [`Store::open`] opens a folder. One [`Writer`] writes: [`Writer::ingest`] takes batches, [`Writer::put_chunks`] raw
//! samples, [`Writer::transaction`] everything else ([`Tx`]). Any number of [`Reader`]s read beside it; what can be
//! read of `core.db` stands at [`Core`], which `Reader` and `Tx` both are.
//!
//! Invariants:
//! - Whatever a call returned `Ok` for is on the disk (WAL, `synchronous = FULL`), so an acknowledgement may leave the
//!   machine.
//! - A record of a spool is taken once, however often and in whatever pieces it is sent.
//! - Raw samples are kept to the bit; late ones fill what was missing and never replace what was there.
//! - A quarter hour that was final changes only by a revision, and the old state is kept.
//! - No blob that was cut, changed or moved to another row is ever taken for data: each ends in a CRC-32C that covers
//!   its key. Decoding is bounded and never panics.
//! - No clock is read here: every instant is an argument.

mod alarm;
mod audit;
mod bytes;
mod change;
pub mod chunk;
mod document;
mod error;
mod fleet;
mod gauge;
mod import;
mod ingest;
mod interval;
mod key;
mod months;
mod raw;
mod registry;
mod report;
mod schema;
mod sink;
mod store;
mod tx;
mod upkeep;

#[cfg(test)]
mod tests;

pub use alarm::{Alarm, AlarmFilter, NewAlarm, Opened};
pub use audit::{AuditEntry, AuditVerdict, NewAudit};
pub use change::{Change, Changed};
pub use chunk::{Block, BlockBuilder, Chunk, Column, MissingRun, Sample, ShapeError, Values};
pub use document::{Document, DocumentKind, DocumentVersion, NewDocument};
pub use error::{CodecError, StoreError};
pub use fleet::{Agent, LossStatement, PlanEntry, PlannedGroup, ReportedEvent, Sighting};
pub use gauge::GaugeQuarter;
pub use import::{Import, NewImport};
pub use ingest::{Cursor, Gap, GapPolicy, InboxItem, InboxLoad, Outcome, ReceivedBatch};
pub use interval::{
    Cause, Finality, IntervalSubject, IntervalSum, MAX_QUARTERS, PutIntervals, Revision, Undone,
};
pub use key::{
    AgentKey, AlarmId, ChangeSeq, Day, DeviceKey, Hour, ImportNumber, InboxId, IntervalSeriesId, Month,
    SeriesId,
};
pub use raw::{ChunkKey, MAX_CHUNKS, MAX_SAMPLES};
pub use registry::{Claim, DescriptorVersion, Device, Registered, Series};
pub use report::{NewReport, Sealed, SealedReport};
pub use sink::{Quarantined, SinkCursor};
pub use store::{Options, Reader, StartCheck, Store, Writer};
pub use tx::{Core, Tx};
pub use upkeep::{BackedUp, FileSize};
