//! How far each sink has followed the log of changes, and what it would not take.

use model::{SinkId, Timestamp};

use crate::tx::{instant, limit, unsigned};
use crate::{ChangeSeq, Core, StoreError, Tx};

/// Most quarantined lines that are kept for one sink; older ones go. Enough to see what is wrong, too few to fill a
/// disk when everything is.
const MAX_QUARANTINED: i64 = 10_000;

/// How far a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkCursor {
    /// Rises when the sink is reset, so that what was under way for the older one is not counted.
    pub generation: u32,
    /// Everything up to here has been taken.
    pub position: ChangeSeq,
}

/// A line that a sink refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The sink.
    pub sink: SinkId,
    /// The line.
    pub line: String,
    /// What the sink said.
    pub error: String,
    /// When.
    pub at: Timestamp,
}

impl Tx<'_> {
    /// Notes how far a sink is. Says `false`, and changes nothing, if the sink was reset meanwhile.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn set_sink_cursor(&self, sink: &SinkId, cursor: SinkCursor) -> Result<bool, StoreError> {
        let sql = "INSERT INTO sink_cursor(sink, generation, position) VALUES(?1, ?2, ?3)
            ON CONFLICT DO UPDATE SET position = excluded.position, generation = excluded.generation
            WHERE generation <= excluded.generation";
        let values = (sink.as_str(), cursor.generation, cursor.position);
        Ok(self.run("move a sink's cursor", sql, values)? == 1)
    }

    /// Sends a sink back to `position`, under a new generation.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn reset_sink(&self, sink: &SinkId, position: ChangeSeq) -> Result<SinkCursor, StoreError> {
        let generation = self.sink_cursor(sink)?.map_or(0, |cursor| cursor.generation) + 1;
        let cursor = SinkCursor { generation, position };
        self.set_sink_cursor(sink, cursor)?;
        Ok(cursor)
    }

    /// Keeps a line that a sink refused.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn quarantine(&self, refused: &Quarantined) -> Result<(), StoreError> {
        let Quarantined { sink, line, error, at } = refused;
        let sql = "INSERT INTO quarantine(sink, line, error, at_ms) VALUES(?1, ?2, ?3, ?4)";
        self.run("quarantine a line", sql, (sink.as_str(), line, error, at.millis()))?;
        let sql = "DELETE FROM quarantine WHERE sink = ?1 AND id <=
            (SELECT id FROM quarantine WHERE sink = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
        self.run("shorten the quarantine", sql, (sink.as_str(), MAX_QUARANTINED)).map(drop)
    }
}

impl Core {
    /// How far a sink is; `None` if it never was anywhere.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn sink_cursor(&self, sink: &SinkId) -> Result<Option<SinkCursor>, StoreError> {
        let sql = "SELECT generation, position FROM sink_cursor WHERE sink = ?1";
        self.one("read a sink's cursor", sql, [sink.as_str()], |row| {
            Ok(SinkCursor { generation: row.get(0)?, position: row.get(1)? })
        })
    }

    /// Lines that a sink refused, the newest first, at most `rows`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn quarantined(&self, sink: &SinkId, rows: usize) -> Result<Vec<Quarantined>, StoreError> {
        let sql = "SELECT line, error, at_ms FROM quarantine WHERE sink = ?1 ORDER BY id DESC LIMIT ?2";
        self.all("read the quarantine", sql, (sink.as_str(), limit(rows)), |row| {
            Ok(Quarantined {
                sink: sink.clone(),
                line: row.get(0)?,
                error: row.get(1)?,
                at: instant(row, 2)?,
            })
        })
    }

    /// How many lines of a sink are in quarantine.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn quarantine_len(&self, sink: &SinkId) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM quarantine WHERE sink = ?1";
        Ok(self.one("count the quarantine", sql, [sink.as_str()], |row| unsigned(row, 0))?.unwrap_or(0))
    }
}
