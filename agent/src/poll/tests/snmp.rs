use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{DeviceId, Missing, Raw};
use profile::{Oid, Profile, SnmpValue, VarBinds};

use super::bench::*;
use crate::poll::schedule::Schedule;
use crate::poll::{Message, Plan, SnmpTarget};
use crate::snmp::Credentials;
use crate::testing::responder::{Agent, Objects, refusal, response};

const PROFILE: &str = r#"
id = "test-pdu"
maker = "Test"
model = "PDU"
protocol = "snmp"
confidence = "known"
sources = "made up for a test"
scalar = [{ quantity = "active_power", channel = "total", oid = "1.3.6.1.4.1.99999.1.0", unit = "W" }]

[[table]]
index = ["outlet"]
channel = "outlet.{outlet}"
reading = [
  { quantity = "active_power", column = "1.3.6.1.4.1.99999.2.1.2", unit = "W" },
  { quantity = "current", column = "1.3.6.1.4.1.99999.2.1.3", scale = 0.1, unit = "A" },
]
"#;

fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

fn column(column: u32, row: u32) -> Oid {
    oid("1.3.6.1.4.1.99999.2.1").child(&[column, row])
}

/// Outlet n draws n W and n tenths of an ampere.
fn outlets(count: u32) -> VarBinds {
    let mut objects = VarBinds::from([(oid("1.3.6.1.4.1.99999.1.0"), SnmpValue::Gauge32(4242))]);
    for row in 1..=count {
        objects.insert(column(2, row), SnmpValue::Integer(i64::from(row)));
        objects.insert(column(3, row), SnmpValue::Gauge32(row));
    }
    // Something behind the table, so that a walk must notice where it ends.
    objects.insert(oid("1.3.6.1.4.1.99999.9.0"), SnmpValue::Integer(1));
    objects
}

fn target(agent: &Agent) -> SnmpTarget {
    SnmpTarget {
        device: DeviceId::new("pdu").unwrap(),
        name: agent.address.to_string(),
        credentials: Credentials::v2c(b"public").unwrap(),
        profile: Arc::new(Profile::parse("test.toml", PROFILE).unwrap()),
        timeout: Duration::from_millis(60),
        retries: 1,
        in_flight: 2,
        schedule: Schedule { period_ms: 200, offset_ms: 50 },
    }
}

fn plan_of(target: SnmpTarget) -> Plan {
    Plan { snmp: vec![target], ..Plan::default() }
}

fn run(
    objects: &Objects,
    behave: impl Fn(&crate::testing::responder::Asked, Vec<u8>) -> Vec<Vec<u8>> + Send + 'static,
) -> Running {
    start(plan_of(target(&Agent::start(Arc::clone(objects), behave))))
}

/// Waits until a group was declared and polled so often, what was due before it was learned included; gives its number.
fn polled(running: &mut Running, group: usize, times: usize) -> u32 {
    running.until("a declaration", |running| running.declared().1.len() > group);
    let number = running.declared().1[group].number;
    running.until("polls", |running| running.polls(number).len() >= times);
    number
}

#[test]
fn a_pdu_is_learned_by_bulk_and_polled_in_few_packets_by_what_is_known() {
    let objects: Objects = Arc::new(Mutex::new(outlets(40)));
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let mut running = run(&objects, move |asked, answer| {
        seen.lock().unwrap().push((asked.bulk, asked.oids.len()));
        vec![answer]
    });
    let group = polled(&mut running, 0, 3);
    let (series, groups) = running.declared();
    assert_eq!((series.len(), groups[0].series.len()), (81, 81));
    let channels: BTreeSet<String> =
        series.iter().map(|one| format!("{} {}", one.quantity, one.channel)).collect();
    assert!(
        channels.contains("current outlet.40") && channels.contains("active_power total"),
        "{channels:?}"
    );
    for (n, poll) in running.polls(group).into_iter().enumerate() {
        assert_eq!(poll.time.millis() % 200, 50);
        if n == 0 {
            // What was due while the walk was under way is counted, with its reason.
            assert!(poll.values.iter().all(|value| *value == Err(Missing::Overrun)), "{poll:?}");
            continue;
        }
        for (value, series) in poll.values.iter().zip(&series) {
            let outlet = series.channel.as_str().strip_prefix("outlet.").map_or(4242, |n| n.parse().unwrap());
            assert_eq!(*value, Ok(Raw::Integer(outlet)), "{} {}", series.quantity, series.channel);
        }
    }
    running.stop();
    let requests = requests.lock().unwrap();
    let bulks = requests.iter().filter(|(bulk, _)| *bulk).count();
    // 40 rows of 2 columns: 10, 15 and 22 rows, and none to find the end.
    assert_eq!(bulks, 3, "{requests:?}");
    let first_poll: Vec<usize> =
        requests.iter().filter(|(bulk, _)| !bulk).skip(1).take(2).map(|(_, oids)| *oids).collect();
    // 81 objects and sysUpTime in two packets, as many as the answers hold.
    assert_eq!(first_poll.iter().sum::<usize>(), 82, "{first_poll:?}");
}

#[test]
fn a_lost_packet_is_asked_again_and_a_late_answer_never_taken_for_the_next() {
    let objects: Objects = Arc::new(Mutex::new(outlets(1)));
    let late: Mutex<Option<Vec<u8>>> = Mutex::default();
    let changing = Arc::clone(&objects);
    let mut running = run(&objects, move |asked, answer| {
        // Each answer from the tenth on comes with the one after it, when it is stale.
        changing
            .lock()
            .unwrap()
            .insert(column(2, 1), SnmpValue::Integer(i64::try_from(asked.n).unwrap() + 1));
        if asked.n < 10 {
            return vec![answer];
        }
        let stale = late.lock().unwrap().replace(answer);
        stale.into_iter().collect()
    });
    let group = polled(&mut running, 0, 12);
    let values: Vec<_> = running.polls(group).iter().map(|poll| poll.values.clone()).collect();
    assert!(
        values.iter().any(|values| values.iter().all(|value| *value == Err(Missing::NoAnswer))),
        "{values:?}"
    );
    let numbers: Vec<i64> = values
        .iter()
        .flatten()
        .filter_map(|one| if let Ok(Raw::Integer(n)) = one { Some(*n) } else { None })
        .collect();
    assert!(numbers.iter().all(|n| *n <= 10 || *n == 4242), "a stale value was taken: {numbers:?}");
    assert!(running.stop().0.strays > 0);
}

#[test]
fn an_answer_from_elsewhere_with_another_community_or_id_is_thrown_away() {
    let objects: Objects = Arc::new(Mutex::new(outlets(1)));
    let forged = [(column(2, 1), SnmpValue::Integer(666))];
    let elsewhere = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut running = run(&objects, move |asked, answer| {
        // A packet from another port would need our client's port; the wrong ids and communities come from the right one.
        assert!(elsewhere.local_addr().is_ok());
        vec![
            response(asked.id ^ 1, b"public", 0, &forged),
            response(asked.id, b"private", 0, &forged),
            b"garbage".to_vec(),
            answer,
        ]
    });
    let group = polled(&mut running, 0, 3);
    assert!(
        running
            .polls(group)
            .iter()
            .all(|poll| poll.values.iter().all(|value| *value != Ok(Raw::Integer(666))))
    );
    assert!(running.polls(group)[2].values.iter().all(Result::is_ok));
}

#[test]
fn an_error_status_and_other_objects_are_missing_with_their_reasons() {
    let objects: Objects = Arc::new(Mutex::new(outlets(2)));
    let mode = Arc::new(Mutex::new(0));
    let (seen, values) = (Arc::clone(&mode), Arc::clone(&objects));
    let mut running = run(&objects, move |asked, answer| {
        let value = |oid: &Oid| values.lock().unwrap().get(oid).cloned().unwrap_or(SnmpValue::NoSuchObject);
        let known = |oid: &Oid| (oid.clone(), value(oid));
        match *seen.lock().unwrap() {
            2 => vec![response(asked.id, b"public", 5, &asked.oids.iter().map(known).collect::<Vec<_>>())],
            3 => vec![response(
                asked.id,
                b"public",
                0,
                &asked.oids.iter().rev().map(known).collect::<Vec<_>>(),
            )],
            _ => vec![answer],
        }
    });
    let group = polled(&mut running, 0, 1);
    for (now, reason) in [(2, Missing::Exception), (3, Missing::Nonsense)] {
        *mode.lock().unwrap() = now;
        running.until("the reason", |running| {
            running.polls(group).iter().any(|poll| poll.values.contains(&Err(reason)))
        });
        let poll = running
            .polls(group)
            .into_iter()
            .rfind(|poll| poll.values.contains(&Err(reason)))
            .unwrap()
            .clone();
        assert!(poll.values.iter().all(Result::is_err), "{reason}: {poll:?}");
    }
}

#[test]
fn a_cut_answer_is_asked_for_the_rest_within_the_poll_and_in_smaller_packets_from_then_on() {
    let objects: Objects = Arc::new(Mutex::new(outlets(2)));
    let values = Arc::clone(&objects);
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sizes);
    let mut running = run(&objects, move |asked, answer| {
        if asked.bulk {
            return vec![answer];
        }
        seen.lock().unwrap().push(asked.oids.len());
        let value = |oid: &Oid| values.lock().unwrap().get(oid).cloned().unwrap_or(SnmpValue::NoSuchObject);
        let first: Vec<_> = asked.oids.iter().take(2).map(|oid| (oid.clone(), value(oid))).collect();
        vec![response(asked.id, b"public", 0, &first)]
    });
    let group = polled(&mut running, 0, 5);
    let polls: Vec<_> = running.polls(group).into_iter().skip(1).collect();
    assert!(polls.iter().all(|poll| poll.values.iter().all(Result::is_ok)), "{polls:?}");
    running.stop();
    let sizes = sizes.lock().unwrap().clone();
    // The scalar of the walk, then five values and sysUpTime, then the rest of them, then only pairs.
    assert_eq!(sizes[..4], [1, 6, 4, 2]);
    assert!(sizes[4..].iter().all(|size| *size == 2), "{sizes:?}");
}

#[test]
fn an_answer_that_is_too_big_is_asked_for_in_halves_and_no_value_is_lost() {
    let objects: Objects = Arc::new(Mutex::new(outlets(10)));
    let mut running = run(&objects, move |asked, answer| {
        if asked.oids.len() > 6 {
            return vec![response(asked.id, b"public", 1, &[])];
        }
        vec![answer]
    });
    let group = polled(&mut running, 0, 4);
    let polls: Vec<_> = running.polls(group).into_iter().skip(1).collect();
    assert!(polls.iter().all(|poll| poll.values.iter().all(Result::is_ok)), "{polls:?}");
    running.stop();
}

#[test]
fn a_device_that_bears_few_objects_and_is_silent_to_more_is_asked_for_fewer() {
    let objects: Objects = Arc::new(Mutex::new(outlets(4)));
    let mut running =
        run(&objects, move |asked, answer| if asked.oids.len() > 5 { Vec::new() } else { vec![answer] });
    running.until("a declaration", |running| !running.declared().1.is_empty());
    let group = running.declared().1[0].number;
    running.until("whole polls", |running| {
        running.polls(group).iter().any(|poll| poll.values.iter().all(Result::is_ok))
    });
    running.stop();
}

#[test]
fn an_object_that_spoils_the_answer_is_left_out_and_the_others_come() {
    let objects: Objects = Arc::new(Mutex::new(outlets(3)));
    let broken = column(3, 2);
    let mut running = run(&objects, move |asked, answer| {
        let place = asked.oids.iter().position(|oid| *oid == broken);
        match place.filter(|_| !asked.bulk) {
            Some(place) => vec![refusal(asked.id, 5, u8::try_from(place + 1).unwrap())],
            None => vec![answer],
        }
    });
    let group = polled(&mut running, 0, 4);
    let (series, _) = running.declared();
    for poll in running.polls(group).into_iter().skip(1) {
        for (value, series) in poll.values.iter().zip(&series) {
            let is_broken = series.channel.as_str() == "outlet.2" && series.quantity.to_string() == "current";
            assert_eq!(value.is_err(), is_broken, "{series:?}");
            assert!(!is_broken || *value == Err(Missing::Exception));
        }
    }
    running.stop();
}

#[test]
fn an_object_that_spoils_one_answer_is_asked_for_again_in_the_next_poll() {
    let objects: Objects = Arc::new(Mutex::new(outlets(3)));
    let (broken, polls) = (column(3, 2), AtomicUsize::new(0));
    let mut running = run(&objects, move |asked, answer| {
        let place = asked.oids.iter().position(|oid| *oid == broken);
        // The second and the fifth time that it is asked for.
        let is_bad = !asked.bulk && place.is_some() && [1, 4].contains(&polls.fetch_add(1, Ordering::SeqCst));
        match place.filter(|_| is_bad) {
            Some(place) => vec![refusal(asked.id, 5, u8::try_from(place + 1).unwrap())],
            None => vec![answer],
        }
    });
    let group = polled(&mut running, 0, 8);
    let missing = |poll: &&model::Poll| poll.values.iter().filter(|value| value.is_err()).count();
    // The first was due before the device was learned.
    let missing: Vec<usize> = running.polls(group).iter().skip(1).map(missing).collect();
    assert_eq!(missing.iter().filter(|count| **count > 0).count(), 2, "{missing:?}");
    assert!(missing.iter().all(|count| *count <= 1), "{missing:?}");
    running.stop();
}

#[test]
fn a_device_that_was_started_anew_tells_so_and_is_walked_at_once_and_moved_rows_keep_their_names() {
    let (profile, objects) = named_outlets();
    let uptime = || oid("1.3.6.1.2.1.1.3.0");
    objects.lock().unwrap().insert(uptime(), SnmpValue::TimeTicks(500_000));
    let agent = Agent::start(Arc::clone(&objects), |_, answer| vec![answer]);
    let mut running = start(plan_of(SnmpTarget { profile, ..target(&agent) }));
    polled(&mut running, 0, 3);
    swap(&objects);
    objects.lock().unwrap().insert(uptime(), SnmpValue::TimeTicks(100));
    let group = polled(&mut running, 1, 3);
    let events = events(&running);
    assert!(events.iter().any(|text| text.contains("was started anew 1 s ago")), "{events:?}");
    assert!(events.iter().any(|text| text.contains("4 readings moved to other objects")), "{events:?}");
    assert!(running.polls(group).iter().all(|poll| is_true_to_names(&running, 1, poll)));
    running.stop();
}

/// A device on which outlets are named by a column, outlet n in row n.
fn named_outlets() -> (Arc<Profile>, Objects) {
    let named = PROFILE.replace(
        "index = [\"outlet\"]\nchannel = \"outlet.{outlet}\"",
        "index = [\"row\"]\nchannel = \"outlet.{outlet}\"\nkey = [{ name = \"outlet\", column = \"1.3.6.1.4.1.99999.2.1.1\", otherwise = \"{}\" }]",
    );
    let mut device = outlets(2);
    for row in 1..=2 {
        device.insert(column(1, row), SnmpValue::Integer(i64::from(row)));
    }
    (Arc::new(Profile::parse("test.toml", &named).unwrap()), Arc::new(Mutex::new(device)))
}

/// Both outlets change places.
fn swap(objects: &Objects) {
    let mut objects = objects.lock().unwrap();
    for (row, outlet) in [(1, 2), (2, 1)] {
        objects.insert(column(1, row), SnmpValue::Integer(i64::from(outlet)));
        objects.insert(column(2, row), SnmpValue::Integer(i64::from(outlet)));
        objects.insert(column(3, row), SnmpValue::Gauge32(outlet));
    }
}

/// Every value of a poll is the number of its outlet.
fn is_true_to_names(running: &Running, group: usize, poll: &model::Poll) -> bool {
    let (series, groups) = running.declared();
    poll.values.iter().zip(&groups[group].series).all(|(value, number)| {
        let series = series.iter().find(|one| one.number == *number).unwrap();
        let outlet = series.channel.as_str().strip_prefix("outlet.").map_or(4242, |n| n.parse().unwrap());
        *value == Ok(Raw::Integer(outlet))
    })
}

#[test]
fn rows_that_move_without_a_restart_are_noticed_by_their_names() {
    let (profile, objects) = named_outlets();
    let agent = Agent::start(Arc::clone(&objects), |_, answer| vec![answer]);
    // A period as long as the names are looked after, of a clock that runs ahead.
    let clock = MovedClock::new();
    let mono = Arc::clone(&clock.mono_ahead_s);
    let mut running = start_with(plan_of(SnmpTarget { profile, ..target(&agent) }), Box::new(clock));
    let first = polled(&mut running, 0, 3);
    swap(&objects);
    mono.store(40, Ordering::SeqCst);
    let group = polled(&mut running, 1, 3);
    let before = running.polls(first);
    // The poll that noticed it knows nothing.
    assert!(before.last().unwrap().values.iter().all(|value| *value == Err(Missing::Nonsense)), "{before:?}");
    let polls = running.polls(group);
    assert!(polls.iter().all(|poll| is_true_to_names(&running, 1, poll)), "{polls:?}");
    assert!(events(&running).iter().any(|text| text.contains("4 readings moved")));
    running.stop();
}

/// Texts of the events so far.
fn events(running: &Running) -> Vec<String> {
    let text = |message: &Message| match message {
        Message::Event(_, event) => Some(event.text.clone()),
        _ => None,
    };
    running.all.iter().filter_map(text).collect()
}

#[test]
fn a_walk_that_goes_in_circles_keeps_what_came_before_and_is_told_once() {
    let objects: Objects = Arc::new(Mutex::new(outlets(3)));
    let mut running = run(&objects, move |asked, answer| {
        if asked.bulk {
            let row = (column(2, 1), SnmpValue::Integer(1));
            let rows = [
                row.clone(),
                (column(3, 1), SnmpValue::Gauge32(1)),
                row,
                (column(9, 9), SnmpValue::Gauge32(1)),
            ];
            return vec![response(asked.id, b"public", 0, &rows)];
        }
        vec![answer]
    });
    let group = polled(&mut running, 0, 3);
    assert_eq!(running.declared().0.len(), 3, "the scalar and one row of two columns");
    assert!(running.polls(group)[2].values.iter().all(Result::is_ok));
    let events = events(&running);
    assert_eq!(events.iter().filter(|text| text.contains("goes in circles")).count(), 1, "{events:?}");
    running.stop();
}

#[test]
fn an_answer_from_another_address_of_the_device_is_refused_and_told_once() {
    let objects: Objects = Arc::new(Mutex::new(outlets(1)));
    let (asked, answering) = (
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap(),
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap(),
    );
    let agent = Agent { address: asked.local_addr().unwrap() };
    let other = answering.local_addr().unwrap();
    std::thread::spawn(move || Agent::serve(&asked, &answering, &objects, |_, answer| vec![answer]));
    let mut running = start(plan_of(target(&agent)));
    running.until("an event", |running| events(running).len() > 1);
    let events = events(&running);
    let told = format!("came from {other} instead of {}", agent.address);
    assert_eq!(events.iter().filter(|text| text.contains(&told)).count(), 1, "{events:?}");
    assert!(running.declared().1.is_empty());
    running.stop();
}

#[test]
fn a_dead_agent_is_left_alone_more_and_more_and_delays_no_other() {
    let objects: Objects = Arc::new(Mutex::new(outlets(1)));
    let good = target(&Agent::start(Arc::clone(&objects), |_, answer| vec![answer]));
    let silent = |_: &crate::testing::responder::Asked, _: Vec<u8>| Vec::new();
    let mut targets: Vec<SnmpTarget> =
        (0..20).map(|_| target(&Agent::start(Arc::clone(&objects), silent))).collect();
    targets.push(good);
    let mut running = start(Plan { snmp: targets, ..Plan::default() });
    let group = polled(&mut running, 0, 8);
    assert!(running.polls(group).iter().skip(1).all(|poll| poll.values.iter().all(Result::is_ok)));
}

#[test]
fn debians_snmpd_is_learned_and_read() {
    let program = "/usr/sbin/snmpd";
    if !std::path::Path::new(program).exists() {
        eprintln!("skipped: {program} is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = folder.path().join("snmpd.conf");
    std::fs::write(&config, "rocommunity public 127.0.0.1\nmaster off\n").unwrap();
    let mut snmpd = Command::new(program)
        .args(["-f", "-Lo", "-C", "-I", "-smux", "-c"])
        .arg(&config)
        .arg(format!("udp:127.0.0.1:{port}"))
        .env("SNMP_PERSISTENT_DIR", folder.path())
        .env("MIBS", "")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // UCD-SNMP-MIB memTotalReal in kB, HOST-RESOURCES-MIB hrStorageSize: standard agents have both.
    let text = PROFILE
        .replace("\"active_power\", channel = \"total\", oid = \"1.3.6.1.4.1.99999.1.0\", unit = \"W\"",
            "\"memory_total\", channel = \"total\", oid = \"1.3.6.1.4.1.2021.4.5.0\", scale = 1024, unit = \"By\"")
        .replace("\"active_power\", column = \"1.3.6.1.4.1.99999.2.1.2\", unit = \"W\"",
            "\"state\", column = \"1.3.6.1.2.1.2.2.1.8\", unit = \"1\"")
        .replace("\"current\", column = \"1.3.6.1.4.1.99999.2.1.3\", scale = 0.1, unit = \"A\"",
            "\"alarm_count\", column = \"1.3.6.1.2.1.2.2.1.14\", unit = \"1\"");
    let profile = Arc::new(Profile::parse("snmpd.toml", &text).unwrap());
    let target = SnmpTarget {
        device: DeviceId::new("snmpd").unwrap(),
        name: format!("127.0.0.1:{port}"),
        credentials: Credentials::v2c(b"public").unwrap(),
        profile,
        timeout: Duration::from_millis(400),
        retries: 1,
        in_flight: 2,
        schedule: Schedule { period_ms: 1000, offset_ms: 0 },
    };
    let mut running = start(plan_of(target));
    let group = polled(&mut running, 0, 2);
    let (series, _) = running.declared();
    let poll = running.polls(group)[1].clone();
    snmpd.kill().unwrap();
    snmpd.wait().unwrap();
    let place = series.iter().position(|one| one.channel.as_str() == "total").unwrap();
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let kib =
        meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")).unwrap();
    assert_eq!(poll.values[place], Ok(Raw::Integer(kib.parse::<i64>().unwrap() * 1024)));
    assert!(
        series.iter().any(|one| one.channel.as_str().starts_with("outlet.")),
        "the loopback interface is a row"
    );
}
