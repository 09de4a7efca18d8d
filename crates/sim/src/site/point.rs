//! Meter points of a site: the same as in the site's file of the collector, and what they truly measure.

use model::{Channel, DeviceId, MeterPointId, Period, Quantity, QuarterHour, Role};

use crate::physics::{Amount, Ledger, Place};

/// A meter point.
#[derive(Debug, Clone)]
pub struct Point {
    /// Its id.
    pub id: MeterPointId,
    /// What it measures for.
    pub role: Role,
    /// From what the collector works it out.
    pub source: PointSource,
    /// What it truly measures: the sum of these places.
    pub places: Vec<Place>,
}

/// From what the collector works a meter point out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointSource {
    /// A counter of a device.
    Register {
        /// The device.
        device: DeviceId,
        /// What it counts.
        quantity: Quantity,
        /// At which part of the device.
        channel: Channel,
        /// CT x VT; 1 if the register counts the main circuit.
        ratio: u32,
    },
    /// Other meter points.
    Formula(String),
}

impl Point {
    /// What truly went through in each quarter hour of a period, in milliwatt-hours (or millilitres): exact, made from
    /// the physics before any encoding.
    pub fn books(&self, ledger: &mut Ledger, period: Period) -> Vec<(QuarterHour, Amount)> {
        period.quarters().map(|quarter| (quarter, self.quarter(ledger, quarter))).collect()
    }

    fn quarter(&self, ledger: &mut Ledger, quarter: QuarterHour) -> Amount {
        self.places
            .iter()
            .map(|place| ledger.quarter(*place, quarter))
            .fold(Amount::ZERO, |sum, one| sum + one)
    }

    /// Is it a volume rather than an energy?
    pub fn is_volume(&self) -> bool {
        matches!(&self.source, PointSource::Register { quantity: Quantity::Volume, .. })
    }
}
