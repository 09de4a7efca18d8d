//! `wattwacht-sim demo`, as `make run` starts it: panels answer, reports are there, and it ends all that it started.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Ground, Program, free_address, get, hold, program, run, wait_for};

/// How long a month of past may take to be made, shipped and worked off by programs that are not optimised.
const PAST_AT_MOST: Duration = Duration::from_mins(5);
/// How long everything may take to end: the supervisor gives its children five seconds.
const END_AT_MOST: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_mins(1);
/// How long other stories with a demo may take, one after the other.
const OTHERS_AT_MOST: Duration = Duration::from_mins(10);
/// The first of the loopback nets of the demo.
const DEMO_NET: u8 = 10;
/// How long somebody else's demo on this machine is waited for.
const TURN_AT_MOST: Duration = Duration::from_mins(3);

/// Where the simulated devices of a demo listen is fixed, so only one demo can run on a machine.
struct Turn {
    _held: TcpListener,
}

impl Turn {
    fn wait() -> Self {
        let mut held = None;
        wait_for("another story with a demo", OTHERS_AT_MOST, || {
            held = hold(DEMO_NET).ok();
            held.is_some()
        });
        wait_for("the addresses of the demo (does `make run` run on this machine?)", TURN_AT_MOST, || {
            ["127.0.10.1:1502", "127.0.11.1:1502"].iter().all(|address| TcpListener::bind(address).is_ok())
        });
        Self { _held: held.unwrap() }
    }
}

struct Demo {
    program: Program,
    web: SocketAddr,
}

impl Demo {
    /// Starts it as a terminal does, or as a shell does that starts it in the background: with SIGINT ignored.
    fn start(ground: &Ground, run: &str, shell: &str) -> Self {
        let (web, ingest) = (free_address(), free_address());
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell} exec \"$@\""), "sh"]).arg(program("wattwacht-sim"));
        command.args(arguments(&ground.path("demo"), web, ingest)).current_dir(ground.dir());
        Self { program: Program::start("demo", &ground.path(&format!("{run}.log")), &mut command), web }
    }

    /// The processes that it has started, by id.
    fn children(&self) -> BTreeMap<u32, String> {
        children_of(self.program.id())
    }

    fn end(mut self, signal: Signal) {
        let children = self.children();
        assert!(children.len() >= 2, "only {children:?} were started");
        self.program.signal(signal);
        let mut status = None;
        wait_for("the demo to end", END_AT_MOST, || {
            status = self.program.ended();
            status.is_some()
        });
        assert!(status.unwrap().success(), "{status:?}:\n{}", self.program.said());
        for (id, name) in children {
            assert_ne!(name_of(id).as_deref(), Some(&*name), "{name} ({id}) has outlived the demo");
        }
        assert!(TcpListener::bind(self.web).is_ok(), "somebody still listens on {}", self.web);
    }
}

fn arguments(dir: &Path, web: SocketAddr, ingest: SocketAddr) -> Vec<String> {
    let factors = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/factors/uba-2025.toml");
    let (web, ingest) = (web.to_string(), ingest.to_string());
    let dir = dir.display().to_string();
    ["demo", "--dir", &dir, "--web", &web, "--ingest", &ingest, "--months", "1", "--factors", factors]
        .map(str::to_owned)
        .to_vec()
}

/// Processes whose parent is `parent`, by id, with their names.
fn children_of(parent: u32) -> BTreeMap<u32, String> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).filter_map(|id| Some((id, name_of(id)?))).collect()
}

/// proc(5): `pid (comm) state ppid ...`; the name may hold blanks and brackets.
fn stat(id: u32) -> Option<(String, String)> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
    Some((name.to_owned(), rest.to_owned()))
}

fn parent_of(id: u32) -> Option<u32> {
    stat(id)?.1.split_whitespace().nth(1)?.parse().ok()
}

fn name_of(id: u32) -> Option<String> {
    stat(id).map(|(name, _)| name)
}

#[test]
fn the_demo_shows_panels_and_reports_ends_all_it_started_and_runs_again_in_its_folder() {
    let _turn = Turn::wait();
    let ground = Ground::new();
    let mut demo = Demo::start(&ground, "first", "");
    demo.program.wait_until_said("running. Ctrl-C ends everything.", PAST_AT_MOST);
    assert_eq!(demo.children().len(), 4, "simulator, collector and two agents: {:?}", demo.children());
    check_panels(demo.web);
    check_reports(&ground.path("demo/reports"));
    demo.end(Signal::INT);
    // Started in the background of a shell that has no job control, and told to end while it makes its past.
    let mut again = Demo::start(&ground, "second", "trap '' INT;");
    again.program.wait_until_said("making a past of 1 months", PATIENCE);
    assert!(again.program.said().contains("wiped what an earlier demo had left"));
    again.end(Signal::INT);
    let mut last = Demo::start(&ground, "third", "");
    last.program.wait_until_said("starting the collector", PATIENCE);
    wait_for("the panels", PATIENCE, || get(last.web, "/healthz").is_some());
    last.end(Signal::TERM);
}

/// Power and PUE of each site stand in the page itself, so they are there without any script.
fn check_panels(web: SocketAddr) {
    let page = |path: &str| {
        let answer = get(web, path).unwrap_or_else(|| panic!("no answer to {path}"));
        assert_eq!(answer.status, 200, "{path}:\n{}", answer.body);
        answer.body
    };
    wait_for("power now on the page of a site", PATIENCE, || words(&page("/site/rz-nord")).contains("kW"));
    for path in ["/", "/site/rz-nord", "/site/rz-sued"] {
        let text = words(&page(path));
        assert!(text.contains("PUE") && text.contains("kW"), "{path}:\n{text}");
    }
    for name in ["Rechenzentrum Nord", "Rechenzentrum Süd"] {
        assert!(words(&page("/")).contains(name), "{name} is not on the first page");
    }
    let json: serde_json::Value = serde_json::from_str(&page("/api/v1/openapi.json")).unwrap();
    assert!(json["openapi"].is_string());
}

/// A page without its tags and styles.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let hidden = ["style", "script"].into_iter().find(|name| after.starts_with(name));
        let end = hidden.map_or_else(|| ">".to_owned(), |name| format!("</{name}>"));
        rest = after.split_once(&end).map_or("", |(_, rest)| rest);
    }
    text + rest
}

fn check_reports(dir: &Path) {
    let names: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    for site in ["rz-nord", "rz-sued"] {
        for (kind, count) in [("html", 2), ("csv", 1), ("json", 1)] {
            let is_it = |path: &&PathBuf| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.contains(site) && path.extension().is_some_and(|end| end == kind)
            };
            let found: Vec<&PathBuf> = names.iter().filter(is_it).collect();
            assert_eq!(found.len(), count, "{kind} of {site} among {names:?}");
            assert!(found.iter().all(|path| std::fs::metadata(path).unwrap().len() > 500));
        }
    }
    let json = names.iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert!(!report["sites"][0]["pue"][0]["value"].is_null(), "{report:#}");
    assert!(!report["sites"][0]["co2"]["total_kg"].is_null(), "{report:#}");
}

#[test]
fn a_port_in_use_is_named_before_anything_is_started() {
    let _turn = Turn::wait();
    let ground = Ground::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (web, ingest, option) in [(address, free_address(), "--web"), (free_address(), address, "--ingest")] {
        let arguments = arguments(&ground.path("demo"), web, ingest);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = run("wattwacht-sim", &arguments).expect(1).err;
        assert!(said.contains(&format!("{address} is in use")) && said.contains(option), "{said}");
    }
    let device = TcpListener::bind("127.0.10.1:1502").unwrap();
    let arguments = arguments(&ground.path("demo"), free_address(), free_address());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let said = run("wattwacht-sim", &arguments).expect(1).err;
    assert!(said.contains("127.0.10.1:1502 is in use") && said.contains("main-meter"), "{said}");
    drop(device);
}

#[test]
fn what_a_supervisor_has_started_ends_even_if_it_is_killed_without_warning() {
    let ground = Ground::new();
    let mut shell = Command::new("sh");
    // A supervisor that starts a child and then does nothing any more.
    shell.args(["-c", "\"$1\" child --of $$ -- sleep 1000 & echo child=$!=; exec sleep 1000", "sh"]);
    shell.arg(program("wattwacht-sim"));
    let mut supervisor = Program::start("supervisor", &ground.path("log"), &mut shell);
    supervisor.wait_until_said("=\n", PATIENCE);
    let said = supervisor.said();
    let child = said.split('=').nth(1).unwrap().to_owned();
    let command = || std::fs::read_to_string(format!("/proc/{child}/cmdline")).unwrap_or_default();
    wait_for("the child to be what it is to be", PATIENCE, || command().starts_with("sleep"));
    supervisor.kill();
    // Nobody may have asked yet how it ended: a process without a command line is one that has.
    wait_for("the child to end", PATIENCE, || command().is_empty());
}
