//! Meter points and what they are made of.

use model::{MeterPointId, QuarterHour, Role, RoomId, Side, Timestamp};

use crate::{Accuracy, Flow, Formula, Fraction, Medium, SeriesKey, Validity};

/// A place whose energy, heat or water is accounted for, `[[meter_point]]`. It is made of registers, or of other points
/// by a formula, or of neither: then it is fed by import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterPoint {
    /// Id.
    pub id: MeterPointId,
    /// Name for people; its id if none was given.
    pub name: String,
    /// What it measures for.
    pub role: Role,
    /// Which way it counts.
    pub flow: Flow,
    /// What flows.
    pub medium: Medium,
    /// The room that it serves, if it serves one.
    pub room: Option<RoomId>,
    /// The organisational unit whose energy it is, if it is of one.
    pub unit: Option<String>,
    /// Official id of the measuring location (MeLo), if it has one.
    pub melo: Option<String>,
    /// Accuracy of what is imported, where it is fed by import.
    pub accuracy: Option<Accuracy>,
    /// `[[meter_point.source]]`: registers that add up to it.
    pub sources: Vec<Source>,
    /// `[[meter_point.virtual]]`: formulas, one at a time.
    pub formulas: Vec<Virtual>,
}

/// A register that is part of a meter point, `[[meter_point.source]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The register.
    pub series: SeriesKey,
    /// CT x VT for a register on the secondary side; one for a register on the primary side.
    pub ratio: Fraction,
    /// On which side of the transformers the register counts, if the file says so.
    pub side: Option<Side>,
    /// Class of the meter.
    pub accuracy: Option<Accuracy>,
    /// Class of the current transformer.
    pub ct_accuracy: Option<Accuracy>,
    /// Class of the voltage transformer.
    pub vt_accuracy: Option<Accuracy>,
    /// From when to when.
    pub validity: Validity,
}

/// A formula by which a meter point is made of others, `[[meter_point.virtual]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Virtual {
    /// The formula.
    pub formula: Formula,
    /// From when to when.
    pub validity: Validity,
}

/// What a source says of its ratio, against what the agent says of the register.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatioMistake {
    /// A ratio on a register that already counts what flows in the main circuit.
    #[error("`{series}` counts on the primary side, so the ratio {ratio} would count it {ratio} times")]
    OnPrimarySide {
        /// The register.
        series: SeriesKey,
        /// The ratio.
        ratio: Fraction,
    },
    /// No ratio on a register behind transformers.
    #[error(
        "`{series}` counts on the secondary side and needs the ratio of its transformers, such as \"80/1\""
    )]
    Absent {
        /// The register.
        series: SeriesKey,
    },
}

impl MeterPoint {
    /// Is it fed by import: has it neither source nor formula?
    pub fn is_imported(&self) -> bool {
        self.sources.is_empty() && self.formulas.is_empty()
    }

    /// The registers that make it up through a whole quarter hour.
    pub fn sources_in(&self, quarter: QuarterHour) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |source| source.validity.covers(quarter))
    }

    /// The formula that holds at an instant.
    pub fn formula_at(&self, time: Timestamp) -> Option<&Formula> {
        self.formulas.iter().find(|one| one.validity.contains(time)).map(|one| &one.formula)
    }
}

impl Source {
    /// Standard uncertainty as a share: meter, current and voltage transformer in quadrature; `None` if the class of
    /// the meter is not known.
    pub fn standard_uncertainty(&self) -> Option<f64> {
        let meter = self.accuracy?;
        let parts = [Some(meter), self.ct_accuracy, self.vt_accuracy];
        let squares = parts.into_iter().flatten().map(|part| part.standard_uncertainty().powi(2));
        Some(squares.sum::<f64>().sqrt())
    }

    /// Checks the ratio against the side that the agent reports.
    ///
    /// # Errors
    /// If there is a ratio on the primary side, or none on the secondary side.
    pub fn check_side(&self, side: Side) -> Result<(), RatioMistake> {
        let series = self.series.clone();
        match side {
            Side::Primary if self.ratio != Fraction::ONE => {
                Err(RatioMistake::OnPrimarySide { series, ratio: self.ratio })
            }
            // A ratio of one is written by whoever means it: then the file says the side.
            Side::Secondary if self.ratio == Fraction::ONE && self.side != Some(Side::Secondary) => {
                Err(RatioMistake::Absent { series })
            }
            Side::Primary | Side::Secondary => Ok(()),
        }
    }
}
