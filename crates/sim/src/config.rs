//! The simulator's configuration.
//!
//! ```toml
//! [simulation]
//! seed = 1                          # the same seed, the same world
//! preset = "frankfurt"              # the two sites of the demo
//! commissioned = 2024-01-01         # when all counters began
//! consolidation = 2026-04-01        # when servers were merged in rz-sued
//! control = "127.0.0.1:7502"        # where commands are taken
//!
//! [[site]]                          # further sites
//! id = "rz-west"
//! net = 12                          # its devices are 127.0.12.1 and so on
//! racks = 4
//! it_kw = 40
//!
//! [[plain]]                         # meters for load tests
//! count = 500
//! listen = "127.0.20.1:1502"        # the first; the others count up
//! units = 1                         # units behind each address
//! framing = "tcp"                   # or "rtu": frames of a serial line over TCP
//!
//! [[misbehaviour]]
//! device = "rz-nord/crac-1"
//! fault = "late 300ms"
//! from = "2026-01-01T00:00:00Z"    # to = "..." and times = 3 end it, the latter after so many requests
//! ```

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::{AgentId, CityId, DeviceId, InvalidId, SiteId, Timestamp};
use profile::Library;
use settings::{Mistakes, Table};

use crate::behaviour::{Fault, Timed};
use crate::inline;
use crate::physics::{Amount, PlantSpec};
use crate::server::device_name;
use crate::site::{Device, Framing, Link, Map, Site, Size, Subject, frankfurt, site};
use crate::time::instant;
use crate::world::{World, WorldError};

/// Meters of a load test; ten times what one cell must carry.
const PLAIN_MAX: i64 = 100_000;
/// 2024-01-01T00:00:00Z: early enough for fourteen months before any demo of 2026, late enough to be counted through
/// in a second.
const COMMISSIONED: Timestamp = Timestamp::from_seconds(1_704_067_200);
/// How often plain meters are polled.
const PLAIN_EVERY: Duration = Duration::from_secs(1);

/// A simulator's configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Seed of all chance.
    pub seed: u64,
    /// Sites.
    pub sites: Vec<Site>,
    /// Meters that stand at no site.
    pub plain: Vec<Device>,
    /// Where commands are taken.
    pub control: Option<SocketAddr>,
    /// Misbehaviours.
    pub faults: Vec<(SiteId, DeviceId, Timed)>,
}

/// Why a configuration cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It has mistakes. Prints one a line.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// It describes a world that cannot be.
    #[error("`{path}` describes no world", path = path.display())]
    World {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: WorldError,
    },
    /// The profiles that come with the program are broken.
    #[error("the built-in profiles cannot be read")]
    Library(#[source] profile::LibraryError),
}

/// A configuration and the world that it describes.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Its world.
    pub world: World,
    /// The profiles.
    pub library: Library,
}

impl Config {
    /// Reads a text; `file` is how it is called in mistakes.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        settings::read(file, text, config)
    }

    /// Reads a file and makes its world.
    ///
    /// # Errors
    /// If the file cannot be read, has mistakes, or names profiles that are not there.
    pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config = Self::parse(&path.display().to_string(), &text)?;
        let library = Library::built_in().map_err(ConfigError::Library)?;
        let world =
            config.world(&library).map_err(|source| ConfigError::World { path: path.to_owned(), source })?;
        Ok(Loaded { config, world, library })
    }

    /// The world that it describes, misbehaviours included.
    ///
    /// # Errors
    /// If a profile is missing or of the wrong protocol.
    pub fn world(&self, library: &Library) -> Result<World, WorldError> {
        let mut world = World::new(self.sites.clone(), self.plain.clone(), self.seed, library)?;
        for (site, device, fault) in &self.faults {
            if !world.misbehave(site, device, *fault) {
                tracing::warn!(%site, %device, "a misbehaviour names no device");
            }
        }
        Ok(world)
    }
}

fn config(root: &Table<'_>) -> Option<Config> {
    let mut config =
        Config { seed: 1, sites: Vec::new(), plain: Vec::new(), control: None, faults: Vec::new() };
    let mut commissioned = COMMISSIONED;
    root.optional_table("simulation", |table| {
        let seed = table.optional_integer("seed", 0..=i64::MAX).unwrap_or(1);
        config.seed = seed.unsigned_abs();
        commissioned = date(table, "commissioned").unwrap_or(COMMISSIONED);
        config.control = table.optional_parsed("control");
        config.sites = preset(table, commissioned);
        Some(())
    });
    let more = root.tables("site", |table| own_site(table, commissioned));
    config.sites.extend(more);
    config.plain = root.tables("plain", plain).into_iter().flatten().collect();
    for (n, device) in config.plain.iter_mut().enumerate() {
        device.subject = Subject::Plain(u32::try_from(n).unwrap_or(u32::MAX));
        device.id = DeviceId::new(&format!("plain-{}", n + 1)).ok()?;
    }
    if config.sites.is_empty() && config.plain.is_empty() {
        root.mistake(
            "",
            "there is nothing to simulate: `simulation.preset`, `[[site]]` or `[[plain]]` is expected",
        );
    }
    let faults = root.tables("misbehaviour", |table| misbehaviour(table, &config));
    config.faults = faults;
    Some(config)
}

fn date(table: &Table<'_>, key: &str) -> Option<Timestamp> {
    let date = table.optional_date(key)?;
    instant(&date.to_string()).map_err(|error| table.mistake(key, error)).ok()
}

fn preset(table: &Table<'_>, commissioned: Timestamp) -> Vec<Site> {
    let consolidation = date(table, "consolidation");
    match table.optional_string("preset").as_deref() {
        None => Vec::new(),
        Some("frankfurt") => match frankfurt(commissioned, consolidation) {
            Ok(sites) => sites,
            Err(error) => {
                table.mistake("preset", error);
                Vec::new()
            }
        },
        Some(other) => {
            table.mistake("preset", format_args!("found \"{other}\", expected \"frankfurt\""));
            Vec::new()
        }
    }
}

fn own_site(table: &Table<'_>, commissioned: Timestamp) -> Option<Site> {
    let id = table.parsed::<SiteId>("id");
    let name = table.optional_string("name");
    let city = table.optional_parsed::<CityId>("city");
    let agent = table.optional_parsed::<AgentId>("agent");
    let net = table.integer("net", 1..=254).and_then(|net| u8::try_from(net).ok());
    let rack_profile = table.optional_string("rack_profile").unwrap_or_else(|| "apc-rpdu2".to_owned());
    let plant = plant(table, commissioned);
    let id = id?;
    let size = Size {
        name: name.unwrap_or_else(|| id.to_string()),
        city: or_else(city, || CityId::new("frankfurt"))?,
        agent: or_else(agent, || AgentId::new(&format!("agent-{id}")))?,
        plant: plant?,
        net: net?,
        rack_profile,
        id,
    };
    site(&size).map_err(|error| table.mistake("rack_profile", error)).ok()
}

fn or_else<T>(given: Option<T>, usual: impl FnOnce() -> Result<T, InvalidId>) -> Option<T> {
    given.or_else(|| usual().ok())
}

/// Sizes of a site, by default in proportion to its IT power.
fn plant(table: &Table<'_>, commissioned: Timestamp) -> Option<PlantSpec> {
    let racks = table.integer("racks", 1..=40).and_then(|n| u8::try_from(n).ok());
    let cracs = table.optional_integer("cracs", 1..=20).and_then(|n| u8::try_from(n).ok()).unwrap_or(2);
    let it_power = kilowatts(table, "it_kw");
    if it_power.is_none() && !table.has("it_kw") {
        table.mistake("it_kw", "is missing");
    }
    let it_power = it_power?;
    let of_it = |key: &str, share: f64| kilowatts(table, key).unwrap_or(share * it_power);
    let (photovoltaics_peak, generator_power) = (of_it("pv_kwp", 0.0), of_it("generator_kw", 0.4));
    if photovoltaics_peak + generator_power > 0.9 * it_power {
        table.mistake(
            "pv_kwp",
            "PV and generators together are more than 90 % of the IT power: nothing is fed back here",
        );
    }
    Some(PlantSpec {
        commissioned,
        racks: racks?,
        it_power,
        growth: 0.02,
        steps: Vec::new(),
        ups_rating: of_it("ups_kw", 1.2),
        cracs,
        crac_power: of_it("crac_kw", 0.14),
        pump_power: of_it("pump_kw", 0.04),
        other_power: of_it("other_kw", 0.05),
        photovoltaics_peak,
        generator_power,
        water_per_kwh: number(table, "water_litre_per_kwh", 3.0).unwrap_or(0.0),
        heat_reuse: number(table, "heat_reuse", 0.9).unwrap_or(0.0),
    })
}

fn kilowatts(table: &Table<'_>, key: &str) -> Option<f64> {
    number(table, key, 100_000.0).map(|kilowatts| kilowatts * 1000.0)
}

fn number(table: &Table<'_>, key: &str, most: f64) -> Option<f64> {
    let number = table.optional_number::<f64>(key)?;
    if (0.0..=most).contains(&number) {
        return Some(number);
    }
    table.mistake(key, format_args!("found {number}, expected a number from 0 to {most}"));
    None
}

fn plain(table: &Table<'_>) -> Option<Vec<Device>> {
    let count = table.integer("count", 1..=PLAIN_MAX);
    let listen = table.parsed::<SocketAddr>("listen");
    let units = table.optional_integer("units", 1..=247).unwrap_or(1);
    let framing = match table.optional_string("framing").as_deref() {
        None | Some("tcp") => Framing::Tcp,
        Some("rtu") => Framing::Rtu,
        Some(other) => {
            table.mistake("framing", format_args!("found \"{other}\", expected \"tcp\" or \"rtu\""));
            return None;
        }
    };
    let (count, listen) = (count?, listen?);
    let IpAddr::V4(first) = listen.ip() else {
        table.mistake("listen", "an IPv4 address is expected, whose last numbers can be counted up");
        return None;
    };
    let map = inline::plain_meter();
    let device = |n: i64| {
        let ip = Ipv4Addr::from(u32::from(first).checked_add(u32::try_from(n / units).ok()?)?);
        Some(Device {
            id: DeviceId::new("plain").ok()?,
            subject: Subject::Plain(0),
            map: Map::Inline(Arc::clone(&map)),
            link: Link::Modbus {
                listen: SocketAddr::new(IpAddr::V4(ip), listen.port()),
                unit: u8::try_from(n % units + 1).ok()?,
            },
            start: Amount::ZERO,
            ratio: 1,
            every: PLAIN_EVERY,
            rack: None,
            framing,
        })
    };
    let devices: Option<Vec<Device>> = (0..count).map(device).collect();
    if devices.is_none() {
        table.mistake("listen", "there are not so many addresses after it");
    }
    devices
}

fn misbehaviour(table: &Table<'_>, config: &Config) -> Option<(SiteId, DeviceId, Timed)> {
    let name = table.string("device");
    let fault = table.parsed::<Fault>("fault");
    let at = |key: &str| {
        let text = table.optional_string(key)?;
        instant(&text).map_err(|error| table.mistake(key, error)).ok()
    };
    let from = at("from").unwrap_or(COMMISSIONED);
    let to = at("to").unwrap_or(Timestamp::MAX);
    let times = table.optional_integer("times", 1..=1_000_000).and_then(|n| u32::try_from(n).ok());
    let (site, device) = device_name(&name?).map_err(|error| table.mistake("device", error)).ok()?;
    let of_sites = config.sites.iter().filter(|one| one.id == site).flat_map(|one| &one.devices);
    let plain = config.plain.iter().filter(|_| site.as_str() == "load");
    if !of_sites.chain(plain).any(|one| one.id == device) {
        table.mistake("device", format_args!("there is no device `{site}/{device}` here"));
        return None;
    }
    Some((site, device, Timed { fault: fault?, from, to, times }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_has_two_sites_whose_devices_have_ids_and_addresses_of_their_own() {
        let config = Config::parse("sim.toml", "[simulation]\npreset = \"frankfurt\"\n").unwrap();
        assert_eq!(config.sites.len(), 2);
        for site in &config.sites {
            let mut ids: Vec<_> = site.devices.iter().map(|device| device.id.clone()).collect();
            let mut links: Vec<_> = site.devices.iter().map(|device| format!("{:?}", device.link)).collect();
            for list in [&mut links, &mut ids.iter_mut().map(|id| id.to_string()).collect()] {
                let all = list.len();
                list.sort();
                list.dedup();
                assert_eq!(list.len(), all);
            }
            ids.dedup();
            assert!((30..=45).contains(&ids.len()), "{} devices", ids.len());
        }
    }

    #[test]
    fn plain_meters_count_up_their_units_and_addresses() {
        let text = "[[plain]]\ncount = 500\nlisten = \"127.0.20.250:1502\"\nunits = 20\n";
        let config = Config::parse("sim.toml", text).unwrap();
        let link = |n: usize| config.plain[n].link.clone();
        let at = |address: &str, unit| Link::Modbus { listen: address.parse().unwrap(), unit };
        assert_eq!(link(0), at("127.0.20.250:1502", 1));
        assert_eq!(link(19), at("127.0.20.250:1502", 20));
        assert_eq!(link(20), at("127.0.20.251:1502", 1));
        assert_eq!(link(499), at("127.0.21.18:1502", 20));
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let text = "[simulation]\npreset = \"berlin\"\nseed = -1\n[[plain]]\ncount = 0\nlisten = \"nowhere\"\n\
                    [[site]]\nid = \"West\"\nnet = 0\n[[misbehaviour]]\ndevice = \"a/b\"\nfault = \"sleep\"\nat = 1\n";
        let said = Config::parse("sim.toml", text).unwrap_err().to_string();
        for start in [
            "sim.toml:2: simulation.preset: found \"berlin\", expected \"frankfurt\"",
            "sim.toml:3: simulation.seed: ",
            "sim.toml:5: plain.1.count: ",
            "sim.toml:6: plain.1.listen: ",
            "sim.toml:7: site.1.racks: is missing",
            "sim.toml:7: site.1.it_kw: is missing",
            "sim.toml:8: site.1.id: ",
            "sim.toml:9: site.1.net: ",
            "sim.toml:11: misbehaviour.1.device: there is no device `a/b` here",
            "sim.toml:12: misbehaviour.1.fault: `sleep` is no fault",
            "sim.toml:13: misbehaviour.1.at: is no known key here",
        ] {
            assert!(said.lines().any(|line| line.starts_with(start)), "{start}\n--- in\n{said}");
        }
    }

    #[test]
    fn the_examples_are_without_mistakes() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sim");
        for (file, devices) in [("frankfurt.toml", 74), ("load.toml", 500)] {
            let loaded = Config::load(&dir.join(file)).unwrap();
            assert_eq!(loaded.world.units().len(), devices, "{file}");
        }
    }

    #[test]
    fn an_empty_configuration_is_a_mistake() {
        let said = Config::parse("sim.toml", "").unwrap_err().to_string();
        assert!(said.contains("there is nothing to simulate"), "{said}");
    }

    #[test]
    fn a_site_of_its_own_is_built_by_its_sizes() {
        let text = "[[site]]\nid = \"rz-west\"\nnet = 12\nracks = 4\nit_kw = 40\n[[misbehaviour]]\ndevice = \
                    \"rz-west/crac-1\"\nfault = \"hang\"\nfrom = \"2026-01-01T00:00:00Z\"\n";
        let config = Config::parse("sim.toml", text).unwrap();
        assert_eq!(config.sites[0].agent.as_str(), "agent-rz-west");
        assert_eq!(config.sites[0].plant.it_power.to_string(), "40000");
        assert_eq!(config.faults[0].2.fault, Fault::Hang);
    }
}
