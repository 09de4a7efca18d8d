//! A poll group: the columns of its polls and where each of them goes.

use accounting::{Output, Reading, RegisterSpec};
use model::{Encoding, Missing, Poll, PollGroup, Raw, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Block, BlockBuilder, Day, Hour, SeriesId, ShapeError};

use super::bucket::Bucket;
use super::losses::{Losses, last_due};
use super::track::{CounterTrack, GaugeTrack, Scale};

/// Up to when what was due of a group has come, values or reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Came {
    /// Nothing has since it was declared.
    Nothing {
        /// When that was.
        since: Timestamp,
    },
    /// Everything before this instant.
    UpTo(Timestamp),
}

impl Came {
    /// What is due from here on has not come.
    pub(super) const fn to(self) -> Timestamp {
        match self {
            Self::Nothing { since } => since,
            Self::UpTo(to) => to,
        }
    }
}

/// Where the values of a column are counted; the number is a place in the closer's list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counted {
    Counter(usize, RegisterSpec),
    Gauge(usize, Scale),
    /// States are kept as samples only.
    Not,
}

/// A column whose series is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) series: SeriesId,
    pub(super) version: u16,
    pub(super) encoding: Encoding,
    pub(super) counted: Counted,
}

/// The samples of a group over the hours of one chunk.
#[derive(Debug)]
struct Open {
    bucket: Bucket,
    builder: BlockBuilder,
}

/// A poll group of a run.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) plan: PollGroup,
    /// Place of its device in the closer's list.
    pub(super) device: usize,
    columns: Vec<Column>,
    /// Places of the columns in a poll; `None` where all are known and in order, which is the rule.
    places: Option<Vec<usize>>,
    width: usize,
    hours: u8,
    open: Vec<Open>,
    /// Up to when what was due is counted as expected.
    pub(super) counted_to: Timestamp,
    /// Up to when what was due has come.
    pub(super) came: Came,
    /// The latest poll.
    pub(super) last: Option<(Timestamp, Vec<Result<Raw, Missing>>)>,
}

/// What one poll brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Took {
    /// So many samples, missing ones included.
    Samples(usize),
    /// Not as many values as the group has series.
    Width,
    /// An instant that no key can hold.
    Instant,
}

/// Lists of the closer that a poll is counted into.
#[derive(Debug)]
pub(super) struct Into<'m> {
    pub(super) counters: &'m mut [CounterTrack],
    pub(super) gauges: &'m mut [GaugeTrack],
    pub(super) losses: &'m mut Losses,
    pub(super) scratch: &'m mut Output,
}

impl Group {
    /// A group whose columns are `known`, in the order of its series; `None` for a series that has no descriptor.
    pub(super) fn new(plan: PollGroup, device: usize, known: &[Option<Column>], hours: u8) -> Self {
        let columns: Vec<Column> = known.iter().flatten().copied().collect();
        let all = columns.len() == known.len();
        let places = known.iter().enumerate().filter_map(|(place, column)| column.map(|_| place));
        let places = if all { None } else { Some(places.collect()) };
        let width = known.len();
        let counted_to = Timestamp::MIN;
        let came = Came::Nothing { since: Timestamp::MIN };
        Self { plan, device, columns, places, width, hours, open: Vec::new(), counted_to, came, last: None }
    }

    /// Its known columns, in order.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Takes one poll.
    pub(super) fn take(&mut self, mut poll: Poll, into: &mut Into<'_>) -> Took {
        if poll.values.len() != self.width {
            return Took::Width;
        }
        if let Some(places) = &self.places {
            poll.values = places.iter().map(|place| poll.values[*place]).collect();
        }
        let Some(open) = self.block(poll.time) else { return Took::Instant };
        if open.builder.push(poll.time, &poll.values) == Err(ShapeError::Full) {
            // A block holds a day at four polls a second; what is faster goes on in the next one.
            let bucket = open.bucket;
            self.begin(bucket);
            return self.take(poll, into);
        }
        self.came(poll.time, into.losses);
        self.count(&poll, into);
        let samples = poll.values.len();
        if self.last.as_ref().is_none_or(|(last, _)| *last <= poll.time) {
            self.last = Some((poll.time, poll.values));
        }
        Took::Samples(samples)
    }

    /// Notes that a poll came. What was due between the declaration and the first one did not come because the agent
    /// was still getting ready.
    fn came(&mut self, time: Timestamp, losses: &mut Losses) {
        if let Came::Nothing { since } = self.came {
            let span = (since, last_due(&self.plan, time));
            if let Err(error) = losses.expect(&self.plan, span, Some(Missing::AgentDown)) {
                tracing::warn!(%error, "what was due before the first poll cannot be counted");
            }
        }
        self.came = Came::UpTo(self.came.to().max(time.plus_millis(1)));
    }

    /// The block of an instant. Polls come in order but for a few around the turn of an hour, so the last one fits.
    fn block(&mut self, time: Timestamp) -> Option<&mut Open> {
        if self.open.last().is_none_or(|open| !open.bucket.holds(time)) {
            match self.open.iter().rposition(|open| open.bucket.holds(time)) {
                Some(place) => {
                    let open = self.open.remove(place);
                    self.open.push(open);
                }
                None => self.begin(Bucket::of(time, self.hours).ok()?),
            }
        }
        self.open.last_mut()
    }

    fn begin(&mut self, bucket: Bucket) {
        let shape: Vec<_> = self.columns.iter().map(|one| (one.series, one.version, one.encoding)).collect();
        self.open.push(Open { bucket, builder: BlockBuilder::new(&shape) });
    }

    fn count(&self, poll: &Poll, into: &mut Into<'_>) {
        let quarter = poll.time.quarter();
        let mut received = 0;
        for (column, value) in self.columns.iter().zip(&poll.values) {
            let Ok(raw) = *value else { continue };
            received += 1;
            match column.counted {
                Counted::Counter(place, spec) => {
                    into.counters[place].push(Reading::new(poll.time, raw), &spec, into.scratch);
                }
                Counted::Gauge(place, scale) => into.gauges[place].push(quarter, scale.apply(raw)),
                Counted::Not => {}
            }
        }
        // Days that no key can hold have no block either, so they never come here.
        let Ok(day) = Day::of(poll.time) else { return };
        let statement = into.losses.of(day);
        statement.received += received;
        if received != u64::try_from(poll.values.len()).unwrap_or(u64::MAX) {
            for reason in poll.values.iter().filter_map(|value| value.err()) {
                *statement.missing.entry(reason).or_default() += 1;
            }
        }
    }

    /// Hands over the blocks of samples that were collected, each with the hours of its chunk.
    pub(super) fn blocks(&mut self) -> impl Iterator<Item = (Hour, u8, Block)> + '_ {
        self.open.drain(..).map(|open| (open.bucket.first, open.bucket.hours, open.builder.finish()))
    }
}
