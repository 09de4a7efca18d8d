//! SNMP v2c as a device speaks it: a request in, a response out (RFC 3416).

use std::ops::Bound::{Excluded, Unbounded};

use ::snmp::{MessageType, Pdu, Version};
use profile::{Oid, SnmpValue, VarBinds};

use super::ber::{Binding, Bound, response, size_bound};
use crate::behaviour::Fault;

/// Community that is answered.
const COMMUNITY: &[u8] = b"public";
/// A community that nobody has asked with.
const OTHER_COMMUNITY: &[u8] = b"private";
/// Largest response: what goes into one packet of an Ethernet with 1500 bytes.
const RESPONSE_MAX: usize = 1472;
/// Bytes around the bindings: version, community, numbers, lengths.
const ENVELOPE: usize = 64;
/// Most bindings of a request that are looked at: more do not fit into a packet.
const BINDINGS_MAX: usize = 256;
/// Error status tooBig.
const TOO_BIG: i64 = 1;
/// Error status genErr.
const GENERAL_ERROR: i64 = 5;

/// The response to a packet. `None` if it is none that a device answers: broken, not v2c, of another community, no
/// read.
pub(crate) fn answer(packet: &[u8], objects: &VarBinds, fault: Option<Fault>) -> Option<Vec<u8>> {
    let pdu = request(packet)?;
    let names: Vec<Oid> = names(&pdu)?;
    let mut bindings = match pdu.message_type {
        MessageType::GetRequest => names.iter().map(|oid| exactly(oid, objects)).collect(),
        MessageType::GetNextRequest => names.iter().map(|oid| after(oid, objects)).collect(),
        MessageType::GetBulkRequest => bulk(&names, &pdu, objects),
        _ => return None,
    };
    distort(&mut bindings, fault);
    let size: usize = bindings.iter().map(size_bound).sum();
    if size + ENVELOPE > RESPONSE_MAX && exact_size(&pdu, &bindings) > RESPONSE_MAX {
        return Some(response(pdu.community, pdu.req_id, (TOO_BIG, 0), &[]));
    }
    // The number that the next request will have: the worst of all.
    let id = if fault == Some(Fault::WrongId) { pdu.req_id.wrapping_add(1) } else { pdu.req_id };
    let community = if fault == Some(Fault::WrongCommunity) { OTHER_COMMUNITY } else { pdu.community };
    Some(response(community, id, (0, 0), &bindings))
}

fn distort(bindings: &mut Vec<Binding>, fault: Option<Fault>) {
    match fault {
        Some(Fault::Short) => drop(bindings.pop()),
        Some(Fault::Long) => bindings.extend(bindings.last().cloned()),
        _ => {}
    }
}

/// The response of a device that has a general error.
pub(crate) fn general_error(packet: &[u8]) -> Option<Vec<u8>> {
    let pdu = request(packet)?;
    let names = names(&pdu)?;
    let bindings: Vec<Binding> = names.iter().map(|oid| binding(oid, Bound::Null)).collect();
    Some(response(pdu.community, pdu.req_id, (GENERAL_ERROR, 1), &bindings))
}

fn request(packet: &[u8]) -> Option<Pdu<'_>> {
    let pdu = Pdu::from_bytes(packet).ok()?;
    let is_ours = matches!(pdu.version(), Ok(Version::V2C)) && pdu.community == COMMUNITY;
    is_ours.then_some(pdu)
}

fn names(pdu: &Pdu<'_>) -> Option<Vec<Oid>> {
    pdu.varbinds.clone().take(BINDINGS_MAX).map(|(oid, _)| own_oid(&oid)).collect()
}

fn own_oid(oid: &::snmp::Oid<'_>) -> Option<Oid> {
    let arcs: Vec<u32> = oid.iter()?.map(u32::try_from).collect::<Result<_, _>>().ok()?;
    Oid::new(&arcs).ok()
}

fn exact_size(pdu: &Pdu<'_>, bindings: &[Binding]) -> usize {
    response(pdu.community, pdu.req_id, (0, 0), bindings).len()
}

/// GETBULK: some names once, the rest row by row, as far as a packet goes.
fn bulk(names: &[Oid], pdu: &Pdu<'_>, objects: &VarBinds) -> Vec<Binding> {
    let once = usize::try_from(pdu.error_status).unwrap_or(usize::MAX).min(names.len());
    let (once, repeated) = names.split_at(once);
    let mut bindings: Vec<Binding> = once.iter().map(|oid| after(oid, objects)).collect();
    let mut size: usize = ENVELOPE + bindings.iter().map(size_bound).sum::<usize>();
    let mut here: Vec<Oid> = repeated.to_vec();
    for _ in 0..pdu.error_index {
        let mut all_ended = true;
        for oid in &mut here {
            let next = after(oid, objects);
            size += size_bound(&next);
            if size > RESPONSE_MAX {
                return bindings;
            }
            all_ended &= next.value == Bound::EndOfView;
            *oid = Oid::new(&next.oid).unwrap_or_else(|_| oid.clone());
            bindings.push(next);
        }
        if all_ended {
            break;
        }
    }
    bindings
}

fn exactly(oid: &Oid, objects: &VarBinds) -> Binding {
    if let Some(value) = objects.get(oid) {
        return binding(oid, bound(value));
    }
    let column = oid.arcs().split_last().and_then(|(_, column)| Oid::new(column).ok());
    let is_known = column.is_some_and(|column| {
        objects.range(column.clone()..).next().is_some_and(|(known, _)| known.starts_with(&column))
    });
    binding(oid, if is_known { Bound::NoSuchInstance } else { Bound::NoSuchObject })
}

fn after(oid: &Oid, objects: &VarBinds) -> Binding {
    match objects.range((Excluded(oid.clone()), Unbounded)).next() {
        Some((next, value)) => binding(next, bound(value)),
        None => binding(oid, Bound::EndOfView),
    }
}

fn binding(oid: &Oid, value: Bound) -> Binding {
    Binding { oid: oid.arcs().to_vec(), value }
}

fn bound(value: &SnmpValue) -> Bound {
    match value {
        SnmpValue::Integer(number) => Bound::Integer(*number),
        SnmpValue::Counter32(number) => Bound::Unsigned(0x41, u64::from(*number)),
        SnmpValue::Gauge32(number) => Bound::Unsigned(0x42, u64::from(*number)),
        SnmpValue::TimeTicks(number) => Bound::Unsigned(0x43, u64::from(*number)),
        SnmpValue::Counter64(number) => Bound::Unsigned(0x46, *number),
        SnmpValue::OctetString(text) | SnmpValue::Opaque(text) => Bound::Text(text.clone()),
        SnmpValue::Oid(oid) => Bound::Oid(oid.arcs().to_vec()),
        SnmpValue::IpAddress(address) => Bound::Text(address.to_vec()),
        SnmpValue::Null => Bound::Null,
        SnmpValue::NoSuchObject => Bound::NoSuchObject,
        SnmpValue::NoSuchInstance => Bound::NoSuchInstance,
        SnmpValue::EndOfMibView => Bound::EndOfView,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects() -> VarBinds {
        let oid = |text: &str| text.parse::<Oid>().unwrap();
        VarBinds::from([
            (oid("1.3.6.1.2.1.1.1.0"), SnmpValue::OctetString(b"x".to_vec())),
            (oid("1.3.6.1.4.1.318.1.9"), SnmpValue::Integer(9)),
            (oid("1.3.6.1.4.1.318.1.10"), SnmpValue::Integer(10)),
        ])
    }

    fn oid(text: &str) -> Oid {
        text.parse().unwrap()
    }

    #[test]
    fn a_walk_goes_in_the_order_of_numbers_and_ends() {
        let objects = objects();
        let next = |text: &str| after(&oid(text), &objects);
        assert_eq!(next("1.3.6.1.4.1.318").value, Bound::Integer(9));
        // 10 comes after 9, although "10" comes before "9" as text.
        assert_eq!(next("1.3.6.1.4.1.318.1.9").value, Bound::Integer(10));
        assert_eq!(next("1.3.6.1.4.1.318.1.10").value, Bound::EndOfView);
    }

    #[test]
    fn what_is_not_there_says_whether_the_column_is() {
        let objects = objects();
        assert_eq!(exactly(&oid("1.3.6.1.4.1.318.1.11"), &objects).value, Bound::NoSuchInstance);
        assert_eq!(exactly(&oid("1.3.6.1.4.1.999.1"), &objects).value, Bound::NoSuchObject);
    }

    #[test]
    fn broken_packets_and_other_communities_are_not_answered() {
        let objects = objects();
        for packet in [&b""[..], b"0", &[0x30, 0x82, 0xff], &[0xff; 200]] {
            assert_eq!(answer(packet, &objects, None), None);
        }
        // GET of 1.3.6.1.2.1.1.1.0, version 2c, community `secret`, by the hand of RFC 3416.
        let packet = [
            0x30, 0x26, 2, 1, 1, 4, 6, b's', b'e', b'c', b'r', b'e', b't', 0xa0, 0x19, 2, 1, 1, 2, 1, 0, 2,
            1, 0, 0x30, 0x0e, 0x30, 0x0c, 6, 8, 0x2b, 6, 1, 2, 1, 1, 1, 0, 5, 0,
        ];
        assert_eq!(answer(&packet, &objects, None), None);
        let mut public = packet;
        public[7..13].copy_from_slice(b"public");
        let said = answer(&public, &objects, None).unwrap();
        let response = Pdu::from_bytes(&said).unwrap();
        assert_eq!((response.req_id, response.error_status, response.varbinds.count()), (1, 0, 1));
    }

    proptest::proptest! {
        #[test]
        fn no_packet_makes_a_device_panic(
            packet in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        ) {
            answer(&packet, &objects(), None);
        }
    }
}
