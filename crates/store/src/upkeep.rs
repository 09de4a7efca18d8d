//! Backup, checks, retention and sizes.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use sha2::{Digest, Sha256};

use crate::chunk::Chunk;
use crate::error::Doing;
use crate::schema;
use crate::store::{CORE_FILE, Mode, Shared};
use crate::{ChunkKey, Month, Store, StoreError, Writer};

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// Its name in the backup's folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// A file of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSize {
    /// Its name.
    pub file: String,
    /// Its size, its write-ahead log included.
    pub bytes: u64,
}

impl Store {
    /// Copies the record into the folder `to`, which is made and must not hold a record, while it is being used. Each
    /// file is copied as it stands at one instant, `core.db` first: what its inbox has passed on to the months before
    /// that is then in their copies, and what was passed on later is there twice at most, which merging undoes.
    ///
    /// # Errors
    /// If a file cannot be read or written, or there is a record in `to`.
    pub fn backup(&self, to: &Path) -> Result<Vec<BackedUp>, StoreError> {
        fs::create_dir_all(to).map_err(StoreError::file("make the folder", to))?;
        if to.join(CORE_FILE).exists() {
            let what = format!("backup into `{}`", to.display());
            return Err(StoreError::Refused { what, why: "there is a record already" });
        }
        let mut files = vec![CORE_FILE.to_owned()];
        files.extend(self.months()?.into_iter().map(Month::file_name));
        files.into_iter().map(|file| copy(&self.shared, to, file)).collect()
    }

    /// SQLite's `integrity_check` of every file, and the checksum of every chunk. Takes as long as reading everything.
    /// Returns the findings, none if all is well.
    ///
    /// # Errors
    /// If a file cannot be read at all.
    pub fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut findings = self.check_file(CORE_FILE)?;
        for month in self.months()? {
            findings.extend(self.check_file(&month.file_name())?);
            findings.extend(self.check_chunks(month)?);
        }
        Ok(findings)
    }

    fn check_file(&self, file: &str) -> Result<Vec<String>, StoreError> {
        let sql = self.shared.connect(&self.shared.dir.join(file), Mode::Read)?;
        let findings = schema::check(&sql, "integrity_check")?;
        Ok(findings.into_iter().map(|finding| format!("{file}: {finding}")).collect())
    }

    fn check_chunks(&self, month: Month) -> Result<Vec<String>, StoreError> {
        let doing = "check raw samples";
        let file = month.file_name();
        let sql = self.shared.connect(&self.shared.dir.join(&file), Mode::Read)?;
        let mut statement = sql.prepare("SELECT id, body FROM chunk ORDER BY id").doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut findings = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let key = ChunkKey::from_row(row.get(0).doing(doing)?)?;
            let body: Vec<u8> = row.get(1).doing(doing)?;
            if let Err(error) = Chunk::decode(key.device, key.first, &body) {
                findings.push(format!("{file}: chunk of device {} at {}: {error}", key.device, key.first));
            }
        }
        Ok(findings)
    }

    /// The files of the record and how large they are.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn sizes(&self) -> Result<Vec<FileSize>, StoreError> {
        let mut files = vec![CORE_FILE.to_owned()];
        files.extend(self.months()?.into_iter().map(Month::file_name));
        let size = |file: String| {
            let path = self.shared.dir.join(&file);
            let len = fs::metadata(&path).map_err(StoreError::file("look at", &path))?.len();
            let log = fs::metadata(beside(&path, "-wal")).map_or(0, |log| log.len());
            Ok(FileSize { file, bytes: len + log })
        };
        files.into_iter().map(size).collect()
    }
}

impl Writer {
    /// Deletes the raw samples of every month before `month`; quarter-hour values stay. Returns the months.
    ///
    /// # Errors
    /// If a file cannot be deleted.
    pub fn drop_raw_before(&mut self, month: Month) -> Result<Vec<Month>, StoreError> {
        let mut old = self.months.all()?;
        old.retain(|one| *one < month);
        for one in &old {
            self.months.close(*one);
            let path = self.months.path(*one);
            for path in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")] {
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(StoreError::file("delete", &path)(error));
                    }
                    _ => {}
                }
            }
        }
        Ok(old)
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn copy(shared: &Shared, to: &Path, file: String) -> Result<BackedUp, StoreError> {
    let path = to.join(&file);
    let from = shared.connect(&shared.dir.join(&file), Mode::Read)?;
    let open = |source| StoreError::Open { path: path.clone(), source };
    let mut target = Connection::open(&path).map_err(open)?;
    {
        let backup = Backup::new(&from, &mut target).doing("begin a backup")?;
        // All pages in one step: one state of the file, and a writer is not held up, since it appends to its log.
        if backup.step(-1).doing("copy a file")? != StepResult::Done {
            let what = format!("backup of `{file}`");
            return Err(StoreError::Refused { what, why: "the file stayed locked" });
        }
    }
    // The copy must be complete in itself, without a log beside it.
    target
        .query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0))
        .doing("finish a copy")?;
    target.close().map_err(|(_, source)| StoreError::Open { path: path.clone(), source })?;
    let (bytes, sha256) = hash_file(&path).map_err(StoreError::file("read", &path))?;
    Ok(BackedUp { file, bytes, sha256 })
}

fn hash_file(path: &Path) -> std::io::Result<(u64, [u8; 32])> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            file.sync_all()?;
            return Ok((bytes, hash.finalize().into()));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}
