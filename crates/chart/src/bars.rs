//! Stacked bars, one for each month.

use locale::{Fixed, Language};

use crate::axis::Axis;
use crate::draw::{Naming, Plot, Width, fill, legend, patterns, svg, text_width, value_axis};
use crate::tokens::Tone;
use crate::{Chart, Table, escape};

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// For words and table, such as `Oktober 2026`.
    pub label: String,
    /// Below the axis, first line, such as `Okt`.
    pub tick: String,
    /// Below the axis, second line, such as `2026`; may be empty.
    pub subtick: String,
    /// A part for each tone of the chart, from the axis up; `None` is unknown.
    pub parts: Vec<Option<f64>>,
    /// The whole, which may be more than its known parts (the rest is drawn as an outline); `None` is unknown.
    pub total: Option<f64>,
}

/// Bars of the same parts side by side. The last bar is what the words speak of.
#[derive(Debug, Clone, PartialEq)]
pub struct StackedBars {
    /// Unique on the page: letters, digits, dashes.
    pub id: String,
    /// What is drawn.
    pub title: String,
    /// What is to be seen, one sentence.
    pub finding: String,
    /// Unit of all values.
    pub unit: String,
    /// Name of the first column of the table, such as `Monat`.
    pub label_name: String,
    /// Name of the column of the whole.
    pub total_name: String,
    /// The parts: colour and name.
    pub parts: Vec<(Tone, String)>,
    /// The bars, oldest first. At most 62.
    pub bars: Vec<Bar>,
    /// Decimals in words and table.
    pub decimals: u8,
}

const HEIGHT: f64 = 300.0;
/// Two months of days; more bars need another chart.
const BARS_MAX: usize = 62;

impl StackedBars {
    /// Draws it.
    pub fn chart(&self, language: Language) -> Chart {
        let summary = self.summary(language);
        let naming = Naming { id: &self.id, title: &self.title, description: &summary };
        let mut drawing = self.legend();
        for width in Width::BOTH {
            drawing.push_str(&svg(naming, width, HEIGHT, &self.body(language, width)));
        }
        Chart { svg: drawing, finding: self.finding.clone(), summary, table: self.table(language) }
    }

    fn bars(&self) -> &[Bar] {
        &self.bars[self.bars.len().saturating_sub(BARS_MAX)..]
    }

    fn legend(&self) -> String {
        let id = format!("{}-legend", self.id);
        let tones: Vec<Tone> = self.parts.iter().map(|(tone, _)| *tone).collect();
        let entries: Vec<(String, String)> = self
            .parts
            .iter()
            .enumerate()
            .map(|(place, (tone, name))| {
                let defs = if place == 0 { patterns(&id, &tones) } else { String::new() };
                (format!("{defs}<rect {} width=\"28\" height=\"14\"/>", fill(&id, *tone)), name.clone())
            })
            .collect();
        legend("legend", &entries)
    }

    fn body(&self, language: Language, width: Width) -> String {
        let prefix = format!("{}-{}-p", self.id, width.class());
        let tones: Vec<Tone> = self.parts.iter().map(|(tone, _)| *tone).collect();
        let axis = Axis::up_to(self.bars().iter().map(height).fold(0.0, f64::max));
        let top_mark =
            Fixed::from_f64(axis.top, axis.decimals).map(|t| language.number(t)).unwrap_or_default();
        let plot = Plot {
            left: text_width(&top_mark, 16.0) + 12.0,
            top: 28.0,
            right: width.units() - 4.0,
            bottom: HEIGHT - 46.0,
        };
        let mut body = patterns(&prefix, &tones);
        body.push_str(&value_axis(language, &plot, &axis, &self.unit));
        let slot = plot.width() / self.bars().len().max(1) as f64;
        for (place, bar) in self.bars().iter().enumerate() {
            let left = plot.left + slot * (place as f64 + 0.14);
            body.push_str(&self.bar(bar, &prefix, (left, slot * 0.72), (&plot, &axis)));
            body.push_str(&self.tick(place, left + slot * 0.36, &plot, width));
        }
        body
    }

    fn bar(
        &self,
        bar: &Bar,
        prefix: &str,
        (left, width): (f64, f64),
        (plot, axis): (&Plot, &Axis),
    ) -> String {
        let mut out = String::new();
        let mut rect = |attributes: &str, from: f64, to: f64| {
            let (bottom, top) = (plot.y(from, axis), plot.y(to, axis));
            out.push_str(&format!(
                "<rect {attributes} x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                bottom - top
            ));
        };
        let mut base = 0.0;
        for ((tone, _), part) in self.parts.iter().zip(&bar.parts) {
            let Some(part) = part.filter(|part| part.is_finite() && *part > 0.0) else { continue };
            rect(&fill(prefix, *tone), base, base + part);
            rect("class=\"edge\"", base, base + part);
            base += part;
        }
        match bar.total.filter(|total| total.is_finite()) {
            Some(total) if total > base * 1.0005 => rect("class=\"budget\"", base, total),
            None if base <= 0.0 => rect("class=\"gap\"", 0.0, axis.top),
            _ => {}
        }
        out
    }

    fn tick(&self, place: usize, x: f64, plot: &Plot, width: Width) -> String {
        let bar = &self.bars()[place];
        let every = if width == Width::Narrow {
            self.bars().len().div_ceil(5)
        } else {
            self.bars().len().div_ceil(16)
        };
        if !(self.bars().len() - 1 - place).is_multiple_of(every.max(1)) {
            return String::new();
        }
        let text = |dy: f64, text: &str| {
            format!(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                plot.bottom + dy,
                escape(text)
            )
        };
        format!("{}{}", text(19.0, &bar.tick), text(38.0, &bar.subtick))
    }

    fn summary(&self, language: Language) -> String {
        let known: Vec<(&Bar, f64)> = self.bars().iter().filter_map(|bar| Some((bar, bar.total?))).collect();
        let by_value = |a: &&(&Bar, f64), b: &&(&Bar, f64)| a.1.total_cmp(&b.1);
        let (Some(low), Some(high)) = (known.iter().min_by(by_value), known.iter().max_by(by_value)) else {
            return language.text("chart-empty-summary");
        };
        let amount = |value: f64| language.optional(Fixed::from_f64(value, self.decimals), &self.unit);
        language.say(
            "chart-bars-summary",
            &[
                ("count", (known.len() as u64).into()),
                ("low", (&amount(low.1)).into()),
                ("low-label", (&low.0.label).into()),
                ("high", (&amount(high.1)).into()),
                ("high-label", (&high.0.label).into()),
            ],
        )
    }

    fn table(&self, language: Language) -> Table {
        let cell = |value: Option<f64>| {
            language.optional(value.and_then(|value| Fixed::from_f64(value, self.decimals)), "")
        };
        let head = |name: &String| format!("{name} ({})", self.unit);
        let columns = std::iter::once(self.label_name.clone())
            .chain(self.parts.iter().map(|(_, name)| head(name)))
            .chain(std::iter::once(head(&self.total_name)))
            .collect();
        let row = |bar: &Bar| {
            std::iter::once(bar.label.clone())
                .chain((0..self.parts.len()).map(|part| cell(bar.parts.get(part).copied().flatten())))
                .chain(std::iter::once(cell(bar.total)))
                .collect()
        };
        Table { caption: self.title.clone(), columns, rows: self.bars().iter().map(row).collect() }
    }
}

fn height(bar: &Bar) -> f64 {
    let parts: f64 = bar.parts.iter().flatten().copied().filter(|p| p.is_finite() && *p > 0.0).sum();
    bar.total.filter(|total| total.is_finite()).unwrap_or(0.0).max(parts)
}
