//! The whole chain into a real InfluxDB 1.x: a simulated day goes through spool, uplink, collector and record into the
//! sink, the server is killed in the middle, and in the end its answers are compared with the record value by value.

mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use line::FieldKey;
use model::{SeriesKind, SiteId, Timestamp};
use profile::Library;
use sim::config::Config;
use sim::history::{Span, Writer};
use spool::{Options, Spool};
use store::Reader;

use crate::harness::{
    Authority, CollectorText, Ground, Net, Program, collector_text, free_address, get, open_record, program,
    run, ship_spool, site_text, wait_for, whole_time,
};
use server::{Server, influxd};

/// 2026-06-01T00:00:00Z, by GNU `date -u -d`.
const DAY: Timestamp = Timestamp::from_seconds(1_780_272_000);
const HALF_DAY_MS: i64 = 12 * 3_600_000;
/// From one sample to the next: enough of them for the collector to close each half as soon as it has it.
const EVERY_MS: u32 = 30_000;
const PATIENCE: Duration = Duration::from_mins(2);
const SITE: &str = "rz-influx";
const AGENT: &str = "agent-influx";

/// Values of a field by series (device and channel) and instant.
type Values = BTreeMap<(String, String), BTreeMap<i64, f64>>;

#[test]
fn a_day_in_a_real_influxdb_is_the_record_value_by_value_though_it_was_down_in_the_middle() {
    let Some(influxd) = influxd() else {
        println!("skipped: influx_story: no influxd (set WATTWACHT_INFLUXD)");
        return;
    };
    let mut server = Server::start(&influxd);
    let world = World::new(&server);
    let mut collector = world.start_collector();
    world.ship(DAY);
    wait_for("the first half of the day in InfluxDB", PATIENCE, || {
        server.count("power", "active_power_w") > 10_000
    });
    server.kill();
    world.ship(DAY.plus_millis(HALF_DAY_MS));
    // A stop in order closes what is in memory; the sink's cursor stays where InfluxDB was left.
    assert!(collector.stop().success(), "the collector did not end in order:\n{}", collector.said());
    let collector = world.start_collector();
    server.start_again(&influxd);
    world.compare(&server);
    drop(collector);
}

struct World {
    ground: Ground,
    config: Config,
    web: SocketAddr,
    ingest: SocketAddr,
    _net: Net,
}

impl World {
    fn new(server: &Server) -> Self {
        let (ground, net) = (Ground::new(), Net::take());
        let (web, ingest) = (free_address(), free_address());
        let text = format!(
            "[simulation]\nseed = 3\ncommissioned = 2026-05-01\n[[site]]\nid = \"{SITE}\"\nagent = \"{AGENT}\"\n\
             net = {}\nracks = 4\nit_kw = 60\n",
            net.number()
        );
        let config = Config::parse("sim.toml", &text).unwrap();
        let authority = Authority::new(ground.dir());
        authority.collector();
        authority.agent(SITE, AGENT);
        let sink = format!(
            "[[sink]]\nid = \"influx\"\nkind = \"influxdb\"\nurl = \"http://{}\"\nversion = \"auto\"\ndatabase = \"wattwacht\"\n",
            server.address()
        );
        let text = collector_text(&CollectorText { web, ingest, more: &sink });
        let collector = ground.write("collector.toml", &text).display().to_string();
        let site = ground.write("site.toml", &site_text(&config.sites[0])).display().to_string();
        run("wattwacht-collector", &["import", "topology", &site, "--config", &collector]).expect(0);
        Self { ground, config, web, ingest, _net: net }
    }

    fn start_collector(&self) -> Program {
        let mut command = Command::new(program("wattwacht-collector"));
        command.arg("run").arg("--config").arg(self.ground.path("collector.toml"));
        let mut collector = Program::start("collector", &self.ground.path("collector.log"), &mut command);
        wait_for("the collector to be well", PATIENCE, || {
            assert_eq!(collector.ended(), None, "the collector ended:\n{}", collector.said());
            get(self.web, "/healthz").is_some_and(|answer| answer.status == 200)
        });
        collector
    }

    /// Half a day from `from` on, as the agent would have spooled and shipped it.
    fn ship(&self, from: Timestamp) {
        let library = Library::built_in().unwrap();
        let mut world = self.config.world(&library).unwrap();
        let (spool, _) = Spool::open(&self.ground.path("spool"), Options::default()).unwrap();
        let reader = spool.reader();
        let mut writer =
            Writer { world: &mut world, library: &library, site: SiteId::new(SITE).unwrap(), spool };
        writer.write(Span { from, to: from.plus_millis(HALF_DAY_MS), period_ms: EVERY_MS }).unwrap();
        ship_spool(self.ingest, AGENT, self.ground.dir(), reader);
    }

    /// Waits until InfluxDB has as much as the record, then compares all of it.
    fn compare(&self, server: &Server) {
        let record = open_record(&self.ground.path("record"));
        let reader = record.reader().unwrap();
        let fields = of_record(&reader);
        let mut compared = 0;
        for ((measurement, field), values) in &fields {
            let count: usize = values.values().map(BTreeMap::len).sum();
            let what = format!("{count} values of {measurement}.{field} in InfluxDB");
            wait_for(&what, PATIENCE, || server.count(measurement, field) >= count as u64);
            let found = server.values(measurement, field, SITE);
            assert_eq!(
                found.keys().collect::<Vec<_>>(),
                values.keys().collect::<Vec<_>>(),
                "{measurement}.{field}"
            );
            for (series, expected) in values {
                assert_same(&found[series], expected, &format!("{measurement}.{field} of {series:?}"));
            }
            compared += count;
        }
        assert!(compared > 200_000, "only {compared} values were compared");
        self.compare_intervals(&reader, server);
        eprintln!("{compared} values of {} fields are the same in InfluxDB", fields.len());
    }

    /// The quarter hours of a register are there too, in watt-hours.
    fn compare_intervals(&self, reader: &Reader, server: &Server) {
        let site = SiteId::new(SITE).unwrap();
        let grid = self.config.sites[0].points.iter().find(|point| point.id.as_str() == "grid").unwrap();
        let sim::site::PointSource::Register { device, quantity, channel, .. } = &grid.source else {
            panic!("the grid's meter has a register")
        };
        let series = reader.find_series(&site, device, *quantity, channel).unwrap().unwrap();
        let id = reader.find_interval_series(&store::IntervalSubject::Register(series.id)).unwrap().unwrap();
        let day = model::Period::new(DAY, DAY.plus_millis(2 * HALF_DAY_MS));
        let known = reader.intervals(id, day).unwrap();
        let expected: f64 =
            known.iter().filter_map(|one| one.energy).map(|one| one.milliwatt_hours() as f64 / 1000.0).sum();
        let count = known.iter().filter(|one| one.energy.is_some()).count();
        assert!(count >= 94, "{count} quarter hours of a day");
        let mut last = (0, 0.0);
        wait_for("the quarter hours of the grid in InfluxDB", PATIENCE, || {
            last = server.count_and_sum("interval_15m", "energy_wh", "grid");
            last.0 >= count as u64
        });
        assert_eq!(last.0, count as u64);
        assert!(
            (last.1 - expected).abs() < 1e-6 * expected,
            "{} Wh in InfluxDB, {expected} in the record",
            last.1
        );
    }
}

/// The same instants, and the same values but for the last bit, which the reader of the JSON may lose.
fn assert_same(found: &BTreeMap<i64, f64>, expected: &BTreeMap<i64, f64>, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for ((at, found), (time, expected)) in found.iter().zip(expected) {
        assert_eq!(at, time, "{what}");
        let is_same = (found - expected).abs() <= expected.abs() * 2.0 * f64::EPSILON;
        assert!(is_same, "{what} at {time}: {found} in InfluxDB, {expected} in the record");
    }
}

/// All samples with a value, by measurement and field.
fn of_record(reader: &Reader) -> BTreeMap<(String, String), Values> {
    let mut fields: BTreeMap<(String, String), Values> = BTreeMap::new();
    for series in reader.series_of_site(&SiteId::new(SITE).unwrap()).unwrap() {
        let descriptor = &series.descriptor;
        assert!(matches!(descriptor.kind(), SeriesKind::Counter | SeriesKind::Gauge), "{descriptor:?}");
        let samples = reader.samples(series.id, whole_time()).unwrap();
        let values: BTreeMap<i64, f64> = samples
            .iter()
            .filter_map(|one| Some((one.time.millis(), descriptor.value(one.value.ok()?))))
            .filter(|(_, value)| value.is_finite())
            .collect();
        let quantity = descriptor.quantity;
        let field = FieldKey::of(quantity).as_str().to_owned();
        let key = (descriptor.device.to_string(), descriptor.channel.to_string());
        if !values.is_empty() {
            fields.entry((quantity.domain().as_str().to_owned(), field)).or_default().insert(key, values);
        }
    }
    fields
}
