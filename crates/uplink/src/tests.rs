//! The uplink against a real collector's door: TLS with client certificates on a loopback socket.

mod collector;
mod delivery;
mod proxy;
mod refusal;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use spool::{Options, Spool};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Config, Pace, Snapshot, Statistics, Uplink};

/// Longest wait for a state; far more than any test needs.
const DEADLINE: Duration = Duration::from_secs(20);

/// As the real one, but impatient.
const PACE: Pace = Pace {
    target_bytes: 32 << 10,
    linger: Duration::from_millis(1),
    look: Duration::from_millis(2),
    connect_timeout: Duration::from_secs(2),
    request_timeout: Duration::from_secs(5),
    retry_min: Duration::from_millis(5),
    retry_max: Duration::from_millis(20),
    retry_after_max: Duration::from_mins(10),
    stop_grace: Duration::from_millis(50),
};

async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("it never came to this: {what}"));
}

async fn within_deadline<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("it never ended: {what}"))
}

/// A certificate authority and what it signed, as PEM files.
struct Pki {
    dir: TempDir,
}

impl Pki {
    fn new() -> Self {
        let pki = Self { dir: tempfile::tempdir().unwrap() };
        let issuer = pki.authority("ca");
        pki.sign(&issuer, "server", &["localhost", "127.0.0.1"]);
        pki.sign(&issuer, "agent", &[]);
        pki
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, pem: &str) {
        std::fs::write(self.path(name), pem).unwrap();
    }

    fn authority(&self, name: &str) -> Issuer<'static, KeyPair> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        self.write(&format!("{name}.pem"), &params.self_signed(&key).unwrap().pem());
        Issuer::new(params, key)
    }

    fn sign(&self, issuer: &Issuer<'static, KeyPair>, name: &str, hosts: &[&str]) {
        let key = KeyPair::generate().unwrap();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        self.write(&format!("{name}.pem"), &params.signed_by(&key, issuer).unwrap().pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn config(&self, url: &str) -> Config {
        Config {
            url: url.to_owned(),
            ca: self.path("ca.pem"),
            cert: self.path("agent.pem"),
            key: self.path("agent.key"),
            pace: PACE,
        }
    }
}

/// A spool in a folder of its own.
struct Source {
    spool: Spool,
    clock: i64,
    _dir: TempDir,
}

impl Source {
    fn new(options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { spool: Self::open(dir.path(), options), clock: 0, _dir: dir }
    }

    fn open(dir: &Path, options: Options) -> Spool {
        Spool::open(dir, options).unwrap().0
    }

    /// Appends and syncs records with different payloads of 100 bytes and more.
    fn fill(&mut self, records: u32) {
        for _ in 0..records {
            let text = format!("record {} {}", self.clock, "x".repeat(100));
            self.spool.append(Timestamp::from_seconds(self.clock), text.as_bytes()).unwrap();
            self.clock += 1;
        }
        self.spool.sync().unwrap();
    }
}

/// An uplink at work.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
    statistics: std::sync::Arc<Statistics>,
}

impl Running {
    fn start(config: Config, source: &Source) -> Self {
        let uplink = Uplink::new(config, source.spool.reader()).unwrap();
        let (stop, statistics) = (CancellationToken::new(), uplink.statistics());
        Self { task: tokio::spawn(uplink.run(stop.clone())), stop, statistics }
    }

    fn snapshot(&self) -> Snapshot {
        self.statistics.snapshot()
    }

    fn retries(&self, trouble: crate::Trouble) -> u64 {
        let index = crate::Trouble::ALL.iter().position(|kind| *kind == trouble).unwrap();
        self.snapshot().retries[index]
    }

    async fn delivered(&self) {
        wait_until("all is delivered", || self.snapshot().lag_records == 0).await;
    }

    async fn stop(self) {
        self.stop.cancel();
        within_deadline("the uplink stops", self.task).await.unwrap();
    }
}
