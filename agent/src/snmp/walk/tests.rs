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
    asked_how(walk, &community()).2
}

fn community() -> Credentials {
    Credentials::v2c(b"c").unwrap()
}

/// What is asked: by which kind of request, with how many repetitions, after which objects.
fn asked_how(walk: &mut Walk, credentials: &Credentials) -> (::snmp::MessageType, u32, Vec<String>) {
    let Step::Ask(mut packet) = walk.ask(credentials) else { panic!("nothing is asked") };
    let bytes = packet.with_id(*crate::snmp::REQUEST_IDS.start()).to_vec();
    let pdu = ::snmp::Pdu::from_bytes(&bytes).unwrap();
    (pdu.message_type, pdu.error_index, pdu.varbinds.map(|(oid, _)| oid.to_string()).collect())
}

fn repetitions(walk: &mut Walk) -> u32 {
    asked_how(walk, &community()).1
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
    let Step::Done(found) = walk.ask(&community()) else { panic!("not done") };
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
    assert_eq!(sizes, [32, 16, 8, 4, 2, 1]);
    assert_eq!(error, WalkError::TooBig);
}

#[test]
fn a_device_that_goes_in_circles_keeps_what_it_said_before() {
    let mut walk = Walk::new(Vec::new(), vec![oid("1.3.2"), oid("1.3.3")]);
    asked(&mut walk);
    let rows =
        [("1.3.2.1", 1), ("1.3.3.1", 1), ("1.3.2.2", 2), ("1.3.3.2", 2), ("1.3.2.1", 1), ("1.3.3.3", 3)];
    take(&mut walk, 0, &rows).unwrap();
    assert_eq!(walk.looped(), [oid("1.3.2")]);
    // The other column goes on as if nothing had been.
    assert_eq!(asked(&mut walk), ["1.3.3.3"]);
    take(&mut walk, 0, &[("1.3.4.1", 7)]).unwrap();
    let Step::Done(found) = walk.ask(&community()) else { panic!("not done") };
    assert_eq!(found.len(), 5);
}

#[test]
fn a_device_that_answers_something_else_or_refuses_all_is_not_followed() {
    let mut walk = Walk::new(vec![oid("1.3.1.0")], Vec::new());
    asked(&mut walk);
    assert_eq!(take(&mut walk, 0, &[("1.3.9.0", 1)]), Err(WalkError::OtherObjects));
    asked(&mut walk);
    assert_eq!(take(&mut walk, 5, &[]), Err(WalkError::Refused(5)));
}

#[test]
fn repetitions_begin_at_ten_grow_while_answers_are_full_and_follow_what_the_device_bears() {
    let mut walk = Walk::new(Vec::new(), vec![oid("1.3.2")]);
    let mut row = 0u8;
    let mut full = |walk: &mut Walk, count: u32| {
        let rows: Vec<(String, u8)> = (0..count)
            .map(|_| {
                row += 1;
                (format!("1.3.2.{row}"), 1)
            })
            .collect();
        let rows: Vec<(&str, u8)> = rows.iter().map(|(oid, value)| (oid.as_str(), *value)).collect();
        take(walk, 0, &rows).unwrap();
    };
    assert_eq!(repetitions(&mut walk), 10);
    full(&mut walk, 10);
    assert_eq!(repetitions(&mut walk), 15);
    // Cut after four rows: so many are asked for from now on, and not more.
    full(&mut walk, 4);
    assert_eq!(repetitions(&mut walk), 4);
    full(&mut walk, 4);
    assert_eq!(repetitions(&mut walk), 4);
    take(&mut walk, 1, &[]).unwrap();
    assert_eq!(repetitions(&mut walk), 2);
    walk.silent();
    assert_eq!(repetitions(&mut walk), 1);
    let next = Walk::new(Vec::new(), vec![oid("1.3.2")]).at_pace(walk.pace().eased());
    assert_eq!(next.pace().ceiling, 2, "the next walk tries a little more");
}

#[test]
fn a_device_that_does_not_know_bulk_is_walked_by_get_next() {
    let how = |walk: &mut Walk| asked_how(walk, &community()).0;
    let mut refusing = Walk::new(Vec::new(), vec![oid("1.3.2")]);
    asked(&mut refusing);
    take(&mut refusing, 5, &[]).unwrap();
    assert_eq!(how(&mut refusing), ::snmp::MessageType::GetNextRequest);
    let mut silent = Walk::new(Vec::new(), vec![oid("1.3.2")]);
    asked(&mut silent);
    silent.silent();
    assert_eq!(how(&mut silent), ::snmp::MessageType::GetBulkRequest, "a packet may be lost");
    silent.silent();
    assert_eq!(how(&mut silent), ::snmp::MessageType::GetNextRequest);
    take(&mut silent, 0, &[("1.3.2.1", 4)]).unwrap();
    take(&mut silent, 0, &[]).unwrap();
}

#[test]
fn version_1_knows_no_bulk_and_says_that_a_name_is_missing_by_its_place() {
    let v1 = Credentials::v1(b"c").unwrap();
    let mut walk = Walk::new(vec![oid("1.3.1.0"), oid("1.3.5.0")], vec![oid("1.3.2"), oid("1.3.3")]);
    assert_eq!(asked_how(&mut walk, &v1).2, ["1.3.1.0", "1.3.5.0"]);
    let missing = |walk: &mut Walk, index: u8| {
        let mut bytes = response(2, &[]);
        // The index is the number before the empty list of objects.
        let place = bytes.len() - 3;
        bytes[place] = index;
        walk.take(&answer(&bytes).unwrap())
    };
    missing(&mut walk, 2).unwrap();
    assert_eq!(asked_how(&mut walk, &v1).2, ["1.3.1.0"]);
    take(&mut walk, 0, &[("1.3.1.0", 1)]).unwrap();
    assert_eq!(
        asked_how(&mut walk, &v1),
        (::snmp::MessageType::GetNextRequest, 0, vec!["1.3.2".into(), "1.3.3".into()])
    );
    // The second column is the last of the device and empty; the first goes on.
    missing(&mut walk, 2).unwrap();
    assert_eq!(asked_how(&mut walk, &v1).2, ["1.3.2"]);
    // A device that does not say which one it is: with a single object there is no doubt.
    missing(&mut walk, 0).unwrap();
    assert!(walk.is_done());
}

#[test]
fn an_empty_answer_ends_in_an_error_and_not_in_a_circle() {
    let mut walk = Walk::new(Vec::new(), vec![oid("1.3.2"), oid("1.3.3")]);
    let mut asked_so_often = 0;
    let error = loop {
        asked(&mut walk);
        asked_so_often += 1;
        if let Err(error) = take(&mut walk, 0, &[]) {
            break error;
        }
    };
    assert_eq!((error, asked_so_often), (WalkError::OtherObjects, 3));
}
