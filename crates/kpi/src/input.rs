//! What figures are made from.

use accounting::{Fraction, PointValues};
use calendar::Zone;
use carbon::{FuelEmission, GridFactors};
use model::{Energy, Period, SiteId};

/// What figures of a site and period are made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'i> {
    /// The site.
    pub site: &'i SiteId,
    /// Its zone, which cuts the period into years for the factors.
    pub zone: &'i Zone,
    /// The period; its bounds lie on quarter hours.
    pub period: Period,
    /// Revision of the values, for the ids of the numbers.
    pub revision: u32,
    /// Values of all meter points that count, for each quarter hour of the period ([`accounting::evaluate_all`]).
    pub points: &'i [PointValues],
    /// Factors of the grid, if there are any.
    pub grid_factors: Option<&'i GridFactors>,
    /// What no meter knows.
    pub facts: &'i Facts,
    /// When a figure may be shown.
    pub rules: Rules,
}

/// What no meter knows of the period.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Energy that enters by other carriers than electricity.
    pub carriers: Vec<CarrierUse>,
    /// CO2 of fuel that was burnt, Scope 1.
    pub fuels: Vec<FuelEmission>,
    /// Evidence of renewable energy; `None` if nobody gave any.
    pub evidence: Option<Evidence>,
}

/// Energy that enters by another carrier, such as chilled water or diesel that is metered as fuel (EN 50600-4-2,
/// clause 5.2). The factor is data of the supplier or of EN 50600-4-1, never silently one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierUse {
    /// What it is, in a word: `chilled-water`.
    pub name: String,
    /// How much of it, by its own meter.
    pub energy: Energy,
    /// What a kWh of it counts in the energy of the data centre.
    pub factor: Fraction,
}

/// Evidence of renewable energy, for REF (EN 50600-4-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Guarantees of origin that were bought and cancelled.
    pub guarantees: Energy,
    /// Energy of power purchase agreements.
    pub agreements: Energy,
    /// The part of it whose guarantees are not owned or not cancelled; it does not count.
    pub agreements_not_cancelled: Energy,
    /// What became of the guarantees of what is generated on site.
    pub on_site: OnSite,
}

/// What became of the guarantees of what is generated on site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnSite {
    /// Cancelled, or none were issued: the energy that is used on site counts.
    Counts,
    /// Sold: it does not count.
    Sold,
}

/// When a figure may be shown, and what it may be called. Shares are in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Coverage below which a figure is withheld.
    pub coverage_min: u32,
    /// Coverage from which it may be called annual.
    pub annual_coverage_min: u32,
    /// True share from which it may be called annual.
    pub annual_true_share_min: u32,
}

/// 95 % to be shown; 99 % and a true share of 95 % to be annual.
impl Default for Rules {
    fn default() -> Self {
        Self { coverage_min: 950, annual_coverage_min: 990, annual_true_share_min: 950 }
    }
}
