//! SNMP v3 devices that are started anew: Debian's snmpd, polled by the real agent, which is not.

use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::BACK_WITHIN;
use super::stage::start_agent_into;
use crate::harness::{Ground, Program, wait_for};

const SNMPD: &str = "/usr/sbin/snmpd";
const PATIENCE: Duration = Duration::from_mins(1);
/// Polls before and after.
const POLLS: usize = 5;
/// Passphrases of the one user.
const AUTH: &str = "maplesyrup";
const PRIVACY: &str = "syrupmaple";
/// The starts and the engine of a device before it is started anew.
const BEFORE: (u32, u8) = (3, 1);
/// What becomes of them; the last device is left alone.
const DEVICES: &[(&str, Option<(u32, u8)>)] = &[
    ("starts-up", Some((4, 1))),
    ("starts-the-same", Some((3, 1))),
    ("starts-forgotten", Some((0, 1))),
    ("engine-changed", Some((0, 2))),
    ("untouched", None),
];
/// snmpInPkts, which every request makes greater by one.
const PROFILE: &str = "id = \"matrix-snmpd\"\nmaker = \"Nobody\"\nmodel = \"Matrix\"\nprotocol = \"snmp\"\n\
                       confidence = \"known\"\nsources = \"SNMPv2-MIB\"\nscalar = [{ quantity = \"alarm_count\", \
                       channel = \"total\", oid = \"1.3.6.1.2.1.11.1.0\", unit = \"1\" }]\n";

struct Device {
    name: &'static str,
    address: SocketAddr,
    snmpd: Program,
}

/// Starts a device that has been started so often before.
fn boot(ground: &Ground, name: &str, address: SocketAddr, (boots, engine): (u32, u8)) -> Program {
    let folder = ground.path(name);
    let state = folder.join("state");
    // It is not there the first time.
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&state).unwrap();
    let id = format!("0x80001f8805{engine:02x}{engine:02x}");
    let user = format!("createUser reader SHA-256 {AUTH} AES {PRIVACY}\nrouser reader priv\n");
    let config = format!("master off\nexactEngineID {id}\n{user}");
    std::fs::write(folder.join("agent.conf"), config).unwrap();
    let counted = format!("engineBoots {boots}\noldEngineID {id}\n");
    std::fs::write(state.join("snmpd.conf"), counted).unwrap();
    let mut command = Command::new(SNMPD);
    command
        .args(["-f", "-Lo", "-I", "-smux", "-c"])
        .arg(folder.join("agent.conf"))
        .arg(format!("udp:{address}"));
    command.env("SNMPCONFPATH", &state).env("SNMP_PERSISTENT_DIR", &state).env("MIBS", "");
    Program::start(name, &ground.path(&format!("{name}.log")), &mut command)
}

/// Instants, in seconds, at which the agent has a value of a device, and the values.
fn values(agent: &Program, device: &str) -> Vec<(i64, u64)> {
    let tag = format!("device={device},");
    let value = |line: &str| {
        let mut words = line.split(' ');
        let (fields, time) = (words.nth(1)?, words.next()?);
        let count: f64 = fields.strip_prefix("alarm_count=")?.parse().ok()?;
        Some((time.trim().parse::<i64>().ok()? / 1000, format!("{count:.0}").parse().ok()?))
    };
    agent.said().lines().filter(|line| line.contains(&tag)).filter_map(value).collect()
}

#[test]
fn a_v3_device_that_is_started_anew_is_polled_on_by_an_agent_that_is_not() {
    if !Path::new(SNMPD).exists() {
        eprintln!("skipped: {SNMPD} is not there");
        return;
    }
    let ground = Ground::new();
    let start = |(name, _): &(&'static str, _)| {
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Device { name, address, snmpd: boot(&ground, name, address, BEFORE) }
    };
    let mut devices: Vec<Device> = DEVICES.iter().map(start).collect();
    let mut agent = agent_of(&ground, &devices);
    let polled = |agent: &Program, device: &Device| values(agent, device.name).len();
    wait_for("all devices to be polled", PATIENCE, || devices.iter().all(|one| polled(&agent, one) >= POLLS));
    for (device, (_, after)) in devices.iter_mut().zip(DEVICES) {
        let Some(after) = after else { continue };
        device.snmpd.kill();
        device.snmpd = boot(&ground, device.name, device.address, *after);
    }
    let before: Vec<usize> = devices.iter().map(|one| polled(&agent, one)).collect();
    let again = |(device, before): (&Device, &usize)| polled(&agent, device) >= before + POLLS;
    wait_for("all devices to be polled again", PATIENCE, || devices.iter().zip(&before).all(again));
    assert!(agent.stop().success(), "the agent did not end in order");
    for (device, (_, after)) in devices.iter().zip(DEVICES) {
        let values = values(&agent, device.name);
        let lost: i64 = values.windows(2).map(|pair| pair[1].0 - pair[0].0 - 1).sum();
        let begun_anew = values.windows(2).filter(|pair| pair[1].1 <= pair[0].1).count();
        eprintln!("v3 device {}: {} polls with a value, {lost} lost", device.name, values.len());
        let most = if after.is_some() { i64::try_from(BACK_WITHIN).unwrap() } else { 0 };
        assert!(lost <= most, "{} lost {lost}: {values:?}", device.name);
        assert_eq!(begun_anew, usize::from(after.is_some()), "{}: {values:?}", device.name);
    }
}

fn agent_of(ground: &Ground, devices: &[Device]) -> Program {
    ground.write("v3.auth", AUTH);
    ground.write("v3.privacy", PRIVACY);
    ground.write("snmpd.toml", PROFILE);
    let mut text = "\n[[profile]]\nfile = \"snmpd.toml\"\n\n[credentials.v3]\nversion = \"3\"\nuser = \"reader\"\n\
                    auth = \"sha256\"\nauth_file = \"v3.auth\"\nprivacy = \"aes128\"\nprivacy_file = \"v3.privacy\"\n"
        .to_owned();
    for Device { name, address, .. } in devices {
        let how = "credentials = \"v3\"\nprofile = \"matrix-snmpd\"\nevery = \"1s\"\ntimeout = \"400ms\"";
        write!(text, "\n[[device]]\nid = \"{name}\"\naddress = \"snmp://{address}\"\n{how}\n").unwrap();
    }
    start_agent_into(ground, &text, "stdout")
}
