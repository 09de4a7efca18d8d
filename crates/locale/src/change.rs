//! How a value compares with an earlier one.

use crate::Fixed;

/// A change against an earlier value, as people are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// More, by this many percent (one decimal).
    Up(Fixed),
    /// Less, by this many percent (one decimal, without sign).
    Down(Fixed),
    /// Less than half a percent apart: "about the same".
    Same,
    /// One of the two is missing, or the earlier one is not above zero.
    Unknown,
}

impl Change {
    /// Compares whole amounts of one unit, exactly.
    ///
    /// The limit of half a percent is the accuracy of the meters (class 0.5): below it, a difference says nothing.
    pub fn between(now: Option<i64>, before: Option<i64>) -> Self {
        let (Some(now), Some(before)) = (now, before) else { return Self::Unknown };
        let Some(difference) = now.checked_sub(before).filter(|_| before > 0) else { return Self::Unknown };
        if i128::from(difference).unsigned_abs() * 200 < i128::from(before).unsigned_abs() {
            return Self::Same;
        }
        match Fixed::percent_of(difference, before, 1) {
            Some(percent) if percent.is_negative() => Self::Down(percent.magnitude()),
            Some(percent) => Self::Up(percent),
            None => Self::Unknown,
        }
    }

    /// With its sign in percent, for tables and files; `None` if unknown. A change of "about the same" still has its
    /// number there, so this needs the two amounts again.
    pub fn percent(now: Option<i64>, before: Option<i64>) -> Option<Fixed> {
        Fixed::percent_of(now?.checked_sub(before?)?, before?, 1)
    }
}
