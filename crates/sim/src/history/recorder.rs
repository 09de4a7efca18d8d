//! Reads simulated devices without a network, as their agent would.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Channel, Missing, Poll, PollGroup, Quantity, Raw, Samples, SeriesDescriptor, SiteId, Timestamp};
use profile::{Library, ModbusReading, Profile, SeriesShape, SnmpPlan, SnmpValue};

use crate::site::Map;
use crate::world::{Image, Registers, Unit, World, wrap_of};

/// Why a site cannot be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecorderError {
    /// There is no such site.
    #[error("there is no site `{0}` to be recorded")]
    NoSuchSite(SiteId),
    /// More series or devices than can be numbered.
    #[error("site `{0}` has too many series")]
    TooMany(SiteId),
}

/// Reads the devices of one site.
#[derive(Debug)]
pub struct Recorder {
    /// Every series, by number.
    pub series: Vec<SeriesDescriptor>,
    /// One group for each device.
    pub groups: Vec<PollGroup>,
    devices: Vec<Recorded>,
}

#[derive(Debug)]
struct Recorded {
    unit: usize,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Registers(Vec<ModbusReading>),
    Objects { shows: Vec<(Quantity, Channel)>, plan: SnmpPlan },
}

impl Recorder {
    /// A recorder of a site, polling every `period_ms`. SNMP devices are walked at instant `at`, to see what they have.
    ///
    /// # Errors
    /// If there is no such site.
    pub fn new(
        world: &mut World,
        library: &Library,
        site: &SiteId,
        period_ms: u32,
        at: Timestamp,
    ) -> Result<Self, RecorderError> {
        if world.sites().all(|known| known.id != *site) {
            return Err(RecorderError::NoSuchSite(site.clone()));
        }
        let mut recorder = Self { series: Vec::new(), groups: Vec::new(), devices: Vec::new() };
        for unit in 0..world.units().len() {
            if world.units()[unit].site_id == *site {
                recorder
                    .add(world, library, unit, (period_ms, at))
                    .ok_or_else(|| RecorderError::TooMany(site.clone()))?;
            }
        }
        Ok(recorder)
    }

    /// `None` if there are more than can be numbered.
    fn add(&mut self, world: &mut World, library: &Library, n: usize, when: (u32, Timestamp)) -> Option<()> {
        let Some((unit, ledger)) = world.unit_and_ledger(n) else { return Some(()) };
        let (source, shapes) = match &unit.image {
            Image::Registers(registers) => {
                let kept = registers.readings().iter().filter(|one| is_kept(one.quantity, &one.channel));
                let kept: Vec<ModbusReading> = kept.cloned().collect();
                let shapes = kept.iter().map(ModbusReading::shape).collect();
                (Source::Registers(kept), shapes)
            }
            Image::Objects(objects) => {
                let shows =
                    objects.shows().iter().filter(|one| is_kept(one.0, &one.1)).cloned().collect::<Vec<_>>();
                let plan = objects.plan_of(&objects.encode_some(unit, Some(ledger), &shows, when.1));
                let shapes = plan.readings().iter().map(|one| one.shape.clone()).collect();
                (Source::Objects { shows, plan }, shapes)
            }
        };
        let profile = match &unit.device.map {
            Map::Profile(id) => library.get(id.as_str()).map(Arc::clone),
            Map::Inline(_) => None,
        };
        self.describe(unit, shapes, profile.as_deref(), when.0)?;
        self.devices.push(Recorded { unit: n, source });
        Some(())
    }

    fn describe(
        &mut self,
        unit: &Unit,
        shapes: Vec<SeriesShape>,
        profile: Option<&Profile>,
        period_ms: u32,
    ) -> Option<()> {
        let first = u32::try_from(self.series.len()).ok()?;
        let count = u32::try_from(shapes.len()).ok()?;
        let numbered = (first..first.checked_add(count)?).zip(shapes);
        self.series
            .extend(numbered.map(|(number, shape)| shape.describe(number, unit.device.id.clone(), profile)));
        self.groups.push(PollGroup {
            number: u32::try_from(self.groups.len()).ok()?,
            device: unit.device.id.clone(),
            period_ms,
            offset_ms: 0,
            series: (first..first + count).collect(),
        });
        Some(())
    }

    /// What all devices answer at an instant.
    pub fn poll(&self, world: &mut World, time: Timestamp) -> Samples {
        let polls = self.devices.iter().zip(&self.groups).filter_map(|(device, group)| {
            Some(Poll { group: group.number, time, values: device.values(world, time)? })
        });
        Samples { polls: polls.collect() }
    }
}

impl Recorded {
    fn values(&self, world: &mut World, time: Timestamp) -> Option<Vec<Result<Raw, Missing>>> {
        let (unit, ledger) = world.unit_and_ledger(self.unit)?;
        match (&self.source, &unit.image) {
            (Source::Registers(readings), _) => {
                let raw = |reading: &ModbusReading| {
                    let what = (reading.quantity, &reading.channel);
                    let shown = unit.show(Some(&mut *ledger), what, wrap_of(&reading.shape()), time);
                    let words = Registers::encode(reading, shown).ok_or(Missing::NotAvailable)?;
                    reading.decode(&words)
                };
                Some(readings.iter().map(raw).collect())
            }
            (Source::Objects { shows, plan }, Image::Objects(objects)) => {
                let binds: BTreeMap<_, _> = objects.encode_some(unit, Some(ledger), shows, time);
                let value = |oid| binds.get(oid).cloned().unwrap_or(SnmpValue::NoSuchInstance);
                let values: Vec<SnmpValue> = plan.oids().iter().map(value).collect();
                Some(plan.decode(&values))
            }
            (Source::Objects { .. }, Image::Registers(_)) => None,
        }
    }
}

/// What a history holds: counters and powers of whole devices, temperatures, humidity, batteries.
fn is_kept(quantity: Quantity, channel: &Channel) -> bool {
    let is_set = channel.as_str().ends_with("setpoint");
    let is_whole =
        !["outlet", "branch", "bank", "tariff"].iter().any(|part| channel.as_str().starts_with(part))
            && !["l1", "l2", "l3"].iter().any(|phase| channel.as_str().ends_with(phase));
    match quantity {
        Quantity::ActiveEnergyImport
        | Quantity::ThermalEnergy
        | Quantity::Volume
        | Quantity::ActivePower
        | Quantity::ThermalPower => is_whole,
        Quantity::Temperature | Quantity::RelativeHumidity => !is_set,
        Quantity::BatteryCharge => true,
        _ => false,
    }
}
