//! One site of the document: energy, efficiency, climate, key figures, data quality.

use chart::{Bar, Bullet, Details, StackedBars, Table, Tone};
use locale::{Fixed, Language};
use model::Coverage;

use super::{bars_finding, paragraph};
use crate::derive::Use;
use crate::facts::{
    Co2Source, Gap, KpiFacts, MonthReport, PointQuality, PueFacts, SiteMonth, SourceKind, Substituted,
};
use crate::say::{summary, withheld};

/// Rows of a table beyond this make a document that nobody prints; the JSON has them all.
const ROWS_MAX: usize = 200;
/// Bars of a chart; the history has 13, and more cannot be read.
const MONTHS_MAX: usize = 36;

/// A site's part of the document; all fields but `name` and `sentences` are finished HTML.
pub(super) struct Section {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) sentences: Vec<String>,
    pub(super) energy: String,
    pub(super) efficiency: String,
    pub(super) climate: String,
    pub(super) kpis: String,
    pub(super) quality: String,
}

impl Section {
    pub(super) fn new(report: &MonthReport, site: &SiteMonth, language: Language) -> Self {
        let part = Part { report, site, language };
        // With one site, its sentences already stand on top of the document.
        let sentences = if report.sites.len() > 1 { summary(report, site, language) } else { Vec::new() };
        Self {
            id: site.site.to_string(),
            name: site.name.clone(),
            sentences,
            energy: part.energy(),
            efficiency: part.efficiency(),
            climate: part.climate(),
            kpis: part.kpis(),
            quality: part.quality(),
        }
    }
}

struct Part<'a> {
    report: &'a MonthReport,
    site: &'a SiteMonth,
    language: Language,
}

impl Part<'_> {
    fn id(&self, what: &str) -> String {
        format!("{what}-{}", self.site.site)
    }

    fn number(&self, value: Option<Fixed>) -> String {
        self.language.optional(value, "")
    }

    /// A caption that names site and month.
    fn caption(&self, key: &str) -> String {
        let month = self.language.month(self.report.month);
        self.language.say(key, &[("name", (&self.site.name).into()), ("month", (&month).into())])
    }

    fn table<const N: usize>(&self, caption: &str, columns: [&str; N], rows: Vec<Vec<String>>) -> Table {
        Table {
            caption: self.caption(caption),
            columns: columns.map(|key| self.language.text(key)).to_vec(),
            rows: rows.into_iter().take(ROWS_MAX).collect(),
        }
    }

    fn energy(&self) -> String {
        let mut html =
            self.bars().chart(self.language).figure(self.language, &self.id("bars"), Details::Open);
        html.push_str(&self.energy_table().html(&self.id("energy")));
        html
    }

    fn bars(&self) -> StackedBars {
        let use_name = |of: Use| self.language.text(&format!("doc-use-{}", of.as_str()));
        let parts = [
            (Use::It, Tone::It),
            (Use::Cooling, Tone::Cooling),
            (Use::Losses, Tone::Losses),
            (Use::Other, Tone::Other),
        ];
        StackedBars {
            id: self.id("bars-drawing"),
            title: self.language.say("doc-bars-title", &[("name", (&self.site.name).into())]),
            finding: bars_finding(self.report, self.site, self.language),
            unit: "kWh".to_owned(),
            label_name: self.language.text("doc-bars-label"),
            total_name: use_name(Use::Total),
            parts: parts.map(|(of, tone)| (tone, use_name(of))).to_vec(),
            bars: self
                .months()
                .enumerate()
                .map(|(n, month)| self.bar(n, month, parts.map(|p| p.0)))
                .collect(),
            decimals: 0,
        }
    }

    /// Every month from the first of the history to the report's own: one without values is drawn as a gap.
    fn months(&self) -> impl Iterator<Item = calendar::Month> {
        let last = self.report.month;
        let first = self.site.history.first().map_or(last, |entry| entry.month).min(last);
        std::iter::successors(Some(first), |month| Some(month.next()))
            .take(MONTHS_MAX)
            .take_while(move |month| *month <= last)
    }

    fn bar(&self, place: usize, month: calendar::Month, parts: [Use; 4]) -> Bar {
        let entry = self.site.month(month);
        let kwh =
            |of: Use| entry.and_then(|entry| of.energy(&entry.energy)).map(model::Energy::kilowatt_hours);
        let number = month.number();
        let year = if place == 0 || number == 1 { month.year().to_string() } else { String::new() };
        Bar {
            label: self.language.month(month),
            tick: self.language.month_short(number),
            subtick: year,
            parts: parts.map(kwh).to_vec(),
            total: kwh(Use::Total),
        }
    }

    fn energy_table(&self) -> Table {
        let (previous, year) = (self.report.month.previous(), self.report.month.year_before());
        let heading =
            |key: &str, month| self.language.say(key, &[("month", (&self.language.month(month)).into())]);
        let row = |of: Use| {
            let kwh = of.energy(&self.site.energy).map(Fixed::kilowatt_hours);
            vec![
                self.language.text(&format!("doc-use-{}", of.as_str())),
                self.number(kwh),
                self.past(of, previous),
                self.number(self.site.energy_change_percent(of, previous)),
                self.past(of, year),
                self.number(self.site.energy_change_percent(of, year)),
            ]
        };
        let columns = vec![
            self.language.text("doc-column-use"),
            heading("doc-column-now", self.report.month),
            heading("doc-column-now", previous),
            heading("doc-column-change", previous),
            heading("doc-column-now", year),
            heading("doc-column-change", year),
        ];
        let known = |of: &Use| of.amount(&self.site.energy).is_some();
        Table {
            caption: self.caption("doc-energy-caption"),
            columns,
            rows: Use::ALL.into_iter().filter(known).map(row).collect(),
        }
    }

    fn past(&self, of: Use, month: calendar::Month) -> String {
        let energy = self.site.month(month).and_then(|entry| of.energy(&entry.energy));
        self.number(energy.map(Fixed::kilowatt_hours))
    }

    fn efficiency(&self) -> String {
        let lead = match self.site.pue_category {
            Some(category) => {
                self.language.say("doc-efficiency-lead", &[("category", u64::from(category).into())])
            }
            None => self.language.text("doc-efficiency-lead-none"),
        };
        let columns = [
            "doc-column-category",
            "doc-column-pue",
            "doc-column-it-kwh",
            "doc-column-coverage",
            "doc-column-note",
        ];
        let rows: Vec<_> = self.site.pue.iter().map(|pue| self.pue_row(pue)).collect();
        let table = self.table("doc-pue-caption", columns, rows).html(&self.id("pue"));
        format!("{}{table}", paragraph(&lead))
    }

    fn pue_row(&self, pue: &PueFacts) -> Vec<String> {
        let note = match &pue.withheld {
            Some(code) => withheld(self.language, code),
            None if Some(pue.category) == self.site.pue_category => self.language.text("doc-chosen"),
            None => String::new(),
        };
        vec![
            self.language.text(&format!("doc-category-{}", pue.category.clamp(1, 3))),
            self.number(pue.value.and_then(|value| Fixed::from_decimal(value, 2))),
            self.number(pue.it_energy.map(Fixed::kilowatt_hours)),
            self.number(Fixed::coverage(pue.coverage)),
            note,
        ]
    }

    fn climate(&self) -> String {
        let mut html = self.target();
        let columns = ["doc-column-source", "doc-column-energy", "doc-column-factor", "doc-column-co2"];
        let mut rows: Vec<_> = self.site.co2.sources.iter().map(|source| self.co2_row(source)).collect();
        let total = match &self.site.co2.withheld {
            Some(code) => withheld(self.language, code),
            None => self.number(self.site.co2.total.map(Fixed::tonnes)),
        };
        rows.push(vec![self.language.text("doc-sum"), String::new(), String::new(), total]);
        html.push_str(&self.table("doc-co2-caption", columns, rows).html(&self.id("co2")));
        html
    }

    fn target(&self) -> String {
        let Some(target) = &self.site.target else {
            return paragraph(&self.language.text("doc-target-none"));
        };
        let id = self.id("target");
        let month = self.language.month(self.report.month);
        let bullet = Bullet {
            id: format!("{id}-drawing"),
            title: self
                .language
                .say("doc-target-title", &[("name", (&self.site.name).into()), ("month", (&month).into())]),
            actual: target.actual_to_date,
            allowed: target.allowed_to_date,
            budget: target.year_budget,
            coverage: target.coverage_to_date,
        };
        let mass = |mass: Option<model::CarbonMass>| self.language.optional(mass.map(Fixed::tonnes), "t");
        let path = self.language.say(
            "doc-target-path",
            &[
                ("base", (&mass(target.base.co2)).into()),
                ("base-year", (&target.base.year.to_string()).into()),
                ("goal", (&mass(target.goal.co2)).into()),
                ("goal-year", (&target.goal.year.to_string()).into()),
            ],
        );
        let figure = bullet.chart(self.language).figure(self.language, &id, Details::Open);
        format!("{figure}{}", paragraph(&path))
    }

    fn co2_row(&self, source: &Co2Source) -> Vec<String> {
        let name = match source.source {
            SourceKind::Grid => "doc-source-grid",
            SourceKind::Photovoltaic => "doc-source-photovoltaic",
            SourceKind::Diesel => "doc-source-diesel",
        };
        // Where there is no CO2 there is no factor to show either: a generator's is by the litre, and may be unknown.
        let factor = source.co2.and_then(|_| Fixed::from_decimal(source.grams_per_kwh, 0));
        vec![
            self.language.text(name),
            self.number(source.energy.map(Fixed::kilowatt_hours)),
            self.number(factor),
            self.number(source.co2.map(Fixed::tonnes)),
        ]
    }

    fn kpis(&self) -> String {
        if self.site.kpis.is_empty() {
            return String::new();
        }
        let columns = [
            "doc-column-kpi",
            "doc-column-value",
            "doc-column-unit",
            "doc-column-uncertainty",
            "doc-column-coverage",
            "doc-column-standard",
            "doc-column-note",
        ];
        let rows: Vec<_> = self.site.kpis.iter().map(|kpi| self.kpi_row(kpi)).collect();
        self.table("doc-kpis-caption", columns, rows).html(&self.id("kpis"))
    }

    fn kpi_row(&self, kpi: &KpiFacts) -> Vec<String> {
        let decimals = kpi_decimals(&kpi.unit);
        let shown =
            |value: Option<model::Decimal>| self.number(value.and_then(|v| Fixed::from_decimal(v, decimals)));
        let note = kpi.withheld.as_deref().map(|code| withheld(self.language, code)).unwrap_or_default();
        vec![
            self.kpi_name(kpi),
            shown(kpi.value),
            kpi.unit.clone(),
            shown(kpi.uncertainty),
            self.number(Fixed::coverage(kpi.coverage)),
            kpi.standard_edition.clone(),
            note,
        ]
    }

    fn kpi_name(&self, kpi: &KpiFacts) -> String {
        let key = format!("doc-kpi-{}", kpi.kpi.replace('_', "-"));
        let name = if self.language.has(&key) { self.language.text(&key) } else { kpi.kpi.clone() };
        let name = match &kpi.variant {
            Some(variant) => {
                let key = format!("doc-variant-{variant}");
                let variant =
                    if self.language.has(&key) { self.language.text(&key) } else { variant.clone() };
                self.language
                    .say("doc-kpi-variant", &[("kpi", (&name).into()), ("variant", (&variant).into())])
            }
            None => name,
        };
        match kpi.category {
            Some(category) => self.language.say(
                "doc-kpi-category",
                &[("kpi", (&name).into()), ("category", u64::from(category).into())],
            ),
            None => name,
        }
    }

    fn quality(&self) -> String {
        let quality = &self.site.quality;
        let mut html = paragraph(&self.quality_sentence(quality.coverage));
        html.push_str(&paragraph(&self.losses()));
        if !quality.points.is_empty() {
            let columns = [
                "doc-column-point",
                "doc-column-role",
                "doc-energy-kwh",
                "doc-coverage",
                "doc-column-true",
                "doc-column-substitute",
                "doc-column-missing",
            ];
            let rows: Vec<_> = quality.points.iter().map(|point| self.point_row(point)).collect();
            html.push_str(&self.table("doc-quality-caption", columns, rows).html(&self.id("points")));
        }
        if quality.gaps.is_empty() {
            html.push_str(&paragraph(&self.language.text("doc-gaps-none")));
        } else {
            let columns = [
                "doc-column-point",
                "doc-column-from",
                "doc-column-length",
                "doc-column-filled",
                "doc-column-reason",
            ];
            let rows: Vec<_> = quality.gaps.iter().map(|gap| self.gap_row(gap)).collect();
            html.push_str(&self.table("doc-gaps-caption", columns, rows).html(&self.id("gaps")));
        }
        html
    }

    fn quality_sentence(&self, coverage: Coverage) -> String {
        let share = |part: u32| {
            let share = Fixed::percent_of(part.into(), coverage.expected.into(), 1);
            self.language.optional(share, "%")
        };
        self.language.say(
            "doc-quality-sentence",
            &[
                ("coverage", (&self.language.optional(Fixed::coverage(coverage), "%")).into()),
                ("true", (&share(coverage.measured)).into()),
                ("substitute", (&share(coverage.substitute + coverage.provisional)).into()),
                ("missing", (&share(coverage.missing())).into()),
            ],
        )
    }

    /// What became of the planned samples; what nothing accounts for is said, not hidden.
    fn losses(&self) -> String {
        let losses = self.site.quality.losses;
        let key = if losses.expected.is_some() { "doc-losses-all" } else { "doc-losses-unplanned" };
        let sentence = self.language.say(
            key,
            &[
                ("expected", losses.expected.unwrap_or_default().into()),
                ("received", losses.received.into()),
                ("missing", losses.missing.into()),
                ("lost", losses.lost.into()),
            ],
        );
        let known = losses.received.saturating_add(losses.missing).saturating_add(losses.lost);
        match losses.expected.map(|expected| expected.saturating_sub(known)) {
            Some(unaccounted) if unaccounted > 0 => {
                let more = self.language.say("doc-unaccounted", &[("unaccounted", unaccounted.into())]);
                format!("{sentence} {more}")
            }
            _ => sentence,
        }
    }

    fn point_row(&self, point: &PointQuality) -> Vec<String> {
        let coverage = point.coverage;
        vec![
            point.point.to_string(),
            point.role.clone(),
            self.number(point.energy.map(Fixed::kilowatt_hours)),
            self.number(Fixed::coverage(coverage)),
            self.number(Fixed::true_share(coverage)),
            self.language.count(u64::from(coverage.substitute + coverage.provisional)),
            self.language.count(u64::from(coverage.missing())),
        ]
    }

    fn gap_row(&self, gap: &Gap) -> Vec<String> {
        let filled = match gap.substituted {
            Substituted::Yes => "doc-filled-yes",
            Substituted::No => "doc-filled-no",
        };
        vec![
            gap.point.to_string(),
            self.language.stretch(&self.report.zone, gap.period),
            self.language.span(gap.period.millis()),
            self.language.text(filled),
            gap.reason.as_deref().map(|code| reason(self.language, code)).unwrap_or_default(),
        ]
    }
}

/// Decimals that a key figure is shown with, by its unit.
fn kpi_decimals(unit: &str) -> u8 {
    match unit {
        "kWh" | "kg" | "g/kWh" => 0,
        "%" | "t" | "MWh" => 1,
        _ => 2,
    }
}

/// The reason of a gap in words; a code that is not known is shown as it is.
fn reason(language: Language, code: &str) -> String {
    let key = format!("reason-{}", code.to_lowercase().replace('_', "-"));
    if language.has(&key) { language.text(&key) } else { code.to_owned() }
}
