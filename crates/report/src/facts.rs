//! What a monthly report is made of: values in, nothing computed elsewhere may enter a document.
//!
//! The collector fills these from closed intervals; [`Sealed::new`](crate::Sealed::new) turns them into canonical
//! JSON, whose SHA-256 stands on every page. Amounts and ratios are exact decimals as text with the unit in the field's
//! name, instants are RFC 3339 in UTC: there is no float in the sealed object.

use calendar::{Month, Zone};
use model::{CarbonMass, Coverage, Decimal, Energy, MeterPointId, Period, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::exact::{instant, kg, kwh, span};

/// Version of the facts' shape; rises when a field changes its meaning.
pub const SCHEMA: u32 = 1;

/// All facts of one monthly report, of one site or of all sites of a city.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The report's id, such as `frankfurt-2026-10-r1` or `rz-nord-2026-10-r1`; unique, part of file names.
    pub id: String,
    /// Revision of this month's report, from 1.
    pub revision: u32,
    /// Name of the city as shown, such as `Frankfurt am Main`.
    pub city: String,
    /// The month.
    pub month: Month,
    /// Time zone in which the month was cut, such as `Europe/Berlin`.
    pub zone: Zone,
    /// The month as instants.
    #[serde(with = "span")]
    pub period: Period,
    /// State of the record from which the facts were taken.
    #[serde(with = "instant")]
    pub data_as_of: Timestamp,
    /// Can the numbers still change?
    pub status: Status,
    /// Version of the program that collected the facts.
    pub software: String,
    /// One or more sites, in the order in which they are shown. At most 64.
    pub sites: Vec<SiteMonth>,
    /// Emission factor sets used, each once.
    pub factors: Vec<FactorUse>,
    /// Formulas used, each once: id with version, and the standard's edition.
    pub formulas: Vec<FormulaUse>,
}

/// Can the numbers still change?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The month is not over, or late values may still come.
    Preliminary,
    /// All intervals of the month are final; later changes make a new revision.
    Closed,
}

/// The facts of one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteMonth {
    /// The site.
    pub site: SiteId,
    /// Its name as shown.
    pub name: String,
    /// Energy by use and by source.
    pub energy: EnergyFacts,
    /// PUE in every category that the site's meters allow, category 1 first.
    pub pue: Vec<PueFacts>,
    /// The category on which the summary and the comparison stand (1 to 3); `None` if there is no PUE.
    pub pue_category: Option<u8>,
    /// CO2, location-based.
    pub co2: Co2Facts,
    /// The target path, if the site's file has one.
    pub target: Option<TargetFacts>,
    /// Up to 13 months, oldest first, the last being the report's month; from these come the comparisons with last month
    /// and with the same month last year. A month without any value is left out.
    pub history: Vec<HistoryMonth>,
    /// All KPIs as `kpi --json` has them, withheld ones with their reason.
    pub kpis: Vec<KpiFacts>,
    /// How good the data are.
    pub quality: QualityFacts,
}

/// An amount of energy and how well it is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyAmount {
    /// Sum of the covered quarter hours; `None` if nothing is known (missing is never zero).
    #[serde(rename = "energy_kwh", with = "kwh")]
    pub energy: Option<Energy>,
    /// Quarter hours by quality.
    pub coverage: Coverage,
}

/// Energy of a month, by use and by source. What the site does not measure is `None` as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnergyFacts {
    /// All electricity of the data centre (E_DC).
    pub total: EnergyAmount,
    /// IT equipment, in the category of [`SiteMonth::pue_category`].
    pub it: Option<EnergyAmount>,
    /// Cooling.
    pub cooling: Option<EnergyAmount>,
    /// Losses of UPS and distribution.
    pub losses: Option<EnergyAmount>,
    /// Everything else, and what no meter says.
    pub other: Option<EnergyAmount>,
    /// From the grid.
    pub grid: Option<EnergyAmount>,
    /// Own photovoltaics, used on site.
    pub photovoltaic: Option<EnergyAmount>,
    /// Emergency generators.
    pub diesel: Option<EnergyAmount>,
}

/// PUE of one category (EN 50600-4-2, ISO/IEC 30134-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PueFacts {
    /// 1 = UPS output, 2 = PDU output, 3 = input of the IT equipment.
    pub category: u8,
    /// The value, with 4 decimals or as exact as it is; `None` if withheld.
    pub value: Option<Decimal>,
    /// IT energy of this category.
    #[serde(rename = "it_energy_kwh", with = "kwh")]
    pub it_energy: Option<Energy>,
    /// Quarter hours in which both sides are known.
    pub coverage: Coverage,
    /// Why it is withheld: a code such as `low_coverage`, `missing_it_meter`, `zero_it_load`, `boundary_error`.
    pub withheld: Option<String>,
}

/// CO2 of a month, location-based (GHG Protocol, Scope 2 guidance).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Co2Facts {
    /// All of it; `None` if withheld.
    #[serde(rename = "total_kg", with = "kg")]
    pub total: Option<CarbonMass>,
    /// By source, in the order in which it is shown.
    pub sources: Vec<Co2Source>,
    /// Quarter hours behind it.
    pub coverage: Coverage,
    /// Why it is withheld, a code as in [`PueFacts::withheld`].
    pub withheld: Option<String>,
}

/// CO2 of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Co2Source {
    /// Which: `grid`, `photovoltaic`, `diesel`.
    pub source: SourceKind,
    /// The energy that was multiplied.
    #[serde(rename = "energy_kwh", with = "kwh")]
    pub energy: Option<Energy>,
    /// The product.
    #[serde(rename = "co2_kg", with = "kg")]
    pub co2: Option<CarbonMass>,
    /// Factor in g CO2 per kWh.
    pub grams_per_kwh: Decimal,
    /// [`FactorUse::id`].
    pub factor: String,
}

/// Where electricity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// The public grid.
    Grid,
    /// Own photovoltaics.
    Photovoltaic,
    /// Emergency generators.
    Diesel,
}

/// A factor set in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactorUse {
    /// Id of the set with its version, such as `uba-strommix@2025-03`.
    pub id: String,
    /// Who published it, as shown: `Umweltbundesamt, Climate Change 13/2025`.
    pub source: String,
    /// The year for which the factor was published; it may lie before the month.
    pub year: i16,
    /// Its unit as shown.
    pub unit: String,
    /// How final the publisher calls it, or `Substitute` when a later year's factor is not out yet.
    pub status: FactorStatus,
}

/// How final a factor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorStatus {
    /// Final by its publisher.
    Final,
    /// Provisional or estimated by its publisher.
    Provisional,
    /// The latest published one stands in for a year that has none yet.
    Substitute,
}

impl FactorStatus {
    /// May it still change?
    pub const fn is_provisional(self) -> bool {
        !matches!(self, Self::Final)
    }
}

/// A formula in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormulaUse {
    /// Id with version, such as `pue@1`.
    pub id: String,
    /// The formula as people read it, such as `E_DC / E_IT`.
    pub text: String,
    /// Edition of the standard.
    pub standard: String,
}

/// The year's budget and how much of it was used up to the end of the month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFacts {
    /// Start of the path, a year and its CO2.
    pub base: TargetYear,
    /// End of the path.
    pub goal: TargetYear,
    /// What the path allows for the year of the report.
    #[serde(rename = "year_budget_kg", with = "kg")]
    pub year_budget: Option<CarbonMass>,
    /// What the path allows from 1 January to the end of the month.
    #[serde(rename = "allowed_to_date_kg", with = "kg")]
    pub allowed_to_date: Option<CarbonMass>,
    /// What was emitted from 1 January to the end of the month; `None` if unknown.
    #[serde(rename = "actual_to_date_kg", with = "kg")]
    pub actual_to_date: Option<CarbonMass>,
    /// Quarter hours of that time, by quality.
    pub coverage_to_date: Coverage,
}

/// A year of a target path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetYear {
    /// The year.
    pub year: i16,
    /// CO2 in it.
    #[serde(rename = "co2_kg", with = "kg")]
    pub co2: Option<CarbonMass>,
}

/// A month of the past, for the comparison and the chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryMonth {
    /// Which.
    pub month: Month,
    /// Energy by use, as in the report's month.
    pub energy: EnergyFacts,
    /// PUE in the report's category.
    pub pue: Option<Decimal>,
    /// CO2, location-based.
    #[serde(rename = "co2_kg", with = "kg")]
    pub co2: Option<CarbonMass>,
}

/// A KPI as `kpi --json` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KpiFacts {
    /// `pue`, `cer`, `ref`, ...
    pub kpi: String,
    /// Measurement category, if it has one.
    pub category: Option<u8>,
    /// Variant, such as `enefg` or `location`, if it has one.
    pub variant: Option<String>,
    /// The value; `None` if withheld.
    pub value: Option<Decimal>,
    /// Its unit; empty for a plain ratio.
    pub unit: String,
    /// Quarter hours behind it.
    pub coverage: Coverage,
    /// Expanded uncertainty (k = 2) in the same unit.
    pub uncertainty: Option<Decimal>,
    /// Edition of the standard.
    pub standard_edition: String,
    /// [`FormulaUse::id`].
    pub formula: String,
    /// [`FactorUse::id`], if a factor went in.
    pub factor_set: Option<String>,
    /// Why it is withheld, a code as in [`PueFacts::withheld`].
    pub withheld: Option<String>,
}

/// How good a site's data are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityFacts {
    /// Quarter hours of all meter points together.
    pub coverage: Coverage,
    /// Each meter point, in the order of the site's file. At most 1000 are shown.
    pub points: Vec<PointQuality>,
    /// The longest gaps, longest first. At most 50 are shown.
    pub gaps: Vec<Gap>,
    /// What became of the scheduled samples.
    pub losses: LossStatement,
}

/// How good the data of one meter point are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointQuality {
    /// The meter point.
    pub point: MeterPointId,
    /// Its role, such as `MP_EVU`.
    pub role: String,
    /// Energy of the month.
    #[serde(rename = "energy_kwh", with = "kwh")]
    pub energy: Option<Energy>,
    /// Quarter hours by quality.
    pub coverage: Coverage,
}

/// A stretch without true values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The meter point.
    pub point: MeterPointId,
    /// From when to when.
    #[serde(with = "span")]
    pub period: Period,
    /// Was it filled by substitutes?
    pub substituted: Substituted,
    /// Why, a code of [`model::Reason`] or [`model::Missing`], if it is known.
    pub reason: Option<String>,
}

/// What stands in a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Substituted {
    /// Substitutes stand there.
    Yes,
    /// Nothing stands there.
    No,
}

/// What became of the samples that the agents' plans scheduled (design: nothing vanishes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossStatement {
    /// Scheduled by plan; `None` where no plan is on record, such as for imported data.
    pub expected: Option<u64>,
    /// Received with a value.
    pub received: u64,
    /// Received as missing, with the device's or the agent's reason.
    pub missing: u64,
    /// Lost after they were polled, such as by a full spool.
    pub lost: u64,
}
