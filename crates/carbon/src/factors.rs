//! Factor sets, as they were published.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use accounting::Book;
use calendar::Year;
use model::{Decimal, Unit};
use serde::{Deserialize, Serialize};

/// A file of factors, by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorFile {
    /// Electricity of a country by year.
    Grid(GridFactors),
    /// Fuels.
    Fuels(FuelFactors),
}

impl FactorFile {
    /// Reads a factor set. `file` is what mistakes call it.
    ///
    /// # Errors
    /// Every mistake found, each with its line.
    pub fn read(file: &str, text: &str) -> Result<Self, settings::Mistakes> {
        crate::read::factor_file(file, text)
    }

    /// Which set it is and who published it.
    pub const fn source(&self) -> &FactorSource {
        match self {
            Self::Grid(grid) => &grid.source,
            Self::Fuels(fuels) => &fuels.source,
        }
    }
}

/// Which factor set it is and who published it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorSource {
    /// Id; a re-statement by the publisher is a new set with a new id, so that old reports stay as they were.
    pub id: String,
    /// Version of our file of it: rises when an error of ours is corrected.
    pub version: u32,
    /// Title of the publication.
    pub title: String,
    /// Who published it.
    pub publisher: String,
    /// Where in the publication the numbers stand.
    pub place: String,
    /// Year of publication.
    pub published: Year,
}

/// `uba-2025@1`
impl fmt::Display for FactorSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

/// What a factor of the grid counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Direct CO2 of all domestic generation over what it supplies.
    Co2Mix,
    /// Direct CO2 over domestic use, corrected for trade.
    Co2DomesticUse,
    /// Direct greenhouse gases as CO2 equivalents.
    Co2eNoUpstream,
    /// Greenhouse gases as CO2 equivalents with those of fuel supply.
    Co2eWithUpstream,
}

impl Indicator {
    /// Every indicator.
    pub const ALL: [Self; 4] =
        [Self::Co2Mix, Self::Co2DomesticUse, Self::Co2eNoUpstream, Self::Co2eWithUpstream];

    /// Name, as in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Co2Mix => "co2_mix",
            Self::Co2DomesticUse => "co2_domestic_use",
            Self::Co2eNoUpstream => "co2e_no_upstream",
            Self::Co2eWithUpstream => "co2e_with_upstream",
        }
    }

    /// The indicator that a book is kept with; `None` for the market-based one, which goes by contracts.
    pub const fn of_book(book: Book) -> Option<Self> {
        match book {
            Book::Location => Some(Self::Co2Mix),
            Book::Bisko => Some(Self::Co2eWithUpstream),
            Book::Market => None,
        }
    }
}

impl fmt::Display for Indicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How final the publisher calls a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not expected to change but by a re-statement.
    Final,
    /// Will be replaced.
    Preliminary,
    /// Extrapolated by the publisher.
    Estimated,
}

impl Status {
    /// Name, as in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Preliminary => "preliminary",
            Self::Estimated => "estimated",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Final, Self::Preliminary, Self::Estimated];
        let found = all.into_iter().find(|status| status.as_str() == text);
        let shown = || text.chars().take(40).collect::<String>();
        found.ok_or_else(|| format!("`{}` is no status; known are final, preliminary, estimated", shown()))
    }
}

/// The factors of one year, in g per kWh, in the order of [`Indicator::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearFactors {
    /// One for each indicator.
    pub grams_per_kwh: [Decimal; 4],
    /// How final they are.
    pub status: Status,
}

/// Factors of the electricity of a country, by year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridFactors {
    /// Which set.
    pub source: FactorSource,
    /// Country by ISO 3166-1, `DE`.
    pub country: String,
    /// Are the losses of transmission and distribution inside the factor? Then none are added on top.
    pub td_losses_included: bool,
    /// By year.
    pub years: BTreeMap<Year, YearFactors>,
}

impl GridFactors {
    /// The factor of a year: the published one, else the latest before it, marked provisional; `None` before the first
    /// year of the set.
    pub fn factor(&self, year: Year, indicator: Indicator) -> Option<GridFactor> {
        let (factor_year, factors) = self.years.range(..=year).next_back()?;
        let index = Indicator::ALL.iter().position(|one| *one == indicator)?;
        Some(GridFactor {
            set: self.source.to_string(),
            indicator,
            grams_per_kwh: factors.grams_per_kwh[index],
            year: *factor_year,
            status: factors.status,
            provisional: *factor_year != year,
        })
    }
}

/// A factor in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GridFactor {
    /// Id and version of the set, `uba-2025@1`.
    pub set: String,
    /// What it counts.
    pub indicator: Indicator,
    /// The factor in g per kWh.
    pub grams_per_kwh: Decimal,
    /// The year for which it was published.
    pub year: Year,
    /// How final the publisher calls it.
    pub status: Status,
    /// Was it published for an earlier year than the one it is used for?
    pub provisional: bool,
}

/// `uba-2025@1 co2_mix (factor year 2024, provisional)`
impl fmt::Display for GridFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.provisional { "provisional" } else { self.status.as_str() };
        write!(f, "{} {} (factor year {}, {state})", self.set, self.indicator, self.year)
    }
}

/// Where the carbon of a fuel comes from; biogenic CO2 is reported apart (GHG Protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From fossil sources: Scope 1.
    Fossil,
    /// From biomass: outside of the scopes, reported apart.
    Biogenic,
}

/// A fuel and what a unit of it emits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fuel {
    /// Id, `diesel`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The unit in which it is counted: L, kg or kWh.
    pub unit: Unit,
    /// What the unit is measured by where that matters: `gross` or `net` calorific value of a kWh.
    pub heating_value_basis: Option<String>,
    /// Energy of a unit in GJ by the net calorific value.
    pub gj_per_unit: Decimal,
    /// CO2 of a GJ in t.
    pub t_co2_per_gj: Decimal,
    /// Energy of a unit in kWh as EN 50600-4-1 counts it into the energy of a data centre; not the net calorific value
    /// above, on purpose.
    pub kpi_kwh_per_unit: Option<Decimal>,
    /// Where its carbon comes from.
    pub origin: Origin,
    /// Where its numbers stand.
    pub place: String,
}

/// Factors of fuels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuelFactors {
    /// Which set.
    pub source: FactorSource,
    /// By id.
    pub fuels: BTreeMap<String, Fuel>,
}
