//! The two languages and how one of them is chosen.

use std::fmt;
use std::str::FromStr;

/// A language of panels and reports. German comes first: it is the language of the city.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Language {
    /// German, `de`.
    #[default]
    German,
    /// English (United Kingdom), `en`.
    English,
}

impl Language {
    /// Both.
    pub const ALL: [Self; 2] = [Self::German, Self::English];

    /// BCP 47 code, as in `lang="de"`, `?lang=de` and file names.
    pub const fn code(self) -> &'static str {
        match self {
            Self::German => "de",
            Self::English => "en",
        }
    }

    /// Name of the language in itself.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::German => "Deutsch",
            Self::English => "English",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::German => Self::English,
            Self::English => Self::German,
        }
    }

    /// The language of a request: the query's `lang`, else the cookie's, else the first known one of the
    /// `Accept-Language` header (RFC 9110, 12.5.4; taken in the order written, quality values are not weighed), else
    /// German. What is not understood is passed over.
    pub fn negotiate(query: Option<&str>, cookie: Option<&str>, accept: Option<&str>) -> Self {
        let named = |text: Option<&str>| text.and_then(|code| code.parse().ok());
        named(query).or_else(|| named(cookie)).or_else(|| accept.and_then(first_known)).unwrap_or_default()
    }
}

/// More ranges than this in a header are not looked at: no browser sends as many.
const ACCEPTED_MAX: usize = 16;

fn first_known(header: &str) -> Option<Language> {
    header.split(',').take(ACCEPTED_MAX).find_map(|range| {
        let tag = range.split(';').next()?.trim();
        tag.split('-').next()?.to_ascii_lowercase().parse().ok()
    })
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = ();

    fn from_str(code: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|language| language.code() == code).ok_or(())
    }
}
