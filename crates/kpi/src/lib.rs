//! Efficiency figures of data centres by EN 50600-4 and ISO/IEC 30134, from quarter-hour values of meter points.
//!
//! On the path of a reading this comes after `accounting` and `carbon` and before reports and panels, which only show.
//! [`figures()`] gives every [`Figure`] of a period, withheld ones with their reason; [`balance()`] gives energy by use and
//! by source. Both take the same [`Input`]: meter point values for the quarter hours of a period, and facts that no
//! meter knows (fuel burnt, certificates cancelled).
//!
//! Energy of the data centre: `E_DC = MP_EVU - outside + MP_NEA + MP_EE - export`, per quarter hour, because generation
//! and export may be offset only within one (facts 2.2); non-electric carriers are added with their factor.
//!
//! Rules, for every ratio:
//! - R1: sum over sum of the same quarter hours; ratios are never averaged;
//! - R2: a quarter hour that one side lacks counts on neither side and lowers coverage; substitutes count, and lower
//!   the true share;
//! - R3: no IT energy, no figure: never 0, never infinite;
//! - R4: a PUE below 1, or IT energy that grows downstream, by more than the uncertainty of the meters: no figure;
//!   within it: a warning;
//! - R5: less than twelve whole local months is *interim* ([`Figure::is_annual`]);
//! - R7: rounded once, on output, half away from zero: four decimals for ratios.
//!
//! Below 95 % coverage a figure is withheld ([`Rules`]). Missing is never zero.

mod balance;
mod figure;
mod figures;
mod input;
mod number_id;
mod row;

#[cfg(test)]
mod tests;

pub use balance::{Balance, EnergyAmount, VolumeAmount, balance};
pub use figure::{Figure, Kpi, Warning, Withheld};
pub use figures::figures;
pub use input::{CarrierUse, Evidence, Facts, Input, OnSite, Rules};
pub use number_id::{InvalidNumberId, NumberId};
