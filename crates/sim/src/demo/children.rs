//! Child processes: started, watched, ended.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long a child may take to end in order; an agent syncs its spool, a collector its record.
const GRACE: Duration = Duration::from_secs(5);
/// How often children are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lines of a log that are shown if its program ends badly.
const LINES_SHOWN: usize = 20;

/// Why a child is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// It cannot be started.
    #[error("cannot start {name} (`{program}`)", program = program.display())]
    Start {
        /// Which.
        name: String,
        /// The program.
        program: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It has ended by itself.
    #[error("{name} ended by itself ({status}); its log `{log}` ends with:\n{tail}", log = log.display())]
    Ended {
        /// Which.
        name: String,
        /// How.
        status: ExitStatus,
        /// Where its log is.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// It was to do something and did not.
    #[error("{name} failed ({status}):\n{tail}")]
    Failed {
        /// What.
        name: String,
        /// How.
        status: ExitStatus,
        /// What it said.
        tail: String,
    },
}

/// A running child.
#[derive(Debug)]
struct Running {
    name: String,
    child: Child,
    log: PathBuf,
}

/// The running children, in the order in which they were started.
#[derive(Debug, Default)]
pub(crate) struct Children {
    running: Vec<Running>,
}

impl Children {
    /// Starts a program that runs until it is told to end; what it says goes into `log`.
    pub(crate) fn start(
        &mut self,
        name: &str,
        program: &Path,
        args: &[&str],
        log: &Path,
    ) -> Result<(), ChildError> {
        let failed =
            |source| ChildError::Start { name: name.to_owned(), program: program.to_owned(), source };
        let file = File::create(log).map_err(failed)?;
        let same = file.try_clone().map_err(failed)?;
        let mut command = Command::new(program);
        // A group of its own: Ctrl-C in a terminal reaches the supervisor alone, which ends the rest in order.
        command.args(args).stdin(Stdio::null()).stdout(file).stderr(same).process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(failed)?;
        self.running.push(Running { name: name.to_owned(), child, log: log.to_owned() });
        Ok(())
    }

    /// Has any ended by itself?
    pub(crate) fn check(&mut self) -> Result<(), ChildError> {
        for running in &mut self.running {
            if let Ok(Some(status)) = running.child.try_wait() {
                let tail = tail(&std::fs::read_to_string(&running.log).unwrap_or_default());
                return Err(ChildError::Ended {
                    name: running.name.clone(),
                    status,
                    log: running.log.clone(),
                    tail,
                });
            }
        }
        Ok(())
    }

    /// Returns as soon as one has ended by itself.
    pub(crate) async fn watch(&mut self) -> ChildError {
        loop {
            if let Err(error) = self.check() {
                return error;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Ends all, the last started first: SIGTERM, and after five seconds SIGKILL.
    pub(crate) async fn end(&mut self) {
        for running in self.running.iter().rev() {
            terminate(&running.name, &running.child);
        }
        let deadline = Instant::now() + GRACE;
        for running in self.running.iter_mut().rev() {
            let left = deadline.saturating_duration_since(Instant::now());
            if timeout(left, running.child.wait()).await.is_err() {
                tracing::warn!(program = running.name, "did not end in time and was killed");
                if let Err(error) = running.child.kill().await {
                    tracing::error!(program = running.name, %error, "cannot kill");
                }
            }
        }
        self.running.clear();
    }
}

fn terminate(name: &str, child: &Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    // Without an id it has ended already.
    let Some(pid) = pid else { return };
    if let Err(error) = rustix::process::kill_process(pid, rustix::process::Signal::TERM) {
        tracing::warn!(program = name, %error, "cannot tell it to end");
    }
}

/// Becomes a program that is told to end (SIGTERM) when process `of` ends, however that may come about: a supervisor
/// that is killed with SIGKILL cannot end its children itself. Returns only if that is not possible.
///
/// The kernel watches the thread that started this process, which must therefore be one that lives as long as its
/// program: the main thread.
pub fn become_child(of: u32, program: &Path, args: &[std::ffi::OsString]) -> io::Error {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    use std::os::unix::process::CommandExt as _;
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        return error.into();
    }
    let parent = getppid().and_then(|parent| u32::try_from(parent.as_raw_nonzero().get()).ok());
    if parent != Some(of) {
        return io::Error::other("the process that started this one has ended already");
    }
    std::process::Command::new(program).args(args).exec()
}

/// Runs a program to its end. Gives what it wrote to stdout.
pub(crate) async fn finish(name: &str, program: &Path, args: &[&str]) -> Result<String, ChildError> {
    let failed = |source| ChildError::Start { name: name.to_owned(), program: program.to_owned(), source };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    let output = command.output().await.map_err(failed)?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // 3 means done, with findings.
    if output.status.success() || output.status.code() == Some(3) {
        return Ok(said(&output.stdout));
    }
    let tail = tail(&format!("{}{}", said(&output.stdout), said(&output.stderr)));
    Err(ChildError::Failed { name: name.to_owned(), status: output.status, tail })
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES_SHOWN);
    lines.iter().skip(from).flat_map(|line| ["  ", line, "\n"]).collect()
}
