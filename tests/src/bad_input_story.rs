//! What bad input gets, through the real programs; and what the agent does beside a collector: its sinks and `probe`.

use std::process::Command;
use std::time::Duration;

use sim::config::Config;
use sim::site::Link;

use crate::harness::{
    AgentText, Authority, CollectorText, Ground, Net, Program, agent_text, collector_text, free_address,
    open_record, program, run, site_text, wait_for,
};

const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn an_invalid_configuration_of_the_agent_ends_with_78_and_every_mistake_at_its_line() {
    let ground = Ground::new();
    let text = "[agent]\nid = \"Agent 1\"\nsite = \"rz-1\"\ncolour = \"red\"\n\n[[device]]\nid = \"m-1\"\n\
                address = \"modbus+tcp://127.0.0.1:99999/1\"\nevery = \"never\"\n\n[[device]]\nid = \"m-2\"\n\
                address = \"modbus+tcp://127.0.0.1:1502/1\"\nprofile = \"no-such-meter\"\n";
    let file = ground.write("agent.toml", text).display().to_string();
    for command in ["run", "check"] {
        let output = run("wattwacht-agent", &[command, "--config", &file]).expect(78);
        assert_lines(
            &output.err,
            &file,
            &[(2, "id"), (4, "colour"), (8, "address"), (9, "every"), (14, "profile")],
        );
        assert_eq!(output.out, "", "data goes to stdout, mistakes do not");
    }
}

#[test]
fn a_configuration_that_mixes_units_is_refused() {
    let ground = Ground::new();
    let text = "[agent]\nid = \"a\"\nsite = \"s\"\n\n[[device]]\nid = \"m\"\naddress = \"modbus+tcp://127.0.0.1:1502/1\"\n\
                [[device.reading]]\nquantity = \"active_power\"\nchannel = \"total\"\nregister = 0\nfunction = 3\ntype = \"f32\"\n\
                scale = 1\nunit = \"Wh\"\n";
    let file = ground.write("agent.toml", text).display().to_string();
    let said = run("wattwacht-agent", &["check", "--config", &file]).expect(78).err;
    assert!(
        said.starts_with(&file) && said.contains("Wh does not fit active_power, which is recorded in W"),
        "{said}"
    );
}

#[test]
fn an_invalid_configuration_of_the_collector_ends_with_78_and_every_mistake_at_its_line() {
    let ground = Ground::new();
    let text = "[collector]\ncity = \"Frankfurt am Main\"\ndata_dir = \"record\"\nraw_retention = \"1 h\"\n\n[web]\n\
                listen = \"8080\"\n\n[[factor_set]]\nfile = \"none.toml\"\n\n[[sink]]\nid = \"a\"\nkind = \"mysql\"\n\
                url = \"http://127.0.0.1\"\ndatabase = \"d\"\nspeed = 9\n";
    let file = ground.write("collector.toml", text).display().to_string();
    for command in ["run", "check"] {
        let output = run("wattwacht-collector", &[command, "--config", &file]).expect(78);
        let expected =
            [(2, "city"), (4, "raw_retention"), (7, "listen"), (10, "file"), (14, "kind"), (17, "speed")];
        assert_lines(&output.err, &file, &expected);
        assert_eq!(output.out, "", "data goes to stdout, mistakes do not");
    }
    assert!(!ground.path("record").exists(), "nothing was begun");
}

/// Each mistake stands at its line, and there are no others.
#[track_caller]
fn assert_lines(said: &str, file: &str, expected: &[(usize, &str)]) {
    let ours: Vec<&str> = said.lines().filter(|line| line.starts_with(file)).collect();
    for (line, key) in expected {
        let begin = format!("{file}:{line}: ");
        let found = ours.iter().find(|one| one.starts_with(&begin) && one.contains(key));
        assert!(found.is_some(), "no mistake about `{key}` at line {line} in:\n{said}");
    }
    assert_eq!(ours.len(), expected.len(), "{said}");
}

/// A collector that is not running, with a simulated site.
fn offline(ground: &Ground) -> (String, String) {
    let (net, authority) = (Net::take(), Authority::new(ground.dir()));
    authority.collector();
    let text = format!("[[site]]\nid = \"rz-csv\"\nnet = {}\nracks = 2\nit_kw = 20\n", net.number());
    let config = Config::parse("sim.toml", &text).unwrap();
    let text = collector_text(&CollectorText { web: free_address(), ingest: free_address(), more: "" });
    let collector = ground.write("collector.toml", &text).display().to_string();
    let mut text = site_text(&config.sites[0]);
    // A point that is fed by import.
    text.push_str("\n[[meter_point]]\nid = \"tenant\"\nrole = \"sub\"\n");
    let site = ground.write("site.toml", &text).display().to_string();
    run("wattwacht-collector", &["import", "topology", &site, "--config", &collector]).expect(0);
    (collector, site)
}

#[test]
fn a_csv_with_one_bad_line_is_refused_whole_with_its_line_number() {
    let ground = Ground::new();
    let (collector, _site) = offline(&ground);
    let import = |kind: &str, text: &str| {
        let file = ground.write("import.csv", text).display().to_string();
        (run("wattwacht-collector", &["import", kind, &file, "--config", &collector]), file)
    };
    let head = "from,to,site,meter_point,energy_kwh,quality\n";
    let good = "2026-05-01T00:00:00+02:00,2026-05-01T00:15:00+02:00,rz-csv,tenant,1.25,T\n";
    let bad = "2026-05-01T00:15:00+02:00,2026-05-01T00:30:00+02:00,rz-csv,tenant,twelve,T\n";
    let later = "2026-05-01T00:30:00+02:00,2026-05-01T00:45:00+02:00,rz-csv,tenant,1.5,T\n";
    let (output, file) = import("intervals", &format!("{head}{good}{bad}{later}"));
    let output = output.expect(1);
    assert!(
        output.err.contains(&format!("{file}:3: ")) && output.err.contains("nothing was imported"),
        "{}",
        output.err
    );
    assert_eq!(imported(&ground), 0, "nothing was imported");
    let (output, file) = import(
        "samples",
        "time,site,device,quantity,channel,value,unit\n\
        2026-05-01T00:00:00Z,rz-csv,d,active_power,total,1,W\n2026-05-01T00:00:10Z,rz-csv,d,active_power,total,1,Wh\n",
    );
    let output = output.expect(1);
    assert!(output.err.contains(&format!("{file}:3: ")), "{}", output.err);
    let store = open_record(&ground.path("record"));
    assert_eq!(store.reader().unwrap().inbox_load().unwrap().batches, 0);
    import("intervals", &format!("{head}{good}{later}")).0.expect(0);
    assert_eq!(imported(&ground), 2);
}

/// Quarter hours of the imported point that have a value.
fn imported(ground: &Ground) -> usize {
    let store = open_record(&ground.path("record"));
    let reader = store.reader().unwrap();
    let points = reader.imported_points(&model::SiteId::new("rz-csv").unwrap()).unwrap();
    let may = model::Period::new(
        model::Timestamp::from_seconds(1_777_500_000),
        model::Timestamp::from_seconds(1_777_700_000),
    );
    points
        .iter()
        .flat_map(|(_, id)| reader.intervals(*id, may).unwrap())
        .filter(|one| one.energy.is_some())
        .count()
}

/// A simulator of one small site that is running, and an agent's configuration for it without a collector.
struct Lab {
    config: Config,
    _sim: Program,
    _net: Net,
    ground: Ground,
}

impl Lab {
    fn start() -> Self {
        let (ground, net) = (Ground::new(), Net::take());
        let text = format!("[[site]]\nid = \"rz-lab\"\nnet = {}\nracks = 2\nit_kw = 20\n", net.number());
        let config = Config::parse("sim.toml", &text).unwrap();
        let file = ground.write("sim.toml", &text);
        ground.write("lab.community", "public\n");
        let devices = config.sites[0].devices.iter().map(|device| (device, "1s")).collect();
        let text = agent_text(&AgentText { agent: "agent-lab", site: "rz-lab", collector: None, devices });
        ground.write("agent.toml", &text);
        let mut command = Command::new(program("wattwacht-sim"));
        command.arg("run").arg("--config").arg(file);
        let mut sim = Program::start("sim", &ground.path("sim.log"), &mut command);
        sim.wait_until_said("serving", PATIENCE);
        Self { ground, config, _sim: sim, _net: net }
    }

    fn agent(&self, log: &str, sink: &str) -> Program {
        let mut command = Command::new(program("wattwacht-agent"));
        command.arg("run").arg("--config").arg(self.ground.path("agent.toml")).args(["--sink", sink]);
        Program::start("agent", &self.ground.path(log), &mut command)
    }

    fn address(&self, device: &str) -> String {
        let found = self.config.sites[0].devices.iter().find(|one| one.id.as_str() == device).unwrap();
        match found.link {
            Link::Modbus { listen, unit } => format!("modbus+tcp://{listen}/{unit}"),
            Link::Snmp { listen } => format!("snmp://public@{listen}"),
        }
    }
}

#[test]
fn every_sink_of_the_agent_takes_what_is_polled() {
    let lab = Lab::start();
    let is_line = |line: &str| {
        line.contains("site=rz-lab") && line.contains("device=main-meter") && line.contains("active_power_w=")
    };
    let mut agent = lab.agent("stdout.log", "stdout");
    wait_for("line protocol on stdout", PATIENCE, || agent.said().lines().any(is_line));
    assert!(agent.stop().success());
    let file = lab.ground.path("lines");
    let mut agent = lab.agent("file.log", &format!("file:{}", file.display()));
    wait_for("line protocol in a file", PATIENCE, || {
        std::fs::read_to_string(&file).is_ok_and(|text| text.lines().any(is_line))
    });
    assert!(agent.stop().success());
    assert!(!agent.said().lines().any(is_line), "it goes into the file only");
    let mut agent = lab.agent("discard.log", "discard");
    agent.wait_until_said("ready", PATIENCE);
    assert!(agent.stop().success());
    let said = agent.said();
    let last = said
        .lines()
        .rev()
        .find(|line| line.starts_with('{'))
        .unwrap_or_else(|| panic!("no statistics:\n{said}"));
    let statistics: serde_json::Value = serde_json::from_str(last).unwrap();
    assert!(statistics["values"].as_u64().unwrap() > 50, "{statistics}");
    assert_eq!(statistics["checksum"].as_str().unwrap().len(), 16, "{statistics}");
    assert!(!lab.ground.path("spool-agent-lab").exists(), "none of these sinks has a spool");
}

#[test]
fn an_agent_without_a_collector_is_refused_unless_it_has_another_sink() {
    let ground = Ground::new();
    let text = "[agent]\nid = \"a\"\nsite = \"s\"\n[[device]]\nid = \"h\"\naddress = \"host://\"\n";
    let file = ground.write("agent.toml", text).display().to_string();
    let said = run("wattwacht-agent", &["run", "--config", &file]).expect(78).err;
    assert!(said.contains("collector") && said.contains("--sink"), "{said}");
    run("wattwacht-agent", &["run", "--config", &file, "--sink", "nowhere"]).expect(2);
}

#[test]
fn probe_recognises_a_simulated_device_and_prints_the_json_of_the_contract() {
    let lab = Lab::start();
    for (device, profile, quantity) in [
        ("main-meter", Some("siemens-pac3200"), "active_energy_import"),
        ("ups-a", None, "load"),
        ("rack-01-a-pdu", None, "active_power"),
    ] {
        let address = lab.address(device);
        let mut args = vec!["probe", &address, "--json"];
        args.extend(profile.iter().flat_map(|id| ["--profile", id]));
        let output = run("wattwacht-agent", &args);
        let problems = output.json()["problems"].as_array().unwrap().len();
        assert_eq!(output.code, Some(if problems > 0 { 3 } else { 0 }), "{output:?}");
        check_probe(&output.json(), quantity);
    }
}

fn check_probe(probed: &serde_json::Value, quantity: &str) {
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(probed), ["address", "identity", "notes", "problems", "profile", "readings", "warnings"]);
    assert_eq!(keys(&probed["identity"]), ["firmware", "maker", "model", "serial"]);
    assert!(probed["profile"].is_string(), "{probed:#}");
    assert!(!probed["address"].as_str().unwrap().contains("public"), "a community is a secret");
    let readings = probed["readings"].as_array().unwrap();
    for reading in readings {
        assert_eq!(keys(reading), ["channel", "quantity", "raw", "source", "unit", "value"]);
    }
    let of = readings.iter().find(|reading| reading["quantity"] == quantity);
    let source =
        of.unwrap_or_else(|| panic!("no {quantity} in {probed:#}"))["source"].as_str().unwrap().to_owned();
    // `fcN ADDRESS TYPE ORDER`, or an OID.
    assert!(source.starts_with("fc") || source.starts_with("1.3.6.1"), "{source}");
}

#[test]
fn a_device_that_is_not_there_is_a_failure_that_names_it() {
    let nobody = free_address();
    let said =
        run("wattwacht-agent", &["probe", &format!("modbus+tcp://{nobody}/1"), "--profile", "abb-b23"])
            .expect(1)
            .err;
    assert!(said.contains(&nobody.to_string()), "{said}");
}
