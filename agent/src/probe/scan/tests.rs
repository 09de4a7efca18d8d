//! Searches over real sockets on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use profile::{SnmpValue, VarBinds};

use super::*;
use crate::config::{Config, Folders};
use crate::testing::faulty::{Reaction, Server};
use crate::testing::line::{Act, Line};
use crate::testing::responder::Agent;

const METER: &str = r#"
id = "test-meter"
maker = "Test"
model = "Meter"
protocol = "modbus"
confidence = "known"
sources = "made up for a test"
identify.registers = [{ function = 3, register = 100, words = [0x5754, 0x3031] }]
identity.serial = { function = 3, register = 200, count = 2 }
reading = [{ quantity = "active_power", channel = "total", register = 0, function = 3, type = "u16", unit = "W" }]
"#;

fn library() -> Library {
    let mut library = Library::built_in().unwrap();
    library.add("meter.toml", METER).unwrap();
    library
}

/// A search that is only over Modbus TCP at one address and port.
fn search(address: SocketAddr, units: Units, time: &RealTime) -> Search<'_> {
    Search {
        targets: vec![Target::Hosts(vec![address.ip()])],
        modbus_port: Some(address.port()),
        units,
        secrets: Vec::new(),
        snmp_port: 161,
        rate: 500,
        timeout: Duration::from_millis(250),
        time,
    }
}

/// A gateway behind which units 3 and 7 are meters, and 9 is something else.
fn gateway() -> Server {
    Server::start(|asked| match (asked.unit, asked.function, asked.start) {
        (3 | 7, 3, 100) => Reaction::Send(asked.words(&[0x5754, 0x3031])),
        (3, 3, 200) => Reaction::Send(asked.words(&[0x4142, 0x3033])),
        (7, 3, 200) => Reaction::Send(asked.words(&[0x4142, 0x3037])),
        (3 | 7 | 9, 43, _) => Reaction::Send(asked.exception(1)),
        (3 | 7 | 9, ..) => Reaction::Send(asked.exception(2)),
        _ => Reaction::Send(asked.exception(11)),
    })
}

#[test]
fn the_units_behind_a_gateway_are_found_and_the_list_is_one_that_check_takes() {
    let (server, time) = (gateway(), RealTime::default());
    let told = Mutex::new(Vec::new());
    let tell = |progress: Progress<'_>| {
        if let Progress::Found(found) = progress {
            told.lock().unwrap().push(found.address.clone());
        }
    };
    let found = scan(&search(server.address, "1-10".parse().unwrap(), &time), &library(), &tell);
    let shown: Vec<(String, Option<&str>, Option<&str>)> = found
        .iter()
        .map(|one| (one.address.clone(), one.profile.as_deref(), one.serial.as_deref()))
        .collect();
    let at = |unit: u8| format!("modbus+tcp://{}/{unit}", server.address);
    assert_eq!(
        shown,
        [
            (at(3), Some("test-meter"), Some("AB03")),
            (at(7), Some("test-meter"), Some("AB07")),
            (at(9), None, None),
        ]
    );
    assert_eq!(told.lock().unwrap().len(), 3);
    let list = toml(&found, "");
    assert!(list.contains("# no profile recognises it\n# [[device]]"), "{list}");
    let devices = checked(&format!("[[profile]]\nfile = \"meter.toml\"\n{list}"));
    assert_eq!(devices, ["test-meter-ab03", "test-meter-ab07"]);
}

/// The devices of a configuration that holds `list`, or a panic with its mistakes.
fn checked(list: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("meter.toml"), METER).unwrap();
    std::fs::write(folder.path().join("public.community"), "public\n").unwrap();
    let file = folder.path().join("agent.toml");
    let text = format!("[agent]\nid = \"agent-1\"\nsite = \"rz-1\"\n{list}");
    let config = Config::parse("agent.toml", &text, &Folders::of(&file, None));
    let config = config.unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
    config.devices.iter().map(|device| device.id.to_string()).collect()
}

#[test]
fn a_device_that_does_not_look_at_its_unit_id_is_one_device() {
    let server =
        Server::start(|asked| Reaction::Send(asked.exception(if asked.function == 43 { 1 } else { 2 })));
    let time = RealTime::default();
    let found = scan(&search(server.address, "1-247".parse().unwrap(), &time), &library(), &|_| {});
    assert_eq!(found.len(), 1);
    assert!(
        found[0].why.ends_with("it answers alike to every unit id, so it is taken for one device"),
        "{found:?}"
    );
}

#[test]
fn without_a_list_the_first_usual_unit_that_answers_is_taken() {
    let server = Server::start(|asked| match asked.unit {
        255 => Reaction::Send(asked.exception(2)),
        _ => Reaction::Send(asked.exception(11)),
    });
    let time = RealTime::default();
    let found = scan(&search(server.address, Units::Usual, &time), &library(), &|_| {});
    let addresses: Vec<&str> = found.iter().map(|one| one.address.as_str()).collect();
    assert_eq!(addresses, [format!("modbus+tcp://{}/255", server.address)]);
}

#[test]
fn devices_on_a_serial_line_are_found_with_the_settings_of_the_line() {
    let line = Line::start(|heard| match heard.bytes[0] {
        2 => vec![Act::Send(crate::testing::line::framed(&[2, heard.bytes[1] | 0x80, 2]))],
        _ => Vec::new(),
    });
    let time = RealTime::default();
    let any: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let targets = vec![Target::Bus(Bus::Rtu(line.settings.clone()))];
    let found = scan(&Search { targets, ..search(any, "1-3".parse().unwrap(), &time) }, &library(), &|_| {});
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert!(one.address.contains("/2?baud="), "{one:?}");
}

#[test]
fn agents_are_found_with_the_credentials_to_which_they_answer() {
    let object = |oid: &str, value| (oid.parse().unwrap(), value);
    let objects: VarBinds = [
        object("1.3.6.1.2.1.1.2.0", SnmpValue::Oid("1.3.6.1.4.1.21239.42.1.52".parse().unwrap())),
        object("1.3.6.1.2.1.1.5.0", SnmpValue::OctetString(b"PDU-A07".to_vec())),
    ]
    .into();
    let agent = Agent::start(Arc::new(Mutex::new(objects)), |_, answer| vec![answer]);
    let time = RealTime::default();
    let secrets = vec![("public".to_owned(), Secret::usual().unwrap())];
    let search = Search {
        modbus_port: None,
        secrets,
        snmp_port: agent.address.port(),
        ..search(agent.address, Units::Usual, &time)
    };
    let found = scan(&search, &library(), &|_| {});
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.name.as_deref(), one.credentials.as_deref()), (Some("PDU-A07"), Some("public")));
    let head = "[credentials.public]\nversion = \"2c\"\ncommunity_file = \"public.community\"\n";
    let known = Found { profile: Some("apc-rpdu2".into()), ..one.clone() };
    assert_eq!(checked(&toml(&[known], head)), ["pdu-a07"]);
}

#[test]
fn a_search_that_is_ended_keeps_what_it_found() {
    let (server, time) = (gateway(), RealTime::default());
    let stop = |progress: Progress<'_>| {
        if matches!(progress, Progress::Found(_)) {
            time.stop();
        }
    };
    let any = search(server.address, Units::These(vec![3]), &time);
    let targets = vec![any.targets[0].clone(), "127.0.0.2-127.0.0.250".parse().unwrap()];
    let found = scan(&Search { targets, ..any }, &library(), &stop);
    assert_eq!(found.len(), 1);
}

#[test]
fn the_effort_is_told_before_anything_is_asked() {
    let time = RealTime::default();
    let any = search("127.0.0.1:1".parse().unwrap(), Units::Usual, &time);
    let targets = vec!["10.4.0.0/24".parse().unwrap()];
    // 254 addresses, one connection each, 20 a second: 12.7 s.
    let (places, least) = effort(&Search { targets, rate: 20, ..any });
    assert_eq!((places, least), (254, Duration::from_millis(12_700)));
}
