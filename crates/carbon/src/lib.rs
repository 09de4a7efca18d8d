//! Energy to CO2, by dated factor sets.
//!
//! On the path of a reading this comes after `accounting` and before `kpi`: closed energy in, mass of CO2 out, with the
//! factors that made it. Factors, like laws and limits, are data with a source and never code: [`FactorFile`] reads a
//! set, [`GridFactors`] answers for a year and an [`Indicator`], [`FuelFactors`] for a fuel.
//!
//! - [`location_based`]: Scope 2 by the mix of the grid (GHG Protocol Scope 2 Guidance, 2015). With
//!   [`Indicator::Co2eWithUpstream`] it is what municipal inventories ask for (BISKO): no credit for green tariffs.
//! - [`fuel_emissions`]: Scope 1 of fuels by the constants of the EBeV 2030.
//! - [`TargetPath`]: what a site may emit, a straight line between the values of its file.
//!
//! Invariants:
//! - masses are whole milligrams, rounded once, half away from zero;
//! - a year for which nothing is published takes the latest factor before it and says so ([`GridFactor::provisional`]);
//!   a year before the first of a set has no factor;
//! - factors whose losses are inside ([`GridFactors::td_losses_included`]) get no losses on top;
//! - what is avoided elsewhere (heat given away, energy fed in) is never netted against what was emitted.

mod emission;
mod factors;
mod read;
mod target;

#[cfg(test)]
mod tests;

pub use emission::{
    CarbonError, Emission, EmissionPart, FuelEmission, FuelUse, fuel_emissions, location_based,
};
pub use factors::{
    FactorFile, FactorSource, Fuel, FuelFactors, GridFactor, GridFactors, Indicator, Origin, Status,
    YearFactors,
};
pub use target::TargetPath;
