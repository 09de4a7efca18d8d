//! A site's file, right and wrong.

use model::{Role, Side, Timestamp};

use super::*;
use crate::{Fraction, RatioMistake};

const EXAMPLE: &str = include_str!("../../../../config/sites/example.toml");

fn said(text: &str) -> String {
    Topology::read("site.toml", text).unwrap_err().to_string()
}

const HEAD: &str = "[site]\nid = \"rz-1\"\ncity = \"frankfurt\"\nzone = \"Europe/Berlin\"\n";

#[test]
fn the_example_that_is_shipped_is_read_without_mistake() {
    let topology = Topology::read("example.toml", EXAMPLE).unwrap();
    assert_eq!(topology.site.zone.name(), "Europe/Berlin");
    assert!(topology.with_role(Role::Grid).count() >= 2, "import and export");
    assert!(topology.with_role(Role::ItPduOutput).next().is_some());
    assert!(!topology.limits.is_empty() && !topology.targets.is_empty());
    assert!(topology.points.iter().any(MeterPoint::is_imported));
    let device = "pdu-a01".parse().unwrap();
    assert_eq!(
        topology
            .place_of(&device, Timestamp::from_seconds(1_780_000_000))
            .unwrap()
            .rack
            .as_ref()
            .unwrap()
            .as_str(),
        "a01"
    );
}

#[test]
fn points_stand_after_those_that_their_formulas_name() {
    let text = format!(
        "{HEAD}[[meter_point]]\nid = \"c\"\nrole = \"sub\"\n[[meter_point.virtual]]\nformula = \"b + a\"\n\
         [[meter_point]]\nid = \"b\"\nrole = \"sub\"\n[[meter_point.virtual]]\nformula = \"2 * a\"\n\
         [[meter_point]]\nid = \"a\"\nrole = \"sub\"\n"
    );
    let topology = Topology::read("site.toml", &text).unwrap();
    assert_eq!(topology.points.iter().map(|point| point.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn formulas_that_go_round_in_a_circle_are_named() {
    let text = format!(
        "{HEAD}[[meter_point]]\nid = \"a\"\nrole = \"sub\"\n[[meter_point.virtual]]\nformula = \"b\"\n\
         [[meter_point]]\nid = \"b\"\nrole = \"sub\"\n[[meter_point.virtual]]\nformula = \"a\"\n"
    );
    assert!(said(&text).contains("the formulas of `a`, `b` go round in a circle"), "{}", said(&text));
}

#[test]
fn every_mistake_is_found_at_once_with_its_line() {
    let text = format!(
        "{HEAD}\
[[room]]
id = \"r1\"
[[rack]]
id = \"a01\"
room = \"r2\"
[[meter_point]]
id = \"grid\"
role = \"MP_EVUX\"
[[meter_point]]
id = \"ups\"
role = \"MP_IT1\"
[[meter_point.source]]
device = \"ups-1\"
channel = \"total\"
quantity = \"active_energy_import\"
ratio = \"80/1\"
side = \"primary\"
[[meter_point.source]]
device = \"ups-1\"
channel = \"total\"
quantity = \"active_energy_import\"
valid_from = 2026-01-01
valid_to = 2025-01-01
[[meter_point.source]]
device = \"ups-2\"
channel = \"total\"
quantity = \"active_power\"
[[meter_point]]
id = \"ups\"
role = \"sub\"
[[meter_point.virtual]]
formula = \"grid + nowhere\"
[[meter_point]]
id = \"heat\"
role = \"MP_An\"
[[meter_point.source]]
device = \"meter\"
channel = \"total\"
quantity = \"active_energy_import\"
accuracy_class = \"0.7\"
[[target]]
year = 2030
t_co2 = -1
book = \"location\"
"
    );
    let said = said(&text);
    for part in [
        "site.toml:7: rack: `r2` is no room of this site",
        "site.toml:12: meter_point.1.role: `MP_EVUX` is no role of a meter point",
        "a ratio of 80 on the primary side would count `ups-1/total/active_energy_import` 80 times",
        "meter_point.2.source.2.valid_to: the validity ends before it begins",
        "`active_power` is no counter of energy or volume",
        "the meter point `ups` stands in line",
        "`nowhere` is no meter point of this site",
        "`0.7` is no accuracy class",
        "target.1.t_co2: expected tonnes from 0 to 9000000000",
        "role MP_An counts heat, its sources count electricity",
    ] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
    assert!(
        !said.contains("`grid` is no meter point"),
        "what follows from another mistake is not one:\n{said}"
    );
    let lines: Vec<usize> =
        said.lines().map(|line| line.split(':').nth(1).unwrap().parse().unwrap()).collect();
    assert!(lines.is_sorted(), "{said}");
}

#[test]
fn one_register_cannot_count_twice_at_the_same_time() {
    let source =
        "[[meter_point.source]]\ndevice = \"m\"\nchannel = \"total\"\nquantity = \"active_energy_import\"\n";
    let text = format!(
        "{HEAD}[[meter_point]]\nid = \"a\"\nrole = \"MP_EVU\"\n{source}valid_to = 2026-02-01\n{source}valid_from = 2026-01-01\n"
    );
    assert!(
        said(&text).contains("would count twice: its validity overlaps that of line 8"),
        "{}",
        said(&text)
    );
    let apart = text.replace("valid_from = 2026-01-01", "valid_from = 2026-02-01");
    assert!(Topology::read("site.toml", &apart).is_ok());
}

#[test]
fn media_do_not_mix_and_import_and_export_stand_apart() {
    let source = |quantity: &str| {
        format!("[[meter_point.source]]\ndevice = \"m\"\nchannel = \"total\"\nquantity = \"{quantity}\"\n")
    };
    let mixed = format!(
        "{HEAD}[[meter_point]]\nid = \"a\"\nrole = \"sub\"\n{}[[meter_point]]\nid = \"b\"\nrole = \"sub\"\n[[meter_point.virtual]]\nformula = \"a\"\n",
        source("volume")
    );
    assert!(
        said(&mixed).contains("the formula adds `a`, which counts water, to electricity"),
        "{}",
        said(&mixed)
    );
    let both = format!(
        "{HEAD}[[meter_point]]\nid = \"a\"\nrole = \"MP_EVU\"\n{}{}",
        source("active_energy_import"),
        source("active_energy_export")
    );
    assert!(said(&both).contains("import and export need a meter point each"), "{}", said(&both));
    let export =
        format!("{HEAD}[[meter_point]]\nid = \"a\"\nrole = \"MP_EVU\"\n{}", source("active_energy_export"));
    assert_eq!(Topology::read("site.toml", &export).unwrap().points[0].flow, Flow::Export);
}

#[test]
fn a_ratio_is_checked_against_the_side_that_the_agent_reports() {
    let source = |ratio: Fraction| Source {
        series: SeriesKey {
            device: "m".parse().unwrap(),
            channel: model::Channel::total(),
            quantity: model::Quantity::ActiveEnergyImport,
        },
        ratio,
        side: None,
        accuracy: None,
        ct_accuracy: None,
        vt_accuracy: None,
        validity: Validity::ALWAYS,
    };
    let eighty = source("80/1".parse().unwrap());
    assert_eq!(eighty.check_side(Side::Secondary), Ok(()));
    assert!(matches!(eighty.check_side(Side::Primary), Err(RatioMistake::OnPrimarySide { .. })));
    assert!(matches!(source(Fraction::ONE).check_side(Side::Secondary), Err(RatioMistake::Absent { .. })));
    assert_eq!(source(Fraction::ONE).check_side(Side::Primary), Ok(()));
}

#[test]
fn validity_is_cut_at_local_midnight() {
    let text = format!(
        "{HEAD}[[room]]\nid = \"r1\"\n[[place]]\ndevice = \"d\"\nroom = \"r1\"\nvalid_from = 2026-07-01\nvalid_to = 2026-12-01\n"
    );
    let topology = Topology::read("site.toml", &text).unwrap();
    let validity = topology.places[0].validity;
    assert_eq!(
        (validity.from.to_string(), validity.to.to_string()),
        ("2026-06-30T22:00:00Z".into(), "2026-11-30T23:00:00Z".into())
    );
}

#[test]
fn broken_toml_is_named_and_nothing_else_is_claimed() {
    let said = said(&format!("{HEAD}[[meter_point]]\nid = \"a\nrole = \"sub\"\n"));
    assert!(said.lines().all(|line| line.starts_with("site.toml:")), "{said}");
    assert!(!said.contains("is missing"), "{said}");
}
