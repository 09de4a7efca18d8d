//! The command line of the benchmarks. What was measured goes to stdout as JSON.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::run::{Load, Measured};
use crate::{fleet, floor, responder, run};

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
    /// What a bare epoll loop costs that sends the same requests on the same 10 ms ticks
    ModbusFloor(LoadArgs),
    /// What the agent costs, and how many times the bare loop that is
    #[command(
        after_help = "Example:\n  cargo build --release && target/release/wattwacht-bench agent --devices 500"
    )]
    Agent {
        #[command(flatten)]
        load: LoadArgs,
        /// The agent; else the one beside this program
        #[arg(long, value_name = "FILE")]
        agent: Option<PathBuf>,
    },
    /// The devices that are polled (started by the others)
    #[command(hide = true)]
    Responder {
        #[arg(long)]
        devices: u32,
    },
    /// The bare loop itself (started by `modbus-floor`)
    #[command(hide = true)]
    FloorLoop(LoadArgs),
}

#[derive(Debug, Clone, Copy, Args)]
struct LoadArgs {
    /// How many devices, each with three requests and 20 values a poll
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=i64::from(fleet::DEVICES_MAX)))]
    devices: u32,
    /// Time from one poll to the next
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    period_ms: u64,
    /// How long to measure
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Requests that are under way at once at each device
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    in_flight: u8,
}

impl From<LoadArgs> for Load {
    fn from(args: LoadArgs) -> Self {
        let period = Duration::from_millis(args.period_ms / 10 * 10);
        Self { devices: args.devices, period, seconds: args.seconds, in_flight: args.in_flight }
    }
}

/// The agent beside the floor.
#[derive(Debug, Serialize)]
struct Compared {
    agent: Measured,
    floor: Measured,
    /// Processor time of the agent over that of the floor.
    ratio: f64,
}

/// The whole program.
///
/// # Errors
/// If something cannot be started or measured.
pub fn main() -> anyhow::Result<()> {
    match Command::parse().what {
        What::ModbusFloor(load) => print(&run::floor(load.into())?),
        What::Agent { load, agent } => {
            let program = match agent {
                Some(program) => program,
                None => std::env::current_exe()?.with_file_name("wattwacht-agent"),
            };
            let floor = run::floor(load.into())?;
            let agent = run::agent(&program, load.into())?;
            let ratio = agent.cpu_us_per_poll / floor.cpu_us_per_poll;
            print(&Compared { agent, floor, ratio })
        }
        What::Responder { devices } => responder::serve(devices),
        What::FloorLoop(load) => {
            let load = Load::from(load);
            print(&floor::run(load.devices, load.period, load.seconds, load.in_flight)?)
        }
    }
}

fn print(measured: &impl Serialize) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(measured)?)?;
    Ok(())
}
