//! Lines over time, with gaps as gaps.

use locale::{Fixed, Language};

use crate::axis::Axis;
use crate::draw::{Naming, Plot, Width, legend, svg, text_width, value_axis};
use crate::tokens::Tone;
use crate::{Chart, Table, escape};

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct LineSeries {
    /// Its name.
    pub name: String,
    /// Colour and dashes.
    pub tone: Tone,
    /// A value for each label of the chart; `None` is a gap. Further ones are ignored.
    pub values: Vec<Option<f64>>,
}

/// Lines over equal steps of time. The first series is what the words speak of.
#[derive(Debug, Clone, PartialEq)]
pub struct LineChart {
    /// Unique on the page: letters, digits, dashes.
    pub id: String,
    /// What is drawn, such as `Leistung der letzten 24 Stunden`.
    pub title: String,
    /// Unit of all values, such as `kW`.
    pub unit: String,
    /// Name of the first column of the table, such as `Beginn`.
    pub label_name: String,
    /// A label for each step, for words and table.
    pub labels: Vec<String>,
    /// Steps that get a mark below the axis, with a short text.
    pub ticks: Vec<(usize, String)>,
    /// The lines. At most 5.
    pub series: Vec<LineSeries>,
    /// Decimals in words and table.
    pub decimals: u8,
}

/// More lines than this cannot be told apart.
const SERIES_MAX: usize = 5;
const HEIGHT: f64 = 280.0;
/// Distance of two names at line ends, so that they do not touch.
const NAME_HEIGHT: f64 = 18.0;

impl LineChart {
    /// Draws it.
    pub fn chart(&self, language: Language) -> Chart {
        let words = Words::of(self);
        let finding = words.finding(self, language);
        let summary = words.summary(self, language);
        let naming = Naming { id: &self.id, title: &self.title, description: &summary };
        let mut drawing = legend("legend short", &self.legend_entries());
        for width in Width::BOTH {
            drawing.push_str(&svg(naming, width, HEIGHT, &self.body(language, width)));
        }
        Chart { svg: drawing, finding, summary, table: self.table(language) }
    }

    /// The first series alone, without axes, as ornament beside numbers that say the same: hidden from assistive
    /// technology.
    pub fn sparkline(&self) -> String {
        let plot = Plot { left: 0.0, top: 2.0, right: 200.0, bottom: 46.0 };
        let Some(first) = self.series.first() else { return String::new() };
        let axis = Axis::up_to(greatest(std::slice::from_ref(first)));
        format!(
            "<svg class=\"spark\" viewBox=\"0 0 200 48\" preserveAspectRatio=\"none\" aria-hidden=\"true\" \
             focusable=\"false\">{}</svg>",
            self.path(first, &plot, &axis)
        )
    }

    fn lines(&self) -> &[LineSeries] {
        &self.series[..self.series.len().min(SERIES_MAX)]
    }

    fn body(&self, language: Language, width: Width) -> String {
        let axis = Axis::up_to(greatest(self.lines()));
        let plot = self.plot(language, width, &axis);
        let mut body = self.gap_bands(&plot);
        body.push_str(&value_axis(language, &plot, &axis, &self.unit));
        body.push_str(&self.time_axis(&plot, width));
        for line in self.lines() {
            body.push_str(&self.path(line, &plot, &axis));
        }
        if width == Width::Wide {
            body.push_str(&self.end_names(&plot, &axis));
        }
        body
    }

    fn plot(&self, language: Language, width: Width, axis: &Axis) -> Plot {
        let top_mark =
            Fixed::from_f64(axis.top, axis.decimals).map(|t| language.number(t)).unwrap_or_default();
        let names = self.lines().iter().map(|line| text_width(&line.name, 16.0)).fold(0.0, f64::max);
        let right = match width {
            Width::Wide => width.units() - names - 14.0,
            Width::Narrow => width.units() - 10.0,
        };
        Plot { left: text_width(&top_mark, 16.0) + 12.0, top: 28.0, right, bottom: HEIGHT - 30.0 }
    }

    fn x(&self, step: usize, plot: &Plot) -> f64 {
        let last = self.labels.len().saturating_sub(1).max(1);
        plot.left + step as f64 / last as f64 * plot.width()
    }

    fn time_axis(&self, plot: &Plot, width: Width) -> String {
        let every = if width == Width::Narrow { 2 } else { 1 };
        let mut out = String::new();
        for (step, text) in self.ticks.iter().step_by(every) {
            let x = self.x(*step, plot);
            out.push_str(&format!(
                "<path class=\"axis\" d=\"M{x:.1} {:.1}v5\"/>\
                 <text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                plot.bottom,
                plot.bottom + 22.0,
                escape(text),
            ));
        }
        out
    }

    /// Grey bands where no line has a value.
    fn gap_bands(&self, plot: &Plot) -> String {
        let known = |step: usize| self.lines().iter().any(|line| value(line, step).is_some());
        let mut out = String::new();
        for (from, to) in runs(self.labels.len(), |step| !known(step)) {
            let left = self.x(from.saturating_sub(1), plot);
            let right = self.x((to + 1).min(self.labels.len().saturating_sub(1)), plot);
            out.push_str(&format!(
                "<rect class=\"gap\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                plot.top,
                (right - left).max(1.0),
                plot.bottom - plot.top,
            ));
        }
        out
    }

    fn path(&self, line: &LineSeries, plot: &Plot, axis: &Axis) -> String {
        let name = line.tone.as_str();
        let mut path = String::new();
        let mut dots = String::new();
        for (from, to) in runs(self.labels.len(), |step| value(line, step).is_some()) {
            let point = |step: usize| (self.x(step, plot), plot.y(value(line, step).unwrap_or(0.0), axis));
            if from == to {
                let (x, y) = point(from);
                dots.push_str(&format!(
                    "<circle class=\"dot f-{name}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\"/>"
                ));
            }
            for step in from..=to {
                let (x, y) = point(step);
                path.push_str(&format!("{}{x:.1} {y:.1}", if step == from { 'M' } else { 'L' }));
            }
        }
        format!("<path class=\"line s-{name} dash-{name}\" d=\"{path}\"/>{dots}")
    }

    /// Names at the ends of the lines, pushed apart where they would touch.
    fn end_names(&self, plot: &Plot, axis: &Axis) -> String {
        let mut names: Vec<(f64, &LineSeries)> = self
            .lines()
            .iter()
            .filter_map(|line| {
                Some((plot.y((0..self.labels.len()).rev().find_map(|s| value(line, s))?, axis), line))
            })
            .collect();
        names.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut lowest = f64::NEG_INFINITY;
        let mut out = String::new();
        for (y, line) in names {
            let y = y.max(lowest + NAME_HEIGHT);
            lowest = y;
            out.push_str(&format!(
                "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                plot.right + 8.0,
                y + 5.0,
                escape(&line.name)
            ));
        }
        out
    }

    fn legend_entries(&self) -> Vec<(String, String)> {
        let swatch = |line: &LineSeries| {
            let name = line.tone.as_str();
            format!("<path class=\"line s-{name} dash-{name}\" d=\"M0 7H28\"/>")
        };
        self.lines().iter().map(|line| (swatch(line), line.name.clone())).collect()
    }

    fn table(&self, language: Language) -> Table {
        let head = |line: &LineSeries| format!("{} ({})", line.name, self.unit);
        let columns = std::iter::once(self.label_name.clone()).chain(self.lines().iter().map(head)).collect();
        let cell = |line: &LineSeries, step| {
            language.optional(value(line, step).and_then(|v| Fixed::from_f64(v, self.decimals)), "")
        };
        let row = |(step, label): (usize, &String)| {
            std::iter::once(label.clone()).chain(self.lines().iter().map(|line| cell(line, step))).collect()
        };
        Table {
            caption: self.title.clone(),
            columns,
            rows: self.labels.iter().enumerate().map(row).collect(),
        }
    }
}

fn value(line: &LineSeries, step: usize) -> Option<f64> {
    line.values.get(step).copied().flatten().filter(|value| value.is_finite())
}

fn greatest(lines: &[LineSeries]) -> f64 {
    lines
        .iter()
        .flat_map(|line| line.values.iter().flatten())
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0, f64::max)
}

/// First and last step of each unbroken run of steps that satisfy `holds`.
fn runs(steps: usize, holds: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for step in (0..steps).filter(|step| holds(*step)) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == step => *last = step,
            _ => runs.push((step, step)),
        }
    }
    runs
}

/// What the words are made of: the first series' extremes, its mean and its gaps.
struct Words {
    highest: Option<(usize, f64)>,
    lowest: Option<(usize, f64)>,
    mean: Option<f64>,
    missing: usize,
}

impl Words {
    fn of(chart: &LineChart) -> Self {
        let steps = chart.labels.len();
        let known: Vec<(usize, f64)> = match chart.series.first() {
            Some(line) => (0..steps).filter_map(|step| Some((step, value(line, step)?))).collect(),
            None => Vec::new(),
        };
        let by_value = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
        let sum: f64 = known.iter().map(|(_, value)| value).sum();
        Self {
            highest: known.iter().rev().max_by(by_value).copied(),
            lowest: known.iter().min_by(by_value).copied(),
            mean: (!known.is_empty()).then(|| sum / known.len() as f64),
            missing: steps - known.len(),
        }
    }

    fn finding(&self, chart: &LineChart, language: Language) -> String {
        match self.highest {
            Some((step, value)) => language.say(
                "chart-line-finding",
                &[
                    ("title", (&chart.title).into()),
                    ("high", (&amount(chart, language, value)).into()),
                    ("when", (&chart.labels[step]).into()),
                ],
            ),
            None => language.say("chart-empty", &[("title", (&chart.title).into())]),
        }
    }

    fn summary(&self, chart: &LineChart, language: Language) -> String {
        let (Some(high), Some(low), Some(mean)) = (self.highest, self.lowest, self.mean) else {
            return language.text("chart-empty-summary");
        };
        let name = chart.series.first().map_or("", |line| line.name.as_str());
        let text = language.say(
            "chart-line-summary",
            &[
                ("name", name.into()),
                ("low", (&amount(chart, language, low.1)).into()),
                ("high", (&amount(chart, language, high.1)).into()),
                ("mean", (&amount(chart, language, mean)).into()),
            ],
        );
        let gaps = match self.missing {
            0 => language.text("chart-no-gaps"),
            some => language.say(
                "chart-gaps",
                &[("missing", (some as u64).into()), ("all", (chart.labels.len() as u64).into())],
            ),
        };
        format!("{text} {gaps}")
    }
}

fn amount(chart: &LineChart, language: Language, value: f64) -> String {
    language.optional(Fixed::from_f64(value, chart.decimals), &chart.unit)
}
