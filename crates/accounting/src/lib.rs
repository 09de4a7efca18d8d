//! Turns the states of cumulative registers into energy per quarter hour, and those into the values of meter points.
//!
//! On the path of a reading this comes after `store` and before `carbon` and `kpi`:
//!
//! 1. [`Register`] takes the readings of one register in the order of their time and gives one [`Interval`] for each
//!    quarter hour, with quality, method, reason and the most by which it can be wrong. What it must remember between
//!    two calls is its [`Carry`], a small value that can be stored.
//! 2. [`Topology`] is a site's file: which registers make up a meter point, from when to when, with which transformer
//!    ratio; which points are computed from others; rooms, racks, contracts, targets and limits.
//! 3. [`evaluate()`] gives the values of meter points for a span, from a [`Record`] that knows those of the registers.
//!
//! Works on register states, not on power samples: a lost hour of polling then costs resolution, never energy.
//! Integrating power ([`integrate`]) is for devices that have no register, because its error grows with every gap.
//!
//! Amounts are whole numbers in the base unit of what is counted: milliwatt-hours of electricity or heat,
//! millilitres of water or fuel ([`Medium`]). An [`model::IntervalValue`] of a water register therefore counts
//! millilitres; the medium of its series or meter point says so, and points of different media never add.
//!
//! Invariants:
//! - over any span between two accepted readings that lie on quarter hours, the interval values add up to the rise of
//!   the register, to the milliwatt-hour, whatever their quality; neither the order in which readings come nor the
//!   way in which they are cut into chunks changes a value;
//! - a single zero or spike never becomes energy, and a register that fell is a rollover only if it is plausible;
//! - nothing that is missing becomes a zero: no accepted reading, no amount;
//! - transformer ratios and formulas are exact fractions, rounded once for each point and quarter hour, half away
//!   from zero.

mod evaluate;
pub mod exchange;
mod formula;
mod fraction;
pub mod gap;
pub mod integrate;
mod register;
mod topology;

pub use evaluate::{PointValues, Record, coverage_of, evaluate, evaluate_all, total_of};
pub use formula::{Formula, InvalidFormula};
pub use fraction::{Fraction, InvalidFraction};
pub use register::{
    Carry, Finding, FindingKind, Interval, Output, Reading, Register, RegisterSpec, Settled, SpecError,
    settle,
};
pub use topology::{
    Accuracy, Book, Contract, Feed, FeedSide, Flow, InvalidAccuracy, Limit, Measure, Medium, MeterPoint,
    Place, Rack, RatioMistake, Room, SeriesKey, Site, SiteEvent, Source, Target, Topology, Unit, Validity,
    Virtual,
};
