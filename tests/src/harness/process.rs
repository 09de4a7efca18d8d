//! Child processes: started, told to end, killed; what they say is kept and shown when a test fails.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::wait_for;

/// How long a program may take to end in order on a busy machine.
const STOP_AT_MOST: Duration = Duration::from_mins(1);
/// Lines of a log that are shown when a test fails.
const LINES_SHOWN: usize = 40;

/// A program of this workspace, built beside the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().and_then(Path::parent).unwrap().join(name);
    assert!(path.is_file(), "`{}` is missing; build it first: make build", path.display());
    path
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it in a process group of its own; stdout and stderr are appended to `log`.
    pub(crate) fn start(name: &str, log: &Path, command: &mut Command) -> Self {
        use std::os::unix::process::CommandExt as _;
        let file = File::options().create(true).append(true).open(log).unwrap();
        let same = file.try_clone().unwrap();
        command.stdin(Stdio::null()).stdout(file).stderr(same).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it and its predecessors with the same log have said.
    pub(crate) fn said(&self) -> String {
        // Empty once the story's folder is gone.
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Has it ended, and how?
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGKILL: it gets no chance to put anything in order.
    pub(crate) fn kill(&mut self) {
        assert_eq!(self.ended(), None, "{} had ended by itself; it said:\n{}", self.name, self.said());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits for its end.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        assert_eq!(self.ended(), None, "{} had ended by itself; it said:\n{}", self.name, self.said());
        self.signal(Signal::TERM);
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut status = None;
        let what = format!("the end of {}", self.name);
        wait_for(&what, STOP_AT_MOST, || {
            status = self.ended();
            status.is_some()
        });
        status.unwrap()
    }

    /// Waits until it has said something; fails at once if it ends before.
    pub(crate) fn wait_until_said(&mut self, words: &str, at_most: Duration) {
        let what = format!("{} to say `{words}`", self.name);
        wait_for(&what, at_most, || {
            let ended = self.ended();
            let has_said = self.said().contains(words);
            assert!(has_said || ended.is_none(), "{} ended ({ended:?}):\n{}", self.name, self.said());
            has_said
        });
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let lines: Vec<&str> = said.lines().collect();
            let last = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n  ");
            eprintln!("--- the last that {} said:\n  {last}", self.name);
        }
        if let Ok(None) = self.child.try_wait()
            && let Err(error) = self.child.kill().and_then(|()| self.child.wait())
        {
            eprintln!("cannot end {}: {error}", self.name);
        }
    }
}

/// How a program that was run to its end ended, and what it said.
#[derive(Debug)]
pub(crate) struct Output {
    /// Exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Output {
    /// Fails unless it ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "it said:\n{}\n{}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in:\n{}", self.out))
    }
}

/// Runs a program of this workspace to its end.
pub(crate) fn run(name: &str, args: &[&str]) -> Output {
    output(Command::new(program(name)).args(args).stdin(Stdio::null()))
}

fn output(command: &mut Command) -> Output {
    from(&command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}")))
}

fn from(output: &std::process::Output) -> Output {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}
