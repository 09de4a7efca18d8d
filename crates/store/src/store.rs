//! A folder as a record: opening, the one writer, the readers.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::Doing;
use crate::months::Months;
use crate::schema::{self, FileKind};
use crate::tx::{Core, Tx};
use crate::{Month, StoreError};

/// Name of the file that holds everything but raw samples.
pub(crate) const CORE_FILE: &str = "core.db";

/// How carefully files are looked at when the record is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartCheck {
    /// `PRAGMA quick_check` of `core.db` and of the newest month: for the service.
    #[default]
    Quick,
    /// None: for short commands beside a running service.
    Skip,
}

/// How a record is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Check at the start.
    pub check: StartCheck,
    /// Page cache of one connection in KiB; a connection takes only what it touches.
    pub cache_kib: u32,
    /// How long to wait for another process that is writing.
    pub busy: Duration,
}

impl Default for Options {
    fn default() -> Self {
        // 64 MiB hold the hot pages of 10,000 series; 5 s outlast the largest transaction of an import.
        Self { check: StartCheck::Quick, cache_kib: 65_536, busy: Duration::from_secs(5) }
    }
}

/// The record in one folder. Cheap to clone and to share between threads.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    writing: AtomicBool,
}

impl Store {
    /// Opens the record in `dir`; makes folder and files where there are none, brings older files up to date.
    ///
    /// # Errors
    /// If the folder cannot be used, a file is damaged, newer than this program, or not of this kind.
    pub fn open(dir: &Path, options: Options) -> Result<Self, StoreError> {
        fs::create_dir_all(dir).map_err(StoreError::file("make the folder", dir))?;
        let shared = Shared { dir: dir.to_owned(), options, writing: AtomicBool::new(false) };
        let path = dir.join(CORE_FILE);
        let mut sql = shared.connect(&path, Mode::Write)?;
        schema::migrate(&mut sql, &path, FileKind::Core)?;
        if shared.options.check == StartCheck::Quick {
            shared.quick_check(&sql, &path)?;
        }
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// The one writer of this process. Other processes may write beside it: each transaction waits its turn.
    ///
    /// # Errors
    /// If this `Store`, or a clone of it, has a writer that was not dropped yet, or a file cannot be opened.
    pub fn writer(&self) -> Result<Writer, StoreError> {
        if self.shared.writing.swap(true, Ordering::AcqRel) {
            return Err(StoreError::WriterTaken { path: self.shared.dir.clone() });
        }
        let turn = Turn(Arc::clone(&self.shared));
        let core = Core { sql: self.shared.connect(&self.shared.dir.join(CORE_FILE), Mode::Write)? };
        let months = Months::new(Arc::clone(&self.shared), Mode::Write);
        Ok(Writer { core, months, reader: self.reader()?, _turn: turn })
    }

    /// A reader with a connection of its own that cannot write. Open one for each thread.
    ///
    /// # Errors
    /// If a file cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let core = Core { sql: self.shared.connect(&self.shared.dir.join(CORE_FILE), Mode::Read)? };
        Ok(Reader::new(core, Months::new(Arc::clone(&self.shared), Mode::Read)))
    }

    /// Months that have raw samples, in order.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn months(&self) -> Result<Vec<Month>, StoreError> {
        self.shared.months()
    }
}

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
}

impl Shared {
    pub(crate) fn connect(&self, path: &Path, mode: Mode) -> Result<Connection, StoreError> {
        let flags = match mode {
            Mode::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Mode::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let sql = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(open)?;
        sql.busy_timeout(self.options.busy).map_err(open)?;
        schema::configure(&sql, self.options.cache_kib)?;
        Ok(sql)
    }

    pub(crate) fn months(&self) -> Result<Vec<Month>, StoreError> {
        let wrong = || StoreError::file("list the folder", &self.dir);
        let mut months = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(wrong())? {
            let name = entry.map_err(wrong())?.file_name();
            months.extend(name.to_str().and_then(Month::from_file_name));
        }
        months.sort_unstable();
        Ok(months)
    }

    fn quick_check(&self, core: &Connection, path: &Path) -> Result<(), StoreError> {
        sound(core, path)?;
        if let Some(month) = self.months()?.last() {
            let path = self.dir.join(month.file_name());
            sound(&self.connect(&path, Mode::Write)?, &path)?;
        }
        Ok(())
    }
}

fn sound(sql: &Connection, path: &Path) -> Result<(), StoreError> {
    match schema::check(sql, "quick_check")?.into_iter().next() {
        Some(finding) => Err(StoreError::Damaged { path: path.to_owned(), finding }),
        None => Ok(()),
    }
}

/// Held by the writer; gives the turn back when it is dropped.
#[derive(Debug)]
struct Turn(Arc<Shared>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.writing.store(false, Ordering::Release);
    }
}

/// The one handle that writes. Not `Clone`: give it to one thread.
#[derive(Debug)]
pub struct Writer {
    pub(crate) core: Core,
    pub(crate) months: Months,
    reader: Reader,
    _turn: Turn,
}

impl Writer {
    /// Runs `work` in one transaction on `core.db`: committed durably if it returns `Ok`, undone if it returns `Err`
    /// or panics.
    ///
    /// # Errors
    /// What `work` returned, or that the transaction could not be begun or committed.
    pub fn transaction<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = Tx::begin(&self.core)?;
        let done = work(&tx)?;
        tx.commit()?;
        Ok(done)
    }

    /// A reader of the same record, for what this thread wants to know between its transactions.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Moves what the write-ahead logs hold into the files, as far as readers let it; for a clean stop.
    ///
    /// # Errors
    /// If SQLite cannot.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        let doing = "checkpoint";
        let run = |sql: &Connection| {
            sql.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0)).doing(doing)
        };
        run(&self.core.sql)?;
        self.months.each_open(|sql| run(sql).map(drop))
    }
}

/// A view of the record that cannot change it. Sees what was committed before each call. Everything of `core.db` that
/// can be read stands at [`Core`]; raw samples stand here.
#[derive(Debug)]
pub struct Reader {
    core: Core,
    pub(crate) months: Months,
}

impl Reader {
    fn new(core: Core, months: Months) -> Self {
        Self { core, months }
    }

    /// Runs `work` on one state of `core.db`: what others commit meanwhile is not seen.
    ///
    /// # Errors
    /// What `work` returned, or that SQLite could not hold the state.
    pub fn snapshot<T, E: From<StoreError>>(&self, work: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        let tx = self.core.sql.unchecked_transaction().doing("begin to read")?;
        let done = work(self)?;
        tx.commit().doing("end reading")?;
        Ok(done)
    }
}

impl Deref for Reader {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}
