//! The loop: ask, send, acknowledge, wait.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use spool::SpoolReader;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::backoff::Backoff;
use crate::batcher::{Batcher, Prepared};
use crate::client::Client;
use crate::tls::Material;
use crate::{Config, Pace, State, Statistics, Trouble, UplinkError};

/// How often a trouble that lasts is logged again.
const REMIND_EVERY: Duration = Duration::from_hours(1);

/// Ships a spool to a collector for as long as it runs.
#[derive(Debug)]
pub struct Uplink {
    client: Arc<Client>,
    pace: Pace,
    reader: SpoolReader,
    /// Away while it works on a thread of its own.
    batcher: Option<Batcher>,
    backoff: Backoff,
    statistics: Arc<Statistics>,
    /// What to send next; `None` until the collector has said how far it is.
    next: Option<u64>,
    /// Rewinds since the last batch that was taken.
    rewinds: u32,
    reminded: Option<Instant>,
    luck: SmallRng,
}

impl Uplink {
    /// Reads the certificates; does not connect yet.
    ///
    /// # Errors
    /// If the URL cannot be used, or a file cannot be read or does not hold what it should.
    pub fn new(config: Config, reader: SpoolReader) -> Result<Self, UplinkError> {
        let pace = config.pace;
        let material = Material::read(&config)?;
        Ok(Self {
            client: Arc::new(Client::new(config, material)?),
            pace,
            batcher: None,
            backoff: Backoff::new(pace),
            statistics: Arc::new(Statistics::new(reader.clone())),
            reader,
            next: None,
            rewinds: 0,
            reminded: None,
            // The seed of hash maps is drawn from the system: enough for jitter.
            luck: SmallRng::seed_from_u64(RandomState::new().hash_one(0)),
        })
    }

    /// Counters, to be kept by whoever shows them.
    pub fn statistics(&self) -> Arc<Statistics> {
        Arc::clone(&self.statistics)
    }

    /// Ships until `stop`. Whatever goes wrong is tried again. An exchange that is under way when `stop` comes may take
    /// [`Pace::stop_grace`] longer.
    pub async fn run(mut self, stop: CancellationToken) {
        let stop_grace = self.pace.stop_grace;
        while !stop.is_cancelled() {
            // Dropping an exchange half-way loses nothing: the collector's cursor says what it has.
            let wait = tokio::select! {
                biased;
                wait = self.step() => wait,
                () = grace(&stop, stop_grace) => break,
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        let error = self.statistics.snapshot().last_error;
        self.statistics.enter(State::Stopped, error);
    }

    /// One exchange, and how long to wait after it.
    async fn step(&mut self) -> Duration {
        match self.next {
            None => {
                let answer = self.client.cursor(self.reader.id()).await;
                self.take_cursor(answer).await
            }
            Some(next) if self.reader.synced() <= next => self.pace.look,
            Some(next) => self.ship(next).await,
        }
    }

    async fn take_cursor(&mut self, answer: Answer) -> Duration {
        match answer {
            Answer::Stored(next) => {
                self.well(next).await;
                Duration::ZERO
            }
            other => self.failed(other).await,
        }
    }

    async fn ship(&mut self, next: u64) -> Duration {
        let mut prepared = match self.prepare(next).await {
            Ok(Some(prepared)) => prepared,
            // What was there has been dropped since; the next record says so.
            Ok(None) => return self.pace.look,
            Err(said) => return self.trouble(Trouble::Spool, State::Retrying, said).await,
        };
        let body = std::mem::take(&mut prepared.body);
        let bytes = body.len();
        match self.client.send(body).await {
            Answer::Stored(stored) if stored > prepared.last => {
                self.statistics.sent(prepared.records(), bytes, prepared.payload_bytes);
                self.batcher.iter_mut().for_each(Batcher::was_taken);
                self.rewinds = 0;
                self.well(stored).await;
                if prepared.is_full { Duration::ZERO } else { self.pace.linger }
            }
            Answer::Stored(next) | Answer::Rewind(next) => self.rewind(next, &prepared).await,
            Answer::TooLarge => self.too_large(&prepared).await,
            other => self.failed(other).await,
        }
    }

    /// Reads and encodes on a thread where blocking is allowed.
    async fn prepare(&mut self, next: u64) -> Result<Option<Prepared>, String> {
        let mut batcher =
            self.batcher.take().unwrap_or_else(|| Batcher::new(self.reader.clone(), self.pace.target_bytes));
        let work = move || {
            let prepared = batcher.prepare(next);
            (batcher, prepared)
        };
        let (batcher, prepared) =
            tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
        self.batcher = Some(batcher);
        prepared.map_err(|error| chain(&error))
    }

    /// The collector has all below `next` for good.
    async fn well(&mut self, next: u64) {
        self.next = Some(next);
        self.backoff.reset();
        self.reminded = None;
        if self.statistics.enter(State::Connected, None) != State::Connected {
            tracing::info!(next, "in touch with the collector");
        }
        self.acknowledge(next).await;
    }

    async fn acknowledge(&self, next: u64) {
        let reader = self.reader.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || reader.acknowledge(next)).await {
            tracing::error!(%error, next, "cannot acknowledge");
        }
    }

    /// The collector wants another number first. Once, that is the normal answer of one that was set back; again, without
    /// a batch taken in between, something is wrong and haste would only make it worse.
    async fn rewind(&mut self, next: u64, prepared: &Prepared) -> Duration {
        tracing::info!(next, first = prepared.first, "the collector wants other records first");
        self.rewinds += 1;
        self.next = Some(next);
        self.acknowledge(next).await;
        if self.rewinds == 1 {
            self.statistics.retry(Trouble::Rewind);
            return Duration::ZERO;
        }
        let Prepared { first, last, .. } = prepared;
        let said = format!("the collector wants record {next} again and again, {first} to {last} was sent");
        self.trouble(Trouble::Rewind, State::Retrying, said).await
    }

    async fn too_large(&mut self, prepared: &Prepared) -> Duration {
        if self.batcher.as_mut().is_some_and(|batcher| batcher.was_too_large(prepared)) {
            self.statistics.retry(Trouble::TooLarge);
            return Duration::ZERO;
        }
        let said = format!("the collector finds record {} alone too large", prepared.first);
        self.trouble(Trouble::TooLarge, State::Refused, said).await
    }

    async fn failed(&mut self, answer: Answer) -> Duration {
        match answer {
            Answer::Busy(asked, said) => {
                let wait = self.trouble(Trouble::Busy, State::Retrying, said).await;
                asked.map_or(wait, |asked| self.backoff.asked(asked, self.luck.random()))
            }
            Answer::NewerSchema(said) => {
                self.trouble(Trouble::NewerSchema, State::CollectorTooOld, said).await
            }
            Answer::Refused(said) => self.trouble(Trouble::Refused, State::Refused, said).await,
            Answer::TimedOut(said) => self.trouble(Trouble::Timeout, State::Retrying, said).await,
            Answer::Unreachable(said) => self.trouble(Trouble::Network, State::Retrying, said).await,
            Answer::Unexpected(said) => self.trouble(Trouble::Answer, State::Retrying, said).await,
            answer @ (Answer::Stored(_) | Answer::Rewind(_) | Answer::TooLarge) => {
                let said = format!("the collector answers the question for its cursor with {answer:?}");
                self.trouble(Trouble::Answer, State::Retrying, said).await
            }
        }
    }

    /// Counts, logs once and then hourly, looks whether the certificates have been renewed, and says how long to wait.
    async fn trouble(&mut self, trouble: Trouble, state: State, said: String) -> Duration {
        self.statistics.retry(trouble);
        let before = self.statistics.enter(state, Some(said.clone()));
        if before != state || self.reminded.is_none_or(|reminded| reminded.elapsed() >= REMIND_EVERY) {
            self.reminded = Some(Instant::now());
            let reason = trouble.as_str();
            match state {
                State::Refused => tracing::error!(reason, said, "the collector refuses, a person must act"),
                State::CollectorTooOld => tracing::warn!(reason, said, "the collector must be upgraded"),
                _ => tracing::warn!(reason, said, "cannot ship, what was polled stays in the spool"),
            }
        }
        self.renew(trouble).await;
        match state {
            State::Refused | State::CollectorTooOld => self.backoff.slow(self.luck.random()),
            _ => self.backoff.next(self.luck.random()),
        }
    }

    /// Takes new certificates, if there are any, and new connections after a time-out; broken certificates are logged and
    /// the old ones kept.
    async fn renew(&mut self, trouble: Trouble) {
        let client = Arc::clone(&self.client);
        let work = move || if trouble == Trouble::Timeout { client.fresh() } else { client.renewed() };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(client))) => {
                tracing::debug!("certificates and connections are new");
                self.client = Arc::new(client);
            }
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "the certificates cannot be read anew"),
            Err(error) => tracing::warn!(%error, "the certificates cannot be read anew"),
        }
    }
}

async fn grace(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(grace).await;
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}
