//! Processes kept on processors, started and ended.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::log::Seen;
use crate::turn::Load;

/// Processors of the measured process and of the responder.
pub(crate) const MEASURED_CPU: &str = "0";
const RESPONDER_CPU: &str = "1";
/// How long a process that was asked to end may take.
const END_AT_MOST: Duration = Duration::from_secs(5);

/// How processes are kept on their processors.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pin {
    RealTime,
    Pinned,
    Free,
}

impl Pin {
    /// The best that this machine allows.
    pub(crate) fn find() -> Self {
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

    /// A command that runs `program` on `processor`.
    pub(crate) fn command(self, program: &Path, processor: &str) -> Command {
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

/// A process that ends with this value.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Asks it to end and waits for a while; gives whether it did.
    pub(crate) fn terminate(&mut self) -> anyhow::Result<bool> {
        let status = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        let end = Instant::now() + END_AT_MOST;
        while status.success() && Instant::now() < end {
            if self.0.try_wait()?.is_some() {
                return Ok(true);
            }
            pause(Duration::from_millis(20))?;
        }
        Ok(false)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to be done about it here.
        if self.0.kill().is_ok() {
            self.0.wait().ok();
        }
    }
}

/// The devices.
pub(crate) struct Responder {
    running: Running,
    says: BufReader<ChildStdout>,
}

impl Responder {
    /// Starts those of `load` and waits until they listen.
    pub(crate) fn start(load: &Load, pin: Pin) -> anyhow::Result<Self> {
        let mut command = pin.command(&std::env::current_exe()?, RESPONDER_CPU);
        command.arg("responder").args(load.arguments());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut running = Running(child.context("cannot start the responder")?);
        let out = running.0.stdout.take().context("stdout was piped")?;
        let mut responder = Self { running, says: BufReader::new(out) };
        if responder.line()? != "ready\n" {
            bail!("the responder did not start; are its ports in use? ({})", load.kind.address(0));
        }
        Ok(responder)
    }

    /// The measured span begins.
    pub(crate) fn begin(&mut self) -> anyhow::Result<()> {
        self.order("begin\n")
    }

    /// The measured span ends; what was seen in it.
    pub(crate) fn end(&mut self) -> anyhow::Result<Seen> {
        self.order("end\n")?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    fn order(&mut self, order: &str) -> anyhow::Result<()> {
        let input = self.running.0.stdin.as_mut().context("stdin was piped")?;
        input.write_all(order.as_bytes())?;
        Ok(input.flush()?)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        Ok(line)
    }
}

/// Waits. Measuring takes its time; there is no state to wait for.
pub(crate) fn pause(span: Duration) -> anyhow::Result<()> {
    let (never, end) = channel::<()>();
    let waited = end.recv_timeout(span);
    drop(never);
    if waited == Err(RecvTimeoutError::Timeout) { Ok(()) } else { bail!("the wait was cut short") }
}
