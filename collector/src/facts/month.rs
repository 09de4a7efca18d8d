//! The facts of a monthly report.

use std::collections::BTreeMap;

use accounting::{Book, PointValues, coverage_of, total_of};
use calendar::{Month, Zone};
use carbon::{Indicator, TargetPath};
use kpi::{Balance, Figure, Kpi};
use model::{CarbonMass, Coverage, Decimal, Energy, Missing, Period, Quality, QuarterHour, Timestamp};
use report::{
    Co2Facts, Co2Source, EnergyAmount, EnergyFacts, FactorStatus, FactorUse, FormulaUse, Gap, HistoryMonth,
    KpiFacts, LossStatement, MonthReport, PointQuality, PueFacts, QualityFacts, SiteMonth, SourceKind,
    Status, Substituted, TargetFacts, TargetYear,
};
use store::{Core, Day};

use super::FactsError;
use super::catalogue::{Context, SiteEntry};
use super::kpi::SiteSpan;

/// Months of history that a report shows, its own included: a year and the same month of the year before.
const HISTORY_MONTHS: i32 = 13;
/// Most meter points whose quality is shown.
const POINTS_MAX: usize = 1000;
/// Most gaps that are shown.
const GAPS_MAX: usize = 50;
/// A month is closed when its last hour and the grace of late values are over.
const CLOSED_AFTER_MS: i64 = 2 * 3_600_000;

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct MonthScope<'s> {
    /// The sites, at least one, at most 64.
    pub(super) sites: &'s [&'s SiteEntry],
    /// Beginning of its id: the site, or the city.
    pub(super) name: &'s str,
    /// The city as shown.
    pub(super) city: &'s str,
    /// The month.
    pub(super) month: Month,
    /// When the facts are taken.
    pub(super) now: Timestamp,
}

/// The facts of a month, as revision 1; sealing gives it its number.
///
/// # Errors
/// If the sites have different zones, or the record cannot be read.
pub(super) fn month_report(
    core: &Core,
    context: &Context,
    scope: &MonthScope<'_>,
) -> Result<MonthReport, FactsError> {
    let zone = one_zone(scope.sites)?;
    let period = zone.month(scope.month);
    let mut used = Used::default();
    let mut sites = Vec::with_capacity(scope.sites.len());
    for entry in scope.sites {
        sites.push(site_month(core, context, (entry, scope.month), &mut used)?);
    }
    let over = scope.now.millis_since(period.to) >= CLOSED_AFTER_MS;
    Ok(MonthReport {
        schema: report::SCHEMA,
        id: format!("{}-{}-r1", scope.name, scope.month),
        revision: 1,
        city: scope.city.to_owned(),
        month: scope.month,
        zone,
        period,
        data_as_of: scope.now,
        status: if over { Status::Closed } else { Status::Preliminary },
        software: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        sites,
        factors: used.factors.into_values().collect(),
        formulas: used.formulas.into_values().collect(),
    })
}

/// Factors and formulas, each once.
#[derive(Default)]
struct Used {
    factors: BTreeMap<(String, i16), FactorUse>,
    formulas: BTreeMap<String, FormulaUse>,
}

impl Used {
    fn formula(&mut self, figure: &Figure) -> String {
        let (id, text) = figure.formula.split_once(": ").unwrap_or((&figure.formula, ""));
        self.formulas.entry(id.to_owned()).or_insert_with(|| FormulaUse {
            id: id.to_owned(),
            text: text.to_owned(),
            standard: figure.standard_edition.to_owned(),
        });
        id.to_owned()
    }

    fn grid(&mut self, context: &Context, year: calendar::Year) -> Option<(String, Decimal)> {
        let grid = context.grid.as_ref()?;
        let factor = grid.factor(year, Indicator::Co2Mix)?;
        let status = match (factor.provisional, factor.status) {
            (true, _) => FactorStatus::Substitute,
            (false, carbon::Status::Final) => FactorStatus::Final,
            (false, _) => FactorStatus::Provisional,
        };
        let year = factor.year.number();
        self.factors.entry((factor.set.clone(), year)).or_insert_with(|| FactorUse {
            id: factor.set.clone(),
            source: format!("{}, {}", grid.source.publisher, grid.source.title),
            year,
            unit: "g CO₂/kWh".to_owned(),
            status,
        });
        Some((factor.set, factor.grams_per_kwh))
    }
}

fn one_zone(sites: &[&SiteEntry]) -> Result<Zone, FactsError> {
    let first = sites.first().ok_or_else(|| FactsError::NoSites)?;
    let zone = &first.topology.site.zone;
    match sites.iter().find(|site| site.topology.site.zone != *zone) {
        Some(other) => {
            Err(FactsError::Zones(first.topology.site.id.to_string(), other.topology.site.id.to_string()))
        }
        None => Ok(zone.clone()),
    }
}

fn site_month(
    core: &Core,
    context: &Context,
    (entry, month): (&SiteEntry, Month),
    used: &mut Used,
) -> Result<SiteMonth, FactsError> {
    let site = &entry.topology.site;
    let zone = &site.zone;
    let oldest = month.plus_months(1 - HISTORY_MONTHS);
    let whole = Period::new(zone.month(oldest).from, zone.month(month).to);
    let all = SiteSpan::read(core, context, entry, whole)?;
    let this = all.part(zone.month(month));
    let (balance, figures) = (this.balance()?, this.figures()?);
    let mut history = Vec::new();
    for past in 0..HISTORY_MONTHS {
        history.extend(history_month(&all, oldest.plus_months(past), zone)?);
    }
    Ok(SiteMonth {
        site: site.id.clone(),
        name: site.name.clone(),
        energy: energy(&balance),
        pue: pue(&balance, &figures),
        pue_category: balance.it_category,
        co2: co2(&this, (&balance, &figures), context, (month, used))?,
        target: target(&all, entry, month)?,
        history,
        kpis: figures.iter().map(|figure| kpi_facts(figure, used)).collect(),
        quality: quality(core, &this, entry)?,
    })
}

fn amount(amount: kpi::EnergyAmount) -> EnergyAmount {
    EnergyAmount { energy: amount.energy, coverage: amount.coverage }
}

fn energy(balance: &Balance) -> EnergyFacts {
    let it = balance.it_category.and_then(|category| *balance.it.get(usize::from(category) - 1)?);
    let nothing = EnergyAmount { energy: None, coverage: Coverage::default() };
    EnergyFacts {
        total: balance.total.map_or(nothing, amount),
        it: it.map(amount),
        cooling: balance.cooling.map(amount),
        losses: balance.losses.map(amount),
        other: balance.other.map(amount),
        grid: balance.grid.map(amount),
        photovoltaic: balance.renewable.map(amount),
        diesel: balance.generator.map(amount),
    }
}

fn pue(balance: &Balance, figures: &[Figure]) -> Vec<PueFacts> {
    let of = |category: u8| {
        let it = (*balance.it.get(usize::from(category) - 1)?)?;
        let figure = find(figures, Kpi::Pue, Some(category), None)?;
        Some(PueFacts {
            category,
            value: figure.value,
            it_energy: it.energy,
            coverage: figure.counted,
            withheld: figure.withheld.map(|reason| reason.code().to_owned()),
        })
    };
    (1..=3).filter_map(of).collect()
}

/// A figure among all of a period.
pub(super) fn find<'f>(
    figures: &'f [Figure],
    kpi: Kpi,
    category: Option<u8>,
    variant: Option<&str>,
) -> Option<&'f Figure> {
    figures.iter().find(|one| one.kpi == kpi && one.category == category && one.variant == variant)
}

/// The mass of a figure in kg, exact.
pub(super) fn mass(value: Decimal) -> Option<CarbonMass> {
    let shift = i32::from(value.exponent()) + 6;
    let power = 10i64.checked_pow(u32::try_from(shift).ok()?)?;
    value.mantissa().checked_mul(power).map(CarbonMass::from_milligrams)
}

fn co2(
    span: &SiteSpan<'_>,
    (balance, figures): (&Balance, &[Figure]),
    context: &Context,
    (month, used): (Month, &mut Used),
) -> Result<Co2Facts, FactsError> {
    let Some(figure) = find(figures, Kpi::Co2, None, Some("location")) else {
        let withheld = Some("missing_factor".to_owned());
        return Ok(Co2Facts { total: None, sources: Vec::new(), coverage: Coverage::default(), withheld });
    };
    let grid = figure.value.and_then(mass);
    let burnt: Option<CarbonMass> = {
        let fuels = span.fuels()?;
        (!fuels.is_empty()).then(|| fuels.iter().map(|fuel| fuel.mass).sum())
    };
    let mut sources = Vec::new();
    if let Some((factor, grams_per_kwh)) = used.grid(context, month.year()) {
        if let Some(energy) = balance.grid {
            let (source, energy) = (SourceKind::Grid, energy.energy);
            sources.push(Co2Source { source, energy, co2: grid, grams_per_kwh, factor: factor.clone() });
        }
        if let Some(energy) = balance.renewable {
            let (source, energy) = (SourceKind::Photovoltaic, energy.energy);
            let co2 = energy.map(|_| CarbonMass::ZERO);
            sources.push(Co2Source { source, energy, co2, grams_per_kwh: Decimal::new(0, 0), factor });
        }
    }
    sources.extend(diesel(balance, burnt, context, used));
    let total = grid.and_then(|grid| grid.checked_add(burnt.unwrap_or(CarbonMass::ZERO)));
    let withheld = figure.withheld.map(|reason| reason.code().to_owned());
    Ok(Co2Facts { total, sources, coverage: figure.counted, withheld })
}

/// What the emergency generators emitted, by the fuel that was entered; unknown as long as none was.
fn diesel(
    balance: &Balance,
    burnt: Option<CarbonMass>,
    context: &Context,
    used: &mut Used,
) -> Option<Co2Source> {
    let energy = balance.generator?.energy;
    let fuels = context.fuels.as_ref()?;
    let id = fuels.source.to_string();
    let year = fuels.source.published.number();
    used.factors.entry((id.clone(), year)).or_insert_with(|| FactorUse {
        id: id.clone(),
        source: format!("{}, {}", fuels.source.publisher, fuels.source.title),
        year,
        unit: "t CO₂/GJ".to_owned(),
        status: FactorStatus::Final,
    });
    let unused = energy == Some(Energy::ZERO) && burnt.is_none();
    let co2 = if unused { Some(CarbonMass::ZERO) } else { burnt };
    let grams = co2.zip(energy).filter(|(_, energy)| energy.milliwatt_hours() > 0);
    let grams =
        grams.map_or(0, |(co2, energy)| co2.milligrams().saturating_mul(1000) / energy.milliwatt_hours());
    Some(Co2Source {
        source: SourceKind::Diesel,
        energy,
        co2,
        grams_per_kwh: Decimal::new(grams, 0),
        factor: id,
    })
}

fn history_month(all: &SiteSpan<'_>, month: Month, zone: &Zone) -> Result<Option<HistoryMonth>, FactsError> {
    let part = all.part(zone.month(month));
    let balance = part.balance()?;
    if balance.total.is_none_or(|total| total.energy.is_none()) {
        return Ok(None);
    }
    let figures = part.figures()?;
    let pue = find(&figures, Kpi::Pue, balance.it_category, None).and_then(|figure| figure.value);
    let co2 = find(&figures, Kpi::Co2, None, Some("location")).and_then(|figure| figure.value).and_then(mass);
    Ok(Some(HistoryMonth { month, energy: energy(&balance), pue, co2 }))
}

fn target(all: &SiteSpan<'_>, entry: &SiteEntry, month: Month) -> Result<Option<TargetFacts>, FactsError> {
    let targets: Vec<_> = entry.topology.targets_of(Book::Location).collect();
    let (Some(base), Some(goal)) = (targets.first(), targets.last()) else { return Ok(None) };
    let Some(path) = TargetPath::new(targets.iter().map(|target| (target.year, target.mass))) else {
        return Ok(None);
    };
    let zone = &entry.topology.site.zone;
    let to_date = Period::new(zone.year(month.year()).from, zone.month(month).to);
    let figures = all.part(to_date).figures()?;
    let co2 = find(&figures, Kpi::Co2, None, Some("location"));
    let year =
        |target: &accounting::Target| TargetYear { year: target.year.number(), co2: Some(target.mass) };
    Ok(Some(TargetFacts {
        base: year(base),
        goal: year(goal),
        year_budget: path.of_year(month.year()),
        allowed_to_date: path.of_period(zone, to_date),
        actual_to_date: co2.and_then(|figure| figure.value).and_then(mass),
        coverage_to_date: co2.map_or(Coverage::default(), |figure| figure.counted),
    }))
}

fn kpi_facts(figure: &Figure, used: &mut Used) -> KpiFacts {
    KpiFacts {
        kpi: figure.kpi.as_str().to_owned(),
        category: figure.category,
        variant: figure.variant.map(str::to_owned),
        value: figure.value,
        unit: if figure.unit == "1" { String::new() } else { figure.unit.to_owned() },
        coverage: figure.counted,
        uncertainty: figure.uncertainty,
        standard_edition: figure.standard_edition.to_owned(),
        formula: used.formula(figure),
        factor_set: figure.factor_set.clone(),
        withheld: figure.withheld.map(|reason| reason.code().to_owned()),
    }
}

fn quality(core: &Core, span: &SiteSpan<'_>, entry: &SiteEntry) -> Result<QualityFacts, FactsError> {
    let mut coverage = Coverage::default();
    let mut gaps = Vec::new();
    for point in span.points() {
        add(&mut coverage, coverage_of(&point.values));
        gaps.extend(gaps_of(point, span.period()));
    }
    // Longest first; the same length by place and time, so that the order is the same each time.
    gaps.sort_by_key(|gap| (-gap.period.millis(), gap.point.clone(), gap.period.from));
    gaps.truncate(GAPS_MAX);
    let points = span.points().iter().take(POINTS_MAX).map(point_quality).collect();
    Ok(QualityFacts { coverage, points, gaps, losses: losses(core, entry, span.period())? })
}

/// Counts of two spans together.
pub(super) fn add(sum: &mut Coverage, more: Coverage) {
    sum.expected += more.expected;
    sum.measured += more.measured;
    sum.substitute += more.substitute;
    sum.provisional += more.provisional;
}

fn point_quality(point: &PointValues) -> PointQuality {
    let coverage = coverage_of(&point.values);
    let known = coverage.missing() < coverage.expected;
    PointQuality {
        point: point.point.clone(),
        role: point.role.as_str().to_owned(),
        energy: known.then(|| Energy::from_milliwatt_hours(total_of(&point.values))),
        coverage,
    }
}

fn gaps_of(point: &PointValues, period: Period) -> Vec<Gap> {
    let first = QuarterHour::at_or_after(period.from).index();
    let quarter = |index: usize| QuarterHour::from_index(first + i64::try_from(index).unwrap_or(i64::MAX));
    let mut gaps = Vec::new();
    let mut at = 0;
    for run in point.values.chunk_by(|a, b| (a.quality, a.reason) == (b.quality, b.reason)) {
        let value = run[0];
        if value.quality != Quality::True {
            let period = Period::new(quarter(at).start(), quarter(at + run.len()).start());
            let substituted = if value.quality.is_covered() { Substituted::Yes } else { Substituted::No };
            let reason = value.reason.map(|reason| reason.code().to_owned());
            gaps.push(Gap { point: point.point.clone(), period, substituted, reason });
        }
        at += run.len();
    }
    gaps
}

/// Loss statements are kept by UTC day, so those of the days that the month touches are added up.
fn losses(core: &Core, entry: &SiteEntry, period: Period) -> Result<LossStatement, FactsError> {
    let mut sum = LossStatement::default();
    let (first, last) = (Day::of(period.from)?, Day::of(period.to.plus_millis(-1))?);
    for device in core.devices(&entry.topology.site.id)? {
        for day in first.index()..=last.index() {
            let day = core.losses(device.key, Day::from_index(day.into())?)?;
            if day.expected > 0 {
                sum.expected = Some(sum.expected.unwrap_or(0) + day.expected);
            }
            sum.received += day.received;
            for (reason, n) in day.missing {
                match reason {
                    Missing::AgentDown | Missing::SpoolFull => sum.lost += n,
                    _ => sum.missing += n,
                }
            }
        }
    }
    Ok(sum)
}
