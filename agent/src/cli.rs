//! The command line: `run`, `check`, `probe`, `scan`, `profiles`, `spool`.
//!
//! Data goes to stdout, all else to stderr. Exit codes: 0 done, 1 failed at run time, 2 wrong usage, 3 done with
//! findings, 78 configuration invalid.

mod check;
mod probe;
mod profiles;
mod scan;
mod secrets;
mod spool;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::chain::Chain;
use crate::config::{Config, ConfigError};
use crate::run::{SinkKind, run};

const FAILED: u8 = 1;
const FINDINGS: u8 = 3;
/// `EX_CONFIG` of sysexits.h.
const CONFIG_INVALID: u8 = 78;

#[derive(Debug, Parser)]
#[command(
    name = "wattwacht-agent",
    version,
    about = "Reads power, cooling and rack devices over Modbus and SNMP, keeps what it read, ships it to a collector",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with findings, 78 configuration invalid"
)]
struct Command {
    /// What goes into the log on stderr: error, warn, info, debug, trace, or filters such as `agent=debug`.
    #[arg(long, global = true, default_value = "info", env = "WATTWACHT_LOG", value_name = "LEVEL")]
    log: String,
    /// How log lines look: text or json.
    #[arg(long, global = true, default_value = "text", value_name = "FORMAT")]
    log_format: LogFormat,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Poll, keep and ship, until SIGTERM or SIGINT
    #[command(after_help = "Examples:\n  wattwacht-agent run --config /etc/wattwacht/agent.toml\n  \
        wattwacht-agent run --config agent.toml --sink stdout | head\n  \
        wattwacht-agent run --config agent.toml --sink discard   # prints what it did at the end, as JSON")]
    Run(RunArgs),
    /// Find every mistake in a configuration, or say what would be polled
    #[command(after_help = "Example:\n  wattwacht-agent check --config /etc/wattwacht/agent.toml")]
    Check(check::CheckArgs),
    /// Recognise one device and read all it offers once
    #[command(
        after_help = "Examples:\n  wattwacht-agent probe modbus+tcp://10.4.0.17:502/1 --profile janitza-umg96rm\n  \
        wattwacht-agent probe snmp://public@10.4.0.31\n  \
        wattwacht-agent probe snmp://10.4.0.31 --credentials lab.community --json\n  \
        wattwacht-agent probe snmp://10.4.0.31 --config agent.toml --credentials lab   # v1, v2c, v3\n  \
        wattwacht-agent probe modbus+tcp://10.4.0.17/1 --watch 1m       # do counters move as power says?\n  \
        wattwacht-agent probe modbus+tcp://10.4.0.17/1 --registers 0-99 # what could these be?\n  \
        wattwacht-agent probe modbus+tcp://10.4.0.17/1 --registers 0-99 --draft > my-meter.toml\n  \
        wattwacht-agent probe snmp://10.4.0.31 --walk 1.3.6.1.2.1.33\n  \
        wattwacht-agent probe host://"
    )]
    Probe(probe::ProbeArgs),
    /// Find devices in networks and on serial lines, and write them down as an agent's configuration takes them
    #[command(after_help = "Examples:\n  wattwacht-agent scan 10.4.0.0/24 --out devices.toml\n  \
        wattwacht-agent scan 10.4.0.17 --modbus --units 1-32            # what hangs on a gateway\n  \
        wattwacht-agent scan 10.4.0.0/24 --snmp --config agent.toml --credentials lab --credentials old\n  \
        wattwacht-agent scan 'modbus+rtu:///dev/ttyUSB0?baud=9600' --units 1-32")]
    Scan(scan::ScanArgs),
    /// The device library
    Profiles(profiles::ProfilesArgs),
    /// What waits on disk to be shipped
    Spool(spool::SpoolArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Where what was polled goes: collector, discard, stdout, or file:PATH (the last two as line protocol)
    #[arg(long, default_value = "collector", value_name = "SINK")]
    sink: SinkKind,
}

/// The whole program.
pub fn main() -> ExitCode {
    let command = Command::parse();
    if let Err(error) = start_log(&command) {
        complain(&format!("--log: {error}"));
        return ExitCode::from(2);
    }
    let done = match command.what {
        What::Run(args) => run_service(&args),
        What::Check(args) => check::check(&args),
        What::Probe(args) => probe::probe(&args),
        What::Scan(args) => scan::scan(&args),
        What::Profiles(args) => profiles::profiles(&args),
        What::Spool(args) => spool::spool(&args),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&format!("error: {error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

fn run_service(args: &RunArgs) -> anyhow::Result<u8> {
    let config = match load(&args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if args.sink == SinkKind::Collector && config.collector.is_none() {
        let file = args.config.display();
        complain(&format!("{file}:1: collector: is missing; only --sink discard, stdout and file need none"));
        return Ok(CONFIG_INVALID);
    }
    let report = run(&config, &args.sink)?.report();
    let text = serde_json::to_string(&report)?;
    if args.sink == SinkKind::Discard {
        print(&format!("{text}\n"))?;
    } else {
        tracing::info!(statistics = text, "agent stopped");
    }
    Ok(0)
}

/// Reads a configuration; if that cannot be, says why on stderr and gives the exit code.
fn load(path: &Path) -> Result<Config, u8> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    Config::load(path, credentials.as_deref()).map_err(|error| {
        match &error {
            ConfigError::Mistakes(mistakes) => complain(&mistakes.to_string()),
            other => complain(&format!("error: {}", Chain(other))),
        }
        CONFIG_INVALID
    })
}

fn start_log(command: &Command) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter: tracing_subscriber::EnvFilter = command.log.parse()?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Journald has its own clock, and NO_COLOR is heeded by the library; a terminal is asked about here.
    let colour =
        std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    match command.log_format {
        LogFormat::Text => log.with_ansi(colour).with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// Writes data to stdout. Whoever reads it may have had enough: that is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Writes something for people to stderr.
#[allow(clippy::print_stderr, reason = "this is the program's edge, before and beside its log")]
fn complain(text: &str) {
    eprintln!("{text}");
}
