//! Facts and alarms of a small site whose numbers can be worked out by hand.

use accounting::Topology;
use dashboards::AlarmKind;
use model::{Quantity, Raw, SiteId, Timestamp};
use store::{AlarmFilter, DocumentKind, NewDocument};

use super::{Context, Now, Slow, site};
use crate::alarms::{LIMIT, LOW_COVERAGE, SILENT_DEVICE, Watch};
use crate::config::Alarms;
use crate::testing::{Feed, Rig, close_all, group, series};

/// 2026-01-05T00:00Z, a Monday.
const START: i64 = 1_767_571_200;

const TOPOLOGY: &str = r#"
[site]
id = "rz-1"
name = "RZ"
city = "frankfurt"
zone = "Europe/Berlin"
[[meter_point]]
id = "grid"
role = "MP_EVU"
[[meter_point.source]]
device = "main"
channel = "total"
quantity = "active_energy_import"
ratio = "2/1"
[[meter_point]]
id = "ups-a"
role = "sub"
[[meter_point.source]]
device = "ups"
channel = "l1"
quantity = "active_energy_import"
[[meter_point]]
id = "ups-b"
role = "sub"
[[meter_point.source]]
device = "ups"
channel = "l2"
quantity = "active_energy_import"
[[meter_point]]
id = "it"
role = "MP_IT1"
[[meter_point.virtual]]
formula = "ups-a + ups-b"
[[limit]]
id = "inlet-a07"
name = "rack a07"
device = "sensor"
channel = "inlet"
quantity = "temperature"
above = 27
hold = "30s"
"#;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(START + seconds)
}

fn rig() -> (Rig, Feed) {
    let rig = Rig::new();
    rig.clock.set(at(0));
    Topology::read("site.toml", TOPOLOGY).unwrap();
    let document = NewDocument {
        kind: DocumentKind::Topology,
        key: "rz-1".into(),
        text: TOPOLOGY.into(),
        author: "test".into(),
        at: at(0),
        valid_from: None,
    };
    rig.writer
        .work_blocking(move |writer| writer.transaction(|tx| tx.put_document(&document)).unwrap())
        .unwrap();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    let all = vec![
        series(1, "main", Quantity::ActiveEnergyImport, "total"),
        series(2, "main", Quantity::ActivePower, "total"),
        series(3, "ups", Quantity::ActivePower, "l1"),
        series(4, "ups", Quantity::ActivePower, "l2"),
        series(5, "sensor", Quantity::Temperature, "inlet"),
        series(6, "ups", Quantity::ActiveEnergyImport, "l1"),
        series(7, "ups", Quantity::ActiveEnergyImport, "l2"),
    ];
    let groups =
        vec![group(0, "main", 10, &[1, 2]), group(1, "ups", 10, &[3, 4, 6, 7]), group(2, "sensor", 10, &[5])];
    rig.ingest(&feed.agent.clone(), &feed.opening(at(0), all, groups));
    (rig, feed)
}

/// A poll of all devices: 1500 W behind a ratio of 2, 1000 + 1000 W at the UPS, and the inlet.
fn poll(rig: &Rig, feed: &mut Feed, second: i64, inlet: i64) {
    rig.clock.set(at(second));
    let energy = |watts: i64| Raw::Integer(watts * second / 3600);
    let of = |group: u32, values: &[Raw]| feed.poll(group, at(second), values);
    let ups = [Raw::Integer(1000), Raw::Integer(1000), energy(1000), energy(1000)];
    let polls = [of(0, &[energy(1500), Raw::Integer(1500)]), of(1, &ups), of(2, &[Raw::Integer(inlet)])];
    let batch = feed.batch(polls);
    rig.ingest(&feed.agent.clone(), &batch);
}

fn overview(rig: &Rig, second: i64) -> dashboards::SiteOverview {
    let reader = rig.store.reader().unwrap();
    let context = Context::load(&reader, &[]).unwrap();
    let id = SiteId::new("rz-1").unwrap();
    let slow = Slow::gather(&reader, &context, &id, at(second)).unwrap();
    let now = Now { live: &rig.live, time: at(second), interval_ms: 5000 };
    site(&reader, &context, (&id, &slow), now).unwrap()
}

#[test]
fn power_now_and_pue_follow_the_meter_points_with_ratios_and_formulas() {
    let (rig, mut feed) = rig();
    let mut closer = rig.closer();
    poll(&rig, &mut feed, 0, 24);
    poll(&rig, &mut feed, 10, 25);
    closer.look().unwrap();
    let page = overview(&rig, 12);
    assert_eq!(page.power_total.value.map(model::Power::watts), Some(3000.0));
    assert_eq!(page.power_it.value.map(model::Power::watts), Some(2000.0));
    assert_eq!(page.power_total.at, Some(at(10)));
    assert_eq!(page.power_cooling.value, None, "what is not metered is not zero");
    assert_eq!(
        (page.pue_now.live.value.map(model::Ratio::value), page.pue_now.category),
        (Some(1.5), Some(1))
    );
    let inlet = page.inlet.unwrap();
    assert_eq!(
        (inlet.live.value.map(model::Celsius::degrees), inlet.place.as_str()),
        (Some(25.0), "rack a07")
    );

    // Nothing comes any more: no number is shown as now.
    let page = overview(&rig, 120);
    assert_eq!((page.power_total.value, page.pue_now.live.value), (None, None));
    assert_eq!(page.pue_now.withheld.as_deref(), Some("stale"));
}

#[test]
fn a_restart_shows_the_latest_values_of_the_record_at_once() {
    let (rig, mut feed) = rig();
    poll(&rig, &mut feed, 10, 24);
    close_all(&mut rig.closer());
    rig.clock.set(at(15));
    let rig = rig.restart();
    rig.closer().look().unwrap();
    assert_eq!(overview(&rig, 15).power_total.value.map(model::Power::watts), Some(3000.0));
}

struct Guard {
    rig: Rig,
    feed: Feed,
    watch: Watch,
}

impl Guard {
    fn new() -> Self {
        let (rig, feed) = rig();
        Self { rig, feed, watch: Watch::new(Alarms::default(), at(0)) }
    }

    /// Checks the rules; kind and subject of what is open then.
    fn check(&mut self, second: i64) -> Vec<(String, String)> {
        let reader = self.rig.store.reader().unwrap();
        let context = Context::load(&reader, &[]).unwrap();
        let findings = self.watch.check(&reader, &context, &self.rig.live, at(second)).unwrap();
        let at = at(second);
        let write =
            move |writer: &mut store::Writer| writer.transaction(|tx| findings.write(tx, at)).unwrap();
        self.rig.writer.work_blocking(write).unwrap();
        let open = reader.alarms(None, AlarmFilter::Open, 100).unwrap();
        let mut open: Vec<_> = open.into_iter().map(|one| (one.alarm.kind, one.alarm.subject)).collect();
        open.sort();
        open
    }
}

fn named(kind: &str, subjects: &[&str]) -> Vec<(String, String)> {
    subjects.iter().map(|subject| (kind.to_owned(), (*subject).to_owned())).collect()
}

#[test]
fn a_device_is_silent_after_three_periods_and_no_more_when_it_answers() {
    let mut guard = Guard::new();
    let mut closer = guard.rig.closer();
    poll(&guard.rig, &mut guard.feed, 10, 24);
    close_all(&mut closer);
    assert!(guard.check(39).is_empty());
    assert_eq!(guard.check(41), named(SILENT_DEVICE, &["main", "sensor", "ups"]));
    assert_eq!(overview(&guard.rig, 41).devices_silent, 3);
    poll(&guard.rig, &mut guard.feed, 50, 24);
    closer.look().unwrap();
    assert!(guard.check(52).is_empty());
}

#[test]
fn an_inlet_is_too_hot_only_after_it_was_so_for_as_long_as_the_file_says() {
    let mut guard = Guard::new();
    let mut closer = guard.rig.closer();
    for (second, inlet, expected) in
        [(10, 27, 0), (20, 28, 0), (40, 28, 0), (50, 29, 1), (60, 29, 1), (70, 26, 0), (80, 30, 0)]
    {
        poll(&guard.rig, &mut guard.feed, second, inlet);
        close_all(&mut closer);
        let open = guard.check(second);
        assert_eq!(open, named(LIMIT, &["rack a07"][..expected]), "at {second} s");
        if expected == 1 {
            let shown = overview(&guard.rig, second).alarms;
            assert!(
                matches!(shown[0].kind, AlarmKind::InletLimit { limit, .. } if limit.degrees() > 26.9),
                "{shown:?}"
            );
            assert_eq!(shown[0].since, at(20));
        }
    }
}

#[test]
fn a_day_with_too_few_quarter_hours_is_told_by_meter_point() {
    let mut guard = Guard::new();
    let mut closer = guard.rig.closer();
    // Three hours of data, then nothing until the evening.
    for second in (0..10_800).step_by(60) {
        poll(&guard.rig, &mut guard.feed, second, 24);
    }
    close_all(&mut closer);
    let open = guard.check(40_000);
    assert!(open.contains(&(LOW_COVERAGE.to_owned(), "grid".to_owned())), "{open:?}");
    assert!(open.contains(&(LOW_COVERAGE.to_owned(), "it".to_owned())), "{open:?}");
    let shown = overview(&guard.rig, 40_000);
    assert!(
        shown
            .alarms
            .iter()
            .any(|alarm| matches!(alarm.kind, AlarmKind::LowCoverage { limit_percent: 95, .. }))
    );
    assert!(shown.coverage_today.completeness().unwrap() < 0.95);
}
