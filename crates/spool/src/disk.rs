//! The seam between the spool and the disk, so that tests can put a failing disk under it.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FallocateFlags, FlockOperation, fallocate, flock, statvfs};

/// What a file system has room for, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Space {
    pub(crate) free: u64,
    pub(crate) total: u64,
}

/// A folder of files.
pub(crate) trait Disk: Debug + Send + Sync {
    /// Where a file lies, for messages.
    fn path(&self, name: &str) -> PathBuf;
    /// Names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A new, empty file; one of that name is removed first.
    fn create(&self, name: &str) -> io::Result<Box<dyn Append>>;
    /// A file to read.
    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>>;
    /// Cuts a file to a length and puts what is left on disk for good.
    fn truncate(&self, name: &str, length: u64) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Puts the names of the folder on disk for good.
    fn sync_names(&self) -> io::Result<()>;
    /// Replaces a file as a whole by one of that content, newly written and on disk for good: after a crash the old or
    /// the new one is there.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// A file that holds `bytes` bytes of room.
    fn reserve(&self, name: &str, bytes: u64) -> io::Result<()>;
    /// Room of the file system.
    fn space(&self) -> io::Result<Space>;
}

/// A file that grows.
pub(crate) trait Append: Debug + Send {
    /// Appends all of `bytes`, or an unknown part of them and an error.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Puts what was appended on disk for good.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file to read.
pub(crate) trait ReadAt: Debug + Send + Sync {
    /// Reads up to `buffer.len()` bytes from `offset` on; fewer only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// A folder of the operating system, locked while it is held for writing.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    handle: File,
    /// Held while a file is replaced: the writer and a reader may both note how far the collector is, and would take
    /// each other's new file away.
    replacing: Mutex<()>,
}

impl Folder {
    /// Makes the folder if it is not there and locks it. `Ok(None)` if another process has the lock.
    pub(crate) fn lock(path: &Path) -> io::Result<Option<Self>> {
        fs::create_dir_all(path)?;
        let folder = Self::look(path)?;
        match flock(&folder.handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(folder)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the folder without a lock, to look only.
    pub(crate) fn look(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), handle: File::open(path)?, replacing: Mutex::new(()) })
    }
}

impl Disk for Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Append>> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Box::new(Growing(OpenOptions::new().append(true).create_new(true).open(path)?)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(Readable(File::open(self.path(name))?)))
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(name))?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let _turn = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.path(&format!("{name}.new"));
        match write_new(&new, bytes).and_then(|()| fs::rename(&new, self.path(name))) {
            Ok(()) => self.sync_names(),
            Err(error) => {
                // On a full disk half a file would only be in the way; if it stays, the next one takes its place.
                fs::remove_file(&new).unwrap_or_default();
                Err(error)
            }
        }
    }

    fn reserve(&self, name: &str, bytes: u64) -> io::Result<()> {
        let file = File::create(self.path(name))?;
        Ok(fallocate(&file, FallocateFlags::empty(), 0, bytes)?)
    }

    fn space(&self) -> io::Result<Space> {
        let found = statvfs(&self.path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Space { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[derive(Debug)]
struct Growing(File);

impl Append for Growing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[derive(Debug)]
struct Readable(File);

impl ReadAt for Readable {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// The whole of a file, at most `limit` bytes of it.
pub(crate) fn read_whole(file: &dyn ReadAt, limit: usize) -> io::Result<Vec<u8>> {
    let reader = Sequential { file, at: 0 };
    let mut bytes = Vec::new();
    reader.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

struct Sequential<'a> {
    file: &'a dyn ReadAt,
    at: u64,
}

impl Read for Sequential<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(self.at, buffer)?;
        self.at += count as u64;
        Ok(count)
    }
}
