use profile::{Oid, SnmpValue};

use super::*;
use crate::snmp::answer;

fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

/// A response of SNMP v2c with Integer values of one byte, put together by hand; `status` 1 is tooBig.
fn response(status: u8, objects: &[(&str, u8)]) -> Vec<u8> {
    let tlv = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let one = |(oid, value): &(&str, u8)| {
        let arcs: Vec<u8> = oid.split('.').map(|arc| arc.parse().unwrap()).collect();
        let name = [&[arcs[0] * 40 + arcs[1]], &arcs[2..]].concat();
        tlv(0x30, &[tlv(6, &name), tlv(2, &[*value])].concat())
    };
    let list = tlv(0x30, &objects.iter().flat_map(one).collect::<Vec<u8>>());
    let pdu = tlv(0xa2, &[tlv(2, &[1]), tlv(2, &[status]), tlv(2, &[0]), list].concat());
    tlv(0x30, &[tlv(2, &[1]), tlv(4, b"c"), pdu].concat())
}

fn take(walk: &mut Walk, status: u8, objects: &[(&str, u8)]) -> Result<(), WalkError> {
    walk.take(&answer(&response(status, objects)).unwrap())
}

fn asked(walk: &mut Walk) -> Vec<String> {
    let Step::Ask(mut packet) = walk.ask(b"c") else { return Vec::new() };
    let bytes = packet.with_id(*crate::snmp::REQUEST_IDS.start()).to_vec();
    ::snmp::Pdu::from_bytes(&bytes).unwrap().varbinds.map(|(oid, _)| oid.to_string()).collect()
}

#[test]
fn scalars_come_first_then_columns_to_their_ends() {
    let mut walk = Walk::new(vec![oid("1.3.1.0")], vec![oid("1.3.2"), oid("1.3.3")]);
    assert_eq!(asked(&mut walk), ["1.3.1.0"]);
    take(&mut walk, 0, &[("1.3.1.0", 9)]).unwrap();
    assert_eq!(asked(&mut walk), ["1.3.2", "1.3.3"]);
    // The first column has one row, the second goes on.
    take(&mut walk, 0, &[("1.3.2.1", 1), ("1.3.3.1", 2), ("1.3.3.1", 2), ("1.3.3.2", 3)]).unwrap();
    assert_eq!(asked(&mut walk), ["1.3.3.2"]);
    take(&mut walk, 0, &[("1.3.4.1", 7)]).unwrap();
    assert!(walk.is_done());
    let Step::Done(found) = walk.ask(b"c") else { panic!("not done") };
    let found: Vec<_> = found.into_iter().map(|(oid, value)| (oid.to_string(), value)).collect();
    let expected = [("1.3.1.0", 9), ("1.3.2.1", 1), ("1.3.3.1", 2), ("1.3.3.2", 3)];
    assert_eq!(found, expected.map(|(oid, value)| (oid.to_owned(), SnmpValue::Integer(value))));
}

#[test]
fn a_cut_answer_is_taken_as_far_as_it_goes() {
    let mut walk = Walk::new(vec![oid("1.3.1.0"), oid("1.3.2.0")], Vec::new());
    asked(&mut walk);
    take(&mut walk, 0, &[("1.3.1.0", 9)]).unwrap();
    assert_eq!(asked(&mut walk), ["1.3.2.0"]);
}

#[test]
fn too_big_is_asked_again_in_halves_until_there_is_nothing_to_halve() {
    let scalars: Vec<Oid> = (1..=32).map(|n| oid(&format!("1.3.{n}.0"))).collect();
    let mut walk = Walk::new(scalars, Vec::new());
    let mut sizes = Vec::new();
    let error = loop {
        sizes.push(asked(&mut walk).len());
        if let Err(error) = take(&mut walk, 1, &[]) {
            break error;
        }
    };
    // 48 objects halved again and again, of which 32 scalars are there and fit into one get.
    assert_eq!(sizes, [32, 24, 12, 6, 3, 1]);
    assert_eq!(error, WalkError::TooBig);
}

#[test]
fn a_device_that_goes_in_circles_or_answers_something_else_is_not_followed() {
    let mut walk = Walk::new(Vec::new(), vec![oid("1.3.2")]);
    asked(&mut walk);
    assert_eq!(take(&mut walk, 0, &[("1.3.2.2", 1), ("1.3.2.1", 1)]), Err(WalkError::NotIncreasing));
    let mut walk = Walk::new(vec![oid("1.3.1.0")], Vec::new());
    asked(&mut walk);
    assert_eq!(take(&mut walk, 0, &[("1.3.9.0", 1)]), Err(WalkError::OtherObjects));
    assert_eq!(take(&mut walk, 5, &[]), Err(WalkError::Refused(5)));
}
