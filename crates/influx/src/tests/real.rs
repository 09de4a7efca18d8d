//! A real InfluxDB 1.x on loopback: a day is written while the server is killed and started again.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use line::{Encoder, FieldKey, SeriesKey};
use model::Timestamp;

use crate::{Config, Generation, Observer, Setback, Writer, connect};

/// Where the server may be: named by the environment, installed, or unpacked into the build folder.
fn influxd() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/influxdb/usr/bin/influxd");
    let named = std::env::var_os("WATTWACHT_INFLUXD").map(PathBuf::from);
    named.into_iter().chain(["/usr/bin/influxd".into(), built]).find(|path| path.is_file())
}

struct Server {
    dir: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Server {
    fn start(influxd: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (http, rpc) = (free_port(), free_port());
        let path = |name: &str| dir.path().join(name).display().to_string();
        let text = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n[meta]\ndir = {:?}\n\
             [data]\ndir = {:?}\nwal-dir = {:?}\nquery-log-enabled = false\n\
             [http]\nenabled = true\nbind-address = \"127.0.0.1:{http}\"\nlog-enabled = false\n\
             [monitor]\nstore-enabled = false\n[subscriber]\nenabled = false\n[continuous_queries]\nenabled = false\n",
            path("meta"),
            path("data"),
            path("wal")
        );
        std::fs::write(dir.path().join("influxdb.conf"), text).unwrap();
        let child = Self::spawn(influxd, dir.path());
        Self { dir, port: http, child }
    }

    fn spawn(influxd: &Path, dir: &Path) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(dir.join("log")).unwrap();
        Command::new(influxd)
            .arg("-config")
            .arg(dir.join("influxdb.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// SIGKILL, so that nothing is put in order before.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn start_again(&mut self, influxd: &Path) {
        self.child = Self::spawn(influxd, self.dir.path());
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait().map(drop)) {
            eprintln!("influxd was gone already: {error}");
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[derive(Default)]
struct Notes {
    setbacks: usize,
    quarantined: Vec<String>,
}

impl Observer for Notes {
    fn quarantined(&mut self, line: &str, why: &str) {
        self.quarantined.push(format!("{line}: {why}"));
    }

    fn setback(&mut self, _: &Setback) {
        self.setbacks += 1;
    }

    fn stored(&mut self) {}
}

/// A day of one meter, a sample every 10 s: 8640 lines in bodies of half an hour.
fn day() -> Vec<String> {
    let head =
        SeriesKey::new("power", &[("site", "rz-1"), ("device", "meter-1"), ("channel", "total")]).unwrap();
    let field = FieldKey::new("active_power_w").unwrap();
    let mut encoder = Encoder::new();
    (0..48)
        .map(|part| {
            for n in part * 180..(part + 1) * 180 {
                let value = f64::from(n) + 0.5;
                let at = Timestamp::from_seconds(1_795_305_600 + i64::from(n) * 10);
                assert!(encoder.begin(&head).float(&field, value).end(at));
            }
            encoder.take()
        })
        .collect()
}

async fn query(url: &str, text: &str) -> Option<serde_json::Value> {
    let mut address = reqwest::Url::parse(url).unwrap().join("query").unwrap();
    address
        .query_pairs_mut()
        .append_pair("db", "wattwacht")
        .append_pair("epoch", "ms")
        .append_pair("q", text);
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let text = client.get(address).send().await.ok()?.text().await.ok()?;
    serde_json::from_str(&text).ok()
}

/// The server needs a moment to listen, and after a kill to read its log; each try waits at most as long as `connect`.
async fn connected(config: &Config) -> crate::AnyTransport {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    loop {
        match connect(config).await {
            Ok((transport, generation)) => {
                assert_eq!(generation, Generation::One);
                return transport;
            }
            Err(error) if tokio::time::Instant::now() > deadline => panic!("no influxd: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

#[tokio::test]
async fn a_day_is_whole_in_a_real_influxdb_that_was_killed_in_the_middle() {
    let Some(influxd) = influxd() else {
        println!("skipped: no influxd; set WATTWACHT_INFLUXD or install the package influxdb");
        return;
    };
    let mut server = Server::start(&influxd);
    let config = Config {
        url: server.url(),
        generation: None,
        database: "wattwacht".into(),
        org: None,
        token: None,
        retention: None,
        ca: None,
    };
    let mut writer = Writer::new(connected(&config).await);
    let mut notes = Notes::default();
    for (n, lines) in day().iter().enumerate() {
        if n == 20 {
            server.kill();
            let mut writing = std::pin::pin!(writer.write(lines, &mut notes));
            // Nobody is there: it must wait, not give up.
            assert!(tokio::time::timeout(Duration::from_millis(300), &mut writing).await.is_err());
            server.start_again(&influxd);
            assert_eq!(writing.await.lines, 180);
        } else {
            assert_eq!(writer.write(lines, &mut notes).await.lines, 180);
        }
    }
    // A line twice is there once.
    writer.write(&day()[3], &mut notes).await;
    assert!(notes.setbacks > 0 && notes.quarantined.is_empty(), "{:?}", notes.quarantined);
    let answer =
        query(&server.url(), "SELECT count(active_power_w), sum(active_power_w) FROM power").await.unwrap();
    // 0.5 + 1.5 + ... + 8639.5 = 8640^2 / 2.
    let row = &answer["results"][0]["series"][0]["values"][0];
    assert_eq!((row[1].as_f64(), row[2].as_f64()), (Some(8640.0), Some(37_324_800.0)), "{answer}");
}

#[tokio::test]
async fn a_real_influxdb_refuses_one_line_and_keeps_the_rest() {
    let Some(influxd) = influxd() else {
        println!("skipped: no influxd; set WATTWACHT_INFLUXD or install the package influxdb");
        return;
    };
    let server = Server::start(&influxd);
    let config = Config {
        url: server.url(),
        generation: Some(Generation::One),
        database: "wattwacht".into(),
        org: None,
        token: None,
        retention: None,
        ca: None,
    };
    let mut writer = Writer::new(connected(&config).await);
    let mut notes = Notes::default();
    writer.write("m v=1 1000\n", &mut notes).await;
    let written = writer.write("m v=2 2000\nm v=\"text\" 3000\nm v=4 4000\nm v= 5000\n", &mut notes).await;
    assert_eq!((written.lines, written.quarantined), (2, 2), "{:?}", notes.quarantined);
    let answer = query(&server.url(), "SELECT sum(v) FROM m").await.unwrap();
    assert_eq!(answer["results"][0]["series"][0]["values"][0][1], 7, "{answer}");
}
