//! Two simulated months against the simulator's books, which are made from the physics before any encoding.
//!
//! The past goes the ordinary way: spool, uplink, collector, record. `rz-maerz` has the month with the day of 23 hours,
//! PV and a meter behind transformers; `rz-oktober` the one with the day of 25 hours, and water. On some days the meters
//! are not read on the quarter hour, so that its state is interpolated.

mod numbers;
mod past;

use std::collections::BTreeMap;

use accounting::PointValues;
use calendar::{Date, Month, Zone};
use model::{IntervalValue, MeterPointId, Period, Quality, QuarterHour};
use sim::site::{Point, PointSource};

use crate::harness::{open_record, run};
use numbers::{Rule, kwh, points_of};
use past::{Past, SITES};

#[test]
fn a_month_of_every_meter_point_agrees_with_the_books_and_so_do_kpi_and_report() {
    let past = Past::make();
    let store = open_record(&past.ground.path("record"));
    let reader = store.reader().unwrap();
    for site in &SITES {
        let month: Month = site.month.parse().unwrap();
        let zone = Zone::new("Europe/Berlin").unwrap();
        let period = zone.month(month);
        assert_eq!(period.quarter_count(), site.quarters, "{}", site.id);
        let (config, mut ledger) = past.site(site.id);
        let values = points_of(&reader, &past.topology(site.id), period);
        let rule = Rule::new(&reader, &config);
        for point in &config.points {
            let found = &values[&point.id];
            let books: Vec<i64> = point
                .books(&mut ledger, period)
                .into_iter()
                .map(|(_, amount)| amount.thousandths())
                .collect();
            rule.check_month(point, period, &found.values, &books);
            rule.check_quarters(point, period, &found.values, &books);
        }
        check_days(&zone, month, &values, site.long_day);
        check_outputs(&past, site.id, month, period, &values);
    }
}

/// The local days of the month are 92, 96 and 100 quarter hours long, all of them are known, and their sums make the
/// month's.
fn check_days(zone: &Zone, month: Month, values: &BTreeMap<MeterPointId, PointValues>, odd: (u8, usize)) {
    let period = zone.month(month);
    for (id, point) in values {
        let (mut at, mut sum) = (0, 0i128);
        let mut date = month.first_day();
        while zone.start_of_day(date) < period.to {
            let expected = if date.day() == odd.0 { odd.1 } else { 96 };
            let quarters = quarters_of(zone, date);
            assert_eq!(quarters, expected, "{date}");
            let day = &point.values[at..at + quarters];
            assert!(
                day.iter().all(|value| value.quality == Quality::True),
                "{id} on {date}: {:?}",
                worst(day)
            );
            sum += day
                .iter()
                .filter_map(|value| value.energy)
                .map(|one| i128::from(one.milliwatt_hours()))
                .sum::<i128>();
            at += quarters;
            date = date.next();
        }
        assert_eq!(at, point.values.len());
        assert_eq!(sum, total(&point.values), "{id}: the days make the month");
    }
}

fn quarters_of(zone: &Zone, date: Date) -> usize {
    zone.day(date).quarters().map(QuarterHour::index).count()
}

fn worst(values: &[IntervalValue]) -> Option<&IntervalValue> {
    values.iter().find(|value| value.quality != Quality::True)
}

fn total(values: &[IntervalValue]) -> i128 {
    values.iter().filter_map(|value| value.energy).map(|one| i128::from(one.milliwatt_hours())).sum()
}

/// `kpi --json` and the JSON of `report --month` show what the record holds, to the milliwatt-hour.
fn check_outputs(
    past: &Past,
    site: &str,
    month: Month,
    period: Period,
    values: &BTreeMap<MeterPointId, PointValues>,
) {
    let config = past.ground.path("collector.toml").display().to_string();
    let (from, to) = (month.first_day().to_string(), month.next().first_day().to_string());
    let args = ["kpi", "--config", &config, "--site", site, "--from", &from, "--to", &to, "--json"];
    let figures = run("wattwacht-collector", &args).expect(0).json();
    let figure = |name: &str, category: Option<u64>| {
        let all = figures.as_array().unwrap();
        let found = all.iter().find(|one| {
            one["kpi"] == name && one["category"].as_u64() == category && one["variant"].is_null()
        });
        found.unwrap_or_else(|| panic!("no {name} in {figures:#}")).clone()
    };
    let of = |id: &str| {
        values.iter().find(|(known, _)| known.as_str() == id).map_or(0, |(_, point)| total(&point.values))
    };
    let all = of("grid") + of("pv") + of("generator");
    let energy = figure("energy_total", None);
    assert_eq!(
        (energy["from"].as_str(), energy["to"].as_str()),
        (Some(&*period.from.to_string()), Some(&*period.to.to_string()))
    );
    assert_eq!(
        (energy["coverage"].as_f64(), energy["true_share"].as_f64()),
        (Some(1.0), Some(1.0)),
        "{energy:#}"
    );
    assert_eq!(kwh(&energy["value"]), all, "{energy:#}");
    for (category, id) in [(1, "it-ups"), (2, "it-pdu"), (3, "it-racks")] {
        assert_eq!(kwh(&figure("energy_it", Some(category))["value"]), of(id), "category {category}");
        let pue: f64 = figure("pue", Some(category))["value"].as_str().unwrap().parse().unwrap();
        let expected = all as f64 / of(id) as f64;
        assert!((pue - expected).abs() < 1e-4, "PUE of category {category}: {pue}, expected {expected}");
    }
    let out = past.ground.path("reports").display().to_string();
    let month = month.to_string();
    let args =
        ["report", "--config", &config, "--site", site, "--month", &month, "--format", "json", "--out", &out];
    let file = run("wattwacht-collector", &args).expect(0).out;
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file.trim()).unwrap()).unwrap();
    let facts = &report["sites"][0];
    assert_eq!(facts["site"], site);
    assert_eq!(kwh(&facts["energy"]["total"]["energy_kwh"]), all);
    assert_eq!(kwh(&facts["energy"]["grid"]["energy_kwh"]), of("grid"));
    let quarters = facts["energy"]["total"]["coverage"]["expected"].as_u64().unwrap();
    assert_eq!(quarters, period.quarter_count() as u64);
    for point in facts["quality"]["points"].as_array().unwrap() {
        assert_eq!(kwh(&point["energy_kwh"]), of(point["point"].as_str().unwrap()), "{point}");
    }
}

/// The registers behind a point: itself, or those of the points that its formula names.
fn registers<'p>(points: &'p [Point], point: &'p Point) -> Vec<&'p Point> {
    match &point.source {
        PointSource::Register { .. } => vec![point],
        PointSource::Formula(formula) => {
            let named = formula.split(" + ");
            let known = |id: &str| points.iter().find(|one| one.id.as_str() == id).unwrap();
            named.flat_map(|id| registers(points, known(id))).collect()
        }
    }
}
