//! The past of the demo, all sites at once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::{AgentId, SiteId, Timestamp};
use spool::{Options, Spool, SpoolError};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError};
use crate::history::{Credentials, Progress, ShipError, Span, WriteError, Writer, Written, ship};
use crate::server::Clock;

/// The last part of a history has a sample every ten seconds.
pub const RECENT_MS: i64 = 48 * 3_600_000;
/// Bytes that the spool of a history may take: fourteen months of a site take some hundred megabytes.
const SPOOL_BYTES: u64 = 8 << 30;
/// While a history is shipped time goes on; what came in between is added, at most so often.
const TOP_UPS: u32 = 3;

/// Why there is no past.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The configuration of the simulator.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The site is none of the configuration.
    #[error("there is no site `{0}` in the configuration")]
    NoSuchSite(SiteId),
    /// The spool.
    #[error("cannot open a spool for the history of `{site}`")]
    Spool {
        /// Of which site.
        site: SiteId,
        /// Why.
        #[source]
        source: SpoolError,
    },
    /// Writing.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Shipping.
    #[error(transparent)]
    Ship(#[from] ShipError),
    /// A thread panicked.
    #[error("the thread that makes the history of `{0}` panicked")]
    Panicked(SiteId),
    /// The folder of the spool stays.
    #[error("cannot remove `{path}`", path = path.display())]
    Remove {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// What is to be made, and where it goes.
#[derive(Debug, Clone)]
pub struct Job {
    /// The simulator's configuration.
    pub config: PathBuf,
    /// Folder in which spools are made and deleted.
    pub work: PathBuf,
    /// The agents' door, as a URL.
    pub url: String,
    /// Folder of the certificates.
    pub credentials: PathBuf,
    /// Where the past begins.
    pub from: Timestamp,
    /// Where it ends.
    pub to: End,
}

/// Where a past ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// At this instant.
    At(Timestamp),
    /// Now, when it has been shipped: what came in between is added.
    Now,
}

/// How far all sites are together, in records.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records that the collector has.
    pub acknowledged: AtomicU64,
    /// Records made so far.
    pub spooled: AtomicU64,
    /// Records that will be made, estimated from the number of instants.
    pub expected: AtomicU64,
}

/// Makes and ships the past of one site.
///
/// # Errors
/// If the site cannot be recorded, spooled or shipped.
pub async fn past_of(
    job: &Job,
    (site, agent): (&SiteId, &AgentId),
    clock: Clock,
    counters: Arc<Counters>,
) -> Result<Written, HistoryError> {
    let dir = job.work.join(format!("history-{site}"));
    let options = Options {
        cap_bytes: SPOOL_BYTES,
        keep_acknowledged: std::time::Duration::ZERO,
        ..Options::default()
    };
    let failed = |source| HistoryError::Spool { site: site.clone(), source };
    std::fs::create_dir_all(&dir).map_err(|source| HistoryError::Remove { path: dir.clone(), source })?;
    let (spool, _) = Spool::open(&dir, options).map_err(failed)?;
    let reader = spool.reader();
    let done = CancellationToken::new();
    let making = {
        let (job, site, done, counters) = (job.clone(), site.clone(), done.clone(), Arc::clone(&counters));
        tokio::task::spawn_blocking(move || {
            // Also when making fails, so that shipping ends.
            let _guard = done.drop_guard();
            make(&job, &site, spool, &clock, &counters)
        })
    };
    let credentials = Credentials { dir: job.credentials.clone() };
    let mut before = 0;
    let report = |progress: Progress| {
        counters.acknowledged.fetch_add(progress.acknowledged.saturating_sub(before), Ordering::Relaxed);
        before = progress.acknowledged.max(before);
    };
    let shipped = ship((&job.url, agent, &credentials), reader, &done, report).await;
    let written = making.await.map_err(|_| HistoryError::Panicked(site.clone()))??;
    shipped?;
    remove(&dir)?;
    Ok(written)
}

fn remove(dir: &Path) -> Result<(), HistoryError> {
    std::fs::remove_dir_all(dir).map_err(|source| HistoryError::Remove { path: dir.to_owned(), source })
}

fn make(
    job: &Job,
    site: &SiteId,
    spool: Spool,
    clock: &Clock,
    counters: &Counters,
) -> Result<Written, HistoryError> {
    let mut loaded = Config::load(&job.config)?;
    let end = match job.to {
        End::At(end) => end,
        End::Now => clock(),
    };
    let spans = Span::of(job.from, end, RECENT_MS);
    let instants: usize = spans.iter().map(|span| span.instants().count()).sum();
    counters.expected.fetch_add(instants as u64, Ordering::Relaxed);
    let mut writer = Writer { world: &mut loaded.world, library: &loaded.library, site: site.clone(), spool };
    let mut written = Written::default();
    for span in spans {
        add(&mut written, writer.write(span)?, counters);
    }
    if job.to == End::Now {
        top_up(&mut writer, spans[1], clock, (&mut written, counters))?;
    }
    Ok(written)
}

/// Adds what has come since, until that is nearly nothing.
fn top_up(
    writer: &mut Writer<'_>,
    mut last: Span,
    clock: &Clock,
    (written, counters): (&mut Written, &Counters),
) -> Result<(), HistoryError> {
    let reader = writer.spool.reader();
    for _ in 0..TOP_UPS {
        wait_until_shipped(&reader);
        let now = clock();
        last = Span { from: last.to, to: now, period_ms: last.period_ms };
        add(written, writer.write(last)?, counters);
    }
    Ok(())
}

/// The uplink gives up by itself where nothing moves; then the spool's reader says no more and this ends too.
fn wait_until_shipped(reader: &spool::SpoolReader) {
    /// A collector that has taken nothing for this long will not in the end either.
    const PATIENCE: std::time::Duration = std::time::Duration::from_mins(5);
    let begin = std::time::Instant::now();
    while reader.acknowledged() < reader.synced() && begin.elapsed() < PATIENCE {
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}

fn add(written: &mut Written, more: Written, counters: &Counters) {
    written.records += more.records;
    written.samples += more.samples;
    counters.spooled.fetch_add(more.records, Ordering::Relaxed);
}
