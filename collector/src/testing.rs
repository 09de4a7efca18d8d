//! What tests of several modules need: a record in a folder of its own, an agent that sends, certificates.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;

use model::{
    AgentId, Channel, DeviceId, Encoding, Missing, Poll, PollGroup, Quantity, Raw, Samples, SeriesDescriptor,
    Side, SiteId, SpoolId, Timestamp,
};
use store::{AgentKey, GapPolicy, Options, Outcome, ReceivedBatch, Sighting, Store};
use wire::{Batch, Payload, Record};

use crate::Clock;
use crate::close::{CloseCounters, Closer, LiveTable};
use crate::ingest::{Incoming, WriterHandle, start_writer};

/// A clock that is set by hand.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.millis())))
    }

    pub(crate) fn set(&self, time: Timestamp) {
        self.0.store(time.millis(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let millis = Arc::clone(&self.0);
        Clock::new(move || Timestamp::from_millis(millis.load(Ordering::SeqCst)))
    }
}

/// A record with its writer, and a closer that is driven by hand.
pub(crate) struct Rig {
    pub(crate) store: Store,
    pub(crate) writer: WriterHandle,
    pub(crate) live: Arc<LiveTable>,
    pub(crate) counters: Arc<CloseCounters>,
    pub(crate) clock: HandClock,
    thread: Option<JoinHandle<()>>,
    pub(crate) dir: Arc<tempfile::TempDir>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()))
    }

    /// On a folder that may hold a record already.
    pub(crate) fn on(dir: Arc<tempfile::TempDir>) -> Self {
        let store = Store::open(dir.path(), Options::default()).unwrap();
        let (writer, thread) = start_writer(store.writer().unwrap()).unwrap();
        let clock = HandClock::at(Timestamp::from_seconds(1_800_000_000));
        Self {
            store,
            writer,
            live: Arc::default(),
            counters: Arc::default(),
            clock,
            thread: Some(thread),
            dir,
        }
    }

    pub(crate) fn closer(&self) -> Closer {
        let (live, counters) = (Arc::clone(&self.live), Arc::clone(&self.counters));
        Closer::open(&self.store, self.writer.clone(), self.clock.clock(), live, counters).unwrap()
    }

    /// Ends this process' life without a last word, and begins the next on the same folder.
    pub(crate) fn restart(self) -> Self {
        let Self { store, writer, mut thread, dir, clock, .. } = self;
        drop(writer);
        thread.take().unwrap().join().unwrap();
        drop(store);
        Self { clock, ..Self::on(dir) }
    }

    /// Stores a batch as the door would.
    pub(crate) fn ingest(&self, agent: &AgentKey, batch: &Batch) -> Outcome {
        let at = self.clock.clock().now();
        let incoming = Incoming {
            batch: ReceivedBatch {
                agent: agent.clone(),
                spool: batch.spool,
                first: batch.first,
                last: batch.last,
                checksums: batch.records.iter().map(|record| crc32c::crc32c(&record.payload)).collect(),
                received: at,
                gap: GapPolicy::Refuse,
                body: wire::encode_batch(batch),
            },
            gap_from: batch.gap_from,
            sighting: Sighting { key: agent.clone(), at, version: None, certificate: None },
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.writer.ingest(incoming)).unwrap()
    }
}

/// Everything that waits goes through the closer and is durable afterwards.
pub(crate) fn close_all(closer: &mut Closer) {
    while closer.look().unwrap().rows > 0 {}
    closer.checkpoint().unwrap();
    closer.settle().unwrap();
}

/// An agent with one spool that numbers its records.
pub(crate) struct Feed {
    pub(crate) agent: AgentKey,
    pub(crate) spool: SpoolId,
    pub(crate) next: u64,
    pub(crate) run: u64,
}

pub(crate) fn agent_key(site: &str, agent: &str) -> AgentKey {
    AgentKey { site: SiteId::new(site).unwrap(), agent: AgentId::new(agent).unwrap() }
}

impl Feed {
    pub(crate) fn new(site: &str, agent: &str, spool: u8) -> Self {
        Self { agent: agent_key(site, agent), spool: SpoolId::from_bytes([spool; 16]), next: 0, run: 0 }
    }

    /// A batch of the next records.
    pub(crate) fn batch(&mut self, records: impl IntoIterator<Item = (Timestamp, Payload)>) -> Batch {
        let first = self.next;
        let records: Vec<Record> = records
            .into_iter()
            .map(|(time, payload)| {
                let sequence = self.next;
                self.next += 1;
                Record { sequence, time, payload: wire::encode_payload(&payload) }
            })
            .collect();
        let last = self.next - 1;
        Batch { schema: wire::SCHEMA, spool: self.spool, first, last, gap_from: None, records }
    }

    /// The start of a run and what it declares.
    pub(crate) fn opening(
        &mut self,
        at: Timestamp,
        series: Vec<SeriesDescriptor>,
        groups: Vec<PollGroup>,
    ) -> Batch {
        self.run = self.next;
        let run = self.run;
        let start =
            Payload::RunStart { run, agent_version: "1.2.3".into(), last_durable: None, clean_stop: false };
        self.batch([(at, start), (at, Payload::Declaration { run, series, groups })])
    }

    pub(crate) fn poll(&self, group: u32, time: Timestamp, values: &[Raw]) -> (Timestamp, Payload) {
        let values: Vec<Result<Raw, Missing>> = values.iter().copied().map(Ok).collect();
        let samples = Samples { polls: vec![Poll { group, time, values }] };
        (time, Payload::Samples { run: self.run, samples })
    }
}

pub(crate) fn series(number: u32, device: &str, quantity: Quantity, channel: &str) -> SeriesDescriptor {
    SeriesDescriptor {
        number,
        device: DeviceId::new(device).unwrap(),
        quantity,
        channel: Channel::new(channel).unwrap(),
        encoding: Encoding::Integer,
        exponent: 0,
        wraps_at: None,
        resolution: 1,
        side: Side::Primary,
        profile: None,
        profile_hash: None,
        source: "fc3 0 u32".into(),
    }
}

pub(crate) fn group(number: u32, device: &str, period_s: u32, series: &[u32]) -> PollGroup {
    PollGroup {
        number,
        device: DeviceId::new(device).unwrap(),
        period_ms: period_s * 1000,
        offset_ms: 0,
        series: series.to_vec(),
    }
}
