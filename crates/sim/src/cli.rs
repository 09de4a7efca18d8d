//! The command line of `wattwacht-sim`. Data goes to stdout, all else to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where people are spoken to")]

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use model::{MeterPointId, Period, SiteId, Timestamp};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError, Loaded};
use crate::demo;
use crate::demo::history::{Counters, End, Job, past_of};
use crate::server::{Clock, Server};
use crate::time::instant;

/// Exit code: failed at run time.
const FAILED: u8 = 1;
/// Exit code: the configuration is invalid.
const INVALID: u8 = 78;

/// Simulated data centres that speak Modbus and SNMP.
#[derive(Debug, Parser)]
#[command(
    name = "wattwacht-sim",
    version,
    after_help = "Examples:\n  wattwacht-sim demo\n  wattwacht-sim run --config config/sim/frankfurt.toml\n  \
                  wattwacht-sim books --config config/sim/frankfurt.toml --from 2026-01-01 --to 2026-02-01"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the devices of a configuration until it is told to end.
    Run {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// Check a configuration: every mistake at once.
    Check {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
    },
    /// True energy of each meter point in each quarter hour, as CSV: mWh, for water ml.
    Books(Books),
    /// The configuration of an agent that reads a site, or the plain meters (site `load`), and ships nowhere.
    AgentConfig {
        /// The configuration of the simulator.
        #[arg(long)]
        config: PathBuf,
        /// The site.
        #[arg(long, default_value = "load")]
        site: SiteId,
    },
    /// Make a past of the sites and ship it to a collector, as their agents would.
    History(History),
    /// Become a program that ends when the one that started it ends.
    #[command(hide = true)]
    Child {
        /// The process that started this one.
        #[arg(long)]
        of: u32,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        program: Vec<std::ffi::OsString>,
    },
    /// Everything together: simulator, collector, agents, a past, panels and a report.
    Demo(Demo),
}

#[derive(Debug, Args)]
struct Books {
    /// The configuration.
    #[arg(long)]
    config: PathBuf,
    /// First instant, RFC 3339 or a date (midnight UTC).
    #[arg(long, value_parser = instant)]
    from: Timestamp,
    /// First instant after, likewise.
    #[arg(long, value_parser = instant)]
    to: Timestamp,
    /// Only this site.
    #[arg(long)]
    site: Option<SiteId>,
    /// Only this meter point.
    #[arg(long)]
    point: Option<MeterPointId>,
}

#[derive(Debug, Args)]
struct History {
    /// The configuration of the simulator.
    #[arg(long)]
    config: PathBuf,
    /// Where the past begins, RFC 3339 or a date (midnight UTC).
    #[arg(long, value_parser = instant)]
    from: Timestamp,
    /// Where it ends; now, if it is not said.
    #[arg(long, value_parser = instant)]
    to: Option<Timestamp>,
    /// The agents' door of the collector.
    #[arg(long)]
    collector: String,
    /// Folder with ca.pem, and AGENT.pem and AGENT.key of the agent of each site.
    #[arg(long)]
    credentials: PathBuf,
    /// Only this site.
    #[arg(long)]
    site: Option<SiteId>,
    /// Folder for the spools, which are deleted in the end.
    #[arg(long, default_value = ".")]
    work: PathBuf,
}

#[derive(Debug, Args)]
struct Demo {
    /// Folder of the demo; wiped and made anew.
    #[arg(long, default_value = "./var/demo")]
    dir: PathBuf,
    /// Where the panels are.
    #[arg(long, default_value = "127.0.0.1:8080")]
    web: SocketAddr,
    /// Where agents ship to.
    #[arg(long, default_value = "127.0.0.1:8443")]
    ingest: SocketAddr,
    /// Months of past besides the current one.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=60))]
    months: u32,
    /// Seed of the simulated world.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A factor set; may be given more than once. Those in config/factors, if it is not said.
    #[arg(long)]
    factors: Vec<PathBuf>,
    /// Folder of the programs; that of this one, if it is not said.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .init();
    let cli = Cli::parse();
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let invalid = error.downcast_ref::<ConfigError>();
            if let Some(ConfigError::Mistakes(mistakes)) = invalid {
                eprintln!("{mistakes}");
            } else {
                eprintln!("wattwacht-sim: {error:#}");
            }
            ExitCode::from(if invalid.is_some() { INVALID } else { FAILED })
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Run { config } => on_tokio(run(&config)),
        Command::Check { config } => {
            let loaded = Config::load(&config)?;
            let devices = loaded.world.units().len();
            eprintln!("{}: {devices} devices at {} sites", config.display(), loaded.config.sites.len());
            Ok(())
        }
        Command::AgentConfig { config, site } => write_agent_config(&config, &site),
        Command::Books(books) => write_books(&books),
        Command::Child { of, program } => {
            let (first, args) = program.split_first().expect("clap asks for one at least");
            let error = demo::become_child(of, Path::new(first), args);
            Err(anyhow::Error::new(error).context(format!("cannot become `{}`", first.display())))
        }
        Command::History(history) => on_tokio(ship_history(history)),
        Command::Demo(demo) => on_tokio(play(demo)),
    }
}

fn on_tokio(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A thread may still be making a past that nobody wants any more.
    runtime.shutdown_background();
    result
}

#[allow(clippy::disallowed_methods, reason = "the edge of the program, where the wall clock is read")]
fn wall_clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// Cancelled by SIGINT, SIGTERM and SIGHUP, also where a shell had the program ignore them.
fn until_told_to_stop() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            if signals.recv().await.is_some() {
                stop.cancel();
            }
        });
    }
    Ok(stop)
}

async fn run(config: &Path) -> anyhow::Result<()> {
    let stop = until_told_to_stop()?;
    let Loaded { config, world, .. } = Config::load(config)?;
    let devices = world.units().len();
    let server = Server::start(world, wall_clock(), config.control)?;
    eprintln!("serving {devices} devices");
    while !server.has_ended() {
        tokio::select! {
            () = stop.cancelled() => {
                server.stop();
                return Ok(());
            }
            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
        }
    }
    anyhow::bail!("the thread that serves the devices ended by itself")
}

fn write_agent_config(config: &Path, site: &SiteId) -> anyhow::Result<()> {
    let config = Config::load(config)?.config;
    let of_site =
        config.sites.iter().find(|one| one.id == *site).map(|one| (one.agent.to_string(), &one.devices));
    let (agent, devices) = of_site.unwrap_or_else(|| (format!("agent-{site}"), &config.plain));
    anyhow::ensure!(!devices.is_empty(), "there is no site `{site}` in the configuration, nor a plain meter");
    print!("{}", demo::agent_alone(&agent, site.as_str(), devices));
    Ok(())
}

fn write_books(books: &Books) -> anyhow::Result<()> {
    let loaded = Config::load(&books.config)?;
    let period = Period::new(books.from, books.to);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "from,to,site,meter_point,role,amount,unit")?;
    for site in &loaded.config.sites {
        if books.site.as_ref().is_some_and(|only| *only != site.id) {
            continue;
        }
        let mut ledger = site.ledger(loaded.config.seed);
        let points =
            site.points.iter().filter(|point| books.point.as_ref().is_none_or(|only| *only == point.id));
        for point in points {
            let unit = if point.is_volume() { "mL" } else { "mWh" };
            for (quarter, amount) in point.books(&mut ledger, period) {
                let (from, to, amount) = (quarter.start(), quarter.end(), amount.thousandths());
                writeln!(out, "{from},{to},{},{},{},{amount},{unit}", site.id, point.id, point.role)?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

async fn ship_history(history: History) -> anyhow::Result<()> {
    install_tls()?;
    let loaded = Config::load(&history.config)?;
    let job = Job {
        config: history.config,
        work: history.work,
        url: history.collector,
        credentials: history.credentials,
        from: history.from,
        to: history.to.map_or(End::Now, End::At),
    };
    let counters = Arc::new(Counters::default());
    for site in
        loaded.config.sites.iter().filter(|site| history.site.as_ref().is_none_or(|only| *only == site.id))
    {
        let written = past_of(&job, (&site.id, &site.agent), wall_clock(), Arc::clone(&counters)).await?;
        eprintln!("{}: {} samples in {} records", site.id, written.samples, written.records);
    }
    Ok(())
}

async fn play(demo: Demo) -> anyhow::Result<()> {
    let stop = until_told_to_stop()?;
    install_tls()?;
    let bin_dir = match demo.bin_dir {
        Some(dir) => dir,
        None => std::env::current_exe()?.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let programs = demo::Programs::find(&bin_dir)?;
    let options = demo::Options {
        dir: demo.dir,
        web: demo.web,
        ingest: demo.ingest,
        months: demo.months,
        seed: demo.seed,
        factors: factor_sets(demo.factors)?,
    };
    demo::run(&options, &programs, wall_clock(), &stop, &|line| eprintln!("{line}")).await?;
    Ok(())
}

/// Factor sets as absolute paths: those that were named, or those that come with the repository.
fn factor_sets(named: Vec<PathBuf>) -> anyhow::Result<Vec<PathBuf>> {
    let files = if named.is_empty() {
        let listed =
            std::fs::read_dir("config/factors").into_iter().flatten().flatten().map(|entry| entry.path());
        listed.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect()
    } else {
        named
    };
    let mut absolute = files.iter().map(|path| path.canonicalize()).collect::<Result<Vec<_>, _>>()?;
    absolute.sort();
    Ok(absolute)
}

/// rustls needs to be told which cryptography is used.
fn install_tls() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another provider of cryptography is installed already"))
}
