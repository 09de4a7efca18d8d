//! Connections to the months' files of raw samples, opened when they are needed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use crate::schema::{self, FileKind};
use crate::store::{Mode, Shared};
use crate::{Month, StoreError};

/// Most months that one handle keeps open. A year's panel touches 13.
const MAX_OPEN: usize = 14;

#[derive(Debug)]
pub(crate) struct Months {
    shared: Arc<Shared>,
    mode: Mode,
    open: RefCell<BTreeMap<Month, Connection>>,
}

impl Months {
    pub(crate) fn new(shared: Arc<Shared>, mode: Mode) -> Self {
        Self { shared, mode, open: RefCell::default() }
    }

    /// Runs `work` on the file of a month. For a reader, `None` if there is none.
    pub(crate) fn with<T>(
        &self,
        month: Month,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut open = self.open.borrow_mut();
        let path = self.path(month);
        if !path.exists() {
            // Dropped by retention, perhaps while it was open here.
            open.remove(&month);
            if self.mode == Mode::Read {
                return Ok(None);
            }
        }
        if !open.contains_key(&month) {
            let Some(sql) = self.connect(month)? else { return Ok(None) };
            if open.len() >= MAX_OPEN {
                open.pop_first();
            }
            open.insert(month, sql);
        }
        open.get_mut(&month).map(work).transpose()
    }

    fn connect(&self, month: Month) -> Result<Option<Connection>, StoreError> {
        let path = self.path(month);
        let mut sql = self.shared.connect(&path, self.mode)?;
        if self.mode == Mode::Write {
            schema::migrate(&mut sql, &path, FileKind::Raw)?;
        } else if schema::version(&sql, &path, FileKind::Raw)? == 0 {
            return Ok(None); // The writer is just making it.
        }
        Ok(Some(sql))
    }

    /// Runs `work` on each file that is open now.
    pub(crate) fn each_open(
        &self,
        work: impl FnMut(&Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.open.borrow().values().try_for_each(work)
    }

    /// Forgets the connection to a month.
    pub(crate) fn close(&self, month: Month) {
        self.open.borrow_mut().remove(&month);
    }

    /// All months that have a file, in order.
    pub(crate) fn all(&self) -> Result<Vec<Month>, StoreError> {
        self.shared.months()
    }

    pub(crate) fn path(&self, month: Month) -> PathBuf {
        self.shared.dir.join(month.file_name())
    }

    /// The months from `from` to `to`, both included, that have a file, in order.
    pub(crate) fn between(&self, from: Month, to: Month) -> Result<Vec<Month>, StoreError> {
        let mut months = self.shared.months()?;
        months.retain(|month| (from..=to).contains(month));
        Ok(months)
    }
}
