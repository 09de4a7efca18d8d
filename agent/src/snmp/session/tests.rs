//! What an engine may say about itself that snmpd does not in the time of a test.

use super::*;
use crate::snmp::usm::{AuthProtocol, PrivacyProtocol};
use profile::Oid;

const ENGINE: [u8; 7] = [0x80, 0, 0x1f, 0x88, 5, 1, 1];
const OTHER_ENGINE: [u8; 7] = [0x80, 0, 0x1f, 0x88, 5, 2, 2];
const ID: i32 = 0x0123_4567;

fn user() -> User {
    let user = User::new("reader").unwrap().with_auth(AuthProtocol::Sha1, b"maplesyrup").unwrap();
    user.with_privacy(PrivacyProtocol::Aes128, b"syrupmaple").unwrap()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A PDU of this kind with this object: a counter of usmStats, or any other.
fn pdu(tag: u8, object: &[u8]) -> Vec<u8> {
    let name = [&[6, u8::try_from(object.len()).unwrap()], object].concat();
    let one = [name.as_slice(), &[0x41, 1, 1]].concat();
    let list = [&[0x30, u8::try_from(one.len()).unwrap()], one.as_slice()].concat();
    let list = [&[0x30, u8::try_from(list.len()).unwrap()], list.as_slice()].concat();
    let head = [&[2, 4], ID.to_be_bytes().as_slice(), &[2, 1, 0, 2, 1, 0]].concat();
    let content = [head, list].concat();
    [&[tag, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
}

fn report(which: u8) -> Vec<u8> {
    pdu(0xa8, &[0x2b, 6, 1, 6, 3, 15, 1, 1, which, 0])
}

fn response() -> Vec<u8> {
    pdu(0xa2, &[0x2b, 6, 1, 2, 1, 1, 3, 0])
}

/// What the engine sends, secured for `user`.
fn sent(engine: &[u8], (boots, time): (u32, u32), user: &User, pdu: &[u8]) -> Vec<u8> {
    let header = Header { id: ID, engine_id: engine, boots, time, reportable: false };
    sealed(&header, (user, &user.keys(engine)), pdu, &mut Salt::new()).unwrap()
}

fn hear(session: &mut Session, bytes: &[u8], now: Duration) -> Result<String, Distrust> {
    session.hear(Incoming::parse(bytes)?, now).map(|heard| match heard {
        Heard::Answer(body) => format!("answer {}", body.answer().unwrap().objects().len()),
        Heard::Again(change) => format!("again {change:?}"),
        Heard::Refused(refusal) => format!("refused {refusal:?}"),
    })
}

/// A conversation with an engine that was started three times and has run for a thousand seconds at 0 s.
fn begun() -> Session {
    let mut session = Session::new(Credentials::v3(user()));
    let nobody = User::new("x").unwrap();
    assert_eq!(
        hear(&mut session, &sent(&ENGINE, (3, 1000), &nobody, &report(4)), at(0)).unwrap(),
        "again None"
    );
    assert_eq!(
        hear(&mut session, &sent(&ENGINE, (3, 1000), &user(), &response()), at(0)).unwrap(),
        "answer 1"
    );
    session
}

/// Boots and time with which the session would ask at `now`.
fn asks(session: &mut Session, now: Duration) -> (Vec<u8>, u32, u32) {
    let uptime: Oid = "1.3.6.1.2.1.1.3.0".parse().unwrap();
    let mut packet = Packet::new(session.credentials(), Read::Get, std::iter::once(&uptime));
    let bytes = session.encode(&mut packet, ID, now);
    let frame = Frame::parse(&bytes).unwrap();
    (frame.engine_id.to_vec(), frame.boots, frame.time)
}

#[test]
fn the_engines_clock_is_followed() {
    let mut session = begun();
    assert_eq!(asks(&mut session, at(60)), (ENGINE.to_vec(), 3, 1060));
}

#[test]
fn boots_up_down_and_alike_with_the_time_set_back_are_followed_once_they_are_authenticated() {
    let cases = [
        ((4, 7), "again Some(Rebooted { boots: 4 })"),
        ((1, 7), "again Some(BootsBack { from: 3, to: 1 })"),
        ((3, 7), "again Some(ClockBack)"),
        ((3, 5000), "again None"),
    ];
    for ((boots, time), expected) in cases {
        let mut session = begun();
        let signed = User::new("reader").unwrap().with_auth(AuthProtocol::Sha1, b"maplesyrup").unwrap();
        let said = sent(&ENGINE, (boots, time), &signed, &report(2));
        assert_eq!(hear(&mut session, &said, at(0)).unwrap(), expected);
        assert_eq!(asks(&mut session, at(3)), (ENGINE.to_vec(), boots, time + 3));
        assert_eq!(
            hear(&mut session, &sent(&ENGINE, (boots, time), &user(), &response()), at(3)).unwrap(),
            "answer 1"
        );
        let mut session = begun();
        let unsigned = sent(&ENGINE, (boots, time), &User::new("reader").unwrap(), &report(2));
        assert_eq!(hear(&mut session, &unsigned, at(0)), Err(Distrust::Level));
        assert_eq!(asks(&mut session, at(0)), (ENGINE.to_vec(), 3, 1000));
    }
}

#[test]
fn another_engine_is_met_anew() {
    let mut session = begun();
    let nobody = User::new("x").unwrap();
    let said = sent(&OTHER_ENGINE, (1, 5), &nobody, &report(4));
    assert_eq!(hear(&mut session, &said, at(0)).unwrap(), "again Some(OtherEngine)");
    assert_eq!(asks(&mut session, at(0)), (OTHER_ENGINE.to_vec(), 1, 5));
    // A first idea of its clock that was wrong is no start of the device.
    let signed = User::new("reader").unwrap().with_auth(AuthProtocol::Sha1, b"maplesyrup").unwrap();
    assert_eq!(
        hear(&mut session, &sent(&OTHER_ENGINE, (2, 9), &signed, &report(2)), at(0)).unwrap(),
        "again None"
    );
}

#[test]
fn answers_that_are_old_less_secure_or_from_elsewhere_are_not_believed() {
    let mut session = begun();
    let mut heard = |bytes: &[u8]| hear(&mut session, bytes, at(0));
    let signed = User::new("reader").unwrap().with_auth(AuthProtocol::Sha1, b"maplesyrup").unwrap();
    assert_eq!(heard(&sent(&ENGINE, (3, 1000), &signed, &response())), Err(Distrust::Level));
    assert_eq!(
        heard(&sent(&ENGINE, (3, 1000), &User::new("reader").unwrap(), &response())),
        Err(Distrust::Level)
    );
    assert_eq!(heard(&sent(&ENGINE, (3, 849), &user(), &response())), Err(Distrust::Window(OutOfWindow)));
    assert_eq!(heard(&sent(&ENGINE, (2, 9000), &user(), &response())), Err(Distrust::Window(OutOfWindow)));
    assert_eq!(heard(&sent(&OTHER_ENGINE, (3, 1000), &user(), &response())), Err(Distrust::Engine));
    let stranger = User::new("stranger").unwrap().with_auth(AuthProtocol::Sha1, b"maplesyrup").unwrap();
    assert_eq!(
        heard(&sent(&ENGINE, (3, 1000), &stranger, &response())),
        Err(Distrust::Frame(FrameError::User))
    );
    let header = Header { id: ID + 1, engine_id: &ENGINE, boots: 3, time: 1000, reportable: false };
    let other_id = sealed(&header, (&user(), &user().keys(&ENGINE)), &response(), &mut Salt::new()).unwrap();
    assert_eq!(heard(&other_id), Err(Distrust::Other), "message and request id belong together");
    assert_eq!(heard(&sent(&ENGINE, (3, 1000), &user(), &pdu(0xa7, &[0x2b, 6]))), Err(Distrust::Other));
    assert_eq!(heard(&sent(&ENGINE, (3, 1000), &user(), &response())).unwrap(), "answer 1");
}

#[test]
fn reports_of_refusal_are_named() {
    for (which, expected) in [(1, "Level"), (3, "User"), (5, "Digest"), (6, "Decryption"), (9, "Other")] {
        let said = sent(&ENGINE, (3, 1000), &User::new("reader").unwrap(), &report(which));
        assert_eq!(hear(&mut begun(), &said, at(0)).unwrap(), format!("refused {expected}"));
    }
}

#[test]
fn an_engine_id_of_any_other_length_than_the_standards_is_not_taken() {
    let mut session = Session::new(Credentials::v3(user()));
    let nobody = User::new("x").unwrap();
    for length in [0, 4, 33] {
        let said = sent(&vec![1; length], (1, 1), &nobody, &report(4));
        assert_eq!(hear(&mut session, &said, at(0)), Err(Distrust::Engine));
    }
}
