//! Pieces that all drawings share: frame, grid, patterns, legend.

use locale::{Fixed, Language};

use crate::axis::Axis;
use crate::escape;
use crate::tokens::Tone;

/// For which place a drawing is made. Text keeps its size, so a narrow place needs another drawing and not a smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// 720 units.
    Wide,
    /// 320 units.
    Narrow,
}

impl Width {
    pub(crate) const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    pub(crate) const fn units(self) -> f64 {
        match self {
            Self::Wide => 720.0,
            Self::Narrow => 320.0,
        }
    }

    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// Where the values are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plot {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Plot {
    pub(crate) const fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn y(&self, value: f64, axis: &Axis) -> f64 {
        self.bottom - (value / axis.top).clamp(0.0, 1.0) * (self.bottom - self.top)
    }
}

/// What a drawing is named by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Naming<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
}

/// An `<svg>` with its name and its description.
pub(crate) fn svg(naming: Naming<'_>, width: Width, height: f64, body: &str) -> String {
    let (id, class) = (escape(naming.id), width.class());
    format!(
        "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-{class}-t {id}-{class}-d\">\
         <title id=\"{id}-{class}-t\">{}</title><desc id=\"{id}-{class}-d\">{}</desc>{body}</svg>\n",
        width.units(),
        height,
        escape(naming.title),
        escape(naming.description),
    )
}

/// Unit, marks and lines of the value axis.
pub(crate) fn value_axis(language: Language, plot: &Plot, axis: &Axis, unit: &str) -> String {
    let mut out = format!("<text class=\"tick\" x=\"0\" y=\"14\">{}</text>", escape(unit));
    for tick in &axis.ticks {
        let y = plot.y(*tick, axis);
        let class = if *tick > 0.0 { "rule" } else { "axis" };
        let text = Fixed::from_f64(*tick, axis.decimals).map(|t| language.number(t)).unwrap_or_default();
        out.push_str(&format!(
            "<path class=\"{class}\" d=\"M{:.1} {y:.1}H{:.1}\"/>\
             <text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
            plot.left,
            plot.right,
            plot.left - 6.0,
            y + 5.0,
        ));
    }
    out
}

/// `<defs>` with a pattern for each tone that has one.
pub(crate) fn patterns(prefix: &str, tones: &[Tone]) -> String {
    let one = |tone: &Tone| {
        let name = tone.as_str();
        format!(
            "<pattern id=\"{}-{name}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
             <rect class=\"f-{name}\" width=\"8\" height=\"8\"/><path class=\"hatch\" d=\"{}\"/></pattern>",
            escape(prefix),
            tone.strokes(),
        )
    };
    let all: String = tones.iter().filter(|tone| !tone.strokes().is_empty()).map(one).collect();
    if all.is_empty() { all } else { format!("<defs>{all}</defs>") }
}

/// The attribute that fills an area of this tone.
pub(crate) fn fill(prefix: &str, tone: Tone) -> String {
    let name = tone.as_str();
    if tone.strokes().is_empty() {
        format!("class=\"f-{name}\"")
    } else {
        format!("fill=\"url(#{}-{name})\"", escape(prefix))
    }
}

/// A list of names with their swatches. `short` ones are hidden where the drawing has names of its own.
pub(crate) fn legend(class: &str, entries: &[(String, String)]) -> String {
    let items: String = entries
        .iter()
        .map(|(swatch, name)| {
            format!(
                "<li><svg viewBox=\"0 0 28 14\" aria-hidden=\"true\" focusable=\"false\">{swatch}</svg>{}</li>",
                escape(name)
            )
        })
        .collect();
    format!("<ul class=\"{class}\">{items}</ul>\n")
}

/// Width of a text, roughly: 0.62 em a character is what the wider system fonts need on average for words and digits.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.62
}
