//! Builds sites from a few sizes: the two of the demo, and those of a configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use model::{
    AgentId, Channel, CityId, DeviceId, InvalidId, MeterPointId, ProfileId, Quantity, Role, SiteId, Timestamp,
};

use super::{Device, Framing, Link, Map, Point, PointSource, Site, Subject};
use crate::inline;
use crate::noise::{mix_text, spread_whole};
use crate::physics::{Amount, Feed, Flow, Place, PlantSpec, Step};

/// Port of Modbus devices: 502 needs rights that a simulator does not want.
const MODBUS_PORT: u16 = 1502;
/// Port of SNMP devices, for the same reason.
const SNMP_PORT: u16 = 1161;
/// Last number of a gateway's address.
const GATEWAY_HOST: u8 = 200;
/// Outlets of a rack PDU.
const OUTLETS: u8 = 8;
/// How often meters are polled.
const EVERY: Duration = Duration::from_secs(10);

/// Size and kind of a site.
#[derive(Debug, Clone)]
pub struct Size {
    /// Id of the site.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// Its city.
    pub city: CityId,
    /// Its agent.
    pub agent: AgentId,
    /// Its machines.
    pub plant: PlantSpec,
    /// Third number of its devices' addresses: they are 127.0.`net`.1 and so on.
    pub net: u8,
    /// Profile of its rack PDUs.
    pub rack_profile: String,
}

/// The two sites of the demo. `consolidation` is when servers were merged in rz-sued.
///
/// # Errors
/// Never: the ids are fixed and good.
pub fn frankfurt(commissioned: Timestamp, consolidation: Option<Timestamp>) -> Result<Vec<Site>, InvalidId> {
    Ok(vec![site(&north(commissioned)?)?, site(&south(commissioned, consolidation)?)?])
}

fn north(commissioned: Timestamp) -> Result<Size, InvalidId> {
    Ok(Size {
        id: SiteId::new("rz-nord")?,
        name: "Rechenzentrum Nord".to_owned(),
        city: CityId::new("frankfurt")?,
        agent: AgentId::new("agent-nord")?,
        plant: PlantSpec {
            commissioned,
            racks: 8,
            it_power: 180_000.0,
            growth: 0.025,
            steps: Vec::new(),
            ups_rating: 200_000.0,
            cracs: 4,
            crac_power: 26_000.0,
            pump_power: 8_000.0,
            other_power: 9_500.0,
            photovoltaics_peak: 0.0,
            generator_power: 70_000.0,
            water_per_kwh: 1.2,
            heat_reuse: 0.0,
        },
        net: 10,
        rack_profile: "apc-rpdu2".to_owned(),
    })
}

fn south(commissioned: Timestamp, consolidation: Option<Timestamp>) -> Result<Size, InvalidId> {
    Ok(Size {
        id: SiteId::new("rz-sued")?,
        name: "Rechenzentrum Süd".to_owned(),
        city: CityId::new("frankfurt")?,
        agent: AgentId::new("agent-sued")?,
        plant: PlantSpec {
            commissioned,
            racks: 6,
            it_power: 92_000.0,
            growth: 0.01,
            steps: consolidation.map(|from| Step { from, factor: 0.92 }).into_iter().collect(),
            ups_rating: 120_000.0,
            cracs: 3,
            crac_power: 12_000.0,
            pump_power: 3_600.0,
            other_power: 5_000.0,
            photovoltaics_peak: 45_000.0,
            generator_power: 40_000.0,
            water_per_kwh: 0.0,
            heat_reuse: 0.3,
        },
        net: 11,
        rack_profile: "raritan-px".to_owned(),
    })
}

/// A site of a size: its devices with their addresses, its meter points.
///
/// # Errors
/// If the profile of the rack PDUs is no profile id.
pub fn site(size: &Size) -> Result<Site, InvalidId> {
    let mut builder = Builder { size, devices: Vec::new(), points: Vec::new(), host: 0, unit: 0 };
    builder.intakes()?;
    builder.power_chain()?;
    builder.racks()?;
    builder.cooling()?;
    builder.rest()?;
    Ok(Site {
        id: size.id.clone(),
        name: size.name.clone(),
        city: size.city.clone(),
        agent: size.agent.clone(),
        plant: size.plant.clone(),
        devices: builder.devices,
        points: builder.points,
    })
}

struct Builder<'s> {
    size: &'s Size,
    devices: Vec<Device>,
    points: Vec<Point>,
    host: u8,
    unit: u8,
}

impl Builder<'_> {
    fn intakes(&mut self) -> Result<(), InvalidId> {
        let (main, ratio) = if self.size.plant.photovoltaics_peak > 0.0 {
            (Map::Inline(inline::transformer_meter()), 80)
        } else {
            (profile("siemens-pac3200")?, 1)
        };
        self.direct("main-meter", Subject::Meter(Place::Grid), main)?;
        if let Some(device) = self.devices.last_mut() {
            device.ratio = ratio;
        }
        self.counted("grid", Role::Grid, "main-meter", Place::Grid)?;
        if self.size.plant.photovoltaics_peak > 0.0 {
            let place = Place::Of(Flow::Photovoltaics);
            self.direct("pv-meter", Subject::Meter(place), profile("siemens-pac3200")?)?;
            self.counted("pv", Role::Renewable, "pv-meter", place)?;
        }
        let generator = Place::Of(Flow::Generator);
        self.direct("generator-meter", Subject::Meter(generator), profile("siemens-pac3200")?)?;
        self.counted("generator", Role::Generator, "generator-meter", generator)?;
        self.direct("fuel-meter", Subject::Liquid(Place::Of(Flow::Fuel)), Map::Inline(inline::liquid_meter()))
    }

    fn power_chain(&mut self) -> Result<(), InvalidId> {
        for feed in Feed::BOTH {
            let letter = feed.letter();
            self.snmp(&format!("ups-{letter}"), Subject::Ups(feed), "rfc1628-ups")?;
            for (side, place) in [("in", Place::UpsIn(feed)), ("out", Place::UpsOut(feed))] {
                let (point, device) = (format!("ups-{letter}-{side}"), format!("ups-{letter}-{side}-meter"));
                self.behind_gateway(&device, Subject::Meter(place), "abb-b23")?;
                self.counted(&point, Role::Sub, &device, place)?;
            }
            let (point, device) = (format!("pdu-{letter}-out"), format!("pdu-{letter}-meter"));
            self.direct(&device, Subject::Meter(Place::DistributionOut(feed)), profile("schneider-pm5000")?)?;
            self.counted(&point, Role::Sub, &device, Place::DistributionOut(feed))?;
        }
        let both = |place: fn(Feed) -> Place| Feed::BOTH.map(place).to_vec();
        self.sum("it-ups", Role::ItUpsOutput, &["ups-a-out", "ups-b-out"], both(Place::UpsOut))?;
        self.sum("it-pdu", Role::ItPduOutput, &["pdu-a-out", "pdu-b-out"], both(Place::DistributionOut))
    }

    fn racks(&mut self) -> Result<(), InvalidId> {
        let mut all = Vec::new();
        for rack in 0..self.size.plant.racks {
            for feed in Feed::BOTH {
                let id = format!("rack-{:02}-{}", rack + 1, feed.letter());
                let place = Place::Of(Flow::Rack(rack, feed));
                self.snmp(
                    &format!("{id}-pdu"),
                    Subject::RackPdu(rack, feed, OUTLETS),
                    &self.size.rack_profile.clone(),
                )?;
                if let Some(device) = self.devices.last_mut() {
                    device.rack = Some(rack);
                }
                self.counted(&id, Role::Sub, &format!("{id}-pdu"), place)?;
                all.push(id);
            }
        }
        let names: Vec<&str> = all.iter().map(String::as_str).collect();
        self.sum("it-racks", Role::ItInput, &names, Feed::BOTH.map(Place::Racks).to_vec())
    }

    fn cooling(&mut self) -> Result<(), InvalidId> {
        for n in 0..self.size.plant.cracs {
            self.snmp(&format!("crac-{}", n + 1), Subject::Crac(n), "stulz-wib8000")?;
        }
        self.direct("crac-meter", Subject::Meter(Place::Cracs), profile("janitza-umg96rm")?)?;
        self.counted("cracs", Role::Sub, "crac-meter", Place::Cracs)?;
        self.direct("chiller", Subject::Chiller, Map::Inline(inline::chiller()))?;
        self.counted("chiller", Role::Sub, "chiller", Place::Of(Flow::Chiller))?;
        self.behind_gateway("pump-meter", Subject::Meter(Place::Of(Flow::Pumps)), "abb-b23")?;
        self.counted("pumps", Role::Sub, "pump-meter", Place::Of(Flow::Pumps))?;
        self.sum("cooling", Role::Cooling, &["cracs", "chiller", "pumps"], vec![Place::Cooling])?;
        self.heat("cold", Role::ColdProduced, Flow::ColdProduced)?;
        self.heat("heat-removed", Role::HeatRemoved, Flow::HeatRemoved)?;
        if self.size.plant.heat_reuse > 0.0 {
            self.heat("heat-reused", Role::HeatReused, Flow::HeatReused)?;
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<(), InvalidId> {
        self.behind_gateway("other-meter", Subject::Meter(Place::Of(Flow::Other)), "abb-b23")?;
        self.counted("other", Role::Other, "other-meter", Place::Of(Flow::Other))?;
        if self.size.plant.water_per_kwh > 0.0 {
            let place = Place::Of(Flow::Water);
            self.direct("water-meter", Subject::Liquid(place), Map::Inline(inline::liquid_meter()))?;
            self.register("water", (Role::WaterPotable, Quantity::Volume), "water-meter", place)?;
        }
        let racks = self.size.plant.racks;
        self.direct("room", Subject::Room(racks), Map::Inline(inline::room(racks)))
    }

    fn heat(&mut self, id: &str, role: Role, flow: Flow) -> Result<(), InvalidId> {
        let (device, place) = (format!("{id}-meter"), Place::Of(flow));
        self.direct(&device, Subject::Heat(place), Map::Inline(inline::heat_meter()))?;
        self.register(id, (role, Quantity::ThermalEnergy), &device, place)
    }

    fn direct(&mut self, id: &str, subject: Subject, map: Map) -> Result<(), InvalidId> {
        let listen = self.next_host(MODBUS_PORT);
        self.device(id, subject, map, Link::Modbus { listen, unit: 1 })
    }

    fn behind_gateway(&mut self, id: &str, subject: Subject, profile_id: &str) -> Result<(), InvalidId> {
        self.unit += 1;
        let listen = self.at(GATEWAY_HOST, MODBUS_PORT);
        self.device(id, subject, profile(profile_id)?, Link::Modbus { listen, unit: self.unit })
    }

    fn snmp(&mut self, id: &str, subject: Subject, profile_id: &str) -> Result<(), InvalidId> {
        let listen = self.next_host(SNMP_PORT);
        self.device(id, subject, profile(profile_id)?, Link::Snmp { listen })
    }

    fn device(&mut self, id: &str, subject: Subject, map: Map, link: Link) -> Result<(), InvalidId> {
        let seed = mix_text(0, self.size.id.as_str());
        // Up to 2,000 kWh: meters are read in before they count for good.
        let start = 1_000_000_000 + spread_whole(mix_text(seed, id), 0, 1_000_000) * 1000;
        self.devices.push(Device {
            id: DeviceId::new(id)?,
            subject,
            map,
            link,
            start: Amount::from_thousandths(start),
            ratio: 1,
            every: EVERY,
            rack: None,
            framing: Framing::Tcp,
        });
        Ok(())
    }

    fn counted(&mut self, id: &str, role: Role, device: &str, place: Place) -> Result<(), InvalidId> {
        self.register(id, (role, Quantity::ActiveEnergyImport), device, place)
    }

    fn register(
        &mut self,
        id: &str,
        (role, quantity): (Role, Quantity),
        device: &str,
        place: Place,
    ) -> Result<(), InvalidId> {
        let device = DeviceId::new(device)?;
        let ratio = self.devices.iter().find(|known| known.id == device).map_or(1, |device| device.ratio);
        let source = PointSource::Register { device, quantity, channel: Channel::total(), ratio };
        self.points.push(Point { id: MeterPointId::new(id)?, role, source, places: vec![place] });
        Ok(())
    }

    fn sum(&mut self, id: &str, role: Role, of: &[&str], places: Vec<Place>) -> Result<(), InvalidId> {
        let source = PointSource::Formula(of.join(" + "));
        self.points.push(Point { id: MeterPointId::new(id)?, role, source, places });
        Ok(())
    }

    fn next_host(&mut self, port: u16) -> SocketAddr {
        self.host += 1;
        if self.host == GATEWAY_HOST {
            self.host += 1;
        }
        self.at(self.host, port)
    }

    fn at(&self, host: u8, port: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, self.size.net, host)), port)
    }
}

fn profile(id: &str) -> Result<Map, InvalidId> {
    ProfileId::new(id).map(Map::Profile)
}
