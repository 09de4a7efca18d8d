//! A list of what is lost, which cannot grow without bound.

use crate::Lost;

/// Most ranges that are kept apart; more are told as one that covers them.
const MAX_RANGES: usize = 1024;

/// Ranges in the order in which they were found.
#[derive(Debug, Clone, Default)]
pub(crate) struct LostRanges(Vec<Lost>);

impl LostRanges {
    /// Adds a range; one that follows the last for the same reason prolongs it.
    pub(crate) fn push(&mut self, new: Lost) {
        let full = self.0.len() >= MAX_RANGES;
        let joins =
            |old: &Lost| full || (old.reason == new.reason && old.last.checked_add(1) == Some(new.first));
        match self.0.last_mut().filter(|old| joins(old)) {
            Some(old) => {
                old.first = old.first.min(new.first);
                old.last = old.last.max(new.last);
                old.from = old.from.min(new.from);
                old.to = old.to.max(new.to);
            }
            None => self.0.push(new),
        }
    }

    /// Does a range touch these numbers?
    pub(crate) fn touches(&self, first: u64, last: u64) -> bool {
        self.0.iter().any(|lost| lost.first <= last && first <= lost.last)
    }

    pub(crate) fn take(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.0)
    }
}

impl Lost {
    /// How many numbers.
    pub(crate) fn count(&self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}
