//! The folder of the demo, and the addresses that it needs.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use crate::site::{Link, Site};

/// A file that says that the folder is the demo's to wipe.
const MARK: &str = "made-by-wattwacht-sim-demo";
/// A file that a running demo holds locked.
const LOCK: &str = "demo.lock";

/// Why the demo cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroundError {
    /// Another demo runs there.
    #[error("a demo is running in `{dir}` already: stop it first, or name another folder with --dir", dir = dir.display())]
    Running {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds something else.
    #[error(
        "`{dir}` holds files that no demo made: name an empty folder with --dir, or remove them yourself",
        dir = dir.display()
    )]
    NotOurs {
        /// The folder.
        dir: PathBuf,
    },
    /// An address is taken.
    #[error("{address} is in use, it is needed for {what}: {hint}")]
    Taken {
        /// The address.
        address: SocketAddr,
        /// What for.
        what: String,
        /// What to do.
        hint: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The disk refuses.
    #[error("cannot {action} `{path}`", path = path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The folder of the demo, locked for as long as this lives.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) dir: PathBuf,
    _lock: File,
}

impl Ground {
    /// Takes the folder and wipes what an earlier demo left in it. Was there anything?
    pub(crate) fn take(dir: &Path) -> Result<(Self, bool), GroundError> {
        let failed = |action, path: &Path| {
            let path = path.to_owned();
            move |source| GroundError::Disk { action, path, source }
        };
        fs::create_dir_all(dir).map_err(failed("make", dir))?;
        let dir = dir.canonicalize().map_err(failed("find", dir))?;
        let names = names(&dir).map_err(failed("list", &dir))?;
        if !names.is_empty() && !names.iter().any(|name| name == MARK) {
            return Err(GroundError::NotOurs { dir });
        }
        let mark = dir.join(MARK);
        fs::write(&mark, "This folder is wiped by `wattwacht-sim demo` whenever it starts.\n")
            .map_err(failed("write", &mark))?;
        let lock = dir.join(LOCK);
        let file = File::create(&lock).map_err(failed("open", &lock))?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => GroundError::Running { dir: dir.clone() },
            fs::TryLockError::Error(source) => {
                GroundError::Disk { action: "lock", path: lock.clone(), source }
            }
        })?;
        let old: Vec<PathBuf> =
            names.iter().filter(|name| *name != MARK && *name != LOCK).map(|name| dir.join(name)).collect();
        for path in &old {
            remove(path).map_err(failed("remove", path))?;
        }
        Ok((Self { dir, _lock: file }, !old.is_empty()))
    }

    /// Makes a folder in it.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, GroundError> {
        let path = self.dir.join(name);
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(path),
            Err(source) => Err(GroundError::Disk { action: "make", path, source }),
        }
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, GroundError> {
        let path = self.dir.join(name);
        match fs::write(&path, text) {
            Ok(()) => Ok(path),
            Err(source) => Err(GroundError::Disk { action: "write", path, source }),
        }
    }
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Are all addresses free? They may be taken between this and their use, but then the program that wants them says so.
pub(crate) fn check_addresses(
    web: SocketAddr,
    ingest: SocketAddr,
    sites: &[Site],
) -> Result<(), GroundError> {
    let tcp = |address, what: &str, hint| {
        let taken = |source| GroundError::Taken { address, what: what.to_owned(), hint, source };
        TcpListener::bind(address).map(drop).map_err(taken)
    };
    tcp(web, "the panels", "stop what listens there, or give another one with --web")?;
    tcp(ingest, "the agents' door", "stop what listens there, or give another one with --ingest")?;
    let hint = "stop the other simulator or demo that listens there";
    for device in sites.iter().flat_map(|site| &site.devices) {
        let what = format!("device `{}`", device.id);
        match device.link {
            Link::Modbus { listen, .. } => tcp(listen, &what, hint)?,
            Link::Snmp { listen } => UdpSocket::bind(listen)
                .map(drop)
                .map_err(|source| GroundError::Taken { address: listen, what, hint, source })?,
        }
    }
    Ok(())
}
