//! Energy by use and by source, and water.

use accounting::Flow;
use model::{Coverage, Energy, Role, Volume};
use serde::{Deserialize, Serialize};

use crate::Input;
use crate::row::Row;

/// An amount of energy and how well it is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnergyAmount {
    /// Sum of the quarter hours that are known; `None` if none is.
    pub energy: Option<Energy>,
    /// Quarter hours by quality.
    pub coverage: Coverage,
}

/// An amount of water and how well it is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeAmount {
    /// Sum of the quarter hours that are known; `None` if none is.
    pub volume: Option<Volume>,
    /// Quarter hours by quality.
    pub coverage: Coverage,
}

/// Energy of a period by use and by source. What a site does not meter is `None` as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// E_DC without other carriers; `None` without an intake.
    pub total: Option<EnergyAmount>,
    /// IT energy of the categories 1, 2, 3.
    pub it: [Option<EnergyAmount>; 3],
    /// The category on which figures stand that need one: 2, else 1, else 3.
    pub it_category: Option<u8>,
    /// Electricity of the cooling system.
    pub cooling: Option<EnergyAmount>,
    /// Other electricity that is metered.
    pub other: Option<EnergyAmount>,
    /// What is left of the total: losses of UPS and distribution, and what nobody meters.
    pub losses: Option<EnergyAmount>,
    /// From the grid, without what leaves the boundary.
    pub grid: Option<EnergyAmount>,
    /// Into the grid.
    pub export: Option<EnergyAmount>,
    /// What leaves the boundary behind the intake.
    pub outside: Option<EnergyAmount>,
    /// Own renewables, used on site.
    pub renewable: Option<EnergyAmount>,
    /// Emergency generators.
    pub generator: Option<EnergyAmount>,
    /// Heat removed from the rooms, thermal.
    pub heat_removed: Option<EnergyAmount>,
    /// Heat handed over for use outside, thermal.
    pub heat_reused: Option<EnergyAmount>,
    /// Potable water.
    pub water_potable: Option<VolumeAmount>,
    /// Other water.
    pub water_other: Option<VolumeAmount>,
}

/// The rows of a period from which balance and figures are made.
pub(crate) struct Rows {
    pub(crate) length: usize,
    pub(crate) total: Option<Row>,
    pub(crate) it: [Option<Row>; 3],
    pub(crate) cooling: Option<Row>,
    pub(crate) other: Option<Row>,
    pub(crate) grid: Option<Row>,
    pub(crate) export: Option<Row>,
    pub(crate) outside: Option<Row>,
    pub(crate) renewable: Option<Row>,
    pub(crate) generator: Option<Row>,
    pub(crate) upgrade: Option<Row>,
    pub(crate) cold_produced: Option<Row>,
    pub(crate) heat_removed: Option<Row>,
    pub(crate) heat_reused: Option<Row>,
    pub(crate) water_potable: Option<Row>,
    pub(crate) water_other: Option<Row>,
}

impl Rows {
    pub(crate) fn of(input: &Input<'_>) -> Self {
        let length = input.period.quarter_count();
        let into = |role| Row::of(input.points, role, Flow::Import, length);
        let out_of = |role| Row::of(input.points, role, Flow::Export, length);
        let outside = into(Role::OutsideBoundary);
        let generator = into(Role::Generator);
        let fed = out_of(Role::Renewable);
        let export = match (out_of(Role::Grid), &fed) {
            (Some(grid), fed) => Some(grid.plus(fed.as_ref(), 1)),
            (None, fed) => fed.clone(),
        };
        let grid = into(Role::Grid).map(|grid| grid.plus(outside.as_ref(), -1));
        let renewable = into(Role::Renewable).map(|generated| generated.plus(export.as_ref(), -1));
        let total = grid.clone().map(|grid| {
            let lone_export = if renewable.is_none() { export.as_ref() } else { None };
            grid.plus(generator.as_ref(), 1).plus(renewable.as_ref(), 1).plus(lone_export, -1)
        });
        Self {
            length,
            total,
            it: [into(Role::ItUpsOutput), into(Role::ItPduOutput), into(Role::ItInput)],
            cooling: into(Role::Cooling),
            other: into(Role::Other),
            grid,
            export,
            outside,
            renewable,
            generator,
            upgrade: into(Role::HeatUpgrade),
            cold_produced: into(Role::ColdProduced),
            heat_removed: into(Role::HeatRemoved),
            heat_reused: into(Role::HeatReused),
            water_potable: into(Role::WaterPotable),
            water_other: into(Role::WaterOther),
        }
    }

    /// The category on which figures stand that need one: 2, which the Blauer Engel asks for, else 1, else 3.
    pub(crate) fn it_category(&self) -> Option<u8> {
        [2, 1, 3].into_iter().find(|category| self.it_of(*category).is_some())
    }

    /// IT energy of a category, 1 to 3.
    pub(crate) fn it_of(&self, category: u8) -> Option<&Row> {
        self.it.get(usize::from(category).checked_sub(1)?)?.as_ref()
    }

    /// What is left of the total when IT, cooling and other uses are taken away.
    pub(crate) fn losses(&self) -> Option<Row> {
        let it = self.it_of(self.it_category()?)?;
        let rest = self.total.clone()?.plus(Some(it), -1);
        Some(rest.plus(self.cooling.as_ref(), -1).plus(self.other.as_ref(), -1))
    }
}

/// Energy by use and by source.
pub fn balance(input: &Input<'_>) -> Balance {
    let rows = Rows::of(input);
    let [first, second, third] = &rows.it;
    Balance {
        total: energy(rows.total.as_ref()),
        it: [energy(first.as_ref()), energy(second.as_ref()), energy(third.as_ref())],
        it_category: rows.it_category(),
        cooling: energy(rows.cooling.as_ref()),
        other: energy(rows.other.as_ref()),
        losses: energy(rows.losses().as_ref()),
        grid: energy(rows.grid.as_ref()),
        export: energy(rows.export.as_ref()),
        outside: energy(rows.outside.as_ref()),
        renewable: energy(rows.renewable.as_ref()),
        generator: energy(rows.generator.as_ref()),
        heat_removed: energy(rows.heat_removed.as_ref()),
        heat_reused: energy(rows.heat_reused.as_ref()),
        water_potable: volume(rows.water_potable.as_ref()),
        water_other: volume(rows.water_other.as_ref()),
    }
}

fn energy(row: Option<&Row>) -> Option<EnergyAmount> {
    let (sum, coverage) = row?.sum();
    let known = coverage.missing() < coverage.expected;
    Some(EnergyAmount { energy: known.then(|| Energy::from_milliwatt_hours(sum)), coverage })
}

fn volume(row: Option<&Row>) -> Option<VolumeAmount> {
    let (sum, coverage) = row?.sum();
    let known = coverage.missing() < coverage.expected;
    Some(VolumeAmount { volume: known.then(|| Volume::from_millilitres(sum)), coverage })
}
