//! The summary in sentences. Every sentence is a template with a variant for each case; a cause is never stated.

use calendar::Month;
use chart::Verdict;
use locale::{Argument, Change, Fixed, Language};
use model::{CarbonMass, Decimal, Energy};

use crate::derive::Use;
use crate::facts::{FactorUse, MonthReport, SiteMonth, TargetFacts};

/// The sentences about one site, or about the sum of all: energy with its comparisons, efficiency, CO2, target path,
/// data. Each is a sentence or two and stands for itself.
pub fn summary(report: &MonthReport, scope: &SiteMonth, language: Language) -> Vec<String> {
    let say = Say { report, scope, language };
    vec![say.energy(), say.pue(), say.co2(), say.target(), say.data()]
}

/// Why there is no value, in words; a code that is not known is shown as it is.
pub(crate) fn withheld(language: Language, code: &str) -> String {
    let key = format!("withheld-{}", code.replace('_', "-"));
    if language.has(&key) { language.text(&key) } else { code.to_owned() }
}

struct Say<'a> {
    report: &'a MonthReport,
    scope: &'a SiteMonth,
    language: Language,
}

impl Say<'_> {
    fn is_sum(&self) -> bool {
        self.report.sites.len() > 1 && self.report.sites.iter().all(|site| site.site != self.scope.site)
    }

    fn energy(&self) -> String {
        let total = Use::Total.energy(&self.scope.energy);
        let shown = total.map(|energy| self.language.energy(energy)).unwrap_or_default();
        let key = match (self.is_sum(), total) {
            (true, Some(_)) => "say-energy-sites",
            (true, None) => "say-energy-sites-unknown",
            (false, Some(_)) => "say-energy-site",
            (false, None) => "say-energy-site-unknown",
        };
        let month = self.language.month(self.report.month);
        let first = self.language.say(
            key,
            &[
                ("month", (&month).into()),
                ("name", (&self.scope.name).into()),
                ("count", (self.report.sites.len() as u64).into()),
                ("energy", (&shown).into()),
            ],
        );
        if total.is_none() {
            return first;
        }
        let year = self.energy_change(self.report.month.year_before());
        format!("{first} {year} {}", self.energy_change(self.report.month.previous()))
    }

    /// A change never stands without the value it is measured against.
    fn energy_change(&self, before: Month) -> String {
        let value = self.scope.month(before).and_then(|entry| Use::Total.energy(&entry.energy));
        let value = value.map(|energy: Energy| self.language.energy(energy)).unwrap_or_default();
        change(self.language, self.scope.energy_change(Use::Total, before), before, &value)
    }

    fn pue(&self) -> String {
        let Some(pue) = self.scope.chosen_pue() else {
            return self.reason("say-pue-unknown", "no_data");
        };
        let Some(value) = pue.value else {
            return self.reason("say-pue-unknown", pue.withheld.as_deref().unwrap_or("no_data"));
        };
        let per_hundred = value.times(Decimal::new(1, 2)).and_then(|input| Fixed::from_decimal(input, 0));
        let first = self.language.say(
            "say-pue",
            &[
                ("in", (&self.language.optional(per_hundred, "")).into()),
                ("pue", (&self.ratio(value)).into()),
                ("category", u64::from(pue.category).into()),
            ],
        );
        format!("{first} {}", self.pue_change(value))
    }

    fn pue_change(&self, now: Decimal) -> String {
        let before = self.report.month.year_before();
        let month = self.language.month(before);
        let value = self.scope.month(before).and_then(|entry| entry.pue);
        let ten_thousandths =
            |ratio: Decimal| Fixed::from_decimal(ratio, 4).map(|r| r.plain().replace('.', ""));
        let whole = |ratio: Decimal| ten_thousandths(ratio).and_then(|digits| digits.parse::<i64>().ok());
        let key = match Change::between(whole(now), value.and_then(whole)) {
            Change::Up(_) => "say-pue-up",
            Change::Down(_) => "say-pue-down",
            Change::Same => "say-pue-same",
            Change::Unknown => "say-pue-change-unknown",
        };
        let value = value.map(|value| self.ratio(value)).unwrap_or_default();
        self.language.say(key, &[("before", (&month).into()), ("value", (&value).into())])
    }

    fn ratio(&self, value: Decimal) -> String {
        self.language.optional(Fixed::from_decimal(value, 2), "")
    }

    fn co2(&self) -> String {
        let Some(total) = self.scope.co2.total else {
            return self.reason("say-co2-unknown", self.scope.co2.withheld.as_deref().unwrap_or("no_data"));
        };
        let Some(factor) = self.factor() else { return self.reason("say-co2-unknown", "missing_factor") };
        let key = if factor.status.is_provisional() { "say-co2-provisional" } else { "say-co2" };
        let first = self.language.say(
            key,
            &[
                ("co2", (&self.language.tonnes(total)).into()),
                ("factor", (&factor.source).into()),
                ("year", (&factor.year.to_string()).into()),
            ],
        );
        let before = self.report.month.year_before();
        let earlier = self.scope.month(before).and_then(|entry| entry.co2);
        let kind = Change::between(Some(total.milligrams()), earlier.map(CarbonMass::milligrams));
        let value = earlier.map(|co2| self.language.tonnes(co2)).unwrap_or_default();
        format!("{first} {}", change(self.language, kind, before, &value))
    }

    /// The grid's factor, which stands for most of it.
    fn factor(&self) -> Option<&FactorUse> {
        let sources = self.report.sites.iter().flat_map(|site| &site.co2.sources);
        let grid = sources.min_by_key(|source| source.source)?;
        self.report.factors.iter().find(|factor| factor.id == grid.factor)
    }

    fn target(&self) -> String {
        let (Some(target), Some(verdict)) = (&self.scope.target, self.scope.verdict()) else {
            return self.language.text("say-target-none");
        };
        let key = match verdict {
            Verdict::OnCourse => "say-target-under",
            Verdict::Narrowly => "say-target-narrowly",
            Verdict::OffCourse => "say-target-over",
            Verdict::NoStatement if target.actual_to_date.is_none() => "say-target-unknown",
            Verdict::NoStatement => "say-target-no-statement",
        };
        self.target_sentence(key, target)
    }

    fn target_sentence(&self, key: &str, target: &TargetFacts) -> String {
        let mass = |mass: Option<CarbonMass>| mass.map(|mass| self.language.tonnes(mass)).unwrap_or_default();
        let difference = target
            .allowed_to_date
            .zip(target.actual_to_date)
            .map(|(allowed, actual)| CarbonMass::from_milligrams((allowed - actual).milligrams().abs()));
        let coverage = self.language.optional(Fixed::coverage(target.coverage_to_date), "%");
        let arguments: [(&str, String); 6] = [
            ("month", self.language.month(self.report.month)),
            ("allowed", mass(target.allowed_to_date)),
            ("actual", mass(target.actual_to_date)),
            ("difference", mass(difference)),
            ("goal-year", target.goal.year.to_string()),
            ("coverage", coverage),
        ];
        let arguments: Vec<(&str, Argument<'_>)> =
            arguments.iter().map(|(name, text)| (*name, text.into())).collect();
        self.language.say(key, &arguments)
    }

    /// How much there is, and which sites lack more than the limit allows.
    fn data(&self) -> String {
        let covered = self.language.optional(Fixed::coverage(self.scope.quality.coverage), "%");
        let mut text = self.language.say("say-data", &[("coverage", (&covered).into())]);
        if !self.is_sum() {
            return text;
        }
        for site in &self.report.sites {
            let coverage = site.quality.coverage;
            if u64::from(coverage.missing()) * 100 > u64::from(coverage.expected) * 5 {
                let share = Fixed::percent_of(coverage.missing().into(), coverage.expected.into(), 1);
                let share = self.language.optional(share, "%");
                let site = [("name", (&site.name).into()), ("missing", (&share).into())];
                text.push(' ');
                text.push_str(&self.language.say("say-data-site", &site));
            }
        }
        text
    }

    fn reason(&self, key: &str, code: &str) -> String {
        self.language.say(key, &[("reason", (&withheld(self.language, code)).into())])
    }
}

/// The sentence that compares with `before`, whose value is `value`.
fn change(language: Language, change: Change, before: Month, value: &str) -> String {
    let month = language.month(before);
    let (key, percent) = match change {
        Change::Up(percent) => ("say-change-up", language.with_unit(percent, "%")),
        Change::Down(percent) => ("say-change-down", language.with_unit(percent, "%")),
        Change::Same => ("say-change-same", String::new()),
        Change::Unknown => ("say-change-unknown", String::new()),
    };
    language.say(key, &[("percent", (&percent).into()), ("before", (&month).into()), ("value", value.into())])
}
