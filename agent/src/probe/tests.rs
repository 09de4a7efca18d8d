//! Whole probes against real sockets.

mod recordings;
mod snmpd;
mod sunspec;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use profile::{Function, SnmpValue, VarBinds};

use super::pace::tests::Unhurried;
use super::*;
use crate::testing::faulty::{Asked, Reaction, Server};
use crate::testing::line::{Act, Line};
use crate::testing::responder::Agent;

const METER: &str = r#"
id = "test-meter"
maker = "Test"
model = "Meter"
protocol = "modbus"
confidence = "known"
sources = "made up for a test"
[identify]
registers = [{ function = 3, register = 100, words = [0x5754, 0x3031] }]
[identity]
serial = { function = 3, register = 200, count = 2 }
[[reading]]
quantity = "active_power"
channel = "total"
register = 0
function = 3
type = "u16"
scale = 0.1
unit = "kW"
[[reading]]
quantity = "voltage"
channel = "l1"
register = 1
function = 3
type = "u16"
unit = "V"
"#;

const VALUES: &str = r#"
id = "test-plain"
maker = "Test"
model = "X200, X210"
protocol = "modbus"
confidence = "known"
sources = "made up for a test"
[[reading]]
quantity = "voltage"
channel = "l1"
register = 10
function = 3
type = "f32"
unit = "V"
[[reading]]
quantity = "frequency"
channel = "total"
register = 20
function = 3
type = "f32"
unit = "Hz"
[[reading]]
quantity = "active_energy_import"
channel = "total"
register = 30
function = 3
type = "u32"
unit = "Wh"
[[reading]]
quantity = "active_power"
channel = "total"
register = 32
function = 3
type = "f32"
unit = "W"
"#;

const PDU: &str = r#"
id = "test-pdu"
maker = "Test"
model = "PDU"
protocol = "snmp"
confidence = "known"
sources = "made up for a test"
[identify]
object_id = ["1.3.6.1.4.1.99999"]
[identity]
serial = { oid = "1.3.6.1.4.1.99999.3" }
[[table]]
index = ["outlet"]
channel = "outlet.{outlet}"
reading = [{ quantity = "current", column = "1.3.6.1.4.1.99999.2.1.3", scale = 0.1, unit = "A", sentinels = ["-1"] }]
"#;

fn library() -> Library {
    let mut library = Library::default();
    library.add("meter.toml", METER).unwrap();
    library.add("pdu.toml", PDU).unwrap();
    library.add("values.toml", VALUES).unwrap();
    library
}

fn ask(address: &str) -> Result<Probed, ProbeError> {
    ask_by(address, None)
}

fn ask_by(address: &str, profile: Option<&str>) -> Result<Probed, ProbeError> {
    let address: Address = address.parse().unwrap();
    with(&address, |question| {
        let profile = profile.map(|id| Arc::clone(library().get(id).unwrap()));
        probe(&Question { profile, ..question }, &library())
    })
}

/// A question whose waiting takes no time.
fn with<T>(address: &Address, ask: impl FnOnce(Question<'_>) -> T) -> T {
    let time = Unhurried::default();
    ask(Question {
        address,
        profile: None,
        secret: Secret::usual().unwrap(),
        timeout: Duration::from_millis(300),
        watch: Watch::Short,
        patience: &time,
    })
}

fn meter(asked: Asked) -> Vec<u8> {
    match (asked.function, asked.start, asked.count) {
        (3, 100, 2) => asked.words(&[0x5754, 0x3031]),
        (3, 200, 2) => asked.words(&[0x4142, 0x3132]),
        (3, 0, 1) => asked.words(&[123]),
        (43, ..) => asked.exception(1),
        _ => asked.exception(2),
    }
}

#[test]
fn a_meter_is_recognised_by_its_registers_and_read_one_by_one_where_a_block_is_refused() {
    let server = Server::start(|asked| Reaction::Send(meter(asked)));
    let probed = ask(&format!("modbus+tcp://{}/1", server.address)).unwrap();
    assert_eq!(probed.profile.as_deref(), Some("test-meter"));
    assert_eq!(probed.identity.serial.as_deref(), Some("AB12"));
    let [power] = probed.readings.as_slice() else { panic!("{probed:?}") };
    // 123 x 0.1 kW are 12 300 W, 123 steps of 100 W; 123 is 7B in hex.
    assert_eq!((power.quantity, power.unit, power.raw.as_i64()), ("active_power", "W", Some(123)));
    assert_eq!((power.value.to_string().as_str(), power.sent.as_str()), ("12300", "007B"));
    let [problem] = probed.problems.as_slice() else { panic!("{probed:?}") };
    assert_eq!(problem.source, "fc3 1 u16 abcd");
    assert_eq!(problem.reason, "exception (the device refuses it: it has no such register, or not here)");
    let why = "profile `test-meter` was chosen: register 100 holds what only it has (2 words agree)";
    assert_eq!(probed.notes, [why]);
}

#[test]
fn the_json_of_a_probe_is_what_others_rely_on() {
    let server = Server::start(|asked| Reaction::Send(meter(asked)));
    let probed = ask(&format!("modbus+tcp://{}/1", server.address)).unwrap();
    let expected = serde_json::json!({
        "address": format!("modbus+tcp://{}/1", server.address),
        "profile": "test-meter",
        "identity": { "maker": "Test", "model": "Meter", "serial": "AB12", "firmware": null },
        "readings": [{
            "quantity": "active_power", "channel": "total", "value": 12_300, "unit": "W",
            "source": "fc3 0 u16 abcd", "raw": 123,
        }],
        "problems": [{
            "source": "fc3 1 u16 abcd",
            "reason": "exception (the device refuses it: it has no such register, or not here)",
        }],
        "warnings": [],
        "notes": ["profile `test-meter` was chosen: register 100 holds what only it has (2 words agree)"],
    });
    assert_eq!(serde_json::to_value(&probed).unwrap(), expected);
}

/// A float high word first, at any of these places.
fn float(value: f32) -> [u16; 2] {
    let bits = value.to_bits().to_be_bytes();
    [u16::from_be_bytes([bits[0], bits[1]]), u16::from_be_bytes([bits[2], bits[3]])]
}

fn plain(asked: Asked, energy: u16) -> Vec<u8> {
    let mut words: BTreeMap<u16, u16> = (0..40).map(|address| (address, 0)).collect();
    let places = [(10, float(230.5)), (20, float(50.01)), (30, [0, energy]), (32, float(36_000.0))];
    for (register, two) in places {
        words.extend((register..).zip(two));
    }
    let asked_for: Option<Vec<u16>> =
        (asked.start..asked.start + asked.count).map(|address| words.get(&address).copied()).collect();
    match asked_for {
        Some(words) if asked.function == 3 => asked.words(&words),
        _ => asked.exception(2),
    }
}

#[test]
fn a_meter_without_marks_is_known_by_values_that_make_sense_and_the_doubt_is_told() {
    let server = Server::start(|asked| Reaction::Send(plain(asked, 1000)));
    let probed = ask(&format!("modbus+tcp://{}/1", server.address)).unwrap();
    assert_eq!(probed.profile.as_deref(), Some("test-plain"));
    assert_eq!(
        probed.notes,
        [
            "profile `test-plain` was chosen: fc3 10 f32 abcd reads as 230.5 V and fc3 20 f32 abcd as 50.01 Hz, which proves \
          little: compare with the device's display"
        ]
    );
    let shown: Vec<String> = probed
        .readings
        .iter()
        .map(|one| format!("{} {} {} {}", one.quantity, one.value, one.unit, one.sent))
        .collect();
    assert_eq!(
        shown,
        [
            "voltage 230.5 V 4366 8000",
            "frequency 50.01 Hz 4248 0A3D",
            "active_energy_import 1000 Wh 0000 03E8",
            "active_power 36000 W 470C A000",
        ]
    );
    // It stood still for the five seconds in which 36 kW make 50 Wh.
    assert_eq!(probed.warnings.len(), 1);
    assert!(probed.warnings[0].text.starts_with("active_energy_import at total stays at 1000 Wh"));
}

#[test]
fn a_device_that_function_43_names_is_known_by_its_name() {
    let server = Server::start(|asked| {
        Reaction::Send(match asked.function {
            // Regular objects: TEST GmbH, X-210.
            43 => asked.frame(b"\x2b\x0e\x02\x82\x00\x00\x02\x00\x09TEST GmbH\x01\x05X-210"),
            _ => plain(asked, 1000),
        })
    });
    let probed = ask(&format!("modbus+tcp://{}/1", server.address)).unwrap();
    assert_eq!(probed.profile.as_deref(), Some("test-plain"));
    assert_eq!(probed.notes[0], "function 43 says: TEST GmbH, X-210");
    assert_eq!(probed.notes[1], "profile `test-plain` was chosen: function 43 says `TEST GmbH, X-210`");
}

#[test]
fn a_meter_that_nobody_knows_is_said_to_be_unknown_with_the_next_step() {
    let server = Server::start(|asked| Reaction::Send(asked.exception(2)));
    let probed = ask(&format!("modbus+tcp://{}/1", server.address)).unwrap();
    let reason = &probed.problems[0].reason;
    assert!(probed.profile.is_none() && reason.contains("no profile recognises"), "{probed:?}");
    assert!(reason.contains("--registers 0-99"), "{reason}");
}

#[test]
fn a_wrong_unit_is_told_with_the_units_that_answer() {
    let server = Server::start(|asked| match asked.unit {
        1 => Reaction::Send(asked.exception(2)),
        // Gateways say so when nobody answers them.
        0 => Reaction::Send(asked.exception(11)),
        _ => Reaction::Silence,
    });
    let said = ask(&format!("modbus+tcp://{}/5", server.address)).unwrap_err().to_string();
    let bus = format!("modbus+tcp://{}", server.address);
    assert_eq!(said, format!("`{bus}`: connection OK, unit 5 silent for 300ms, unit 1 answers: try {bus}/1"));
    let said = ask_by(&format!("{bus}/0"), Some("test-meter")).unwrap_err().to_string();
    assert!(said.contains("unit 0 silent") && said.contains("unit 1 answers"), "{said}");
}

#[test]
fn a_unit_that_never_answers_is_an_error_whatever_the_profile() {
    let server = Server::start(|_| Reaction::Silence);
    let address = format!("modbus+tcp://{}/1", server.address);
    let said = ask_by(&address, Some("test-meter")).unwrap_err().to_string();
    assert!(said.contains("unit 1 silent") && said.contains("units 255, 0 too"), "{said}");
}

#[test]
fn a_port_where_nothing_listens_is_told_apart_from_silence() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = ask(&format!("modbus+tcp://{free}/1")).unwrap_err().to_string();
    assert!(said.contains("nothing listens on port"), "{said}");
    let said = ask(&format!("snmp://{free}")).unwrap_err().to_string();
    assert!(said.contains("nothing listens on port"), "{said}");
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let said = ask(&format!("snmp://{}", silent.local_addr().unwrap())).unwrap_err().to_string();
    assert!(said.contains("to SNMP v2c with the usual community `public` within 300ms"), "{said}");
    assert!(said.contains("silent when the community or user is wrong"), "{said}");
}

#[test]
fn a_meter_on_a_serial_line_is_probed_too() {
    let line = Line::start(|heard| {
        let start = u16::from_be_bytes([heard.bytes[2], heard.bytes[3]]);
        vec![Act::Send(heard.words(&[if start == 0 { 77 } else { 230 }; 2][..usize::from(heard.bytes[5])]))]
    });
    let address = Address::Modbus { bus: crate::modbus::Bus::Rtu(line.settings.clone()), unit: 1 };
    let probed = with(&address, |question| {
        probe(&Question { profile: library().get("test-meter").cloned(), ..question }, &library())
    });
    // 77 x 0.1 kW are 7700 W; both registers come with one request.
    assert_eq!(probed.unwrap().readings[0].value.to_string(), "7700");
}

fn pdu(objects: &[(&str, SnmpValue)]) -> Agent {
    let objects: VarBinds =
        objects.iter().map(|(oid, value)| (oid.parse().unwrap(), value.clone())).collect();
    Agent::start(Arc::new(Mutex::new(objects)), |_, answer| vec![answer])
}

#[test]
fn a_pdu_is_recognised_by_its_object_id_and_what_is_not_plugged_in_is_no_problem() {
    let agent = pdu(&[
        ("1.3.6.1.2.1.1.1.0", SnmpValue::OctetString(b"Test PDU 1.0".to_vec())),
        ("1.3.6.1.2.1.1.2.0", SnmpValue::Oid("1.3.6.1.4.1.99999.7".parse().unwrap())),
        ("1.3.6.1.4.1.99999.2.1.3.1", SnmpValue::Integer(15)),
        ("1.3.6.1.4.1.99999.2.1.3.2", SnmpValue::Integer(-1)),
        ("1.3.6.1.4.1.99999.3.0", SnmpValue::OctetString(b"S-1 ".to_vec())),
    ]);
    let probed = ask(&format!("snmp://{}", agent.address)).unwrap();
    assert_eq!(probed.profile.as_deref(), Some("test-pdu"));
    assert_eq!(probed.identity.serial.as_deref(), Some("S-1"));
    let [current] = probed.readings.as_slice() else { panic!("{probed:?}") };
    assert_eq!((current.channel.as_str(), current.raw.as_i64()), ("outlet.1", Some(15)));
    assert_eq!((current.value.to_string().as_str(), current.sent.as_str()), ("1.5", "INTEGER 15"));
    assert!(probed.problems.is_empty(), "{:?}", probed.problems);
    let chosen = "profile `test-pdu` was chosen: sysObjectID 1.3.6.1.4.1.99999.7 agrees in 7 numbers";
    assert_eq!(probed.notes, ["sysDescr says: Test PDU 1.0", chosen]);
}

#[test]
fn an_agent_that_nobody_knows_is_said_to_be_unknown_with_the_next_step() {
    let agent = pdu(&[("1.3.6.1.2.1.1.2.0", SnmpValue::Oid("1.3.6.1.4.1.4711.9.1".parse().unwrap()))]);
    let probed = ask(&format!("snmp://{}", agent.address)).unwrap();
    assert_eq!(
        probed.problems[0].reason,
        "no profile recognises this device, its sysObjectID is 1.3.6.1.4.1.4711.9.1: name one with --profile, or look at \
         its objects with --walk 1.3.6.1.4.1.4711"
    );
}

#[test]
fn all_objects_below_one_are_shown_with_their_types() {
    let agent = pdu(&[
        ("1.3.6.1.4.1.9.1.0", SnmpValue::Integer(-5)),
        ("1.3.6.1.4.1.9.2.0", SnmpValue::OctetString(b"rack 7".to_vec())),
        ("1.3.6.1.4.1.9.3.0", SnmpValue::OctetString(vec![0, 0x1b])),
        ("1.3.6.1.4.1.10.1.0", SnmpValue::Integer(1)),
    ]);
    let address: Address = format!("snmp://{}", agent.address).parse().unwrap();
    let found = with(&address, |question| walk(&question, &"1.3.6.1.4.1.9".parse().unwrap())).unwrap();
    let shown: Vec<String> = found.iter().map(|one| format!("{} = {}", one.oid, one.value)).collect();
    assert_eq!(
        shown,
        [
            "1.3.6.1.4.1.9.1.0 = INTEGER -5",
            "1.3.6.1.4.1.9.2.0 = STRING \"rack 7\"",
            "1.3.6.1.4.1.9.3.0 = Hex-STRING 00 1B",
        ]
    );
}

#[test]
fn a_range_is_read_around_its_holes_and_with_few_requests() {
    let server = Server::start(|asked| {
        let hole = (asked.start..asked.start + asked.count).contains(&7);
        Reaction::Send(if hole { asked.exception(2) } else { asked.addresses() })
    });
    let address: Address = format!("modbus+tcp://{}/1", server.address).parse().unwrap();
    let found = with(&address, |question| registers::read(&question, Function::Holding, 0..=99)).unwrap();
    assert_eq!((found.words.len(), found.holes, found.left), (99, vec![7], None));
    assert_eq!((found.words[&0], found.words[&99]), (0, 99));
}

#[test]
fn a_function_that_the_device_does_not_know_is_told_with_the_other() {
    let server = Server::start(|asked| Reaction::Send(asked.exception(1)));
    let address: Address = format!("modbus+tcp://{}/1", server.address).parse().unwrap();
    let found = with(&address, |question| registers::read(&question, Function::Holding, 0..=9)).unwrap();
    assert_eq!(found.left, Some((0, "the device does not know this function, try --function 4".to_owned())));
}

#[test]
fn a_device_that_falls_silent_in_a_range_keeps_what_it_said() {
    let server = Server::start(|asked| match asked.start {
        0 => Reaction::Send(asked.addresses()),
        _ => Reaction::Silence,
    });
    let address: Address = format!("modbus+tcp://{}/1", server.address).parse().unwrap();
    let found = with(&address, |question| registers::read(&question, Function::Holding, 0..=99)).unwrap();
    assert_eq!(found.words.len(), 60);
    assert_eq!(found.left, Some((60, "the device no longer answers".to_owned())));
}
