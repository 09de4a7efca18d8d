//! A bar of what is used, against a mark of what was allowed so far and the whole budget.

use locale::{Fixed, Language};
use model::{CarbonMass, Coverage};

use crate::draw::{Naming, Width, svg, text_width};
use crate::{Chart, Table, Verdict, escape};

/// CO2 to date against the path to date and the budget of the whole span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bullet {
    /// Unique on the page: letters, digits, dashes.
    pub id: String,
    /// What is drawn, such as `CO₂ im November 2026`.
    pub title: String,
    /// Emitted so far.
    pub actual: Option<CarbonMass>,
    /// Allowed so far.
    pub allowed: Option<CarbonMass>,
    /// Allowed in the whole span.
    pub budget: Option<CarbonMass>,
    /// Data behind the first.
    pub coverage: Coverage,
}

const HEIGHT: f64 = 96.0;
const BAR_TOP: f64 = 34.0;
const BAR_HEIGHT: f64 = 30.0;

impl Bullet {
    /// The verdict that its words state.
    pub fn verdict(&self) -> Verdict {
        Verdict::of(self.actual, self.allowed, self.coverage)
    }

    /// Draws it.
    pub fn chart(&self, language: Language) -> Chart {
        let finding = self.finding(language);
        let summary = self.summary(language);
        let naming = Naming { id: &self.id, title: &self.title, description: &finding };
        let drawing = Width::BOTH
            .iter()
            .map(|width| svg(naming, *width, HEIGHT, &self.body(language, *width)))
            .collect();
        Chart { svg: drawing, finding, summary, table: self.table(language) }
    }

    fn body(&self, language: Language, width: Width) -> String {
        let tonnes = |mass: Option<CarbonMass>| mass.map(CarbonMass::tonnes).filter(|t| *t >= 0.0);
        let (actual, allowed, budget) = (tonnes(self.actual), tonnes(self.allowed), tonnes(self.budget));
        let greatest = [actual, allowed, budget].into_iter().flatten().fold(0.0, f64::max);
        let scale = if greatest > 0.0 { (width.units() - 4.0) / greatest } else { 0.0 };
        let mut body = String::new();
        if let Some(budget) = budget {
            body.push_str(&bar("budget", budget * scale, 0.0));
        }
        if let Some(actual) = actual {
            body.push_str(&bar("actual", actual * scale, 8.0));
        }
        if let Some((mass, allowed)) = self.allowed.zip(allowed) {
            body.push_str(&marker(language, (allowed * scale + 2.0, width.units()), mass));
        }
        body.push_str(&self.ends(language, width));
        body
    }

    /// What stands under the bar: used so far at the left, budget at the right.
    fn ends(&self, language: Language, width: Width) -> String {
        let (used, budget) = match width {
            Width::Wide => ("bullet-used", "bullet-budget"),
            Width::Narrow => ("bullet-used-short", "bullet-budget-short"),
        };
        let text = |key: &str, mass: Option<CarbonMass>| {
            let mass = language.optional(mass.map(Fixed::tonnes), "t");
            escape(&language.say(key, &[("mass", (&mass).into())]))
        };
        format!(
            "<text x=\"0\" y=\"{y}\">{}</text><text class=\"tick\" text-anchor=\"end\" x=\"{}\" y=\"{y}\">{}</text>",
            text(used, self.actual),
            width.units(),
            text(budget, self.budget),
            y = HEIGHT - 12.0,
        )
    }

    fn finding(&self, language: Language) -> String {
        let text = |mass: Option<CarbonMass>| language.optional(mass.map(Fixed::tonnes), "t");
        let verdict = match (self.verdict(), self.actual, self.allowed) {
            (Verdict::NoStatement, Some(_), None) => "bullet-no-target",
            (Verdict::NoStatement, ..) => "bullet-no-statement",
            (Verdict::OffCourse, ..) => "bullet-off-course",
            (Verdict::Narrowly, ..) => "bullet-narrowly",
            (Verdict::OnCourse, ..) => "bullet-on-course",
        };
        language.say(
            verdict,
            &[
                ("title", (&self.title).into()),
                ("actual", (&text(self.actual)).into()),
                ("allowed", (&text(self.allowed)).into()),
            ],
        )
    }

    fn summary(&self, language: Language) -> String {
        let text = |mass: Option<CarbonMass>| language.optional(mass.map(Fixed::tonnes), "t");
        let coverage = language.optional(Fixed::coverage(self.coverage), "%");
        language.say(
            "bullet-summary",
            &[("budget", (&text(self.budget)).into()), ("coverage", (&coverage).into())],
        )
    }

    fn table(&self, language: Language) -> Table {
        let row = |key: &str, mass: Option<CarbonMass>| {
            vec![language.text(key), language.optional(mass.map(Fixed::tonnes), "")]
        };
        Table {
            caption: self.title.clone(),
            columns: vec![language.text("bullet-column"), language.text("bullet-column-mass")],
            rows: vec![
                row("bullet-row-actual", self.actual),
                row("bullet-row-allowed", self.allowed),
                row("bullet-row-budget", self.budget),
            ],
        }
    }
}

fn bar(class: &str, width: f64, inset: f64) -> String {
    format!(
        "<rect class=\"{class}\" x=\"2\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        BAR_TOP + inset,
        width.max(0.0),
        BAR_HEIGHT - 2.0 * inset,
    )
}

/// A line across the bar with its value above, kept inside the drawing.
fn marker(language: Language, (x, right): (f64, f64), allowed: CarbonMass) -> String {
    let mass = language.tonnes(allowed);
    let text = language.say("bullet-allowed", &[("mass", (&mass).into())]);
    let half = text_width(&text, 16.0) / 2.0;
    let centre = x.clamp(half, (right - half).max(half));
    format!(
        "<path class=\"marker\" d=\"M{x:.1} {:.1}V{:.1}\"/><text text-anchor=\"middle\" x=\"{centre:.1}\" y=\"18\">{}</text>",
        BAR_TOP - 8.0,
        BAR_TOP + BAR_HEIGHT + 4.0,
        escape(&text),
    )
}
