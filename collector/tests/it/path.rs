//! The path of a reading: spool, uplink, TLS, inbox, record, KPI, report, panel.

use std::sync::mpsc;

use model::{
    Channel, DeviceId, Encoding, Poll, PollGroup, Quantity, Raw, Samples, SeriesDescriptor, Side, Timestamp,
};
use serde_json::Value;
use spool::Spool;
use tokio_util::sync::CancellationToken;
use uplink::{Config, Pace, Uplink};
use wire::Payload;

use crate::harness::{Collector, Site, wait_for};

/// 2026-01-05T00:00Z, a Monday; 01:00 in Berlin.
const START: i64 = 1_767_571_200;

const TOPOLOGY: &str = r#"
[site]
id = "rz-1"
name = "Rechenzentrum 1"
city = "frankfurt"
zone = "Europe/Berlin"

[[meter_point]]
id = "grid"
role = "MP_EVU"
[[meter_point.source]]
device = "meter-1"
channel = "total"
quantity = "active_energy_import"
accuracy_class = "1"

[[meter_point]]
id = "ups"
role = "MP_IT1"
[[meter_point.source]]
device = "meter-2"
channel = "total"
quantity = "active_energy_import"
accuracy_class = "1"
"#;

/// An agent's side: a spool in a folder and what it says of two meters.
struct Agent {
    spool: Spool,
    run: u64,
}

impl Agent {
    fn new(site: &Site) -> Self {
        let (spool, _) = Spool::open(&site.path("spool"), spool::Options::default()).unwrap();
        let mut agent = Self { run: spool.next_sequence(), spool };
        let run = agent.run;
        let start =
            Payload::RunStart { run, agent_version: "0.1.0".into(), last_durable: None, clean_stop: false };
        let (mut series, mut groups) = (Vec::new(), Vec::new());
        for (n, device) in (0..).zip(["meter-1", "meter-2"]) {
            let quantities = [Quantity::ActiveEnergyImport, Quantity::ActivePower];
            for (place, quantity) in (0..).zip(quantities) {
                series.push(descriptor(n * 2 + place, device, quantity));
            }
            let device = DeviceId::new(device).unwrap();
            let series = vec![n * 2, n * 2 + 1];
            groups.push(PollGroup { number: n, device, period_ms: 10_000, offset_ms: 0, series });
        }
        agent.say(0, &start);
        agent.say(0, &Payload::Declaration { run, series, groups });
        agent
    }

    fn say(&mut self, second: i64, payload: &Payload) {
        let at = Timestamp::from_seconds(START + second);
        self.spool.append(at, &wire::encode_payload(payload)).unwrap();
    }

    /// 3600 W at the intake and 2400 W at the UPS: 10 Wh and 6.67 Wh a poll, in mWh.
    fn poll(&mut self, seconds: std::ops::Range<i64>) {
        for second in seconds.step_by(10) {
            let time = Timestamp::from_seconds(START + second);
            let of = |group, watts: i64| {
                let energy = Raw::Integer(watts * second * 1000 / 3600);
                Poll { group, time, values: vec![Ok(energy), Ok(Raw::Integer(watts * 1000))] }
            };
            let samples = Samples { polls: vec![of(0, 3600), of(1, 2400)] };
            let run = self.run;
            self.say(second, &Payload::Samples { run, samples });
        }
        self.spool.sync().unwrap();
    }
}

fn descriptor(number: u32, device: &str, quantity: Quantity) -> SeriesDescriptor {
    SeriesDescriptor {
        number,
        device: DeviceId::new(device).unwrap(),
        quantity,
        channel: Channel::total(),
        encoding: Encoding::Integer,
        exponent: -3,
        wraps_at: None,
        resolution: 1,
        side: Side::Primary,
        profile: None,
        profile_hash: None,
        source: "fc3 19062 f32 abcd".into(),
    }
}

/// Ships a spool until told to stop, in a thread of its own.
struct Shipping {
    stop: CancellationToken,
    done: mpsc::Receiver<()>,
}

impl Shipping {
    fn start(site: &Site, agent: &Agent, url: &str) -> Self {
        let (stop, (tell, done)) = (CancellationToken::new(), mpsc::channel());
        let path = |name: &str| site.path(name);
        let pace = Pace { linger: std::time::Duration::from_millis(20), ..Pace::default() };
        let (ca, cert, key) = (path("ca.pem"), path("agent-1.pem"), path("agent-1.key"));
        let config = Config { url: url.to_owned(), ca, cert, key, pace };
        let uplink = Uplink::new(config, agent.spool.reader()).unwrap();
        let token = stop.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(uplink.run(token));
            tell.send(()).unwrap();
        });
        Self { stop, done }
    }

    fn end(self) {
        self.stop.cancel();
        self.done.recv_timeout(crate::harness::PATIENCE).unwrap();
    }
}

fn figures(site: &Site, from: &str, to: &str) -> Vec<Value> {
    let text = site.done(&["kpi"], &["--site", "rz-1", "--from", from, "--to", to, "--json"]);
    serde_json::from_str(&text).unwrap()
}

fn find<'f>(figures: &'f [Value], kpi: &str, category: Option<u8>) -> &'f Value {
    let category = category.map_or(Value::Null, Value::from);
    figures.iter().find(|one| one["kpi"] == kpi && one["category"] == category).unwrap()
}

fn ship(site: &Site, agent: &Agent, collector: &Collector) {
    let shipping = Shipping::start(site, agent, &collector.agents);
    let reader = agent.spool.reader();
    wait_for("the acknowledgement", || (reader.acknowledged() == reader.synced()).then_some(()));
    shipping.end();
}

#[test]
fn samples_of_a_meter_become_energy_pue_and_co2_of_a_day() {
    let site = Site::new();
    let file = site.write("site.toml", TOPOLOGY);
    site.done(&["import"], &["topology", file.to_str().unwrap()]);
    let mut agent = Agent::new(&site);
    // Half a day, a quarter hour more so that the last one is known at its end.
    agent.poll(0..43_260);
    let collector = site.start();
    ship(&site, &agent, &collector);
    collector.stop();

    let figures = figures(&site, "2026-01-05T01:00:00+01:00", "2026-01-05T13:00:00+01:00");
    let total = find(&figures, "energy_total", None);
    // 3600 W for 12 h are 43.2 kWh; 2400 W are 28.8 kWh; 43.2 / 28.8 = 1.5.
    assert_eq!((total["value"].as_str(), total["unit"].as_str()), (Some("43.2"), Some("kWh")), "{total}");
    assert_eq!((total["coverage"].as_f64(), total["true_share"].as_f64()), (Some(1.0), Some(1.0)));
    assert_eq!(find(&figures, "energy_it", Some(1))["value"], "28.8");
    assert_eq!(find(&figures, "pue", Some(1))["value"], "1.5");
    let pue_2 = find(&figures, "pue", Some(2));
    assert_eq!((&pue_2["value"], pue_2["withheld"].as_str()), (&Value::Null, Some("missing_it_meter")));
    let co2 = find(&figures, "co2", None);
    assert!(co2["factor_set"].as_str().unwrap().contains("provisional"), "{co2}");
}

#[test]
fn a_collector_killed_again_and_again_loses_nothing_and_counts_nothing_twice() {
    let site = Site::new();
    let file = site.write("site.toml", TOPOLOGY);
    site.done(&["import"], &["topology", file.to_str().unwrap()]);
    let mut agent = Agent::new(&site);
    let mut second = 0;
    for _ in 0..6 {
        let collector = site.start();
        let shipping = Shipping::start(&site, &agent, &collector.agents);
        agent.poll(second..second + 1800);
        second += 1800;
        let reader = agent.spool.reader();
        let half = reader.acknowledged() + 1;
        wait_for("an acknowledgement", || (reader.acknowledged() >= half.min(reader.synced())).then_some(()));
        collector.kill();
        shipping.end();
    }
    agent.poll(second..second + 20);
    let collector = site.start();
    ship(&site, &agent, &collector);
    collector.stop();
    // Three hours of 3600 W.
    let figures = figures(&site, "2026-01-05T01:00:00+01:00", "2026-01-05T04:00:00+01:00");
    let total = find(&figures, "energy_total", None);
    assert_eq!((total["value"].as_str(), total["true_share"].as_f64()), (Some("10.8"), Some(1.0)), "{total}");
}

#[test]
fn panels_api_and_reports_show_what_is_in_the_record() {
    let site = Site::new();
    let file = site.write("site.toml", TOPOLOGY);
    site.done(&["import"], &["topology", file.to_str().unwrap()]);
    let mut agent = Agent::new(&site);
    agent.poll(0..3660);
    let collector = site.start();
    ship(&site, &agent, &collector);
    collector.stop();
    let out = site.path("reports");
    let arguments = ["--site", "rz-1", "--month", "2026-01", "--out", out.to_str().unwrap()];
    let made = site.done(&["report"], &arguments);
    assert_eq!(made.lines().count(), 4, "{made}");
    let json = std::fs::read_to_string(out.join("rz-1-2026-01-r1.json")).unwrap();
    // The same facts again are the same report to the byte, not a second revision.
    site.done(&["report"], &arguments);
    assert_eq!(std::fs::read_to_string(out.join("rz-1-2026-01-r1.json")).unwrap(), json);
    assert!(!out.join("rz-1-2026-01-r2.json").exists());

    let collector = site.start();
    for (path, status, holds) in [
        ("/", 200, "Rechenzentrum 1"),
        ("/site/rz-1", 200, "Rechenzentrum 1"),
        ("/site/rz-1/quality?month=2026-01", 200, "grid"),
        ("/reports", 200, "rz-1-2026-01-r1"),
        ("/reports/rz-1-2026-01-r1.de.html", 200, "Rechenzentrum 1"),
        ("/reports/rz-1-2026-01-r1.json", 200, "rz-1-2026-01-r1"),
        ("/assets/panels.css", 200, "{"),
        ("/site/rz-9", 404, "rz-9"),
        ("/nowhere", 404, "nowhere"),
        ("/api/v1/sites", 200, "\"rz-1\""),
        ("/api/v1/kpi?site=rz-1&from=2026-01-05&to=2026-01-06", 200, "energy_total"),
        ("/api/v1/intervals?site=rz-1&from=2026-01-05&to=2026-01-06&meter_point=grid", 200, "900000"),
        ("/api/v1/overview?site=rz-1", 200, "power_total"),
        ("/api/v1/openapi.json", 200, "\"openapi\""),
        ("/healthz", 200, "ok"),
        ("/readyz", 200, "ready"),
        ("/metrics", 200, "wattwacht_collector_batches_stored_total"),
    ] {
        let (got, body) = collector.get(path);
        assert_eq!(got, status, "{path}: {body}");
        assert!(
            body.contains(holds),
            "{path} does not hold `{holds}`: {}",
            body.chars().take(2000).collect::<String>()
        );
    }
    collector.stop();
}
