//! Against Debian's snmpd, where it is installed: versions 1, 2c and 3, and what a wrong name looks like.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{MutexGuard, PoisonError};

use super::*;
use crate::snmp::Credentials;
use crate::snmp::usm::{AuthProtocol, PrivacyProtocol, User};

const PROGRAM: &str = "/usr/sbin/snmpd";
/// A port that was free a moment ago may be another agent's by now, if two look for one at once.
static ALONE: Mutex<()> = Mutex::new(());

/// An agent of its own, ended with the test.
struct Snmpd {
    child: Child,
    address: Address,
    _folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Drop for Snmpd {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// `None` where it is not installed.
fn snmpd() -> Option<Snmpd> {
    if !Path::new(PROGRAM).exists() {
        println!("skipped: {PROGRAM} is not there");
        return None;
    }
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    // An address of its own, for the same reason.
    let port = UdpSocket::bind("127.0.0.77:0").unwrap().local_addr().unwrap().port();
    let config = folder.path().join("snmpd.conf");
    let text = "rocommunity s3cret 127.0.0.0/8\nsysName rack-7\nmaster off\n\
                createUser lab SHA-256 \"authpass1\" AES \"privpass1\"\nrouser lab priv\n";
    std::fs::write(&config, text).unwrap();
    let child = Command::new(PROGRAM)
        .args(["-f", "-Lo", "-C", "-I", "-smux", "-c"])
        .arg(&config)
        .arg(format!("udp:127.0.0.77:{port}"))
        .env("SNMP_PERSISTENT_DIR", folder.path())
        .env("MIBS", "")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = format!("snmp://127.0.0.77:{port}").parse().unwrap();
    let snmpd = Snmpd { child, address, _folder: folder, _alone: alone };
    let name = "1.3.6.1.2.1.1.5.0".parse().unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while objects(&snmpd, Credentials::v2c(b"s3cret").unwrap(), &name).is_err() {
        assert!(std::time::Instant::now() < deadline, "snmpd does not answer");
        std::thread::yield_now();
    }
    Some(snmpd)
}

fn objects(snmpd: &Snmpd, credentials: Credentials, oid: &profile::Oid) -> Result<Vec<Walked>, ProbeError> {
    with(&snmpd.address, |question| {
        let secret = Secret { credentials, origin: "what the test has".to_owned() };
        walk(&Question { secret, ..question }, oid)
    })
}

fn user(auth: &str) -> Credentials {
    let user = User::new("lab").unwrap();
    let user = user.with_auth("sha256".parse::<AuthProtocol>().unwrap(), auth.as_bytes()).unwrap();
    Credentials::v3(user.with_privacy("aes128".parse::<PrivacyProtocol>().unwrap(), b"privpass1").unwrap())
}

#[test]
fn every_version_walks_the_same_objects_and_a_wrong_name_is_told() {
    let Some(snmpd) = snmpd() else { return };
    let system = "1.3.6.1.2.1.1".parse().unwrap();
    for credentials in
        [Credentials::v1(b"s3cret").unwrap(), Credentials::v2c(b"s3cret").unwrap(), user("authpass1")]
    {
        let found = objects(&snmpd, credentials.clone(), &system).unwrap();
        let name = found.iter().find(|one| one.oid == "1.3.6.1.2.1.1.5.0").unwrap();
        assert_eq!(name.value, "STRING \"rack-7\"", "{credentials:?}");
        assert!(
            found.len() > 5 && found.iter().all(|one| one.oid.starts_with("1.3.6.1.2.1.1.")),
            "{found:?}"
        );
    }
    let wrong = objects(&snmpd, Credentials::v2c(b"other").unwrap(), &system).unwrap_err().to_string();
    assert!(wrong.contains("to SNMP v2c with what the test has"), "{wrong}");
    let wrong = objects(&snmpd, user("authpass2"), &system).unwrap_err();
    let wrong = crate::chain::Chain(&wrong).to_string();
    assert!(wrong.contains("refuses SNMP v3 with what the test has: it finds the digest wrong"), "{wrong}");
}

#[test]
fn a_machine_without_power_values_is_unknown_and_its_name_is_told() {
    let Some(snmpd) = snmpd() else { return };
    let probed = with(&snmpd.address, |question| {
        let credentials = Credentials::v2c(b"s3cret").unwrap();
        let secret = Secret { credentials, origin: "what the test has".to_owned() };
        probe(&Question { secret, ..question }, &Library::built_in().unwrap())
    })
    .unwrap();
    assert!(probed.profile.is_none(), "{:?}", probed.notes);
    assert!(probed.problems[0].reason.contains("its sysObjectID is 1.3.6.1.4.1.8072.3.2.10"), "{probed:?}");
    assert!(probed.notes[0].starts_with("sysDescr says: Linux"), "{:?}", probed.notes);
}
