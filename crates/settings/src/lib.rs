//! Reads what people write in TOML and finds every mistake at once, each with file and line.
//!
//! Used by whatever has a text of its own: configurations, device profiles, factor sets, site files. `serde` stops at
//! the first mistake; a person who commissions forty devices wants to see all of them in one run. So a text is walked
//! by hand, key by key, through [`Table`], which notes what is wrong and goes on.
//!
//! Invariants: a key that nobody asked for is a mistake; a value of the wrong type or out of range is a mistake and
//! never a default; [`read`] gives a value only if there was none.

mod mistake;
mod table;
mod text;

pub use mistake::{Mistake, Mistakes};
pub use table::{Table, read};
pub use text::{InvalidText, duration_from_text, size_from_text};
