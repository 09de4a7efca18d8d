//! The service: engine, writer and uplink put together, started and stopped in order.
//!
//! Stops in this order: who listens for traps, the engine, the writer (which ends the run and syncs the spool), the uplink.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uplink::Uplink;

use crate::clock::{Clock, SystemClock};
use crate::config::{CollectorConfig, Config, senders};
use crate::poll::{Engine, Handle, Message, Outbox, Plan, QUEUE_MESSAGES, Statistics};
use crate::sink::{LineSink, Sink, SpoolSink, drain};
use crate::traps::Traps;

/// How often the threads are looked after.
const LOOK: Duration = Duration::from_millis(250);
/// The service is ready after every device was due once, or after this: some are due once a quarter hour only.
const READY_AT_LATEST: Duration = Duration::from_secs(5);
/// How long engine and writer may each take to end: a disk that takes longer than this does not come back.
const STOP_AT_MOST: Duration = Duration::from_secs(10);
/// How often what was done goes into the log.
const REPORT_EVERY: Duration = Duration::from_hours(1);

/// Where what was polled goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkKind {
    /// Into the spool, and from there to the collector.
    Collector,
    /// Nowhere; it is decoded and counted.
    Discard,
    /// To stdout, as line protocol.
    Stdout,
    /// Into a file, as line protocol; what is there is kept.
    File(PathBuf),
}

impl FromStr for SinkKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "collector" => Ok(Self::Collector),
            "discard" => Ok(Self::Discard),
            "stdout" => Ok(Self::Stdout),
            other => match other.strip_prefix("file:").filter(|path| !path.is_empty()) {
                Some(path) => Ok(Self::File(PathBuf::from(path))),
                None => Err(format!("`{other}` is none of collector, discard, stdout, file:PATH")),
            },
        }
    }
}

/// What a service does while it runs.
struct Parts {
    engine: JoinHandle<anyhow::Result<Statistics>>,
    handle: Handle,
    writer: Option<JoinHandle<()>>,
    uplink: Option<Uplink>,
    traps: Option<Traps>,
}

/// Runs the service until SIGTERM or SIGINT; gives what it did.
///
/// # Errors
/// If a part cannot be started, or ends before it was asked to.
pub fn run(config: &Config, kind: &SinkKind) -> anyhow::Result<Statistics> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime of the uplink")?;
    runtime.block_on(async {
        // Signals are caught before anything is started, so that no stop is ever lost.
        let stop = Stop::new()?;
        let parts = start(config, kind)?;
        serve(parts, stop).await
    })
}

fn start(config: &Config, kind: &SinkKind) -> anyhow::Result<Parts> {
    let plan = Plan::new(config);
    let clock = SystemClock::start();
    let (sink, uplink) = make_sink(config, kind, &plan, clock)?;
    let (to, writer) = match sink {
        Some(sink) => {
            let (to, messages) = sync_channel::<Message>(QUEUE_MESSAGES);
            let thread = std::thread::Builder::new().name("writer".to_owned());
            let writer = thread.spawn(move || drain(&messages, sink)).context("cannot start a thread")?;
            (Some(to), Some(writer))
        }
        None => (None, None),
    };
    let (engine, handle) = Engine::new(plan, Box::new(clock), Outbox::new(to.clone()))?;
    let traps = config.traps.as_ref();
    let traps = traps.map(|traps| Traps::start(traps, senders(&config.devices), Box::new(clock), to));
    let traps = traps.transpose()?;
    let thread = std::thread::Builder::new().name("poll".to_owned());
    let engine =
        thread.spawn(move || engine.run().map_err(anyhow::Error::from)).context("cannot start a thread")?;
    tracing::info!(
        agent = config.agent.as_str(),
        site = config.site.as_str(),
        devices = config.devices.len(),
        version = env!("CARGO_PKG_VERSION"),
        "agent started"
    );
    Ok(Parts { engine, handle, writer, uplink, traps })
}

type SinkAndUplink = (Option<Box<dyn Sink>>, Option<Uplink>);

fn make_sink(
    config: &Config,
    kind: &SinkKind,
    plan: &Plan,
    clock: SystemClock,
) -> anyhow::Result<SinkAndUplink> {
    let lines = |to: Box<dyn Write + Send>| -> Box<dyn Sink> { Box::new(LineSink::new(to, config, plan)) };
    Ok(match kind {
        SinkKind::Discard => (None, None),
        SinkKind::Stdout => (Some(lines(Box::new(std::io::stdout()))), None),
        SinkKind::File(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file = file.with_context(|| format!("cannot write `{}`", path.display()))?;
            (Some(lines(Box::new(file))), None)
        }
        SinkKind::Collector => {
            let collector = config.collector.as_ref().ok_or_else(|| anyhow!("`[collector]` is missing"))?;
            let now = clock.now().wall();
            let sink = SpoolSink::open(&config.spool.dir, config.spool.cap, plan, now)?;
            let uplink = Uplink::new(uplink_config(collector), sink.reader())?;
            (Some(Box::new(sink)), Some(uplink))
        }
    })
}

fn uplink_config(collector: &CollectorConfig) -> uplink::Config {
    uplink::Config {
        url: collector.url.clone(),
        ca: collector.ca.clone(),
        cert: collector.cert.clone(),
        key: collector.key.clone(),
        pace: uplink::Pace::default(),
    }
}

/// SIGTERM and SIGINT.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> anyhow::Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("cannot catch SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("cannot catch SIGINT")?;
        Ok(Self { terminate, interrupt })
    }

    async fn wanted(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn serve(parts: Parts, mut stop: Stop) -> anyhow::Result<Statistics> {
    let Parts { engine, handle, writer, uplink, traps } = parts;
    let ending = CancellationToken::new();
    let shipping = uplink.map(|uplink| tokio::spawn(uplink.run(ending.clone())));
    let threads = Threads { engine: &engine, writer: writer.as_ref(), traps: traps.as_ref() };
    let watched = watch(&threads, &handle, &mut stop).await;
    notify(&[sd_notify::NotifyState::Stopping]);
    handle.stop();
    if let Some(traps) = traps {
        // It hands on what it holds and ends at once; the writer still takes it.
        traps.stop();
    }
    let statistics = join_engine(engine, &mut stop).await;
    join_writer(writer, &mut stop).await?;
    ending.cancel();
    if let Some(shipping) = shipping {
        shipping.await.context("the uplink broke down")?;
    }
    watched?;
    statistics
}

/// What is looked after.
struct Threads<'a> {
    engine: &'a JoinHandle<anyhow::Result<Statistics>>,
    writer: Option<&'a JoinHandle<()>>,
    traps: Option<&'a Traps>,
}

impl Threads<'_> {
    /// An error if a thread ended unasked.
    fn look(&self) -> anyhow::Result<()> {
        if self.engine.is_finished() {
            return Err(anyhow!("the poll engine ended unasked"));
        }
        if self.writer.is_some_and(JoinHandle::is_finished) {
            return Err(anyhow!("the writer ended unasked"));
        }
        if self.traps.is_some_and(Traps::is_finished) {
            return Err(anyhow!("the thread that listens for traps ended unasked"));
        }
        Ok(())
    }
}

/// Looks after the threads until a stop is wanted. Ends in an error if one of them ended unasked.
async fn watch(threads: &Threads<'_>, handle: &Handle, stop: &mut Stop) -> anyhow::Result<()> {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let began = tokio::time::Instant::now();
    let mut watchdog = Watchdog::new();
    let mut ready = false;
    let mut reported = began;
    loop {
        tokio::select! {
            biased;
            () = stop.wanted() => return Ok(()),
            _ = looks.tick() => {}
        }
        threads.look()?;
        if !ready && (handle.has_tried_all() || began.elapsed() >= READY_AT_LATEST) {
            ready = true;
            notify(&[sd_notify::NotifyState::Ready]);
            tracing::info!("ready");
        }
        watchdog.look(handle.turns());
        if reported.elapsed() >= REPORT_EVERY {
            reported = tokio::time::Instant::now();
            tracing::info!(turns = handle.turns(), "still polling");
        }
    }
}

/// Tells systemd that the engine turns; if it does not, systemd starts the agent anew.
struct Watchdog {
    due: Option<Duration>,
    turns: u64,
    told: tokio::time::Instant,
}

impl Watchdog {
    fn new() -> Self {
        // Twice as often as systemd asks for, as it recommends.
        let due = sd_notify::watchdog_enabled().map(|limit| limit / 2);
        Self { due, turns: 0, told: tokio::time::Instant::now() }
    }

    fn look(&mut self, turns: u64) {
        let Some(due) = self.due else { return };
        if turns != self.turns && self.told.elapsed() >= due.saturating_sub(LOOK) {
            (self.turns, self.told) = (turns, tokio::time::Instant::now());
            notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}

/// Waits for the engine, which hands on what is left before it ends.
async fn join_engine(
    engine: JoinHandle<anyhow::Result<Statistics>>,
    stop: &mut Stop,
) -> anyhow::Result<Statistics> {
    wait_for(&engine, stop).await?;
    engine.join().map_err(|_| anyhow!("the poll engine broke down"))?
}

async fn join_writer(writer: Option<JoinHandle<()>>, stop: &mut Stop) -> anyhow::Result<()> {
    let Some(writer) = writer else { return Ok(()) };
    wait_for(&writer, stop).await?;
    writer.join().map_err(|_| anyhow!("the writer broke down"))
}

/// Waits for the end of a thread, but not for ever, and not past a second signal.
async fn wait_for<T>(thread: &JoinHandle<T>, stop: &mut Stop) -> anyhow::Result<()> {
    let finished = async {
        while !thread.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        biased;
        () = finished => Ok(()),
        () = stop.wanted() => Err(anyhow!("a second signal came before all was on disk")),
        () = tokio::time::sleep(STOP_AT_MOST) => Err(anyhow!("not all was on disk within {STOP_AT_MOST:?}")),
    }
}
