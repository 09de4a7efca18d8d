//! The closer's thread: looks into the inbox, reads what is new, makes checkpoints.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use model::Timestamp;
use store::{InboxId, InboxItem, Reader, Store, StoreError};
use wire::Payload;

use super::commit::{Commit, chunks};
use super::live::LiveTable;
use super::memory::{From, Memory};
use super::recount::Recount;
use super::saved::device_key;
use super::track::Touched;
use crate::Clock;
use crate::ingest::{RecordBusy, WriterHandle};

/// Inbox rows that are read at once: at most 64 MiB of bodies.
const ROWS: usize = 64;
/// Samples after which a checkpoint is made however little time has passed: some tens of MiB in memory.
const SAMPLES_MAX: usize = 2_000_000;
/// Shortest time between two checkpoints when little comes in.
const CHECKPOINT_MIN_MS: i64 = 60_000;
/// Longest time between two checkpoints.
const CHECKPOINT_MAX_MS: i64 = 600_000;
/// Each device adds this to the time between two checkpoints, because its open hour is written again at each: 10,000
/// devices then rewrite 50 MB every ten minutes.
const CHECKPOINT_DEVICE_MS: i64 = 60;
/// How often to look without being told.
const LOOK: Duration = Duration::from_secs(1);
/// Wait after the record could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// Why the closer cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The record.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer's thread.
    #[error(transparent)]
    Writer(#[from] RecordBusy),
    /// What was kept of an earlier life cannot be written.
    #[error("what is known of a spool cannot be written as JSON")]
    State(#[from] serde_json::Error),
    /// No thread.
    #[error("the system gives no thread")]
    Thread(#[source] std::io::Error),
}

/// Counts, for `/metrics`.
#[derive(Debug, Default)]
pub struct CloseCounters {
    /// Samples read from batches, missing ones included.
    pub samples: AtomicU64,
    /// Records whose payload could not be used.
    pub unusable: AtomicU64,
    /// Samples that were not taken because another agent holds their device.
    pub disputed: AtomicU64,
    /// Checkpoints made.
    pub checkpoints: AtomicU64,
    /// Inbox rows that wait.
    pub waiting: AtomicU64,
}

/// Tells the closer that there is something new; never waits.
#[derive(Debug, Clone)]
pub struct Wake(SyncSender<()>);

impl Wake {
    /// There is something new.
    pub fn wake(&self) {
        match self.0.try_send(()) {
            // Full means that it was told already; gone, that the program ends.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}

/// What one look into the inbox brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Inbox rows that were read.
    pub rows: usize,
}

type Writing = tokio::sync::oneshot::Receiver<Result<(), StoreError>>;

/// Reads the inbox and closes what it brings.
#[derive(Debug)]
pub struct Closer {
    pub(super) writer: WriterHandle,
    pub(super) reader: Reader,
    pub(super) memory: Memory,
    pub(super) live: Arc<LiveTable>,
    pub(super) clock: Clock,
    counters: Arc<CloseCounters>,
    position: InboxId,
    committed: InboxId,
    writing: Option<(Arc<Commit>, Option<Writing>)>,
    last_checkpoint: Timestamp,
    /// Is what earlier lives kept in memory already? Done at the first look, since it may have to wait for the writer.
    restored: bool,
}

impl Closer {
    /// Goes on where earlier lives ended.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn open(
        store: &Store,
        writer: WriterHandle,
        clock: Clock,
        live: Arc<LiveTable>,
        counters: Arc<CloseCounters>,
    ) -> Result<Self, CloseError> {
        let reader = store.reader()?;
        let position = reader.closer_position()?;
        let last_checkpoint = clock.now();
        let memory = Memory::default();
        Ok(Self {
            writer,
            reader,
            memory,
            live,
            clock,
            counters,
            position,
            committed: position,
            writing: None,
            last_checkpoint,
            restored: false,
        })
    }

    /// Runs in a thread of its own until told to stop; makes a last checkpoint then.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn(self, stop: Arc<AtomicBool>) -> Result<(Wake, std::thread::JoinHandle<()>), CloseError> {
        let (sender, told) = mpsc::sync_channel(1);
        let builder = std::thread::Builder::new().name("closer".to_owned());
        let thread = builder.spawn(move || self.run(&stop, &told)).map_err(CloseError::Thread)?;
        Ok((Wake(sender), thread))
    }

    fn run(mut self, stop: &AtomicBool, told: &Receiver<()>) {
        loop {
            let stopping = stop.load(Ordering::Acquire);
            let wait = match self.step(stopping) {
                Ok(Progress { rows: 0 }) => LOOK,
                Ok(_) => Duration::ZERO,
                Err(error) => {
                    tracing::error!(error = %crate::chain(&error), "the inbox cannot be worked off");
                    RETRY
                }
            };
            if stopping {
                return;
            }
            if !wait.is_zero() && told.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
                // Nobody is left who could bring something, but the stop is told by the flag.
                stop.store(true, Ordering::Release);
            }
        }
    }

    fn step(&mut self, stopping: bool) -> Result<Progress, CloseError> {
        let progress = self.look()?;
        if stopping {
            while self.look()?.rows > 0 {
                self.checkpoint_when_due()?;
            }
            self.checkpoint()?;
            self.settle()?;
        } else if progress.rows == 0 && self.memory.samples >= SAMPLES_MAX / 20 {
            // A backlog was just worked off: show it at once.
            self.checkpoint()?;
        } else {
            self.checkpoint_when_due()?;
        }
        Ok(progress)
    }

    /// Reads what is new in the inbox, at most some rows.
    ///
    /// # Errors
    /// If the record cannot be read, or a new declaration cannot be written.
    pub fn look(&mut self) -> Result<Progress, CloseError> {
        if !self.restored {
            self.restore()?;
            self.restored = true;
        }
        let items = self.reader.inbox_after(self.position, ROWS)?;
        let mut spools = HashSet::new();
        let before = self.memory.samples;
        for item in &items {
            self.batch(item)?;
            self.position = item.id;
            spools.insert(item.spool);
        }
        if !items.is_empty() {
            self.memory.publish(&self.live, &spools);
            let samples = self.memory.samples.saturating_sub(before);
            self.counters.samples.fetch_add(u64::try_from(samples).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.counters.disputed.store(self.memory.disputed, Ordering::Relaxed);
        }
        let waiting = if items.len() < ROWS { 0 } else { self.reader.inbox_load()?.batches };
        self.counters.waiting.store(waiting, Ordering::Relaxed);
        Ok(Progress { rows: items.len() })
    }

    /// A batch was checked as a whole when it was taken; what its records say is checked here.
    fn batch(&mut self, item: &InboxItem) -> Result<(), CloseError> {
        let batch = match wire::decode_batch(&item.body) {
            Ok(batch) => batch,
            Err(error) => {
                self.unusable(item, item.first, &error);
                return Ok(());
            }
        };
        for record in batch.records.iter().filter(|record| record.sequence >= item.first) {
            let from =
                From { spool: item.spool, agent: &item.agent, time: record.time, received: item.received };
            match wire::decode_payload(&record.payload) {
                Ok(payload) => self.payload(from, (item, record.sequence), payload)?,
                Err(error) => self.unusable(item, record.sequence, &error),
            }
        }
        Ok(())
    }

    fn payload(
        &mut self,
        from: From<'_>,
        (item, sequence): (&InboxItem, u64),
        payload: Payload,
    ) -> Result<(), CloseError> {
        let taken = match payload {
            Payload::Declaration { run, series, groups } => {
                match self.memory.wanted(from, run, (series, groups)) {
                    Ok(Some(wanted)) => self.declare(from, wanted)?,
                    Ok(None) => Ok(()),
                    Err(trouble) => Err(trouble),
                }
            }
            payload => self.memory.take(from, payload),
        };
        if let Err(trouble) = taken {
            self.unusable(item, sequence, &trouble);
        }
        Ok(())
    }

    fn unusable(&self, item: &InboxItem, sequence: u64, error: &(dyn std::error::Error + 'static)) {
        let before = self.counters.unusable.fetch_add(1, Ordering::Relaxed);
        // One broken agent must not fill the log: the first ones and then every thousandth.
        if before < 10 || before.is_multiple_of(1000) {
            let error = crate::chain(error);
            tracing::warn!(agent = %item.agent, sequence, error, "a record cannot be used");
        }
    }

    /// Makes a checkpoint if enough time has passed or enough waits in memory.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn checkpoint_when_due(&mut self) -> Result<(), CloseError> {
        let devices = i64::try_from(self.memory.devices.len()).unwrap_or(i64::MAX);
        let pause = devices.saturating_mul(CHECKPOINT_DEVICE_MS).clamp(CHECKPOINT_MIN_MS, CHECKPOINT_MAX_MS);
        let since = self.clock.now().millis_since(self.last_checkpoint);
        let due = self.position > self.committed && since >= pause;
        if due || self.memory.samples >= SAMPLES_MAX { self.checkpoint() } else { Ok(()) }
    }

    /// Makes what was read durable. Returns when it is handed to the writer's thread; the one before is then written.
    ///
    /// # Errors
    /// If the one before could not be written, which is then tried again first.
    pub fn checkpoint(&mut self) -> Result<(), CloseError> {
        self.settle()?;
        if self.position == self.committed {
            return Ok(());
        }
        let commit = Arc::new(self.commit()?);
        self.committed = self.position;
        self.last_checkpoint = commit.at;
        self.hand_over(commit)
    }

    /// Waits until the checkpoint under way is durable.
    ///
    /// # Errors
    /// If it could not be written; it is then tried again at the next call.
    pub fn settle(&mut self) -> Result<(), CloseError> {
        let Some((commit, writing)) = self.writing.take() else { return Ok(()) };
        let writing = match writing {
            Some(writing) => writing,
            // It failed before: once more.
            None => self.submit(&commit)?,
        };
        let written = writing.blocking_recv();
        self.written(commit, written)
    }

    fn written(
        &mut self,
        commit: Arc<Commit>,
        written: Result<Result<(), StoreError>, tokio::sync::oneshot::error::RecvError>,
    ) -> Result<(), CloseError> {
        match written {
            Ok(Ok(())) => {
                self.counters.checkpoints.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Ok(Err(error)) => {
                self.writing = Some((commit, None));
                Err(error.into())
            }
            Err(_) => Err(RecordBusy::Closed.into()),
        }
    }

    fn hand_over(&mut self, commit: Arc<Commit>) -> Result<(), CloseError> {
        let writing = self.submit(&commit)?;
        self.writing = Some((commit, Some(writing)));
        Ok(())
    }

    fn submit(&self, commit: &Arc<Commit>) -> Result<Writing, CloseError> {
        let work = Arc::clone(commit);
        Ok(self.writer.submit_blocking(move |writer| work.write(writer))?)
    }

    /// Takes everything out of memory that is to be written.
    fn commit(&mut self) -> Result<Commit, CloseError> {
        let memory = &mut self.memory;
        memory.expect_up_to_now();
        memory.samples = 0;
        let mut pending = std::mem::take(&mut memory.pending);
        let mut states = Vec::new();
        for id in &pending.spools {
            let Some(spool) = memory.spools.get_mut(id) else { continue };
            for group in spool.groups_mut() {
                let device = memory.devices[group.device].key;
                pending
                    .blocks
                    .extend(group.blocks().map(|(first, hours, block)| (device, first, hours, block)));
            }
            states.push((*id, serde_json::to_vec(&spool.saved())?));
        }
        let mut commit = Commit {
            at: self.clock.now(),
            through: Some(self.position),
            chunks: chunks(pending.blocks),
            states,
            plans: pending.plans,
            events: pending.events,
            gaps: pending.gaps,
            sightings: pending.sightings,
            disputes: pending.disputes.into_iter().collect(),
            ..Commit::default()
        };
        take_counts(memory, &mut commit)?;
        Ok(commit)
    }
}

fn take_counts(memory: &mut Memory, commit: &mut Commit) -> Result<(), CloseError> {
    for gauge in memory.gauges.iter_mut().filter(|gauge| gauge.touched == Touched::Yes) {
        let (spans, from_raw) = gauge.take();
        commit.gauges_from_raw.extend(from_raw);
        if !spans.is_empty() {
            let stored = spans.iter().map(|span| (span.quarter, span.stored())).collect();
            commit.gauges.push((gauge.series, stored));
        }
    }
    for device in &mut memory.devices {
        let losses = device.losses.take();
        if !losses.is_empty() {
            commit.losses.push((device.key, losses));
        }
        if !std::mem::take(&mut device.sent) {
            continue;
        }
        commit.claims.extend(device.agent.clone().map(|agent| (device.key, agent, device.agent_seen)));
        for place in &device.counters {
            let counter = &mut memory.counters[*place];
            if std::mem::take(&mut counter.touched) == Touched::No {
                continue;
            }
            commit.recounts.extend(counter.late.take().map(|(from, to)| Recount {
                series: counter.series,
                from,
                to,
            }));
            device.saved.carries.insert(counter.series.number(), counter.carry().clone());
            if !counter.done.is_empty() {
                commit.intervals.push((counter.series, std::mem::take(&mut counter.done)));
            }
            let found = std::mem::take(&mut counter.findings);
            if found.resets + found.rollovers + found.glitches + found.late > 0 {
                tracing::info!(
                    series = %counter.series, resets = found.resets, rollovers = found.rollovers,
                    glitches = found.glitches, late = found.late, "a register did more than rise"
                );
            }
        }
        commit.states.push((device_key(device.key), serde_json::to_vec(&device.saved)?));
    }
    Ok(())
}

#[cfg(test)]
impl Closer {
    /// What a kill between the two halves of a checkpoint leaves behind.
    pub(super) fn write_raw_and_die(mut self) {
        let commit = self.commit().unwrap();
        self.writer.work_blocking(move |writer| writer.put_chunks(&commit.chunks).unwrap()).unwrap();
    }
}
