//! `core.db`: one connection to it, and the transaction in which everything but raw samples is written.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use model::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::StoreError;
use crate::error::Doing;

/// What can be read of `core.db`. [`Reader`](crate::Reader) and [`Tx`] are one of these too, so all of its methods can
/// be called on them; a `Tx` also sees what it has written itself.
pub struct Core {
    pub(crate) sql: Connection,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn all<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        make: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.sql.prepare_cached(sql).doing(doing)?;
        let rows = statement.query_map(params, make).doing(doing)?;
        rows.collect::<rusqlite::Result<_>>().doing(doing)
    }

    pub(crate) fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
        make: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.sql.prepare_cached(sql).doing(doing)?;
        statement.query_row(params, make).optional().doing(doing)
    }

    pub(crate) fn run(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, StoreError> {
        self.sql.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).doing(doing)
    }

    /// Runs an `INSERT` and returns the row's key.
    pub(crate) fn insert(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<i64, StoreError> {
        self.sql.prepare_cached(sql).and_then(|mut statement| statement.insert(params)).doing(doing)
    }
}

/// A transaction on `core.db`. All of it is durable when [`Writer::transaction`](crate::Writer::transaction) returns
/// `Ok`, none of it otherwise.
#[derive(Debug)]
pub struct Tx<'w> {
    core: &'w Core,
    open: bool,
}

impl<'w> Tx<'w> {
    pub(crate) fn begin(core: &'w Core) -> Result<Self, StoreError> {
        core.sql.execute_batch("BEGIN IMMEDIATE").doing("begin a transaction")?;
        Ok(Self { core, open: true })
    }

    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        self.core.sql.execute_batch("COMMIT").doing("commit a transaction")?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        // A failed COMMIT may have rolled back already; then there is nothing left to do.
        if self.open
            && !self.core.sql.is_autocommit()
            && let Err(error) = self.core.sql.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "cannot roll back a transaction");
        }
    }
}

impl Deref for Tx<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        self.core
    }
}

/// A text column as the type that it stands for.
pub(crate) fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|_| unreadable(column, text))
}

/// Like [`parsed`], where the column may be NULL.
pub(crate) fn parsed_option<T: FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => text.parse().map(Some).map_err(|_| unreadable(column, text)),
        None => Ok(None),
    }
}

fn unreadable(column: usize, text: &str) -> rusqlite::Error {
    let said = format!("`{}` cannot be read", text.chars().take(80).collect::<String>());
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, said.into())
}

/// A column of milliseconds.
pub(crate) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

/// A column of milliseconds that may be NULL.
pub(crate) fn instant_option(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// A column that holds a count or a sequence.
pub(crate) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// A count or a sequence as SQLite can hold it.
pub(crate) fn signed(what: &'static str, number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::OutOfRange {
        what,
        found: number.into(),
        expected: "below 2^63",
    })
}

/// How many rows one answer may hold, as SQLite wants it.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
