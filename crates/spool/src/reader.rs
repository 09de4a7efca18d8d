//! The side that reads and acknowledges.

use std::fmt;
use std::io;
use std::sync::Arc;

use model::{Missing, SpoolId, Timestamp};

use crate::disk::ReadAt;
use crate::files::{ACKNOWLEDGED, write_number};
use crate::record::{Kind, MAX_RECORD, Records};
use crate::shared::{Segment, Shared};
use crate::types::refused;
use crate::{Lost, Record, SpoolError, Status};

/// Most numbers that are passed over because a collector says that it has them: more than any agent writes in its life,
/// and far from where counting ends.
const MAX_SKIP: u64 = 1 << 40;

/// Most that is read at once, beside one record that may begin at its end.
const MAX_WINDOW: usize = 4 << 20;

/// Reads what is on disk for good, apart from the writer and on any thread. Cloning is cheap; each clone has its own
/// place.
pub struct SpoolReader {
    shared: Arc<Shared>,
    place: Option<Place>,
}

/// Where the last read ended, so that the next need not search.
#[derive(Debug)]
struct Place {
    segment: u64,
    file: Box<dyn ReadAt>,
    offset: u64,
    /// Number of the record at `offset`.
    next: u64,
    /// Time of the record before it.
    time: Option<Timestamp>,
}

/// Records as they are gathered.
#[derive(Debug)]
struct Gathered {
    from: u64,
    max_bytes: usize,
    bytes: usize,
    records: Vec<Record>,
    /// The next record does not fit, or does not follow.
    full: bool,
}

impl SpoolReader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, place: None }
    }

    /// Identity of the spool.
    pub fn id(&self) -> SpoolId {
        self.shared.id
    }

    /// Number after the last record that is on disk for good; cheap, for polling.
    pub fn synced(&self) -> u64 {
        self.shared.synced()
    }

    /// Number after the last record that the collector has for good.
    pub fn acknowledged(&self) -> u64 {
        self.shared.state().acknowledged
    }

    /// How the spool stands.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Records from number `from` on, without a hole between them, as many as fit into `max_bytes` of payload, but at
    /// least one if there is one. Begins with a later record if `from` is gone, and may end early at the end of a
    /// segment. Empty if there is none.
    ///
    /// # Errors
    /// If the disk refuses. Spoiled records are no error: they are passed over, and reported by the next
    /// [`append`](crate::Spool::append).
    pub fn read(&mut self, from: u64, max_bytes: usize) -> Result<Vec<Record>, SpoolError> {
        let mut gathered = Gathered { from, max_bytes, bytes: 0, records: Vec::new(), full: false };
        while gathered.records.is_empty() {
            let Some(segment) = self.shared.state().segment_for(gathered.from) else { break };
            let name = segment.name();
            match self.read_segment(&segment, &mut gathered) {
                Ok(()) => {}
                // It was dropped between the look-up and the opening.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_gone(&segment) => {
                    self.place = None;
                }
                Err(error) => {
                    self.place = None;
                    return Err(refused(self.shared.disk.as_ref(), "read", &name)(error));
                }
            }
        }
        Ok(gathered.records)
    }

    fn is_gone(&self, segment: &Segment) -> bool {
        self.shared.state().segment_for(segment.first).is_none_or(|found| found.first != segment.first)
    }

    /// Gathers from one segment; if it has none of what is wanted, `from` moves past it.
    fn read_segment(&mut self, segment: &Segment, gathered: &mut Gathered) -> io::Result<()> {
        let mut place = self.place_in(segment, gathered.from)?;
        let window = gathered.max_bytes.min(MAX_WINDOW) + MAX_RECORD;
        while place.offset < segment.bytes && gathered.wants_more() {
            let left = segment.bytes - place.offset;
            let size = usize::try_from(left).unwrap_or(usize::MAX).min(window);
            let mut buffer = vec![0; size];
            if place.file.read_at(place.offset, &mut buffer)? < size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.take(&mut place, &buffer, left == size as u64, gathered);
        }
        if gathered.records.is_empty() {
            self.spoiled(segment, gathered.from, segment.next, &place);
            gathered.from = gathered.from.max(segment.next);
        }
        self.place = Some(place);
        Ok(())
    }

    fn place_in(&mut self, segment: &Segment, from: u64) -> io::Result<Place> {
        if let Some(place) =
            self.place.take().filter(|place| place.segment == segment.first && place.next <= from)
        {
            return Ok(place);
        }
        let file = self.shared.disk.open(&segment.name())?;
        Ok(Place { segment: segment.first, file, offset: 0, next: segment.first, time: None })
    }

    /// Takes what is wanted out of a window, and moves the place to where it ended.
    fn take(&self, place: &mut Place, buffer: &[u8], is_last: bool, gathered: &mut Gathered) {
        let mut records = Records::new(buffer, self.shared.seal);
        let start = place.offset;
        let at = |offset: usize| start + offset as u64;
        for found in records.by_ref() {
            let head = found.head;
            if head.kind == Kind::Data && head.sequence >= place.next {
                if head.sequence >= gathered.from && !gathered.takes(head.sequence, found.payload.len()) {
                    place.offset = at(found.start);
                    gathered.full = true;
                    return;
                }
                if head.sequence > place.next {
                    self.note_hole(place, head.sequence, head.time);
                }
                (place.next, place.time) = (head.sequence + 1, Some(head.time));
                gathered.push(head.sequence, head.time, found.payload);
            }
            place.offset = at(found.end);
        }
        place.offset = if is_last { at(buffer.len()) } else { at(records.resume_at()) };
    }

    /// The numbers from where the place was to before `sequence` are not there.
    fn note_hole(&self, place: &Place, sequence: u64, to: Timestamp) {
        let from = place.time.unwrap_or(to);
        let lost = Lost { first: place.next, last: sequence - 1, from, to, reason: Missing::Other };
        self.shared.state().spoiled(lost);
    }

    /// The end of a segment holds none of what its index promised.
    fn spoiled(&self, segment: &Segment, from: u64, next: u64, place: &Place) {
        let first = place.next.max(from.min(next));
        if first < next {
            let at = place.time.unwrap_or(segment.from);
            let lost = Lost { first, last: next - 1, from: at, to: segment.to, reason: Missing::Other };
            self.shared.state().spoiled(lost);
        }
    }

    /// The collector has all below `next` for good. A smaller number than before means that it was set back to an older
    /// state. A number that was never given out means that this spool was: then the next record gets that number.
    pub fn acknowledge(&self, next: u64) {
        let synced = self.synced();
        if next > synced.saturating_add(MAX_SKIP) {
            tracing::error!(next, synced, "the collector's cursor cannot be right, it is not believed");
            return;
        }
        let mut state = self.shared.state();
        if next > synced && state.skip_to != Some(next) {
            tracing::error!(next, synced, "the collector has records that this spool has lost");
            state.skip_to = Some(next);
        }
        let before = std::mem::replace(&mut state.acknowledged, next);
        let crossed = state.segments.iter().any(|segment| before < segment.next && segment.next <= next);
        drop(state);
        if crossed {
            self.write_hint(next);
        }
    }

    fn write_hint(&self, next: u64) {
        let Shared { disk, seal, .. } = &*self.shared;
        if let Err(error) = write_number(disk.as_ref(), *seal, ACKNOWLEDGED, next) {
            // Without the hint some records are sent once more after a restart, which is harmless.
            tracing::debug!(%error, "cannot note how far the collector is");
        }
    }
}

impl Gathered {
    fn wants_more(&self) -> bool {
        !self.full && (self.records.is_empty() || self.bytes < self.max_bytes)
    }

    /// Does a record follow without a hole, and fit?
    fn takes(&self, sequence: u64, payload_bytes: usize) -> bool {
        match self.records.last() {
            Some(last) => last.sequence + 1 == sequence && self.bytes + payload_bytes <= self.max_bytes,
            None => true,
        }
    }

    fn push(&mut self, sequence: u64, time: Timestamp, payload: &[u8]) {
        if sequence >= self.from {
            self.bytes += payload.len();
            self.records.push(Record { sequence, time, payload: payload.to_vec() });
        }
    }
}

impl Clone for SpoolReader {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}

impl fmt::Debug for SpoolReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpoolReader").field("id", &self.shared.id).finish_non_exhaustive()
    }
}
