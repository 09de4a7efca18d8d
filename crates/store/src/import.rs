//! Imports: which file brought what, so that it can be undone by its number.

use model::Timestamp;
use rusqlite::Row;

use crate::tx::{instant, instant_option, limit, signed, unsigned};
use crate::{Core, ImportNumber, StoreError, Tx};

/// A file that is being imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImport {
    /// What it holds: `intervals`, `readings`, `topology`, ...
    pub kind: String,
    /// Its name.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many rows it has.
    pub rows: u64,
    /// Who imported it.
    pub author: String,
    /// When.
    pub at: Timestamp,
}

/// An import of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its number.
    pub number: ImportNumber,
    /// What was imported.
    pub import: NewImport,
    /// When it was undone, if it was.
    pub undone: Option<Timestamp>,
}

const COLUMNS: &str = "number, kind, file, sha256, rows, author, at_ms, undone_ms";

impl Tx<'_> {
    /// Gives an import its number. Write what it brings in the same transaction.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn add_import(&self, import: &NewImport) -> Result<ImportNumber, StoreError> {
        let sql =
            "INSERT INTO import(kind, file, sha256, rows, author, at_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
        let NewImport { kind, file, sha256, rows, author, at } = import;
        let values = (kind, file, sha256, signed("rows", *rows)?, author, at.millis());
        self.insert("note an import", sql, values).map(ImportNumber::new)
    }

    pub(crate) fn mark_undone(&self, number: ImportNumber, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE import SET undone_ms = ?2 WHERE number = ?1 AND undone_ms IS NULL";
        if self.run("undo an import", sql, (number, at.millis()))? == 1 {
            return Ok(());
        }
        match self.import(number)? {
            Some(_) => Err(StoreError::Refused {
                what: format!("undo of import {number}"),
                why: "it is undone already",
            }),
            None => Err(StoreError::Unknown { what: "import", name: number.to_string() }),
        }
    }
}

impl Core {
    /// An import by its number.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn import(&self, number: ImportNumber) -> Result<Option<Import>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM import WHERE number = ?1");
        self.one("read an import", &sql, [number], import)
    }

    /// Imports, the newest first, at most `rows`.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn imports(&self, rows: usize) -> Result<Vec<Import>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM import ORDER BY number DESC LIMIT ?1");
        self.all("list imports", &sql, [limit(rows)], import)
    }
}

fn import(row: &Row<'_>) -> rusqlite::Result<Import> {
    let import = NewImport {
        kind: row.get(1)?,
        file: row.get(2)?,
        sha256: row.get(3)?,
        rows: unsigned(row, 4)?,
        author: row.get(5)?,
        at: instant(row, 6)?,
    };
    Ok(Import { number: row.get(0)?, import, undone: instant_option(row, 7)? })
}
