//! The audit log: who did what, each entry bound to the one before by its hash.
//!
//! An entry's hash is SHA-256 over the hash before it and all of its fields, each with its length in front. Whoever
//! changes, removes or inserts an entry must make all later hashes anew; and whoever keeps one hash elsewhere, in a
//! sealed report for instance, can tell.

use model::Timestamp;
use rusqlite::Row;
use sha2::{Digest, Sha256};

use crate::tx::{instant, limit};
use crate::{Core, StoreError, Tx};

/// The hash before the first entry.
const NOTHING: [u8; 32] = [0; 32];

/// What someone did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// When.
    pub at: Timestamp,
    /// Who: a person's name, or `system`.
    pub actor: String,
    /// What, such as `import`.
    pub action: String,
    /// To what, such as `topology/rz-1`.
    pub object: String,
    /// Before and after, or what else is needed to understand it. No secrets.
    pub detail: String,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number, from 1, without holes.
    pub number: i64,
    /// What was done.
    pub entry: NewAudit,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Is the chain whole?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every entry follows from the one before.
    Whole {
        /// How many.
        entries: u64,
        /// Hash of the last one; 32 zeros if there is none.
        head: [u8; 32],
    },
    /// It breaks.
    Broken {
        /// The first entry that does not follow, or that is gone.
        number: i64,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Tx<'_> {
    /// Appends an entry; returns its number.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn audit(&self, entry: &NewAudit) -> Result<i64, StoreError> {
        let sql = "SELECT hash FROM audit ORDER BY id DESC LIMIT 1";
        let before = self.one("read the audit log", sql, [], |row| row.get(0))?.unwrap_or(NOTHING);
        let hash = hash(&before, entry);
        let sql = "INSERT INTO audit(at_ms, actor, action, object, detail, prev, hash)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let NewAudit { at, actor, action, object, detail } = entry;
        self.insert("write the audit log", sql, (at.millis(), actor, action, object, detail, before, hash))
    }
}

impl Core {
    /// Entries after number `after`, oldest first, at most `rows`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn audit_log(&self, after: i64, rows: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT id, at_ms, actor, action, object, detail, hash FROM audit WHERE id > ?1
            ORDER BY id LIMIT ?2";
        self.all("read the audit log", sql, (after, limit(rows)), audit_entry)
    }

    /// Walks the whole chain.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        const STEP: usize = 1000;
        let (mut number, mut head) = (0i64, NOTHING);
        loop {
            let entries = self.audit_log(number, STEP)?;
            let last = entries.len() < STEP;
            for entry in entries {
                number += 1;
                if entry.number != number {
                    return Ok(AuditVerdict::Broken { number, why: "it is gone" });
                }
                head = hash(&head, &entry.entry);
                if head != entry.hash {
                    return Ok(AuditVerdict::Broken {
                        number,
                        why: "its hash does not follow from the one before",
                    });
                }
            }
            if last {
                return self.verify_end(number, head);
            }
        }
    }

    /// SQLite remembers the highest number that it ever gave.
    fn verify_end(&self, number: i64, head: [u8; 32]) -> Result<AuditVerdict, StoreError> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'";
        let given: i64 = self.one("read the audit log", sql, [], |row| row.get(0))?.unwrap_or(0);
        if given != number {
            return Ok(AuditVerdict::Broken { number: number + 1, why: "it is gone" });
        }
        Ok(AuditVerdict::Whole { entries: u64::try_from(number).unwrap_or(0), head })
    }
}

fn audit_entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    let entry = NewAudit {
        at: instant(row, 1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        object: row.get(4)?,
        detail: row.get(5)?,
    };
    Ok(AuditEntry { number: row.get(0)?, entry, hash: row.get(6)? })
}

fn hash(before: &[u8; 32], entry: &NewAudit) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(entry.at.millis().to_le_bytes());
    for field in [&entry.actor, &entry.action, &entry.object, &entry.detail] {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

/// SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
