//! The report as one HTML document: stands alone, prints on A4, loads nothing.

mod section;

use std::sync::OnceLock;

use askama::Template;
use chart::{Table, escape};
use locale::{Change, Fixed, Language};
use sha2::{Digest, Sha256};

use crate::derive::Use;
use crate::facts::{FactorStatus, MonthReport, SiteMonth, Status};
use crate::say::summary;
use crate::{RenderError, Sealed};
use section::Section;

/// The report as an HTML document in one language.
///
/// # Errors
/// If the facts cannot be sealed, or the template fails.
pub fn html(report: &MonthReport, language: Language) -> Result<String, RenderError> {
    let sealed = Sealed::new(report)?;
    let document = Document::new(report, language, sealed.sha256());
    document.render().map_err(|source| RenderError::Html { id: report.id.clone(), source })
}

/// The `Content-Security-Policy` for report documents: nothing but their one inline style sheet, by its hash.
pub fn html_security_policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let hash = base64(&Sha256::digest(style().as_bytes()));
        format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
    })
}

fn style() -> &'static str {
    static STYLE: OnceLock<String> = OnceLock::new();
    STYLE.get_or_init(|| format!("{}\n{}", chart::style(), include_str!("../templates/report.css")))
}

/// Standard base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = (group >> (18 - 6 * place)) & 63;
            let symbol = char::from(ALPHABET[index as usize]);
            text.push(if place <= chunk.len() { symbol } else { '=' });
        }
    }
    text
}

#[derive(Template)]
#[template(path = "report.html")]
struct Document {
    language: Language,
    policy: &'static str,
    style: &'static str,
    title: String,
    city: String,
    scope: String,
    status: String,
    preliminary: bool,
    sentences: Vec<String>,
    glance: String,
    sections: Vec<Section>,
    factors: String,
    formulas: String,
    glossary: Vec<(String, String)>,
    identity: String,
    seal: String,
}

impl Document {
    fn new(report: &MonthReport, language: Language, sha256: &str) -> Self {
        let sum = report.sum(&language.text("doc-sum"));
        let scope = sum.as_ref().or(report.sites.first());
        let month = language.month(report.month);
        let preliminary = report.status == Status::Preliminary;
        Self {
            language,
            policy: html_security_policy(),
            style: style(),
            title: language.say("doc-title", &[("month", (&month).into())]),
            city: report.city.clone(),
            scope: match (&sum, report.sites.first()) {
                (None, Some(site)) => site.name.clone(),
                _ => language.text("doc-scope-all"),
            },
            status: language.text(if preliminary { "doc-status-preliminary" } else { "doc-status-closed" }),
            preliminary,
            sentences: scope.map(|scope| summary(report, scope, language)).unwrap_or_default(),
            glance: glance(report, sum.as_ref(), language).html("glance"),
            sections: report.sites.iter().map(|site| Section::new(report, site, language)).collect(),
            factors: factors(report, language).html("factors"),
            formulas: formulas(report, language).html("formulas"),
            glossary: glossary(language),
            identity: identity(report, language),
            seal: language.say("doc-seal", &[("sha256", sha256.into())]),
        }
    }

    fn text(&self, key: &str) -> String {
        self.language.text(key)
    }
}

/// One row for each site, and one for the sum.
fn glance(report: &MonthReport, sum: Option<&SiteMonth>, language: Language) -> Table {
    let columns = [
        "doc-site",
        "doc-energy-kwh",
        "doc-change-month",
        "doc-change-year",
        "doc-pue-with-category",
        "doc-co2-t",
        "doc-coverage",
        "doc-verdict",
    ];
    let month = language.month(report.month);
    Table {
        caption: language.say("doc-glance-caption", &[("month", (&month).into())]),
        columns: columns.map(|key| language.text(key)).to_vec(),
        rows: report.sites.iter().chain(sum).map(|site| glance_row(report, site, language)).collect(),
    }
}

fn glance_row(report: &MonthReport, site: &SiteMonth, language: Language) -> Vec<String> {
    let number = |value: Option<Fixed>| language.optional(value, "");
    let pue = site.chosen_pue().and_then(|pue| {
        let value = language.number(Fixed::from_decimal(pue.value?, 2)?);
        Some(format!("{value} ({})", pue.category))
    });
    vec![
        site.name.clone(),
        number(Use::Total.energy(&site.energy).map(Fixed::kilowatt_hours)),
        number(site.energy_change_percent(Use::Total, report.month.previous())),
        number(site.energy_change_percent(Use::Total, report.month.year_before())),
        pue.unwrap_or_else(|| language.optional(None, "")),
        number(site.co2.total.map(Fixed::tonnes)),
        number(Fixed::coverage(site.quality.coverage)),
        site.verdict().map_or_else(|| language.optional(None, ""), |verdict| language.text(verdict.key())),
    ]
}

fn factors(report: &MonthReport, language: Language) -> Table {
    let columns =
        ["doc-column-id", "doc-column-publisher", "doc-column-year", "doc-column-unit", "doc-column-status"];
    let status = |status: FactorStatus| match status {
        FactorStatus::Final => "doc-factor-final",
        FactorStatus::Provisional => "doc-factor-provisional",
        FactorStatus::Substitute => "doc-factor-substitute",
    };
    Table {
        caption: language.text("doc-factors-caption"),
        columns: columns.map(|key| language.text(key)).to_vec(),
        rows: report
            .factors
            .iter()
            .map(|factor| {
                vec![
                    factor.id.clone(),
                    factor.source.clone(),
                    factor.year.to_string(),
                    factor.unit.clone(),
                    language.text(status(factor.status)),
                ]
            })
            .collect(),
    }
}

fn formulas(report: &MonthReport, language: Language) -> Table {
    let columns = ["doc-column-id", "doc-column-formula", "doc-column-standard"];
    let row = |formula: &crate::FormulaUse| {
        vec![formula.id.clone(), formula.text.clone(), formula.standard.clone()]
    };
    Table {
        caption: language.text("doc-formulas-caption"),
        columns: columns.map(|key| language.text(key)).to_vec(),
        rows: report.formulas.iter().map(row).collect(),
    }
}

fn glossary(language: Language) -> Vec<(String, String)> {
    ["kwh", "pue", "location", "path", "coverage", "substitute"]
        .map(|word| {
            (
                language.text(&format!("doc-glossary-{word}")),
                language.text(&format!("doc-glossary-{word}-text")),
            )
        })
        .to_vec()
}

fn identity(report: &MonthReport, language: Language) -> String {
    let at = language.date_time(&report.zone, report.data_as_of);
    language.say(
        "doc-identity",
        &[
            ("id", (&report.id).into()),
            ("revision", u64::from(report.revision).into()),
            ("at", (&at).into()),
            ("zone", report.zone.name().into()),
            ("software", (&report.software).into()),
        ],
    )
}

/// The sentence over the bars: this month against the same one last year.
fn bars_finding(report: &MonthReport, site: &SiteMonth, language: Language) -> String {
    let before = report.month.year_before();
    let earlier = site.month(before).and_then(|entry| Use::Total.energy(&entry.energy));
    let energy = |energy: Option<model::Energy>| language.optional(energy.map(Fixed::kilowatt_hours), "kWh");
    let (key, percent) = match site.energy_change(Use::Total, before) {
        Change::Up(percent) => ("doc-bars-finding-up", language.with_unit(percent, "%")),
        Change::Down(percent) => ("doc-bars-finding-down", language.with_unit(percent, "%")),
        Change::Same => ("doc-bars-finding-same", String::new()),
        Change::Unknown => ("doc-bars-finding-unknown", String::new()),
    };
    language.say(
        key,
        &[
            ("month", (&language.month(report.month)).into()),
            ("energy", (&energy(Use::Total.energy(&site.energy))).into()),
            ("percent", (&percent).into()),
            ("before", (&language.month(before)).into()),
            ("energy-before", (&energy(earlier)).into()),
        ],
    )
}

/// A paragraph of plain text as HTML.
fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}
