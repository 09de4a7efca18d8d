//! A real InfluxDB 1.x on loopback, with a folder of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Values;
use crate::harness::{Ground, Program, free_address, get};

/// Named by the environment, or on the path.
pub(super) fn influxd() -> Option<PathBuf> {
    let named = std::env::var_os("WATTWACHT_INFLUXD").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|dir| dir.join("influxd"));
    named.into_iter().chain(on_path).find(|file| file.is_file())
}

pub(super) struct Server {
    address: SocketAddr,
    program: Program,
    ground: Ground,
}

impl Server {
    pub(super) fn start(influxd: &Path) -> Self {
        let (ground, address, rpc) = (Ground::new(), free_address(), free_address());
        let dir = |name: &str| ground.path(name).display().to_string();
        let text = format!(
            "reporting-disabled = true\nbind-address = \"{rpc}\"\n[meta]\ndir = {:?}\n[data]\ndir = {:?}\nwal-dir = {:?}\n\
             query-log-enabled = false\n[http]\nenabled = true\nbind-address = \"{address}\"\nlog-enabled = false\n\
             [monitor]\nstore-enabled = false\n[subscriber]\nenabled = false\n[continuous_queries]\nenabled = false\n",
            dir("meta"),
            dir("data"),
            dir("wal")
        );
        ground.write("influxdb.conf", &text);
        let program = spawn(influxd, &ground);
        Self { address, program, ground }
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// SIGKILL, so that nothing is put in order before.
    pub(super) fn kill(&mut self) {
        self.program.kill();
    }

    pub(super) fn start_again(&mut self, influxd: &Path) {
        self.program = spawn(influxd, &self.ground);
    }

    /// How many values a field has, 0 as long as nothing is there.
    pub(super) fn count(&self, measurement: &str, field: &str) -> u64 {
        let answer = self.query(&format!("SELECT count(\"{field}\") FROM \"{measurement}\""));
        answer.and_then(|answer| answer["results"][0]["series"][0]["values"][0][1].as_u64()).unwrap_or(0)
    }

    /// How many values a field of a meter point has, and their sum.
    pub(super) fn count_and_sum(&self, measurement: &str, field: &str, point: &str) -> (u64, f64) {
        let query = format!(
            "SELECT count(\"{field}\"), sum(\"{field}\") FROM \"{measurement}\" WHERE \"point\" = '{point}'"
        );
        let Some(answer) = self.query(&query) else { return (0, 0.0) };
        let row = &answer["results"][0]["series"][0]["values"][0];
        (row[1].as_u64().unwrap_or(0), row[2].as_f64().unwrap_or(0.0))
    }

    /// All values of a field at a site.
    pub(super) fn values(&self, measurement: &str, field: &str, site: &str) -> Values {
        let query = format!(
            "SELECT \"{field}\" FROM \"{measurement}\" WHERE \"site\" = '{site}' GROUP BY \"device\", \"channel\""
        );
        let answer = self.query(&query).unwrap_or_else(|| panic!("no answer to {query}"));
        let series = answer["results"][0]["series"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        let tag = |one: &Value, name: &str| one["tags"][name].as_str().unwrap().to_owned();
        let row = |row: &Value| Some((row[0].as_i64()?, row[1].as_f64()?));
        series
            .iter()
            .map(|one| {
                let rows: BTreeMap<i64, f64> =
                    one["values"].as_array().unwrap().iter().filter_map(row).collect();
                ((tag(one, "device"), tag(one, "channel")), rows)
            })
            .collect()
    }

    /// InfluxQL over `GET /query`; `None` if the server does not answer or knows no such database yet.
    fn query(&self, text: &str) -> Option<Value> {
        let answer = get(self.address, &format!("/query?db=wattwacht&epoch=ms&q={}", percent(text)))?;
        let value: Value = serde_json::from_str(&answer.body).ok()?;
        (answer.status == 200 && value["results"][0]["error"].is_null()).then_some(value)
    }
}

fn spawn(influxd: &Path, ground: &Ground) -> Program {
    let mut command = Command::new(influxd);
    command.arg("-config").arg(ground.path("influxdb.conf"));
    Program::start("influxd", &ground.path("influxd.log"), &mut command)
}

/// RFC 3986, 2.1.
fn percent(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").unwrap();
        }
    }
    escaped
}
