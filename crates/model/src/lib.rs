//! The words of the domain, once: samples, quantities, units, meter points, interval values, quality.
//!
//! First on the path of a reading; every other crate may afford it, because it depends on nothing but `serde` and
//! `thiserror`. It knows no time zone (that is `calendar`), no file, no socket and no clock.
//!
//! Invariants:
//! - Instants are UTC milliseconds; spans of time are half-open, `[from, to)`.
//! - A number that has a unit has a type: energy and mass are whole numbers (milliwatt-hours, milligrams), so sums are
//!   exact in any order; a decimal scale is kept as mantissa and exponent, never as a float.
//! - A value that is missing is a [`Missing`] with its reason. No type here can turn it into a zero.

mod amount;
mod channel;
mod decimal;
mod event;
mod id;
mod interval;
mod quality;
mod quantity;
mod role;
mod sample;
mod series;
mod time;
mod unit;

pub use amount::{CarbonMass, Celsius, Energy, Power, Ratio, Volume};
pub use channel::{Channel, InvalidChannel};
pub use decimal::{Decimal, InvalidDecimal};
pub use event::{Event, EventKind, Severity};
pub use id::{
    AgentId, CityId, DeviceId, InvalidId, MeterPointId, ProfileId, RackId, RoomId, SinkId, SiteId, SpoolId,
};
pub use interval::{Coverage, IntervalValue};
pub use quality::{Method, Quality, Reason};
pub use quantity::{Domain, Quantity, SeriesKind, UnknownQuantity};
pub use role::{Role, UnknownRole};
pub use sample::{Missing, Poll, Raw, Samples};
pub use series::{Encoding, PollGroup, SeriesDescriptor, Side};
pub use time::{Period, QuarterHour, Timestamp};
pub use unit::{Dimension, Unit, UnitMismatch, UnknownUnit};
