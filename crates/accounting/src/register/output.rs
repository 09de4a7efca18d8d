//! What comes out of a register: quarter hours, and what was noticed on the way.

use std::fmt;

use model::{IntervalValue, QuarterHour, Timestamp};
use serde::{Deserialize, Serialize};

/// The amount of one quarter hour, in base units of the register's medium, on the register's side of the transformers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The quarter hour.
    pub quarter: QuarterHour,
    /// Amount, quality, method and reason.
    pub value: IntervalValue,
    /// The most by which the amount can differ from what the register truly counted, in base units: register step
    /// and, where a boundary was interpolated between two readings, the rise between those. Metering error not
    /// included.
    pub uncertainty: i64,
}

/// What was noticed of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// It passed its largest number and began again, with a plausible rise (MSCONS Z85).
    Rollover,
    /// It began again below its last state: restart of the device, or exchange.
    Reset,
    /// It went on far above its last state: exchange, or a change of its settings.
    Jump,
    /// Readings did not fit the ones around them and were left out.
    Glitch,
    /// A reading was no number that a register can show.
    Unreadable,
    /// A reading came that is not later than one already used.
    Late,
    /// Readings are missing over at least one quarter hour, and the register survived.
    Gap,
}

impl FindingKind {
    /// Snake-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollover => "rollover",
            Self::Reset => "reset",
            Self::Jump => "jump",
            Self::Glitch => "glitch",
            Self::Unreadable => "unreadable",
            Self::Late => "late",
            Self::Gap => "gap",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that was noticed of a register, for the log and the data quality of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// When it ended: the time of the reading that showed it.
    pub time: Timestamp,
    /// What it was.
    pub kind: FindingKind,
    /// The accepted reading before it, if there was one.
    pub since: Option<Timestamp>,
    /// Amount that was estimated for the unknown time, in base units; `None` if nothing was.
    pub estimated: Option<i64>,
}

/// Where a register puts what it found. Reused from call to call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Quarter hours that are complete, in order, none twice.
    pub intervals: Vec<Interval>,
    /// What was noticed, in order.
    pub findings: Vec<Finding>,
}
