//! A collector as a child process, with certificates and a folder of its own, and an agent's side to talk to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};

/// Longest wait for a state that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn bin() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wattwacht-collector"))
}

/// Waits until `state` gives something.
pub(crate) fn wait_for<T>(what: &str, mut state: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = state() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// An authority and what it signs, as PEM files in one folder.
pub(crate) struct Pki {
    issuer: Issuer<'static, KeyPair>,
    dir: PathBuf,
}

impl Pki {
    pub(crate) fn new(dir: &Path, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), dir: dir.to_owned() }
    }

    fn sign(&self, name: &str, common: &str, sans: Vec<SanType>, usage: ExtendedKeyUsagePurpose) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, common);
        params.subject_alt_names = sans;
        params.extended_key_usages = vec![usage];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    pub(crate) fn server(&self, name: &str) {
        let san = SanType::IpAddress([127, 0, 0, 1].into());
        self.sign(name, name, vec![san], ExtendedKeyUsagePurpose::ServerAuth);
    }

    pub(crate) fn agent(&self, site: &str, agent: &str) {
        let uri = format!("wattwacht:agent/{site}/{agent}").try_into().unwrap();
        self.sign(agent, agent, vec![SanType::URI(uri)], ExtendedKeyUsagePurpose::ClientAuth);
    }
}

/// A folder with a configuration, certificates and a record.
pub(crate) struct Site {
    pub(crate) dir: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pki = Pki::new(dir.path(), "ca");
        pki.server("collector");
        pki.agent("rz-1", "agent-1");
        let factors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/factors/uba-2025.toml");
        let text = format!(
            "[collector]\ncity = \"frankfurt\"\ndata_dir = \"data\"\n[web]\nlisten = \"127.0.0.1:0\"\n\
             [ingest]\nlisten = \"127.0.0.1:0\"\nca = \"ca.pem\"\ncert = \"collector.pem\"\nkey = \"collector.key\"\n\
             [[factor_set]]\nfile = \"{}\"\n",
            factors.display()
        );
        std::fs::write(dir.path().join("collector.toml"), text).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// A command on this record: `import --config FILE ...`.
    pub(crate) fn run(&self, command: &[&str], arguments: &[&str]) -> Output {
        let config = self.path("collector.toml");
        bin().args(command).arg("--config").arg(config).args(arguments).output().unwrap()
    }

    /// Like [`run`](Self::run), and it must succeed.
    pub(crate) fn done(&self, command: &[&str], arguments: &[&str]) -> String {
        let output = self.run(command, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn start(&self) -> Collector {
        Collector::start(&self.path("collector.toml"))
    }
}

/// A running collector.
pub(crate) struct Collector {
    child: Child,
    pub(crate) agents: String,
    pub(crate) web: String,
}

impl Collector {
    fn start(config: &Path) -> Self {
        let mut child = bin()
            .arg("run")
            .arg("--config")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        let mut said = String::new();
        let mut address = |words: &str| {
            let line = loop {
                let line = told.recv_timeout(PATIENCE);
                let line = line.unwrap_or_else(|_| panic!("the log never said `{words}`: {said}"));
                said = format!("{said}\n{line}");
                if line.contains(words) {
                    break line;
                }
            };
            line.rsplit("listen=").next().unwrap().trim().to_owned()
        };
        let agents = format!("https://{}", address("agents may come"));
        let web = format!("http://{}", address("panels and API"));
        // What else it says goes nowhere, but must be read, or it stops at a full pipe.
        std::thread::spawn(move || told.iter().for_each(drop));
        Self { child, agents, web }
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = http();
            let answer = client.get(format!("{}{path}", self.web)).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; it must end in order and in time.
    pub(crate) fn stop(mut self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = wait_for("the end of the collector", || self.child.try_wait().unwrap());
        assert!(status.success(), "{status}");
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

pub(crate) fn http() -> reqwest::Client {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        // Another test of this process was first.
    }
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}
