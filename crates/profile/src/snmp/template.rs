//! Channel names with places that are filled from a row: `{unit}outlet.{outlet}`.

use std::fmt;

/// Channel names with places that are filled from a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

/// Places of a template and the raw values that fill them.
pub(super) type Places = Vec<(String, String)>;

/// For a place and what is left of a text, the possible (filling, raw value) pairs.
type Options<'o> = dyn Fn(&str, &str) -> Vec<(String, String)> + 'o;

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no channel template: every `{{` needs its `}}` with a name between them")]
pub struct InvalidTemplate(String);

/// Longer than this no channel is, so nothing longer is matched.
const TEXT_MAX: usize = 63;

impl Template {
    /// From its text; `places` become `{name}`.
    ///
    /// # Errors
    /// If a brace has no partner or no name.
    pub fn new(text: &str) -> Result<Self, InvalidTemplate> {
        let wrong = || InvalidTemplate(text.chars().take(80).collect());
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(wrong)?;
            if before.contains('}') || name.is_empty() || name.contains('{') {
                return Err(wrong());
            }
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::Place(name.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(wrong());
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        Ok(Self { parts })
    }

    /// The names of its places.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The text with every place filled; `None` if one cannot be.
    pub fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some(text.clone()),
                Part::Place(name) => value(name),
            })
            .collect()
    }

    /// The raw values that fill the template to `text`: pairs of place and raw value; `None` if none do. `options`
    /// gives the possible fillings.
    pub(super) fn unfill(&self, text: &str, options: &Options<'_>) -> Option<Places> {
        if text.len() > TEXT_MAX {
            return None;
        }
        unfill(&self.parts, text, options)
    }
}

/// Tries the possible fillings of the first place and goes on with the rest; templates have few places, channels few
/// characters.
fn unfill(parts: &[Part], text: &str, options: &Options<'_>) -> Option<Places> {
    let Some((first, others)) = parts.split_first() else {
        return text.is_empty().then(Vec::new);
    };
    match first {
        Part::Text(literal) => unfill(others, text.strip_prefix(literal.as_str())?, options),
        Part::Place(name) => options(name, text).into_iter().find_map(|(filling, raw)| {
            let mut found = unfill(others, text.strip_prefix(filling.as_str())?, options)?;
            found.push((name.clone(), raw));
            Some(found)
        }),
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Place(name) => write!(f, "{{{name}}}"),
        })
    }
}
