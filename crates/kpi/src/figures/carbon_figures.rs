//! CO2 and what is made of it.

use accounting::Book;
use calendar::Year;
use carbon::{Emission, Indicator, Origin, location_based};
use model::{CarbonMass, Decimal, Energy, QuarterHour, Role};

use super::builder::{Builder, Quotient, in_quadrature};
use crate::figure::{Figure, Kpi, Withheld};
use crate::row::Row;

impl Builder<'_> {
    /// Scope 2 by the mix of the grid (GHG Protocol Scope 2 Guidance, location-based).
    pub(super) fn co2_location(&self) -> Figure {
        self.co2(Book::Location.as_str(), Indicator::Co2Mix)
    }

    /// Electricity as municipal inventories count it: federal mix, CO2e with upstream (BISKO).
    pub(super) fn co2_bisko(&self) -> Figure {
        self.co2(Book::Bisko.as_str(), Indicator::Co2eWithUpstream)
    }

    fn co2(&self, variant: &'static str, indicator: Indicator) -> Figure {
        let figure = self.figure(Kpi::Co2, None, Some(variant), &format!("(MP_EVU - outside) x {indicator}"));
        let Some(grid) = &self.rows.grid else { return figure.without(Withheld::MissingMeter(Role::Grid)) };
        let (_, counted) = grid.sum();
        let figure = figure.covered(counted);
        if let Some(reason) = self.too_little(counted) {
            return figure.without(reason);
        }
        let Some(emission) = self.emission(grid, grid, indicator) else {
            return figure.without(Withheld::MissingFactor);
        };
        let value = Some(Decimal::new(emission.mass.milligrams(), -6));
        let uncertainty =
            grid.relative().map(|share| format!("{:.3}", 2.0 * share * emission.mass.kilograms()));
        let uncertainty = uncertainty.and_then(|text| text.parse().ok());
        Figure { value, uncertainty, factor_set: Some(emission.factors_text()), ..figure }
    }

    /// CO2 of energy from the grid, over the quarter hours that `other` knows too, with the factor of each local year.
    fn emission(&self, grid: &Row, other: &Row, indicator: Indicator) -> Option<Emission> {
        let first = QuarterHour::at_or_after(self.input.period.from).index();
        let index =
            |quarter: QuarterHour| usize::try_from(quarter.index() - first).unwrap_or(0).min(grid.length());
        let years = self.input.zone.years_in(self.input.period).into_iter();
        let energy: Vec<(Year, Energy)> = years
            .map(|(year, part)| {
                let range =
                    index(QuarterHour::at_or_after(part.from))..index(QuarterHour::at_or_after(part.to));
                (year, Energy::from_milliwatt_hours(grid.sum_within(range, other)))
            })
            .collect();
        location_based(&energy, self.input.grid_factors?, indicator).ok()
    }

    /// Scope 1: fossil CO2 of fuels, if any were burnt.
    pub(super) fn co2_scope_1(&self) -> Option<Figure> {
        let fuels = &self.input.facts.fuels;
        let sets = fuels.first()?.set.clone();
        let figure = self.figure(Kpi::Co2, None, Some("scope1"), "sum of fuel x factor");
        let value = Some(Decimal::new(self.fossil().milligrams(), -6));
        Some(Figure { value, factor_set: Some(sets), ..figure })
    }

    fn fossil(&self) -> CarbonMass {
        let fossil = self.input.facts.fuels.iter().filter(|one| one.origin == Origin::Fossil);
        fossil.map(|one| one.mass).sum()
    }

    /// CUE = CO2 of E_DC / E_IT in kg/kWh (EN 50600-4-8, ISO/IEC 30134-8): grid by its mix, and fuels.
    pub(super) fn cue(&self) -> Figure {
        let category = self.rows.it_category();
        let it_name = category.map_or_else(|| "MP_IT".to_owned(), |category| format!("MP_IT{category}"));
        let formula = format!("((MP_EVU - outside) x co2_mix + fuels) / {it_name}");
        let figure = self.figure(Kpi::Cue, category, None, &formula);
        let Some(it) = category.and_then(|category| self.rows.it_of(category)) else {
            return figure.without(Withheld::MissingItMeter);
        };
        let Some(grid) = &self.rows.grid else { return figure.without(Withheld::MissingMeter(Role::Grid)) };
        let pair = grid.paired(it);
        let figure = figure.covered(pair.counted);
        if let Some(reason) = self.no_it(it, &pair) {
            return figure.without(reason);
        }
        let Some(emission) = self.emission(grid, it, Indicator::Co2Mix) else {
            return figure.without(Withheld::MissingFactor);
        };
        let above = i128::from(emission.mass.milligrams()) + i128::from(self.fossil().milligrams());
        let relative = in_quadrature(grid.relative(), it.relative());
        let sets = std::iter::once(emission.factors_text())
            .chain(self.input.facts.fuels.first().map(|one| one.set.clone()));
        let factor_set = Some(sets.collect::<Vec<_>>().join("; "));
        // A milligram per milliwatt-hour is a kilogram per kilowatt-hour.
        Figure { factor_set, ..figure }.ratio(&Quotient { above, below: pair.below.into(), relative })
    }
}
