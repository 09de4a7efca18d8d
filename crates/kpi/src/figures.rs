//! The figures of a period.

mod builder;
mod carbon_figures;
mod ratios;

use model::Role;

use crate::balance::Rows;
use crate::figure::{Figure, Kpi, Withheld};
use crate::input::Input;
use builder::Builder;

/// Every figure of a period, in a fixed order; one that cannot be given is there with the reason.
pub fn figures(input: &Input<'_>) -> Vec<Figure> {
    let rows = Rows::of(input);
    let builder = Builder { input, rows: &rows };
    let mut all = vec![builder.energy_total()];
    all.extend((1..=3).map(|category| builder.energy_it(category)));
    all.extend((1..=3).map(|category| builder.pue(category, None)));
    all.extend((1..=3).map(|category| builder.pue(category, Some("enefg"))));
    all.extend(["cooling", "power", "other"].map(|variant| builder.ppue(variant)));
    all.extend([builder.cer(), builder.renewable_factor(), builder.erf(), builder.ere()]);
    all.extend([builder.cue(), builder.wue(1), builder.wue(2)]);
    all.extend([builder.co2_location(), builder.co2_bisko()]);
    all.extend(builder.co2_scope_1());
    all.push(builder.renewable_share());
    all
}

impl Builder<'_> {
    fn energy_total(&self) -> Figure {
        let figure = self.figure(
            Kpi::EnergyTotal,
            None,
            None,
            "MP_EVU - outside + MP_NEA + MP_EE - export + carriers",
        );
        let Some(total) = &self.rows.total else { return figure.without(Withheld::MissingMeter(Role::Grid)) };
        self.amount(figure, total, self.carriers())
    }

    fn energy_it(&self, category: u8) -> Figure {
        let figure = self.figure(Kpi::EnergyIt, Some(category), None, &format!("MP_IT{category}"));
        match self.rows.it_of(category) {
            Some(it) => self.amount(figure, it, 0),
            None => figure.without(Withheld::MissingItMeter),
        }
    }
}
