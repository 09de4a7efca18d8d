use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{DeviceId, Missing, Raw};
use profile::{Oid, Profile, SnmpValue, VarBinds};

use super::bench::*;
use crate::poll::schedule::Schedule;
use crate::poll::{Plan, SnmpTarget};
use crate::testing::responder::{Agent, Objects, response};

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
        community: Arc::from(b"public".as_slice()),
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

/// Waits until a group was declared and polled so often; gives its number.
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
    for poll in running.polls(group) {
        assert_eq!(poll.time.millis() % 200, 50);
        for (value, series) in poll.values.iter().zip(&series) {
            let outlet = series.channel.as_str().strip_prefix("outlet.").map_or(4242, |n| n.parse().unwrap());
            assert_eq!(*value, Ok(Raw::Integer(outlet)), "{} {}", series.quantity, series.channel);
        }
    }
    running.stop();
    let requests = requests.lock().unwrap();
    let bulks = requests.iter().filter(|(bulk, _)| *bulk).count();
    // 40 rows of 2 columns, 24 rows in a packet of 48 objects: two packets, and none to find the end.
    assert_eq!(bulks, 2, "{requests:?}");
    let first_poll: Vec<usize> =
        requests.iter().filter(|(bulk, _)| !bulk).skip(1).take(3).map(|(_, oids)| *oids).collect();
    assert_eq!(first_poll.iter().sum::<usize>(), 81, "{first_poll:?}");
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
    assert!(running.polls(group)[1].values.iter().all(Result::is_ok));
}

#[test]
fn a_cut_answer_and_an_error_status_are_missing_with_their_reasons() {
    let objects: Objects = Arc::new(Mutex::new(outlets(2)));
    let mode = Arc::new(Mutex::new(0));
    let (seen, values) = (Arc::clone(&mode), Arc::clone(&objects));
    let mut running = run(&objects, move |asked, answer| {
        let known = |oid: &Oid| (oid.clone(), values.lock().unwrap()[oid].clone());
        match *seen.lock().unwrap() {
            1 => vec![response(asked.id, b"public", 0, &[known(&asked.oids[0])])],
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
    for (now, reason) in [(1, Missing::ShortAnswer), (2, Missing::Exception), (3, Missing::Nonsense)] {
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
        let came = poll.values.iter().filter(|value| value.is_ok()).count();
        assert_eq!(came, usize::from(now == 1), "{reason}: {poll:?}");
    }
}

#[test]
fn a_walk_that_goes_backwards_is_given_up_and_harms_nobody() {
    let objects: Objects = Arc::new(Mutex::new(outlets(3)));
    let sane = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&sane);
    let mut running = run(&objects, move |asked, answer| {
        if asked.bulk && !seen.load(Ordering::SeqCst) {
            let row = (column(2, 1), SnmpValue::Integer(1));
            return vec![response(
                asked.id,
                b"public",
                0,
                &[row.clone(), (column(3, 1), SnmpValue::Gauge32(1)), row],
            )];
        }
        vec![answer]
    });
    running.until("an event", |running| !running.all.is_empty());
    assert!(running.declared().1.is_empty());
    sane.store(true, Ordering::SeqCst);
    let group = polled(&mut running, 0, 2);
    assert!(running.polls(group).iter().all(|poll| poll.values.iter().all(Result::is_ok)));
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
    assert!(running.polls(group).iter().all(|poll| poll.values.iter().all(Result::is_ok)));
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
        community: Arc::from(b"public".as_slice()),
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
