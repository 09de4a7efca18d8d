//! Debian's snmpd as a child process: another implementation of SNMP to hold ours against.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::snmp::{Client, Credentials};

const PROGRAM: &str = "/usr/sbin/snmpd";
/// Longer than this no start takes, on a busy machine either.
const READY_WITHIN: Duration = Duration::from_secs(20);
pub(crate) const AUTH_PASSPHRASE: &str = "maplesyrup";
pub(crate) const PRIVACY_PASSPHRASE: &str = "syrupmaple";

/// A running snmpd; ends when it is dropped.
pub(crate) struct Snmpd {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
}

impl Snmpd {
    /// Starts one with the engine id 80001f8805 and `engine`, these lines of `createUser` (all may read), and so many
    /// starts counted before. `None`, with a line that says why, where there is no snmpd.
    pub(crate) fn start(engine: u8, users: &[String], boots: u32) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            eprintln!("skipped: {PROGRAM} is not there");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let address = own_address();
        write(folder.path(), engine, users, boots);
        let child = spawn(folder.path(), address);
        let snmpd = Self { child, folder, address };
        snmpd.wait_until_ready();
        Some(snmpd)
    }

    /// Kills it and starts it anew at the same address.
    pub(crate) fn start_anew(&mut self, engine: u8, users: &[String], boots: u32) {
        self.kill();
        write(self.folder.path(), engine, users, boots);
        self.child = spawn(self.folder.path(), self.address);
        self.wait_until_ready();
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + READY_WITHIN;
        let community = Credentials::v2c(b"public").unwrap();
        let uptime = "1.3.6.1.2.1.1.3.0".parse().unwrap();
        loop {
            let timeout = Duration::from_millis(100);
            let mut client = Client::open(&self.address.to_string(), community.clone(), timeout).unwrap();
            if client.get(std::slice::from_ref(&uptime)).is_ok() {
                return;
            }
            assert!(Instant::now() < deadline, "snmpd does not start");
        }
    }
}

impl Drop for Snmpd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An address that no other test has, in whatever process, and a port that the system gives to nobody by itself: an
/// snmpd that is started anew must find it free.
fn own_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [low, high, ..] = std::process::id().to_le_bytes();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    (Ipv4Addr::new(127, 128 | high, low, number), 16_161).into()
}

fn write(folder: &Path, engine: u8, users: &[String], boots: u32) {
    let id = format!("0x80001f8805{engine:02x}{engine:02x}");
    let names = users.iter().map(|line| line.split(' ').next().unwrap());
    let may_read: Vec<String> = names.map(|name| format!("rouser {name} noauth\n")).collect();
    let create: Vec<String> = users.iter().map(|line| format!("createUser {line}\n")).collect();
    let (create, may_read) = (create.concat(), may_read.concat());
    let config = format!("rocommunity public 127.0.0.1\nmaster off\nexactEngineID {id}\n{create}{may_read}");
    std::fs::write(folder.join("agent.conf"), config).unwrap();
    let state = folder.join("state");
    std::fs::remove_dir_all(&state).ok();
    std::fs::create_dir(&state).unwrap();
    std::fs::write(state.join("snmpd.conf"), format!("engineBoots {boots}\noldEngineID {id}\n")).unwrap();
}

fn spawn(folder: &Path, address: SocketAddr) -> Child {
    Command::new(PROGRAM)
        .args(["-f", "-Lo", "-I", "-smux", "-c"])
        .arg(folder.join("agent.conf"))
        .arg(format!("udp:{address}"))
        // Its state and no other configuration of the machine.
        .env("SNMPCONFPATH", folder.join("state"))
        .env("SNMP_PERSISTENT_DIR", folder.join("state"))
        .env("MIBS", "")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
