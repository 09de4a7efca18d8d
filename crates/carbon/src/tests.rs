//! Test vectors of the facts, with the factor files that are shipped.

use calendar::{Year, Zone};
use model::{CarbonMass, Energy, Unit};

use super::*;

const UBA: &str = include_str!("../../../config/factors/uba-2025.toml");
const FUELS: &str = include_str!("../../../config/factors/fuels-ebev-2030.toml");

fn uba() -> GridFactors {
    match FactorFile::read("uba-2025.toml", UBA).unwrap() {
        FactorFile::Grid(grid) => grid,
        FactorFile::Fuels(_) => panic!("uba-2025.toml is a set of the grid"),
    }
}

fn fuels() -> FuelFactors {
    match FactorFile::read("fuels-ebev-2030.toml", FUELS).unwrap() {
        FactorFile::Fuels(fuels) => fuels,
        FactorFile::Grid(_) => panic!("fuels-ebev-2030.toml is a set of fuels"),
    }
}

fn year(number: i16) -> Year {
    Year::new(number).unwrap()
}

fn kilograms(kwh: i64, in_year: i16, indicator: Indicator) -> f64 {
    let grid = [(year(in_year), Energy::from_kilowatt_hours(kwh))];
    location_based(&grid, &uba(), indicator).unwrap().mass.kilograms()
}

#[test]
fn v15_location_based_and_bisko_masses_are_as_published() {
    // Facts V15: 4,134,000 kWh x 363, 372, 427 g/kWh; upstream is the difference of the last two, 55 g/kWh.
    let kwh = 4_134_000;
    let mass = |indicator| format!("{:.3}", kilograms(kwh, 2024, indicator) / 1000.0);
    assert_eq!(mass(Indicator::Co2Mix), "1500.642");
    assert_eq!(mass(Indicator::Co2eNoUpstream), "1537.848");
    assert_eq!(mass(Indicator::Co2eWithUpstream), "1765.218");
    let upstream =
        kilograms(kwh, 2024, Indicator::Co2eWithUpstream) - kilograms(kwh, 2024, Indicator::Co2eNoUpstream);
    assert_eq!(format!("{:.3}", upstream / 1000.0), "227.370");
}

#[test]
fn a_year_without_a_factor_takes_the_latest_one_and_says_so() {
    let grid = [(year(2026), Energy::from_kilowatt_hours(1))];
    let emission = location_based(&grid, &uba(), Indicator::Co2Mix).unwrap();
    assert_eq!(emission.mass, CarbonMass::from_milligrams(363_000));
    assert!(emission.is_provisional());
    assert_eq!(emission.factors_text(), "uba-2025@1 co2_mix (factor year 2024, provisional)");
    let published = uba().factor(year(2023), Indicator::Co2Mix).unwrap();
    assert_eq!(published.to_string(), "uba-2025@1 co2_mix (factor year 2023, preliminary)");
    assert!(matches!(
        location_based(&[(year(1989), Energy::ZERO)], &uba(), Indicator::Co2Mix),
        Err(CarbonError::NoFactor { .. })
    ));
}

#[test]
fn the_table_of_the_umweltbundesamt_is_whole() {
    // Rows picked from the printed table (Climate Change 13/2025, table 2).
    let set = uba();
    assert_eq!(set.years.len(), 35);
    assert!(set.td_losses_included);
    let at = |number: i16| set.years[&year(number)].grams_per_kwh.map(|grams| grams.to_string());
    assert_eq!(at(1990), ["764", "763", "769", "860"]);
    assert_eq!(at(2009), ["571", "585", "578", "641"]);
    assert_eq!(at(2024), ["363", "343", "372", "427"]);
    assert_eq!(set.years[&year(2022)].status, Status::Final);
    assert_eq!(set.years[&year(2024)].status, Status::Estimated);
}

#[test]
fn v18_fuels_emit_what_the_ordinance_says() {
    // Facts V18 and 3.4: 100,000 kWh (gross) of gas 18.139 t; 1,000 l of diesel 2.676 t, 2.676284 kg/l.
    let used =
        |fuel: &str, amount: &str, unit| FuelUse { fuel: fuel.into(), amount: amount.parse().unwrap(), unit };
    let uses = [
        used("natural-gas", "100000", Unit::KilowattHour),
        used("diesel", "1000", Unit::Litre),
        used("diesel", "1", Unit::CubicMetre),
        used("hvo", "1", Unit::Litre),
    ];
    let emissions = fuel_emissions(&uses, &fuels()).unwrap();
    let masses: Vec<_> = emissions.iter().map(|one| one.mass.milligrams()).collect();
    assert_eq!(masses, [18_139_464_000, 2_676_284_000, 2_676_284_000, 2_507_120]);
    assert_eq!(emissions[3].origin, Origin::Biogenic);
    assert!(fuel_emissions(&[used("diesel", "1", Unit::Kilogram)], &fuels()).is_err());
    assert!(fuel_emissions(&[used("coal", "1", Unit::Kilogram)], &fuels()).is_err());
}

#[test]
fn v23_the_target_path_is_a_straight_line() {
    // Facts V23: 1,900 t in 2019 to 0 in 2030 allows 1,036.36 t in 2024.
    let tonnes = |t: i64| CarbonMass::from_milligrams(t * 1_000_000_000);
    let path = TargetPath::new([(year(2030), tonnes(0)), (year(2019), tonnes(1900))]).unwrap();
    assert_eq!(format!("{:.2}", path.of_year(year(2024)).unwrap().tonnes()), "1036.36");
    assert_eq!(path.of_year(year(2018)), None);
    assert_eq!(path.of_year(year(2035)), Some(tonnes(0)));
    let zone = Zone::new("Europe/Berlin").unwrap();
    let months: i64 =
        year(2024).months().map(|month| path.of_period(&zone, zone.month(month)).unwrap().milligrams()).sum();
    assert!(
        (months - path.of_year(year(2024)).unwrap().milligrams()).abs() <= 12,
        "twelve roundings at most"
    );
}

#[test]
fn every_mistake_of_a_factor_set_is_found_at_once() {
    let text = "[factor_set]\nid = \"x\"\nversion = 1\nkind = \"grid\"\ntitle = \"t\"\npublisher = \"p\"\nplace = \"table 1\"\n\
        published = 2025\ncountry = \"DE\"\n\n[[factor]]\nyear = 2024\nco2_mix = 3630\nco2_domestic_use = 343\n\
        co2e_no_upstream = 372\nco2e_with_upstream = \"many\"\nstatus = \"guessed\"\n";
    let said = FactorFile::read("x.toml", text).unwrap_err().to_string();
    for part in [
        "x.toml:1: factor_set.td_losses_included: is missing",
        "x.toml:13: factor.1.co2_mix: found 3630, expected 0 to 2000 g/kWh",
        "x.toml:16: factor.1.co2e_with_upstream: `many` is no decimal",
        "x.toml:17: factor.1.status: `guessed` is no status",
    ] {
        assert!(said.contains(part), "{part} not in:\n{said}");
    }
}
