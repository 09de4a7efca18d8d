//! Requests (RFC 3416; for communities in messages of RFC 1157 and RFC 1901) in BER (ITU-T X.690).

use std::ops::RangeInclusive;

use profile::Oid;

use super::ber::{Backwards, INTEGER, OBJECT, OCTETS, SEQUENCE};
use super::credentials::Credentials;

/// Request ids that take exactly four bytes in BER, so that a packet can be made once and sent with a new id each time.
pub const REQUEST_IDS: RangeInclusive<i32> = 0x0100_0000..=0x7fff_ffff;

/// What may be asked of a device. There is no variant that writes, and none can be expressed (promise 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The values of exactly these objects.
    Get,
    /// For each object the one after it.
    GetNext,
    /// For each object the so many after it.
    GetBulk(u8),
}

impl Read {
    const fn tag(self) -> u8 {
        match self {
            Self::Get => 0xa0,
            Self::GetNext => 0xa1,
            Self::GetBulk(_) => 0xa5,
        }
    }
}

/// A request whose id can be set again and again: a whole message for a community, the PDU alone for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    bytes: Box<[u8]>,
    id_at: usize,
}

impl Packet {
    /// A request for `oids`.
    pub fn new<'a>(
        credentials: &Credentials,
        read: Read,
        oids: impl DoubleEndedIterator<Item = &'a Oid>,
    ) -> Self {
        // Written from the end, because every length stands before what it counts.
        let mut out = Backwards::default();
        for oid in oids.rev() {
            let end = out.len();
            out.bytes(&[0x05, 0x00]);
            object(&mut out, oid);
            out.wrap(SEQUENCE, end);
        }
        out.wrap(SEQUENCE, 0);
        let repetitions = match read {
            Read::GetBulk(repetitions) => repetitions.min(0x7f),
            Read::Get | Read::GetNext => 0,
        };
        out.bytes(&[INTEGER, 0x01, 0x00, INTEGER, 0x01, repetitions]);
        out.bytes(&[INTEGER, 0x04, 0x01, 0, 0, 0]);
        let id_from_end = out.len() - 2;
        out.wrap(read.tag(), 0);
        if let Credentials::Community(version, community) = credentials {
            out.value(OCTETS, community.bytes());
            out.bytes(&[INTEGER, 0x01, version.number()]);
            out.wrap(SEQUENCE, 0);
        }
        let bytes = out.finish().into_boxed_slice();
        Self { id_at: bytes.len() - id_from_end, bytes }
    }

    /// The request with this id, one of [`REQUEST_IDS`].
    pub fn with_id(&mut self, id: i32) -> &[u8] {
        if let Some(place) = self.bytes.get_mut(self.id_at..self.id_at + 4) {
            place.copy_from_slice(&id.to_be_bytes());
        }
        &self.bytes
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

/// The bytes of an object identifier, without tag and length.
pub fn encoded(oid: &Oid) -> Box<[u8]> {
    let mut out = Backwards::default();
    arcs(&mut out, oid);
    out.finish().into_boxed_slice()
}

/// An object identifier (X.690, 8.19): the first two numbers in one, seven bits a byte.
fn object(out: &mut Backwards, oid: &Oid) {
    let since = out.len();
    arcs(out, oid);
    out.wrap(OBJECT, since);
}

fn arcs(out: &mut Backwards, oid: &Oid) {
    let arcs = oid.arcs();
    let first = arcs.first().copied().unwrap_or(0).min(2) * 40;
    arcs.iter().skip(2).rev().for_each(|one| arc(out, *one));
    arc(out, first.saturating_add(arcs.get(1).copied().unwrap_or(0)));
}

fn arc(out: &mut Backwards, arc: u32) {
    let digit = |shift: u32| u8::try_from(arc >> shift & 0x7f).unwrap_or(0x7f);
    out.bytes(&[digit(0)]);
    (1..5)
        .map(|n| n * 7)
        .take_while(|shift| arc >> shift != 0)
        .for_each(|shift| out.bytes(&[digit(shift) | 0x80]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::snmp::{MessageType, Pdu};
    use proptest::prelude::*;

    fn community(community: &[u8]) -> Credentials {
        Credentials::v2c(community).unwrap()
    }

    fn oid(text: &str) -> Oid {
        text.parse().unwrap()
    }

    /// What `snmpget -v2c -c public host 1.3.6.1.2.1.1.2.0` of Net-SNMP 5.9 sends, apart from the id.
    #[test]
    fn a_get_is_byte_for_byte_what_net_snmp_sends() {
        let mut packet = Packet::new(&community(b"public"), Read::Get, [oid("1.3.6.1.2.1.1.2.0")].iter());
        let expected = [
            0x30, 0x29, 2, 1, 1, 4, 6, b'p', b'u', b'b', b'l', b'i', b'c', 0xa0, 0x1c, 2, 4, 0x12, 0x34,
            0x56, 0x78, 2, 1, 0, 2, 1, 0, 0x30, 0x0e, 0x30, 0x0c, 6, 8, 0x2b, 6, 1, 2, 1, 1, 2, 0, 5, 0,
        ];
        assert_eq!(packet.with_id(0x1234_5678), expected);
    }

    proptest! {
        // snmp2's reader is the independent witness.
        #[test]
        fn another_reader_finds_in_a_packet_what_was_put_in(
            arcs in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..20), 0..60),
            community in prop::collection::vec(any::<u8>(), 1..200),
            id in REQUEST_IDS,
            bulk in any::<bool>(),
        ) {
            let oids: Vec<Oid> = arcs
                .iter()
                .map(|arcs| Oid::new(&[&[1, 3], arcs.as_slice()].concat()).unwrap())
                .collect();
            let read = if bulk { Read::GetBulk(20) } else { Read::Get };
            let mut packet = Packet::new(&super::tests::community(&community), read, oids.iter());
            let pdu = Pdu::from_bytes(packet.with_id(id)).unwrap();
            prop_assert_eq!(pdu.community, &community);
            prop_assert_eq!(pdu.req_id, id);
            prop_assert_eq!(pdu.message_type, if bulk { MessageType::GetBulkRequest } else { MessageType::GetRequest });
            prop_assert_eq!(pdu.error_index, if bulk { 20 } else { 0 });
            let found: Vec<String> = pdu.varbinds.map(|(oid, _)| oid.to_string()).collect();
            prop_assert_eq!(found, oids.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
}
