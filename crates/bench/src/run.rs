//! Starts responder and measured process, each on a processor of its own, and reads what the latter costs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::cost::{Deviation, cpu, peak_kib};
use crate::{fleet, floor};

/// Processors of the measured process and of the responder.
const MEASURED_CPU: &str = "0";
const RESPONDER_CPU: &str = "1";
/// Connections are made and caches filled before measuring begins.
const WARM_UP: Duration = Duration::from_secs(3);

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) devices: u32,
    pub(crate) period: Duration,
    pub(crate) seconds: u64,
    pub(crate) in_flight: u8,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) devices: u32,
    pub(crate) period_ms: u128,
    pub(crate) in_flight: u8,
    pub(crate) seconds: u64,
    pub(crate) pinned: String,
    pub(crate) cpu_us_per_poll: f64,
    pub(crate) polls_per_second: f64,
    pub(crate) peak_memory_kib: u64,
    pub(crate) deviation_us: Deviation,
    /// Share of polls in which every value came; the floor knows no other.
    pub(crate) complete: f64,
}

/// The bare loop.
pub(crate) fn floor(load: Load) -> anyhow::Result<Measured> {
    let pin = Pin::find();
    let _responder = Responder::start(load.devices, &pin)?;
    let own = std::env::current_exe()?;
    let seconds = load.seconds + WARM_UP.as_secs() + 1;
    let mut command = pin.command(&own, MEASURED_CPU);
    command.args(["floor-loop", "--devices", &load.devices.to_string(), "--seconds", &seconds.to_string()]);
    command.args([
        "--in-flight",
        &load.in_flight.to_string(),
        "--period-ms",
        &load.period.as_millis().to_string(),
    ]);
    let child = command.stdout(Stdio::piped()).spawn().context("cannot start the bare loop")?;
    let (child, cost) = watch(child, load)?;
    let output = child.wait_with_output()?;
    let done: floor::Done = serde_json::from_slice(&output.stdout).context("the bare loop failed")?;
    Ok(measured(load, &pin, &cost, (done.deviation_us, 1.0)))
}

/// The agent, with `--sink discard`.
pub(crate) fn agent(program: &Path, load: Load) -> anyhow::Result<Measured> {
    let pin = Pin::find();
    let _responder = Responder::start(load.devices, &pin)?;
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("agent.toml");
    std::fs::write(folder.path().join(fleet::PROFILE_FILE), fleet::profile())?;
    std::fs::write(&config, fleet::config(load.devices, load.period, load.in_flight))?;
    let mut command = pin.command(program, MEASURED_CPU);
    command.args(["--log", "warn", "run", "--sink", "discard", "--config"]).arg(&config);
    let child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let (child, cost) = watch(child, load)?;
    terminate(&child)?;
    let output = child.wait_with_output()?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).context("the agent failed")?;
    let number = |key: &str| report.get(key).and_then(serde_json::Value::as_f64).context(key.to_owned());
    let deviation = serde_json::from_value(report.get("deviation_us").cloned().unwrap_or_default())?;
    Ok(measured(load, &pin, &cost, (deviation, number("complete")? / number("polls")?)))
}

struct Cost {
    cpu: Duration,
    peak_kib: u64,
}

/// Reads processor time before and after the measured span.
fn watch(child: Child, load: Load) -> anyhow::Result<(Child, Cost)> {
    let pid = child.id();
    pause(WARM_UP)?;
    let before = cpu(pid)?;
    pause(Duration::from_secs(load.seconds))?;
    let cost = Cost { cpu: cpu(pid)?.saturating_sub(before), peak_kib: peak_kib(pid)? };
    Ok((child, cost))
}

fn measured(load: Load, pin: &Pin, cost: &Cost, (deviation_us, complete): (Deviation, f64)) -> Measured {
    let per_second = f64::from(load.devices) / load.period.as_secs_f64();
    let polls = per_second * Duration::from_secs(load.seconds).as_secs_f64();
    Measured {
        devices: load.devices,
        period_ms: load.period.as_millis(),
        in_flight: load.in_flight,
        seconds: load.seconds,
        pinned: pin.to_string(),
        cpu_us_per_poll: cost.cpu.as_secs_f64() * 1e6 / polls,
        polls_per_second: per_second,
        peak_memory_kib: cost.peak_kib,
        deviation_us,
        complete,
    }
}

/// The devices, as a process that ends with this value.
struct Responder(Child);

impl Responder {
    fn start(devices: u32, pin: &Pin) -> anyhow::Result<Self> {
        let mut command = pin.command(&std::env::current_exe()?, RESPONDER_CPU);
        command.args(["responder", "--devices", &devices.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start the responder")?;
        let mut line = String::new();
        let out = child.stdout.take().context("stdout was piped")?;
        BufReader::new(out).read_line(&mut line)?;
        if line != "ready\n" {
            bail!("the responder did not start; are its ports in use? ({})", fleet::address(0));
        }
        Ok(Self(child))
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to be done about it here.
        if self.0.kill().is_ok() {
            self.0.wait().ok();
        }
    }
}

fn terminate(child: &Child) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    if status.success() { Ok(()) } else { bail!("cannot stop the agent") }
}

/// Waits. Measuring takes its time; there is no state to wait for.
fn pause(span: Duration) -> anyhow::Result<()> {
    let (never, end) = channel::<()>();
    let waited = end.recv_timeout(span);
    drop(never);
    if waited == Err(RecvTimeoutError::Timeout) { Ok(()) } else { bail!("the wait was cut short") }
}

/// How processes are kept on their processors.
enum Pin {
    RealTime,
    Pinned,
    Free,
}

impl Pin {
    fn find() -> Self {
        let works = |program: &str, arguments: &[&str]| {
            let status =
                Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        if works("chrt", &["-r", "10", "taskset", "-c", RESPONDER_CPU, "true"]) {
            Self::RealTime
        } else if works("taskset", &["-c", RESPONDER_CPU, "true"]) {
            Self::Pinned
        } else {
            Self::Free
        }
    }

    fn command(&self, program: &Path, processor: &str) -> Command {
        let mut command = match self {
            Self::RealTime => Command::new("chrt"),
            Self::Pinned => Command::new("taskset"),
            Self::Free => return Command::new(program),
        };
        if matches!(self, Self::RealTime) {
            command.args(["-r", "10", "taskset"]);
        }
        command.args(["-c", processor]).arg(program);
        command
    }
}

impl std::fmt::Display for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RealTime => "chrt -r 10 taskset -c N",
            Self::Pinned => "taskset -c N (real-time priority was refused)",
            Self::Free => "not pinned (no taskset, or fewer than two processors)",
        })
    }
}
