//! One turn: one program polls the devices of one load for a while.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use crate::cost::{cpu, peak_kib, switches};
use crate::fleet::{self, Kind};
use crate::log::{Deviation, Seen};
use crate::process::{MEASURED_CPU, Pin, Responder, Running, pause};
use crate::{peers, sink};

/// What is to be polled.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) devices: u32,
    pub(crate) period: Duration,
    /// Requests that may be under way at once at each device.
    pub(crate) in_flight: u8,
}

impl Load {
    /// As arguments of the processes that serve and poll it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        use clap::ValueEnum as _;
        let kind =
            self.kind.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let pairs = [
            ("--kind", kind),
            ("--devices", self.devices.to_string()),
            ("--period-ms", self.period.as_millis().to_string()),
            ("--in-flight", self.in_flight.to_string()),
        ];
        pairs.into_iter().flat_map(|(key, value)| [key.to_owned(), value]).collect()
    }

    /// Devices that answer.
    fn alive(&self) -> u32 {
        let dead = (0..self.devices).filter(|device| self.kind.is_dead(*device));
        self.devices - u32::try_from(dead.count()).unwrap_or(0)
    }
}

/// Who polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// The agent, which decodes and counts (`--sink discard`).
    Agent,
    /// The agent with its spool and its uplink to a collector that keeps nothing.
    AgentShipping,
    /// The bare loop.
    Floor,
    /// collectd with its modbus or snmp plugin.
    Collectd,
    /// Telegraf with inputs.modbus or inputs.snmp.
    Telegraf,
}

impl Who {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::AgentShipping => "agent, spool+uplink",
            Self::Floor => "floor",
            Self::Collectd => "collectd",
            Self::Telegraf => "Telegraf",
        }
    }
}

/// How a turn is measured.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) agent: PathBuf,
    pub(crate) pin: Pin,
    pub(crate) warm_up: Duration,
    pub(crate) span: Duration,
}

/// What was measured in a turn.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Turn {
    pub(crate) cpu_us_per_poll: f64,
    pub(crate) cpu_us_per_value: f64,
    pub(crate) requests_per_poll: f64,
    /// How often a thread of it waited, for each poll.
    pub(crate) waits_per_poll: f64,
    pub(crate) peak_memory_kib: u64,
    /// As the devices saw it.
    pub(crate) deviation_us: Deviation,
    /// As the agent itself says: against the instant at which it meant to poll.
    pub(crate) own_deviation_us: Option<Deviation>,
    /// Share of the values that should have been polled and were not, of devices that are alive.
    pub(crate) lost: f64,
}

/// Lets `who` poll `load`.
///
/// # Errors
/// If something cannot be started, or nothing is polled.
pub(crate) fn turn(who: Who, load: &Load, terms: &Terms) -> anyhow::Result<Turn> {
    let folder = tempfile::tempdir()?;
    let mut responder = Responder::start(load, terms.pin)?;
    let mut command = command(who, load, terms, folder.path())?;
    let _sink = (who == Who::AgentShipping).then(|| start_sink(folder.path())).transpose()?;
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(File::create(folder.path().join("stderr"))?);
    let mut running = Running(command.spawn().with_context(|| format!("cannot start {}", who.name()))?);
    let pid = running.0.id();
    pause(terms.warm_up)?;
    responder.begin()?;
    let before = (cpu(pid)?, switches(pid)?);
    pause(terms.span)?;
    let used = (cpu(pid)?.saturating_sub(before.0), switches(pid)?.saturating_sub(before.1));
    let seen = responder.end()?;
    let peak = peak_kib(pid)?;
    let own = (who == Who::Agent).then(|| own_deviation(&mut running)).transpose()?;
    if seen.values == 0 {
        let said = fs::read_to_string(folder.path().join("stderr")).unwrap_or_default();
        anyhow::bail!("{} polled nothing: {}", who.name(), said.lines().last().unwrap_or_default());
    }
    Ok(measured(load, &seen, used, (peak, own)))
}

fn measured(
    load: &Load,
    seen: &Seen,
    (cpu, waits): (Duration, u64),
    (peak, own): (u64, Option<Deviation>),
) -> Turn {
    let per_poll = f64::from(load.kind.values());
    let count = |n: u64| n as f64;
    let polls = count(seen.values) / per_poll;
    let expected = seen.seconds / load.period.as_secs_f64() * f64::from(load.alive());
    Turn {
        cpu_us_per_poll: cpu.as_secs_f64() * 1e6 / polls,
        cpu_us_per_value: cpu.as_secs_f64() * 1e6 / count(seen.values),
        requests_per_poll: count(seen.requests) / polls,
        waits_per_poll: count(waits) / polls,
        peak_memory_kib: peak,
        deviation_us: seen.deviation_us,
        own_deviation_us: own,
        lost: (1.0 - polls / expected).max(0.0),
    }
}

fn start_sink(folder: &Path) -> anyhow::Result<Running> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("sink").arg(folder);
    Ok(Running(command.stdin(Stdio::null()).spawn().context("cannot start the sink")?))
}

fn command(who: Who, load: &Load, terms: &Terms, folder: &Path) -> anyhow::Result<Command> {
    let on = |program: &Path| terms.pin.command(program, MEASURED_CPU);
    match who {
        Who::Agent | Who::AgentShipping => agent(who, load, folder, on(&terms.agent)),
        Who::Floor => {
            let mut command = on(&std::env::current_exe()?);
            command.arg("floor-loop").args(load.arguments());
            Ok(command)
        }
        Who::Collectd => {
            let mut command = on(Path::new("collectd"));
            command.args(["-f", "-C"]).arg(peers::collectd(load, folder)?);
            Ok(command)
        }
        Who::Telegraf => {
            let mut command = on(Path::new("telegraf"));
            command.arg("--quiet").arg("--config").arg(peers::telegraf(load, folder)?);
            Ok(command)
        }
    }
}

fn agent(who: Who, load: &Load, folder: &Path, mut command: Command) -> anyhow::Result<Command> {
    let config = folder.join("agent.toml");
    let mut text = fleet::config(load.kind, load.devices, load.period, load.in_flight);
    if who == Who::AgentShipping {
        text += &sink::prepare(folder)?;
    }
    fs::write(folder.join(fleet::PROFILE_FILE), fleet::profile(load.kind))?;
    fs::write(folder.join(fleet::COMMUNITY_FILE), fleet::COMMUNITY)?;
    fs::write(&config, text)?;
    let sink = if who == Who::AgentShipping { "collector" } else { "discard" };
    command.args(["--log", "warn", "run", "--sink", sink, "--config"]).arg(config);
    Ok(command)
}

/// What the agent says at its end.
fn own_deviation(running: &mut Running) -> anyhow::Result<Deviation> {
    running.terminate()?;
    let mut said = String::new();
    running.0.stdout.take().context("stdout was piped")?.read_to_string(&mut said)?;
    let report: serde_json::Value = serde_json::from_str(&said).context("the agent failed")?;
    Ok(serde_json::from_value(report.get("deviation_us").cloned().unwrap_or_default())?)
}
