//! What buses and gateways teach, and what `[[bus]]` says about them.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::{Missing, Raw};
use profile::{Limits, Profile};

use super::bench::*;
use crate::modbus::Bus;
use crate::poll::schedule::Schedule;
use crate::poll::{GatewayPlan, Manners, ModbusPlan, SurveyPlan};
use crate::testing::faulty::{Asked, Reaction, Server};

fn at(server: &Server, manners: Manners, devices: &[Device]) -> GatewayPlan {
    on_bus(Bus::Tcp(server.address.to_string()), manners, devices)
}

#[test]
fn of_a_refused_block_only_the_refused_reading_is_missing_and_it_is_told_once() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = Server::start(move |asked| {
        counted.fetch_add(1, Ordering::SeqCst);
        let reaches = (asked.start..asked.start + asked.count).contains(&13);
        Reaction::Send(if reaches { asked.exception(2) } else { asked.addresses() })
    });
    let device = Device::new(1, 1, &[10, 11, 12, 13, 14, 15, 16, 17]);
    let mut running = start(plan(vec![at(&server, Manners::default(), &[device])]));
    running.until("polls", |running| running.polls(1).len() >= 2);
    let before = (requests.load(Ordering::SeqCst), running.polls(1).len());
    running.until("polls", |running| running.polls(1).len() >= 7);
    let mut expected = integers(&[10, 11, 12, 13, 14, 15, 16, 17]);
    expected[3] = Err(Missing::Exception);
    for poll in running.polls(1) {
        assert_eq!(poll.values, expected, "the rest of the block is asked in the same poll");
    }
    // Around the hole there are two requests, and the hole itself is not asked.
    let after = (requests.load(Ordering::SeqCst), running.polls(1).len());
    assert!(after.0 - before.0 <= (after.1 - before.1 + 1) * 2, "{before:?} {after:?}");
    let told = running.told();
    assert!(told.len() == 1 && told[0].contains("fc3 13 u16"), "{told:?}");
}

#[test]
fn a_device_that_refuses_all_while_it_starts_is_asked_for_all_of_it_again() {
    let server = Server::start(|asked| match asked.n {
        0..30 => Reaction::Send(asked.exception(2)),
        _ => Reaction::Send(asked.addresses()),
    });
    let mut running = start(plan(vec![at(&server, Manners::default(), &[Device::new(1, 1, &[10, 11, 12])])]));
    running.until("values", |running| {
        running.polls(1).iter().any(|poll| poll.values == integers(&[10, 11, 12]))
    });
    // That it began to answer in the middle of a poll left a hole for one poll, no longer.
    running.until("more", |running| running.polls(1).len() >= 25);
    let last = running.polls(1).into_iter().rev().take(3);
    assert!(last.into_iter().all(|poll| poll.values == integers(&[10, 11, 12])), "{:#?}", running.polls(1));
}

/// Each register holds its own address, under a transaction id that the gateway made.
fn rewritten(asked: Asked) -> Vec<u8> {
    let transaction = u16::try_from(asked.n % 7).unwrap();
    Asked { transaction, ..asked }.addresses()
}

#[test]
fn a_gateway_that_rewrites_transaction_ids_is_learned_and_then_read() {
    let server = Server::start(|asked| Reaction::Send(rewritten(asked)));
    let mut running = start(plan(vec![at(&server, Manners::default(), &[Device::new(1, 1, &[7])])]));
    running.until("values", |running| {
        running.firsts(1).iter().filter(|one| **one == Ok(Raw::Integer(7))).count() >= 3
    });
    let firsts = running.firsts(1);
    assert_eq!(firsts[0], Err(Missing::Nonsense), "a wrong id is refused until it is known");
    let told = running.told();
    assert!(told.len() == 1 && told[0].contains("ignore_transaction_id"), "{told:?}");
}

#[test]
fn a_gateway_that_is_said_to_rewrite_ids_is_read_from_the_first_request() {
    let server = Server::start(|asked| Reaction::Send(rewritten(asked)));
    let manners = Manners { ignore_transaction_id: true, ..Manners::default() };
    let mut running = start(plan(vec![at(&server, manners, &[Device::new(1, 1, &[7, 700])])]));
    running.until("polls", |running| running.polls(1).len() >= 4);
    assert!(running.polls(1).iter().all(|poll| poll.values == integers(&[7, 700])));
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_answer_under_an_id_of_the_connection_before_is_never_learned_as_the_gateways_own() {
    // A gateway that keeps late answers over connections: it always gives the answer to the question before.
    let kept: Mutex<Option<Asked>> = Mutex::new(None);
    let server = Server::start(move |asked| match kept.lock().unwrap().replace(asked) {
        Some(before) => Reaction::Send(before.words(&[999])),
        None => Reaction::Silence,
    });
    let mut running = start(plan(vec![at(&server, Manners::default(), &[Device::new(1, 1, &[7])])]));
    running.until("polls", |running| running.polls(1).len() >= 20);
    assert!(running.firsts(1).iter().all(Result::is_err), "{:?}", running.firsts(1));
    assert!(running.told().is_empty(), "{:?}", running.told());
}

#[test]
fn a_gateway_that_hangs_up_on_two_requests_at_once_is_asked_one_at_a_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // One request has 12 bytes; requests that leave together come together.
            let mut room = [0u8; 64];
            while let Ok(12) = stream.read(&mut room) {
                let data = [room[8], room[9]];
                let answer = [&room[..4], &[0, 5, room[6], room[7], 2], &data].concat();
                stream.write_all(&answer).unwrap();
            }
        }
    });
    let manners = Manners { in_flight: 2, ..Manners::default() };
    let bus = Bus::Tcp(address.to_string());
    let mut running = start(plan(vec![on_bus(bus, manners, &[Device::new(1, 1, &[10, 500])])]));
    running
        .until("values", |running| running.polls(1).iter().any(|poll| poll.values == integers(&[10, 500])));
    let told = running.told();
    assert!(told.len() == 1 && told[0].contains("in_flight = 1"), "{told:?}");
}

#[test]
fn a_connection_is_left_to_others_after_each_poll_if_the_bus_says_so() {
    let server = Server::start(|asked| Reaction::Send(asked.addresses()));
    let manners = Manners { close_after_poll: true, ..Manners::default() };
    let mut running = start(plan(vec![at(&server, manners, &[Device::new(1, 1, &[7, 700])])]));
    running.until("polls", |running| running.polls(1).len() >= 4);
    assert!(running.polls(1).iter().all(|poll| poll.values == integers(&[7, 700])));
    assert!(server.connections() >= 4, "{} connections", server.connections());
}

#[test]
fn a_connection_that_was_idle_for_too_long_is_made_anew_and_costs_no_sample() {
    let server = Server::start(|asked| Reaction::Send(asked.addresses()));
    let manners = Manners { idle_timeout: Some(Duration::from_millis(100)), ..Manners::default() };
    let mut running = start(plan(vec![at(&server, manners, &[Device::new(1, 1, &[7])])]));
    running.until("polls", |running| running.polls(1).len() >= 4);
    assert!(running.firsts(1).iter().all(|one| *one == Ok(Raw::Integer(7))));
    assert!(server.connections() >= 4, "{} connections", server.connections());
}

#[test]
fn the_pause_after_a_connection_is_kept() {
    let pause = Duration::from_millis(60);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, waited) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let since = Instant::now();
            let mut request = [0u8; 12];
            if std::io::Read::read_exact(&mut stream, &mut request).is_ok()
                && tell.send(since.elapsed()).is_err()
            {
                return;
            }
        }
    });
    let manners = Manners { pause_after_connect: pause, ..Manners::default() };
    let bus = Bus::Tcp(address.to_string());
    let running = start(plan(vec![on_bus(bus, manners, &[Device::new(1, 1, &[7])])]));
    let first = waited.recv_timeout(AT_MOST).unwrap();
    // The connection is accepted a little after it was made.
    assert!(first + Duration::from_millis(20) >= pause, "{first:?}");
    running.stop();
}

const SUNSPEC: &str = r#"
id = "test-sunspec"
maker = "Test"
model = "Meter"
protocol = "modbus"
confidence = "known"
sources = "made up for a test"
[modbus]
function = 3
[sunspec]
[[sunspec.model]]
ids = [203]
length = 105
[[sunspec.model.reading]]
quantity = "active_power"
channel = "total"
register = 18
type = "i16"
scale_register = 22
scale_finest = -2
unit = "W"
"#;

/// "SunS" at 40000, a common model of 66 words, a meter model of 105, the end.
fn sunspec_word(address: u16) -> u16 {
    match address {
        40_000 => 0x5375,
        40_001 => 0x6e53,
        40_002 => 1,
        40_003 => 66,
        40_070 => 203,
        40_071 => 105,
        // Active power 1234; its scale factor is -1, and the number that ends the chain looks the same.
        40_088 => 1234,
        40_092 | 40_177 => 0xffff,
        _ => 0,
    }
}

#[test]
fn a_device_that_describes_itself_is_surveyed_first_and_then_polled() {
    let server = Server::start(|asked| match asked.start {
        40_000.. => Reaction::Send(
            asked.words(&(asked.start..asked.start + asked.count).map(sunspec_word).collect::<Vec<_>>()),
        ),
        _ => Reaction::Send(asked.exception(2)),
    });
    let profile = Arc::new(Profile::parse("test.toml", SUNSPEC).unwrap());
    let (one, _) = Device::new(1, 1, &[]).plan();
    let schedule = Schedule { period_ms: 200, offset_ms: 0 };
    let survey = Some(SurveyPlan { profile, schedule });
    let one = ModbusPlan { group: None, limits: Limits::default(), survey, ..one };
    let mut gateway = at(&server, Manners::default(), &[]);
    gateway.devices.push((one, schedule));
    let mut running = start(plan(vec![gateway]));
    running.until("a declaration", |running| !running.declared().1.is_empty());
    let (series, groups) = running.declared();
    assert_eq!(
        series.iter().map(|one| one.source.as_str()).collect::<Vec<_>>(),
        ["fc3 40088 i16 abcd sf 40092"]
    );
    assert_eq!((groups.len(), groups[0].series.len()), (1, 1));
    let group = groups[0].number;
    running.until("polls", |running| running.polls(group).len() >= 3);
    // 123.4 W in steps of what the profile says is the finest, 10 to the power of -2 W.
    assert_eq!(series[0].exponent, -2);
    assert!(
        running.firsts(group).iter().all(|one| *one == Ok(Raw::Integer(12_340))),
        "{:?}",
        running.firsts(group)
    );
}
