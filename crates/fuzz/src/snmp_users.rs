//! Messages of SNMP v3, and everything that comes to the port for traps.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use agent::clock::Now;
use agent::snmp::usm::{AuthProtocol, Frame, Header, Keys, Level, PrivacyProtocol, Salt, User, sealed};
use agent::snmp::{Answer, Credentials};
use agent::traps::{Receiver, Sender};
use model::DeviceId;

use crate::throw::{Bytes, fuzz};

/// The engine of the seeds.
pub(crate) const ENGINE: [u8; 9] = [0x80, 0, 0x7e, 0xd9, 5, 1, 2, 3, 4];
/// Longest text of an event that the wire takes (characters), in bytes.
const TEXT_BYTES_MAX: usize = 2000;

/// The user of the seeds; making keys takes milliseconds, so it is made once.
pub(crate) static USER: LazyLock<(User, Keys)> = LazyLock::new(|| {
    let user = User::new("fuzz").unwrap().with_auth(AuthProtocol::Sha256, b"twelve letters").unwrap();
    let user = user.with_privacy(PrivacyProtocol::Aes128, b"eleven more").unwrap();
    let keys = user.keys(&ENGINE);
    (user, keys)
});

fn users(bytes: &[u8]) {
    let (user, keys) = &*USER;
    if let Ok(frame) = Frame::parse(bytes) {
        if let Ok(opened) = frame.unsecured() {
            assert_eq!(opened.level, Level::NoAuth);
            taken(opened.pdu());
        }
        if let Ok(opened) = frame.open(user, keys) {
            assert_eq!(opened.level, frame.level);
            taken(opened.pdu());
        }
    }
    // The same bytes as what the user has signed and encrypted: past the digest nothing is to be believed either.
    let header = Header { id: 1, engine_id: &ENGINE, boots: 1, time: 1, reportable: false };
    let message = sealed(&header, (user, keys), bytes, &mut Salt::new()).unwrap();
    if let Ok(opened) = Frame::parse(&message).unwrap().open(user, keys) {
        assert_eq!(opened.level, Level::AuthPriv);
        taken(opened.pdu());
    }
}

fn taken(pdu: &[u8]) {
    if let Ok(answer) = Answer::of_pdu(pdu) {
        assert!(answer.objects().len() <= pdu.len() / 4);
    }
}

fuzz!(a_message_of_a_user_is_opened_whole_or_not_at_all, "snmp_v3", users);

fn senders() -> Vec<Sender> {
    let profile = profile::Library::built_in().unwrap().get("rfc1628-ups").cloned();
    let sender = |n: u8, credentials| Sender {
        device: DeviceId::new(&format!("device-{n}")).unwrap(),
        host: format!("127.0.0.{n}"),
        credentials,
        profile: profile.clone(),
    };
    let (user, _) = &*USER;
    let user = User::new(std::str::from_utf8(user.name()).unwrap()).unwrap();
    vec![sender(1, Credentials::v2c(b"public").unwrap()), sender(2, Credentials::v3(user))]
}

/// Packets, each behind its sender and its length in two bytes.
fn notifications(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let mut receiver = Receiver::new(senders(), None);
    let mut now = Now { mono: Duration::ZERO, wall_us: 0 };
    while !input.is_empty() {
        let from = SocketAddr::from(([127, 0, 0, input.byte() % 3 + 1], 162));
        let length = usize::from(input.word());
        let packet = input.take(length);
        if let Some(reply) = receiver.packet(packet, from, now) {
            assert!(reply.bytes().len() <= packet.len() + 16, "a reply is no longer than its question");
        }
        now = Now { mono: now.mono + Duration::from_secs(7), wall_us: now.wall_us + 7_000_000 };
        receiver.tick(now);
    }
    while let Some(event) = receiver.next_event() {
        assert!(event.text.len() <= TEXT_BYTES_MAX, "{} bytes of text", event.text.len());
    }
}

fuzz!(whatever_comes_to_the_port_for_traps_makes_short_events, "trap", notifications);

/// Mutations of seeds that are refused at the door would try nothing behind it.
#[test]
fn the_seeds_come_through_to_what_lies_behind() {
    let seed = |folder: &str, name: &str| std::fs::read(crate::throw::corpus(folder).join(name)).unwrap();
    let (user, keys) = &*USER;
    let sealed = seed("snmp_v3", "sealed");
    let opened = Frame::parse(&sealed).unwrap().open(user, keys).unwrap();
    assert_eq!(Answer::of_pdu(opened.pdu()).unwrap().objects().len(), 14);
    for (name, events) in [("trap", 1), ("inform", 1), ("version-1", 1), ("user", 1)] {
        let bytes = seed("trap", name);
        let mut receiver = Receiver::new(senders(), None);
        let from = SocketAddr::from(([127, 0, 0, bytes[0] + 1], 162));
        receiver.packet(&bytes[3..], from, Now { mono: Duration::ZERO, wall_us: 0 });
        assert_eq!(std::iter::from_fn(|| receiver.next_event()).count(), events, "{name}");
    }
}
