//! Sentences from `messages/*.ftl` (Fluent, <https://projectfluent.org>).

use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::langid;

use crate::{Fixed, Language};

/// What fills a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument<'a> {
    /// A text, already in its final form: numbers with a unit are formatted by the caller.
    Text(&'a str),
    /// A count, which also selects the plural form.
    Count(u64),
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Argument<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Argument<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl<'a> From<Argument<'a>> for FluentValue<'a> {
    fn from(argument: Argument<'a>) -> Self {
        match argument {
            Argument::Text(text) => text.into(),
            Argument::Count(count) => count.into(),
        }
    }
}

impl Language {
    /// The message of this key, or `⟦key⟧` if there is none.
    pub fn text(self, key: &str) -> String {
        self.say(key, &[])
    }

    /// The message of this key with its placeholders filled, or `⟦key⟧` if there is none or a placeholder is missing.
    pub fn say(self, key: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        let bundle = bundle(self);
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return format!("⟦{key}⟧");
        };
        let mut filled = FluentArgs::new();
        for (name, argument) in arguments {
            filled.set(*name, FluentValue::from(*argument));
        }
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&filled), &mut errors);
        if errors.is_empty() { text.into_owned() } else { format!("⟦{key}⟧") }
    }

    /// Is there a message of this key?
    pub fn has(self, key: &str) -> bool {
        bundle(self).has_message(key)
    }
}

/// The keys of a language in the order of its file, for tests.
pub fn keys(language: Language) -> Vec<&'static str> {
    source(language)
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split_once(" =").map(|(key, _)| key))
        .collect()
}

pub(crate) const fn source(language: Language) -> &'static str {
    match language {
        Language::German => include_str!("../messages/de.ftl"),
        Language::English => include_str!("../messages/en.ftl"),
    }
}

type Bundle = FluentBundle<FluentResource>;

fn bundle(language: Language) -> &'static Bundle {
    static GERMAN: OnceLock<Bundle> = OnceLock::new();
    static ENGLISH: OnceLock<Bundle> = OnceLock::new();
    match language {
        Language::German => GERMAN.get_or_init(|| make(language)),
        Language::English => ENGLISH.get_or_init(|| make(language)),
    }
}

/// What Fluent cannot read, or finds twice, it leaves out; the tests hold that nothing is.
fn make(language: Language) -> Bundle {
    let id = match language {
        Language::German => langid!("de-DE"),
        Language::English => langid!("en-GB"),
    };
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // The marks around placeholders (U+2068) would end up in CSV cells and in copied text.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match language {
        Language::German => |value, _| count_text(Language::German, value),
        Language::English => |value, _| count_text(Language::English, value),
    }));
    let resource = match FluentResource::try_new(source(language).to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    bundle.add_resource_overriding(resource);
    bundle
}

/// Counts with their groups of three; texts stay as they are.
fn count_text(language: Language, value: &FluentValue<'_>) -> Option<String> {
    match value {
        FluentValue::Number(number) => Fixed::from_f64(number.value, 0).map(|count| language.number(count)),
        _ => None,
    }
}
