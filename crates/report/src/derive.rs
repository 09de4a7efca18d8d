//! What follows from the facts alone: sums over sites, comparisons, verdicts. One place, so that every format agrees.

use calendar::Month;
use chart::Verdict;
use locale::{Change, Fixed};
use model::{CarbonMass, Coverage, Decimal, Energy, SiteId};

use crate::facts::{
    Co2Facts, EnergyAmount, EnergyFacts, HistoryMonth, LossStatement, MonthReport, PueFacts, QualityFacts,
    SiteMonth, TargetFacts, TargetYear,
};

impl MonthReport {
    /// The sum over all sites, named `name`, as if it were one; `None` for a report of fewer than two sites. What any
    /// site does not know, the sum does not know.
    ///
    /// # Panics
    /// Never: the id of the sum is a valid one.
    pub fn sum(&self, name: &str) -> Option<SiteMonth> {
        (self.sites.len() > 1).then(|| SiteMonth {
            site: SiteId::new("all").expect("`all` is made of the letters that an id may have"),
            name: name.to_owned(),
            energy: sum_energy(&self.sites.iter().map(|site| &site.energy).collect::<Vec<_>>()),
            pue: sum_pue(&self.sites).into_iter().collect(),
            pue_category: sum_pue(&self.sites).map(|pue| pue.category),
            co2: sum_co2(&self.sites),
            target: sum_target(&self.sites),
            history: sum_history(&self.sites),
            kpis: Vec::new(),
            quality: QualityFacts {
                coverage: sum_coverage(self.sites.iter().map(|site| site.quality.coverage)),
                points: Vec::new(),
                gaps: Vec::new(),
                losses: sum_losses(&self.sites),
            },
        })
    }
}

impl SiteMonth {
    /// PUE in the category on which summary and comparison stand.
    pub fn chosen_pue(&self) -> Option<&PueFacts> {
        self.pue.iter().find(|pue| Some(pue.category) == self.pue_category)
    }

    /// A month of the history.
    pub fn month(&self, month: Month) -> Option<&HistoryMonth> {
        self.history.iter().find(|entry| entry.month == month)
    }

    /// Change of an energy against a month of the history.
    pub fn energy_change(&self, of: Use, month: Month) -> Change {
        let before = self.month(month).and_then(|entry| of.energy(&entry.energy));
        Change::between(milliwatt_hours(of.energy(&self.energy)), milliwatt_hours(before))
    }

    /// The same in percent with one decimal, for tables and files.
    pub fn energy_change_percent(&self, of: Use, month: Month) -> Option<Fixed> {
        let before = self.month(month).and_then(|entry| of.energy(&entry.energy));
        Change::percent(milliwatt_hours(of.energy(&self.energy)), milliwatt_hours(before))
    }

    /// Where the year so far stands against the path; `None` without a path.
    pub fn verdict(&self) -> Option<Verdict> {
        let target = self.target.as_ref()?;
        Some(Verdict::of(target.actual_to_date, target.allowed_to_date, target.coverage_to_date))
    }
}

fn milliwatt_hours(energy: Option<Energy>) -> Option<i64> {
    energy.map(Energy::milliwatt_hours)
}

/// A row of the energy table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Use {
    /// All electricity.
    Total,
    /// IT equipment.
    It,
    /// Cooling.
    Cooling,
    /// Losses of UPS and distribution.
    Losses,
    /// The rest.
    Other,
    /// From the grid.
    Grid,
    /// From photovoltaics.
    Photovoltaic,
    /// From generators.
    Diesel,
}

impl Use {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::Total,
        Self::It,
        Self::Cooling,
        Self::Losses,
        Self::Other,
        Self::Grid,
        Self::Photovoltaic,
        Self::Diesel,
    ];

    /// Name in files and keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::It => "it",
            Self::Cooling => "cooling",
            Self::Losses => "losses",
            Self::Other => "other",
            Self::Grid => "grid",
            Self::Photovoltaic => "photovoltaic",
            Self::Diesel => "diesel",
        }
    }

    /// The amount, if the site measures it.
    pub const fn amount(self, facts: &EnergyFacts) -> Option<EnergyAmount> {
        match self {
            Self::Total => Some(facts.total),
            Self::It => facts.it,
            Self::Cooling => facts.cooling,
            Self::Losses => facts.losses,
            Self::Other => facts.other,
            Self::Grid => facts.grid,
            Self::Photovoltaic => facts.photovoltaic,
            Self::Diesel => facts.diesel,
        }
    }

    /// The energy, if it is known.
    pub fn energy(self, facts: &EnergyFacts) -> Option<Energy> {
        self.amount(facts).and_then(|amount| amount.energy)
    }
}

/// The sum, unless one of them is unknown or it does not fit.
fn sum_known<T>(values: impl Iterator<Item = Option<T>>, add: impl Fn(T, T) -> Option<T>) -> Option<T> {
    let mut sum = None;
    for value in values {
        let value = value?;
        sum = Some(match sum {
            Some(sum) => add(sum, value)?,
            None => value,
        });
    }
    sum
}

fn sum_coverage(all: impl Iterator<Item = Coverage>) -> Coverage {
    all.fold(Coverage::default(), |sum, one| Coverage {
        expected: sum.expected + one.expected,
        measured: sum.measured + one.measured,
        substitute: sum.substitute + one.substitute,
        provisional: sum.provisional + one.provisional,
    })
}

fn sum_amount(a: EnergyAmount, b: EnergyAmount) -> EnergyAmount {
    EnergyAmount {
        energy: a.energy.zip(b.energy).and_then(|(a, b)| a.checked_add(b)),
        coverage: sum_coverage([a.coverage, b.coverage].into_iter()),
    }
}

fn sum_energy(sites: &[&EnergyFacts]) -> EnergyFacts {
    let of = |one: Use| sum_known(sites.iter().map(|facts| one.amount(facts)), |a, b| Some(sum_amount(a, b)));
    // A source that only some sites have adds up over those that have it; a use is measured everywhere or unknown.
    let source = |one: Use| sites.iter().filter_map(|facts| one.amount(facts)).reduce(sum_amount);
    EnergyFacts {
        total: of(Use::Total).unwrap_or(EnergyAmount { energy: None, coverage: Coverage::default() }),
        it: of(Use::It),
        cooling: of(Use::Cooling),
        losses: of(Use::Losses),
        other: of(Use::Other),
        grid: source(Use::Grid),
        photovoltaic: source(Use::Photovoltaic),
        diesel: source(Use::Diesel),
    }
}

/// Sum of numerators over sum of denominators, never a mean of ratios: each PUE weighs by its IT energy. Only if all
/// sites stand on one category.
fn sum_pue(sites: &[SiteMonth]) -> Option<PueFacts> {
    let category = sites.first()?.pue_category?;
    let chosen: Vec<&PueFacts> = sites.iter().filter_map(SiteMonth::chosen_pue).collect();
    if chosen.len() != sites.len() || chosen.iter().any(|pue| pue.category != category) {
        return None;
    }
    let it_energy = sum_known(chosen.iter().map(|pue| pue.it_energy), Energy::checked_add);
    let value = weighted(chosen.iter().map(|pue| Some((pue.value?, pue.it_energy?))));
    let withheld = chosen.iter().find_map(|pue| pue.withheld.clone());
    let value = if withheld.is_some() { None } else { value };
    Some(PueFacts {
        category,
        withheld: withheld.or_else(|| value.is_none().then(|| "no_data".to_owned())),
        value,
        it_energy,
        coverage: sum_coverage(chosen.iter().map(|pue| pue.coverage)),
    })
}

/// Mean of ratios weighted by energy, exact up to the four decimals that it is kept with.
fn weighted(parts: impl Iterator<Item = Option<(Decimal, Energy)>>) -> Option<Decimal> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for part in parts {
        let (ratio, energy) = part?;
        sum += ratio.to_f64() * energy.kilowatt_hours();
        weight += energy.kilowatt_hours();
    }
    if weight <= 0.0 {
        return None;
    }
    Fixed::from_f64(sum / weight, 4)?.plain().parse().ok()
}

fn sum_co2(sites: &[SiteMonth]) -> Co2Facts {
    Co2Facts {
        total: sum_known(sites.iter().map(|site| site.co2.total), CarbonMass::checked_add),
        sources: Vec::new(),
        coverage: sum_coverage(sites.iter().map(|site| site.co2.coverage)),
        withheld: sites.iter().find_map(|site| site.co2.withheld.clone()),
    }
}

fn sum_target(sites: &[SiteMonth]) -> Option<TargetFacts> {
    let targets: Vec<&TargetFacts> = sites.iter().filter_map(|site| site.target.as_ref()).collect();
    let first = targets.first().filter(|_| targets.len() == sites.len())?;
    let sum = |of: fn(&TargetFacts) -> Option<CarbonMass>| {
        sum_known(targets.iter().map(|target| of(target)), CarbonMass::checked_add)
    };
    let same_years = targets.iter().all(|t| (t.base.year, t.goal.year) == (first.base.year, first.goal.year));
    same_years.then(|| TargetFacts {
        base: TargetYear { year: first.base.year, co2: sum(|t| t.base.co2) },
        goal: TargetYear { year: first.goal.year, co2: sum(|t| t.goal.co2) },
        year_budget: sum(|t| t.year_budget),
        allowed_to_date: sum(|t| t.allowed_to_date),
        actual_to_date: sum(|t| t.actual_to_date),
        coverage_to_date: sum_coverage(targets.iter().map(|t| t.coverage_to_date)),
    })
}

/// The months that every site has.
fn sum_history(sites: &[SiteMonth]) -> Vec<HistoryMonth> {
    let Some(first) = sites.first() else { return Vec::new() };
    first.history.iter().filter_map(|entry| sum_month(sites, entry.month)).collect()
}

fn sum_month(sites: &[SiteMonth], month: Month) -> Option<HistoryMonth> {
    let entries: Vec<&HistoryMonth> = sites.iter().filter_map(|site| site.month(month)).collect();
    if entries.len() != sites.len() {
        return None;
    }
    let same_category = sites.iter().all(|site| site.pue_category == sites[0].pue_category);
    let pue = weighted(entries.iter().map(|entry| Some((entry.pue?, Use::It.energy(&entry.energy)?))));
    Some(HistoryMonth {
        month,
        energy: sum_energy(&entries.iter().map(|entry| &entry.energy).collect::<Vec<_>>()),
        pue: pue.filter(|_| same_category),
        co2: sum_known(entries.iter().map(|entry| entry.co2), CarbonMass::checked_add),
    })
}

fn sum_losses(sites: &[SiteMonth]) -> LossStatement {
    let all = || sites.iter().map(|site| site.quality.losses);
    LossStatement {
        expected: all().map(|losses| losses.expected).sum(),
        received: all().map(|losses| losses.received).sum(),
        missing: all().map(|losses| losses.missing).sum(),
        lost: all().map(|losses| losses.lost).sum(),
    }
}
