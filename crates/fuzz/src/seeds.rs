//! The seeds of the corpora, made by our own encoders and by hand from the specifications; none is a recording.
//! `cargo test -p fuzz -- --ignored` writes them.

pub(crate) mod ber;

use std::fs;

use agent::modbus::crc16;
use agent::snmp::usm::{Header, Salt, User, sealed};
use model::{
    Channel, DeviceId, Encoding, Event, EventKind, Missing, Poll, PollGroup, Quantity, Raw, Samples,
    SeriesDescriptor, Severity, Side, SpoolId, Timestamp,
};
use profile::{Oid, SnmpValue};
use spool::{Options, Spool};
use wire::{Batch, Payload, Record, encode_batch, encode_payload};

use crate::snmp_users::{ENGINE, USER};
use crate::throw::corpus;

type Seed = (&'static str, Vec<u8>);

#[test]
#[ignore = "writes the seeds into the corpora"]
fn write_the_seeds() {
    write("modbus_tcp", modbus_tcp());
    write("modbus_rtu", modbus_rtu());
    write("sunspec", chains());
    write("snmp_v3", snmp_users());
    write("trap", traps());
    write("registers", registers());
    write("objects", objects());
    write("snmp_answer", snmp_answers());
    write("snmp_walk", snmp_walks());
    write("wire_payload", payloads());
    write(
        "wire_batch",
        vec![("batch", encode_batch(&batch())), ("plain", zstd_plain(&encode_batch(&batch())))],
    );
    write("spool_records", spool_records());
    write("collector_answer", collector_answers());
    write("words", words());
    let text = |text: &str| text.as_bytes().to_vec();
    write(
        "profile_text",
        vec![
            ("modbus", text(include_str!("seeds/modbus-profile.toml"))),
            ("snmp", text(include_str!("seeds/snmp-profile.toml"))),
        ],
    );
    write("agent_config", vec![("devices", text(include_str!("seeds/agent.toml")))]);
}

fn write(folder: &str, seeds: Vec<Seed>) {
    let folder = corpus(folder);
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in seeds {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// A registers' answer of the Application Protocol V1.1b3, 6.3; bits of 6.1; an exception; two frames in a row.
fn modbus_tcp() -> Vec<Seed> {
    let registers = [0x15, 0x01, 0, 0, 0, 9, 0x11, 3, 6, 0x02, 0x2b, 0, 0, 0, 0x64];
    let bits = [0, 1, 0, 0, 0, 6, 1, 1, 3, 0xcd, 0x6b, 0x05];
    let exception = [0, 1, 0, 0, 0, 3, 0x11, 0x83, 2];
    // Before the stream: place of the function, unit, one less than the count.
    vec![
        ("registers", [&[2, 0x11, 0, 2][..], &registers].concat()),
        ("bits", [&[0, 1, 0, 18][..], &bits].concat()),
        ("exception", [&[2, 0x11, 0, 2][..], &exception].concat()),
        ("two", [&[2, 0x11, 0, 2][..], &registers, &exception, &registers].concat()),
        // One file record of two registers (6.14), and an identification of three objects (6.21).
        ("file", [&[4, 1, 0, 1][..], &[0, 1, 0, 0, 0, 9, 1, 20, 6, 5, 6, 0x0d, 0xfe, 0, 0x20]].concat()),
        ("identification", [&[5, 1, 0, 0][..], &[0, 1, 0, 0, 0, 23, 1], &IDENTITY].concat()),
    ]
}

/// Maker "ABB", code "B23", revision "1.0" (6.21).
const IDENTITY: [u8; 22] =
    [0x2b, 0x0e, 1, 1, 0, 0, 3, 0, 3, b'A', b'B', b'B', 1, 3, b'B', b'2', b'3', 2, 3, b'1', b'.', b'0'];

/// What came over a line: an answer, noise before one, our own request before one, one whose checksum is wrong.
fn modbus_rtu() -> Vec<Seed> {
    let with_sum = |frame: &[u8]| [frame, &crc16(frame).to_le_bytes()].concat();
    let answer = with_sum(&[0x11, 3, 6, 0x02, 0x2b, 0, 0, 0, 0x64]);
    let request = with_sum(&[0x11, 3, 0, 0, 0, 3]);
    let identity = with_sum(&[&[1][..], &IDENTITY].concat());
    let asked = [2, 0x11, 0, 2];
    vec![
        ("answer", [&asked[..], &answer].concat()),
        ("noise", [&asked[..], &[0, 0xff, 0x11], &answer].concat()),
        ("echo", [&asked[..], &request, &answer].concat()),
        ("wrong-sum", [&asked[..], &answer[..10], &[0]].concat()),
        ("identification", [&[5, 1, 0, 0][..], &identity].concat()),
    ]
}

/// A chain of the common model and a meter; one that points at itself; one without a mark.
fn chains() -> Vec<Seed> {
    let words = |words: &[u16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let answer = |pair: [u16; 2]| [&[2][..], &words(&pair)].concat();
    let mark = answer([0x5375, 0x6e53]);
    let meter = [mark.clone(), answer([1, 66]), answer([203, 105]), answer([0xffff, 0])].concat();
    vec![
        ("meter", [&[0, 0][..], &meter].concat()),
        ("endless", [&[0, 0][..], &mark, &answer([203, 0]).repeat(80)].concat()),
        ("far", [&[0, 0][..], &mark, &answer([1, 4096]).repeat(10)].concat()),
        ("none", [&[0, 0][..], &[0].repeat(5)].concat()),
    ]
}

/// Messages of v3: sealed by the user of the target, unsecured, and a PDU alone.
fn snmp_users() -> Vec<Seed> {
    let (user, keys) = &*USER;
    let header = Header { id: 0x0100_0001, engine_id: &ENGINE, boots: 3, time: 1000, reportable: true };
    let nobody = User::new("nobody").unwrap();
    let seal =
        |user, keys| sealed(&header, (user, keys), &ber::pdu(0xa2, 0, &values()), &mut Salt::new()).unwrap();
    vec![
        ("sealed", seal(user, keys)),
        ("unsecured", seal(&nobody, &nobody.keys(&ENGINE))),
        ("pdu", ber::pdu(0xa2, 0, &values())),
        ("report", ber::pdu(0xa8, 0, &[(oid("1.3.6.1.6.3.15.1.1.4.0"), SnmpValue::Counter32(7))])),
    ]
}

/// Notifications with what RFC 3416, 4.2.6 wants in front; the same by a user; one of v1 (RFC 1157, 4.1.6).
fn traps() -> Vec<Seed> {
    let objects = vec![
        (oid("1.3.6.1.2.1.1.3.0"), SnmpValue::TimeTicks(4200)),
        (oid("1.3.6.1.6.3.1.1.4.1.0"), SnmpValue::Oid(oid("1.3.6.1.6.3.1.1.5.1"))),
        (oid("1.3.6.1.4.1.318.2.3.3.0"), SnmpValue::OctetString(b"UPS: on battery".to_vec())),
    ];
    let community = |version: u8, pdu: &[u8]| ber::message(version, pdu);
    let from = |sender: u8, packet: &[u8]| {
        let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
        [&[sender][..], &length, packet].concat()
    };
    let trap = from(0, &community(1, &ber::pdu(0xa7, 0, &objects)));
    let inform = from(0, &community(1, &ber::pdu(0xa6, 0, &objects)));
    let nobody = User::new("fuzz").unwrap();
    let header = Header { id: 9, engine_id: &ENGINE, boots: 3, time: 1000, reportable: false };
    let keys = nobody.keys(&ENGINE);
    let sealed = sealed(&header, (&nobody, &keys), &ber::pdu(0xa7, 0, &objects), &mut Salt::new()).unwrap();
    let version_1 = [
        ber::tlv(6, &agent::snmp::encoded(&oid("1.3.6.1.4.1.318"))),
        ber::tlv(0x40, &[10, 4, 0, 31]),
        ber::tlv(2, &[6]),
        ber::tlv(2, &[5]),
        ber::tlv(0x43, &[0x10, 0x68]),
        ber::tlv(0x30, &[]),
    ];
    let version_1 = from(0, &community(0, &ber::tlv(0xa4, &version_1.concat())));
    vec![
        ("trap", trap.clone()),
        ("inform", [inform.clone(), inform].concat()),
        ("user", from(1, &sealed)),
        ("version-1", version_1),
        ("storm", trap.repeat(20)),
    ]
}

fn registers() -> Vec<Seed> {
    let float = [[0, 3], [0x43, 0x66], [0x80, 0], [0x7f, 0xc0], [0, 0], [0xff, 0xff], [0x80, 0]].concat();
    let double = [0, 9, 0x40, 0x6c, 0xc0, 0, 0, 0, 0, 0, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0].to_vec();
    vec![
        ("floats", float),
        ("doubles", double),
        ("counter", vec![0, 20, 0, 1, 0xe2, 0x40, 0xff, 0xff, 0xff, 0xff]),
    ]
}

fn objects() -> Vec<Seed> {
    let integer = |column: u8, row: u8| vec![column, 1, row, 1, 0, 0, 0x12, 0x34];
    let text = |column: u8, row: u8| vec![column, 2, row, 1, 6, 4, b'L', b'1', b' ', b'A'];
    let scalar = |which: u8| vec![0x80 | which, 3, 0, 0, 0, 10];
    let table = |profile: u8| {
        let cells = (0..30).flat_map(|n| if n % 3 == 0 { text(n, 1) } else { integer(n, n % 4 + 1) });
        [0, profile].into_iter().chain(cells).chain((0..6).flat_map(scalar)).collect()
    };
    vec![("table-2", table(2)), ("table-9", table(9)), ("table-17", table(17))]
}

fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

fn values() -> Vec<(Oid, SnmpValue)> {
    let all = [
        SnmpValue::Integer(-1),
        SnmpValue::Integer(2301),
        SnmpValue::Counter32(u32::MAX),
        SnmpValue::Gauge32(7),
        SnmpValue::TimeTicks(360_000),
        SnmpValue::Counter64(u64::MAX),
        SnmpValue::OctetString(b"Rack PDU".to_vec()),
        SnmpValue::Oid(oid("1.3.6.1.4.1.318.1.3.4.6")),
        SnmpValue::IpAddress([10, 4, 0, 31]),
        SnmpValue::Opaque(vec![0x9f, 0x78, 4, 0x43, 0x66, 0x80, 0]),
        SnmpValue::Null,
        SnmpValue::NoSuchObject,
        SnmpValue::NoSuchInstance,
        SnmpValue::EndOfMibView,
    ];
    let name =
        |n: usize| oid("1.3.6.1.4.1.318.1.1.26.6.3.1").child(&[u32::try_from(n).unwrap(), 4_294_967_295]);
    all.into_iter().enumerate().map(|(n, value)| (name(n), value)).collect()
}

fn snmp_answers() -> Vec<Seed> {
    vec![
        ("all-kinds", ber::response(0, &values())),
        ("too-big", ber::response(1, &[])),
        ("error", ber::response(5, &values()[..1])),
        ("cut", ber::response(0, &values()).split_at(60).0.to_vec()),
    ]
}

fn snmp_walks() -> Vec<Seed> {
    // Two rounds of objects below what was asked, each an integer; then nothing.
    let step = [1, 5, 1, 1, 0, 0, 0, 9];
    vec![
        ("one-row", [vec![0, 2], step.repeat(40)].concat()),
        ("backwards", [vec![0, 2, 2, 0, 150, 1, 1, 0, 0, 0, 9], step.repeat(3)].concat()),
        ("too-big", [vec![0, 4, 1, 28], step.repeat(9)].concat()),
    ]
}

fn series(number: u32, quantity: Quantity, encoding: Encoding) -> SeriesDescriptor {
    SeriesDescriptor {
        number,
        device: DeviceId::new("pdu-17").unwrap(),
        quantity,
        channel: Channel::new("outlet.3").unwrap(),
        encoding,
        exponent: -1,
        wraps_at: Some(1 << 32),
        resolution: 1,
        side: Side::Primary,
        profile: None,
        profile_hash: Some([9; 32]),
        source: "fc3 19068 f32 abcd".to_owned(),
    }
}

fn samples() -> Samples {
    let time = Timestamp::from_millis(1_780_000_000_000);
    let values = vec![
        Ok(Raw::Integer(2301)),
        Ok(Raw::Integer(-7)),
        Err(Missing::NoAnswer),
        Ok(Raw::Float32(230.5)),
        Ok(Raw::Float64(50.01)),
        Err(Missing::NotAvailable),
    ];
    Samples {
        polls: vec![
            Poll { group: 1, time, values },
            Poll { group: 2, time, values: vec![Err(Missing::Refused); 20] },
        ],
    }
}

fn payloads() -> Vec<Seed> {
    let (device, time) = (DeviceId::new("pdu-17").unwrap(), Timestamp::from_millis(1_780_000_000_000));
    let event = Event {
        time,
        device: Some(device.clone()),
        kind: EventKind::DeviceSilent,
        severity: Severity::Warning,
        text: "silent: 3 polls in a row brought no value".to_owned(),
    };
    let series = vec![
        series(1, Quantity::ActivePower, Encoding::Float32),
        series(2, Quantity::ActiveEnergyImport, Encoding::Integer),
    ];
    let groups = vec![PollGroup { number: 1, device, period_ms: 1000, offset_ms: 370, series: vec![1, 2] }];
    let version = "0.1.0".to_owned();
    let start =
        Payload::RunStart { run: 4, agent_version: version, last_durable: Some(time), clean_stop: true };
    let gap = Payload::Gap { first: 5, last: 9, from: time, to: time, reason: Missing::Other };
    let all = [
        ("run-start", start),
        ("run-stop", Payload::RunStop { run: 4 }),
        ("declaration", Payload::Declaration { run: 4, series, groups }),
        ("samples", Payload::Samples { run: 4, samples: samples() }),
        ("gap", gap),
        ("clock-step", Payload::ClockStep { before: time, after: time }),
        ("event", Payload::Event(event)),
    ];
    all.into_iter().map(|(name, payload)| (name, encode_payload(&payload))).collect()
}

fn batch() -> Batch {
    let time = Timestamp::from_millis(1_780_000_000_000);
    let records = payloads().into_iter().zip(10u64..);
    let records = records.map(|((_, payload), sequence)| Record { sequence, time, payload }).collect();
    Batch {
        schema: wire::SCHEMA,
        spool: SpoolId::from_bytes([7; 16]),
        first: 10,
        last: 16,
        gap_from: Some(8),
        records,
    }
}

fn zstd_plain(body: &[u8]) -> Vec<u8> {
    zstd::bulk::decompress(body, 1 << 20).unwrap()
}

/// A segment of a real spool behind its identity; another with a spoiled record.
fn spool_records() -> Vec<Seed> {
    let folder = std::env::temp_dir().join(format!("wattwacht-seeds-{}", std::process::id()));
    let (mut spool, _) = Spool::open(&folder, Options::default()).unwrap();
    let id = spool.reader().id().bytes();
    for (_, payload) in payloads() {
        spool.append(Timestamp::from_millis(1_780_000_000_000), &payload).unwrap();
    }
    spool.close().unwrap();
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let segment = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "log")).unwrap();
    let mut bytes = fs::read(segment).unwrap();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    fs::remove_dir_all(&folder).unwrap();
    let whole = [&id[..], &bytes].concat();
    let mut spoiled = whole.clone();
    spoiled[90] ^= 1;
    vec![("segment", whole), ("spoiled", spoiled)]
}

fn collector_answers() -> Vec<Seed> {
    let answer = |status: u16, wait: &str, body: &str| {
        let length = u8::try_from(wait.len()).unwrap();
        [&status.to_be_bytes()[..], &[length], wait.as_bytes(), body.as_bytes()].concat()
    };
    vec![
        ("stored", answer(200, "", "{\"next\": 4711}")),
        ("rewind", answer(409, "", "{\"next\": 0}")),
        ("busy", answer(503, "12", "come back later")),
        ("refused", answer(403, "", "<h1>no\u{1b}[31m</h1>")),
    ]
}

fn words() -> Vec<Seed> {
    [
        ("modbus", "modbus+tcp://10.4.0.17:1502/1"),
        ("snmp", "snmp://public@[fd00::7]:161"),
        ("host", "host://"),
        ("oid", "1.3.6.1.4.1.318.1.1.26.6.3.1.7.1"),
        ("decimal", "-0.0125"),
        ("duration", "1h30m"),
        ("size", "2 GiB"),
        ("channel", "outlet.l1.24"),
    ]
    .map(|(name, text)| (name, text.as_bytes().to_vec()))
    .to_vec()
}
