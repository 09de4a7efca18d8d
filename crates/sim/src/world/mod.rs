//! The world as devices show it: sites with their ledgers, each device with its map and its behaviour.
//!
//! Takes requests without knowing sockets: registers of a unit, objects of an SNMP device, at an instant.
//!
//! Invariants:
//! - What a device shows is a pure function of the instant, the seed and its behaviour.
//! - Registers are refreshed on every tick of an agent's schedule, 10 ms: a request that comes within that time of its
//!   tick finds the state at the tick, so a test can compare it with the books to the last digit.

mod book;
mod objects;
mod registers;
mod unit;

pub(crate) use book::Book;
pub use book::{Entry, Told};
pub(crate) use objects::Objects;
pub(crate) use registers::Registers;
pub use unit::Unit;
pub(crate) use unit::{Image, wrap_of};

use model::{DeviceId, SiteId, Timestamp};
use profile::{EncodeError, Library};

use crate::behaviour::{Behaviour, Fault, Timed};
use crate::physics::Ledger;
use crate::site::{Device, Site};

/// How often registers are refreshed, in milliseconds.
const REFRESH_MS: i64 = 10;

/// Why a world cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldError {
    /// A device names a profile that is not there.
    #[error("device `{device}` names profile `{profile}`, which is not in the library")]
    NoSuchProfile {
        /// The device.
        device: String,
        /// The profile.
        profile: String,
    },
    /// A profile speaks another protocol than the device's address.
    #[error("device `{device}`: profile `{profile}` does not speak the protocol of {listen}")]
    Protocol {
        /// The device.
        device: String,
        /// The profile.
        profile: String,
        /// The address.
        listen: String,
    },
    /// A value does not fit into its register.
    #[error("device `{device}` cannot show what it measures")]
    Encode {
        /// The device.
        device: String,
        /// What does not fit.
        #[source]
        source: EncodeError,
    },
}

/// Everything that is simulated.
#[derive(Debug)]
pub struct World {
    sites: Vec<(Site, Ledger)>,
    units: Vec<Unit>,
}

impl World {
    /// A world with some sites, and meters that stand at none of them.
    ///
    /// # Errors
    /// If a device's profile is missing or of the wrong protocol.
    pub fn new(
        sites: Vec<Site>,
        plain: Vec<Device>,
        seed: u64,
        library: &Library,
    ) -> Result<Self, WorldError> {
        let mut units = Vec::new();
        for (n, site) in sites.iter().enumerate() {
            for device in &site.devices {
                units.push(Unit::new(Some(n), &site.id, device.clone(), library)?);
            }
        }
        let load_test = SiteId::new("load").expect("a fixed, good id");
        for device in plain {
            units.push(Unit::new(None, &load_test, device, library)?);
        }
        let sites =
            sites.into_iter().map(|site| (site.ledger(seed), site)).map(|(ledger, site)| (site, ledger));
        Ok(Self { sites: sites.collect(), units })
    }

    /// The sites.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.sites.iter().map(|(site, _)| site)
    }

    /// All devices.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Makes a device misbehave. `false` if there is no such device.
    #[must_use]
    pub fn misbehave(&mut self, site: &SiteId, device: &DeviceId, fault: Timed) -> bool {
        self.behaviour(site, device).map(|behaviour| behaviour.add(fault)).is_some()
    }

    /// Lets a device behave again. `false` if there is no such device.
    #[must_use]
    pub fn behave(&mut self, site: &SiteId, device: &DeviceId, now: Timestamp) -> bool {
        self.behaviour(site, device).map(|behaviour| behaviour.clear(now)).is_some()
    }

    fn behaviour(&mut self, site: &SiteId, device: &DeviceId) -> Option<&mut Behaviour> {
        let unit = self.units.iter_mut().find(|unit| unit.site_id == *site && unit.device.id == *device)?;
        if let Image::Objects(objects) = &mut unit.image {
            objects.forget();
        }
        Some(&mut unit.behaviour)
    }

    /// Registers (or bits) of a unit.
    ///
    /// # Errors
    /// The Modbus exception that the device answers with.
    pub(crate) fn registers(
        &mut self,
        unit: usize,
        function: u8,
        (start, count): (u16, u16),
        now: Timestamp,
    ) -> Result<Vec<u16>, u8> {
        let unit = self.units.get(unit).ok_or(crate::server::NO_SUCH_UNIT)?;
        let ledger = unit.site.and_then(|n| self.sites.get_mut(n)).map(|(_, ledger)| ledger);
        unit.registers(ledger, function, (start, count), refreshed(now))
    }

    /// Objects of an SNMP device; `None` if it is none.
    pub(crate) fn objects(&mut self, unit: usize, now: Timestamp) -> Option<&profile::VarBinds> {
        let unit = self.units.get_mut(unit)?;
        let ledger = unit.site.and_then(|n| self.sites.get_mut(n)).map(|(_, ledger)| ledger);
        unit.objects(ledger, refreshed(now))
    }

    /// From now on writes down what each device was asked and what it told, for as many requests as a test makes.
    pub fn keep_books(&mut self) {
        self.units.iter_mut().for_each(|unit| unit.book = Some(Book::default()));
    }

    /// What a device was asked, the oldest first; nothing unless [books are kept](Self::keep_books).
    pub fn book(&self, site: &SiteId, device: &DeviceId) -> Vec<Entry> {
        let unit = self.units.iter().find(|unit| unit.site_id == *site && unit.device.id == *device);
        unit.and_then(|unit| unit.book.as_ref())
            .map(|book| book.entries().copied().collect())
            .unwrap_or_default()
    }

    /// A request for a device has come: how it fails to answer, if it does.
    pub(crate) fn asked(&mut self, unit: usize, now: Timestamp) -> Option<Fault> {
        self.units.get_mut(unit).and_then(|unit| unit.behaviour.asked(now))
    }

    /// A request was answered, or not.
    pub(crate) fn told(&mut self, unit: usize, told: Told, now: Timestamp) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.told(told, (now, refreshed(now)));
        }
    }

    /// Ledger of a unit's site, for those who read devices without a network.
    pub(crate) fn unit_and_ledger(&mut self, unit: usize) -> Option<(&mut Unit, &mut Ledger)> {
        let unit = self.units.get_mut(unit)?;
        let ledger = unit.site.and_then(|n| self.sites.get_mut(n)).map(|(_, ledger)| ledger)?;
        Some((unit, ledger))
    }
}

fn refreshed(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.millis().div_euclid(REFRESH_MS) * REFRESH_MS)
}
