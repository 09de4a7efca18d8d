//! What writer and readers share: which segments there are, and how far the collector is.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Missing, SpoolId, Timestamp};

use crate::disk::Disk;
use crate::files::segment_name;
use crate::lost::LostRanges;
use crate::record::Seal;
use crate::{Lost, Status};

/// A segment, as far as it is on disk for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Number in its name, that of its first record.
    pub(crate) first: u64,
    /// Number after its last record.
    pub(crate) next: u64,
    /// Its length, up to the end of its last record.
    pub(crate) bytes: u64,
    /// Time of its first record.
    pub(crate) from: Timestamp,
    /// Time of its last record.
    pub(crate) to: Timestamp,
}

impl Segment {
    pub(crate) fn name(&self) -> String {
        segment_name(self.first)
    }
}

/// What changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// In order; the last is the one that grows.
    pub(crate) segments: VecDeque<Segment>,
    /// Number after the last record that the collector has.
    pub(crate) acknowledged: u64,
    /// What was found lost and is not yet told to the writer's caller.
    pub(crate) untold: LostRanges,
    /// Holes that have been told.
    pub(crate) told: LostRanges,
    /// Numbers lost since the spool was opened, and at opening.
    pub(crate) lost_records: u64,
    /// What the disk last refused.
    pub(crate) trouble: Option<String>,
    /// The collector has numbers that this spool never gave: the next record is to get this one.
    pub(crate) skip_to: Option<u64>,
}

impl State {
    /// Notes a loss, to be told by the next append.
    pub(crate) fn lose(&mut self, lost: Lost) {
        self.lost_records = self.lost_records.saturating_add(lost.count());
        self.untold.push(lost);
    }

    /// What is to be told now.
    pub(crate) fn tell(&mut self) -> Vec<Lost> {
        let lost = self.untold.take();
        for range in &lost {
            self.told.push(*range);
        }
        lost
    }

    /// Notes that numbers inside a segment cannot be read, unless that is known.
    pub(crate) fn spoiled(&mut self, lost: Lost) {
        let known = self.untold.touches(lost.first, lost.last) || self.told.touches(lost.first, lost.last);
        if !known && lost.last >= self.acknowledged {
            tracing::error!(first = lost.first, last = lost.last, "records in the spool are spoiled");
            self.lose(lost);
        }
    }

    /// Takes the oldest segment out, and notes what of it is lost.
    pub(crate) fn drop_oldest(&mut self) -> Option<Segment> {
        let oldest = self.segments.pop_front()?;
        let first = oldest.first.max(self.acknowledged);
        if let Some(last) = oldest.next.checked_sub(1).filter(|last| first <= *last) {
            self.lose(Lost {
                first,
                last,
                from: oldest.from,
                to: oldest.to.plus_millis(1),
                reason: Missing::SpoolFull,
            });
        }
        Some(oldest)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(crate) fn last_durable(&self) -> Option<Timestamp> {
        self.segments.back().map(|segment| segment.to)
    }

    /// The segment that holds `sequence` or, if none does, the first number after it.
    pub(crate) fn segment_for(&self, sequence: u64) -> Option<Segment> {
        let index = self.segments.partition_point(|segment| segment.next <= sequence);
        self.segments.get(index).copied()
    }
}

/// What writer and readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) id: SpoolId,
    pub(crate) seal: Seal,
    synced: AtomicU64,
    state: Mutex<State>,
}

impl Shared {
    pub(crate) fn new(disk: Arc<dyn Disk>, id: SpoolId, state: State, next: u64) -> Self {
        Self { disk, id, seal: Seal::of(id), synced: AtomicU64::new(next), state: Mutex::new(state) }
    }

    /// The state, never held across a wait for the disk. Each change of it is complete, so a panic of another holder
    /// leaves nothing half done.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    pub(crate) fn set_synced(&self, next: u64) {
        self.synced.store(next, Ordering::Release);
    }

    pub(crate) fn status(&self) -> Status {
        let synced = self.synced();
        let state = self.state();
        Status {
            id: self.id,
            segments: state.segments.len(),
            bytes: state.bytes(),
            oldest: state.segments.front().map_or(synced, |segment| segment.first),
            synced,
            acknowledged: state.acknowledged,
            oldest_unacknowledged: state.segment_for(state.acknowledged).map(|segment| segment.from),
            last_durable: state.last_durable(),
            lost_records: state.lost_records,
            trouble: state.trouble.clone(),
        }
    }
}
