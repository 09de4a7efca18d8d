//! What is found when a spool is opened.

use std::collections::VecDeque;

use model::{Missing, Timestamp};

use crate::disk::{Disk, read_whole};
use crate::files::{ACKNOWLEDGED, CLEAN, read_number, segment_name, segment_number};
use crate::lost::LostRanges;
use crate::record::{HEADER, Kind, Records, Seal};
use crate::shared::Segment;
use crate::types::{SpoolError, refused};
use crate::{Lost, Recovery};

/// Largest segment that is read; more cannot have been written: 128 MiB and what waited in memory for a sick disk.
pub(crate) const MAX_SEGMENT_BYTES: usize = 256 << 20;

/// What the files say, before anything is changed.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) segments: VecDeque<Segment>,
    /// Names of files that hold no good record.
    pub(crate) empty: Vec<String>,
    /// The newest segment ends in bytes that are no record: its name, and the length that is good.
    pub(crate) torn: Option<(String, u64)>,
    pub(crate) acknowledged: u64,
    /// Number after the last good record.
    pub(crate) after: u64,
    pub(crate) recovery: Recovery,
}

/// Reads every segment once.
pub(crate) fn survey(disk: &dyn Disk, seal: Seal) -> Result<Survey, SpoolError> {
    let names = disk.list().map_err(refused(disk, "list", ""))?;
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
    firsts.sort_unstable();
    let hint = read_number(disk, seal, ACKNOWLEDGED);
    let mut walk = Walk { acknowledged: hint.unwrap_or(0), ..Walk::default() };
    for (index, first) in firsts.iter().enumerate() {
        let limit = firsts.get(index + 1).copied();
        let name = segment_name(*first);
        let file = disk.open(&name).map_err(refused(disk, "open", &name))?;
        let bytes = read_whole(file.as_ref(), MAX_SEGMENT_BYTES).map_err(refused(disk, "read", &name))?;
        walk.segment(*first, limit, &bytes, seal);
    }
    if let Some(hint) = hint {
        walk.dropped_before(hint);
    }
    Ok(walk.finish(read_number(disk, seal, CLEAN)))
}

/// The way from the oldest segment to the newest.
#[derive(Debug, Default)]
struct Walk {
    acknowledged: u64,
    segments: VecDeque<Segment>,
    empty: Vec<String>,
    torn: Option<(String, u64)>,
    torn_bytes: u64,
    lost: LostRanges,
    /// Number and time after the last good record; `None` before the first.
    expected: Option<(u64, Timestamp)>,
}

impl Walk {
    /// Takes in one segment, whose records end where the next one begins.
    fn segment(&mut self, first: u64, limit: Option<u64>, bytes: &[u8], seal: Seal) {
        let mut found: Option<Segment> = None;
        let mut good_end = 0;
        let mut stopped = false;
        for record in Records::new(bytes, seal) {
            if limit.is_some_and(|limit| record.head.sequence >= limit) {
                stopped = true;
                break;
            }
            if record.head.kind == Kind::Start {
                self.start(first, record.payload);
            } else if self.takes(record.head.sequence, first) {
                self.data(&mut found, first, record.head.sequence, record.head.time);
            }
            good_end = record.end;
        }
        let segment = found.map(|segment| Segment { bytes: good_end as u64, ..segment });
        if limit.is_none() && !stopped {
            self.tail(first, good_end, bytes.len());
        }
        match segment {
            Some(segment) => self.segments.push_back(segment),
            None => self.empty.push(segment_name(first)),
        }
    }

    /// Numbers rise; one that does not is a leftover.
    fn takes(&self, sequence: u64, first: u64) -> bool {
        sequence >= first && self.expected.is_none_or(|(expected, _)| sequence >= expected)
    }

    /// The start record says which number would have followed: up to there numbers were used, past it they were not.
    fn start(&mut self, first: u64, payload: &[u8]) {
        let Some(after) = payload.first_chunk::<8>().map(|after| u64::from_le_bytes(*after)) else { return };
        if let Some((expected, time)) = self.expected.filter(|(expected, _)| *expected <= first) {
            self.hole(expected, after.min(first), time);
            self.expected = Some((first, time));
        }
    }

    fn data(&mut self, found: &mut Option<Segment>, first: u64, sequence: u64, time: Timestamp) {
        let expected = self.expected.map_or(first, |(expected, _)| expected);
        self.hole(expected, sequence, time);
        let next = sequence.saturating_add(1);
        self.expected = Some((next, time));
        match found {
            Some(segment) => (segment.next, segment.to) = (next, time),
            None => *found = Some(Segment { first, next, bytes: 0, from: time, to: time }),
        }
    }

    /// Notes that the numbers from `first` to before `end` are gone, unless the collector is past them.
    fn hole(&mut self, first: u64, end: u64, to: Timestamp) {
        let first = first.max(self.acknowledged);
        if let Some(last) = end.checked_sub(1).filter(|last| first <= *last) {
            let from = self.expected.map_or(to, |(_, time)| time);
            self.lost.push(Lost { first, last, from, to, reason: Missing::Other });
        }
    }

    /// What lay between the collector's cursor and the oldest segment was dropped over the cap. The life that did so may
    /// have ended before it could write that down.
    fn dropped_before(&mut self, acknowledged: u64) {
        let Some(oldest) = self.segments.front().filter(|oldest| oldest.first > acknowledged) else { return };
        let mut lost = LostRanges::default();
        lost.push(Lost {
            first: acknowledged,
            last: oldest.first - 1,
            from: oldest.from,
            to: oldest.from,
            reason: Missing::SpoolFull,
        });
        for later in self.lost.take() {
            lost.push(later);
        }
        self.lost = lost;
    }

    fn tail(&mut self, first: u64, good_end: usize, length: usize) {
        if good_end < length {
            self.torn = Some((segment_name(first), good_end as u64));
            self.torn_bytes = (length - good_end) as u64;
            // Bytes were written under the name of this number, so it may have been used.
            self.expected = self.expected.max(Some((first, Timestamp::MIN)));
        }
    }

    fn finish(mut self, clean: Option<u64>) -> Survey {
        let last_durable = self.segments.back().map(|segment| segment.to);
        let after_last = self.expected.map_or(0, |(next, _)| next);
        // A torn tail may have held whole records that a reader has seen before the disk spoiled them.
        let passed_over = self.torn_bytes / HEADER as u64;
        let told = self.acknowledged.max(clean.unwrap_or(0));
        let next_sequence = after_last.saturating_add(passed_over).max(told);
        let at = last_durable.unwrap_or_default();
        self.hole(after_last, told, at);
        if next_sequence > after_last.max(told) {
            let (first, last) = (after_last.max(told), next_sequence - 1);
            self.lost.push(Lost { first, last, from: at, to: at, reason: Missing::AgentDown });
        }
        let nothing = self.segments.is_empty() && self.torn.is_none() && told == 0;
        let recovery = Recovery {
            next_sequence,
            last_durable,
            clean_stop: nothing || (clean == Some(after_last) && self.torn.is_none()),
            torn_bytes: self.torn_bytes,
            lost: self.lost.take(),
        };
        let Self { segments, empty, torn, acknowledged, .. } = self;
        Survey { segments, empty, torn, acknowledged, after: after_last, recovery }
    }
}
