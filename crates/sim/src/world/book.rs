//! What a device was asked and what it told, from its side: tests compare it with what an agent has delivered.

use std::collections::VecDeque;

use model::Timestamp;

/// Requests that a book remembers: an hour of one a second.
const ENTRIES_MAX: usize = 3600;

/// What a device told in answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// What it measured, at once, in a form that a good reader understands.
    Truth,
    /// What it measured, but later than it could.
    Late,
    /// What it measured, as if to a question that was not asked.
    Astray,
    /// That it does not want to: an exception.
    No,
    /// What it measured, but not all of it, or something twice.
    Partly,
    /// Something that cannot be an answer: too short, too long.
    Nonsense,
    /// Nothing.
    Nothing,
}

impl Told {
    /// One word, for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Truth => "truth",
            Self::Late => "late",
            Self::Astray => "astray",
            Self::No => "no",
            Self::Partly => "partly",
            Self::Nonsense => "nonsense",
            Self::Nothing => "nothing",
        }
    }
}

/// A request and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When it came.
    pub asked: Timestamp,
    /// The instant whose state the device had to show then, by its own clock.
    pub shows: Timestamp,
    /// Did its counters stand at 0 for this request?
    pub is_zero: bool,
    /// What it told.
    pub told: Told,
}

/// The last requests to a device.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    entries: VecDeque<Entry>,
}

impl Book {
    pub(crate) fn write(&mut self, entry: Entry) {
        if self.entries.len() >= ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_forgets_the_oldest_when_it_is_full() {
        let mut book = Book::default();
        for n in 0..4000 {
            let at = Timestamp::from_seconds(n);
            book.write(Entry { asked: at, shows: at, is_zero: false, told: Told::Truth });
        }
        assert_eq!(book.entries().count(), ENTRIES_MAX);
        assert_eq!(book.entries().next().map(|entry| entry.asked), Some(Timestamp::from_seconds(400)));
    }
}
