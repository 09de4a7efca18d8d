//! Answers of SNMP, and walks over a device that answers anything.

use agent::snmp::{Answer, Credentials, Step, Walk, answer, encoded};
use profile::{Oid, SnmpValue};

use crate::device_values::snmp_profiles;
use crate::seeds::ber::{self, response};
use crate::throw::{Bytes, fuzz};

/// More requests than a walk over any profile needs when the device has nothing.
const REQUESTS_MAX: usize = 2000;

fn answers(bytes: &[u8]) {
    let Ok(answer) = answer(bytes) else { return };
    let objects = answer.objects();
    assert!(objects.len() <= bytes.len() / 4, "each object takes four bytes and more");
    let asked: Vec<Box<[u8]>> = objects.iter().map(|(oid, _)| encoded(oid)).collect();
    let mut values = vec![SnmpValue::Null; asked.len()];
    if let Ok(came) = answer.fill(asked.iter().map(AsRef::as_ref), &mut values) {
        assert!(came <= asked.len());
    }
}

fuzz!(an_answer_of_snmp_holds_no_more_than_its_bytes, "snmp_answer", answers);

/// Which profile, then what the device answers to each request of the walk; when the input is at its end, "nothing".
fn walks(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let profile = *input.one_of(&snmp_profiles());
    let mut walk = Walk::new(profile.scalars_to_get(), profile.columns_to_walk());
    let credentials = Credentials::v2c(b"public").unwrap();
    for _ in 0..REQUESTS_MAX {
        let Step::Ask(mut packet) = walk.ask(&credentials) else { return };
        let said = said(packet.with_id(0x0100_0001), &mut input);
        let Ok(answer) = answer(&said) else { continue };
        if take(&mut walk, &answer).is_err() {
            return;
        }
    }
    panic!("a walk over a device that has nothing more does not end");
}

fn take(walk: &mut Walk, answer: &Answer<'_>) -> Result<(), ()> {
    walk.take(answer).map_err(|error| assert!(!error.to_string().is_empty()))
}

/// What the device says to a request: its objects, or those below them, or others.
fn said(request: &[u8], input: &mut Bytes<'_>) -> Vec<u8> {
    let asked: Vec<Oid> = ber::asked(request);
    let ended = input.is_empty();
    let rounds = if ended { 1 } else { usize::from(input.byte() % 4) };
    let mut objects = Vec::new();
    for _ in 0..rounds {
        objects.extend(asked.iter().map(|oid| object(oid, input)));
    }
    let status = if ended { 0 } else { input.byte() % 32 };
    response(status.saturating_sub(27), &objects)
}

fn object(asked: &Oid, input: &mut Bytes<'_>) -> (Oid, SnmpValue) {
    if input.is_empty() {
        return (asked.clone(), SnmpValue::EndOfMibView);
    }
    let oid = match input.byte() {
        0..=99 => asked.child(&[u32::from(input.byte())]),
        100..=199 => asked.clone(),
        200..=230 => sibling(asked, u32::from(input.byte())),
        _ => Oid::new(&[1, 3, 6, 1, 4, 1, u32::from(input.byte())]).unwrap(),
    };
    (oid, crate::device_values::value(input))
}

fn sibling(oid: &Oid, last: u32) -> Oid {
    let (_, above) = oid.arcs().split_last().unwrap();
    Oid::new(&[above, &[last]].concat()).unwrap()
}

fuzz!(a_walk_ends_whatever_the_device_answers, "snmp_walk", walks);
