//! Ratios of energy, heat and water.

use model::Role;

use super::builder::{Builder, Quotient, in_quadrature};
use crate::figure::{Figure, Kpi, Warning, Withheld};
use crate::input::OnSite;
use crate::row::Row;

/// Energy of the data centre, as formulas name its parts.
const E_DC: &str = "MP_EVU - outside + MP_NEA + MP_EE - export + carriers";

impl Builder<'_> {
    /// PUE = E_DC / E_IT (EN 50600-4-2, ISO/IEC 30134-2); variant `enefg` leaves out electricity that only lifts waste
    /// heat (EnEfG section 11(2) sentence 3).
    pub(super) fn pue(&self, category: u8, variant: Option<&'static str>) -> Figure {
        let minus = if variant.is_some() { " - heat-upgrade" } else { "" };
        let figure =
            self.figure(Kpi::Pue, Some(category), variant, &format!("({E_DC}{minus}) / MP_IT{category}"));
        let Some(total) = self.rows.total.clone() else {
            return figure.without(Withheld::MissingMeter(Role::Grid));
        };
        let Some(it) = self.rows.it_of(category) else { return figure.without(Withheld::MissingItMeter) };
        let upgrade = if variant.is_some() { self.rows.upgrade.as_ref() } else { None };
        let total = total.plus(upgrade, -1);
        let pair = total.paired(it);
        let figure = figure.covered(pair.counted);
        if let Some(reason) = self.no_it(it, &pair) {
            return figure.without(reason);
        }
        let above = pair.above.saturating_add(self.carriers());
        let relative = in_quadrature(total.relative(), it.relative());
        let below_one = violation(above, pair.below, relative);
        match below_one.max(self.order(category)) {
            Violation::Beyond => figure.without(Withheld::BoundaryError),
            _ => figure
                .ratio(&Quotient { above: above.into(), below: pair.below.into(), relative })
                .warned((below_one == Violation::Within).then_some(Warning::PueBelowOne))
                .warned((self.order(category) == Violation::Within).then_some(Warning::CategoryOrder)),
        }
    }

    /// Does IT energy grow from a category to the next, or from the one before to this (R4)?
    fn order(&self, category: u8) -> Violation {
        let pairs =
            [(1, 2), (2, 3), (1, 3)].into_iter().filter(|(up, down)| [*up, *down].contains(&category));
        pairs.map(|(up, down)| self.order_of(up, down)).max().unwrap_or(Violation::None)
    }

    fn order_of(&self, upstream: u8, downstream: u8) -> Violation {
        let Some((up, down)) = self.rows.it_of(upstream).zip(self.rows.it_of(downstream)) else {
            return Violation::None;
        };
        let pair = up.paired(down);
        violation(pair.above, pair.below, in_quadrature(up.relative(), down.relative()))
    }

    /// pPUE = (E_x + E_IT) / E_IT of a sub-boundary (EN 50600-4-2 annex C).
    pub(super) fn ppue(&self, variant: &'static str) -> Figure {
        let category = self.rows.it_category();
        let it_name = category.map_or_else(|| "MP_IT".to_owned(), |category| format!("MP_IT{category}"));
        let (part, name, role) = match variant {
            "cooling" => (self.rows.cooling.clone(), "MP_KS", Role::Cooling),
            "other" => (self.rows.other.clone(), "MP_So", Role::Other),
            _ => (self.rows.losses(), "(E_DC - MP_IT - MP_KS - MP_So)", Role::Grid),
        };
        let figure =
            self.figure(Kpi::Ppue, category, Some(variant), &format!("({name} + {it_name}) / {it_name}"));
        let Some(it) = category.and_then(|category| self.rows.it_of(category)) else {
            return figure.without(Withheld::MissingItMeter);
        };
        let Some(part) = part else { return figure.without(Withheld::MissingMeter(role)) };
        self.over_it(figure, &part.plus(Some(it), 1), it)
    }

    /// CER = heat removed / electricity of the cooling system (EN 50600-4-7, ISO/IEC 30134-7).
    pub(super) fn cer(&self) -> Figure {
        let heat = self.rows.heat_removed.as_ref().map(|row| (row, "MP_RZ"));
        let heat = heat.or(self.rows.cold_produced.as_ref().map(|row| (row, "MP_KE")));
        let formula = format!("{} / MP_KS", heat.map_or("MP_RZ", |(_, name)| name));
        let figure = self.figure(Kpi::Cer, None, None, &formula);
        let Some((heat, _)) = heat else { return figure.without(Withheld::MissingMeter(Role::HeatRemoved)) };
        match &self.rows.cooling {
            Some(cooling) => self.quotient(figure, heat, (cooling, Role::Cooling), 1),
            None => figure.without(Withheld::MissingMeter(Role::Cooling)),
        }
    }

    /// ERF = energy reused outside / E_DC (EN 50600-4-6, ISO/IEC 30134-6).
    pub(super) fn erf(&self) -> Figure {
        let figure = self.figure(Kpi::Erf, None, None, &format!("MP_An / ({E_DC})"));
        let Some(reused) = &self.rows.heat_reused else {
            return figure.without(Withheld::MissingMeter(Role::HeatReused));
        };
        match &self.rows.total {
            Some(total) => self.over_total(figure, reused, total, 0),
            None => figure.without(Withheld::MissingMeter(Role::Grid)),
        }
    }

    /// ERE = (E_DC - E_reuse) / E_IT = (1 - ERF) x PUE (The Green Grid).
    pub(super) fn ere(&self) -> Figure {
        let category = self.rows.it_category();
        let it_name = category.map_or_else(|| "MP_IT".to_owned(), |category| format!("MP_IT{category}"));
        let figure = self.figure(Kpi::Ere, category, None, &format!("({E_DC} - MP_An) / {it_name}"));
        let Some(it) = category.and_then(|category| self.rows.it_of(category)) else {
            return figure.without(Withheld::MissingItMeter);
        };
        let Some(reused) = &self.rows.heat_reused else {
            return figure.without(Withheld::MissingMeter(Role::HeatReused));
        };
        let Some(total) = self.rows.total.clone() else {
            return figure.without(Withheld::MissingMeter(Role::Grid));
        };
        self.over_it(figure, &total.plus(Some(reused), -1), it)
    }

    /// REF = renewable energy with evidence / E_DC, at most 1 (EN 50600-4-3, ISO/IEC 30134-3).
    pub(super) fn renewable_factor(&self) -> Figure {
        let formula = format!("min(1, (guarantees + agreements + on site) / ({E_DC}))");
        let figure = self.figure(Kpi::Ref, None, None, &formula);
        let Some(evidence) = self.input.facts.evidence else {
            return figure.without(Withheld::MissingEvidence);
        };
        let Some(total) = &self.rows.total else { return figure.without(Withheld::MissingMeter(Role::Grid)) };
        let counted = |energy: model::Energy| energy.milliwatt_hours();
        let bought = counted(evidence.guarantees)
            .saturating_add(counted(evidence.agreements))
            .saturating_sub(counted(evidence.agreements_not_cancelled));
        let on_site = self.rows.renewable.as_ref().filter(|_| evidence.on_site == OnSite::Counts);
        let none = Row::nothing(self.rows.length);
        self.over_total(figure, on_site.unwrap_or(&none), total, bought)
    }

    /// WUE = water that enters / E_IT in m3/MWh (EN 50600-4-9, ISO/IEC 30134-9); category 1 potable, 2 all water.
    pub(super) fn wue(&self, category: u8) -> Figure {
        let water = match (category, self.rows.water_potable.clone(), &self.rows.water_other) {
            (1, potable, _) => potable,
            (_, Some(potable), other) => Some(potable.plus(other.as_ref(), 1)),
            (_, None, other) => other.clone(),
        };
        let it_category = self.rows.it_category();
        let it_name = it_category.map_or_else(|| "MP_IT".to_owned(), |category| format!("MP_IT{category}"));
        let name = if category == 1 { "water-potable" } else { "(water-potable + water-other)" };
        let figure = self.figure(Kpi::Wue, Some(category), None, &format!("{name} / {it_name}"));
        let Some(water) = water else { return figure.without(Withheld::MissingMeter(Role::WaterPotable)) };
        let Some(it) = it_category.and_then(|category| self.rows.it_of(category)) else {
            return figure.without(Withheld::MissingItMeter);
        };
        let pair = water.paired(it);
        let figure = figure.covered(pair.counted);
        match self.no_it(it, &pair) {
            Some(reason) => figure.without(reason),
            // A millilitre per milliwatt-hour is 1000 m3/MWh.
            None => figure.ratio(&Quotient {
                above: i128::from(pair.above) * 1000,
                below: pair.below.into(),
                relative: in_quadrature(water.relative(), it.relative()),
            }),
        }
    }

    /// Share of own renewables used on site in the electricity bought and generated from renewables: what meters alone
    /// can say of EnEfG section 11(5); certificates are not in it.
    pub(super) fn renewable_share(&self) -> Figure {
        let formula = "(MP_EE - export) / (MP_EVU - outside + MP_EE - export)";
        let figure = self.figure(Kpi::RenewableShare, None, Some("on_site"), formula);
        let Some(own) = &self.rows.renewable else {
            return figure.without(Withheld::MissingMeter(Role::Renewable));
        };
        match &self.rows.grid {
            Some(grid) => self.quotient(figure, own, (&grid.clone().plus(Some(own), 1), Role::Grid), 1),
            None => figure.without(Withheld::MissingMeter(Role::Grid)),
        }
    }

    /// A ratio over IT energy.
    fn over_it(&self, figure: Figure, above: &Row, it: &Row) -> Figure {
        let pair = above.paired(it);
        let figure = figure.covered(pair.counted);
        let relative = in_quadrature(above.relative(), it.relative());
        match self.no_it(it, &pair) {
            Some(reason) => figure.without(reason),
            None => figure.ratio(&Quotient { above: pair.above.into(), below: pair.below.into(), relative }),
        }
    }

    /// A share of E_DC, at most 1.
    fn over_total(&self, figure: Figure, part: &Row, total: &Row, more: i64) -> Figure {
        let pair = part.paired(total);
        let figure = figure.covered(pair.counted);
        if let Some(reason) = self.too_little(pair.counted) {
            return figure.without(reason);
        }
        let whole = pair.below.saturating_add(self.carriers());
        if whole <= 0 {
            return figure.without(Withheld::ZeroDenominator(Role::Grid));
        }
        let above = pair.above.saturating_add(more).min(whole);
        let relative = in_quadrature(part.relative(), total.relative());
        figure.ratio(&Quotient { above: above.into(), below: whole.into(), relative })
    }

    /// A ratio of two rows, `factor` times.
    fn quotient(&self, figure: Figure, above: &Row, (below, role): (&Row, Role), factor: i128) -> Figure {
        let pair = above.paired(below);
        let figure = figure.covered(pair.counted);
        if let Some(reason) = self.too_little(pair.counted) {
            return figure.without(reason);
        }
        if pair.below <= 0 {
            return figure.without(Withheld::ZeroDenominator(role));
        }
        let relative = in_quadrature(above.relative(), below.relative());
        figure.ratio(&Quotient { above: i128::from(pair.above) * factor, below: pair.below.into(), relative })
    }
}

/// How far something that cannot be was measured all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Violation {
    /// Not at all.
    None,
    /// By no more than the expanded uncertainty of the meters.
    Within,
    /// By more, or the classes of the meters are not known.
    Beyond,
}

/// `above` must not be less than `below`.
fn violation(above: i64, below: i64, relative: Option<f64>) -> Violation {
    if above >= below {
        return Violation::None;
    }
    let short = (below as f64 - above as f64) / (below as f64).abs();
    let explained = relative.is_some_and(|share| short <= 2.0 * share * above as f64 / below as f64);
    if explained { Violation::Within } else { Violation::Beyond }
}
