//! The name of a number: by it, anyone can ask where the number comes from.

use std::fmt;
use std::str::FromStr;

use calendar::instant_from_rfc3339;
use model::{Period, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

/// `site/kpi-or-quantity/meter-point-or-boundary/from/to@revision`, the instants in UTC:
/// `rz-1/pue-2/site/2026-02-28T23:00:00Z/2026-03-31T22:00:00Z@1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NumberId {
    /// The site.
    pub site: SiteId,
    /// The figure with its category and variant, `pue-2-enefg`, or the quantity of a meter point.
    pub what: String,
    /// The meter point, or the boundary: `site` for the whole data centre.
    pub at: String,
    /// First instant.
    pub from: Timestamp,
    /// First instant after.
    pub to: Timestamp,
    /// Revision of the values behind it, from 1.
    pub revision: u32,
}

/// A text that is no number id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no number id: site/figure/boundary/from/to@revision, from and to in UTC")]
pub struct InvalidNumberId(String);

/// Longest text that is read.
const TEXT_MAX: usize = 300;

impl NumberId {
    /// The span.
    pub fn period(&self) -> Period {
        Period::new(self.from, self.to)
    }
}

impl fmt::Display for NumberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, what, at, from, to, revision } = self;
        write!(f, "{site}/{what}/{at}/{from}/{to}@{revision}")
    }
}

impl FromStr for NumberId {
    type Err = InvalidNumberId;

    fn from_str(text: &str) -> Result<Self, InvalidNumberId> {
        parse(text).ok_or_else(|| InvalidNumberId(text.chars().take(80).collect()))
    }
}

fn parse(text: &str) -> Option<NumberId> {
    if text.len() > TEXT_MAX {
        return None;
    }
    let (path, revision) = text.rsplit_once('@')?;
    let parts: Vec<&str> = path.split('/').collect();
    let [site, what, at, from, to] = parts.as_slice() else { return None };
    let word = |text: &str| {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        (!text.is_empty() && text.chars().all(good)).then(|| text.to_owned())
    };
    let (from, to) = (instant_from_rfc3339(from).ok()?, instant_from_rfc3339(to).ok()?);
    let revision = revision.parse().ok().filter(|revision| *revision >= 1)?;
    (from < to).then_some(NumberId {
        site: site.parse().ok()?,
        what: word(what)?,
        at: word(at)?,
        from,
        to,
        revision,
    })
}

impl TryFrom<String> for NumberId {
    type Error = InvalidNumberId;
    fn try_from(text: String) -> Result<Self, InvalidNumberId> {
        text.parse()
    }
}

impl From<NumberId> for String {
    fn from(id: NumberId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_id_prints_and_reads_back() {
        let text = "rz-1/pue-2-enefg/site/2026-02-28T23:00:00Z/2026-03-31T22:00:00Z@3";
        let id: NumberId = text.parse().unwrap();
        assert_eq!((id.what.as_str(), id.revision), ("pue-2-enefg", 3));
        assert_eq!(id.to_string(), text);
        for bad in
            ["", "a/b/c/d/e@1", &text.replace("@3", "@0"), &text.replace("@3", ""), &format!("x/{text}")]
        {
            assert!(bad.parse::<NumberId>().is_err(), "{bad:?} was taken");
        }
    }
}
