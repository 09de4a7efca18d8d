//! Energy and fuel times factor.

use calendar::Year;
use model::{CarbonMass, Decimal, Energy, Unit};
use serde::{Deserialize, Serialize};

use crate::{Fuel, FuelFactors, GridFactor, GridFactors, Indicator, Origin};

/// Why something has no CO2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarbonError {
    /// The set begins later.
    #[error("factor set {set} has no factor for {year} or before")]
    NoFactor {
        /// The set.
        set: String,
        /// The year asked for.
        year: Year,
    },
    /// No such fuel.
    #[error("factor set {set} has no fuel `{fuel}`")]
    NoFuel {
        /// The set.
        set: String,
        /// The fuel asked for.
        fuel: String,
    },
    /// The amount is in a unit that does not convert.
    #[error("fuel `{fuel}` is counted in {expected}, found an amount in {found}")]
    FuelUnit {
        /// The fuel.
        fuel: String,
        /// Unit of the amount.
        found: Unit,
        /// Unit of the factor.
        expected: Unit,
    },
    /// More than 64 bits of milligrams.
    #[error("the mass of CO2 does not fit: the amount is beyond any data centre")]
    TooMuch,
}

/// CO2 of electricity, with the factors that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emission {
    /// The whole mass, rounded once.
    pub mass: CarbonMass,
    /// By year, in order.
    pub parts: Vec<EmissionPart>,
}

impl Emission {
    /// Was any factor published for an earlier year than the one it is used for?
    pub fn is_provisional(&self) -> bool {
        self.parts.iter().any(|part| part.factor.provisional)
    }

    /// The factors in words, each once: `uba-2025@1 co2_mix (factor year 2024, provisional)`.
    pub fn factors_text(&self) -> String {
        let mut texts: Vec<String> = self.parts.iter().map(|part| part.factor.to_string()).collect();
        texts.dedup();
        texts.join("; ")
    }
}

/// The part of an emission that lies in one year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmissionPart {
    /// The local year in which the energy was used.
    pub year: Year,
    /// The energy.
    pub energy: Energy,
    /// The factor.
    pub factor: GridFactor,
    /// Their product, rounded; the parts may differ from the whole by a milligram.
    pub mass: CarbonMass,
}

/// Denominator in which products are kept until the end: 10^-9 mg, so factors may have 6 decimals in g/kWh.
const FINE: i128 = 1_000_000_000;
/// Its power of ten.
const FINE_EXPONENT: i32 = 9;

/// Scope 2 by the mix of the grid: energy of each local year times the factor of that year (GHG Protocol Scope 2
/// Guidance, 2015, location-based method).
///
/// # Errors
/// If a year lies before the set, or the mass does not fit.
pub fn location_based(
    grid: &[(Year, Energy)],
    factors: &GridFactors,
    indicator: Indicator,
) -> Result<Emission, CarbonError> {
    let mut whole = 0i128;
    let mut parts = Vec::with_capacity(grid.len());
    for &(year, energy) in grid {
        let no_factor = || CarbonError::NoFactor { set: factors.source.to_string(), year };
        let factor = factors.factor(year, indicator).ok_or_else(no_factor)?;
        // 1 mWh is 10^-6 kWh and 1 g is 10^3 mg, so mg = mWh x g/kWh x 10^-3.
        let fine = scaled(i128::from(energy.milliwatt_hours()), factor.grams_per_kwh, -3)?;
        whole = whole.checked_add(fine).ok_or(CarbonError::TooMuch)?;
        parts.push(EmissionPart { year, energy, factor, mass: rounded(fine)? });
    }
    Ok(Emission { mass: rounded(whole)?, parts })
}

/// An amount of fuel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuelUse {
    /// Id of the fuel.
    pub fuel: String,
    /// How much of it.
    pub amount: Decimal,
    /// In which unit.
    pub unit: Unit,
}

/// CO2 of a fuel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuelEmission {
    /// What was burnt.
    pub used: FuelUse,
    /// Scope 1, or biogenic CO2 beside it.
    pub origin: Origin,
    /// The mass.
    pub mass: CarbonMass,
    /// Id and version of the factor set.
    pub set: String,
}

/// Scope 1 of fuels: amount times net calorific value times emission factor (EBeV 2030 annex 2 part 4).
///
/// # Errors
/// If the set has no such fuel, the unit does not convert, or the mass does not fit.
pub fn fuel_emissions(uses: &[FuelUse], factors: &FuelFactors) -> Result<Vec<FuelEmission>, CarbonError> {
    uses.iter().map(|used| fuel_emission(used, factors)).collect()
}

fn fuel_emission(used: &FuelUse, factors: &FuelFactors) -> Result<FuelEmission, CarbonError> {
    let set = factors.source.to_string();
    let fuel = factors.fuels.get(&used.fuel);
    let fuel = fuel.ok_or_else(|| CarbonError::NoFuel { set: set.clone(), fuel: used.fuel.clone() })?;
    let wrong_unit =
        |_| CarbonError::FuelUnit { fuel: used.fuel.clone(), found: used.unit, expected: fuel.unit };
    let factor = used.unit.factor_to(fuel.unit).map_err(wrong_unit)?;
    let amount = used.amount.times(factor).ok_or(CarbonError::TooMuch)?;
    Ok(FuelEmission { used: used.clone(), origin: fuel.origin, mass: mass_of(fuel, amount)?, set })
}

fn mass_of(fuel: &Fuel, amount: Decimal) -> Result<CarbonMass, CarbonError> {
    let per_unit = fuel.gj_per_unit.times(fuel.t_co2_per_gj).ok_or(CarbonError::TooMuch)?;
    // A tonne has 10^9 mg.
    rounded(scaled(i128::from(amount.mantissa()), per_unit, i32::from(amount.exponent()) + 9)?)
}

/// `number x factor x 10^exponent` in units of 1 / [`FINE`].
fn scaled(number: i128, factor: Decimal, exponent: i32) -> Result<i128, CarbonError> {
    let product = number.checked_mul(i128::from(factor.mantissa())).ok_or(CarbonError::TooMuch)?;
    let exponent = i32::from(factor.exponent()) + exponent + FINE_EXPONENT;
    let power = 10i128.checked_pow(exponent.unsigned_abs()).ok_or(CarbonError::TooMuch)?;
    if exponent < 0 { Ok(product / power) } else { product.checked_mul(power).ok_or(CarbonError::TooMuch) }
}

/// Whole milligrams, half away from zero.
fn rounded(fine: i128) -> Result<CarbonMass, CarbonError> {
    let (whole, rest) = (fine / FINE, fine % FINE);
    let whole = if rest.abs() * 2 >= FINE { whole + fine.signum() } else { whole };
    i64::try_from(whole).map(CarbonMass::from_milligrams).map_err(|_| CarbonError::TooMuch)
}
