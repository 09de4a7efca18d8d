//! The archive: `/reports`.

use askama::Template;
use locale::{Fixed, Language};

use super::words::{Chip, State};
use super::{Shell, View};
use crate::facts::{Provisional, ReportArchive, ReportEntry, ReportFile};

#[derive(Template)]
#[template(path = "reports.html")]
pub(super) struct ReportsPage {
    shell: Shell,
    rows: Vec<Row>,
}

struct Row {
    month: String,
    scope: String,
    revision: u32,
    chip: Chip,
    coverage: String,
    created: String,
    digest: String,
    files: Vec<File>,
}

struct File {
    href: String,
    text: String,
    name: String,
    language: String,
}

impl ReportsPage {
    pub(super) fn new(view: &View, facts: &ReportArchive) -> Self {
        let language = view.language;
        Self {
            shell: Shell::new(view, language.text("reports-title")),
            rows: facts.reports.iter().map(|entry| row(language, facts, entry)).collect(),
        }
    }

    fn text(&self, key: &str) -> String {
        self.shell.text(key)
    }
}

fn row(language: Language, facts: &ReportArchive, entry: &ReportEntry) -> Row {
    let (state, word) = match entry.preliminary {
        Provisional::Yes => (State::Info, "report-preliminary"),
        Provisional::No => (State::Ok, "report-closed"),
    };
    Row {
        month: language.month(entry.month),
        scope: entry.scope.clone(),
        revision: entry.revision,
        chip: Chip::saying(state, language.text(word)),
        coverage: language.optional(Fixed::coverage(entry.coverage), "%"),
        created: language.date_time(&facts.zone, entry.created),
        digest: entry.sha256.chars().take(12).collect(),
        files: entry.files.iter().map(|file| link(language, entry, file)).collect(),
    }
}

/// Short on the screen, whole in its name: a list of links must make sense without the table around it.
fn link(language: Language, entry: &ReportEntry, file: &ReportFile) -> File {
    let format = file.format.to_uppercase();
    let text = match &file.language {
        Some(code) => format!("{format} {code}"),
        None => format,
    };
    let month = language.month(entry.month);
    let name = format!("{text}: {}, {month}, {}", entry.scope, entry.id);
    File { href: file.href.clone(), text, name, language: file.language.clone().unwrap_or_default() }
}
