//! A simulator, two agents and a collector, of which all but the simulator are killed in turn.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sim::config::Config;
use sim::site::Device;
use store::{Options, StartCheck, Store};

use crate::harness::{
    AgentText, Authority, CollectorText, Ground, Net, Program, agent_key, agent_text, collector_text,
    free_address, program, wait_for,
};

/// Sites and their agents: one with SNMP devices, one with plain meters only.
pub(super) const AGENTS: [(&str, &str); 2] = [("rz-snmp", "agent-snmp"), ("rz-plain", "agent-plain")];
/// How long things are killed at random, before, between and after the checkpoints.
const FOR: Duration = Duration::from_secs(9);
/// Checkpoints in which the collector is killed.
const CHECKPOINTS: usize = 2;
/// The least that each of the three must have been killed for the story to mean something.
pub(super) const KILLS: u32 = 4;
/// Plain meters with 20 values each: enough of them for the collector to make checkpoints while it is being killed.
const METERS: usize = 300;
/// How often they are polled.
const METERS_EVERY: &str = "250ms";
/// How long a program may take to do anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Dropped in this order: programs end before their folder goes.
pub(super) struct World {
    pub(super) ingest: SocketAddr,
    pub(super) agents: Vec<Program>,
    pub(super) collector: Program,
    _sim: Program,
    _nets: [Net; 2],
    luck: u64,
    pub(super) ground: Ground,
}

impl World {
    pub(super) fn start() -> Self {
        let (ground, nets) = (Ground::new(), [Net::take(), Net::take()]);
        let (web, ingest) = (free_address(), free_address());
        let text = format!(
            "[[site]]\nid = \"rz-snmp\"\nnet = {}\nracks = 4\nit_kw = 60\n[[plain]]\ncount = {METERS}\n\
             listen = \"{}\"\nunits = 4\n",
            nets[0].number(),
            nets[1].at(1, 1502)
        );
        let config = Config::parse("sim.toml", &text).unwrap();
        let authority = Authority::new(ground.dir());
        authority.collector();
        for (site, agent) in AGENTS {
            authority.agent(site, agent);
        }
        ground.write("sim.toml", &text);
        ground.write("lab.community", "public\n");
        ground.write("collector.toml", &collector_text(&CollectorText { web, ingest, more: "" }));
        let of_site = config.sites[0].devices.iter().map(|device| (device, "1s"));
        let plain = config.plain.iter().map(|device| (device, METERS_EVERY));
        write_agent(&ground, AGENTS[0], ingest, of_site.collect());
        write_agent(&ground, AGENTS[1], ingest, plain.collect());
        let sim = start("wattwacht-sim", "sim", &ground);
        let collector = start("wattwacht-collector", "collector", &ground);
        let agents = AGENTS.iter().map(|(_, agent)| start("wattwacht-agent", agent, &ground)).collect();
        let mut world = Self { ground, ingest, agents, collector, _sim: sim, _nets: nets, luck: 1 };
        world.wait_until_all_ship();
        world
    }

    /// Kills collector, agent, agent in turn, now and then two of them at once; in between the collector twice in the
    /// middle of a checkpoint. Says how often each was.
    pub(super) fn kill_for_a_while(&mut self) -> [u32; 3] {
        let mut killed = [0; 3];
        for _ in 0..CHECKPOINTS {
            self.kill_at_random(&mut killed);
            self.wait_until_raw_samples_are_written();
            self.kill(0);
            killed[0] += 1;
        }
        self.kill_at_random(&mut killed);
        killed
    }

    fn kill_at_random(&mut self, killed: &mut [u32; 3]) {
        let begin = Instant::now();
        let mut turn = 0;
        while begin.elapsed() < FOR {
            let moment = Duration::from_millis(100 + self.chance(900));
            let since = Instant::now();
            wait_for("the moment of the next kill", PATIENCE, || since.elapsed() >= moment);
            let with_another = self.chance(4) == 0;
            for victim in [turn % 3, (turn + 1) % 3].into_iter().take(1 + usize::from(with_another)) {
                self.kill(victim);
                killed[victim] += 1;
            }
            turn += 1;
        }
    }

    /// Raw samples are the first half of a checkpoint; a kill now falls into it or between it and the second.
    fn wait_until_raw_samples_are_written(&self) {
        let record = self.ground.path("record");
        let state = || -> Vec<_> {
            let files = std::fs::read_dir(&record).unwrap().flatten();
            let raw = files.filter(|file| file.file_name().to_string_lossy().starts_with("raw-"));
            let mut seen: Vec<_> = raw
                .filter_map(|file| Some((file.file_name(), file.metadata().ok()?.modified().ok()?)))
                .collect();
            seen.sort();
            seen
        };
        let before = state();
        wait_for("the collector to begin a checkpoint", PATIENCE, || state() != before);
    }

    fn kill(&mut self, victim: usize) {
        match victim {
            0 => {
                self.collector.kill();
                self.collector = start("wattwacht-collector", "collector", &self.ground);
            }
            n => {
                self.agents[n - 1].kill();
                self.agents[n - 1] = start("wattwacht-agent", AGENTS[n - 1].1, &self.ground);
            }
        }
    }

    /// A number below `most`, always the same ones in the same order.
    fn chance(&mut self, most: u64) -> u64 {
        // Knuth's generator for MMIX; its upper bits are good enough to choose moments.
        self.luck = self.luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.luck >> 33) % most
    }

    /// Up to which batch everything was in chunks and quarter hours; 0 if no checkpoint was made.
    pub(super) fn closed_to(&self) -> i64 {
        let options = Options { check: StartCheck::Skip, ..Options::default() };
        let store = Store::open(&self.ground.path("record"), options).unwrap();
        store.reader().unwrap().closer_position().unwrap().number()
    }

    /// Waits until the collector has taken something new from each agent.
    pub(super) fn wait_until_all_ship(&mut self) {
        let record = self.ground.path("record");
        let next = |at: usize| next_of(&record, AGENTS[at]);
        wait_for("the record to be there", PATIENCE, || record.join("core.db").is_file());
        let before = [next(0), next(1)];
        let what = "both agents to ship";
        wait_for(what, PATIENCE, || {
            assert_eq!(self.collector.ended(), None, "the collector ended:\n{}", self.collector.said());
            (0..2).all(|at| next(at) > before[at].max(Some(0)))
        });
    }
}

/// How far the collector is with an agent's spool. Read-only, beside the collector.
fn next_of(record: &Path, (site, agent): (&str, &str)) -> Option<u64> {
    let options = Options { check: StartCheck::Skip, ..Options::default() };
    let reader = Store::open(record, options).ok()?.reader().ok()?;
    let cursors = reader.cursors(&agent_key(site, agent)).ok()?;
    cursors.first().map(|cursor| cursor.next)
}

fn write_agent(
    ground: &Ground,
    (site, agent): (&str, &str),
    ingest: SocketAddr,
    devices: Vec<(&Device, &str)>,
) {
    let text = agent_text(&AgentText { agent, site, collector: Some(ingest), devices });
    ground.write(&format!("{agent}.toml"), &text);
}

fn start(name: &str, config: &str, ground: &Ground) -> Program {
    let file = ground.path(&format!("{config}.toml"));
    let mut command = Command::new(program(name));
    command.arg("run").arg("--config").arg(file);
    Program::start(config, &ground.path(&format!("{config}.log")), &mut command)
}
