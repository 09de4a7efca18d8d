//! The numbers behind a column that say which row an object belongs to.

use std::str::FromStr;

/// The longest text of an index; no channel is longer.
const TEXT_MAX: usize = 63;

/// A part of the index of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPart {
    /// How profiles call it.
    pub name: String,
    /// How many numbers it has.
    pub form: IndexForm,
}

/// How a part of an index stands among the numbers behind a column (RFC 2578, 7.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexForm {
    /// One number.
    Number,
    /// A text: its length, then a number for each character.
    Text,
    /// All numbers that are left, such as an object identifier; only at the end.
    Rest,
}

/// A text that is no part of an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no part of an index: a name is expected, with `:text` or `:rest` behind it where it is more than a number"
)]
pub struct InvalidIndexPart(String);

impl FromStr for IndexPart {
    type Err = InvalidIndexPart;

    fn from_str(text: &str) -> Result<Self, InvalidIndexPart> {
        let (name, form) = match text.split_once(':') {
            None => (text, IndexForm::Number),
            Some((name, "text")) => (name, IndexForm::Text),
            Some((name, "rest")) => (name, IndexForm::Rest),
            Some(_) => return Err(InvalidIndexPart(text.chars().take(80).collect())),
        };
        if name.is_empty() || name.contains(['{', '}']) {
            return Err(InvalidIndexPart(text.chars().take(80).collect()));
        }
        Ok(Self { name: name.to_owned(), form })
    }
}

/// The index of a row, cut into its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    arcs: Vec<u32>,
    /// Where each part ends.
    ends: Vec<usize>,
}

impl Row {
    /// The numbers behind a column as the parts of `index`; `None` if they are others.
    pub(super) fn read(index: &[IndexPart], arcs: &[u32]) -> Option<Self> {
        let mut ends = Vec::with_capacity(index.len());
        let mut end = 0usize;
        for part in index {
            let rest = arcs.get(end..)?;
            end += match part.form {
                IndexForm::Number => 1,
                IndexForm::Text => 1 + usize::try_from(*rest.first()?).ok().filter(|n| *n <= TEXT_MAX)?,
                IndexForm::Rest => rest.len(),
            };
            ends.push(end);
        }
        (end == arcs.len()).then(|| Self { arcs: arcs.to_vec(), ends })
    }

    /// The row whose parts say `raws`; what is not a number where one is due is 1.
    pub(super) fn of(index: &[IndexPart], raws: &[Option<String>]) -> Self {
        let mut row = Self::default();
        for (part, raw) in index.iter().zip(raws) {
            let raw = raw.as_deref().unwrap_or("1");
            let numbers =
                |text: &str| text.split('.').filter_map(|arc| arc.parse().ok()).collect::<Vec<u32>>();
            match part.form {
                IndexForm::Number => row.arcs.push(raw.parse().unwrap_or(1)),
                IndexForm::Text => {
                    let characters: Vec<u32> = raw.bytes().take(TEXT_MAX).map(u32::from).collect();
                    row.arcs.push(u32::try_from(characters.len()).unwrap_or(0));
                    row.arcs.extend(characters);
                }
                IndexForm::Rest => row.arcs.extend(numbers(raw)),
            }
            row.ends.push(row.arcs.len());
        }
        row
    }

    /// All its numbers.
    pub(super) fn arcs(&self) -> &[u32] {
        &self.arcs
    }

    /// The numbers of a part, counted from 0.
    pub(super) fn part(&self, n: usize) -> Option<&[u32]> {
        let start = if n == 0 { 0 } else { *self.ends.get(n - 1)? };
        self.arcs.get(start..*self.ends.get(n)?)
    }

    /// What a part says: a number in decimal, a text as it is, other numbers joined by dots.
    pub(super) fn raw(&self, index: &[IndexPart], n: usize) -> Option<String> {
        let arcs = self.part(n)?;
        match index.get(n)?.form {
            IndexForm::Number => arcs.first().map(u32::to_string),
            IndexForm::Text => arcs.iter().skip(1).map(|arc| char::from_u32(*arc)).collect(),
            IndexForm::Rest => Some(arcs.iter().map(u32::to_string).collect::<Vec<_>>().join(".")),
        }
    }
}
