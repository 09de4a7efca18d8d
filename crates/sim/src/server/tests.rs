use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use tokio_modbus::prelude::*;

use super::*;
use crate::config::Config;
use crate::physics::{Feed, Flow, Place};
use crate::site::Link;

/// 2026-03-03T12:00:00Z, a Tuesday.
const NOON: Timestamp = Timestamp::from_seconds(1_772_539_200);
/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// The two sites, each device on a free port of an address of its own; each test has a net of its own.
fn config(net: u8) -> Config {
    let mut config = Config::parse("sim.toml", "[simulation]\npreset = \"frankfurt\"\n").unwrap();
    config.sites.truncate(1);
    for device in &mut config.sites[0].devices {
        let (Link::Modbus { listen, .. } | Link::Snmp { listen }) = &mut device.link;
        let [.., host] = match listen.ip() {
            std::net::IpAddr::V4(ip) => ip.octets(),
            std::net::IpAddr::V6(_) => unreachable!("the preset has none"),
        };
        *listen = SocketAddr::from(([127, 0, net, host], 0));
    }
    config
}

fn serve(net: u8) -> Server {
    let library = profile::Library::built_in().unwrap();
    let world = config(net).world(&library).unwrap();
    Server::start(world, Arc::new(|| NOON), Some(SocketAddr::from(([127, 0, net, 254], 0)))).unwrap()
}

fn ids(device: &str) -> (SiteId, DeviceId) {
    (SiteId::new("rz-nord").unwrap(), DeviceId::new(device).unwrap())
}

fn address(server: &Server, device: &str) -> SocketAddr {
    let (site, device) = ids(device);
    server.address_of(&site, &device).unwrap()
}

fn tell(server: &Server, line: &str) {
    assert_eq!(server.command(line.parse().unwrap()).as_deref(), Some("ok\n"), "{line}");
}

/// What truly went through a place until noon, with what the device had counted before.
fn truth(device: &str, place: Place) -> i128 {
    let config = config(1);
    let start = config.sites[0].devices.iter().find(|one| one.id.as_str() == device).unwrap().start;
    (config.sites[0].ledger(1).amount(place, NOON) + start).fine()
}

async fn words(address: SocketAddr, unit: u8, register: u16, count: u16) -> Vec<u16> {
    let mut client = tcp::connect_slave(address, Slave(unit)).await.unwrap();
    client.read_holding_registers(register, count).await.unwrap().unwrap()
}

fn big_endian(words: &[u16]) -> u64 {
    words.iter().fold(0, |bits, word| bits << 16 | u64::from(*word))
}

#[tokio::test]
async fn a_modbus_client_finds_the_true_energy_in_the_makers_registers() {
    let server = serve(61);
    // Siemens PAC3200: import of tariff 1 at 801, f64 in Wh.
    let main = words(address(&server, "main-meter"), 1, 801, 4).await;
    let watt_hours = f64::from_bits(big_endian(&main));
    let truth_mwh = truth("main-meter", Place::Grid) / 3_600_000;
    assert!((watt_hours * 1000.0 - truth_mwh as f64).abs() < 1.0, "{watt_hours} Wh, {truth_mwh} mWh");
    // ABB B23 behind the gateway: import at 0x5000, u64 in 0.01 kWh.
    let unit = |name: &str| match config(1).sites[0]
        .devices
        .iter()
        .find(|one| one.id.as_str() == name)
        .unwrap()
        .link
    {
        Link::Modbus { unit, .. } => unit,
        Link::Snmp { .. } => 0,
    };
    let ups = words(address(&server, "ups-b-out-meter"), unit("ups-b-out-meter"), 0x5000, 4).await;
    let hundredths = truth("ups-b-out-meter", Place::UpsOut(Feed::B)).div_euclid(36_000_000_000);
    assert_eq!(i128::from(big_endian(&ups)), hundredths);
}

#[tokio::test]
async fn a_gateway_tells_that_it_has_no_such_unit_and_a_device_that_it_has_no_such_register() {
    let server = serve(62);
    let mut gateway = tcp::connect_slave(address(&server, "pump-meter"), Slave(99)).await.unwrap();
    let said = gateway.read_holding_registers(0x5000, 4).await.unwrap();
    assert_eq!(said, Err(tokio_modbus::ExceptionCode::GatewayTargetDevice));
    let mut meter = tcp::connect_slave(address(&server, "main-meter"), Slave(1)).await.unwrap();
    let said = meter.read_holding_registers(50_000, 4).await.unwrap();
    assert_eq!(said, Err(tokio_modbus::ExceptionCode::IllegalDataAddress));
    let said = meter.write_single_register(801, 0).await.unwrap();
    assert_eq!(said, Err(tokio_modbus::ExceptionCode::IllegalFunction));
}

/// Sends a request for four registers from 801; gives what came within `patience`.
fn exchange(address: SocketAddr, patience: Duration) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(&REQUEST)?;
    let mut answer = vec![0; 64];
    let length = stream.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

#[test]
fn a_device_misbehaves_as_it_is_told_and_disturbs_no_other() {
    let server = serve(63);
    let (meter, other) = (address(&server, "main-meter"), address(&server, "generator-meter"));
    assert_eq!(exchange(meter, PATIENCE).unwrap().len(), 17);

    tell(&server, "set rz-nord/main-meter hang");
    let silent = exchange(meter, Duration::from_millis(300)).unwrap_err();
    assert!(matches!(silent.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{silent}");
    assert_eq!(exchange(other, PATIENCE).unwrap().len(), 17);

    tell(&server, "set rz-nord/main-meter exception 4");
    assert_eq!(exchange(meter, PATIENCE).unwrap()[6..], [1, 0x83, 4]);

    tell(&server, "set rz-nord/main-meter drop");
    assert!(exchange(meter, PATIENCE).is_ok_and(|answer| answer.is_empty()));

    tell(&server, "set rz-nord/main-meter late 300ms");
    let asked = Instant::now();
    assert_eq!(exchange(meter, PATIENCE).unwrap().len(), 17);
    assert!(asked.elapsed() >= Duration::from_millis(300), "{:?}", asked.elapsed());

    tell(&server, "set rz-nord/main-meter refuse");
    assert_eq!(exchange(meter, PATIENCE).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(exchange(other, PATIENCE).unwrap().len(), 17);

    tell(&server, "clear rz-nord/main-meter");
    assert_eq!(exchange(meter, PATIENCE).unwrap().len(), 17);
}

fn main_meter_watt_hours(server: &Server) -> f64 {
    let answer = exchange(address(server, "main-meter"), PATIENCE).unwrap();
    f64::from_be_bytes(answer[9..17].try_into().unwrap())
}

#[test]
fn a_counter_is_reset_and_a_clock_jumps() {
    let server = serve(64);
    let before = main_meter_watt_hours(&server);
    tell(&server, "set rz-nord/main-meter jump 1h");
    let in_an_hour = main_meter_watt_hours(&server) - before;
    // A site of 180 kW of IT draws about 250 kW.
    assert!((150_000.0..400_000.0).contains(&in_an_hour), "{in_an_hour}");
    tell(&server, "clear rz-nord/main-meter");
    tell(&server, "set rz-nord/main-meter reset");
    assert!(main_meter_watt_hours(&server).abs() < 1e-9);
}

#[test]
fn commands_are_taken_over_a_connection() {
    let server = serve(65);
    let mut stream = TcpStream::connect(server.control_address().unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut say = |line: &str, last: &str| {
        stream.write_all(line.as_bytes()).unwrap();
        let mut said = String::new();
        while !said.ends_with(last) {
            let mut chunk = [0; 4096];
            let length = stream.read(&mut chunk).unwrap();
            assert!(length > 0, "closed after {said}");
            said.push_str(&String::from_utf8_lossy(&chunk[..length]));
        }
        said
    };
    assert!(say("list\n", "ok\n").contains("rz-nord/main-meter modbus+tcp://127.0."));
    assert_eq!(say("set rz-nord/nobody hang\n", "\n"), "error: there is no such device\n");
    assert!(say("dance\n", "\n").starts_with("error: "));
    assert_eq!(say("set rz-nord/crac-1 lose 100\n", "\n"), "ok\n");
}

fn snmpget(address: SocketAddr, oid: &str, patience: &str) -> Option<String> {
    let target = format!("udp:{address}");
    let args = ["-v2c", "-c", "public", "-Onq", "-Oe", "-t", patience, "-r", "0", &target, oid];
    let output = Process::new("snmpget").args(args).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn net_snmp_finds_the_true_energy_of_a_rack_pdu() {
    let server = serve(66);
    let pdu = address(&server, "rack-01-a-pdu");
    // APC rPDU2: energy of the device in 0.1 kWh.
    let oid = ".1.3.6.1.4.1.318.1.1.26.4.3.1.9.1";
    let Some(said) = snmpget(pdu, oid, "5") else {
        println!("skipped: there is no snmpget here");
        return;
    };
    let tenths = truth("rack-01-a-pdu", Place::Of(Flow::Rack(0, Feed::A))).div_euclid(360_000_000_000);
    assert_eq!(said, format!("{oid} {tenths}"));
    tell(&server, "set rz-nord/rack-01-a-pdu lose 100");
    assert_eq!(snmpget(pdu, oid, "0.3").as_deref(), Some(""));
}

#[test]
fn an_address_that_is_taken_is_named_with_its_device() {
    let library = profile::Library::built_in().unwrap();
    let mut config = config(67);
    let taken = std::net::TcpListener::bind("127.0.67.1:0").unwrap().local_addr().unwrap();
    let holder = std::net::TcpListener::bind(taken).unwrap();
    config.sites[0].devices[0].link = Link::Modbus { listen: taken, unit: 1 };
    let world = config.world(&library).unwrap();
    let said = Server::start(world, Arc::new(|| NOON), None).unwrap_err().to_string();
    assert_eq!(said, format!("cannot listen on {taken} for device `rz-nord/main-meter`"));
    drop(holder);
}

#[test]
fn a_connection_is_reset_forgotten_or_hung_up_on_as_it_is_told() {
    let server = serve(68);
    let meter = address(&server, "main-meter");
    tell(&server, "set rz-nord/main-meter abort x1");
    let kind = exchange(meter, PATIENCE).unwrap_err().kind();
    assert_eq!(kind, io::ErrorKind::ConnectionReset);
    assert_eq!(exchange(meter, PATIENCE).unwrap().len(), 17);

    tell(&server, "set rz-nord/main-meter half-open x1");
    let mut stream = TcpStream::connect(meter).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    for _ in 0..2 {
        // The fault is over with the first request, the connection stays mute for good.
        stream.write_all(&REQUEST).unwrap();
        assert!(stream.read(&mut [0; 64]).is_err());
    }
    assert_eq!(exchange(meter, PATIENCE).unwrap().len(), 17);

    tell(&server, "set rz-nord/main-meter idle 100ms");
    assert!(exchange(meter, PATIENCE).is_ok_and(|answer| answer.len() == 17));
    let mut stream = TcpStream::connect(meter).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(stream.read(&mut [0; 64]).unwrap(), 0);

    tell(&server, "set rz-nord/main-meter alone");
    let mut first = TcpStream::connect(meter).unwrap();
    first.write_all(&REQUEST).unwrap();
    first.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(first.read(&mut [0; 64]).unwrap(), 17);
    let second = exchange(meter, PATIENCE);
    assert!(second.is_err() || second.is_ok_and(|answer| answer.is_empty()), "a second client was taken");
}

/// A request for four registers from 801 under transaction 7.
const REQUEST: [u8; 12] = [0, 7, 0, 0, 0, 6, 1, 3, 3, 0x21, 0, 4];

#[test]
fn an_answer_is_made_wrong_in_the_one_place_that_was_told() {
    let server = serve(69);
    let meter = address(&server, "main-meter");
    let good = exchange(meter, PATIENCE).unwrap();
    for (fault, header) in [
        ("wrong id", [0, 8, 0, 0, 0, 11, 1, 3, 8]),
        ("no id", [0, 0, 0, 0, 0, 11, 1, 3, 8]),
        ("wrong unit", [0, 7, 0, 0, 0, 11, 2, 3, 8]),
        ("short", [0, 7, 0, 0, 0, 9, 1, 3, 6]),
        ("long", [0, 7, 0, 0, 0, 13, 1, 3, 10]),
        ("wrong community", [0, 7, 0, 0, 0, 11, 1, 3, 8]),
        ("reorder", [0, 7, 0, 0, 0, 11, 1, 3, 8]),
    ] {
        tell(&server, &format!("set rz-nord/main-meter {fault} x1"));
        let answer = exchange(meter, PATIENCE).unwrap();
        assert_eq!(answer[..9], header, "{fault}");
        assert_eq!(answer[9..15], good[9..15], "{fault}");
    }
    tell(&server, "set rz-nord/main-meter zero x1");
    assert_eq!(exchange(meter, PATIENCE).unwrap()[9..], [0; 8]);
    assert_eq!(exchange(meter, PATIENCE).unwrap(), good);
}

/// Sends two requests at once; gives the transactions in the order of the answers and how many reads they took.
fn two_at_once(address: SocketAddr, answers: usize) -> (Vec<u8>, usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let second = [&[0, 9], &REQUEST[2..]].concat();
    stream.write_all(&[REQUEST.to_vec(), second].concat()).unwrap();
    let (mut bytes, mut reads) = (Vec::new(), 0);
    while bytes.len() < 17 * answers {
        let mut chunk = [0; 256];
        let length = stream.read(&mut chunk).unwrap();
        assert!(length > 0, "closed after {bytes:?}");
        bytes.extend_from_slice(&chunk[..length]);
        reads += 1;
    }
    (bytes.chunks(17).map(|answer| answer[1]).collect(), reads)
}

#[test]
fn answers_are_merged_split_swapped_and_doubled_as_it_is_told() {
    let server = serve(70);
    let meter = address(&server, "main-meter");
    tell(&server, "set rz-nord/main-meter merge x2");
    assert_eq!(two_at_once(meter, 2), (vec![7, 9], 1));
    tell(&server, "set rz-nord/main-meter reorder x2");
    assert_eq!(two_at_once(meter, 2).0, [9, 7]);
    tell(&server, "set rz-nord/main-meter twice x1");
    assert_eq!(two_at_once(meter, 3).0, [7, 7, 9]);
    tell(&server, "set rz-nord/main-meter split x2");
    let (transactions, reads) = two_at_once(meter, 1);
    assert!(transactions[0] == 7 && reads > 3, "{reads} reads");
}

#[test]
fn a_book_says_what_a_device_was_asked_and_what_it_told() {
    let library = profile::Library::built_in().unwrap();
    let mut world = config(71).world(&library).unwrap();
    world.keep_books();
    let server = Server::start(world, Arc::new(|| NOON), None).unwrap();
    let meter = address(&server, "main-meter");
    for fault in ["jump 10s", "short x1", "zero x1"] {
        tell(&server, &format!("set rz-nord/main-meter {fault}"));
        exchange(meter, PATIENCE).unwrap();
    }
    let said = server.command("book rz-nord/main-meter".parse().unwrap()).unwrap();
    let (noon, then) = (NOON.millis(), NOON.millis() + 10_000);
    let expected = format!("{noon} {then} truth\n{noon} {then} nonsense\n{noon} {then} truth zero\nok\n");
    assert_eq!(said, expected);
}

#[test]
fn a_table_shrinks_and_an_answer_comes_late_twice_or_under_a_wrong_number() {
    let server = serve(72);
    let pdu = address(&server, "rack-01-a-pdu");
    // The second phase of the PDU, by its power.
    let oid = ".1.3.6.1.4.1.318.1.1.26.6.3.1.7.2";
    let Some(said) = snmpget(pdu, oid, "5") else {
        println!("skipped: there is no snmpget here");
        return;
    };
    assert!(said.starts_with(oid), "{said}");
    tell(&server, "set rz-nord/rack-01-a-pdu wrong id");
    assert_eq!(snmpget(pdu, oid, "0.3").as_deref(), Some(""));
    tell(&server, "clear rz-nord/rack-01-a-pdu");
    tell(&server, "set rz-nord/rack-01-a-pdu rows 1");
    assert!(snmpget(pdu, oid, "5").unwrap().contains("No Such Instance"));
    tell(&server, "clear rz-nord/rack-01-a-pdu");
    // net-snmp takes answers of any community.
    for fault in ["twice", "reorder", "late 100ms", "wrong community"] {
        tell(&server, &format!("set rz-nord/rack-01-a-pdu {fault}"));
        assert_eq!(snmpget(pdu, oid, "5").as_deref(), Some(said.as_str()), "{fault}");
    }
}
