//! Numbers, units, dates and messages in German and English.
//!
//! Near the end of the path of a reading: panels and reports turn their values into text here and nowhere else, so no
//! two of them round differently. Pure; it reads no clock and no environment.
//!
//! Invariants:
//! - A number is rounded once, half away from zero, from an exact decimal ([`Fixed`]); the same `Fixed` prints in every
//!   language and in every file format, so HTML, CSV and JSON show the same digits.
//! - Every message exists in both languages with the same placeholders (tested); a key that does not exist prints as
//!   `⟦key⟧`, never as nothing.
//! - A narrow no-break space (U+202F) stands before a unit and before `%`; a negative number carries U+2212.

mod change;
mod date;
mod language;
mod message;
mod number;
mod unit;

#[cfg(test)]
mod tests;

pub use change::Change;
pub use language::Language;
pub use message::{Argument, keys};
pub use number::Fixed;
pub use unit::NARROW_SPACE;
