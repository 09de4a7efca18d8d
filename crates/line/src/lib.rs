//! InfluxDB line protocol, in the subset that versions 1, 2 and 3 read alike. Last step of a sample on its way into a
//! sink (`influx`) or into a file of the agent (`--sink stdout`).
//!
//! One line per device, tick, domain and channel: `power,channel=l1,device=meter-1,site=rz-1 active_power_w=1234.5 1795359523000`.
//! The encoders of the client libraries were rejected: they print NaN, leave backslashes and line breaks in and so lose
//! whole batches.
//!
//! Invariants: tags are sorted by the bytes of their keys and the same input gives the same bytes, so that sending a
//! line twice is harmless; nothing that could end a line early gets into one; a point without a field is no line;
//! numbers are floats without suffix in their shortest form that reads back the same; times are milliseconds.

mod encoder;
mod key;

pub use encoder::{Encoder, Line};
pub use key::{FieldKey, Reading, Refused, SeriesKey};
