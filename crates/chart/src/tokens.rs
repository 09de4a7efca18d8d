//! Colours by use, light and dark, and the style sheet made of them.
//!
//! Each pair was chosen for at least 3:1 against page and card (graphics) or 4.5:1 (text) and for distance under the
//! three colour vision deficiencies; the tests recompute the contrast by the WCAG formula, so the palette cannot rot.

use std::sync::OnceLock;

/// A colour by use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// CSS custom property without `--`.
    pub name: &'static str,
    /// On the light page, `#RRGGBB`.
    pub light: &'static str,
    /// On the dark page, `#RRGGBB`.
    pub dark: &'static str,
    /// What it is held to.
    pub kind: Kind,
}

/// What contrast a colour is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ground that others stand on.
    Ground,
    /// Text on page and card: 4.5:1 (WCAG 1.4.3).
    Text,
    /// Graphics on page and card: 3:1 (WCAG 1.4.11).
    Graphic,
    /// Text on the token named: 4.5:1.
    TextOn(&'static str),
    /// A line that only divides; no demand.
    Divider,
}

const fn token(name: &'static str, light: &'static str, dark: &'static str, kind: Kind) -> Token {
    Token { name, light, dark, kind }
}

/// All colours.
pub const TOKENS: &[Token] = &[
    token("page", "#FFFFFF", "#12161C", Kind::Ground),
    token("card", "#F4F6F8", "#1B212A", Kind::Ground),
    token("rule", "#D5DBE1", "#343E4A", Kind::Divider),
    token("gap", "#E1E6EB", "#2A323C", Kind::Divider),
    token("ink", "#16202A", "#E8EDF2", Kind::Text),
    token("muted", "#51606E", "#A9B4C0", Kind::Text),
    token("link", "#0B57B7", "#8AB8FF", Kind::Text),
    token("focus", "#0B57B7", "#FFD166", Kind::Graphic),
    token("border", "#6B7886", "#7C8996", Kind::Graphic),
    token("grid", "#0038AE", "#3F74DF", Kind::Graphic),
    token("pv", "#9D7F08", "#F2B812", Kind::Graphic),
    token("diesel", "#59433E", "#8F785D", Kind::Graphic),
    token("battery", "#C254DD", "#BA3B8E", Kind::Graphic),
    token("it", "#1F243F", "#E5E7F9", Kind::Graphic),
    token("cooling", "#1B6E85", "#5DAEC0", Kind::Graphic),
    token("losses", "#8B1501", "#EF3E05", Kind::Graphic),
    token("heat", "#109E70", "#9CEFC5", Kind::Graphic),
    token("other", "#80913E", "#A87A00", Kind::Graphic),
    token("total", "#0038AE", "#3F74DF", Kind::Graphic),
    token("ok-ground", "#E3F4EA", "#10301F", Kind::Ground),
    token("ok", "#17693F", "#6FD39A", Kind::TextOn("ok-ground")),
    token("warning-ground", "#FFF1CC", "#3A2C06", Kind::Ground),
    token("warning", "#7A4D00", "#F2C14E", Kind::TextOn("warning-ground")),
    token("critical-ground", "#FDE7E5", "#431713", Kind::Ground),
    token("critical", "#A61B14", "#FF9A91", Kind::TextOn("critical-ground")),
    token("info-ground", "#E4EFFB", "#0F2A4D", Kind::Ground),
    token("info", "#0B4F9E", "#8AB8FF", Kind::TextOn("info-ground")),
    token("stale-ground", "#E9EDF1", "#2A323C", Kind::Ground),
    token("stale", "#4A5764", "#B4BEC9", Kind::TextOn("stale-ground")),
];

/// What a line or an area stands for; decides colour, pattern and dashes, the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// All of it.
    Total,
    /// IT equipment.
    It,
    /// Cooling.
    Cooling,
    /// Losses of UPS and distribution.
    Losses,
    /// The rest.
    Other,
    /// From the grid.
    Grid,
    /// Photovoltaics.
    Photovoltaic,
    /// Generators.
    Diesel,
}

impl Tone {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Total,
        Self::It,
        Self::Cooling,
        Self::Losses,
        Self::Other,
        Self::Grid,
        Self::Photovoltaic,
        Self::Diesel,
    ];

    /// Name of its token and part of its CSS classes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::It => "it",
            Self::Cooling => "cooling",
            Self::Losses => "losses",
            Self::Other => "other",
            Self::Grid => "grid",
            Self::Photovoltaic => "pv",
            Self::Diesel => "diesel",
        }
    }

    /// Strokes of the pattern that tells its area apart without colour, in a tile of 8 x 8; empty means solid.
    pub(crate) const fn strokes(self) -> &'static str {
        match self {
            Self::Total | Self::It | Self::Grid => "",
            Self::Cooling => "M0 2H8M0 6H8",
            Self::Losses => "M0 0L8 8M8 0L0 8",
            Self::Other => "M2 0V8M6 0V8",
            Self::Photovoltaic => "M2 2h1M6 6h1",
            Self::Diesel => "M-2 2L2 -2M0 8L8 0M6 10L10 6",
        }
    }
}

/// Tokens as custom properties for both themes, then the classes of charts: the part of the style sheet that panels and
/// reports share.
pub fn style() -> &'static str {
    static STYLE: OnceLock<String> = OnceLock::new();
    STYLE.get_or_init(|| {
        let (light, dark) = (properties(|token| token.light), properties(|token| token.dark));
        let tones: String = Tone::ALL.iter().map(|tone| tone_rules(tone.as_str())).collect();
        format!(
            ":root{{color-scheme:light dark;{light}}}\n\
             @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}\n\
             @media screen{{:root[data-theme=light]{{color-scheme:light}}\
             :root[data-theme=dark]{{color-scheme:dark;{dark}}}}}\n\
             @media print{{:root{{color-scheme:light}}}}\n{tones}{}",
            include_str!("chart.css")
        )
    })
}

fn properties(colour: impl Fn(&Token) -> &'static str) -> String {
    TOKENS.iter().map(|token| format!("--{}:{};", token.name, colour(token))).collect()
}

fn tone_rules(name: &str) -> String {
    format!(".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}\n")
}
