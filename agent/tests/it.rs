//! The agent as a program: its command line, its exit codes, its start and its end.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than this no test waits.
const AT_MOST: Duration = Duration::from_secs(30);

fn agent(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wattwacht-agent"));
    command.args(arguments).stdin(Stdio::null()).env_remove("NOTIFY_SOCKET").env_remove("WATTWACHT_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    agent(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A meter that answers every read with registers that hold their own addresses.
fn meter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut request = [0u8; 12];
                while stream.read_exact(&mut request).is_ok() {
                    let (start, count) = ([request[8], request[9]], [request[10], request[11]]);
                    let (start, count) = (u16::from_be_bytes(start), u16::from_be_bytes(count));
                    let data: Vec<u8> = (start..start + count).flat_map(u16::to_be_bytes).collect();
                    let bytes = u8::try_from(data.len()).unwrap();
                    let mut answer =
                        vec![request[0], request[1], 0, 0, 0, bytes + 3, request[6], request[7], bytes];
                    answer.extend(data);
                    if stream.write_all(&answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

const READING: &str = "[[device.reading]]\nquantity = \"active_power\"\nchannel = \"total\"\nregister = 1234\n\
    function = 3\ntype = \"u16\"\nunit = \"W\"\n";

fn config(folder: &Path, port: u16) -> String {
    let text = format!(
        "[agent]\nid = \"agent-1\"\nsite = \"rz-1\"\n[spool]\ndir = \"spool\"\n\
         [[device]]\nid = \"meter-1\"\naddress = \"modbus+tcp://127.0.0.1:{port}/1\"\nevery = \"200ms\"\n{READING}"
    );
    let file = folder.join("agent.toml");
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

fn terminate(child: &Child) {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn wait(mut child: Child) -> Output {
    let deadline = Instant::now() + AT_MOST;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it did not stop within {AT_MOST:?}");
        }
        std::thread::yield_now();
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_wrong_configuration_ends_in_78_with_every_mistake_by_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    std::fs::write(&file, "[agent]\nid = \"X\"\n[[device]]\nid = \"m\"\nevery = \"1s\"\nspeed = 3\n")
        .unwrap();
    let name = file.display().to_string();
    for command in [["check", "--config", &name], ["run", "--config", &name]] {
        let output = run(&command);
        assert_eq!(output.status.code(), Some(78), "{command:?}");
        let said = err(&output);
        for (line, key) in [(2, "agent.id"), (1, "agent.site"), (3, "device.1.address")] {
            assert!(said.contains(&format!("{name}:{line}: {key}: ")), "{line} {key}: {said}");
        }
        assert!(output.stdout.is_empty());
    }
    assert_eq!(run(&["check", "--config", "/nonexistent/agent.toml"]).status.code(), Some(78));
}

#[test]
fn wrong_usage_ends_in_2() {
    for wrong in [
        vec!["run"],
        vec!["frobnicate"],
        vec!["probe", "10.0.0.1"],
        vec!["run", "--config", "x", "--sink", "y"],
    ] {
        assert_eq!(run(&wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn the_sink_collector_needs_a_collector() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["run", "--config", &config(folder.path(), 1)]);
    assert_eq!(output.status.code(), Some(78));
    assert!(err(&output).contains("agent.toml:1: collector: is missing"), "{}", err(&output));
}

#[test]
fn check_says_what_would_be_polled_and_at_what_load() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["check", "--json", "--config", &config(folder.path(), 1502)]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["devices"][0]["requests_per_poll"], 1);
    // One request of one register every 200 ms.
    assert_eq!(report["connections"][0]["requests_per_second"], 5.0);
    assert_eq!(report["connections"][0]["registers_per_second"], 5.0);
}

#[test]
fn discard_decodes_counts_and_prints_what_it_did_when_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let notified = UnixDatagram::bind(&socket).unwrap();
    notified.set_read_timeout(Some(AT_MOST)).unwrap();
    let child = agent(&["run", "--sink", "discard", "--config", &config(folder.path(), meter())])
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "2000000")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let next = || {
        let mut room = [0u8; 4096];
        let bytes = notified.recv(&mut room).unwrap();
        String::from_utf8_lossy(&room[..bytes]).trim().to_owned()
    };
    assert_eq!(next(), "READY=1");
    assert_eq!(next(), "WATCHDOG=1");
    terminate(&child);
    let output = wait(child);
    assert!(std::iter::from_fn(|| Some(next())).take(20).any(|state| state == "STOPPING=1"));
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let statistics: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let polls = statistics["polls"].as_u64().unwrap();
    assert!(polls >= 1);
    // A poll may have been under way when the signal came.
    assert!(statistics["complete"].as_u64().unwrap() + 1 >= polls, "{statistics}");
    assert_ne!(statistics["checksum"], "0000000000000000");
}

#[test]
fn stdout_gets_line_protocol_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = agent(&["run", "--sink", "stdout", "--config", &config(folder.path(), meter())])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        let line = lines.next().unwrap().unwrap();
        let time =
            line.strip_prefix("power,channel=total,device=meter-1,site=rz-1 active_power_w=1234 ").unwrap();
        assert!(time.parse::<i64>().is_ok(), "{line}");
    }
    terminate(&child);
    assert_eq!(wait(child).status.code(), Some(0));
}

#[test]
fn a_file_gets_line_protocol_and_keeps_what_was_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines");
    std::fs::write(&file, "before\n").unwrap();
    let sink = format!("file:{}", file.display());
    let child = agent(&["run", "--sink", &sink, "--config", &config(folder.path(), meter())])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + AT_MOST;
    while std::fs::read_to_string(&file).unwrap().lines().count() < 4 {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    terminate(&child);
    assert_eq!(wait(child).status.code(), Some(0));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("before\npower,") && text.ends_with('\n'));
}

#[test]
fn probe_reads_a_meter_by_its_profile_in_the_promised_format() {
    let port = meter();
    let address = format!("modbus+tcp://127.0.0.1:{port}/1");
    let output = run(&["probe", &address, "--profile", "abb-b23", "--json"]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", err(&output));
    let probed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&probed["address"], &probed["profile"]), (&address.into(), &"abb-b23".into()));
    assert_eq!(probed["identity"]["maker"], "ABB");
    let reading = &probed["readings"][0];
    for key in ["quantity", "channel", "value", "unit", "source", "raw"] {
        assert!(!reading[key].is_null(), "{key}: {reading}");
    }
    assert!(reading["source"].as_str().unwrap().starts_with("fc3 "), "{reading}");
    assert!(probed["problems"].is_array());
}

#[test]
fn probe_of_a_device_that_is_not_there_fails_with_1_and_says_where() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = run(&["probe", &format!("modbus+tcp://{free}/1"), "--profile", "abb-b23"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(&free.to_string()), "{}", err(&output));
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = format!("snmp://s3cret@{}", silent.local_addr().unwrap());
    let output = run(&["probe", &address, "--timeout", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no answer") && !err(&output).contains("s3cret"), "{}", err(&output));
}

#[test]
fn probe_host_reads_this_machine() {
    let output = run(&["probe", "host://", "--json"]);
    let probed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let quantities: Vec<_> =
        probed["readings"].as_array().unwrap().iter().map(|one| one["quantity"].clone()).collect();
    assert!(quantities.contains(&"memory_total".into()) && quantities.contains(&"process_memory".into()));
}

#[test]
fn profiles_are_listed_shown_and_checked() {
    let output = run(&["profiles", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let one = list.as_array().unwrap().iter().find(|one| one["id"] == "janitza-umg96rm").unwrap();
    assert_eq!((&one["protocol"], &one["confidence"]), (&"modbus".into(), &"checked".into()));
    assert!(one["maker"].is_string() && one["model"].is_string());
    let shown = out(&run(&["profiles", "show", "apc-rpdu2"]));
    assert!(shown.contains("active_power") && shown.contains("1.3.6.1.4.1.318"), "{shown}");
    assert_eq!(run(&["profiles", "show", "no-such"]).status.code(), Some(1));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, "id = \"a\"\nmaker = 3\n").unwrap();
    let output = run(&["profiles", "check", &file.display().to_string()]);
    assert_eq!(output.status.code(), Some(78));
    assert!(err(&output).contains("p.toml:2: maker: "), "{}", err(&output));
}

#[test]
fn what_is_doubtful_in_a_profile_is_a_warning_and_no_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let file = path.to_str().unwrap();
    std::fs::write(
        &path,
        "id = \"x-y\"\nmaker = \"X\"\nmodel = \"Y\"\nprotocol = \"modbus\"\nconfidence = \"known\"\nsources = \"none\"\n\
         [[reading]]\nquantity = \"active_power\"\nchannel = \"total\"\nregister = 7\nfunction = 3\ntype = \"u16\"\n\
         scale = 100\nunit = \"kW\"\n",
    )
    .unwrap();
    let output = run(&["profiles", "check", file]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let expected = format!("warning: {file}:13: reading.1.scale: one step of fc3 7 u16 abcd is 100000 W");
    assert!(err(&output).starts_with(&expected), "{}", err(&output));
}

#[test]
fn a_stopped_agent_leaves_a_spool_that_ends_in_order_and_whose_status_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), meter());
    certificates(folder.path());
    let text = std::fs::read_to_string(&file).unwrap();
    // Nobody listens there: all stays in the spool.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let collector = format!(
        "[collector]\nurl = \"https://{free}\"\nca = \"ca.pem\"\ncert = \"a.pem\"\nkey = \"a.key\"\n"
    );
    std::fs::write(&file, format!("{collector}{text}")).unwrap();
    let child = agent(&["run", "--config", &file]).stderr(Stdio::piped()).spawn().unwrap();
    let status = || {
        let output = run(&["spool", "status", "--json", "--config", &file]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).ok()
    };
    let deadline = Instant::now() + AT_MOST;
    // The start, the plan, and three seconds with samples.
    while status().and_then(|status| status["unacknowledged_records"].as_u64()).unwrap_or(0) < 5 {
        assert!(Instant::now() < deadline, "{:?}", status());
    }
    terminate(&child);
    let output = wait(child);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let (mut spool, recovery) =
        spool::Spool::open(&folder.path().join("spool"), spool::Options::default()).unwrap();
    assert!(recovery.clean_stop && recovery.lost.is_empty() && recovery.torn_bytes == 0, "{recovery:?}");
    spool.sync().unwrap();
    let mut records = spool.reader().read(0, 1 << 20).unwrap();
    let last = wire::decode_payload(&records.pop().unwrap().payload).unwrap();
    let first = wire::decode_payload(&records.swap_remove(0).payload).unwrap();
    assert!(matches!(first, wire::Payload::RunStart { .. }), "{first:?}");
    assert!(matches!(last, wire::Payload::RunStop { .. }), "{last:?}");
}

/// A trap of SNMP v2c, community `lab`, coldStart: sysUpTime.0 = 12345, snmpTrapOID.0 = 1.3.6.1.6.3.1.1.5.1.
const COLD_START: [u8; 64] = [
    0x30, 0x3e, 2, 1, 1, 4, 3, b'l', b'a', b'b', 0xa7, 0x34, 2, 1, 7, 2, 1, 0, 2, 1, 0, 0x30, 0x29, 0x30, 14,
    6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0, 0x43, 2, 0x30, 0x39, 0x30, 23, 6, 10, 0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0,
    6, 9, 0x2b, 6, 1, 6, 3, 1, 1, 5, 1,
];

#[test]
fn a_trap_of_a_device_gets_into_the_spool_as_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let file = config(folder.path(), meter());
    certificates(folder.path());
    std::fs::write(folder.path().join("lab.community"), "lab\n").unwrap();
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let more = format!(
        "[collector]\nurl = \"https://127.0.0.1:1\"\nca = \"ca.pem\"\ncert = \"a.pem\"\nkey = \"a.key\"\n\
         [traps]\nlisten = \"{free}\"\n[credentials.lab]\nversion = \"2c\"\ncommunity_file = \"lab.community\"\n\
         [[device]]\nid = \"ups-1\"\naddress = \"snmp://127.0.0.1:9\"\nprofile = \"rfc1628-ups\"\ncredentials = \"lab\"\n"
    );
    std::fs::write(&file, format!("{more}{text}")).unwrap();
    let mut child = agent(&["run", "--config", &file]).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("listening for traps")));
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&COLD_START, free).unwrap();
    assert!(log.any(|line| line.unwrap().contains("coldStart")));
    // The log has to be read on, or the agent could not write to it.
    let rest = std::thread::spawn(move || log.map_while(Result::ok).collect::<Vec<String>>());
    terminate(&child);
    assert_eq!(wait(child).status.code(), Some(0));
    assert!(rest.join().unwrap().iter().any(|line| line.contains("no longer listening for traps")));
    let (mut spool, _) = spool::Spool::open(&folder.path().join("spool"), spool::Options::default()).unwrap();
    spool.sync().unwrap();
    let records = spool.reader().read(0, 1 << 20).unwrap();
    let events = records.iter().filter_map(|record| match wire::decode_payload(&record.payload).unwrap() {
        wire::Payload::Event(event) => Some(event),
        _ => None,
    });
    let event = events.into_iter().find(|event| event.text.starts_with("coldStart")).unwrap();
    assert_eq!(event.device.unwrap().as_str(), "ups-1");
    assert_eq!(event.kind, model::EventKind::DeviceRestarted);
}

#[test]
fn the_unit_of_systemd_is_valid_and_exposes_little() {
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        eprintln!("skipped: systemd-analyze is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wattwacht-agent.service");
    let unit = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/wattwacht-agent.service"),
    );
    // The program is not installed where the test runs.
    let unit = unit.unwrap().replace("/usr/bin/wattwacht-agent", env!("CARGO_BIN_EXE_wattwacht-agent"));
    std::fs::write(&file, unit).unwrap();
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&file).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}{}", out(&output), err(&output));
        err(&output)
    };
    let said = analyze(&["verify", "--man=no"]);
    assert!(!said.contains("wattwacht-agent.service:"), "{said}");
    // An exposure of 1.5 is 15 here.
    analyze(&["security", "--offline=true", "--no-pager", "--threshold=15"]);
}

/// A certificate authority and a certificate of the agent, made for this test.
fn certificates(folder: &Path) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    for (name, text) in
        [("ca.pem", certificate.pem()), ("a.pem", certificate.pem()), ("a.key", key.serialize_pem())]
    {
        std::fs::write(folder.join(name), text).unwrap();
    }
}
