//! The command line of the benchmarks.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::compare::{Scale, compare};
use crate::fleet::{DEVICES_MAX, Kind};
use crate::{floor, report, responder, sink};

#[derive(Debug, Parser)]
#[command(
    name = "wattwacht-bench",
    version,
    about = "Measures the programs against bare loops that do the same work"
)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What the agent and every installed peer cost, and how many times the bare loop that is
    #[command(
        after_help = "Example:\n  cargo build --release -p agent -p bench && target/release/wattwacht-bench agent --only SNMP"
    )]
    Agent(AgentArgs),
    /// The devices that are polled (started by `agent`)
    #[command(hide = true)]
    Responder(LoadArgs),
    /// The bare loop (started by `agent`)
    #[command(hide = true)]
    FloorLoop(LoadArgs),
    /// A collector that keeps nothing (started by `agent`)
    #[command(hide = true)]
    Sink {
        /// Folder with its certificate
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
struct AgentArgs {
    /// The agent; else the one beside this program
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Modbus devices
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=i64::from(DEVICES_MAX)))]
    modbus_devices: u32,
    /// SNMP devices
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=i64::from(DEVICES_MAX)))]
    snmp_devices: u32,
    /// Seconds from one poll of an SNMP device to the next
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    snmp_period: u64,
    /// Seconds that are measured in each turn; with SNMP at least one period
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often agent and floor take turns
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Only the loads with this in their name
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Everything as JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, Args)]
struct LoadArgs {
    #[arg(long)]
    kind: Kind,
    #[arg(long)]
    devices: u32,
    #[arg(long)]
    period_ms: u64,
    #[arg(long)]
    in_flight: u8,
}

/// The whole program.
///
/// # Errors
/// If something cannot be started or measured.
pub fn main() -> anyhow::Result<()> {
    match Command::parse().what {
        What::Agent(args) => agent(args),
        What::Responder(load) => {
            responder::serve(load.kind, load.devices, Duration::from_millis(load.period_ms))
        }
        What::FloorLoop(load) => {
            floor::run(load.kind, load.devices, Duration::from_millis(load.period_ms), load.in_flight)
        }
        What::Sink { folder } => sink::serve(&folder),
    }
}

fn agent(args: AgentArgs) -> anyhow::Result<()> {
    let beside = || anyhow::Ok(std::env::current_exe()?.with_file_name("wattwacht-agent"));
    let scale = Scale {
        agent: args.agent.map_or_else(beside, Ok)?,
        modbus_devices: args.modbus_devices,
        snmp_devices: args.snmp_devices,
        snmp_period: Duration::from_secs(args.snmp_period),
        span: Duration::from_secs(args.seconds),
        rounds: args.rounds,
        only: args.only,
    };
    let comparison = compare(&scale, |doing| {
        // A terminal that is gone does not end a measurement.
        writeln!(std::io::stderr(), "{doing}").ok();
    })?;
    let text = if args.json {
        serde_json::to_string_pretty(&comparison)? + "\n"
    } else {
        report::table(&comparison)?
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
