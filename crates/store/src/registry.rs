//! Sites, devices, series and the versions of what a series means.

use model::{
    AgentId, Channel, DeviceId, Encoding, ProfileId, Quantity, SeriesDescriptor, Side, SiteId, Timestamp,
};
use rusqlite::Row;

use crate::tx::{instant, instant_option, parsed, parsed_option};
use crate::{AgentKey, Core, DeviceKey, SeriesId, StoreError, Tx};

/// A device of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its number here.
    pub key: DeviceKey,
    /// Its site.
    pub site: SiteId,
    /// Its id at the site.
    pub id: DeviceId,
    /// When it was first heard of.
    pub first: Timestamp,
    /// The agent that sends it, if one has claimed it.
    pub agent: Option<AgentId>,
    /// When that agent last claimed it.
    pub seen: Option<Timestamp>,
}

/// A series of the record: one quantity of one channel of one device, over all versions of its descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Its number here.
    pub id: SeriesId,
    /// Its device.
    pub device: DeviceKey,
    /// Version of the descriptor that was used last.
    pub version: u16,
    /// Site of the device.
    pub site: SiteId,
    /// That version; its `number` is the [`SeriesId`].
    pub descriptor: SeriesDescriptor,
}

/// A version of a series' descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorVersion {
    /// Its number, from 1.
    pub version: u16,
    /// When it was first used.
    pub from: Timestamp,
    /// What it says; its `number` is the [`SeriesId`].
    pub descriptor: SeriesDescriptor,
}

/// What a descriptor became in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registered {
    /// The series.
    pub series: SeriesId,
    /// Its device.
    pub device: DeviceKey,
    /// The version of the descriptor, which chunks carry.
    pub version: u16,
}

/// Whether an agent may send a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It may.
    Granted,
    /// Another agent of the site sends it now.
    HeldBy {
        /// That agent.
        agent: AgentId,
        /// When it last claimed the device.
        seen: Timestamp,
    },
}

/// What of a descriptor makes a version.
const VERSION_COLUMNS: &str = "v.version, v.from_ms, v.encoding, v.exponent, v.wraps_at, v.resolution, v.side, v.profile, v.profile_hash, v.source";

impl Tx<'_> {
    /// Number of a device; makes a row when it is new.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn device(&self, site: &SiteId, device: &DeviceId, at: Timestamp) -> Result<DeviceKey, StoreError> {
        if let Some(key) = self.device_key(site, device)? {
            return Ok(key);
        }
        self.run("add a site", "INSERT OR IGNORE INTO site(name) VALUES(?1)", [site.as_str()])?;
        let sql = "INSERT INTO device(site, name, first_ms)
            VALUES((SELECT id FROM site WHERE name = ?1), ?2, ?3)";
        let id = self.insert("add a device", sql, (site.as_str(), device.as_str(), at.millis()))?;
        Ok(DeviceKey::new(row_number("device", id)?))
    }

    /// Number of a series and version of its descriptor; makes rows for what is new. A change of anything but `number`,
    /// device, quantity and channel makes a new version, so what was stored before decodes as it was; a version that
    /// was there before is found again.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn series(
        &self,
        site: &SiteId,
        descriptor: &SeriesDescriptor,
        at: Timestamp,
    ) -> Result<Registered, StoreError> {
        let device = self.device(site, &descriptor.device, at)?;
        let series = self.series_row(device, descriptor)?;
        let known = self.descriptor_versions(series)?;
        let same = |one: &&DescriptorVersion| same_meaning(&one.descriptor, descriptor);
        let version = match known.iter().find(same) {
            Some(found) => found.version,
            None => self.add_version(series, known.last().map_or(0, |last| last.version), descriptor, at)?,
        };
        let sql = "UPDATE series SET version = ?2 WHERE id = ?1 AND version <> ?2";
        self.run("note a series' version", sql, (series, version))?;
        Ok(Registered { series, device, version })
    }

    fn series_row(&self, device: DeviceKey, descriptor: &SeriesDescriptor) -> Result<SeriesId, StoreError> {
        let names = (device, descriptor.quantity.as_str(), descriptor.channel.as_str());
        let sql = "SELECT id FROM series WHERE device = ?1 AND quantity = ?2 AND channel = ?3";
        if let Some(id) = self.one("find a series", sql, names, |row| row.get(0))? {
            return Ok(id);
        }
        let sql = "INSERT INTO series(device, quantity, channel, version) VALUES(?1, ?2, ?3, 0)";
        let id = self.insert("add a series", sql, names)?;
        Ok(SeriesId::new(row_number("series", id)?))
    }

    fn add_version(
        &self,
        series: SeriesId,
        last: u16,
        descriptor: &SeriesDescriptor,
        at: Timestamp,
    ) -> Result<u16, StoreError> {
        let version = last.checked_add(1).ok_or(StoreError::OutOfRange {
            what: "number of versions of a series",
            found: i128::from(last) + 1,
            expected: "at most 65535",
        })?;
        let sql =
            "INSERT INTO series_version(series, version, from_ms, encoding, exponent, wraps_at, resolution,
            side, profile, profile_hash, source) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let values = (
            series,
            version,
            at.millis(),
            encoding_number(descriptor.encoding),
            descriptor.exponent,
            descriptor.wraps_at.map(|steps| steps.to_string()),
            descriptor.resolution,
            side_number(descriptor.side),
            descriptor.profile.as_ref().map(ProfileId::as_str),
            descriptor.profile_hash,
            &descriptor.source,
        );
        self.run("add a version of a series", sql, values)?;
        Ok(version)
    }

    /// Notes that `agent` sends `device`, unless another agent of the site has claimed it within `hold_ms` before
    /// `at`: two agents must not send one device at once.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn claim_device(
        &self,
        device: DeviceKey,
        agent: &AgentKey,
        at: Timestamp,
        hold_ms: i64,
    ) -> Result<Claim, StoreError> {
        let sql = "SELECT agent, seen_ms FROM device WHERE id = ?1";
        let holder = self.one("read a device's agent", sql, [device], |row| {
            Ok(parsed_option::<AgentId>(row, 0)?.zip(instant_option(row, 1)?))
        })?;
        if let Some(Some((holder, seen))) = holder
            && holder != agent.agent
            && at.millis_since(seen) < hold_ms
        {
            return Ok(Claim::HeldBy { agent: holder, seen });
        }
        let sql = "UPDATE device SET agent = ?2, seen_ms = max(coalesce(seen_ms, ?3), ?3) WHERE id = ?1";
        self.run("claim a device", sql, (device, agent.agent.as_str(), at.millis()))?;
        Ok(Claim::Granted)
    }
}

impl Core {
    /// Every site that has a device.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn sites(&self) -> Result<Vec<SiteId>, StoreError> {
        self.all("list sites", "SELECT name FROM site ORDER BY name", [], |row| parsed(row, 0))
    }

    /// The devices of a site, by name.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn devices(&self, site: &SiteId) -> Result<Vec<Device>, StoreError> {
        let sql = "SELECT d.id, s.name, d.name, d.first_ms, d.agent, d.seen_ms FROM device d
            JOIN site s ON s.id = d.site WHERE s.name = ?1 ORDER BY d.name";
        self.all("list devices", sql, [site.as_str()], device)
    }

    /// A device by its number.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn device_by_key(&self, key: DeviceKey) -> Result<Option<Device>, StoreError> {
        let sql = "SELECT d.id, s.name, d.name, d.first_ms, d.agent, d.seen_ms FROM device d
            JOIN site s ON s.id = d.site WHERE d.id = ?1";
        self.one("read a device", sql, [key], device)
    }

    /// Number of a device; `None` if it was never heard of.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn device_key(&self, site: &SiteId, device: &DeviceId) -> Result<Option<DeviceKey>, StoreError> {
        let sql = "SELECT d.id FROM device d JOIN site s ON s.id = d.site WHERE s.name = ?1 AND d.name = ?2";
        self.one("find a device", sql, (site.as_str(), device.as_str()), |row| row.get(0))
    }

    /// All series of a site, by device, quantity and channel.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn series_of_site(&self, site: &SiteId) -> Result<Vec<Series>, StoreError> {
        self.select_series("t.name = ?1 ORDER BY d.name, s.quantity, s.channel", [site.as_str()])
    }

    /// All series of a device, by quantity and channel.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn series_of(&self, device: DeviceKey) -> Result<Vec<Series>, StoreError> {
        self.select_series("s.device = ?1 ORDER BY s.quantity, s.channel", [device])
    }

    /// A series by its number.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn series_by_id(&self, id: SeriesId) -> Result<Option<Series>, StoreError> {
        Ok(self.select_series("s.id = ?1", [id])?.pop())
    }

    /// A series by its names.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn find_series(
        &self,
        site: &SiteId,
        device: &DeviceId,
        quantity: Quantity,
        channel: &Channel,
    ) -> Result<Option<Series>, StoreError> {
        let names = (site.as_str(), device.as_str(), quantity.as_str(), channel.as_str());
        let found = "t.name = ?1 AND d.name = ?2 AND s.quantity = ?3 AND s.channel = ?4";
        Ok(self.select_series(found, names)?.pop())
    }

    /// All versions of a series' descriptor, oldest first. Samples say by which of them they are to be read.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn descriptor_versions(&self, series: SeriesId) -> Result<Vec<DescriptorVersion>, StoreError> {
        let sql = format!(
            "SELECT s.id, d.name, s.quantity, s.channel, {VERSION_COLUMNS} FROM series s
            JOIN device d ON d.id = s.device JOIN series_version v ON v.series = s.id
            WHERE s.id = ?1 ORDER BY v.version"
        );
        self.all("read the versions of a series", &sql, [series], |row| version(row, 0))
    }

    /// The descriptor by which samples of a version are to be read.
    ///
    /// # Errors
    /// If the record cannot be read, or there is no such version.
    pub fn descriptor(&self, series: SeriesId, version: u16) -> Result<SeriesDescriptor, StoreError> {
        let found = self.descriptor_versions(series)?.into_iter().find(|one| one.version == version);
        found.map(|one| one.descriptor).ok_or_else(|| StoreError::Unknown {
            what: "descriptor",
            name: format!("{series} version {version}"),
        })
    }

    fn select_series(&self, which: &str, params: impl rusqlite::Params) -> Result<Vec<Series>, StoreError> {
        let sql = format!(
            "SELECT s.device, t.name, s.id, d.name, s.quantity, s.channel, {VERSION_COLUMNS} FROM series s
            JOIN device d ON d.id = s.device JOIN site t ON t.id = d.site
            JOIN series_version v ON v.series = s.id AND v.version = s.version WHERE {which}"
        );
        self.all("read series", &sql, params, |row| {
            let DescriptorVersion { version, descriptor, .. } = version(row, 2)?;
            Ok(Series {
                id: SeriesId::new(descriptor.number),
                device: row.get(0)?,
                version,
                site: parsed(row, 1)?,
                descriptor,
            })
        })
    }
}

fn device(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device {
        key: row.get(0)?,
        site: parsed(row, 1)?,
        id: parsed(row, 2)?,
        first: instant(row, 3)?,
        agent: parsed_option(row, 4)?,
        seen: instant_option(row, 5)?,
    })
}

/// Reads `id, device, quantity, channel` and [`VERSION_COLUMNS`] from column `at` on.
fn version(row: &Row<'_>, at: usize) -> rusqlite::Result<DescriptorVersion> {
    let descriptor = SeriesDescriptor {
        number: row.get(at)?,
        device: parsed(row, at + 1)?,
        quantity: parsed(row, at + 2)?,
        channel: parsed(row, at + 3)?,
        encoding: encoding(row, at + 6)?,
        exponent: row.get(at + 7)?,
        wraps_at: parsed_option(row, at + 8)?,
        resolution: row.get(at + 9)?,
        side: side(row, at + 10)?,
        profile: parsed_option(row, at + 11)?,
        profile_hash: row.get(at + 12)?,
        source: row.get(at + 13)?,
    };
    Ok(DescriptorVersion { version: row.get(at + 4)?, from: instant(row, at + 5)?, descriptor })
}

fn same_meaning(known: &SeriesDescriptor, given: &SeriesDescriptor) -> bool {
    let given = SeriesDescriptor { number: known.number, ..given.clone() };
    *known == given
}

/// Number on disk; never reused.
pub(crate) const fn encoding_number(encoding: Encoding) -> u8 {
    match encoding {
        Encoding::Integer => 1,
        Encoding::Float32 => 2,
        Encoding::Float64 => 3,
    }
}

fn encoding(row: &Row<'_>, column: usize) -> rusqlite::Result<Encoding> {
    match row.get::<_, i64>(column)? {
        1 => Ok(Encoding::Integer),
        2 => Ok(Encoding::Float32),
        3 => Ok(Encoding::Float64),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(column, other)),
    }
}

const fn side_number(side: Side) -> u8 {
    match side {
        Side::Primary => 1,
        Side::Secondary => 2,
    }
}

fn side(row: &Row<'_>, column: usize) -> rusqlite::Result<Side> {
    match row.get::<_, i64>(column)? {
        1 => Ok(Side::Primary),
        2 => Ok(Side::Secondary),
        other => Err(rusqlite::Error::IntegralValueOutOfRange(column, other)),
    }
}

/// A row number as the 32 bits that keys have for it.
pub(crate) fn row_number(what: &'static str, id: i64) -> Result<u32, StoreError> {
    u32::try_from(id).map_err(|_| StoreError::OutOfRange {
        what,
        found: id.into(),
        expected: "a number of 32 bits",
    })
}
