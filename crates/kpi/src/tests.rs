//! Test vectors of the facts, to the digit, and the rules R1 to R7.

use accounting::{Flow, Medium, PointValues};
use calendar::{Year, Zone};
use carbon::{FactorFile, FuelFactors, FuelUse, GridFactors, fuel_emissions};
use model::{Energy, IntervalValue, Method, Period, Reason, Role, SiteId, Timestamp, Unit};
use proptest::prelude::*;

use super::*;

/// 2024-03-01T00:00:00Z: inside the last year for which a factor is published.
const START: i64 = 1_709_251_200;
const QUARTERS: usize = 4;

fn period() -> Period {
    Period::new(Timestamp::from_seconds(START), Timestamp::from_seconds(START + 3600))
}

/// What a site's hour is made of: amounts in kWh (or m3), spread evenly over its four quarter hours.
struct Site {
    id: SiteId,
    zone: Zone,
    points: Vec<PointValues>,
    facts: Facts,
    grid: Option<GridFactors>,
    period: Period,
}

impl Site {
    fn new() -> Self {
        let text = include_str!("../../../config/factors/uba-2025.toml");
        let FactorFile::Grid(grid) = FactorFile::read("uba-2025.toml", text).unwrap() else {
            panic!("uba-2025.toml is a set of the grid")
        };
        let (id, zone) = ("rz-1".parse().unwrap(), Zone::new("Europe/Berlin").unwrap());
        Self { id, zone, points: Vec::new(), facts: Facts::default(), grid: Some(grid), period: period() }
    }

    fn with(mut self, role: Role, kwh: i64) -> Self {
        self.push(role, Flow::Import, &[kwh * 1_000_000 / 4; QUARTERS].map(Some), None);
        self
    }

    fn with_class(mut self, role: Role, kwh: i64, share: f64) -> Self {
        self.push(role, Flow::Import, &[kwh * 1_000_000 / 4; QUARTERS].map(Some), Some(share));
        self
    }

    fn with_row(mut self, role: Role, milliwatt_hours: &[Option<i64>]) -> Self {
        self.push(role, Flow::Import, milliwatt_hours, None);
        self
    }

    fn push(&mut self, role: Role, flow: Flow, row: &[Option<i64>], share: Option<f64>) {
        let value = |amount: &Option<i64>| {
            amount.map_or(IntervalValue::missing(None), |amount| {
                IntervalValue::measured(Energy::from_milliwatt_hours(amount))
            })
        };
        let total: i64 = row.iter().flatten().sum();
        self.points.push(PointValues {
            point: format!("p{}", self.points.len()).parse().unwrap(),
            role,
            flow,
            medium: Medium::Electricity,
            values: row.iter().map(value).collect(),
            standard_uncertainty: share.map(|share| share * total as f64),
        });
    }

    fn figures(&self) -> Vec<Figure> {
        figures(&self.input())
    }

    fn input(&self) -> Input<'_> {
        Input {
            site: &self.id,
            zone: &self.zone,
            period: self.period,
            revision: 1,
            points: &self.points,
            grid_factors: self.grid.as_ref(),
            facts: &self.facts,
            rules: Rules::default(),
        }
    }

    fn figure(&self, kpi: Kpi, category: Option<u8>, variant: Option<&str>) -> Figure {
        let all = self.figures();
        let found =
            all.into_iter().find(|one| (one.kpi, one.category, one.variant) == (kpi, category, variant));
        found.unwrap_or_else(|| panic!("no {kpi} {category:?} {variant:?}"))
    }

    /// The value with so many decimals, or the code of the reason.
    fn shown(&self, kpi: Kpi, category: Option<u8>, variant: Option<&str>, decimals: usize) -> String {
        let figure = self.figure(kpi, category, variant);
        match (figure.value, figure.withheld) {
            (Some(value), None) => format!("{:.decimals$}", value.to_f64()),
            (None, Some(reason)) => reason.code().to_owned(),
            both => panic!("value and reason together or neither: {both:?}"),
        }
    }
}

/// The data centre of V01.
fn v01() -> Site {
    Site::new()
        .with(Role::Grid, 4_194_000)
        .with(Role::OutsideBoundary, 60_000)
        .with(Role::Generator, 6_000)
        .with(Role::Renewable, 60_000)
        .with(Role::ItUpsOutput, 3_000_000)
        .with(Role::ItPduOutput, 2_940_000)
        .with(Role::ItInput, 2_910_600)
}

#[test]
fn v01_pue_rises_with_its_category() {
    let site = v01();
    assert_eq!(site.shown(Kpi::EnergyTotal, None, None, 0), "4200000");
    for (category, pue) in [(1, "1.400"), (2, "1.429"), (3, "1.443")] {
        assert_eq!(site.shown(Kpi::Pue, Some(category), None, 3), pue);
    }
    assert_eq!(site.figure(Kpi::EnergyTotal, None, None).value.unwrap().to_string(), "4200000");
}

#[test]
fn v02_a_period_is_sum_over_sum_and_never_a_mean_of_ratios() {
    let months = |row: [i64; 2]| row.map(|kwh| Some(kwh * 1_000_000));
    let mut site =
        Site::new().with_row(Role::Grid, &months([100, 150])).with_row(Role::ItUpsOutput, &months([80, 100]));
    site.period = Period::new(period().from, period().from.plus_millis(1_800_000));
    assert_eq!(site.shown(Kpi::Pue, Some(1), None, 4), "1.3889");
}

#[test]
fn v03_other_carriers_count_with_the_factor_of_their_supplier() {
    let chilled = |factor: &str| CarrierUse {
        name: "chilled-water".into(),
        energy: Energy::from_kilowatt_hours(500_000),
        factor: factor.parse().unwrap(),
    };
    let mut site = Site::new().with(Role::Grid, 3_600_000).with(Role::ItUpsOutput, 3_000_000);
    for (factor, pue) in [("0.31", "1.2517"), ("0.25", "1.2417"), ("1", "1.3667")] {
        site.facts.carriers = vec![chilled(factor)];
        assert_eq!(site.shown(Kpi::Pue, Some(1), None, 4), pue, "factor {factor}");
    }
    // 1,200 l of diesel at 9.9 kWh/l.
    let diesel = CarrierUse {
        name: "diesel".into(),
        energy: Energy::from_kilowatt_hours(11_880),
        factor: accounting::Fraction::ONE,
    };
    site.facts.carriers = vec![chilled("0.25"), diesel];
    assert_eq!(site.shown(Kpi::Pue, Some(1), None, 4), "1.2456");
}

#[test]
fn v04_partial_pues_add_up_to_the_pue() {
    let site = Site::new()
        .with(Role::Grid, 4_200_000)
        .with(Role::ItPduOutput, 2_940_000)
        .with(Role::Cooling, 800_000)
        .with(Role::Other, 200_000);
    let of = |variant| site.shown(Kpi::Ppue, Some(2), Some(variant), 4);
    assert_eq!([of("cooling"), of("power"), of("other")], ["1.2721", "1.0884", "1.0680"]);
    let value = |variant| site.figure(Kpi::Ppue, Some(2), Some(variant)).value.unwrap().to_f64() - 1.0;
    let pue = site.figure(Kpi::Pue, Some(2), None).value.unwrap().to_f64() - 1.0;
    let sum = value("cooling") + value("power") + value("other");
    assert_eq!(format!("{pue:.4}"), "0.4286");
    assert!((sum - pue).abs() < 2e-4, "three roundings: {sum} and {pue}");
}

#[test]
fn v05_the_cooling_efficiency_ratio_is_heat_over_electricity() {
    let site = v01().with(Role::HeatRemoved, 3_360_000).with(Role::Cooling, 420_000);
    assert_eq!(site.shown(Kpi::Cer, None, None, 2), "8.00");
}

#[test]
fn v06_energy_reuse_never_lowers_the_pue() {
    let site = v01().with(Role::HeatReused, 630_000);
    assert_eq!(site.shown(Kpi::Erf, None, None, 3), "0.150");
    assert_eq!(site.shown(Kpi::Ere, Some(2), None, 4), "1.2143");
    assert_eq!(site.shown(Kpi::Pue, Some(2), None, 3), "1.429");
}

#[test]
fn v07_the_renewable_factor_counts_only_what_was_cancelled() {
    let mut site = v01();
    assert_eq!(site.shown(Kpi::Ref, None, None, 4), "missing_evidence");
    let kwh = Energy::from_kilowatt_hours;
    let evidence = Evidence {
        guarantees: kwh(2_500_000),
        agreements: kwh(1_000_000),
        agreements_not_cancelled: kwh(100_000),
        on_site: OnSite::Counts,
    };
    site.facts.evidence = Some(evidence);
    assert_eq!(site.shown(Kpi::Ref, None, None, 4), "0.8238");
    site.facts.evidence = Some(Evidence { guarantees: kwh(9_000_000), ..evidence });
    assert_eq!(site.shown(Kpi::Ref, None, None, 4), "1.0000");
    site.facts.evidence = Some(Evidence { on_site: OnSite::Sold, ..evidence });
    assert_eq!(site.shown(Kpi::Ref, None, None, 4), "0.8095");
}

#[test]
fn v08_the_carbon_usage_effectiveness_counts_grid_and_diesel() {
    let text = include_str!("../../../config/factors/fuels-ebev-2030.toml");
    let FactorFile::Fuels(fuels): FactorFile = FactorFile::read("fuels-ebev-2030.toml", text).unwrap() else {
        panic!("fuels-ebev-2030.toml is a set of fuels")
    };
    let fuels: FuelFactors = fuels;
    let used = FuelUse { fuel: "diesel".into(), amount: "1700".parse().unwrap(), unit: Unit::Litre };
    let mut site = v01();
    site.facts.fuels = fuel_emissions(&[used], &fuels).unwrap();
    assert_eq!(site.shown(Kpi::Co2, None, Some("location"), 1), "1500642.0");
    assert_eq!(site.shown(Kpi::Co2, None, Some("scope1"), 1), "4549.7");
    assert_eq!(site.shown(Kpi::Cue, Some(2), None, 4), "0.5120");
    let figure = site.figure(Kpi::Cue, Some(2), None);
    assert_eq!(
        figure.factor_set.as_deref(),
        Some("uba-2025@1 co2_mix (factor year 2024, estimated); ebev-2030@1")
    );
}

#[test]
fn v09_water_usage_effectiveness_by_category() {
    // WIN 5,880 m3 of which 4,410 m3 potable, over 2,940 MWh.
    let site = v01().with(Role::WaterPotable, 4_410).with(Role::WaterOther, 1_470);
    assert_eq!(site.shown(Kpi::Wue, Some(2), None, 3), "2.000");
    assert_eq!(site.shown(Kpi::Wue, Some(1), None, 3), "1.500");
}

#[test]
fn v10_a_day_of_the_clock_change_expects_its_own_number_of_quarter_hours() {
    let zone = Zone::new("Europe/Berlin").unwrap();
    for (day, quarters, kwh) in
        [("2026-03-29", 92, "9200"), ("2026-06-10", 96, "9600"), ("2026-10-25", 100, "10000")]
    {
        let mut site = Site::new().with_row(Role::Grid, &vec![Some(100_000_000); quarters]);
        site.period = zone.day(day.parse().unwrap());
        let figure = site.figure(Kpi::EnergyTotal, None, None);
        assert_eq!(figure.value.unwrap().to_string(), kwh);
        assert_eq!((figure.counted.expected as usize, figure.coverage), (quarters, Some(1.0)));
    }
}

#[test]
fn v15_location_based_and_bisko_are_two_variants() {
    let site = v01();
    assert_eq!(site.shown(Kpi::Co2, None, Some("location"), 0), "1500642");
    assert_eq!(site.shown(Kpi::Co2, None, Some("bisko"), 0), "1765218");
}

#[test]
fn v22_uncertainties_combine_in_quadrature() {
    // Main meter 0.5 % and CT 0.5 %, IT meter 1 %, each over the root of 3.
    let main = (2.0f64 * 0.005 * 0.005 / 3.0).sqrt();
    let it = 0.01 / 3f64.sqrt();
    assert_eq!(format!("{:.3} {:.3}", main * 100.0, it * 100.0), "0.408 0.577");
    let site =
        Site::new().with_class(Role::Grid, 4_200_000, main).with_class(Role::ItPduOutput, 2_940_000, it);
    let figure = site.figure(Kpi::Pue, Some(2), None);
    let (value, spread) = (figure.value.unwrap().to_f64(), figure.uncertainty.unwrap().to_f64());
    assert_eq!(format!("{value:.3} {spread:.3}"), "1.429 0.020");
    assert_eq!(format!("{:.3}", spread / value * 100.0), "1.414");
}

#[test]
fn r2_a_quarter_hour_that_one_side_lacks_counts_on_neither() {
    let row = |missing: usize| -> Vec<Option<i64>> {
        (0..100).map(|n| (n != missing).then_some(if n < 50 { 1_000_000 } else { 3_000_000 })).collect()
    };
    let half = |row: Vec<Option<i64>>| -> Vec<Option<i64>> {
        row.into_iter().map(|amount| amount.map(|amount| amount / 2)).collect()
    };
    let mut site = Site::new().with_row(Role::Grid, &row(3)).with_row(Role::ItUpsOutput, &half(row(70)));
    site.period = Period::new(period().from, period().from.plus_millis(100 * 900_000));
    let figure = site.figure(Kpi::Pue, Some(1), None);
    assert_eq!(figure.value.unwrap().to_string(), "2");
    assert_eq!((figure.counted.measured, figure.coverage, figure.true_share), (98, Some(0.98), Some(0.98)));
}

#[test]
fn a_figure_below_its_coverage_is_withheld_and_says_why() {
    let row = |known: usize| (0..1000).map(|n| (n < known).then_some(1_000_000)).collect::<Vec<_>>();
    for (known, reason) in [(950, None), (949, Some("low_coverage: 94.9 % covered, 95.0 % required"))] {
        let mut site = Site::new().with_row(Role::Grid, &row(1000)).with_row(Role::ItUpsOutput, &row(known));
        site.period = Period::new(period().from, period().from.plus_millis(1000 * 900_000));
        let figure = site.figure(Kpi::Pue, Some(1), None);
        assert_eq!(figure.withheld.map(|reason| reason.to_string()).as_deref(), reason);
        assert_eq!(figure.value.is_some(), reason.is_none());
    }
}

#[test]
fn r3_no_it_energy_is_no_figure() {
    let site = v01().with(Role::HeatReused, 1);
    let without = Site {
        points: site.points.into_iter().filter(|point| point.role != Role::ItPduOutput).collect(),
        ..v01()
    };
    assert_eq!(without.shown(Kpi::Pue, Some(2), None, 3), "missing_it_meter");
    let silent = Site::new().with(Role::Grid, 100).with_row(Role::ItUpsOutput, &[None; QUARTERS]);
    assert_eq!(silent.shown(Kpi::Pue, Some(1), None, 3), "missing_it_meter");
    let idle = Site::new().with(Role::Grid, 100).with(Role::ItUpsOutput, 0);
    assert_eq!(idle.shown(Kpi::Pue, Some(1), None, 3), "zero_it_load");
    assert_eq!(idle.shown(Kpi::Cue, Some(1), None, 3), "zero_it_load");
}

#[test]
fn r4_a_pue_below_one_is_a_boundary_error_unless_the_meters_explain_it() {
    let class = 0.01 / 3f64.sqrt();
    let site =
        |kwh| Site::new().with_class(Role::Grid, kwh, class).with_class(Role::ItUpsOutput, 1_000_000, class);
    // Combined: 2 x sqrt(2) x 0.577 % = 1.63 %.
    assert_eq!(site(980_000).shown(Kpi::Pue, Some(1), None, 3), "boundary_error");
    let within = site(990_000).figure(Kpi::Pue, Some(1), None);
    assert_eq!(
        (within.value.unwrap().to_string().as_str(), within.warnings),
        ("0.99", vec![Warning::PueBelowOne])
    );
    let unknown = Site::new().with(Role::Grid, 999_999).with(Role::ItUpsOutput, 1_000_000);
    assert_eq!(unknown.shown(Kpi::Pue, Some(1), None, 3), "boundary_error");
}

#[test]
fn r4_it_energy_cannot_grow_downstream() {
    let site = Site::new().with(Role::Grid, 300).with(Role::ItUpsOutput, 200).with(Role::ItPduOutput, 240);
    assert_eq!(site.shown(Kpi::Pue, Some(1), None, 3), "boundary_error");
    assert_eq!(site.shown(Kpi::Pue, Some(2), None, 3), "boundary_error");
    assert_eq!(site.shown(Kpi::EnergyIt, Some(2), None, 0), "240");
}

#[test]
fn r5_only_twelve_whole_months_well_measured_are_annual() {
    let zone = Zone::new("Europe/Berlin").unwrap();
    let year = zone.year(Year::new(2024).unwrap());
    let mut site = Site::new().with_row(Role::Grid, &vec![Some(1_000_000); year.quarter_count()]);
    site.period = year;
    assert!(site.figure(Kpi::EnergyTotal, None, None).is_annual(Rules::default()));
    let substitute = IntervalValue::substitute(
        Energy::from_watt_hours(1),
        Method::Interpolation,
        Reason::CommunicationFault,
    );
    site.points[0].values[..2000].fill(substitute);
    assert!(!site.figure(Kpi::EnergyTotal, None, None).is_annual(Rules::default()), "true share 94.3 %");
    let mut short = v01();
    short.period = period();
    assert!(!short.figure(Kpi::EnergyTotal, None, None).is_annual(Rules::default()));
}

#[test]
fn export_is_offset_only_within_its_quarter_hour_and_never_from_bought_co2() {
    // 100 kWh generated and 40 kWh fed in, in different quarter hours: 60 kWh are used on site.
    let mut site = Site::new()
        .with_row(Role::Grid, &[Some(0), Some(50_000_000), Some(50_000_000), Some(50_000_000)])
        .with_row(Role::Renewable, &[Some(90_000_000), Some(10_000_000), Some(0), Some(0)]);
    site.push(Role::Grid, Flow::Export, &[Some(40_000_000), Some(0), Some(0), Some(0)], None);
    assert_eq!(site.shown(Kpi::EnergyTotal, None, None, 0), "210");
    assert_eq!(site.shown(Kpi::RenewableShare, None, Some("on_site"), 4), "0.2857");
    assert_eq!(site.shown(Kpi::Co2, None, Some("location"), 3), "54.450");
    let balance = balance(&site.input());
    assert_eq!(balance.renewable.unwrap().energy, Some(Energy::from_kilowatt_hours(60)));
    assert_eq!(balance.export.unwrap().energy, Some(Energy::from_kilowatt_hours(40)));
}

#[test]
fn the_balance_adds_up_and_what_is_not_metered_is_not_zero() {
    let site = v01().with(Role::Cooling, 800_000).with(Role::Other, 200_000);
    let balance = balance(&site.input());
    let kwh = |amount: Option<EnergyAmount>| amount.unwrap().energy.unwrap().milliwatt_hours() / 1_000_000;
    assert_eq!(kwh(balance.total), 4_200_000);
    assert_eq!(kwh(balance.grid), 4_134_000);
    assert_eq!((balance.it_category, kwh(balance.losses)), (Some(2), 260_000));
    assert_eq!((balance.heat_reused, balance.water_potable), (None, None));
}

#[test]
fn enefg_leaves_out_electricity_that_only_lifts_waste_heat() {
    let site = v01().with(Role::HeatUpgrade, 210_000);
    assert_eq!(site.shown(Kpi::Pue, Some(2), Some("enefg"), 4), "1.3571");
    assert_eq!(site.shown(Kpi::Pue, Some(2), None, 4), "1.4286");
}

#[test]
fn co2_takes_the_factor_of_each_local_year() {
    // Two quarter hours on either side of local new year 2024: 386 and 363 g/kWh.
    let mut site = Site::new().with_row(Role::Grid, &[Some(1_000_000); QUARTERS]);
    let new_year = Timestamp::from_seconds(1_704_063_600);
    site.period = Period::new(new_year.plus_millis(-1_800_000), new_year.plus_millis(1_800_000));
    assert_eq!(site.shown(Kpi::Co2, None, Some("location"), 3), "1.498");
    let figure = site.figure(Kpi::Co2, None, Some("location"));
    assert_eq!(
        figure.factor_set.as_deref(),
        Some(
            "uba-2025@1 co2_mix (factor year 2023, preliminary); uba-2025@1 co2_mix (factor year 2024, estimated)"
        )
    );
    site.grid = None;
    assert_eq!(site.shown(Kpi::Co2, None, Some("location"), 3), "missing_factor");
}

#[test]
fn a_figure_has_exactly_the_fields_of_the_contract() {
    let json = serde_json::to_value(v01().figure(Kpi::Pue, Some(2), None)).unwrap();
    let mut fields: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let mut contract = vec![
        "id",
        "kpi",
        "category",
        "variant",
        "value",
        "unit",
        "from",
        "to",
        "zone",
        "coverage",
        "true_share",
        "uncertainty",
        "standard_edition",
        "formula",
        "factor_set",
        "withheld",
    ];
    fields.sort_unstable();
    contract.sort_unstable();
    assert_eq!(fields, contract);
    assert_eq!(json["id"], "rz-1/pue-2/site/2024-03-01T00:00:00Z/2024-03-01T01:00:00Z@1");
    assert_eq!(
        (json["kpi"].as_str(), json["category"].as_u64(), json["value"].as_str()),
        (Some("pue"), Some(2), Some("1.4286"))
    );
    assert_eq!((json["zone"].as_str(), json["coverage"].as_f64()), (Some("Europe/Berlin"), Some(1.0)));
    assert_eq!(json["formula"], "pue@1: (MP_EVU - outside + MP_NEA + MP_EE - export + carriers) / MP_IT2");
    assert!(json["variant"].is_null() && json["uncertainty"].is_null() && json["withheld"].is_null());
    let withheld = serde_json::to_value(Site::new().figure(Kpi::Pue, Some(1), None)).unwrap();
    assert_eq!(withheld["withheld"], "missing_meter: MP_EVU");
}

#[test]
fn an_empty_site_has_every_figure_withheld() {
    for figure in Site::new().figures() {
        assert!(figure.value.is_none() && figure.withheld.is_some(), "{figure:?}");
    }
}

proptest! {
    #[test]
    fn whatever_is_missing_a_figure_has_a_value_or_a_reason_and_a_pue_is_never_below_one(
        rows in prop::collection::vec((0usize..Role::ALL.len(), prop::collection::vec(prop::option::weighted(0.9, 0i64..1_000_000_000), 24)), 0..12),
    ) {
        let mut site = Site::new();
        site.period = Period::new(period().from, period().from.plus_millis(24 * 900_000));
        for (role, row) in rows {
            site = site.with_row(Role::ALL[role], &row);
        }
        for figure in site.figures() {
            prop_assert_ne!(figure.value.is_some(), figure.withheld.is_some());
            if figure.kpi == Kpi::Pue && figure.variant.is_none() && let Some(value) = figure.value {
                prop_assert!(value.to_f64() >= 1.0);
                prop_assert!(figure.coverage >= Some(0.95));
            }
        }
    }
}
