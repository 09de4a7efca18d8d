//! A simulator with a faulty and a healthy device for each row, and an agent that reads them all.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use model::{DeviceId, ProfileId, SiteId, Timestamp};
use profile::Library;
use sim::physics::Amount;
use sim::server::Server;
use sim::site::{Device, Framing, Link, Map, Subject};
use sim::world::World;

use super::judge::{Entry, Verdict, judge, parse};
use super::{On, Row};
use crate::harness::{
    AgentText, Authority, Ground, Net, Program, agent_text, free_address, now, program, wait_for,
};
use crate::kill_story::expected::of_spool;

/// Time from one poll to the next: long enough that a busy machine does not lose polls by itself.
pub(super) const PERIOD: Duration = Duration::from_secs(1);
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// The site of plain devices.
const SITE: &str = "load";
const AGENT: &str = "agent-load";
/// Rows of the tables of SNMP devices that are not wide.
const ROWS_USUAL: &str = "rows 4";

/// One counter, in milliwatt-hours: at 1 kW another number every 4 ms.
const ONE: &str = "[[reading]]\nquantity = \"active_energy_import\"\nchannel = \"total\"\nregister = 0\nfunction = 3\n\
                   type = \"u64\"\nscale = 0.001\nunit = \"Wh\"\n";
/// Another that no request reaches together with the first.
const FAR: &str = "[[reading]]\nquantity = \"active_energy_import\"\nchannel = \"l1\"\nregister = 1000\nfunction = 3\n\
                   type = \"u64\"\nscale = 0.001\nunit = \"Wh\"\n";
/// The same counters over SNMP: one for the whole and one for each outlet.
const PROFILE: &str = "id = \"matrix-pdu\"\nmaker = \"Nobody\"\nmodel = \"Matrix\"\nprotocol = \"snmp\"\n\
                       confidence = \"known\"\nsources = \"none: it exists in this test only\"\n\
                       base.m = \"1.3.6.1.4.1.8072.9999.9999.7\"\nidentify.object_id = [\"m\"]\n\
                       snmp.syntax = \"counter64\"\n\
                       scalar = [{ quantity = \"active_energy_import\", channel = \"total\", oid = \"m.1.0\", \
                       scale = 0.001, unit = \"Wh\" }]\n\n[[table]]\nindex = [\"outlet\"]\n\
                       channel = \"outlet.{outlet}\"\nreading = [{ quantity = \"active_energy_import\", \
                       column = \"m.2.1.2\", scale = 0.001, unit = \"Wh\" }]\n";

/// Dropped in this order: the agent ends before its folder goes.
pub(super) struct Stage {
    rows: &'static [Row],
    agent: Program,
    server: Server,
    _net: Net,
    ground: Ground,
}

/// The faulty and the healthy device of a row.
fn names(row: usize) -> [DeviceId; 2] {
    ["bad", "good"].map(|kind| DeviceId::new(&format!("row-{row}-{kind}")).unwrap())
}

impl Stage {
    pub(super) fn start(rows: &'static [Row]) -> Self {
        let (ground, net) = (Ground::new(), Net::take());
        let devices: Vec<Device> = rows.iter().enumerate().flat_map(|(n, row)| pair(n, row, &net)).collect();
        let server = serve(devices.clone());
        let text = |n: usize, device: &Device| {
            let address = server.address_of(&site(), &device.id).unwrap();
            device_text(&rows[n / 2], device, address)
        };
        let tables: String = devices.iter().enumerate().map(|(n, device)| text(n, device)).collect();
        let agent = start_agent(&ground, &tables);
        let stage = Self { rows, agent, server, _net: net, ground };
        stage.of_snmp().for_each(|device| stage.tell(&format!("set {SITE}/{device} {ROWS_USUAL}")));
        stage
    }

    /// SNMP devices that are not wide.
    fn of_snmp(&self) -> impl Iterator<Item = DeviceId> {
        let narrow = |row: &Row| row.on.is_snmp() && row.on != On::SnmpWide;
        self.rows.iter().enumerate().filter(move |(_, row)| narrow(row)).flat_map(|(n, _)| names(n))
    }

    fn all(&self) -> impl Iterator<Item = DeviceId> {
        (0..self.rows.len()).flat_map(names)
    }

    fn tell(&self, line: &str) {
        assert_eq!(self.server.command(line.parse().unwrap()).as_deref(), Some("ok\n"), "{line}");
    }

    fn book(&self, device: &DeviceId) -> Vec<Entry> {
        parse(&self.server.command(format!("book {SITE}/{device}").parse().unwrap()).unwrap())
    }

    /// Each device has been learned and polled.
    pub(super) fn wait_until_all_answer(&mut self) {
        // An SNMP device is walked with a handful of packets first.
        let enough = |entries: Vec<Entry>| entries.iter().filter(|entry| entry.is_truth).count() >= 8;
        wait_for("all devices to answer", PATIENCE, || {
            assert_eq!(self.agent.ended(), None, "the agent ended:\n{}", self.agent.said());
            self.all().all(|device| enough(self.book(&device)))
        });
    }

    pub(super) fn misbehave(&self) {
        for (n, row) in self.rows.iter().enumerate() {
            self.tell(&format!("set {SITE}/{} {}", names(n)[0], row.fault));
        }
    }

    /// Lets all devices behave again; gives when.
    pub(super) fn clear(&self) -> Timestamp {
        self.all().for_each(|device| self.tell(&format!("clear {SITE}/{device}")));
        self.of_snmp().for_each(|device| self.tell(&format!("set {SITE}/{device} {ROWS_USUAL}")));
        now()
    }

    /// Waits until every healthy device has been polled so often from now on.
    pub(super) fn wait_polls(&self, polls: usize) {
        let begin = now();
        // The first may belong to a tick before.
        let done = |n: usize| {
            let ticks = self.book(&names(n)[1]).into_iter().filter(|entry| entry.asked > begin.millis());
            ticks.map(|entry| entry.asked.div_euclid(1000)).collect::<std::collections::BTreeSet<_>>().len()
                > polls
        };
        wait_for("polls of the healthy devices", PATIENCE, || (0..self.rows.len()).all(done));
    }

    /// Waits until every device has told the truth again.
    pub(super) fn wait_until_all_are_back(&self) {
        let begin = now();
        let is_back = |device: DeviceId| {
            self.book(&device).iter().any(|entry| entry.asked > begin.millis() && entry.is_truth)
        };
        wait_for("all devices to be back", PATIENCE, || self.all().all(is_back));
    }

    /// Ends the agent and compares what it has with the books.
    pub(super) fn judge(&mut self, cleared: Timestamp) -> Vec<(Verdict, Verdict)> {
        // Polls that are under way when it is told to end are not judged.
        let until = now().plus_millis(-i64::try_from(2 * PERIOD.as_millis()).unwrap());
        assert!(self.agent.stop().success(), "the agent did not end in order");
        let dir = self.ground.path(&format!("spool-{AGENT}"));
        let (spool, _) = spool::Spool::open(&dir, spool::Options::default()).unwrap();
        let found = of_spool(&spool);
        let rows = self.rows.iter().enumerate();
        let verdict = |n: usize, kind: usize, channel| {
            let device = &names(n)[kind];
            judge(&found, (device, watts(2 * n + kind)), channel, &self.book(device), (cleared, until))
        };
        rows.map(|(n, row)| (verdict(n, 0, row.channel), verdict(n, 1, None))).collect()
    }
}

fn site() -> SiteId {
    SiteId::new(SITE).unwrap()
}

/// What a plain device draws: the simulator has 1 W more for each.
pub(super) fn watts(device: usize) -> i64 {
    1000 + i64::try_from(device).unwrap() % 500
}

/// The faulty and the healthy device of a row; each has an address of its own, unless they share a gateway.
fn pair(n: usize, row: &Row, net: &Net) -> [Device; 2] {
    let host = |kind: usize| u8::try_from(2 * n + 1 + kind).expect("no more rows than addresses");
    [0, 1].map(|kind| {
        let shared = row.on == On::Shared;
        let listen = net.at(host(if shared { 0 } else { kind }), 0);
        let map = |text: &str| Map::Inline(sim::inline::read("matrix", text).unwrap());
        let unit = if shared { u8::try_from(kind + 1).unwrap() } else { 1 };
        let (link, map) = match row.on {
            On::Alone | On::Shared | On::Rtu => (Link::Modbus { listen, unit }, map(ONE)),
            On::Ahead => (Link::Modbus { listen, unit }, map(&[ONE, FAR].join("\n"))),
            _ => (Link::Snmp { listen }, Map::Profile(ProfileId::new("matrix-pdu").unwrap())),
        };
        let framing = if row.on == On::Rtu { Framing::Rtu } else { Framing::Tcp };
        Device { framing, ..device(names(n)[kind].clone(), 2 * n + kind, link, map) }
    })
}

/// A plain device.
pub(super) fn device(id: DeviceId, number: usize, link: Link, map: Map) -> Device {
    let subject = Subject::Plain(u32::try_from(number).unwrap());
    Device {
        id,
        subject,
        map,
        link,
        start: Amount::ZERO,
        ratio: 1,
        every: PERIOD,
        rack: None,
        framing: Framing::Tcp,
    }
}

/// The map with one counter.
pub(super) fn one_counter() -> Map {
    Map::Inline(sim::inline::read("matrix", ONE).unwrap())
}

/// Serves plain devices and keeps books.
pub(super) fn serve(devices: Vec<Device>) -> Server {
    let mut library = Library::built_in().unwrap();
    library.add("matrix.toml", PROFILE).unwrap();
    let mut world = World::new(Vec::new(), devices, 1, &library).unwrap();
    world.keep_books();
    Server::start(world, Arc::new(now), None).unwrap()
}

/// A device as the agent reads it.
fn device_text(row: &Row, device: &Device, address: SocketAddr) -> String {
    // The healthy devices wait for an answer as long as a period allows.
    let timeout = if device.id.as_str().ends_with("bad") { "400ms" } else { "900ms" };
    let mut text = format!("\n[[device]]\nid = \"{}\"\nevery = \"1s\"\ntimeout = \"{timeout}\"\n", device.id);
    match device.link {
        Link::Modbus { unit, .. } => {
            let scheme = if row.on == On::Rtu { "modbus+rtu-tcp" } else { "modbus+tcp" };
            writeln!(text, "address = \"{scheme}://{address}/{unit}\"").unwrap();
        }
        Link::Snmp { .. } => {
            let retries = if row.on == On::SnmpRepeats { 2 } else { 0 };
            writeln!(text, "address = \"snmp://{address}\"\ncredentials = \"lab\"\nprofile = \"matrix-pdu\"")
                .unwrap();
            writeln!(text, "retries = {retries}\nin_flight = 2").unwrap();
        }
    }
    let inline = |text: &str| text.replace("[[reading]]", "[[device.reading]]");
    match row.on {
        On::Alone | On::Shared | On::Rtu => text.push_str(&inline(ONE)),
        On::Ahead => write!(text, "in_flight = 2\n{}{}", inline(ONE), inline(FAR)).unwrap(),
        _ => {}
    }
    text
}

/// The readings of a device with one counter, in the agent's configuration.
pub(super) fn one_counter_text() -> String {
    ONE.replace("[[reading]]", "[[device.reading]]")
}

/// Starts an agent that reads these devices and whose collector never comes.
pub(super) fn start_agent(ground: &Ground, devices: &str) -> Program {
    start_agent_into(ground, devices, "collector")
}

/// Starts an agent that reads these devices, with this sink.
pub(super) fn start_agent_into(ground: &Ground, devices: &str, sink: &str) -> Program {
    let authority = Authority::new(ground.dir());
    authority.agent(SITE, AGENT);
    ground.write("lab.community", "public\n");
    ground.write("matrix.toml", PROFILE);
    let head =
        agent_text(&AgentText { agent: AGENT, site: SITE, collector: Some(free_address()), devices: vec![] });
    let text = format!("{head}\n[[profile]]\nfile = \"matrix.toml\"\n{devices}");
    let file = ground.write("agent.toml", &text);
    let mut command = Command::new(program("wattwacht-agent"));
    command.args(["--log", "warn", "run", "--sink", sink, "--config"]).arg(file);
    Program::start("the agent", &ground.path("agent.log"), &mut command)
}
