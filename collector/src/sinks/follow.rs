//! One sink: what it was never told, then every change.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use influx::{AnyTransport, Observer, Setback, Transport, Writer};
use line::Encoder;
use model::{SinkId, SiteId, Timestamp};
use store::{
    Change, ChangeSeq, Changed, Chunk, ChunkKey, Day, IntervalSubject, Quarantined, Reader, SinkCursor,
    StoreError,
};

use super::intervals::SentDays;
use super::lines::{Owner, descriptors, encode};
use crate::config::Sink;
use crate::facts::{Context, FactsError};
use crate::service::Surroundings;

/// Changes that are read at once. Each is at most a device-day or a site-day of lines.
const CHANGES: usize = 256;
/// Chunks of the past that are sent between two looks at the clock.
const PAST: usize = 256;
/// How often to look for changes.
const LOOK: Duration = Duration::from_secs(2);
/// Wait after the record could not be read, or the sink not be connected.
const RETRY: Duration = Duration::from_secs(10);
/// Chunks whose end is remembered, so that an hour is not sent anew with each of its minutes. Open are as many as there
/// are devices.
const REMEMBERED_MAX: usize = 100_000;

/// Why a sink does not move on.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Facts(#[from] FactsError),
    #[error(transparent)]
    Writer(#[from] crate::ingest::RecordBusy),
    #[error("the work was cut off")]
    Cut(#[from] tokio::task::JoinError),
}

/// Follows the record for ever.
pub(super) async fn follow(around: Surroundings, sink: Sink) {
    let transport = connected(&sink).await;
    let mut follower = Follower::new(around, sink, transport);
    loop {
        match follower.step().await {
            Ok(0) => tokio::time::sleep(LOOK).await,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(sink = %follower.sink, error = %crate::chain(&error), "a sink does not move on");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn connected(sink: &Sink) -> AnyTransport {
    let mut told = false;
    loop {
        match influx::connect(&sink.influx).await {
            Ok((transport, generation)) => {
                tracing::info!(sink = %sink.id, ?generation, "sink connected");
                return transport;
            }
            Err(error) if !told => {
                told = true;
                tracing::warn!(sink = %sink.id, error = %crate::chain(&error), "sink not connected, trying on");
            }
            Err(error) => tracing::debug!(sink = %sink.id, %error, "sink not connected"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// How much of a chunk was sent.
#[derive(Debug, Clone, Copy)]
struct SentChunk {
    last: Timestamp,
    /// Samples with a time up to `last`; if there are more by now, late ones came in between.
    samples: usize,
}

/// What is needed to turn changes into lines; moves to a thread that may block and back.
#[derive(Debug, Default)]
struct Memory {
    chunks: HashMap<ChunkKey, SentChunk>,
    days: SentDays,
}

/// What is to be sent, and what to remember once it was.
struct Prepared {
    text: String,
    through: Option<ChangeSeq>,
    changes: usize,
}

struct Follower<T> {
    around: Surroundings,
    sink: SinkId,
    writer: Writer<T>,
    memory: Option<Memory>,
    notes: Notes,
}

/// What the writer met.
#[derive(Default)]
struct Notes {
    sink: String,
    refused: Vec<(String, String)>,
    down: bool,
}

impl Observer for Notes {
    fn quarantined(&mut self, line: &str, why: &str) {
        self.refused.push((line.to_owned(), why.to_owned()));
    }

    fn setback(&mut self, setback: &Setback) {
        if !self.down {
            let Setback { denied, text, .. } = setback;
            tracing::warn!(sink = self.sink, ?denied, text, "a sink takes nothing for now; nothing is lost");
        }
        self.down = true;
    }

    fn stored(&mut self) {
        if std::mem::take(&mut self.down) {
            tracing::info!(sink = self.sink, "a sink takes data again");
        }
    }
}

impl<T: Transport> Follower<T> {
    fn new(around: Surroundings, sink: Sink, transport: T) -> Self {
        let notes = Notes { sink: sink.id.to_string(), ..Notes::default() };
        let writer = Writer::new(transport);
        Self { around, sink: sink.id, writer, memory: Some(Memory::default()), notes }
    }

    /// Sends what changed; says how many changes that were.
    async fn step(&mut self) -> Result<usize, FollowError> {
        let sink = self.sink.clone();
        let reader = self.around.store.reader()?;
        let cursor = match reader.sink_cursor(&sink)? {
            Some(cursor) => cursor,
            None => self.fill().await?,
        };
        let prepared = self
            .prepare(move |memory, reader, context| {
                let changes = reader.change_after(cursor.position, CHANGES)?;
                let mut encoder = Encoder::new();
                memory.encode(&mut encoder, reader, context, &changes)?;
                let through = changes.last().map(|change| change.seq);
                Ok(Prepared { text: encoder.take(), through, changes: changes.len() })
            })
            .await?;
        self.send(&prepared.text).await?;
        if let Some(position) = prepared.through {
            self.advance(SinkCursor { generation: cursor.generation, position }).await?;
        }
        Ok(prepared.changes)
    }

    /// A new sink: everything that is in the record now, before it follows.
    async fn fill(&mut self) -> Result<SinkCursor, FollowError> {
        let position = self.around.store.reader()?.last_change()?;
        tracing::info!(sink = %self.sink, "a new sink is filled from the record");
        for month in self.around.store.months()? {
            let mut after = None;
            loop {
                let keys = self.around.store.reader()?.chunk_keys(month, after, PAST)?;
                let Some(last) = keys.last().copied() else { break };
                after = Some(last);
                let prepared = self.prepare(move |memory, reader, context| {
                    let mut encoder = Encoder::new();
                    for key in keys {
                        memory.encode_chunk(&mut encoder, reader, context, key)?;
                    }
                    Ok(Prepared { text: encoder.take(), through: None, changes: 0 })
                });
                let prepared = prepared.await?;
                self.send(&prepared.text).await?;
            }
        }
        self.fill_intervals().await?;
        let cursor = SinkCursor { generation: 0, position };
        self.advance(cursor).await?;
        Ok(cursor)
    }

    async fn fill_intervals(&mut self) -> Result<(), FollowError> {
        for (site, first, last) in spans(&self.around)? {
            for day in first.index()..=last.index() {
                let site = site.clone();
                let prepared = self.prepare(move |memory, reader, context| {
                    let mut encoder = Encoder::new();
                    if let Some(entry) = context.sites.get(&site) {
                        memory.days.encode(&mut encoder, reader, (entry, Day::from_index(day.into())?))?;
                    }
                    Ok(Prepared { text: encoder.take(), through: None, changes: 0 })
                });
                let prepared = prepared.await?;
                self.send(&prepared.text).await?;
            }
        }
        Ok(())
    }

    /// Reads the record and encodes, on a thread that may block.
    async fn prepare(
        &mut self,
        work: impl FnOnce(&mut Memory, &Reader, &Context) -> Result<Prepared, FollowError> + Send + 'static,
    ) -> Result<Prepared, FollowError> {
        let around = self.around.clone();
        let mut memory = self.memory.take().unwrap_or_default();
        let done = tokio::task::spawn_blocking(move || {
            let result = (|| {
                let reader = around.store.reader()?;
                let context = Context::load(&reader, &around.config.factor_sets)?;
                work(&mut memory, &reader, &context)
            })();
            (memory, result)
        });
        let (memory, result) = done.await?;
        if result.is_ok() {
            self.memory = Some(memory);
        }
        result
    }

    async fn send(&mut self, text: &str) -> Result<(), FollowError> {
        let written = self.writer.write(text, &mut self.notes).await;
        tracing::debug!(sink = %self.sink, ?written, "sent");
        if self.notes.refused.is_empty() {
            return Ok(());
        }
        let (refused, at) = (std::mem::take(&mut self.notes.refused), self.around.clock.now());
        tracing::warn!(sink = %self.sink, lines = refused.len(), "a sink refuses lines for what they are");
        let sink = self.sink.clone();
        let kept = self.around.writer.work(move |writer| {
            writer.transaction(|tx| {
                refused.into_iter().try_for_each(|(line, error)| {
                    tx.quarantine(&Quarantined { sink: sink.clone(), line, error, at })
                })
            })
        });
        Ok(kept.await??)
    }

    async fn advance(&self, cursor: SinkCursor) -> Result<(), FollowError> {
        let sink = self.sink.clone();
        let moved =
            self.around.writer.work(move |writer| writer.transaction(|tx| tx.set_sink_cursor(&sink, cursor)));
        if !moved.await?? {
            tracing::info!(sink = %self.sink, "the sink was reset meanwhile and begins anew");
        }
        Ok(())
    }
}

/// First and last day of which a site has quarter-hour values.
fn spans(around: &Surroundings) -> Result<Vec<(SiteId, Day, Day)>, FollowError> {
    let reader = around.store.reader()?;
    let context = Context::load(&reader, &around.config.factor_sets)?;
    let mut spans = Vec::new();
    for (site, entry) in &context.sites {
        let mut whole: Option<(Day, Day)> = None;
        let mut subjects = Vec::new();
        for key in entry.topology.series() {
            let found = reader.find_series(site, &key.device, key.quantity, &key.channel)?;
            subjects.extend(found.map(|series| IntervalSubject::Register(series.id)));
        }
        for (point, _) in reader.imported_points(site)? {
            subjects.push(IntervalSubject::MeterPoint { site: site.clone(), point });
        }
        for subject in subjects {
            let Some(id) = reader.find_interval_series(&subject)? else { continue };
            let Some((first, last)) = reader.interval_span(id)? else { continue };
            whole = Some(whole.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
        }
        spans.extend(whole.map(|(first, last)| (site.clone(), first, last)));
    }
    Ok(spans)
}

impl Memory {
    fn encode(
        &mut self,
        encoder: &mut Encoder,
        reader: &Reader,
        context: &Context,
        changes: &[Change],
    ) -> Result<(), FollowError> {
        let mut chunks = BTreeSet::new();
        let mut days: BTreeSet<(SiteId, Day)> = BTreeSet::new();
        for change in changes {
            match change.what {
                Changed::Chunk { device, first } => {
                    chunks.insert(ChunkKey { device, first });
                }
                Changed::Intervals { series, day, .. } => {
                    let site = match reader.interval_subject(series)? {
                        IntervalSubject::MeterPoint { site, .. } => Some(site),
                        IntervalSubject::Register(id) => reader.series_by_id(id)?.map(|series| series.site),
                    };
                    days.extend(site.map(|site| (site, day)));
                }
                Changed::Document { .. } | Changed::Report { .. } => {}
            }
        }
        for key in chunks {
            self.encode_chunk(encoder, reader, context, key)?;
        }
        for (site, day) in days {
            if let Some(entry) = context.sites.get(&site) {
                self.days.encode(encoder, reader, (entry, day))?;
            }
        }
        Ok(())
    }

    fn encode_chunk(
        &mut self,
        encoder: &mut Encoder,
        reader: &Reader,
        context: &Context,
        key: ChunkKey,
    ) -> Result<(), FollowError> {
        let (Some(chunk), Some(device)) = (reader.chunk(key)?, reader.device_by_key(key.device)?) else {
            return Ok(());
        };
        let topology = context.sites.get(&device.site).map(|entry| &entry.topology);
        let owner = Owner { site: &device.site, device: &device.id, topology };
        let descriptors = descriptors(reader, &chunk)?;
        let known = self.chunks.get(&key);
        let after = known.filter(|known| samples_to(&chunk, known.last) == known.samples);
        let after = after.map_or(Timestamp::MIN, |known| known.last);
        encode(encoder, &chunk, (owner, &descriptors), after);
        if self.chunks.len() >= REMEMBERED_MAX {
            self.chunks.clear();
        }
        let last = chunk.blocks.iter().filter_map(|block| block.times.last()).max();
        if let Some(last) = last.map(|time| Timestamp::from_millis(*time)) {
            self.chunks.insert(key, SentChunk { last, samples: samples_to(&chunk, last) });
        }
        Ok(())
    }
}

/// Samples with a value up to an instant.
fn samples_to(chunk: &Chunk, last: Timestamp) -> usize {
    let rows = |block: &store::Block| {
        let rows = block.times.partition_point(|time| *time <= last.millis());
        let there = |column: &store::Column| column.rows().take(rows).flatten().count();
        block.columns.iter().map(there).sum::<usize>()
    };
    chunk.blocks.iter().map(rows).sum()
}
