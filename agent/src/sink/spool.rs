//! Writes what was polled into the spool: one record and one sync for each second in which something was polled.
//!
//! Invariant: whichever part of the spool survives from some segment on, the declarations that explain its samples are
//! in it, because every segment begins with them.

mod declared;

use std::path::Path;

use model::{Event, EventKind, PollGroup, Samples, SeriesDescriptor, Severity, Timestamp};
use spool::{Lost, Options, Recovery, Spool, SpoolError, SpoolReader};
use wire::{Payload, encode_payload, split_declaration};

use self::declared::Declared;
use super::Sink;
use crate::chain::Chain;
use crate::poll::{Message, Plan};

/// Segments of 16 MiB, or a quarter of a small cap, so that one can go while another is written.
const SEGMENT_BYTES_USUAL: u64 = 16 << 20;

/// Why the spool cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SpoolSinkError {
    /// The spool refused.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Writes into a spool.
#[derive(Debug)]
pub struct SpoolSink {
    spool: Spool,
    run: u64,
    /// What was declared, as every segment repeats it.
    declared: Declared,
    /// The time of the last record, for those that have none of their own.
    last: Timestamp,
    /// The latest that was dated so; a plan that was learned late is dated back.
    newest: Timestamp,
    in_trouble: bool,
}

impl SpoolSink {
    /// Opens the spool in `dir`, begins a run at `now`, and declares what is known.
    ///
    /// # Errors
    /// If the spool cannot be opened or written.
    pub fn open(dir: &Path, cap_bytes: u64, plan: &Plan, now: Timestamp) -> Result<Self, SpoolSinkError> {
        let segment_bytes = SEGMENT_BYTES_USUAL.min(cap_bytes / 4);
        let options = Options { cap_bytes, segment_bytes, ..Options::default() };
        let (spool, recovery) = Spool::open(dir, options)?;
        let run = spool.next_sequence();
        let mut sink =
            Self { spool, run, declared: Declared::default(), last: now, newest: now, in_trouble: false };
        sink.begin(&recovery, plan)?;
        Ok(sink)
    }

    fn begin(&mut self, recovery: &Recovery, plan: &Plan) -> Result<(), SpoolSinkError> {
        let start = Payload::RunStart {
            run: self.run,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            last_durable: recovery.last_durable,
            clean_stop: recovery.clean_stop,
        };
        tracing::info!(
            run = self.run,
            clean_stop = recovery.clean_stop,
            torn_bytes = recovery.torn_bytes,
            "run begins"
        );
        // By itself, whatever segment it begins: the run is named after it, and the declarations follow at once.
        self.append_bytes(&encode_payload(&start))?;
        for lost in &recovery.lost {
            self.append(&gap(lost))?;
        }
        self.declare(&plan.series, &plan.groups)?;
        self.spool.sync()?;
        Ok(())
    }

    /// A handle to read what was written.
    pub fn reader(&self) -> SpoolReader {
        self.spool.reader()
    }

    fn declare(&mut self, series: &[SeriesDescriptor], groups: &[PollGroup]) -> Result<(), SpoolError> {
        let mut result = Ok(());
        for part in split_declaration(self.run, series, groups) {
            let bytes = encode_payload(&part);
            result = result.and_then(|()| self.append_encoded(&bytes));
            // Also what cannot be written now: the next segment repeats it.
            self.declared.keep(&bytes);
        }
        result
    }

    fn append(&mut self, payload: &Payload) -> Result<(), SpoolError> {
        self.append_encoded(&encode_payload(payload))
    }

    fn append_encoded(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        if self.spool.begins_segment(bytes.len()) {
            self.repeat_declarations()?;
        }
        self.append_bytes(bytes)
    }

    fn repeat_declarations(&mut self) -> Result<(), SpoolError> {
        // What a new segment repeats holds from now on, also where the record that begins it is dated back.
        let at = std::mem::replace(&mut self.last, self.newest);
        let declared = std::mem::take(&mut self.declared);
        let result = declared.payloads().try_for_each(|bytes| self.append_bytes(&bytes));
        (self.declared, self.last) = (declared, at);
        result
    }

    fn append_bytes(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let mut gaps = self.spool.append(self.last, bytes)?.lost;
        // A gap is a record itself and may make room again; each round has fewer of them, since gaps are tiny.
        while let Some(lost) = gaps.pop() {
            tracing::error!(first = lost.first, last = lost.last, reason = %lost.reason, "records are lost");
            gaps.extend(self.spool.append(self.last, &encode_payload(&gap(&lost)))?.lost);
        }
        Ok(())
    }

    fn samples(&mut self, samples: Samples) -> Result<(), SpoolError> {
        let payload = Payload::Samples { run: self.run, samples };
        match self.append(&payload) {
            Err(SpoolError::TooBig { .. }) => {}
            done => return done,
        }
        let Payload::Samples { samples: Samples { mut polls }, .. } = payload else { return Ok(()) };
        if polls.len() < 2 {
            tracing::error!(polls = polls.len(), "a single poll is too big for a record and is lost");
            return Ok(());
        }
        let second = polls.split_off(polls.len() / 2);
        self.samples(Samples { polls })?;
        self.samples(Samples { polls: second })
    }

    fn dated(&mut self, at: Timestamp) {
        self.last = at;
        self.newest = self.newest.max(at);
    }

    fn write(&mut self, message: Message) -> Result<(), SpoolError> {
        match message {
            Message::Samples(second, samples) => {
                self.dated(second.plus_millis(1000));
                self.samples(samples)
            }
            Message::Declare(at, series, groups) => {
                self.last = at;
                self.declare(&series, &groups)
            }
            Message::Event(at, event) => {
                self.dated(at);
                self.append(&Payload::Event(event))
            }
            Message::ClockStep(before, after) => {
                (self.last, self.newest) = (after, after);
                self.append(&Payload::ClockStep { before, after })
            }
        }
    }

    /// Logs trouble once when it begins and once when it is over.
    fn note(&mut self, result: Result<(), SpoolError>) {
        match result {
            Ok(()) if std::mem::take(&mut self.in_trouble) => {
                tracing::info!("the spool can be written again");
                let text = "the spool could not be written for a while; what was lost is recorded as gaps"
                    .to_owned();
                let event = Event {
                    time: self.last,
                    device: None,
                    kind: EventKind::Other,
                    severity: Severity::Warning,
                    text,
                };
                if let Err(error) = self.append(&Payload::Event(event)) {
                    self.note(Err(error));
                }
            }
            Ok(()) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.in_trouble, true) {
                    tracing::error!(error = %Chain(&error), "the spool cannot be written");
                }
            }
        }
    }
}

impl Sink for SpoolSink {
    fn take(&mut self, message: Message) {
        let result = self.write(message);
        if result.is_err() {
            self.note(result);
        }
    }

    fn settle(&mut self) {
        let result = self.spool.sync();
        self.note(result);
    }

    fn close(mut self: Box<Self>) {
        let stop = Payload::RunStop { run: self.run };
        let result = self.append(&stop).and_then(|()| self.spool.close());
        match result {
            Ok(()) => tracing::info!("run ends, the spool is synced"),
            Err(error) => tracing::error!(error = %Chain(&error), "cannot close the spool"),
        }
    }
}

fn gap(lost: &Lost) -> Payload {
    Payload::Gap { first: lost.first, last: lost.last, from: lost.from, to: lost.to, reason: lost.reason }
}

#[cfg(test)]
mod tests;
