//! The engine against Debian's snmpd, which is started anew while it is polled.

use std::sync::Arc;
use std::time::Duration;

use model::{DeviceId, Raw};
use profile::Profile;

use super::bench::*;
use crate::poll::schedule::Schedule;
use crate::poll::{Message, Plan, SnmpTarget};
use crate::snmp::Credentials;
use crate::snmp::usm::User;
use crate::testing::snmpd::{AUTH_PASSPHRASE, PRIVACY_PASSPHRASE, Snmpd};

/// snmpInPkts, which only grows, and the constant texts' table of resources as rows.
const PROFILE: &str = r#"
id = "test-snmpd"
maker = "Test"
model = "snmpd"
protocol = "snmp"
confidence = "known"
sources = "made up for a test"
scalar = [{ quantity = "alarm_count", channel = "total", oid = "1.3.6.1.2.1.11.1.0", unit = "1" }]
"#;

fn users() -> Vec<String> {
    vec![format!("reader SHA-256 {AUTH_PASSPHRASE} AES {PRIVACY_PASSPHRASE}")]
}

fn plan(snmpd: &Snmpd, credentials: Credentials) -> Plan {
    let target = SnmpTarget {
        device: DeviceId::new("snmpd").unwrap(),
        name: snmpd.address.to_string(),
        credentials,
        profile: Arc::new(Profile::parse("snmpd.toml", PROFILE).unwrap()),
        timeout: Duration::from_millis(150),
        retries: 1,
        in_flight: 2,
        schedule: Schedule { period_ms: 300, offset_ms: 0 },
    };
    Plan { snmp: vec![target], ..Plan::default() }
}

fn reader() -> Credentials {
    let user = User::new("reader").unwrap().with_auth("sha256".parse().unwrap(), AUTH_PASSPHRASE.as_bytes());
    let user = user.unwrap().with_privacy("aes".parse().unwrap(), PRIVACY_PASSPHRASE.as_bytes()).unwrap();
    Credentials::v3(user)
}

/// Waits for so many more polls with a value.
fn good_polls(running: &mut Running, more: usize) {
    let good = |running: &Running| {
        let polls = running.polls(1).into_iter();
        polls.filter(|poll| matches!(poll.values[0], Ok(Raw::Integer(_)))).count()
    };
    let before = good(running);
    running.until("good polls", |running| good(running) >= before + more);
}

fn told(running: &Running, text: &str) -> bool {
    running.all.iter().any(|message| matches!(message, Message::Event(_, event) if event.text.contains(text)))
}

#[test]
fn an_engine_that_is_started_anew_forgets_its_starts_or_becomes_another_is_polled_on_without_a_restart() {
    let Some(mut snmpd) = Snmpd::start(1, &users(), 3) else { return };
    let mut running = start(plan(&snmpd, reader()));
    running.until("a declaration", |running| !running.declared().1.is_empty());
    good_polls(&mut running, 3);
    snmpd.start_anew(1, &users(), 9);
    good_polls(&mut running, 3);
    running.until("the start is told", |running| told(running, "started anew, for the 10. time"));
    snmpd.start_anew(1, &users(), 1);
    good_polls(&mut running, 3);
    running.until("the lost count is told", |running| told(running, "went back from 10 to 2"));
    snmpd.start_anew(2, &users(), 0);
    good_polls(&mut running, 3);
    running.until("the other engine is told", |running| told(running, "another engine id"));
    // One declaration for all of it: the device's series are the same ones.
    assert_eq!(running.declared().1.len(), 1);
    running.stop();
}

#[test]
fn a_user_whom_the_device_does_not_know_is_told_with_its_reason_and_polled_once_it_does() {
    let Some(mut snmpd) = Snmpd::start(1, &[], 3) else { return };
    let mut running = start(plan(&snmpd, reader()));
    running.until("the refusal", |running| told(running, "refuses: it does not know the user"));
    assert!(running.declared().1.is_empty());
    snmpd.start_anew(1, &users(), 4);
    running.until("a declaration", |running| !running.declared().1.is_empty());
    good_polls(&mut running, 2);
    let told_so_often = running
        .all
        .iter()
        .filter(|message| matches!(message, Message::Event(_, event) if event.text.contains("does not know the user")))
        .count();
    assert_eq!(told_so_often, 1);
    running.stop();
}

#[test]
fn snmpd_is_polled_over_version_1_as_well() {
    let Some(snmpd) = Snmpd::start(1, &[], 3) else { return };
    let mut running = start(plan(&snmpd, Credentials::v1(b"public").unwrap()));
    running.until("a declaration", |running| !running.declared().1.is_empty());
    good_polls(&mut running, 3);
    running.stop();
}
