//! What stands in a site: its plant, its devices with what each of them sees of the plant, its meter points.
//!
//! Between physics and the protocols: a [`Subject`] turns a place of the plant into the quantities and channels that a
//! device of that kind shows. Knows no registers; those are in the profiles.

mod builder;
mod device;
mod point;
mod subject;

pub use builder::{Size, frankfurt, site};
pub use device::{Device, Framing, Link, Map};
pub use point::{Point, PointSource};
pub(crate) use subject::show_plain;
pub use subject::{Shown, Subject};

use model::{AgentId, CityId, SiteId};

use crate::noise::mix_text;
use crate::physics::{Ledger, Plant, PlantSpec, Weather};

/// A site as it is described, before anything runs.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name, for people.
    pub name: String,
    /// The city it belongs to.
    pub city: CityId,
    /// The agent that reads its devices.
    pub agent: AgentId,
    /// Its machines.
    pub plant: PlantSpec,
    /// Its devices.
    pub devices: Vec<Device>,
    /// Its meter points.
    pub points: Vec<Point>,
}

impl Site {
    /// Its ledger, in the world of a seed. All sites of a seed have the same weather.
    pub fn ledger(&self, seed: u64) -> Ledger {
        Ledger::new(Plant::new(self.plant.clone(), Weather::new(seed), mix_text(seed, self.id.as_str())))
    }
}
