//! Traps and informs of SNMP v3 from the programs of Net-SNMP.

use super::*;
use crate::snmp::usm::{AuthProtocol, PrivacyProtocol, User};

const AUTH: &str = "maplesyrup";
const PRIVACY: &str = "syrupmaple";

type Auth = (AuthProtocol, &'static str);
type Privacy = (PrivacyProtocol, &'static str);

/// Algorithms with the names that Net-SNMP has for them.
const WAYS: [(Option<Auth>, Option<Privacy>); 5] = [
    (None, None),
    (Some((AuthProtocol::Md5, "MD5")), None),
    (Some((AuthProtocol::Sha1, "SHA")), Some((PrivacyProtocol::Aes128, "AES"))),
    (Some((AuthProtocol::Md5, "MD5")), Some((PrivacyProtocol::Des, "DES"))),
    (Some((AuthProtocol::Sha512, "SHA-512")), Some((PrivacyProtocol::Aes256, "AES-256"))),
];

fn of_user(device: &str, (auth, privacy): (Option<Auth>, Option<Privacy>)) -> Sender {
    let mut user = User::new("reader").unwrap();
    if let Some((auth, _)) = auth {
        user = user.with_auth(auth, AUTH.as_bytes()).unwrap();
    }
    if let Some((privacy, _)) = privacy {
        user = user.with_privacy(privacy, PRIVACY.as_bytes()).unwrap();
    }
    Sender {
        device: DeviceId::new(device).unwrap(),
        host: "127.0.0.1".to_owned(),
        credentials: Credentials::v3(user),
        profile: None,
    }
}

/// The options that make Net-SNMP send in this way.
fn options((auth, privacy): (Option<Auth>, Option<Privacy>)) -> Vec<&'static str> {
    let level = match (auth, privacy) {
        (None, _) => "noAuthNoPriv",
        (_, None) => "authNoPriv",
        _ => "authPriv",
    };
    let mut options = vec!["-v3", "-u", "reader", "-l", level];
    options.extend(auth.iter().flat_map(|(_, name)| ["-a", name, "-A", AUTH]));
    options.extend(privacy.iter().flat_map(|(_, name)| ["-x", name, "-X", PRIVACY]));
    options
}

/// A trap of the engine, at these boots and time.
fn trap(way: (Option<Auth>, Option<Privacy>), engine: &str, clock: &str, to: &str) -> Option<Output> {
    let rest = ["-e", engine, "-Z", clock, to, "12345", "1.3.6.1.2.1.33.2.1"];
    net_snmp("snmptrap", &[options(way).as_slice(), &rest].concat())
}

fn inform(way: (Option<Auth>, Option<Privacy>), to: &str, name: &str) -> Option<Output> {
    let rest = ["-t", "2", "-r", "0", to, "500", name];
    net_snmp("snmptrap", &[&["-Ci"], options(way).as_slice(), &rest].concat())
}

/// Debian's Net-SNMP may be built without some algorithms.
fn knows(output: &Output) -> bool {
    let said = String::from_utf8_lossy(&output.stderr);
    let unknown = said.contains("Invalid") || said.contains("not supported") || said.contains("unsupported");
    if unknown {
        println!("SKIPPED: {}", said.lines().next().unwrap_or_default());
    }
    !unknown
}

#[test]
fn a_trap_is_heard_in_every_way_of_securing_it() {
    for way in WAYS {
        let running = Running::start(vec![of_user("ups-1", way)]);
        let Some(output) = trap(way, "0x8000000001020304", "7,100", &port_of(running.port)) else { return };
        if !knows(&output) {
            continue;
        }
        assert!(output.status.success(), "{way:?}: {output:?}");
        assert!(running.event().text.starts_with("upsTrapOnBattery"), "{way:?}");
        let (counts, _) = running.stop();
        assert_eq!((counts.events, counts.acknowledged), (1, 0), "{way:?}");
    }
}

#[test]
fn an_inform_finds_our_engine_and_is_acknowledged_in_every_way_of_securing_it() {
    for way in WAYS {
        let running = Running::start(vec![of_user("ups-1", way)]);
        let Some(output) = inform(way, &port_of(running.port), "1.3.6.1.6.3.1.1.5.4") else { return };
        if !knows(&output) {
            continue;
        }
        assert!(output.status.success(), "{way:?}: {output:?}");
        let event = running.event();
        assert!(event.text.starts_with("linkUp") && event.device.unwrap().as_str() == "ups-1", "{way:?}");
        let (counts, _) = running.stop();
        assert_eq!((counts.events, counts.acknowledged), (1, 1), "{way:?}");
    }
}

#[test]
fn whoever_signs_wrongly_or_not_at_all_or_too_late_is_not_heard() {
    let signed = WAYS[2];
    let running = Running::start(vec![of_user("ups-1", signed)]);
    let to = port_of(running.port);
    let engine = "0x8000000001020304";
    let Some(first) = trap(signed, engine, "7,1000", &to) else { return };
    assert!(first.status.success());
    running.event();
    for (way, clock) in [
        // Without a digest, with another algorithm, without encryption.
        (WAYS[0], "7,1000"),
        (WAYS[3], "7,1000"),
        ((signed.0, None), "7,1000"),
        // 200 seconds ago, and before the last start.
        (signed, "7,800"),
        (signed, "6,2000"),
    ] {
        trap(way, engine, clock, &to).unwrap();
    }
    assert!(!inform(WAYS[0], &to, "1.3.6.1.6.3.1.1.5.4").unwrap().status.success());
    trap(signed, engine, "8,5", &to).unwrap();
    running.event();
    let (counts, left) = running.stop();
    assert!(left.is_empty(), "{left:?}");
    // The inform without security costs two packets: it asks for the engine first.
    assert_eq!(
        (counts.events, counts.acknowledged, counts.strays.wrong_credentials),
        (2, 0, 6),
        "{counts:?}"
    );
}

#[test]
fn an_engine_of_another_device_is_not_taken_for_this_one() {
    let way = WAYS[1];
    let mut other = of_user("ups-2", way);
    other.host = "127.0.0.2".to_owned();
    let mut receiver = Receiver::new(vec![of_user("ups-1", way), other], None);
    let socket = UdpSocket::bind((HOME, 0)).unwrap();
    socket.set_read_timeout(Some(AT_MOST)).unwrap();
    let to = socket.local_addr().unwrap().to_string();
    let Some(_) = trap(way, "0x8000000001020304", "7,100", &to) else { return };
    let mut room = [0; 2000];
    let (bytes, _) = socket.recv_from(&mut room).unwrap();
    let from = |host: [u8; 4]| SocketAddr::from((host, 40_000));
    receiver.packet(&room[..bytes], from([127, 0, 0, 1]), NOW);
    assert_eq!(receiver.next_event().unwrap().device.unwrap().as_str(), "ups-1");
    // Recorded there and sent from here, in the name of the same user.
    receiver.packet(&room[..bytes], from([127, 0, 0, 2]), NOW);
    assert_eq!((receiver.next_event(), receiver.counts().strays.wrong_credentials), (None, 1));
}

#[test]
fn informs_go_on_after_a_start_of_the_agent_although_its_engine_was_started_anew() {
    let way = WAYS[2];
    let running = Running::start(vec![of_user("ups-1", way)]);
    let engine_file = running.folder.path().join("snmp-engine");
    let Some(output) = inform(way, &port_of(running.port), "1.3.6.1.6.3.1.1.5.3") else { return };
    assert!(output.status.success());
    let before = std::fs::read_to_string(&engine_file).unwrap();
    let Running { traps, messages, folder, .. } = running;
    traps.stop();
    let running = Running::start_in(folder, vec![of_user("ups-1", way)]);
    assert!(inform(way, &port_of(running.port), "1.3.6.1.6.3.1.1.5.4").unwrap().status.success());
    assert!(running.event().text.starts_with("linkUp"));
    assert!(
        matches!(messages.try_recv(), Ok(Message::Event(_, event)) if event.text.starts_with("linkDown"))
    );
    let after = std::fs::read_to_string(&engine_file).unwrap();
    let boots = |text: &str| {
        text.trim_end().split_once(' ').map(|(id, boots)| (id.to_owned(), boots.to_owned())).unwrap()
    };
    assert_eq!((boots(&before).0, boots(&before).1.as_str()), (boots(&after).0, "1"));
    assert_eq!(boots(&after).1, "2");
    running.stop();
}

proptest! {
    #[test]
    fn whatever_claims_to_be_version_3_makes_no_event(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut receiver = Receiver::new(vec![of_user("ups-1", WAYS[1])], None);
        let mut packet = tlv(0x30, &[[2, 1, 3].as_slice(), &bytes[..bytes.len().min(120)]].concat());
        packet.extend(&bytes);
        prop_assert_eq!(heard(&mut receiver, &packet), (None, Vec::new()));
    }
}
