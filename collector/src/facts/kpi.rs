//! KPIs of a site and period.

use accounting::{PointValues, evaluate_all};
use carbon::{FuelEmission, FuelUse, fuel_emissions};
use kpi::{Balance, Facts, Figure, Input, Rules, balance, figures};
use model::Period;
use store::Core;

use super::FactsError;
use super::catalogue::{Context, SiteEntry};
use super::values::{SiteRecord, slice};

/// The values of a site over a span, from which figures of any part of it are made.
#[derive(Debug)]
pub struct SiteSpan<'c> {
    context: &'c Context,
    entry: &'c SiteEntry,
    period: Period,
    points: Vec<PointValues>,
    revision: u32,
}

impl<'c> SiteSpan<'c> {
    /// Reads and evaluates all meter points that count.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn read(
        core: &Core,
        context: &'c Context,
        entry: &'c SiteEntry,
        period: Period,
    ) -> Result<Self, FactsError> {
        let mut record = SiteRecord::new(core, &entry.topology.site.id);
        let points = evaluate_all(&entry.topology, period, &mut record)?;
        let revision = record.revision();
        Ok(Self { context, entry, period, points, revision })
    }

    /// A shorter span of the same values.
    #[must_use]
    pub fn part(&self, period: Period) -> Self {
        let period = period.intersection(self.period);
        let points = slice(&self.points, self.period, period);
        Self { context: self.context, entry: self.entry, period, points, revision: self.revision }
    }

    /// The span.
    pub fn period(&self) -> Period {
        self.period
    }

    /// Its values.
    pub fn points(&self) -> &[PointValues] {
        &self.points
    }

    /// Every figure of the span.
    ///
    /// # Errors
    /// If fuel was entered that is not in the factor set.
    pub fn figures(&self) -> Result<Vec<Figure>, FactsError> {
        self.with_input(figures)
    }

    /// Energy by use and by source.
    ///
    /// # Errors
    /// If fuel was entered that is not in the factor set.
    pub fn balance(&self) -> Result<Balance, FactsError> {
        self.with_input(balance)
    }

    /// CO2 of the fuels that were entered for days of the span.
    ///
    /// # Errors
    /// If a fuel is not in the factor set.
    pub fn fuels(&self) -> Result<Vec<FuelEmission>, FactsError> {
        let zone = &self.entry.topology.site.zone;
        let inside = |row: &&super::FuelRow| self.period.contains(zone.start_of_day(row.date));
        let uses: Vec<FuelUse> = self.entry.fuels.iter().filter(inside).map(fuel_use).collect();
        let Some(factors) = &self.context.fuels else { return Ok(Vec::new()) };
        let site = self.entry.topology.site.id.to_string();
        fuel_emissions(&uses, factors).map_err(|source| FactsError::Fuel { site, source })
    }

    fn with_input<T>(&self, make: impl FnOnce(&Input<'_>) -> T) -> Result<T, FactsError> {
        let site = &self.entry.topology.site;
        let facts = Facts { carriers: Vec::new(), fuels: self.fuels()?, evidence: None };
        Ok(make(&Input {
            site: &site.id,
            zone: &site.zone,
            period: self.period,
            revision: self.revision,
            points: &self.points,
            grid_factors: self.context.grid.as_ref(),
            facts: &facts,
            rules: Rules::default(),
        }))
    }
}

fn fuel_use(row: &super::FuelRow) -> FuelUse {
    FuelUse { fuel: row.fuel.clone(), amount: row.amount, unit: row.unit }
}
