//! The inbox: batches as they came, each record exactly once.
//!
//! A spool numbers its records; the cursor of (agent, spool) says which comes next. Body and cursor change in one
//! transaction, so what is acknowledged after it is neither lost nor there twice, whatever dies in between.

use model::{Missing, SpoolId, Timestamp};

use crate::tx::{instant, instant_option, limit, parsed, signed, unsigned};
use crate::{AgentKey, Core, InboxId, StoreError, Tx, Writer};

/// What a gap before a batch means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapPolicy {
    /// The sender may have the records before this batch: refuse, so that it goes back. A spool that was never seen
    /// is taken from where it begins, and the records before that become a gap.
    Refuse,
    /// The sender has said that the records before this batch are gone.
    Accept(Missing),
}

/// A batch as it was received, and what is needed to place it.
#[derive(Debug, Clone)]
pub struct ReceivedBatch {
    /// From the client certificate.
    pub agent: AgentKey,
    /// The spool.
    pub spool: SpoolId,
    /// Sequence of the first record.
    pub first: u64,
    /// Sequence of the last record; not below `first`.
    pub last: u64,
    /// CRC-32C of each record's payload, from `first` to `last`: tells a clone of a spool from the spool.
    pub checksums: Vec<u32>,
    /// When it was received.
    pub received: Timestamp,
    /// What to do if records before it are not here.
    pub gap: GapPolicy,
    /// The bytes as received.
    pub body: Vec<u8>,
}

/// What became of a batch. `next` is the sequence that is expected next: the acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its new records are in the inbox.
    Stored {
        /// Everything before this is stored.
        next: u64,
        /// The inbox row.
        inbox: InboxId,
    },
    /// All of its records were here already; nothing was changed.
    Duplicate {
        /// Everything before this is stored.
        next: u64,
    },
    /// Records before it are not here; nothing was changed.
    Refused {
        /// The sender must go back to this one.
        next: u64,
    },
    /// It overlaps what is here but differs from it: two machines send under one identity. Nothing was changed.
    Cloned {
        /// Everything before this is stored.
        next: u64,
    },
}

/// How far a spool has been received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The spool.
    pub spool: SpoolId,
    /// Sequence that is expected next.
    pub next: u64,
    /// When a batch last moved it.
    pub seen: Timestamp,
}

/// Records of a spool that will never come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The sender.
    pub agent: AgentKey,
    /// The spool.
    pub spool: SpoolId,
    /// First record that is gone.
    pub first: u64,
    /// Last record that is gone.
    pub last: u64,
    /// The time that they covered, if it is known.
    pub from: Option<Timestamp>,
    /// See `from`.
    pub to: Option<Timestamp>,
    /// Why.
    pub reason: Missing,
}

/// A batch in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// Its place; also the order of arrival.
    pub id: InboxId,
    /// The sender.
    pub agent: AgentKey,
    /// The spool.
    pub spool: SpoolId,
    /// First record that counts. The body may begin earlier: such records are here already and must be skipped.
    pub first: u64,
    /// Last record.
    pub last: u64,
    /// When it was received.
    pub received: Timestamp,
    /// The batch as received.
    pub body: Vec<u8>,
}

/// How much waits in the inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxLoad {
    /// Batches that the closer has not passed.
    pub batches: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
}

impl Writer {
    /// Takes a group of batches in one durable transaction; the outcomes stand in the order of the batches. A batch
    /// that is refused does not hinder the others.
    ///
    /// # Errors
    /// If the record cannot be written, or a batch contradicts itself. Then nothing of the group was stored.
    pub fn ingest(&mut self, batches: &[ReceivedBatch]) -> Result<Vec<Outcome>, StoreError> {
        self.transaction(|tx| batches.iter().map(|batch| tx.ingest(batch)).collect())
    }
}

impl Tx<'_> {
    /// Takes one batch. See [`Writer::ingest`].
    ///
    /// # Errors
    /// If the record cannot be written, or the batch contradicts itself.
    pub fn ingest(&self, batch: &ReceivedBatch) -> Result<Outcome, StoreError> {
        check_shape(batch)?;
        let cursor = self.position(&batch.agent, batch.spool)?;
        let next = cursor.map_or(0, |(next, _)| next);
        if let Some((next, Some(crc))) = cursor
            && checksum_of(batch, next).is_some_and(|found| found != crc)
        {
            return Ok(Outcome::Cloned { next });
        }
        if cursor.is_some() && batch.last < next {
            return Ok(Outcome::Duplicate { next });
        }
        if batch.first > next {
            match (cursor, batch.gap) {
                (Some(_), GapPolicy::Refuse) => return Ok(Outcome::Refused { next }),
                (_, GapPolicy::Accept(reason)) => self.skip(batch, next, reason)?,
                (None, GapPolicy::Refuse) => self.skip(batch, next, Missing::Other)?,
            }
        }
        self.keep(batch, next.max(batch.first))
    }

    fn position(&self, agent: &AgentKey, spool: SpoolId) -> Result<Option<(u64, Option<u32>)>, StoreError> {
        let sql = "SELECT next_seq, last_crc FROM cursor WHERE site = ?1 AND agent = ?2 AND spool = ?3";
        self.one("read a cursor", sql, (agent.site.as_str(), agent.agent.as_str(), spool.bytes()), |row| {
            Ok((unsigned(row, 0)?, row.get(1)?))
        })
    }

    fn skip(&self, batch: &ReceivedBatch, next: u64, reason: Missing) -> Result<(), StoreError> {
        self.add_gap(&Gap {
            agent: batch.agent.clone(),
            spool: batch.spool,
            first: next,
            last: batch.first - 1,
            from: None,
            to: None,
            reason,
        })
    }

    fn keep(&self, batch: &ReceivedBatch, first: u64) -> Result<Outcome, StoreError> {
        let next = batch.last + 1;
        let key = (batch.agent.site.as_str(), batch.agent.agent.as_str(), batch.spool.bytes());
        let (first, last) = (signed("sequence", first)?, signed("sequence", batch.last)?);
        let at = batch.received.millis();
        let sql = "INSERT INTO inbox(site, agent, spool, first_seq, last_seq, received_ms, body)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let id = self.insert("keep a batch", sql, (key.0, key.1, key.2, first, last, at, &batch.body))?;
        let sql = "INSERT INTO cursor(site, agent, spool, next_seq, last_crc, seen_ms)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT DO UPDATE SET next_seq = excluded.next_seq, last_crc = excluded.last_crc,
              seen_ms = excluded.seen_ms";
        let crc = batch.checksums.last();
        self.run("move a cursor", sql, (key.0, key.1, key.2, signed("sequence", next)?, crc, at))?;
        Ok(Outcome::Stored { next, inbox: InboxId::new(id) })
    }

    /// Notes records that will never come, or what time they covered once that is known. Does not move the cursor.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn add_gap(&self, gap: &Gap) -> Result<(), StoreError> {
        let sql = "INSERT INTO gap(site, agent, spool, first_seq, last_seq, from_ms, to_ms, reason)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT DO UPDATE SET last_seq = max(last_seq, excluded.last_seq),
              from_ms = coalesce(excluded.from_ms, from_ms), to_ms = coalesce(excluded.to_ms, to_ms),
              reason = excluded.reason";
        let values = (
            gap.agent.site.as_str(),
            gap.agent.agent.as_str(),
            gap.spool.bytes(),
            signed("sequence", gap.first)?,
            signed("sequence", gap.last)?,
            gap.from.map(Timestamp::millis),
            gap.to.map(Timestamp::millis),
            gap.reason.as_str(),
        );
        self.run("note a gap", sql, values).map(drop)
    }

    /// Deletes the inbox rows up to and including `through`, once everything in them is in chunks and intervals or in
    /// the persisted states, and remembers that. Returns how many there were.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn delete_inbox_through(&self, through: InboxId) -> Result<usize, StoreError> {
        self.set_closer_position(through)?;
        self.run("empty the inbox", "DELETE FROM inbox WHERE id <= ?1", [through])
    }

    /// Remembers that everything up to `through` is in chunks and intervals or in the persisted states. Never goes
    /// back.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn set_closer_position(&self, through: InboxId) -> Result<(), StoreError> {
        let sql = "INSERT INTO closer(name, position) VALUES('raw', ?1)
            ON CONFLICT DO UPDATE SET position = max(position, excluded.position)";
        self.run("move the closer", sql, [through]).map(drop)
    }

    /// Keeps what the closer must know to go on decoding a spool, opaque here.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn put_spool_state(&self, spool: SpoolId, state: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO spool_state(spool, body) VALUES(?1, ?2)
            ON CONFLICT DO UPDATE SET body = excluded.body";
        self.run("keep a spool's state", sql, (spool.bytes(), state)).map(drop)
    }
}

impl Core {
    /// How far a spool has been received; `None` if it was never seen.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn cursor(&self, agent: &AgentKey, spool: SpoolId) -> Result<Option<Cursor>, StoreError> {
        Ok(self.cursors(agent)?.into_iter().find(|cursor| cursor.spool == spool))
    }

    /// How far each spool of an agent has been received.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn cursors(&self, agent: &AgentKey) -> Result<Vec<Cursor>, StoreError> {
        let sql = "SELECT spool, next_seq, seen_ms FROM cursor WHERE site = ?1 AND agent = ?2";
        self.all("read cursors", sql, (agent.site.as_str(), agent.agent.as_str()), |row| {
            Ok(Cursor {
                spool: SpoolId::from_bytes(row.get(0)?),
                next: unsigned(row, 1)?,
                seen: instant(row, 2)?,
            })
        })
    }

    /// Gaps of an agent's spools, in the order of spool and sequence.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn gaps(&self, agent: &AgentKey) -> Result<Vec<Gap>, StoreError> {
        let sql = "SELECT spool, first_seq, last_seq, from_ms, to_ms, reason FROM gap
            WHERE site = ?1 AND agent = ?2 ORDER BY spool, first_seq";
        self.all("read gaps", sql, (agent.site.as_str(), agent.agent.as_str()), |row| {
            Ok(Gap {
                agent: agent.clone(),
                spool: SpoolId::from_bytes(row.get(0)?),
                first: unsigned(row, 1)?,
                last: unsigned(row, 2)?,
                from: instant_option(row, 3)?,
                to: instant_option(row, 4)?,
                reason: parsed(row, 5).unwrap_or(Missing::Other),
            })
        })
    }

    /// Batches after `after` in the order of arrival, at most `rows`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn inbox_after(&self, after: InboxId, rows: usize) -> Result<Vec<InboxItem>, StoreError> {
        let sql = "SELECT id, site, agent, spool, first_seq, last_seq, received_ms, body FROM inbox
            WHERE id > ?1 ORDER BY id LIMIT ?2";
        self.all("read the inbox", sql, (after, limit(rows)), |row| {
            Ok(InboxItem {
                id: row.get(0)?,
                agent: AgentKey { site: parsed(row, 1)?, agent: parsed(row, 2)? },
                spool: SpoolId::from_bytes(row.get(3)?),
                first: unsigned(row, 4)?,
                last: unsigned(row, 5)?,
                received: instant(row, 6)?,
                body: row.get(7)?,
            })
        })
    }

    /// What the closer has not passed; for shedding load and for the fleet page.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn inbox_load(&self) -> Result<InboxLoad, StoreError> {
        let sql = "SELECT count(*), coalesce(sum(length(body)), 0) FROM inbox WHERE id > ?1";
        let load = self.one("measure the inbox", sql, [self.closer_position()?], |row| {
            Ok(InboxLoad { batches: unsigned(row, 0)?, bytes: unsigned(row, 1)? })
        })?;
        Ok(load.unwrap_or(InboxLoad { batches: 0, bytes: 0 }))
    }

    /// Up to which inbox row everything is in chunks and intervals or in the persisted states; 0 at the beginning.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn closer_position(&self) -> Result<InboxId, StoreError> {
        let sql = "SELECT position FROM closer WHERE name = 'raw'";
        let position = self.one("read the closer's position", sql, [], |row| row.get(0))?;
        Ok(position.unwrap_or(InboxId::new(0)))
    }

    /// What the closer kept for a spool.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn spool_state(&self, spool: SpoolId) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT body FROM spool_state WHERE spool = ?1";
        self.one("read a spool's state", sql, [spool.bytes()], |row| row.get(0))
    }

    /// What the closer kept for every spool.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn spool_states(&self) -> Result<Vec<(SpoolId, Vec<u8>)>, StoreError> {
        let sql = "SELECT spool, body FROM spool_state";
        self.all("read the spools' states", sql, [], |row| {
            Ok((SpoolId::from_bytes(row.get(0)?), row.get(1)?))
        })
    }
}

fn check_shape(batch: &ReceivedBatch) -> Result<(), StoreError> {
    let records = batch.last.checked_sub(batch.first).and_then(|more| more.checked_add(1));
    let given = u64::try_from(batch.checksums.len()).unwrap_or(u64::MAX);
    if records == Some(given) && batch.last < u64::MAX {
        return Ok(());
    }
    Err(StoreError::Refused {
        what: format!("batch {}..={} with {given} checksums", batch.first, batch.last),
        why: "there must be one checksum for each record",
    })
}

/// Checksum of record `next - 1`, if the batch holds it.
fn checksum_of(batch: &ReceivedBatch, next: u64) -> Option<u32> {
    let place = next.checked_sub(1)?.checked_sub(batch.first)?;
    batch.checksums.get(usize::try_from(place).ok()?).copied()
}
