//! Reads factor sets from TOML.

use std::collections::BTreeMap;

use calendar::Year;
use model::{Decimal, Unit};
use settings::{Mistakes, Table};

use crate::factors::{
    FactorFile, FactorSource, Fuel, FuelFactors, GridFactors, Indicator, Origin, Status, YearFactors,
};

/// No grid emits more than burnt lignite with its upstream, about 1300 g/kWh.
const GRAMS_MAX: f64 = 2000.0;

pub(crate) fn factor_file(file: &str, text: &str) -> Result<FactorFile, Mistakes> {
    settings::read(file, text, |root| {
        let mut kind = None;
        let mut grid = None;
        let source = root.table("factor_set", |table| {
            kind = table.string("kind");
            let source = source(table);
            match kind.as_deref() {
                Some("grid") => grid = grid_head(table),
                Some("fuels") | None => {}
                Some(other) => {
                    table.mistake("kind", format_args!("found \"{other}\", expected \"grid\" or \"fuels\""));
                }
            }
            source
        });
        match kind.as_deref()? {
            "grid" => {
                let years = years(root);
                let (country, td_losses_included) = grid?;
                Some(FactorFile::Grid(GridFactors { source: source?, country, td_losses_included, years }))
            }
            "fuels" => {
                let fuels = fuels(root);
                Some(FactorFile::Fuels(FuelFactors { source: source?, fuels }))
            }
            _ => None,
        }
    })
}

fn source(table: &Table<'_>) -> Option<FactorSource> {
    let (id, title) = (table.string("id"), table.string("title"));
    let (publisher, place) = (table.string("publisher"), table.string("place"));
    let version = table.integer("version", 1..=9999).and_then(|version| u32::try_from(version).ok());
    let published = year(table, "published");
    let (id, title, publisher) = (id?, title?, publisher?);
    Some(FactorSource { id, version: version?, title, publisher, place: place?, published: published? })
}

fn grid_head(table: &Table<'_>) -> Option<(String, bool)> {
    let country = table.string("country");
    let losses = table.optional_boolean("td_losses_included");
    if !table.has("td_losses_included") {
        table.mistake(
            "td_losses_included",
            "is missing: say whether the losses of the grid are inside the factors",
        );
    }
    Some((country?, losses?))
}

fn year(table: &Table<'_>, key: &str) -> Option<Year> {
    let year = table.integer(key, 1900..=2199)?;
    i16::try_from(year).ok().and_then(|year| Year::new(year).ok())
}

fn years(root: &Table<'_>) -> BTreeMap<Year, YearFactors> {
    let mut years = BTreeMap::new();
    root.tables("factor", |table| {
        let year = year(table, "year");
        let status: Option<Status> = table.parsed("status");
        let all = Indicator::ALL.map(|indicator| grams(table, indicator));
        let [Some(mix), Some(domestic), Some(direct), Some(upstream)] = all else { return None };
        let factors = YearFactors { grams_per_kwh: [mix, domestic, direct, upstream], status: status? };
        let year = year?;
        if years.insert(year, factors).is_some() {
            table.mistake("year", format_args!("the year {year} stands twice"));
        }
        Some(())
    });
    if years.is_empty() {
        root.mistake("factor", "a set of the grid needs at least one `[[factor]]`");
    }
    years
}

fn grams(table: &Table<'_>, indicator: Indicator) -> Option<Decimal> {
    let grams: Decimal = table.number(indicator.as_str())?;
    if (0.0..=GRAMS_MAX).contains(&grams.to_f64()) {
        return Some(grams);
    }
    table.mistake(indicator.as_str(), format_args!("found {grams}, expected 0 to {GRAMS_MAX} g/kWh"));
    None
}

fn fuels(root: &Table<'_>) -> BTreeMap<String, Fuel> {
    let mut fuels = BTreeMap::new();
    root.tables("fuel", |table| {
        let fuel = fuel(table)?;
        if let Some(earlier) = fuels.insert(fuel.id.clone(), fuel) {
            table.mistake("id", format_args!("the fuel `{}` stands twice", earlier.id));
        }
        Some(())
    });
    if fuels.is_empty() {
        root.mistake("fuel", "a set of fuels needs at least one `[[fuel]]`");
    }
    fuels
}

fn fuel(table: &Table<'_>) -> Option<Fuel> {
    let (id, name, place) = (table.string("id"), table.string("name"), table.string("place"));
    let unit: Option<Unit> = table.parsed("unit");
    if let Some(unit) = unit.filter(|unit| !matches!(unit, Unit::Litre | Unit::Kilogram | Unit::KilowattHour))
    {
        table.mistake("unit", format_args!("found {unit}, expected L, kg or kWh"));
    }
    let heating_value_basis = table.optional_string("heating_value_basis");
    let (gj_per_unit, t_co2_per_gj) = (amount(table, "gj_per_unit"), amount(table, "t_co2_per_gj"));
    let kpi_kwh_per_unit =
        if table.has("kpi_kwh_per_unit") { amount(table, "kpi_kwh_per_unit") } else { None };
    let origin = match table.string("origin").as_deref() {
        Some("fossil") => Some(Origin::Fossil),
        Some("biogenic") => Some(Origin::Biogenic),
        Some(other) => {
            table.mistake("origin", format_args!("found \"{other}\", expected \"fossil\" or \"biogenic\""));
            None
        }
        None => None,
    };
    let (id, name, unit, place, origin) = (id?, name?, unit?, place?, origin?);
    let (gj_per_unit, t_co2_per_gj) = (gj_per_unit?, t_co2_per_gj?);
    Some(Fuel {
        id,
        name,
        unit,
        heating_value_basis,
        gj_per_unit,
        t_co2_per_gj,
        kpi_kwh_per_unit,
        origin,
        place,
    })
}

/// A decimal of 0 to 1000: more is a mistake of unit.
fn amount(table: &Table<'_>, key: &str) -> Option<Decimal> {
    let number: Decimal = table.number(key)?;
    if (0.0..=1000.0).contains(&number.to_f64()) {
        return Some(number);
    }
    table.mistake(key, format_args!("found {number}, expected 0 to 1000"));
    None
}
