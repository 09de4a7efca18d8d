//! Accessible SVG charts: values in; drawing, finding, summary and table out.
//!
//! Near the end of the path of a reading, under panels and reports alike, so that both draw the same. Pure: no zone, no
//! clock; labels of the x axis come from the caller.
//!
//! Invariants:
//! - Every chart has four forms of the same values: a drawing, a sentence that says what is to be seen, a summary and a
//!   table. None can be had without the others ([`Chart`]).
//! - Colours are CSS classes over the tokens of [`tokens`]; no `style=`, no `on...=`, no script, so the strictest content
//!   security policy holds. Areas differ by pattern too, lines by dashes too.
//! - A gap is drawn as a gap. Missing is never zero.
//! - All text passes [`escape`].

#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a drawing is text built up once; `write!` to a String would add an error that cannot happen"
)]

mod axis;
mod bars;
mod bullet;
mod draw;
mod figure;
mod line;
pub mod tokens;
mod verdict;

#[cfg(test)]
mod tests;

pub use bars::{Bar, StackedBars};
pub use bullet::Bullet;
pub use figure::{Chart, Details, Table, escape};
pub use line::{LineChart, LineSeries};
pub use tokens::{Tone, style};
pub use verdict::Verdict;
