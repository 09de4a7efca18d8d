//! A figure, with all that is needed to trust or to doubt it.

use std::fmt;

use calendar::Zone;
use model::{Coverage, Decimal, Period, Role, Timestamp};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::{NumberId, Rules};

/// Which figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kpi {
    /// Energy of the data centre, E_DC, in kWh.
    EnergyTotal,
    /// Energy of the IT, by category, in kWh.
    EnergyIt,
    /// Power usage effectiveness, by category; variant `enefg` without electricity that only lifts waste heat.
    Pue,
    /// Partial PUE; variants `cooling`, `power`, `other`.
    Ppue,
    /// Cooling efficiency ratio.
    Cer,
    /// Renewable energy factor.
    Ref,
    /// Energy reuse factor.
    Erf,
    /// Energy reuse effectiveness (Green Grid).
    Ere,
    /// Carbon usage effectiveness, in kg per kWh.
    Cue,
    /// Water usage effectiveness, in m3 per MWh; category 1 potable water, 2 all water.
    Wue,
    /// CO2 in kg; variants `location`, `bisko` (Scope 2) and `scope1` (fuels).
    Co2,
    /// Share of electricity from own renewables, variant `on_site`.
    RenewableShare,
}

impl Kpi {
    /// Id, as in interfaces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnergyTotal => "energy_total",
            Self::EnergyIt => "energy_it",
            Self::Pue => "pue",
            Self::Ppue => "ppue",
            Self::Cer => "cer",
            Self::Ref => "ref",
            Self::Erf => "erf",
            Self::Ere => "ere",
            Self::Cue => "cue",
            Self::Wue => "wue",
            Self::Co2 => "co2",
            Self::RenewableShare => "renewable_share",
        }
    }

    /// Unit of its value; `1` for plain ratios.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::EnergyTotal | Self::EnergyIt => "kWh",
            Self::Cue => "kg/kWh",
            Self::Wue => "m3/MWh",
            Self::Co2 => "kg",
            _ => "1",
        }
    }

    /// The edition of the standard it follows: for those of the EnEfG, the edition that the act names.
    pub const fn standard_edition(self) -> &'static str {
        match self {
            Self::EnergyTotal | Self::EnergyIt | Self::Pue | Self::Ppue => "DIN EN 50600-4-2:2019-08",
            Self::Cer => "DIN EN 50600-4-7:2020-08",
            Self::Ref => "DIN EN 50600-4-3:2020-11",
            Self::Erf => "DIN EN 50600-4-6:2020-11",
            Self::Ere => "The Green Grid, ERE",
            Self::Cue => "ISO/IEC 30134-8:2022",
            Self::Wue => "ISO/IEC 30134-9:2022",
            Self::Co2 => "GHG Protocol, Scope 2 Guidance 2015",
            Self::RenewableShare => "EnEfG section 11(5)",
        }
    }
}

impl fmt::Display for Kpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a figure has no value. Prints as its code, with what there is to say behind a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// Too few quarter hours are known on all sides.
    LowCoverage {
        /// Share that is known, in thousandths, rounded down.
        covered: u32,
        /// Share that is required, in thousandths.
        required: u32,
    },
    /// A ratio that cannot be: a PUE below 1, or IT energy that grows downstream, beyond what the meters allow.
    BoundaryError,
    /// The IT used nothing.
    ZeroItLoad,
    /// There is no meter for the IT energy of this category, or it has no value at all.
    MissingItMeter,
    /// There is no meter point of a role.
    MissingMeter(Role),
    /// What is divided by is zero.
    ZeroDenominator(Role),
    /// There is no emission factor for the period.
    MissingFactor,
    /// Nobody gave evidence of renewable energy.
    MissingEvidence,
}

impl Withheld {
    /// Code, as in interfaces.
    pub const fn code(self) -> &'static str {
        match self {
            Self::LowCoverage { .. } => "low_coverage",
            Self::BoundaryError => "boundary_error",
            Self::ZeroItLoad => "zero_it_load",
            Self::MissingItMeter => "missing_it_meter",
            Self::MissingMeter(_) => "missing_meter",
            Self::ZeroDenominator(_) => "zero_denominator",
            Self::MissingFactor => "missing_factor",
            Self::MissingEvidence => "missing_evidence",
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |thousandths: &u32| format!("{}.{} %", thousandths / 10, thousandths % 10);
        f.write_str(self.code())?;
        match self {
            Self::LowCoverage { covered, required } => {
                write!(f, ": {} covered, {} required", percent(covered), percent(required))
            }
            Self::MissingMeter(role) | Self::ZeroDenominator(role) => write!(f, ": {role}"),
            _ => Ok(()),
        }
    }
}

impl Serialize for Withheld {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Something odd that the uncertainty of the meters explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Warning {
    /// The PUE is below 1.
    PueBelowOne,
    /// IT energy grows downstream.
    CategoryOrder,
}

/// A figure of a period, as `kpi --json` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Name of this number.
    pub id: NumberId,
    /// Which figure.
    pub kpi: Kpi,
    /// Measurement category, where the figure has them.
    pub category: Option<u8>,
    /// Variant, where the figure has them.
    pub variant: Option<&'static str>,
    /// The value, a decimal; `None` if it is withheld.
    pub value: Option<Decimal>,
    /// Its unit.
    pub unit: &'static str,
    /// First instant of the period.
    #[serde(serialize_with = "as_text")]
    pub from: Timestamp,
    /// First instant after it.
    #[serde(serialize_with = "as_text")]
    pub to: Timestamp,
    /// The zone that cut it.
    pub zone: Zone,
    /// Share of quarter hours that are known on all sides, 0 to 1, four decimals; `None` where it is made of no
    /// intervals.
    pub coverage: Option<f64>,
    /// Share of quarter hours that were measured on all sides, likewise.
    pub true_share: Option<f64>,
    /// Expanded uncertainty (k = 2) by the classes of meters and transformers, in the unit of the value; `None` if a
    /// class is not known.
    pub uncertainty: Option<Decimal>,
    /// The edition of the standard it follows.
    pub standard_edition: &'static str,
    /// Id, version and expression of the formula: `pue@1: E_DC / MP_IT2`.
    pub formula: String,
    /// Emission factors in it, with their year and status.
    pub factor_set: Option<String>,
    /// Why it has no value.
    pub withheld: Option<Withheld>,
    /// Quarter hours that are known on all sides, counted.
    #[serde(skip)]
    pub counted: Coverage,
    /// What was odd, within the uncertainty of the meters.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
}

impl Figure {
    /// May it be called annual: twelve whole local months, well covered and measured? Otherwise it is interim.
    pub fn is_annual(&self, rules: Rules) -> bool {
        let enough = |part: u32, least: u32| {
            u64::from(part) * 1000 >= u64::from(least) * u64::from(self.counted.expected)
        };
        let covered = self.counted.expected - self.counted.missing();
        self.zone.whole_months(Period::new(self.from, self.to)) >= 12
            && enough(covered, rules.annual_coverage_min)
            && enough(self.counted.measured, rules.annual_true_share_min)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn as_text<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(instant)
}
