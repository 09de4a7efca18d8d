//! SNMP v2c: a table of outlets at each address. Reads are done by the `snmp` library, responses written here (RFC 3416,
//! ITU-T X.690).

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;

use agent::snmp::encoded;
use anyhow::Context;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use snmp::{MessageType, Pdu};

use super::Devices;
use crate::fleet::{self, Kind};
use crate::log::Log;

/// What fits into one Ethernet frame.
const RESPONSE_BYTES_MAX: usize = 1472;
/// Bytes of a response around its objects.
const ENVELOPE_BYTES: usize = 40;
const NO_SUCH_OBJECT: &[u8] = &[0x80, 0];
const END_OF_VIEW: &[u8] = &[0x82, 0];

/// TimeTicks, of which only sysUpTime is one here. It is no value of the table.
const UPTIME_TAG: u8 = 0x43;

/// Objects by their encoded name. The bytes of the names are in the order of the numbers, which are all below 128 where
/// they differ.
type Objects = BTreeMap<Vec<u8>, Vec<u8>>;

/// Sockets, one for each device.
pub(super) struct Outlets {
    sockets: Vec<UdpSocket>,
    objects: Objects,
}

impl Outlets {
    /// Listens for so many devices.
    pub(super) fn new(kind: Kind, devices: u32, registry: &Registry) -> anyhow::Result<Self> {
        let mut sockets = Vec::new();
        for device in 0..devices {
            let address = kind.address(device);
            let mut socket =
                UdpSocket::bind(address).with_context(|| format!("cannot listen on {address}"))?;
            registry.register(&mut socket, Token(sockets.len()), Interest::READABLE)?;
            sockets.push(socket);
        }
        let value = |n: usize| tlv(0x42, &[0, 0x09, u8::try_from(n % 100).unwrap_or(0)]);
        let names = fleet::objects()?;
        let table = names.iter().enumerate().map(|(n, oid)| (encoded(oid).into_vec(), value(n)));
        let uptime = (encoded(&fleet::UPTIME.parse()?).into_vec(), tlv(UPTIME_TAG, &[1, 0]));
        Ok(Self { sockets, objects: table.chain([uptime]).collect() })
    }
}

impl Devices for Outlets {
    fn event(&mut self, token: Token, _: &Registry, log: &mut Log) -> anyhow::Result<()> {
        let Some(socket) = self.sockets.get(token.0) else { return Ok(()) };
        let mut room = [0u8; 2048];
        loop {
            match socket.recv_from(&mut room) {
                Ok((bytes, from)) => {
                    if let Some((answer, values)) =
                        answer(room.get(..bytes).unwrap_or_default(), &self.objects)
                    {
                        log.asked(token.0, values);
                        socket.send_to(&answer, from)?;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The response to a packet, and how many values are in it.
fn answer(packet: &[u8], objects: &Objects) -> Option<(Vec<u8>, u64)> {
    let pdu = Pdu::from_bytes(packet).ok()?;
    let names: Vec<Vec<u8>> = pdu.varbinds.clone().map(|(oid, _)| oid.as_bytes().to_vec()).collect();
    let mut list = List::default();
    match pdu.message_type {
        MessageType::GetRequest => names.iter().for_each(|name| list.exactly(name, objects)),
        MessageType::GetNextRequest => names.iter().for_each(|name| drop(list.after(name, objects))),
        MessageType::GetBulkRequest => {
            let once = usize::try_from(pdu.error_status).unwrap_or(usize::MAX).min(names.len());
            let (once, again) = names.split_at(once);
            list.bulk(once.to_vec(), 1, objects);
            list.bulk(again.to_vec(), pdu.error_index, objects);
        }
        _ => return None,
    }
    Some((response(pdu.community, pdu.req_id, &list.bytes), list.values))
}

/// The objects of a response.
#[derive(Default)]
struct List {
    bytes: Vec<u8>,
    values: u64,
}

impl List {
    fn push(&mut self, name: &[u8], value: &[u8]) {
        self.bytes.extend(tlv(0x30, &[&tlv(0x06, name), value].concat()));
    }

    fn exactly(&mut self, name: &[u8], objects: &Objects) {
        let value = objects.get(name);
        self.values += u64::from(value.is_some_and(|value| value.first() != Some(&UPTIME_TAG)));
        self.push(name, value.map_or(NO_SUCH_OBJECT, Vec::as_slice));
    }

    /// Gives the name of what came; an end says its own.
    fn after(&mut self, name: &[u8], objects: &Objects) -> Vec<u8> {
        let next = objects.range::<[u8], _>((Bound::Excluded(name), Bound::Unbounded)).next();
        let (found, value) =
            next.map_or((name, END_OF_VIEW), |(found, value)| (found.as_slice(), value.as_slice()));
        self.values += u64::from(next.is_some());
        self.push(found, value);
        found.to_vec()
    }

    fn bulk(&mut self, mut here: Vec<Vec<u8>>, repetitions: u32, objects: &Objects) {
        for _ in 0..repetitions {
            for name in &mut here {
                if self.bytes.len() + name.len() + ENVELOPE_BYTES + 16 > RESPONSE_BYTES_MAX {
                    return;
                }
                *name = self.after(name, objects);
            }
        }
    }
}

fn response(community: &[u8], id: i32, list: &[u8]) -> Vec<u8> {
    let head = [tlv(0x02, &id.to_be_bytes()), tlv(0x02, &[0]), tlv(0x02, &[0])].concat();
    let pdu = tlv(0xa2, &[head, tlv(0x30, list)].concat());
    tlv(0x30, &[tlv(0x02, &[1]), tlv(0x04, community), pdu].concat())
}

/// Tag, length, content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 4);
    out.push(tag);
    match (u8::try_from(content.len()), u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes()) {
        (Ok(short), _) if short < 0x80 => out.push(short),
        (_, [high, low]) => out.extend([0x82, high, low]),
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent::snmp::{Credentials, Packet, Read};

    fn objects() -> Objects {
        fleet::objects().unwrap().iter().map(|oid| (encoded(oid).into_vec(), tlv(0x42, &[7]))).collect()
    }

    #[test]
    fn a_get_brings_each_object_and_a_bulk_goes_on_until_the_packet_is_full() {
        let all = fleet::objects().unwrap();
        let credentials = Credentials::v2c(b"public").unwrap();
        let mut get = Packet::new(&credentials, Read::Get, all.iter().take(32));
        let (bytes, values) = answer(get.with_id(0x0100_0000), &objects()).unwrap();
        assert_eq!((values, agent::snmp::answer(&bytes).unwrap().objects().len()), (32, 32));
        let column = fleet::columns()[3].parse().unwrap();
        let mut bulk = Packet::new(&credentials, Read::GetBulk(100), [column].iter());
        let (bytes, values) = answer(bulk.with_id(0x0100_0001), &objects()).unwrap();
        let said = agent::snmp::answer(&bytes).unwrap().objects();
        assert!(bytes.len() <= RESPONSE_BYTES_MAX && values == 24, "24 outlets, then the end: {values}");
        assert_eq!(said[23].0, all[95]);
        assert!(!said[24].1.exists());
    }
}
