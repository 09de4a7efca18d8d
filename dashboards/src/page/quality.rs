//! Can I trust this month? `/site/{id}/quality`: a row for each meter point, a cell for each local day.

use askama::Template;
use locale::{Fixed, Language};
use model::Coverage;

use super::{Shell, View};
use crate::facts::{PointDays, SiteQuality};

#[derive(Template)]
#[template(path = "quality.html")]
pub(super) struct QualityPage {
    shell: Shell,
    site: String,
    name: String,
    summary: String,
    caption: String,
    days: Vec<usize>,
    rows: Vec<Row>,
    earlier: Option<MonthLink>,
    later: Option<MonthLink>,
}

struct MonthLink {
    month: String,
    text: String,
}

struct Row {
    point: String,
    role: String,
    total: String,
    cells: Vec<Cell>,
}

struct Cell {
    class: &'static str,
    glyph: &'static str,
    words: String,
}

impl QualityPage {
    pub(super) fn new(view: &View, facts: &SiteQuality) -> Self {
        let language = view.language;
        let month = language.month(facts.month);
        let name_and_month = [("name", (&facts.name).into()), ("month", (&month).into())];
        let title = language.say("quality-title", &name_and_month);
        let link =
            |month: calendar::Month| MonthLink { month: month.to_string(), text: language.month(month) };
        Self {
            shell: Shell::new(view, title),
            site: facts.site.to_string(),
            name: facts.name.clone(),
            summary: summary(language, facts),
            caption: language.say("quality-caption", &name_and_month),
            days: (1..=usize::from(facts.month.last_day().day())).collect(),
            rows: facts.points.iter().map(|point| row(language, facts, point)).collect(),
            earlier: facts.earlier.map(link),
            later: facts.later.map(link),
        }
    }

    fn text(&self, key: &str) -> String {
        self.shell.text(key)
    }
}

fn sum(days: impl Iterator<Item = Coverage>) -> Coverage {
    days.fold(Coverage::default(), |sum, day| Coverage {
        expected: sum.expected + day.expected,
        measured: sum.measured + day.measured,
        substitute: sum.substitute + day.substitute,
        provisional: sum.provisional + day.provisional,
    })
}

fn summary(language: Language, facts: &SiteQuality) -> String {
    let all = sum(facts.points.iter().flat_map(|point| point.days.iter().flatten().copied()));
    let share = |part: u32| language.optional(Fixed::percent_of(part.into(), all.expected.into(), 1), "%");
    let (measured, substitute, missing) =
        (share(all.measured), share(all.substitute + all.provisional), share(all.missing()));
    language.say(
        "quality-summary",
        &[
            ("measured", (&measured).into()),
            ("substitute", (&substitute).into()),
            ("missing", (&missing).into()),
        ],
    )
}

fn row(language: Language, facts: &SiteQuality, point: &PointDays) -> Row {
    let days = usize::from(facts.month.last_day().day());
    let total = sum(point.days.iter().flatten().copied());
    let day = |place: usize| point.days.get(place).copied().flatten().filter(|day| day.expected > 0);
    Row {
        point: point.point.to_string(),
        role: point.role.clone(),
        total: language.optional(Fixed::coverage(total), "%"),
        cells: (0..days).map(|place| cell(language, day(place))).collect(),
    }
}

/// Class, glyph and words say the same; which one rules is decided by what matters most: missing, then substituted.
fn cell(language: Language, day: Option<Coverage>) -> Cell {
    let Some(day) = day else {
        return Cell { class: "none", glyph: "·", words: language.text("quality-day-none") };
    };
    let covered = language.optional(Fixed::coverage(day), "%");
    let (class, glyph, key) = match () {
        () if day.missing() == day.expected => ("missing", "○", "quality-day-missing"),
        () if day.missing() > 0 => ("gap", "◐", "quality-day-gap"),
        () if day.measured < day.expected => ("substitute", "◇", "quality-day-substitute"),
        () => ("full", "●", "quality-day-full"),
    };
    Cell { class, glyph, words: language.say(key, &[("coverage", (&covered).into())]) }
}
