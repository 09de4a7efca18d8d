//! Puts records into segments, and finds a way on when the disk refuses.

use std::io;
use std::sync::Arc;

use model::{Missing, Timestamp};

use crate::disk::Append;
use crate::files::{RESERVE, segment_name};
use crate::record::{self, HEADER, Head, Kind, Records};
use crate::shared::{Segment, Shared, State};
use crate::types::{SpoolError, refused};
use crate::{Lost, Options};

/// Most bytes that wait in memory for a disk that refuses: minutes of a large agent, and little beside its other needs.
/// Beyond it the older half is lost.
pub(crate) const MAX_PENDING_BYTES: usize = 32 << 20;

/// Bytes in memory at which an append flushes by itself, so that whoever fills a spool fast need not count.
const FLUSH_BYTES: usize = 4 << 20;

/// How often one sync begins a new segment before it gives up until the next.
const ATTEMPTS: u32 = 3;

/// Room that is kept to be given up when the disk is full.
const RESERVE_BYTES: u64 = 4 << 20;

/// A disk is short of room below a twentieth, or below this if that is less.
const SHORT_BYTES: u64 = 1 << 30;

/// Most segments: an agent that is restarted again and again leaves one for each life.
const MAX_SEGMENTS: usize = 10_000;

/// Size of the record that begins a segment.
const START_BYTES: u64 = HEADER as u64 + 8;

/// Records that are not on disk yet, as their bytes; each knows its number, so holes between them are possible.
#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    first: u64,
    next: u64,
    from: Timestamp,
    to: Timestamp,
}

#[derive(Debug)]
struct Open {
    file: Box<dyn Append>,
    bytes: u64,
}

/// What is left to do about the files of the life before, once a segment of this life is on disk. Not earlier: until then
/// a torn tail is what tells which numbers must not be used again.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    pub(crate) torn: Option<(String, u64)>,
    pub(crate) empty: Vec<String>,
}

/// The side that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    options: Options,
    open: Option<Open>,
    pending: Pending,
    /// Number after the last record on disk.
    pub(crate) after: u64,
    leftovers: Leftovers,
    /// Does the caller know that the first pending record begins a segment?
    announced: bool,
    /// Did a segment begin that the caller does not know of?
    unannounced: bool,
    /// Did the disk refuse the last flush? Then only [`flush`](Self::flush) tries again, once for each sync.
    is_refused: bool,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, options: Options, after: u64, leftovers: Leftovers) -> Self {
        Self {
            shared,
            options,
            open: None,
            pending: Pending::default(),
            after,
            leftovers,
            announced: false,
            unannounced: false,
            is_refused: false,
        }
    }

    /// Would a record with such a payload begin a new segment, or did one begin that the caller does not know of?
    pub(crate) fn begins_segment(&self, payload_bytes: usize) -> bool {
        let is_first = self.open.is_none() && self.pending.bytes.is_empty();
        is_first || self.unannounced || self.is_full(payload_bytes)
    }

    /// Would such a record make the segment too long? Not while the disk refuses: then there is nowhere to go.
    pub(crate) fn is_full(&self, payload_bytes: usize) -> bool {
        let on_disk = self.open.as_ref().map_or(START_BYTES, |open| open.bytes);
        let record = (HEADER + payload_bytes) as u64;
        !self.is_refused && on_disk + self.pending.bytes.len() as u64 + record > self.options.segment_bytes
    }

    /// Ends the segment, if all of it could be put on disk.
    pub(crate) fn roll(&mut self) {
        if self.flush_quietly() {
            self.open = None;
        }
    }

    /// Flushes; an error is kept in the status, and comes back with the next [`flush`](Self::flush).
    pub(crate) fn flush_quietly(&mut self) -> bool {
        self.flush().is_ok()
    }

    /// Does so much wait that it had better be written now?
    pub(crate) fn is_heavy(&self) -> bool {
        !self.is_refused && self.pending.bytes.len() >= FLUSH_BYTES
    }

    /// Takes a record into memory and says whether the caller is to hear of a new segment.
    pub(crate) fn push(&mut self, sequence: u64, time: Timestamp, payload: &[u8]) -> bool {
        if self.pending.bytes.len() + HEADER + payload.len() > MAX_PENDING_BYTES {
            self.forget_older_half();
        }
        let begins = self.open.is_none() && self.pending.bytes.is_empty();
        self.announced |= begins;
        let head = Head { kind: Kind::Data, sequence, time };
        if self.pending.bytes.is_empty() {
            (self.pending.first, self.pending.from) = (sequence, time);
        }
        (self.pending.next, self.pending.to) = (sequence + 1, time);
        record::write(&mut self.pending.bytes, self.shared.seal, head, payload);
        std::mem::take(&mut self.unannounced) || begins
    }

    fn forget_older_half(&mut self) {
        let mut lost: Option<Lost> = None;
        let mut end = 0;
        for found in Records::new(&self.pending.bytes, self.shared.seal) {
            if end >= MAX_PENDING_BYTES / 2 {
                (self.pending.first, self.pending.from) = (found.head.sequence, found.head.time);
                break;
            }
            end = found.end;
            let (sequence, time) = (found.head.sequence, found.head.time);
            let from = lost.map_or(time, |lost| lost.from);
            let first = lost.map_or(sequence, |lost| lost.first);
            lost = Some(Lost {
                first,
                last: sequence,
                from,
                to: time.plus_millis(1),
                reason: Missing::SpoolFull,
            });
        }
        self.pending.bytes.drain(..end);
        self.announced = false;
        if let Some(lost) = lost {
            tracing::error!(
                first = lost.first,
                last = lost.last,
                "the disk refuses too long, records are lost"
            );
            self.shared.state().lose(lost);
        }
    }

    /// Puts all pending records on disk.
    pub(crate) fn flush(&mut self) -> Result<(), SpoolError> {
        let mut attempt = 1;
        while !self.pending.bytes.is_empty() {
            let Err(error) = self.try_flush(attempt) else { break };
            // What the file holds is unknown from here on, so it is never written again.
            self.open = None;
            self.note_trouble(&error);
            self.is_refused = attempt == ATTEMPTS;
            if self.is_refused {
                return Err(error);
            }
            if is_full(&error) {
                self.give_room();
            }
            attempt += 1;
        }
        self.is_refused = false;
        self.shared.state().trouble = None;
        Ok(())
    }

    fn note_trouble(&self, error: &SpoolError) {
        let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
        self.shared.state().trouble = Some(format!("{error}{source}"));
    }

    fn try_flush(&mut self, attempt: u32) -> Result<(), SpoolError> {
        let disk = Arc::clone(&self.shared.disk);
        let name = self.current_name();
        let is_new = self.open.is_none();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.create(&name, attempt)?,
        };
        open.file.append(&self.pending.bytes).map_err(refused(disk.as_ref(), "write", &name))?;
        open.file.sync().map_err(refused(disk.as_ref(), "sync", &name))?;
        if is_new {
            disk.sync_names().map_err(refused(disk.as_ref(), "sync", ""))?;
        }
        open.bytes += self.pending.bytes.len() as u64;
        self.publish(open.bytes, is_new);
        self.open = Some(open);
        if is_new {
            self.begun(attempt);
        }
        Ok(())
    }

    fn current_name(&self) -> String {
        let grown = self.open.as_ref().and_then(|_| self.shared.state().segments.back().map(Segment::name));
        grown.unwrap_or_else(|| segment_name(self.pending.first))
    }

    fn create(&self, name: &str, attempt: u32) -> Result<Open, SpoolError> {
        let disk = self.shared.disk.as_ref();
        if attempt == 1 {
            self.make_room();
        }
        let mut start = Vec::with_capacity(HEADER + 8);
        let head = Head { kind: Kind::Start, sequence: self.pending.first, time: self.pending.from };
        record::write(&mut start, self.shared.seal, head, &self.after.to_le_bytes());
        let mut file = disk.create(name).map_err(refused(disk, "create", name))?;
        file.append(&start).map_err(refused(disk, "write", name))?;
        Ok(Open { file, bytes: start.len() as u64 })
    }

    /// The pending records are on disk for good: readers may have them.
    fn publish(&mut self, bytes: u64, is_new: bool) {
        let Pending { first, next, from, to, .. } = self.pending;
        let mut state = self.shared.state();
        match state.segments.back_mut().filter(|_| !is_new) {
            Some(segment) => (segment.next, segment.bytes, segment.to) = (next, bytes, to),
            None => state.segments.push_back(Segment { first, next, bytes, from, to }),
        }
        drop(state);
        self.shared.set_synced(next);
        self.after = next;
        self.pending.bytes.clear();
    }

    /// What follows once a new segment is on disk.
    fn begun(&mut self, attempt: u32) {
        self.unannounced |= !std::mem::take(&mut self.announced);
        let disk = self.shared.disk.as_ref();
        let Leftovers { torn, empty } = std::mem::take(&mut self.leftovers);
        if let Some((name, length)) = torn.filter(|(name, _)| !empty.contains(name)) {
            warn_if_refused(disk.truncate(&name, length), "truncate", &name);
        }
        let newest = self.shared.state().segments.back().map(Segment::name);
        for name in empty.iter().filter(|name| Some(*name) != newest.as_ref()) {
            warn_if_refused(disk.remove(name), "remove", name);
        }
        if attempt == 1
            && let Err(error) = disk.reserve(RESERVE, RESERVE_BYTES)
        {
            tracing::debug!(%error, "no room for a reserve");
        }
    }

    /// Drops the oldest segments until one more fits below the cap; one, if the file system is short of room.
    fn make_room(&self) {
        let short =
            self.shared.disk.space().is_ok_and(|space| space.free < (space.total / 20).min(SHORT_BYTES));
        let mut dropped = 0;
        loop {
            let mut state = self.shared.state();
            let over = state.bytes() + self.options.segment_bytes > self.options.cap_bytes;
            let many = state.segments.len() >= MAX_SEGMENTS;
            let one_for_one = short && dropped == 0;
            let Some(oldest) = (over || many || one_for_one).then(|| state.drop_oldest()).flatten() else {
                return;
            };
            drop(state);
            dropped += 1;
            self.remove(&oldest);
        }
    }

    /// Gives up the reserve or, if that has gone already, the oldest segment.
    fn give_room(&self) {
        if self.shared.disk.remove(RESERVE).is_ok() {
            return;
        }
        let oldest = self.shared.state().drop_oldest();
        if let Some(oldest) = oldest {
            self.remove(&oldest);
        }
    }

    /// Removes segments that the collector has had for long enough.
    pub(crate) fn retire(&self, now: Timestamp) {
        loop {
            let mut state = self.shared.state();
            let State { segments, acknowledged, .. } = &mut *state;
            let old = |segment: &Segment| {
                segment.next <= *acknowledged && segment.to + self.options.keep_acknowledged <= now
            };
            if segments.len() < 2 || !segments.front().is_some_and(old) {
                return;
            }
            let Some(oldest) = segments.pop_front() else { return };
            drop(state);
            self.remove(&oldest);
        }
    }

    fn remove(&self, segment: &Segment) {
        let name = segment.name();
        warn_if_refused(self.shared.disk.remove(&name), "remove", &name);
    }
}

fn is_full(error: &SpoolError) -> bool {
    let full = |source: &io::Error| {
        matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    };
    matches!(error, SpoolError::Disk { source, .. } if full(source))
}

/// For files that are only in the way: what stays is found and passed over at the next start.
fn warn_if_refused(result: io::Result<()>, action: &'static str, name: &str) {
    if let Err(error) = result {
        tracing::warn!(%error, action, file = name, "the disk refuses to tidy up the spool");
    }
}
