//! A disk in memory that fails as disks and kernels do.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::disk::{Append, Disk, ReadAt, Space};

/// What goes wrong once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The next write takes only so many bytes and fails.
    ShortWrite(usize),
    /// The next sync of a file fails; as Linux does, what it should have written is thrown away, and the next sync of
    /// that file reports success.
    Sync,
    /// The next creation of a file fails.
    Create,
    /// The next sync of the names fails.
    Names,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    /// What a power cut leaves.
    durable: Vec<u8>,
    /// What the kernel shows.
    shown: Vec<u8>,
    /// Up to here a failed sync has thrown pages away that were not durable: no later sync makes them so.
    thrown_away: usize,
}

#[derive(Debug, Default)]
struct Inner {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    faults: Vec<Fault>,
    /// Bytes that all files may take; `None` without bound.
    capacity: Option<usize>,
}

/// The disk; a clone is the same disk.
#[derive(Debug, Clone, Default)]
pub(super) struct FaultyDisk(Arc<Mutex<Inner>>);

impl FaultyDisk {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(super) fn fail(&self, fault: Fault) {
        self.inner().faults.push(fault);
    }

    pub(super) fn heal(&self) {
        self.inner().faults.clear();
        self.inner().capacity = None;
    }

    pub(super) fn fill_up_to(&self, capacity: usize) {
        self.inner().capacity = Some(capacity);
    }

    /// Only what was synced stays, and `torn` bytes of what was written since.
    pub(super) fn cut_power(&self, torn: usize) {
        let mut inner = self.inner();
        inner.names = inner.durable_names.clone();
        for inode in &mut inner.inodes {
            let known = inode.durable.len().max(inode.thrown_away);
            let written = inode.shown.get(known..).unwrap_or_default();
            let more: Vec<u8> = written.iter().take(torn).copied().collect();
            inode.durable.extend(more);
            inode.shown = inode.durable.clone();
            inode.thrown_away = 0;
        }
    }

    pub(super) fn bytes_of(&self, name: &str) -> Option<Vec<u8>> {
        let inner = self.inner();
        Some(inner.inodes[*inner.names.get(name)?].shown.clone())
    }

    pub(super) fn set_bytes(&self, name: &str, bytes: Vec<u8>) {
        let mut inner = self.inner();
        let inode = inner.names[name];
        inner.inodes[inode] = Inode { durable: bytes.clone(), shown: bytes, thrown_away: 0 };
    }

    /// A disk of its own with the same content.
    pub(super) fn copy(&self) -> Self {
        let inner = self.inner();
        Self(Arc::new(Mutex::new(Inner {
            inodes: inner.inodes.clone(),
            names: inner.names.clone(),
            durable_names: inner.durable_names.clone(),
            ..Inner::default()
        })))
    }

    pub(super) fn segments(&self) -> Vec<String> {
        self.inner().names.keys().filter(|name| name.starts_with("seg-")).cloned().collect()
    }
}

impl Inner {
    fn strikes(&mut self, fault: Fault) -> bool {
        let index = self.faults.iter().position(|waiting| *waiting == fault);
        index.map(|index| self.faults.remove(index)).is_some()
    }

    fn short_write(&mut self) -> Option<usize> {
        let index = self.faults.iter().position(|fault| matches!(fault, Fault::ShortWrite(_)))?;
        match self.faults.remove(index) {
            Fault::ShortWrite(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn used(&self) -> usize {
        self.names.values().map(|inode| self.inodes[*inode].shown.len()).sum()
    }

    fn new_file(&mut self, name: &str) -> usize {
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.names.insert(name.to_owned(), inode);
        inode
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn broken() -> io::Error {
    io::Error::other("input/output error")
}

impl Disk for FaultyDisk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/faulty").join(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.inner().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Append>> {
        let mut inner = self.inner();
        if inner.strikes(Fault::Create) {
            return Err(broken());
        }
        let inode = inner.new_file(name);
        Ok(Box::new(Handle { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn ReadAt>> {
        let inode = self.inner().find(name)?;
        Ok(Box::new(Handle { disk: self.clone(), inode }))
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let mut inner = self.inner();
        let inode = inner.find(name)?;
        let inode = &mut inner.inodes[inode];
        inode.shown.truncate(usize::try_from(length).unwrap());
        inode.durable = inode.shown.clone();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner().names.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.strikes(Fault::Names) {
            return Err(broken());
        }
        inner.durable_names = inner.names.clone();
        Ok(())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        let inode = inner.new_file(name);
        inner.inodes[inode] = Inode { durable: bytes.to_vec(), shown: bytes.to_vec(), thrown_away: 0 };
        inner.durable_names = inner.names.clone();
        Ok(())
    }

    fn reserve(&self, name: &str, bytes: u64) -> io::Result<()> {
        let mut inner = self.inner();
        let Some(capacity) = inner.capacity else { return Ok(()) };
        let bytes = usize::try_from(bytes).unwrap();
        if inner.used() + bytes > capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let inode = inner.new_file(name);
        inner.inodes[inode].shown = vec![0; bytes];
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        Ok(Space { free: 1 << 40, total: 1 << 40 })
    }
}

#[derive(Debug)]
struct Handle {
    disk: FaultyDisk,
    inode: usize,
}

impl Append for Handle {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.disk.inner();
        let short = inner.short_write();
        let room = inner.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(inner.used()));
        let taken = bytes.len().min(room).min(short.unwrap_or(usize::MAX));
        inner.inodes[self.inode].shown.extend(&bytes[..taken]);
        if short.is_some() {
            return Err(broken());
        }
        if taken < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.disk.inner();
        let fails = inner.strikes(Fault::Sync);
        let inode = &mut inner.inodes[self.inode];
        if fails {
            inode.thrown_away = inode.shown.len();
            return Err(broken());
        }
        if inode.thrown_away <= inode.durable.len() {
            inode.durable = inode.shown.clone();
        }
        Ok(())
    }
}

impl ReadAt for Handle {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let inner = self.disk.inner();
        let shown = &inner.inodes[self.inode].shown;
        let rest = shown.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}
