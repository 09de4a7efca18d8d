use std::sync::{Arc, Mutex};

use profile::{SnmpValue, VarBinds};

use super::*;
use crate::testing::faulty::{Reaction, Server};
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
    library
}

fn ask(address: &str) -> Result<Probed, ProbeError> {
    let address: Address = address.parse().unwrap();
    let timeout = Duration::from_millis(500);
    probe(&Question { address: &address, profile: None, community: b"public".to_vec(), timeout }, &library())
}

#[test]
fn a_meter_is_recognised_by_its_registers_and_read_one_by_one_where_a_block_is_refused() {
    let server = Server::start(|asked| {
        Reaction::Send(match (asked.start, asked.count) {
            (100, 2) => asked.words(&[0x5754, 0x3031]),
            (200, 2) => asked.words(&[0x4142, 0x3132]),
            (0, 1) => asked.words(&[123]),
            _ => asked.exception(2),
        })
    });
    let probed = ask(&format!("modbus+tcp://{}/1", server.address)).unwrap();
    assert_eq!(probed.profile.as_deref(), Some("test-meter"));
    assert_eq!(probed.identity.serial.as_deref(), Some("AB12"));
    let [power] = probed.readings.as_slice() else { panic!("{probed:?}") };
    // 123 x 0.1 kW are 12 300 W, 123 steps of 100 W.
    assert_eq!((power.quantity, power.unit, power.raw.as_i64()), ("active_power", "W", Some(123)));
    assert!((power.value - 12_300.0).abs() < 1e-9);
    assert_eq!(probed.problems, [Problem { source: "fc3 1 u16 abcd".into(), reason: "exception".into() }]);
}

#[test]
fn a_meter_that_nobody_knows_is_said_to_be_unknown() {
    let server = Server::start(|asked| Reaction::Send(asked.exception(2)));
    let probed = ask(&format!("modbus+tcp://{}/1", server.address)).unwrap();
    assert!(
        probed.profile.is_none() && probed.problems[0].reason.contains("no profile recognises"),
        "{probed:?}"
    );
}

#[test]
fn a_unit_that_never_answers_is_an_error() {
    let server = Server::start(|_| Reaction::Silence);
    let address: Address = format!("modbus+tcp://{}/1", server.address).parse().unwrap();
    let profile = library().get("test-meter").cloned();
    let question =
        Question { address: &address, profile, community: Vec::new(), timeout: Duration::from_millis(50) };
    assert!(matches!(probe(&question, &library()), Err(ProbeError::Silent { .. })));
}

#[test]
fn a_pdu_is_recognised_by_its_object_id_and_what_is_not_plugged_in_is_no_problem() {
    let oid = |text: &str| text.parse().unwrap();
    let objects = VarBinds::from([
        (oid("1.3.6.1.2.1.1.2.0"), SnmpValue::Oid(oid("1.3.6.1.4.1.99999.7"))),
        (oid("1.3.6.1.4.1.99999.2.1.3.1"), SnmpValue::Integer(15)),
        (oid("1.3.6.1.4.1.99999.2.1.3.2"), SnmpValue::Integer(-1)),
        (oid("1.3.6.1.4.1.99999.3.0"), SnmpValue::OctetString(b"S-1 ".to_vec())),
    ]);
    let agent = Agent::start(Arc::new(Mutex::new(objects)), |_, answer| vec![answer]);
    let probed = ask(&format!("snmp://{}", agent.address)).unwrap();
    assert_eq!(probed.profile.as_deref(), Some("test-pdu"));
    assert_eq!(probed.identity.serial.as_deref(), Some("S-1"));
    let [current] = probed.readings.as_slice() else { panic!("{probed:?}") };
    assert_eq!((current.channel.as_str(), current.raw.as_i64()), ("outlet.1", Some(15)));
    assert!((current.value - 1.5).abs() < 1e-9);
    assert!(probed.problems.is_empty(), "{:?}", probed.problems);
}
