//! Local days, months and years over UTC instants; the only place of the project that knows time zones.
//!
//! Everything before it on the path of a reading counts in UTC milliseconds and UTC quarter hours. Reports, laws and
//! people count in local days, months and years, and those are cut here: a [`Zone`] turns a [`Date`], [`Month`] or
//! [`Year`] into a half-open [`model::Period`], and an instant into a [`Local`] time with its mark 2A or 2B in the
//! doubled hour of autumn (SoZV section 2). Words such as month names are `locale`'s; here are only numbers.
//!
//! Why jiff with its bundled zone data: the same binary gives the same month on every machine, without a file being
//! read. Rejected: the system's zone files (a container without them would silently count in UTC).
//!
//! Invariants:
//! - days, months and years of a zone follow each other without gap or overlap;
//! - a local time is never turned into an instant by guessing: a time that does not exist or exists twice is an error
//!   unless the caller says which of the two is meant;
//! - dates lie in the years 1900 to 2199, so no sum of days can leave what can be held.

mod date;
mod local;
mod parse;
mod zone;

#[cfg(test)]
mod tests;

pub use date::{Date, InvalidDate, Month, Year};
pub use local::{HourMark, Local, LocalTimeError};
pub use parse::{InvalidInstant, InvalidSpan, instant_from_rfc3339};
pub use zone::{UnknownZone, Zone};
