//! Writes a history into a spool.

use model::{SiteId, Timestamp};
use profile::Library;
use spool::{Spool, SpoolError};
use wire::{Payload, encode_payload, split_declaration};

use super::{Recorder, RecorderError};
use crate::world::World;

/// Records between two fsyncs: some megabytes, so that the uplink begins while the rest is still made.
const SYNC_EVERY: u64 = 500;

/// A span of a history with one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first instant, if it is a multiple of the period, else the next that is.
    pub from: Timestamp,
    /// The first instant after.
    pub to: Timestamp,
    /// From one sample to the next, in milliseconds.
    pub period_ms: u32,
}

impl Span {
    /// The spans of a history: quarter hours, and for the last `recent_ms` every ten seconds. The quarter hour at which
    /// the pace changes belongs to the second.
    pub fn of(from: Timestamp, to: Timestamp, recent_ms: i64) -> [Self; 2] {
        let change = to.plus_millis(-recent_ms).max(from).quarter().start();
        let [slow, fast] = [900_000, 10_000];
        [Self { from, to: change, period_ms: slow }, Self { from: change.max(from), to, period_ms: fast }]
    }

    /// Its instants.
    pub fn instants(self) -> impl Iterator<Item = Timestamp> {
        let period = i64::from(self.period_ms.max(1));
        let first =
            self.from.millis().div_euclid(period) + i64::from(self.from.millis().rem_euclid(period) != 0);
        let after = self.to.millis().div_euclid(period) + i64::from(self.to.millis().rem_euclid(period) != 0);
        (first..after).map(move |n| Timestamp::from_millis(n * period))
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Records, declarations and the like included.
    pub records: u64,
    /// Values and reasons.
    pub samples: u64,
}

/// Why a history cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The site cannot be recorded.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// The spool refuses.
    #[error("cannot spool the history of `{site}`")]
    Spool {
        /// Of which site.
        site: SiteId,
        /// Why.
        #[source]
        source: SpoolError,
    },
}

/// Writes the history of a site into its spool. Each span is a run of its own, as if the agent had been started with
/// another period.
#[derive(Debug)]
pub struct Writer<'w> {
    /// The world.
    pub world: &'w mut World,
    /// The profiles.
    pub library: &'w Library,
    /// The site.
    pub site: SiteId,
    /// The spool.
    pub spool: Spool,
}

impl Writer<'_> {
    /// Writes a span and syncs the spool.
    ///
    /// # Errors
    /// If the site is none of the world or the spool refuses.
    pub fn write(&mut self, span: Span) -> Result<Written, WriteError> {
        let recorder = Recorder::new(self.world, self.library, &self.site, span.period_ms, span.from)?;
        self.write_run(&recorder, span)
            .map_err(|source| WriteError::Spool { site: self.site.clone(), source })
    }

    fn write_run(&mut self, recorder: &Recorder, span: Span) -> Result<Written, SpoolError> {
        let mut instants = span.instants().peekable();
        let Some(first) = instants.peek().copied() else { return Ok(Written::default()) };
        let run = self.spool.next_sequence();
        let mut written = Written::default();
        let start = Payload::RunStart {
            run,
            agent_version: concat!("wattwacht-sim ", env!("CARGO_PKG_VERSION")).to_owned(),
            last_durable: None,
            clean_stop: true,
        };
        self.append(first, &[start], &mut written)?;
        let declarations = split_declaration(run, &recorder.series, &recorder.groups);
        self.append(first, &declarations, &mut written)?;
        let mut last = first;
        for time in instants {
            let samples = recorder.poll(self.world, time);
            written.samples += samples.polls.iter().map(|poll| poll.values.len() as u64).sum::<u64>();
            let payload = Payload::Samples { run, samples };
            let bytes = encode_payload(&payload);
            if self.spool.begins_segment(bytes.len()) {
                self.append(time, &declarations, &mut written)?;
            }
            self.append_bytes(time, &bytes, &mut written)?;
            last = time;
        }
        self.append(last, &[Payload::RunStop { run }], &mut written)?;
        self.spool.sync()?;
        Ok(written)
    }

    fn append(
        &mut self,
        time: Timestamp,
        payloads: &[Payload],
        written: &mut Written,
    ) -> Result<(), SpoolError> {
        payloads.iter().try_for_each(|payload| self.append_bytes(time, &encode_payload(payload), written))
    }

    fn append_bytes(
        &mut self,
        time: Timestamp,
        bytes: &[u8],
        written: &mut Written,
    ) -> Result<(), SpoolError> {
        self.spool.append(time, bytes)?;
        written.records += 1;
        if written.records.is_multiple_of(SYNC_EVERY) {
            self.spool.sync()?;
        }
        Ok(())
    }
}
