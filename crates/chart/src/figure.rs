//! What a chart is: a drawing with its words and its table, and the HTML that holds them together.

use locale::Language;

/// A chart in its four forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The drawing: two `<svg>`, one for wide and one for narrow places; the style sheet shows one of them.
    pub svg: String,
    /// What is to be seen, one sentence; the caption.
    pub finding: String,
    /// The values in words: range, mean, gaps.
    pub summary: String,
    /// The values drawn.
    pub table: Table,
}

/// A table whose first column heads its rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What it holds, and the unit if all columns share one.
    pub caption: String,
    /// Head of each column, with its unit.
    pub columns: Vec<String>,
    /// Rows of as many cells.
    pub rows: Vec<Vec<String>>,
}

/// Is the data table under a drawing folded?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Details {
    /// Shown: in documents.
    Open,
    /// Folded: on pages.
    Folded,
}

impl Chart {
    /// The whole figure as HTML: caption, summary, drawing, table. `id` must be unique on the page.
    pub fn figure(&self, language: Language, id: &str, details: Details) -> String {
        let open = match details {
            Details::Open => " open",
            Details::Folded => "",
        };
        format!(
            "<figure class=\"chart\" id=\"{id}\">\n<figcaption>{}</figcaption>\n<p class=\"summary\">{}</p>\n{}\n\
             <details{open}><summary>{}</summary>\n{}</details>\n</figure>\n",
            escape(&self.finding),
            escape(&self.summary),
            self.svg,
            escape(&language.text("chart-data-table")),
            self.table.html(id),
            id = escape(id),
        )
    }
}

impl Table {
    /// As HTML, in a scroller that the keyboard can reach. `id` makes the scroller's name unique on the page.
    pub fn html(&self, id: &str) -> String {
        let caption = format!("{}-table", escape(id));
        let mut html = format!(
            "<div class=\"scroller\" role=\"region\" tabindex=\"0\" aria-labelledby=\"{caption}\">\n<table>\n\
             <caption id=\"{caption}\">{}</caption>\n<thead><tr>",
            escape(&self.caption)
        );
        let classes: Vec<&str> = (0..self.columns.len()).map(|place| self.class_of(place)).collect();
        for (class, column) in classes.iter().zip(&self.columns) {
            html.push_str(&format!("<th scope=\"col\"{class}>{}</th>", escape(column)));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str(&row_html(row, &classes));
        }
        html.push_str("</tbody>\n</table>\n</div>\n");
        html
    }

    /// A column of numbers stands to the right, digit under digit; one of words to the left.
    fn class_of(&self, place: usize) -> &'static str {
        let mut cells = self.rows.iter().filter_map(|row| row.get(place));
        if place > 0 && cells.all(|cell| is_number(cell)) { " class=\"n\"" } else { "" }
    }
}

fn row_html(row: &[String], classes: &[&str]) -> String {
    let mut html = String::from("<tr>");
    for (place, (cell, class)) in row.iter().zip(classes).enumerate() {
        let cell = escape(cell);
        if place == 0 {
            html.push_str(&format!("<th scope=\"row\">{cell}</th>"));
        } else {
            html.push_str(&format!("<td{class}>{cell}</td>"));
        }
    }
    html.push_str("</tr>\n");
    html
}

/// Digits with what may stand among them: signs, points, brackets, the dash for "no value"; or nothing.
fn is_number(cell: &str) -> bool {
    cell.chars().all(|c| c.is_ascii_digit() || " .,()-\u{2212}\u{2013}\u{202f}".contains(c))
}

/// Text for HTML and XML, in elements and in quoted attributes. Characters that XML 1.0 does not allow become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            control if control < ' ' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
