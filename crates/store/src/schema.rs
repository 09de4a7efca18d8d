//! The files' settings and tables, and how an older file becomes a newer one.
//!
//! A migration is a text that is run once, in one transaction with the rise of `user_version`. Texts that were
//! released are never edited; a change is a new text at the end.

use std::path::Path;

use rusqlite::Connection;

use crate::StoreError;
use crate::error::Doing;

/// `application_id` of `core.db`, "WwCo": tells `file(1)` and us what it is.
const CORE_ID: i64 = 0x5777_436f;
/// `application_id` of a month of raw samples, "WwRa".
const RAW_ID: i64 = 0x5777_5261;

/// Settings of every connection. FULL, because an acknowledgement leaves the machine after the commit. Checkpoints at
/// 16 MiB keep the WAL small beside the blobs of a batch group; 64 MiB is what a WAL is cut to after a large import.
const SETTINGS: &str = "
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
";

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Core,
    Raw,
}

impl FileKind {
    const fn id(self) -> i64 {
        match self {
            Self::Core => CORE_ID,
            Self::Raw => RAW_ID,
        }
    }

    const fn migrations(self) -> &'static [&'static str] {
        match self {
            Self::Core => &[include_str!("schema/core-1.sql")],
            Self::Raw => &[include_str!("schema/raw-1.sql")],
        }
    }
}

/// Applies the settings of every connection.
pub(crate) fn configure(sql: &Connection, cache_kib: u32) -> Result<(), StoreError> {
    sql.execute_batch(SETTINGS).doing("configure a connection")?;
    sql.pragma_update(None, "cache_size", -i64::from(cache_kib)).doing("set the cache size")?;
    sql.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Makes an empty file one of ours, and an older one current.
pub(crate) fn migrate(sql: &mut Connection, path: &Path, kind: FileKind) -> Result<(), StoreError> {
    let known = i64::try_from(kind.migrations().len()).expect("a handful");
    let found = version(sql, path, kind)?;
    if found == 0 {
        sql.execute_batch("PRAGMA page_size = 4096").doing("create a file")?;
    }
    // Kept in the file; a copy made by a backup has no log and gets one here.
    sql.execute_batch("PRAGMA journal_mode = WAL").doing("switch on the write-ahead log")?;
    if found == known {
        return Ok(());
    }
    for (number, text) in (1..).zip(kind.migrations()) {
        step(sql, path, kind, (number, text))?;
    }
    Ok(())
}

/// Runs migration `number` unless it has been run, by another process perhaps.
fn step(
    sql: &mut Connection,
    path: &Path,
    kind: FileKind,
    (number, text): (i64, &str),
) -> Result<(), StoreError> {
    let doing = "migrate a file";
    let tx = sql.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).doing(doing)?;
    if version(&tx, path, kind)? < number {
        tx.execute_batch(text).doing(doing)?;
        tx.pragma_update(None, "application_id", kind.id()).doing(doing)?;
        tx.pragma_update(None, "user_version", number).doing(doing)?;
    }
    tx.commit().doing(doing)
}

/// Version of a file; refuses files of other programs and of newer versions.
pub(crate) fn version(sql: &Connection, path: &Path, kind: FileKind) -> Result<i64, StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    // In one statement, so that both are of one state while the writer is just making the file.
    let text = "SELECT application_id, user_version FROM pragma_application_id, pragma_user_version";
    let (id, found) =
        sql.query_row(text, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).map_err(open)?;
    let known = i64::try_from(kind.migrations().len()).expect("a handful");
    if found > known {
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    let fresh = found == 0 && id == 0;
    if id != kind.id() && !fresh {
        let finding = format!("application id is {id:#x}, expected {:#x}", kind.id());
        return Err(StoreError::Damaged { path: path.to_owned(), finding });
    }
    Ok(found)
}

/// SQLite's `quick_check` or `integrity_check`: the findings, none if all is well.
pub(crate) fn check(sql: &Connection, pragma: &str) -> Result<Vec<String>, StoreError> {
    let doing = "check a file";
    let mut findings = Vec::new();
    sql.pragma_query(None, pragma, |row| {
        findings.push(row.get::<_, String>(0)?);
        Ok(())
    })
    .doing(doing)?;
    findings.retain(|finding| finding != "ok");
    Ok(findings)
}
