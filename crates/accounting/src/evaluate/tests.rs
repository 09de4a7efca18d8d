//! Points of registers, of formulas and of imports.

use std::collections::BTreeMap;
use std::convert::Infallible;

use model::{Energy, IntervalValue, MeterPointId, Period, Quality, Reason, Timestamp};

use super::*;
use crate::{SeriesKey, Topology};

/// A record in memory: amounts in Wh by device, or by meter point for imports; `None` is missing.
#[derive(Default)]
struct Memory {
    rows: BTreeMap<String, Vec<Option<i64>>>,
    asked: usize,
}

impl Memory {
    fn row(&mut self, name: &str, span: Period) -> Vec<IntervalValue> {
        self.asked += 1;
        let row = self.rows.get(name).cloned().unwrap_or_default();
        let value = |wh: Option<i64>| {
            wh.map_or(IntervalValue::missing(Some(Reason::CommunicationFault)), |wh| {
                IntervalValue::measured(Energy::from_watt_hours(wh))
            })
        };
        row.into_iter().take(span.quarter_count()).map(value).collect()
    }
}

impl Record for Memory {
    type Error = Infallible;

    fn series(&mut self, series: &SeriesKey, span: Period) -> Result<Vec<IntervalValue>, Infallible> {
        Ok(self.row(series.device.as_str(), span))
    }

    fn imported(&mut self, point: &MeterPointId, span: Period) -> Result<Vec<IntervalValue>, Infallible> {
        Ok(self.row(point.as_str(), span))
    }
}

const SITE: &str = r#"
[site]
id = "rz-1"
city = "frankfurt"
zone = "Europe/Berlin"

[[meter_point]]
id = "it"
role = "MP_IT1"
[[meter_point.virtual]]
formula = "main - 0.5 * (office + lights)"

[[meter_point]]
id = "main"
role = "MP_EVU"
[[meter_point.source]]
device = "old"
channel = "total"
quantity = "active_energy_import"
ratio = "80/1"
accuracy_class = "0.5"
ct_class = "0.5"
valid_to = 2026-03-02
[[meter_point.source]]
device = "new"
channel = "total"
quantity = "active_energy_import"
ratio = "200/3"
accuracy_class = "0.5"
ct_class = "0.5"
valid_from = 2026-03-02

[[meter_point]]
id = "office"
role = "outside"
accuracy_class = "1"

[[meter_point]]
id = "lights"
role = "sub"
"#;

/// Two quarter hours on either side of local midnight of 2026-03-02, which is 23:00 UTC.
fn span() -> Period {
    let midnight = Timestamp::from_seconds(1_772_406_000);
    Period::new(midnight.plus_millis(-1_800_000), midnight.plus_millis(1_800_000))
}

fn memory(rows: &[(&str, [Option<i64>; 4])]) -> Memory {
    Memory { rows: rows.iter().map(|(name, row)| ((*name).to_owned(), row.to_vec())).collect(), asked: 0 }
}

fn milliwatt_hours(values: &[IntervalValue]) -> Vec<Option<i64>> {
    values.iter().map(|value| value.energy.map(Energy::milliwatt_hours)).collect()
}

#[test]
fn a_point_is_the_sum_of_its_registers_each_with_its_ratio_while_it_is_valid() {
    let topology = Topology::read("site.toml", SITE).unwrap();
    let mut record = memory(&[("old", [Some(1); 4]), ("new", [Some(1); 4])]);
    let points = evaluate(&topology, span(), |point| point.id.as_str() == "main", &mut record).unwrap();
    // 1,000 mWh x 80 before midnight, 1,000 x 200 / 3 = 66,666.67 after it, rounded once.
    assert_eq!(milliwatt_hours(&points[0].values), [Some(80_000), Some(80_000), Some(66_667), Some(66_667)]);
}

#[test]
fn a_formula_takes_the_worst_quality_and_a_missing_part_makes_it_missing() {
    let topology = Topology::read("site.toml", SITE).unwrap();
    let mut record = memory(&[
        ("old", [Some(1000), Some(1000), None, None]),
        ("new", [None, None, Some(1200), Some(1200)]),
        ("office", [Some(501), None, Some(0), Some(1)]),
        ("lights", [Some(0), Some(0), Some(0), None]),
    ]);
    let points = evaluate(&topology, span(), |point| point.id.as_str() == "it", &mut record).unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!(milliwatt_hours(&points[0].values), [Some(79_749_500), None, Some(80_000_000), None]);
    assert_eq!(points[0].values[1].quality, Quality::Missing);
    assert_eq!(record.asked, 4, "each register and import is read once");
    // `lights` says no class, so nothing can be said of the sum.
    assert_eq!(points[0].standard_uncertainty, None);
}

#[test]
fn a_quarter_hour_for_which_no_register_is_valid_is_missing() {
    let gap = SITE.replace("valid_from = 2026-03-02", "valid_from_time = \"2026-03-02T00:07:00+01:00\"");
    let topology = Topology::read("site.toml", &gap).unwrap();
    let mut record = memory(&[("old", [Some(1); 4]), ("new", [Some(1); 4])]);
    let points = evaluate(&topology, span(), |point| point.id.as_str() == "main", &mut record).unwrap();
    assert_eq!(milliwatt_hours(&points[0].values), [Some(80_000), Some(80_000), None, Some(66_667)]);
}

#[test]
fn the_uncertainty_of_a_point_is_that_of_its_meters_and_transformers_in_quadrature() {
    let topology = Topology::read("site.toml", SITE).unwrap();
    let mut record = memory(&[("old", [Some(1000); 4]), ("new", [Some(1000); 4]), ("office", [Some(9); 4])]);
    let points = evaluate_all(&topology, span(), &mut record).unwrap();
    let of = |id: &str| points.iter().find(|point| point.point.as_str() == id).unwrap();
    // One register of 160 kWh and one of 133.33 kWh, each sqrt(2) x 0.5 % / sqrt(3) = 0.408 %; together
    // 0.408 % x sqrt(160^2 + 133.33^2) / 293.33 = 0.29 %.
    let main = of("main").relative_uncertainty().unwrap();
    assert!((main - 0.002_899).abs() < 1e-6, "{main}");
    let office = of("office").relative_uncertainty().unwrap();
    assert!((office - 0.01 / 3f64.sqrt()).abs() < 1e-9);
    assert!(points.iter().all(|point| point.role != Role::Sub));
}
