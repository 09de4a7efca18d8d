//! An SNMP v2c agent that does with each request what a test wants. Its answers are put together by hand, so that they
//! share no mistake with the encoder.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use profile::{Oid, SnmpValue, VarBinds};
use snmp::{MessageType, Pdu};

/// What an agent holds; a test may change it.
pub(crate) type Objects = Arc<Mutex<VarBinds>>;

/// A request as it came.
pub(crate) struct Asked {
    pub(crate) n: usize,
    pub(crate) id: i32,
    pub(crate) bulk: bool,
    pub(crate) oids: Vec<Oid>,
}

/// What to send: any number of packets.
pub(crate) type Packets = Vec<Vec<u8>>;

pub(crate) struct Agent {
    pub(crate) address: SocketAddr,
}

impl Agent {
    /// `behave` gets the packet that a good agent would send.
    pub(crate) fn start(
        objects: Objects,
        behave: impl Fn(&Asked, Vec<u8>) -> Packets + Send + 'static,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || Self::serve(&socket, &socket, &objects, behave));
        Self { address }
    }

    /// Takes requests at one socket and answers from another, which may be the same.
    pub(crate) fn serve(
        asked_at: &UdpSocket,
        answering: &UdpSocket,
        objects: &Objects,
        behave: impl Fn(&Asked, Vec<u8>) -> Packets,
    ) {
        let mut room = vec![0u8; 65_535];
        for n in 0.. {
            let Ok((bytes, from)) = asked_at.recv_from(&mut room) else { return };
            let (asked, community, repetitions) = read(&room[..bytes], n);
            let answer = answer(&asked, &community, repetitions, &objects.lock().unwrap());
            for packet in behave(&asked, answer) {
                answering.send_to(&packet, from).unwrap();
            }
        }
    }
}

fn read(bytes: &[u8], n: usize) -> (Asked, Vec<u8>, u32) {
    let pdu = Pdu::from_bytes(bytes).unwrap();
    assert!(
        matches!(
            pdu.message_type,
            MessageType::GetRequest | MessageType::GetNextRequest | MessageType::GetBulkRequest
        ),
        "{pdu:?}"
    );
    let oids = pdu.varbinds.map(|(oid, _)| oid.to_string().parse().unwrap()).collect();
    // A get-next is a get-bulk with one repetition.
    let bulk = pdu.message_type != MessageType::GetRequest;
    let repetitions = if pdu.message_type == MessageType::GetNextRequest { 1 } else { pdu.error_index };
    (Asked { n, id: pdu.req_id, bulk, oids }, pdu.community.to_vec(), repetitions)
}

fn answer(asked: &Asked, community: &[u8], repetitions: u32, objects: &VarBinds) -> Vec<u8> {
    let mut found = Vec::new();
    if asked.bulk {
        let mut last = asked.oids.clone();
        for _ in 0..repetitions {
            for last in &mut last {
                let next = objects
                    .range::<Oid, _>((std::ops::Bound::Excluded(&*last), std::ops::Bound::Unbounded))
                    .next();
                let next = next.map_or((last.clone(), SnmpValue::EndOfMibView), |(oid, value)| {
                    (oid.clone(), value.clone())
                });
                *last = next.0.clone();
                found.push(next);
            }
        }
    } else {
        let value = |oid: &Oid| objects.get(oid).cloned().unwrap_or(SnmpValue::NoSuchInstance);
        found.extend(asked.oids.iter().map(|oid| (oid.clone(), value(oid))));
    }
    response(asked.id, community, 0, &found)
}

/// A response with an error status about one object, counted from 1.
pub(crate) fn refusal(id: i32, status: u8, index: u8) -> Vec<u8> {
    let head = [tlv(2, &id.to_be_bytes()), tlv(2, &[status]), tlv(2, &[index]), tlv(0x30, &[])].concat();
    tlv(0x30, &[tlv(2, &[1]), tlv(4, b"public"), tlv(0xa2, &head)].concat())
}

/// A response in BER.
pub(crate) fn response(id: i32, community: &[u8], status: u8, objects: &[(Oid, SnmpValue)]) -> Vec<u8> {
    let one = |(oid, value): &(Oid, SnmpValue)| tlv(0x30, &[tlv(6, &arcs(oid)), value_of(value)].concat());
    let list = tlv(0x30, &objects.iter().flat_map(one).collect::<Vec<u8>>());
    let head = [tlv(2, &id.to_be_bytes()), tlv(2, &[status]), tlv(2, &[0])].concat();
    let pdu = tlv(0xa2, &[head, list].concat());
    tlv(0x30, &[tlv(2, &[1]), tlv(4, community), pdu].concat())
}

fn value_of(value: &SnmpValue) -> Vec<u8> {
    match value {
        SnmpValue::Integer(number) => tlv(2, &number.to_be_bytes()),
        SnmpValue::TimeTicks(ticks) => tlv(0x43, &[&[0], ticks.to_be_bytes().as_slice()].concat()),
        SnmpValue::Gauge32(number) => tlv(0x42, &[&[0], number.to_be_bytes().as_slice()].concat()),
        SnmpValue::Counter32(number) => tlv(0x41, &[&[0], number.to_be_bytes().as_slice()].concat()),
        SnmpValue::Counter64(number) => tlv(0x46, &[&[0], number.to_be_bytes().as_slice()].concat()),
        SnmpValue::IpAddress(address) => tlv(0x40, address),
        SnmpValue::Null => tlv(5, &[]),
        SnmpValue::Oid(oid) => tlv(6, &arcs(oid)),
        SnmpValue::OctetString(text) => tlv(4, text),
        SnmpValue::NoSuchObject => tlv(0x80, &[]),
        SnmpValue::NoSuchInstance => tlv(0x81, &[]),
        SnmpValue::EndOfMibView => tlv(0x82, &[]),
        other @ SnmpValue::Opaque(_) => panic!("the tests do not send {other:?}"),
    }
}

fn arcs(oid: &Oid) -> Vec<u8> {
    let all = oid.arcs();
    let mut bytes = vec![u8::try_from(all[0] * 40 + all[1]).unwrap()];
    for arc in &all[2..] {
        let digits: Vec<u8> = (0..5).rev().map(|n| u8::try_from(arc >> (7 * n) & 0x7f).unwrap()).collect();
        let first = digits.iter().position(|digit| *digit != 0).unwrap_or(4);
        bytes.extend(digits[first..4].iter().map(|digit| digit | 0x80));
        bytes.push(digits[4]);
    }
    bytes
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut bytes =
        if content.len() < 128 { vec![tag, length[1]] } else { vec![tag, 0x82, length[0], length[1]] };
    bytes.extend(content);
    bytes
}
