//! The report as CSV: one row for each site and month.

use chart::Verdict;
use locale::{Fixed, Language};
use model::CarbonMass;

use crate::RenderError;
use crate::derive::Use;
use crate::facts::{HistoryMonth, MonthReport, SiteMonth};

/// Which CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Variant {
    /// RFC 4180: comma, decimal point, UTF-8 without mark.
    #[default]
    Standard,
    /// What a German Excel opens by a double click: semicolon, decimal comma, UTF-8 with byte order mark.
    ExcelDe,
}

impl Variant {
    /// By its name on the command line: `excel-de`; `None` for another.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "standard" => Some(Self::Standard),
            "excel-de" => Some(Self::ExcelDe),
            _ => None,
        }
    }

    fn number(self, value: Option<Fixed>) -> String {
        let text = match self {
            Self::Standard => value.map(Fixed::plain),
            Self::ExcelDe => value.map(Fixed::plain_comma),
        };
        text.unwrap_or_default()
    }
}

/// Columns; the unit is part of the name. The ones after `true_share_percent` are filled for the report's month only.
const COLUMNS: [&str; 28] = [
    "report",
    "revision",
    "status",
    "site",
    "month",
    "energy_total_kwh",
    "energy_it_kwh",
    "energy_cooling_kwh",
    "energy_losses_kwh",
    "energy_other_kwh",
    "energy_grid_kwh",
    "energy_photovoltaic_kwh",
    "energy_diesel_kwh",
    "pue",
    "pue_category",
    "co2_location_t",
    "coverage_percent",
    "true_share_percent",
    "pue_1",
    "pue_2",
    "pue_3",
    "energy_change_previous_month_percent",
    "energy_change_year_before_percent",
    "co2_year_to_date_t",
    "co2_allowed_to_date_t",
    "co2_year_budget_t",
    "target_verdict",
    "facts_sha256",
];

/// The report's numbers by site and month, oldest month first, the sum of several sites last under the site `all`.
/// Numbers are rounded as in the document, empty where there is none.
///
/// # Errors
/// If the facts cannot be sealed, or the CSV cannot be written.
pub fn csv(report: &MonthReport, variant: Variant) -> Result<String, RenderError> {
    let sealed = crate::Sealed::new(report)?;
    let delimiter = if variant == Variant::ExcelDe { b';' } else { b',' };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .terminator(csv::Terminator::CRLF)
        .from_writer(if variant == Variant::ExcelDe { vec![0xEF, 0xBB, 0xBF] } else { Vec::new() });
    let failed = |source| RenderError::Csv { id: report.id.clone(), source };
    writer.write_record(COLUMNS).map_err(failed)?;
    let sum = report.sum("");
    for site in report.sites.iter().chain(&sum) {
        for row in rows(report, site, variant, sealed.sha256()) {
            writer.write_record(row).map_err(failed)?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The months of the history, then the report's own with all that is known of it.
fn rows(report: &MonthReport, site: &SiteMonth, variant: Variant, sha256: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = site
        .history
        .iter()
        .filter(|entry| entry.month != report.month)
        .map(|entry| past_row(report, site, entry, variant))
        .collect();
    let this = HistoryMonth {
        month: report.month,
        energy: site.energy.clone(),
        pue: site.chosen_pue().and_then(|pue| pue.value),
        co2: site.co2.total,
    };
    let mut row = past_row(report, site, &this, variant);
    row.truncate(COLUMNS.len() - 12);
    row.extend(own_cells(report, site, variant, sha256));
    rows.push(row);
    rows
}

fn past_row(report: &MonthReport, site: &SiteMonth, entry: &HistoryMonth, variant: Variant) -> Vec<String> {
    let status = serde_json::to_value(report.status).ok().and_then(|s| s.as_str().map(str::to_owned));
    let mut row = vec![
        report.id.clone(),
        report.revision.to_string(),
        status.unwrap_or_default(),
        site.site.to_string(),
        entry.month.to_string(),
    ];
    let energy = |of: Use| variant.number(of.energy(&entry.energy).map(Fixed::kilowatt_hours));
    row.extend(Use::ALL.map(energy));
    row.push(variant.number(entry.pue.and_then(|pue| Fixed::from_decimal(pue, 2))));
    row.push(site.pue_category.filter(|_| entry.pue.is_some()).map(|c| c.to_string()).unwrap_or_default());
    row.push(variant.number(entry.co2.map(Fixed::tonnes)));
    row.push(variant.number(Fixed::coverage(entry.energy.total.coverage)));
    row.push(variant.number(Fixed::true_share(entry.energy.total.coverage)));
    row.resize(COLUMNS.len(), String::new());
    row
}

/// The last 12 cells of the report's month.
fn own_cells(report: &MonthReport, site: &SiteMonth, variant: Variant, sha256: &str) -> [String; 12] {
    let pue = |category: u8| {
        let value = site.pue.iter().find(|pue| pue.category == category).and_then(|pue| pue.value);
        variant.number(value.and_then(|value| Fixed::from_decimal(value, 2)))
    };
    let change = |month| variant.number(site.energy_change_percent(Use::Total, month));
    let mass = |mass: Option<CarbonMass>| variant.number(mass.map(Fixed::tonnes));
    let target = site.target.as_ref();
    [
        variant.number(Fixed::coverage(site.quality.coverage)),
        variant.number(Fixed::true_share(site.quality.coverage)),
        pue(1),
        pue(2),
        pue(3),
        change(report.month.previous()),
        change(report.month.year_before()),
        mass(target.and_then(|target| target.actual_to_date)),
        mass(target.and_then(|target| target.allowed_to_date)),
        mass(target.and_then(|target| target.year_budget)),
        site.verdict().map(Verdict::as_str).unwrap_or_default().to_owned(),
        sha256.to_owned(),
    ]
}

/// Name of the language-neutral or language-bound file of a report, such as `rz-nord-2026-10-r1.de.html`.
pub fn file_name(report: &MonthReport, format: &str, language: Option<Language>) -> String {
    match language {
        Some(language) => format!("{}.{language}.{format}", report.id),
        None => format!("{}.{format}", report.id),
    }
}
