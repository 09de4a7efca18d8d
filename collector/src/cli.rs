//! The command line. Data goes to stdout, everything else to stderr.
//!
//! Exit codes: 0 done, 1 failed at run time, 2 wrong usage, 3 done with findings, 78 configuration invalid.

mod import;
mod kpi;
mod record;
mod report;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use settings::Mistakes;
use store::{Options, StartCheck, Store};
use tokio_util::sync::CancellationToken;

use crate::close::{CloseCounters, Closer, LiveTable};
use crate::config::Config;
use crate::ingest::start_writer;
use crate::{Clock, service};

/// Exit code for a configuration with mistakes (`EX_CONFIG` of sysexits.h).
const EXIT_CONFIG: u8 = 78;

/// Takes what agents ship, keeps the record, and answers for energy, efficiency and CO2.
#[derive(Debug, Parser)]
#[command(
    name = "wattwacht-collector",
    version,
    after_help = "Example:\n  wattwacht-collector run --config /etc/wattwacht/collector.toml"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Run(record::ConfigArgs),
    /// Check the configuration: every mistake at once, with file and line.
    Check(record::ConfigArgs),
    /// Make the folder of the record.
    Init(record::ConfigArgs),
    Import(import::ImportArgs),
    Kpi(kpi::KpiArgs),
    Report(report::ReportArgs),
    /// Copies of the record elsewhere.
    #[command(subcommand)]
    Sink(record::SinkCommand),
    Backup(record::BackupArgs),
    /// Is the audit log's chain whole? Ends with 3 if it is not.
    Verify(record::ConfigArgs),
}

/// The configuration has mistakes.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct InvalidConfig(Mistakes);

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data, wrong usage is not; clap knows which stream.
            return if error.print().is_ok() && !error.use_stderr() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            };
        }
    };
    let clock = Clock::system();
    match run(cli.command, &clock, &mut io::stdout().lock()) {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

#[allow(clippy::print_stderr, reason = "this is the edge of the program")]
fn fail(error: &anyhow::Error) -> ExitCode {
    if let Some(mistakes) = error.downcast_ref::<InvalidConfig>() {
        eprintln!("{mistakes}");
        return ExitCode::from(EXIT_CONFIG);
    }
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

fn run(command: Command, clock: &Clock, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => serve(&args.config, clock)?,
        Command::Check(args) => {
            let config = config(&args.config)?;
            writeln!(out, "{}: no mistakes", config.file.display())?;
        }
        Command::Init(args) => record::init(&args, out)?,
        Command::Import(args) => import::run(&args, clock, out)?,
        Command::Kpi(args) => kpi::run(&args, out)?,
        Command::Report(args) => report::run(&args, clock, out)?,
        Command::Sink(command) => record::sink(&command, out)?,
        Command::Backup(args) => record::backup(&args, out)?,
        Command::Verify(args) => return record::verify(&args, out),
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(file: &Path, clock: &Clock) -> anyhow::Result<()> {
    let config = config(file)?;
    log();
    let provider = rustls::crypto::ring::default_provider();
    if provider.install_default().is_err() {
        tracing::debug!("a TLS provider was installed already");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        let ask = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => tracing::info!("asked to stop (SIGTERM)"),
                _ = interrupt.recv() => tracing::info!("asked to stop (SIGINT)"),
            }
            ask.cancel();
        });
        service::run(config, clock.clone(), stop).await
    })
}

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WATTWACHT_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let plain = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    if plain.try_init().is_err() {
        tracing::debug!("a log was set up already");
    }
}

fn config(file: &Path) -> anyhow::Result<Config> {
    Ok(Config::load(file).map_err(InvalidConfig)?)
}

/// The configuration and its record, for a command that works whether or not the service runs.
pub(crate) fn open(file: &Path) -> anyhow::Result<(Config, Store)> {
    let config = config(file)?;
    let options = Options { check: StartCheck::Skip, ..Options::default() };
    let store = Store::open(&config.data_dir, options)
        .with_context(|| format!("cannot open the record in `{}`", config.data_dir.display()))?;
    Ok((config, store))
}

/// Works off the inbox, unless a service runs, which does so itself.
fn settle(config: &Config, store: &Store, clock: &Clock) -> anyhow::Result<()> {
    let Some(_lock) = service::own_if_free(config)? else { return Ok(()) };
    let (writer, thread) = start_writer(store.writer()?)?;
    let (live, counters) = (Arc::new(LiveTable::default()), Arc::new(CloseCounters::default()));
    let mut closer = Closer::open(store, writer, clock.clone(), live, counters)?;
    while closer.look()?.rows > 0 {
        closer.checkpoint_when_due()?;
    }
    closer.checkpoint()?;
    closer.settle()?;
    drop(closer);
    thread.join().map_err(|_| anyhow::anyhow!("the writer's thread broke"))
}

/// A path as an argument that many commands share.
type File = PathBuf;
