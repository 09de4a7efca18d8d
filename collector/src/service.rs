//! The running program: opens the record, starts who takes in, who closes, who watches, who copies and who shows, and
//! ends them in the order of the path.
//!
//! Invariants: one service owns a record's folder; it says that it is ready once batches are taken; a part that ends
//! unasked ends the program, so that systemd starts it again; on a stop nothing that was acknowledged is lost, because
//! it was durable before.

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use store::{Options, Store};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::close::{CloseCounters, Closer, LiveTable};
use crate::config::Config;
use crate::facts::Catalogue;
use crate::ingest::{Counters, Door, Gate, start_writer};
use crate::statistics::Statistics;
use crate::web::{Parts, WebState};
use crate::{Clock, alarms, ingest, sinks, web};

/// How often systemd hears from us when it does not say how often it wants to.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// File whose lock tells that a service owns the folder.
const LOCK_FILE: &str = "service.lock";

/// Runs until `stop`.
///
/// # Errors
/// If the record is in use or damaged, an address is taken, a certificate cannot be read, or a part ended unasked.
pub async fn run(config: Config, clock: Clock, stop: CancellationToken) -> anyhow::Result<()> {
    let _lock = own(&config)?;
    let store = Store::open(&config.data_dir, Options::default())
        .with_context(|| format!("cannot open the record in `{}`", config.data_dir.display()))?;
    let (writer, writer_thread) = start_writer(store.writer()?).context("cannot start the writer")?;
    let live = Arc::new(LiveTable::default());
    let closed = Arc::new(CloseCounters::default());
    let taken = Arc::new(Counters::default());
    let closer = Closer::open(&store, writer.clone(), clock.clone(), Arc::clone(&live), Arc::clone(&closed))?;
    let closing = Arc::new(AtomicBool::new(false));
    let (wake, closer_thread) = closer.spawn(Arc::clone(&closing))?;
    let ready = Arc::new(AtomicBool::new(false));
    let statistics = Statistics::new(Arc::clone(&taken), Arc::clone(&closed));

    let mut tasks = JoinSet::new();
    if let Some(ingest) = &config.ingest {
        let door = Door::open(ingest).await?;
        tracing::info!(listen = %door.address()?, "agents may come");
        let gate = Gate {
            writer: writer.clone(),
            clock: clock.clone(),
            counters: Arc::clone(&taken),
            closer: Arc::clone(&closed),
            wake: Some(wake),
        };
        let stop = stop.clone();
        tasks.spawn(async move { door.serve(ingest::router(gate), stop).await });
    }
    let listener = TcpListener::bind(config.web).await;
    let listener = listener.with_context(|| {
        format!("cannot listen on {} for panels and API; is another program there?", config.web)
    })?;
    tracing::info!(listen = %listener.local_addr()?, "panels and API");
    let catalogue = Arc::new(Catalogue::new(config.factor_sets.clone()));
    let parts = Parts {
        store: store.clone(),
        catalogue: Arc::clone(&catalogue),
        config: config.clone(),
        live: Arc::clone(&live),
        clock: clock.clone(),
        ready: Arc::clone(&ready),
        metrics: Box::new(move || statistics.text()),
    };
    let app = web::router(WebState::new(parts));
    let ending = stop.clone();
    tasks.spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(ending.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "panels and API ended");
        }
    });
    let surroundings = Surroundings { store, writer: writer.clone(), live, catalogue, config, clock };
    alarms::spawn(&mut tasks, &surroundings, &stop);
    sinks::spawn(&mut tasks, &surroundings, &stop);
    drop(surroundings);
    ready.store(true, Ordering::Release);
    tell(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status("taking batches")]);

    let ended = watch(&mut tasks, &stop).await;
    tell(&[sd_notify::NotifyState::Stopping]);
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    closing.store(true, Ordering::Release);
    drop(writer);
    let (closed, written) =
        tokio::task::spawn_blocking(move || (closer_thread.join(), writer_thread.join())).await?;
    if closed.is_err() || written.is_err() {
        bail!("the closer's or the writer's thread broke; its log says why");
    }
    tracing::info!("stopped");
    ended
}

/// What parts that stand beside the path need.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The record.
    pub store: Store,
    /// Who writes it.
    pub writer: ingest::WriterHandle,
    /// The latest values.
    pub live: Arc<LiveTable>,
    /// Sites and factors.
    pub catalogue: Arc<Catalogue>,
    /// The configuration.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
}

/// Takes the folder for this process.
fn own(config: &Config) -> anyhow::Result<File> {
    own_if_free(config)?.with_context(|| {
        let dir = config.data_dir.display();
        format!(
            "another wattwacht-collector runs on `{dir}`; stop it, or give this one a `data_dir` of its own"
        )
    })
}

/// Takes the folder for this process, unless a service has it.
pub(crate) fn own_if_free(config: &Config) -> anyhow::Result<Option<File>> {
    let dir = &config.data_dir;
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the folder `{}`", dir.display()))?;
    let path = dir.join(LOCK_FILE);
    let file = File::create(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock `{}`", path.display()))
        }
    }
}

/// Until a stop is asked for, or a part ends unasked. Keeps systemd's watchdog quiet meanwhile.
async fn watch(tasks: &mut JoinSet<()>, stop: &CancellationToken) -> anyhow::Result<()> {
    let asked = sd_notify::watchdog_enabled().map(|period| period / 2);
    let mut beat = tokio::time::interval(asked.unwrap_or(HEARTBEAT).max(Duration::from_millis(100)));
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            ended = tasks.join_next() => match ended {
                Some(Ok(())) | None => bail!("a part of the collector ended unasked; its log says why"),
                Some(Err(error)) => return Err(error).context("a part of the collector broke"),
            },
            _ = beat.tick() => tell(&[sd_notify::NotifyState::Watchdog]),
        }
    }
}

fn tell(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd was not told");
    }
}
