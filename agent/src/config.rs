//! The agent's configuration: what people write, checked whole before anything is done with it.
//!
//! Invariants: every mistake is found at once and named with file and line; nothing past this module sees a value that
//! was not checked; secrets stand in files of their own.

mod bus;
mod device;
mod secret;
mod traps;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{AgentId, DeviceId, SiteId};
use profile::{Library, LibraryError};
use settings::{Mistake, Mistakes, Table};

pub use bus::{BusConfig, RESPONSE_BEHIND_SERVER, RESPONSE_USUAL};
pub use device::{DeviceConfig, Location, ModbusConfig, SnmpConfig, Speech};
pub use secret::{Credentials, Folders, credentials_of_file};
pub use traps::{TrapsConfig, senders};

/// A fleet is many light agents: more devices than this belong on two of them.
const DEVICES_MAX: usize = 10_000;
/// The least that a spool may take: two segments, so that one can go while the other is written.
const SPOOL_BYTES_MIN: u64 = 32 << 20;
const SPOOL_BYTES_USUAL: u64 = 2 << 30;
const SPOOL_DIR_USUAL: &str = "/var/lib/wattwacht-agent/spool";
/// Lists of readings that are looked through for an equal one; beyond them it would take longer than it saves.
const SHARED_LISTS_MAX: usize = 64;
/// The largest file of a configuration that is read.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who this agent is.
    pub agent: AgentId,
    /// The site at which it reads.
    pub site: SiteId,
    /// Where it ships to; `None` if the file does not say.
    pub collector: Option<CollectorConfig>,
    /// Where it keeps what is not shipped yet.
    pub spool: SpoolConfig,
    /// What it reads.
    pub devices: Vec<DeviceConfig>,
    /// How buses are used of which something is said.
    pub buses: Vec<BusConfig>,
    /// Where it listens for notifications of devices; `None` if it does not.
    pub traps: Option<TrapsConfig>,
}

/// Where to ship to, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorConfig {
    /// `https://host:8443`.
    pub url: String,
    /// Certificates that may have signed the collector's.
    pub ca: PathBuf,
    /// This agent's certificate.
    pub cert: PathBuf,
    /// This agent's key.
    pub key: PathBuf,
}

/// Where to keep what is not shipped yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolConfig {
    /// The folder.
    pub dir: PathBuf,
    /// Bytes that it may take.
    pub cap: u64,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The text is wrong. Prints one mistake a line.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// A profile that comes with the program is wrong.
    #[error(transparent)]
    Library(#[from] LibraryError),
}

impl Config {
    /// How a bus is used.
    pub fn bus(&self, bus: &crate::modbus::Bus) -> BusConfig {
        let key = bus.key();
        let said = self.buses.iter().find(|one| one.bus.key() == key);
        said.map_or_else(|| BusConfig::usual(bus), Clone::clone)
    }

    /// Reads a file and all that it names. `credentials` is systemd's folder of credentials, if there is one.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn load(path: &Path, credentials: Option<&Path>) -> Result<Self, ConfigError> {
        let text = read_text(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let folders = Folders::of(path, credentials);
        Self::parse(&path.display().to_string(), &text, &folders)
    }

    /// Reads a text; `folders` is what relative paths in it are relative to.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(file: &str, text: &str, folders: &Folders) -> Result<Self, ConfigError> {
        Self::parse_with(file, text, folders, Library::built_in()?)
    }

    /// Reads a text that may name the profiles of `library`.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse_with(
        file: &str,
        text: &str,
        folders: &Folders,
        mut library: Library,
    ) -> Result<Self, ConfigError> {
        let mut others: Vec<Mistake> = Vec::new();
        let config = settings::read(file, text, |root| {
            add_profiles(root, folders, &mut library, &mut others);
            config(root, folders, &library)
        });
        match config {
            Ok(config) if others.is_empty() => Ok(config),
            Ok(_) => Err(Mistakes(others).into()),
            Err(Mistakes(mut mistakes)) => {
                mistakes.append(&mut others);
                Err(Mistakes(mistakes).into())
            }
        }
    }
}

/// The user's own profiles: `[[profile]] file = "my-meter.toml"`. Mistakes inside of them carry their own file.
fn add_profiles(root: &Table<'_>, folders: &Folders, library: &mut Library, others: &mut Vec<Mistake>) {
    root.tables("profile", |table| {
        let path = folders.path(table, "file")?;
        let text =
            read_text(&path).map_err(|error| table.mistake("file", cannot_read(&path, &error))).ok()?;
        match library.add(&path.display().to_string(), &text) {
            Ok(_) => {}
            Err(LibraryError::Mistakes(Mistakes(mut mistakes))) => others.append(&mut mistakes),
            Err(taken @ LibraryError::Taken { .. }) => table.mistake("file", taken),
        }
        Some(())
    });
}

fn config(root: &Table<'_>, folders: &Folders, library: &Library) -> Option<Config> {
    let agent = root.table("agent", |table| {
        let (id, site) = (table.parsed::<AgentId>("id"), table.parsed::<SiteId>("site"));
        Some((id?, site?))
    });
    let collector = root.optional_table("collector", |table| collector(table, folders));
    let spool = root.optional_table("spool", |table| spool(table, folders));
    let credentials = Credentials::from_table(root, folders);
    let mut devices = devices(root, library, &credentials);
    let mut buses = bus::buses(root);
    bus::settle(root, &mut buses, &devices);
    share_readings(&mut devices);
    let beside = spool.as_ref().map_or(Path::new(SPOOL_DIR_USUAL), |spool| &spool.dir);
    let traps = root.optional_table("traps", |table| TrapsConfig::from_table(table, folders, beside));
    if traps.is_some() && !devices.iter().any(|device| matches!(device.speech, Speech::Snmp(_))) {
        root.mistake("traps", "no device is asked over SNMP, so nobody would be heard");
    }
    let (agent, site) = agent?;
    let usual = || SpoolConfig { dir: PathBuf::from(SPOOL_DIR_USUAL), cap: SPOOL_BYTES_USUAL };
    let spool = spool.unwrap_or_else(usual);
    Some(Config { agent, site, collector, spool, devices, buses, traps })
}

fn collector(table: &Table<'_>, folders: &Folders) -> Option<CollectorConfig> {
    let url = table.string("url");
    if let Some(url) = url.as_deref().filter(|url| !url.starts_with("https://")) {
        table.mistake("url", format_args!("found \"{url}\", expected https://host:port"));
    }
    let [ca, cert, key] = ["ca", "cert", "key"].map(|key| {
        let path = folders.path(table, key)?;
        if let Err(error) = std::fs::metadata(&path) {
            table.mistake(key, cannot_read(&path, &error));
        }
        Some(path)
    });
    Some(CollectorConfig { url: url?, ca: ca?, cert: cert?, key: key? })
}

fn spool(table: &Table<'_>, folders: &Folders) -> Option<SpoolConfig> {
    let dir = folders.path(table, "dir");
    let cap = table.optional_size("cap").unwrap_or(SPOOL_BYTES_USUAL);
    if cap < SPOOL_BYTES_MIN {
        table.mistake(
            "cap",
            format_args!("found {cap} bytes, at least {SPOOL_BYTES_MIN} (32 MiB) are needed"),
        );
    }
    Some(SpoolConfig { dir: dir?, cap })
}

fn devices(root: &Table<'_>, library: &Library, credentials: &Credentials) -> Vec<DeviceConfig> {
    let mut seen: BTreeMap<DeviceId, usize> = BTreeMap::new();
    let devices = root.tables("device", |table| {
        let id = table.optional_string("id").and_then(|id| DeviceId::new(&id).ok());
        if let Some(line) = id.and_then(|id| seen.insert(id, table.line())) {
            table.mistake("id", format_args!("the device of line {line} has that id"));
        }
        if seen.len() > DEVICES_MAX {
            table.mistake("", format_args!("is more than the {DEVICES_MAX} devices that one agent may have"));
            return None;
        }
        DeviceConfig::from_table(table, library, credentials)
    });
    if !root.has("device") {
        root.mistake("device", "nothing is to be read: `[[device]]` is missing");
    }
    devices
}

/// A fleet has few kinds of devices: those that are read alike share one list of readings.
fn share_readings(devices: &mut [DeviceConfig]) {
    let mut lists: Vec<Arc<[profile::ModbusReading]>> = Vec::new();
    for device in devices {
        let Speech::Modbus(modbus) = &mut device.speech else { continue };
        match lists.iter().find(|list| ***list == *modbus.readings) {
            Some(list) => modbus.readings = Arc::clone(list),
            None if lists.len() < SHARED_LISTS_MAX => lists.push(Arc::clone(&modbus.readings)),
            None => {}
        }
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

/// Reads a text file of bounded size.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read <= FILE_BYTES_MAX) {
        return Ok(text);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {FILE_BYTES_MAX} bytes")))
}

/// One profile for all its devices.
pub type SharedProfile = Arc<profile::Profile>;

#[cfg(test)]
mod tests;
