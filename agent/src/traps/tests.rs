//! Notifications as other programs send them, over real sockets.

mod version3;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver as Messages, sync_channel};
use std::time::{Duration, Instant};

use model::{DeviceId, Event, EventKind, Severity, Timestamp};
use proptest::prelude::*;

use super::receiver::Receiver;
use super::{Counts, Sender, Traps};
use crate::clock::{Now, SystemClock};
use crate::config::TrapsConfig;
use crate::poll::Message;
use crate::snmp::Credentials;

/// Longer than this no test waits.
const AT_MOST: Duration = Duration::from_secs(20);
const NOW: Now = Now { wall_us: 1_792_890_000_000_000, mono: Duration::from_secs(1000) };
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn sender(device: &str, host: &str, community: &str) -> Sender {
    let credentials = Credentials::v2c(community.as_bytes()).unwrap();
    Sender { device: DeviceId::new(device).unwrap(), host: host.to_owned(), credentials, profile: None }
}

fn receiver() -> Receiver {
    Receiver::new(vec![sender("ups-1", "127.0.0.1", "power"), sender("ups-2", "127.0.0.1", "other")], None)
}

/// What a packet from `127.0.0.1` brings: the reply, and events.
fn heard(receiver: &mut Receiver, bytes: &[u8]) -> (Option<Vec<u8>>, Vec<Event>) {
    let reply = receiver.packet(bytes, SocketAddr::new(HOME, 40_000), NOW);
    let events = std::iter::from_fn(|| receiver.next_event()).collect();
    (reply.map(|reply| reply.bytes().to_vec()), events)
}

/// Tag, length, content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![tag];
    match u8::try_from(content.len()).unwrap() {
        short @ 0..0x80 => all.push(short),
        long => all.extend([0x81, long]),
    }
    all.extend(content);
    all
}

/// linkDown of interface 3 as `snmptrap -v2c -c power ... '' 1.3.6.1.6.3.1.1.5.3 ifIndex.3 i 3` sends it, put together
/// by hand; `tag` is 0xa7 for a trap, 0xa6 for an inform.
fn link_down(tag: u8, community: &str, id: u8) -> Vec<u8> {
    let uptime = tlv(0x30, &[6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0, 0x43, 2, 0x30, 0x39]);
    let name = [6, 10, 0x2b, 6, 1, 6, 3, 1, 1, 4, 1, 0, 6, 9, 0x2b, 6, 1, 6, 3, 1, 1, 5, 3];
    let index = [6, 10, 0x2b, 6, 1, 2, 1, 2, 2, 1, 1, 3, 2, 1, 3];
    let list = tlv(0x30, &[uptime, tlv(0x30, &name), tlv(0x30, &index)].concat());
    let pdu = tlv(tag, &[vec![2, 1, id, 2, 1, 0, 2, 1, 0], list].concat());
    tlv(0x30, &[vec![2, 1, 1], tlv(4, community.as_bytes()), pdu].concat())
}

#[test]
fn a_trap_of_a_configured_device_becomes_an_event_with_device_and_time() {
    let mut receiver = receiver();
    let (reply, events) = heard(&mut receiver, &link_down(0xa7, "other", 1));
    assert_eq!(reply, None, "a trap wants no answer");
    let expected = Event {
        time: Timestamp::from_millis(1_792_890_000_000),
        device: Some(DeviceId::new("ups-2").unwrap()),
        kind: EventKind::Notification,
        severity: Severity::Warning,
        text: "linkDown: a network link went down (ifIndex.3 = 3), up for 00:02:03".to_owned(),
    };
    assert_eq!(events, [expected]);
}

#[test]
fn an_inform_is_acknowledged_as_often_as_it_comes_and_makes_one_event() {
    let mut receiver = receiver();
    let inform = link_down(0xa6, "power", 1);
    let mut response = inform.clone();
    // version, community: 30 len 02 01 01 04 05 "power", then the tag of the PDU.
    assert_eq!(response[12], 0xa6);
    response[12] = 0xa2;
    for n in 0..3 {
        let (reply, events) = heard(&mut receiver, &inform);
        assert_eq!(reply.as_ref(), Some(&response));
        assert_eq!(events.len(), usize::from(n == 0), "{events:?}");
    }
    let counts = receiver.counts();
    assert_eq!((counts.acknowledged, counts.events, counts.repeated), (3, 1, 2));
    assert_eq!(heard(&mut receiver, &link_down(0xa6, "power", 2)).1.len(), 1, "another one is another one");
}

#[test]
fn nobody_is_heard_who_is_no_configured_device_or_shows_another_community() {
    let mut receiver = receiver();
    assert_eq!(heard(&mut receiver, &link_down(0xa6, "guess", 1)), (None, Vec::new()));
    let stranger = SocketAddr::from(([10, 0, 0, 9], 162));
    assert_eq!(receiver.packet(&link_down(0xa6, "power", 1), stranger, NOW), None);
    assert_eq!(heard(&mut receiver, b"GET / HTTP/1.1\r\n"), (None, Vec::new()));
    // A get, and an inform that claims an error: neither is answered.
    assert_eq!(heard(&mut receiver, &link_down(0xa0, "power", 1)), (None, Vec::new()));
    let mut wrong = link_down(0xa6, "power", 1);
    wrong[19] = 5;
    assert_eq!(heard(&mut receiver, &wrong), (None, Vec::new()));
    let strays = receiver.counts().strays;
    let counts = (strays.wrong_credentials, strays.unknown_sender, strays.unreadable, strays.other_kind);
    assert_eq!(counts, (1, 1, 2, 1));
}

#[test]
fn a_trap_of_version_1_is_told_under_the_name_that_version_2_would_give_it() {
    let trap = |generic: u8, specific: u8| {
        let enterprise = [6, 7, 0x2b, 6, 1, 4, 1, 0x82, 0x3e];
        let rest = [0x40, 4, 127, 0, 0, 1, 2, 1, generic, 2, 1, specific, 0x43, 1, 99, 0x30, 0];
        let pdu = tlv(0xa4, &[enterprise.as_slice(), &rest].concat());
        tlv(0x30, &[vec![2, 1, 0], tlv(4, b"power"), pdu].concat())
    };
    let text = |bytes: &[u8]| heard(&mut receiver(), bytes).1.pop().unwrap();
    assert_eq!(text(&trap(0, 0)).kind, EventKind::DeviceRestarted);
    let on_battery = text(&trap(6, 5));
    assert_eq!(on_battery.text, "upsOnBattery: the UPS runs on its battery, up for 00:00:00");
    assert_eq!(on_battery.severity, Severity::Critical);
}

#[test]
fn a_storm_of_one_device_is_summed_up_and_another_device_is_heard_all_the_same() {
    let mut receiver = receiver();
    let mut events = 0;
    for id in 0..=255u8 {
        events += heard(&mut receiver, &link_down(0xa7, "power", id)).1.len();
    }
    // Request ids from 128 on are negative, and fine.
    assert_eq!(events, 20);
    assert_eq!(heard(&mut receiver, &link_down(0xa7, "other", 1)).1.len(), 1);
    let later = Now { mono: NOW.mono + Duration::from_mins(1), ..NOW };
    assert_eq!(receiver.tick(later), None);
    let sum = receiver.next_event().unwrap();
    assert_eq!((sum.device.unwrap().as_str(), sum.severity), ("ups-1", Severity::Warning));
    assert!(
        sum.text.starts_with("236 more notifications") && sum.text.ends_with("linkDown 236"),
        "{}",
        sum.text
    );
    assert_eq!(receiver.next_event(), None);
}

#[test]
fn an_inform_that_cannot_be_kept_is_not_acknowledged_and_is_taken_when_it_comes_again() {
    let many = (0..60).map(|n| sender(&format!("d-{n}"), &format!("10.0.0.{n}"), "power")).collect();
    let mut receiver = Receiver::new(many, None);
    let inform = |receiver: &mut Receiver, device: u8, id: u8| {
        receiver
            .packet(&link_down(0xa6, "power", id), SocketAddr::from(([10, 0, 0, device], 162)), NOW)
            .is_some()
    };
    for n in 0..1000u16 {
        assert!(inform(&mut receiver, u8::try_from(n / 20).unwrap(), u8::try_from(n % 20).unwrap()), "{n}");
    }
    assert!(!inform(&mut receiver, 55, 1), "a thousand events wait already");
    receiver.next_event().unwrap();
    assert!(inform(&mut receiver, 55, 1));
    assert_eq!((receiver.counts().unrecorded, receiver.counts().events), (1, 1001));
}

proptest! {
    #[test]
    fn whatever_comes_is_counted_and_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut receiver = receiver();
        prop_assert_eq!(heard(&mut receiver, &bytes), (None, Vec::new()));
        let strays = receiver.counts().strays;
        prop_assert_eq!(strays.unreadable + strays.wrong_credentials, 1);
    }

    /// Most of such packets still say something: what comes back is never more than an acknowledgement of the same length.
    #[test]
    fn a_broken_inform_makes_at_most_one_event_and_an_answer_no_longer_than_itself(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut receiver = receiver();
        let mut bytes = link_down(0xa6, "power", 1);
        let length = bytes.len();
        bytes[place.index(length)] = byte;
        bytes.truncate(cut.index(length) + 1);
        let (reply, events) = heard(&mut receiver, &bytes);
        prop_assert!(events.len() <= 1 && events.iter().all(|event| event.text.chars().count() <= 500));
        if let Some(reply) = reply {
            prop_assert!(reply.len() <= bytes.len() && events.len() == 1);
            let pdu = snmp::Pdu::from_bytes(&reply).unwrap();
            prop_assert_eq!(pdu.message_type, snmp::MessageType::Response);
            prop_assert_eq!((pdu.error_status, pdu.error_index), (0, 0));
        }
    }
}

fn config(listen: SocketAddr, folder: &Path) -> TrapsConfig {
    TrapsConfig { listen, engine_file: folder.join("snmp-engine") }
}

/// The service on a port of its own, and what it hands on.
struct Running {
    traps: Traps,
    port: u16,
    messages: Messages<Message>,
    folder: tempfile::TempDir,
}

impl Running {
    fn start(senders: Vec<Sender>) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), senders)
    }

    /// Listens on a port that the system picks.
    fn start_in(folder: tempfile::TempDir, senders: Vec<Sender>) -> Self {
        let (to, messages) = sync_channel(64);
        let config = config(SocketAddr::new(HOME, 0), folder.path());
        let traps = Traps::start(&config, senders, Box::new(SystemClock::start()), Some(to)).unwrap();
        let deadline = Instant::now() + AT_MOST;
        let port = loop {
            match traps.listens_on() {
                Some(address) => break address.port(),
                None => std::thread::yield_now(),
            }
            assert!(Instant::now() < deadline, "nobody listens");
        };
        Self { traps, port, messages, folder }
    }

    fn event(&self) -> Event {
        match self.messages.recv_timeout(AT_MOST) {
            Ok(Message::Event(_, event)) => event,
            other => panic!("{other:?}"),
        }
    }

    fn stop(self) -> (Counts, Vec<Message>) {
        let counts = self.traps.stop();
        (counts, self.messages.try_iter().collect())
    }
}

/// A program of Net-SNMP, if it is installed. It keeps an engine and its clock in a folder, which none shares here.
fn net_snmp(program: &str, arguments: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).env("MIBS", "").env("SNMP_PERSISTENT_DIR", folder.path()).stdin(Stdio::null());
    command.output().map_err(|error| println!("SKIPPED: `{program}` cannot be started: {error}")).ok()
}

fn port_of(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

#[test]
fn traps_of_the_real_snmptrap_become_events() {
    let running = Running::start(vec![sender("ups-1", "127.0.0.1", "power")]);
    let to = port_of(running.port);
    let objects = ["1.3.6.1.2.1.33.1.2.3.0", "i", "25", "1.3.6.1.2.1.33.1.2.2.0", "i", "60"];
    let arguments =
        [&["-v2c", "-c", "power", &to, "12345", "1.3.6.1.2.1.33.2.1"], objects.as_slice()].concat();
    let Some(output) = net_snmp("snmptrap", &arguments) else { return };
    assert!(output.status.success(), "{output:?}");
    let event = running.event();
    let text = "upsTrapOnBattery: the UPS runs on its battery (upsEstimatedMinutesRemaining = 25, \
                upsSecondsOnBattery = 60), up for 00:02:03";
    assert_eq!((event.text.as_str(), event.severity), (text, Severity::Critical));
    assert_eq!(event.device.unwrap().as_str(), "ups-1");
    // Version 1: enterprise, agent address, generic, specific, uptime.
    let version_1 = ["-v1", "-c", "power", &to, "1.3.6.1.4.1.318", "127.0.0.1", "6", "9", "100"];
    net_snmp("snmptrap", &version_1).unwrap();
    assert!(running.event().text.starts_with("powerRestored: the mains is back"));
    let wrong = ["-v2c", "-c", "guess", &to, "12345", "1.3.6.1.2.1.33.2.1"];
    net_snmp("snmptrap", &wrong).unwrap();
    net_snmp("snmptrap", &["-v2c", "-c", "power", &to, "12346", "1.3.6.1.6.3.1.1.5.1"]).unwrap();
    let last = running.event();
    assert_eq!(last.kind, EventKind::DeviceRestarted, "the wrong one in between is not heard: {last:?}");
    let (counts, left) = running.stop();
    assert_eq!((counts.packets, counts.events, counts.strays.wrong_credentials), (4, 3, 1));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn objects_that_the_devices_profile_knows_are_told_as_quantities_with_their_units() {
    let library = profile::Library::built_in().unwrap();
    let mut ups = sender("ups-1", "127.0.0.1", "power");
    ups.profile = library.get("rfc1628-ups").cloned();
    let running = Running::start(vec![ups]);
    // Minutes remaining, and the voltage of the battery in tenths.
    let objects = ["1.3.6.1.2.1.33.1.2.3.0", "i", "25", "1.3.6.1.2.1.33.1.2.5.0", "i", "2167"];
    let to = port_of(running.port);
    let arguments =
        [&["-v2c", "-c", "power", &to, "100", "1.3.6.1.4.1.99999.1"], objects.as_slice()].concat();
    if net_snmp("snmptrap", &arguments).is_none() {
        return;
    }
    let text = running.event().text;
    assert!(text.ends_with("; battery_runtime battery 1500 s, battery_voltage battery 216.7 V"), "{text}");
    running.stop();
}

#[test]
fn the_real_snmpinform_is_content_with_the_acknowledgement() {
    let running = Running::start(vec![sender("ups-1", "127.0.0.1", "power")]);
    let to = port_of(running.port);
    let inform = |community: &str| {
        let tries = ["-t", "1", "-r", "0", &to, "500", "1.3.6.1.2.1.33.2.4"];
        net_snmp("snmptrap", &[&["-Ci", "-v2c", "-c", community], tries.as_slice()].concat())
    };
    let Some(output) = inform("power") else { return };
    assert!(output.status.success(), "it waits for the acknowledgement: {output:?}");
    assert!(running.event().text.starts_with("upsTrapAlarmEntryRemoved"));
    assert!(!inform("guess").unwrap().status.success(), "nobody answers a wrong community");
    let (counts, _) = running.stop();
    assert_eq!((counts.acknowledged, counts.events, counts.strays.wrong_credentials), (1, 1, 1));
}

#[test]
fn an_address_that_is_taken_is_told_as_an_event_of_the_agent() {
    let taken = UdpSocket::bind((HOME, 0)).unwrap();
    let (to, messages) = sync_channel(64);
    let listen = taken.local_addr().unwrap();
    let config = config(listen, Path::new("/nonexistent"));
    let senders = vec![sender("a", "127.0.0.1", "c")];
    let traps = Traps::start(&config, senders, Box::new(SystemClock::start()), Some(to));
    let Ok(Message::Event(_, event)) = messages.recv_timeout(AT_MOST) else { panic!("no event") };
    assert!(event.device.is_none() && event.text.contains("another program listens there"), "{event:?}");
    assert_eq!(traps.unwrap().stop(), Counts::default());
}
