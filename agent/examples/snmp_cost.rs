//! What a poll over SNMP v3 costs beside one over v2c, in CPU time: `cargo run -p agent --example snmp_cost`.
//!
//! Requests are encoded and answers heard in memory, as the poll engine does it, without sockets: 97 objects in two
//! packets of 49 and 48, as a PDU of 24 outlets with four columns needs.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for one's own terminal")]

use std::time::Duration;

use agent::snmp::usm::{Header, Salt, User, sealed};
use agent::snmp::{Credentials, Heard, Incoming, Packet, REQUEST_IDS, Read, Session, encoded};
use profile::{Oid, SnmpValue};

const ENGINE: [u8; 12] = [0x80, 0, 0x1f, 0x88, 5, 1, 2, 3, 4, 5, 6, 7];
const POLLS: u32 = 4000;
const OBJECTS: [u32; 2] = [49, 48];

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = if content.len() < 128 { vec![tag, length[1]] } else { vec![tag, 0x82, length[0], length[1]] };
    [head.as_slice(), content].concat()
}

fn oids(count: u32) -> Vec<Oid> {
    let column: Oid = "1.3.6.1.4.1.318.1.1.26.9.4.3.1".parse().unwrap();
    (0..count).map(|row| column.child(&[7, row])).collect()
}

fn response(oids: &[Oid]) -> Vec<u8> {
    let one = |oid: &Oid| tlv(0x30, &[tlv(6, &encoded(oid)), tlv(0x42, &[0x12, 0x34])].concat());
    let list = tlv(0x30, &oids.iter().flat_map(one).collect::<Vec<u8>>());
    let head = [tlv(2, &REQUEST_IDS.start().to_be_bytes()), tlv(2, &[0]), tlv(2, &[0])].concat();
    tlv(0xa2, &[head, list].concat())
}

fn report() -> Vec<u8> {
    let oid: Oid = "1.3.6.1.6.3.15.1.1.4.0".parse().unwrap();
    let one = tlv(0x30, &[tlv(6, &encoded(&oid)), tlv(0x41, &[1])].concat());
    let head = [tlv(2, &REQUEST_IDS.start().to_be_bytes()), tlv(2, &[0]), tlv(2, &[0])].concat();
    tlv(0xa8, &[head, tlv(0x30, &one)].concat())
}

fn message(credentials: &Credentials, pdu: &[u8]) -> Vec<u8> {
    match credentials {
        Credentials::Community(_, community) => {
            tlv(0x30, &[tlv(2, &[1]), tlv(4, community.bytes()), pdu.to_vec()].concat())
        }
        Credentials::User(user) => {
            let header = Header {
                id: *REQUEST_IDS.start(),
                engine_id: &ENGINE,
                boots: 3,
                time: 100,
                reportable: false,
            };
            sealed(&header, (user, &user.keys(&ENGINE)), pdu, &mut Salt::new()).unwrap()
        }
    }
}

/// Microseconds of one poll.
fn cost(credentials: &Credentials) -> f64 {
    let mut session = Session::new(credentials.clone());
    if let Credentials::User(_) = credentials {
        let nobody = Credentials::v3(User::new("nobody").unwrap());
        let said = message(&nobody, &report());
        let met = session.hear(Incoming::parse(&said).unwrap(), Duration::ZERO).unwrap();
        assert!(matches!(met, Heard::Again(None)));
    }
    let mut parts: Vec<_> = OBJECTS
        .iter()
        .map(|count| {
            let oids = oids(*count);
            let asked: Vec<_> = oids.iter().map(encoded).collect();
            (Packet::new(credentials, Read::Get, oids.iter()), message(credentials, &response(&oids)), asked)
        })
        .collect();
    let began = cpu_ns();
    for _ in 0..POLLS {
        for (packet, answer, asked) in &mut parts {
            let sent = session.encode(packet, *REQUEST_IDS.start(), Duration::ZERO);
            assert!(!sent.is_empty());
            let heard = session.hear(Incoming::parse(answer).unwrap(), Duration::ZERO).unwrap();
            let Heard::Answer(body) = heard else { panic!("no answer") };
            let mut values = vec![SnmpValue::Null; asked.len()];
            assert_eq!(
                body.answer().unwrap().fill(asked.iter().map(|oid| &**oid), &mut values),
                Ok(asked.len())
            );
        }
    }
    (cpu_ns() - began) / 1e3 / f64::from(POLLS)
}

/// Nanoseconds of CPU that this process has used, as Linux counts them.
fn cpu_ns() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

fn main() {
    let v2c = cost(&Credentials::v2c(b"public").unwrap());
    println!("v2c                 {v2c:6.1} us a poll");
    for (auth, privacy) in
        [("md5", ""), ("md5", "des"), ("sha1", "aes128"), ("sha256", "aes128"), ("sha512", "aes256")]
    {
        let began = cpu_ns();
        let mut user = User::new("reader").unwrap().with_auth(auth.parse().unwrap(), b"maplesyrup").unwrap();
        if !privacy.is_empty() {
            user = user.with_privacy(privacy.parse().unwrap(), b"syrupmaple").unwrap();
        }
        let keys = (cpu_ns() - began) / 1e6;
        let v3 = cost(&Credentials::v3(user));
        println!(
            "v3 {:16} {v3:6.1} us a poll, {:.2} x v2c; its keys {keys:.1} ms, once",
            format!("{auth} {privacy}"),
            v3 / v2c
        );
    }
}
