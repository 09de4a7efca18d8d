//! The client against Debian's snmpd, which shares nothing with us.

use std::time::Duration;

use profile::{Oid, SnmpValue};

use super::usm::User;
use super::*;
use crate::testing::snmpd::{AUTH_PASSPHRASE, PRIVACY_PASSPHRASE, Snmpd};

/// As snmpd and as we call them.
const AUTHS: [(&str, &str); 6] = [
    ("MD5", "md5"),
    ("SHA", "sha1"),
    ("SHA-224", "sha224"),
    ("SHA-256", "sha256"),
    ("SHA-384", "sha384"),
    ("SHA-512", "sha512"),
];
const PRIVACIES: [(&str, &str); 6] = [
    ("DES", "des"),
    ("AES-128", "aes128"),
    ("AES-192", "aes192"),
    ("AES-256", "aes256"),
    ("AES-192-C", "aes192c"),
    ("AES-256-C", "aes256c"),
];
const TIMEOUT: Duration = Duration::from_secs(2);

fn uptime() -> Oid {
    "1.3.6.1.2.1.1.3.0".parse().unwrap()
}

fn user(name: &str, auth: &str) -> User {
    User::new(name).unwrap().with_auth(auth.parse().unwrap(), AUTH_PASSPHRASE.as_bytes()).unwrap()
}

fn ask(snmpd: &Snmpd, credentials: Credentials) -> Result<bool, ClientError> {
    let mut client = Client::open(&snmpd.address.to_string(), credentials, TIMEOUT)?;
    let found = client.get(&[uptime()])?;
    Ok(matches!(found.get(&uptime()), Some(SnmpValue::TimeTicks(_))))
}

#[test]
fn snmpd_answers_in_every_version_with_every_pair_of_algorithms() {
    let mut lines = vec!["nobody".to_owned()];
    for (n, (auth, _)) in AUTHS.iter().enumerate() {
        lines.push(format!("a{n} {auth} {AUTH_PASSPHRASE}"));
        for (m, (privacy, _)) in PRIVACIES.iter().enumerate() {
            lines.push(format!("p{n}{m} {auth} {AUTH_PASSPHRASE} {privacy} {PRIVACY_PASSPHRASE}"));
        }
    }
    let Some(snmpd) = Snmpd::start(1, &lines, 3) else { return };
    assert!(ask(&snmpd, Credentials::v1(b"public").unwrap()).unwrap());
    assert!(ask(&snmpd, Credentials::v2c(b"public").unwrap()).unwrap());
    assert!(ask(&snmpd, Credentials::v3(User::new("nobody").unwrap())).unwrap());
    for (n, (_, auth)) in AUTHS.iter().enumerate() {
        assert!(ask(&snmpd, Credentials::v3(user(&format!("a{n}"), auth))).unwrap(), "{auth}");
        for (m, (_, privacy)) in PRIVACIES.iter().enumerate() {
            let user = user(&format!("p{n}{m}"), auth)
                .with_privacy(privacy.parse().unwrap(), PRIVACY_PASSPHRASE.as_bytes())
                .unwrap();
            assert!(ask(&snmpd, Credentials::v3(user)).unwrap(), "{auth} {privacy}");
        }
    }
}

#[test]
fn snmpd_says_why_it_refuses_a_user() {
    let lines = [format!("reader SHA-256 {AUTH_PASSPHRASE} AES {PRIVACY_PASSPHRASE}")];
    let Some(snmpd) = Snmpd::start(1, &lines, 3) else { return };
    let refusal = |user: User| match ask(&snmpd, Credentials::v3(user)) {
        Err(ClientError::Refused { refusal, .. }) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(user("stranger", "sha256")), Refusal::User);
    assert_eq!(refusal(user("reader", "sha1")), Refusal::Digest);
    let wrong = User::new("reader").unwrap().with_auth("sha256".parse().unwrap(), b"another one").unwrap();
    assert_eq!(refusal(wrong), Refusal::Digest);
}

#[test]
fn a_whole_table_comes_alike_in_every_version() {
    let lines = [format!("reader SHA-256 {AUTH_PASSPHRASE} AES {PRIVACY_PASSPHRASE}")];
    let Some(snmpd) = Snmpd::start(1, &lines, 3) else { return };
    // The system's table of object resources: ten rows or so of constant texts.
    let columns: Vec<Oid> =
        ["1.3.6.1.2.1.1.9.1.2", "1.3.6.1.2.1.1.9.1.3"].map(|oid| oid.parse().unwrap()).to_vec();
    let walk = |credentials| {
        let mut client = Client::open(&snmpd.address.to_string(), credentials, TIMEOUT).unwrap();
        client.walk(Walk::new(Vec::new(), columns.clone())).unwrap()
    };
    let private = user("reader", "sha256")
        .with_privacy("aes128".parse().unwrap(), PRIVACY_PASSPHRASE.as_bytes())
        .unwrap();
    let v1 = walk(Credentials::v1(b"public").unwrap());
    assert!(v1.len() >= 12, "{v1:?}");
    assert_eq!(v1, walk(Credentials::v2c(b"public").unwrap()));
    assert_eq!(v1, walk(Credentials::v3(private)));
}
