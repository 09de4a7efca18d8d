//! Responses of SNMP v2c as a device writes them (RFC 3416; ITU-T X.690), small and slow.

use agent::snmp::encoded;
use profile::{Oid, SnmpValue};
use snmp::Pdu;

/// The objects that a request asks for.
pub(crate) fn asked(request: &[u8]) -> Vec<Oid> {
    let pdu = Pdu::from_bytes(request).unwrap();
    let own = |oid: &snmp::Oid<'_>| {
        let arcs: Vec<u32> = oid.iter().unwrap().map(|arc| u32::try_from(arc).unwrap()).collect();
        Oid::new(&arcs).unwrap()
    };
    pdu.varbinds.map(|(oid, _)| own(&oid)).collect()
}

/// A response to request 0x01000001 of community `public`.
pub(crate) fn response(status: u8, objects: &[(Oid, SnmpValue)]) -> Vec<u8> {
    message(1, &pdu(0xa2, status, objects))
}

/// A message of community `public`.
pub(crate) fn message(version: u8, pdu: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x02, &[version]), &tlv(0x04, b"public"), pdu].concat())
}

/// A PDU with id 0x01000001.
pub(crate) fn pdu(tag: u8, status: u8, objects: &[(Oid, SnmpValue)]) -> Vec<u8> {
    let list: Vec<u8> = objects
        .iter()
        .flat_map(|(oid, value)| tlv(0x30, &[tlv(0x06, &encoded(oid)), value_of(value)].concat()))
        .collect();
    let head = [tlv(0x02, &[1, 0, 0, 1]), tlv(0x02, &[status]), tlv(0x02, &[0])].concat();
    tlv(tag, &[head, tlv(0x30, &list)].concat())
}

/// Tag, length, content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => out.extend([&[0x82][..], &u16::try_from(content.len()).unwrap().to_be_bytes()].concat()),
    }
    out.extend_from_slice(content);
    out
}

fn value_of(value: &SnmpValue) -> Vec<u8> {
    let unsigned = |number: u64| [&[0][..], &number.to_be_bytes()].concat();
    match value {
        SnmpValue::Integer(number) => tlv(0x02, &number.to_be_bytes()),
        SnmpValue::Counter32(number) => tlv(0x41, &unsigned(u64::from(*number))[4..]),
        SnmpValue::Gauge32(number) => tlv(0x42, &unsigned(u64::from(*number))[4..]),
        SnmpValue::TimeTicks(number) => tlv(0x43, &unsigned(u64::from(*number))[4..]),
        SnmpValue::Counter64(number) => tlv(0x46, &unsigned(*number)),
        SnmpValue::OctetString(bytes) => tlv(0x04, bytes),
        SnmpValue::Opaque(bytes) => tlv(0x44, bytes),
        SnmpValue::IpAddress(address) => tlv(0x40, address),
        SnmpValue::Oid(oid) => tlv(0x06, &encoded(oid)),
        SnmpValue::Null => tlv(0x05, &[]),
        SnmpValue::NoSuchObject => tlv(0x80, &[]),
        SnmpValue::NoSuchInstance => tlv(0x81, &[]),
        SnmpValue::EndOfMibView => tlv(0x82, &[]),
    }
}
