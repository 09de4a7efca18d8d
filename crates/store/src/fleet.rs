//! Agents, what they are to poll, what was lost of it, and what they reported beside samples.

use std::collections::BTreeMap;

use model::{Event, Missing, Period, SiteId, Timestamp};
use rusqlite::Row;

use crate::tx::{instant, instant_option, limit, parsed, signed, unsigned};
use crate::{AgentKey, Core, Day, DeviceKey, SeriesId, StoreError, Tx};

/// An agent of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its full key.
    pub key: AgentKey,
    /// Version of its program; empty as long as it has not said it.
    pub version: String,
    /// SHA-256 of the certificate that it showed last.
    pub certificate: Option<[u8; 32]>,
    /// When that certificate ends.
    pub certificate_to: Option<Timestamp>,
    /// When it was first heard of.
    pub first: Timestamp,
    /// When it was last heard of.
    pub seen: Timestamp,
}

/// What there is to note when an agent is heard of. `None` and an empty version leave what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its full key.
    pub key: AgentKey,
    /// When.
    pub at: Timestamp,
    /// Version of its program.
    pub version: Option<String>,
    /// SHA-256 of its certificate, and when that ends.
    pub certificate: Option<([u8; 32], Timestamp)>,
}

/// A poll group of an agent's plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlannedGroup {
    /// The device.
    pub device: DeviceKey,
    /// Time from one poll to the next, in milliseconds.
    pub period_ms: u32,
    /// Polls are due at whole multiples of the period since the epoch plus this, in milliseconds.
    pub offset_ms: u32,
    /// Its series.
    pub series: Vec<SeriesId>,
}

/// A poll group and the time in which it was to be polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanEntry {
    /// The agent.
    pub agent: AgentKey,
    /// The group.
    pub group: PlannedGroup,
    /// From when.
    pub from: Timestamp,
    /// Until when, exclusive; `None`: until further notice.
    pub to: Option<Timestamp>,
}

/// What was expected of a device on a UTC day and what became of it, in samples (one for each series and poll).
/// `expected` = `received` + all of `missing`, once the day is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LossStatement {
    /// Due by the plan.
    pub expected: u64,
    /// Came with a value.
    pub received: u64,
    /// Of the received, those that came after their hour was closed.
    pub late: u64,
    /// Came once more; not counted as received again.
    pub duplicate: u64,
    /// Did not come, or came without a value, by reason.
    pub missing: BTreeMap<Missing, u64>,
}

/// An event and who reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedEvent {
    /// The agent.
    pub agent: AgentKey,
    /// What happened.
    pub event: Event,
}

impl Tx<'_> {
    /// Notes that an agent was heard of.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn saw_agent(&self, sighting: &Sighting) -> Result<(), StoreError> {
        let sql = "INSERT INTO agent(site, name, version, certificate, certificate_to_ms, first_ms, seen_ms)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?6)
            ON CONFLICT DO UPDATE SET version = iif(excluded.version = '', version, excluded.version),
              certificate = coalesce(excluded.certificate, certificate),
              certificate_to_ms = coalesce(excluded.certificate_to_ms, certificate_to_ms),
              seen_ms = max(seen_ms, excluded.seen_ms)";
        let (hash, to) =
            sighting.certificate.map_or((None, None), |(hash, to)| (Some(hash), Some(to.millis())));
        let version = sighting.version.as_deref().unwrap_or("");
        let key = (sighting.key.site.as_str(), sighting.key.agent.as_str());
        self.run("note an agent", sql, (key.0, key.1, version, hash, to, sighting.at.millis())).map(drop)
    }

    /// Makes `groups` the plan of an agent from `from` on: entries that are not among them end there, new ones begin
    /// there, the others go on. Saying the same again changes nothing.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn set_plan(
        &self,
        agent: &AgentKey,
        from: Timestamp,
        groups: &[PlannedGroup],
    ) -> Result<(), StoreError> {
        let open = self.open_plan(agent)?;
        for (id, entry) in &open {
            if !groups.contains(&entry.group) {
                let sql = "UPDATE plan SET to_ms = max(from_ms, ?2) WHERE id = ?1";
                self.run("end an entry of a plan", sql, (id, from.millis()))?;
            }
        }
        for group in groups {
            if !open.iter().any(|(_, entry)| entry.group == *group) {
                self.add_to_plan(agent, from, group)?;
            }
        }
        Ok(())
    }

    fn open_plan(&self, agent: &AgentKey) -> Result<Vec<(i64, PlanEntry)>, StoreError> {
        let sql = "SELECT site, agent, device, period_ms, offset_ms, series, from_ms, to_ms, id FROM plan
            WHERE site = ?1 AND agent = ?2 AND to_ms IS NULL";
        self.all("read a plan", sql, (agent.site.as_str(), agent.agent.as_str()), |row| {
            Ok((row.get(8)?, plan_entry(row)?))
        })
    }

    fn add_to_plan(&self, agent: &AgentKey, from: Timestamp, group: &PlannedGroup) -> Result<(), StoreError> {
        let sql = "INSERT INTO plan(site, agent, device, period_ms, offset_ms, series, from_ms)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let series: Vec<u8> = group.series.iter().flat_map(|id| id.number().to_le_bytes()).collect();
        let key = (agent.site.as_str(), agent.agent.as_str());
        let values = (key.0, key.1, group.device, group.period_ms, group.offset_ms, series, from.millis());
        self.run("add to a plan", sql, values).map(drop)
    }

    /// Adds to the loss statement of a device and UTC day.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn add_losses(
        &self,
        device: DeviceKey,
        day: Day,
        statement: &LossStatement,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO loss(device, day, what, n) VALUES(?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET n = n + excluded.n";
        self.write_losses(sql, device, day, statement)
    }

    /// Replaces the loss statement of a device and UTC day.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn set_losses(
        &self,
        device: DeviceKey,
        day: Day,
        statement: &LossStatement,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM loss WHERE device = ?1 AND day = ?2";
        self.run("replace a loss statement", sql, (device, day.index()))?;
        let sql = "INSERT INTO loss(device, day, what, n) VALUES(?1, ?2, ?3, ?4)";
        self.write_losses(sql, device, day, statement)
    }

    fn write_losses(
        &self,
        sql: &str,
        device: DeviceKey,
        day: Day,
        statement: &LossStatement,
    ) -> Result<(), StoreError> {
        let counts = [
            ("expected", statement.expected),
            ("received", statement.received),
            ("late", statement.late),
            ("duplicate", statement.duplicate),
        ];
        let reasons = statement.missing.iter().map(|(reason, n)| (reason.as_str(), *n));
        for (what, n) in counts.into_iter().chain(reasons).filter(|(_, n)| *n > 0) {
            self.run("write a loss statement", sql, (device, day.index(), what, signed("count", n)?))?;
        }
        Ok(())
    }

    /// Keeps an event.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn add_event(&self, reported: &ReportedEvent) -> Result<(), StoreError> {
        let body = serde_json::to_string(&reported.event).map_err(|error| StoreError::Refused {
            what: format!("event as JSON: {error}"),
            why: "it cannot be written",
        })?;
        let sql = "INSERT INTO event(site, agent, at_ms, body) VALUES(?1, ?2, ?3, ?4)";
        let key = (reported.agent.site.as_str(), reported.agent.agent.as_str());
        self.run("keep an event", sql, (key.0, key.1, reported.event.time.millis(), body)).map(drop)
    }
}

impl Core {
    /// All agents, by site and name.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        let sql = "SELECT site, name, version, certificate, certificate_to_ms, first_ms, seen_ms FROM agent
            ORDER BY site, name";
        self.all("list agents", sql, [], |row| {
            Ok(Agent {
                key: AgentKey { site: parsed(row, 0)?, agent: parsed(row, 1)? },
                version: row.get(2)?,
                certificate: row.get(3)?,
                certificate_to: instant_option(row, 4)?,
                first: instant(row, 5)?,
                seen: instant(row, 6)?,
            })
        })
    }

    /// What was to be polled of a device at some time in `period`, by beginning.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn plan_of(&self, device: DeviceKey, period: Period) -> Result<Vec<PlanEntry>, StoreError> {
        let sql = "SELECT site, agent, device, period_ms, offset_ms, series, from_ms, to_ms FROM plan
            WHERE device = ?1 AND from_ms < ?3 AND (to_ms IS NULL OR to_ms > ?2) ORDER BY from_ms, id";
        let (from, to) = (period.from.millis(), period.to.millis());
        self.all("read a plan", sql, (device, from, to), plan_entry)
    }

    /// What is to be polled at a site now.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn plan_now(&self, site: &SiteId) -> Result<Vec<PlanEntry>, StoreError> {
        let sql = "SELECT site, agent, device, period_ms, offset_ms, series, from_ms, to_ms FROM plan
            WHERE site = ?1 AND to_ms IS NULL ORDER BY device, id";
        self.all("read a plan", sql, [site.as_str()], plan_entry)
    }

    /// The loss statement of a device and UTC day; all zero if there is none.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn losses(&self, device: DeviceKey, day: Day) -> Result<LossStatement, StoreError> {
        let sql = "SELECT what, n FROM loss WHERE device = ?1 AND day = ?2";
        let rows = self.all("read a loss statement", sql, (device, day.index()), |row| {
            Ok((row.get::<_, String>(0)?, unsigned(row, 1)?))
        })?;
        let mut statement = LossStatement::default();
        for (what, n) in rows {
            match what.as_str() {
                "expected" => statement.expected = n,
                "received" => statement.received = n,
                "late" => statement.late = n,
                "duplicate" => statement.duplicate = n,
                reason => {
                    *statement.missing.entry(reason.parse().unwrap_or(Missing::Other)).or_default() += n;
                }
            }
        }
        Ok(statement)
    }

    /// Events of a site in `period`, oldest first, at most `rows`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn events(
        &self,
        site: &SiteId,
        period: Period,
        rows: usize,
    ) -> Result<Vec<ReportedEvent>, StoreError> {
        let sql = "SELECT site, agent, body FROM event WHERE site = ?1 AND at_ms >= ?2 AND at_ms < ?3
            ORDER BY at_ms, id LIMIT ?4";
        let params = (site.as_str(), period.from.millis(), period.to.millis(), limit(rows));
        self.all("read events", sql, params, |row| {
            let event = serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into())
            })?;
            Ok(ReportedEvent { agent: AgentKey { site: parsed(row, 0)?, agent: parsed(row, 1)? }, event })
        })
    }
}

fn plan_entry(row: &Row<'_>) -> rusqlite::Result<PlanEntry> {
    let series: Vec<u8> = row.get(5)?;
    let (ids, _) = series.as_chunks::<4>();
    Ok(PlanEntry {
        agent: AgentKey { site: parsed(row, 0)?, agent: parsed(row, 1)? },
        group: PlannedGroup {
            device: row.get(2)?,
            period_ms: row.get(3)?,
            offset_ms: row.get(4)?,
            series: ids.iter().map(|bytes| SeriesId::new(u32::from_le_bytes(*bytes))).collect(),
        },
        from: instant(row, 6)?,
        to: instant_option(row, 7)?,
    })
}
