//! The folder and the addresses of a story.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use tempfile::TempDir;

/// Third numbers of the loopback addresses on which stories let devices listen; the demo has 10 and 11, the examples of
/// `config/sim` and of the documentation 12 to 21.
const NETS: std::ops::RangeInclusive<u8> = 40..=249;
/// Bound on the last address of a net by the story that has the net.
const HELD_PORT: u16 = 61_999;

/// A folder that goes with the story.
#[derive(Debug)]
pub(crate) struct Ground {
    dir: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::Builder::new().prefix("wattwacht-story-").tempdir().unwrap() }
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into it.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A loopback net 127.0.n.0/24 that no other test has, in whatever process, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Net {
    number: u8,
    _held: TcpListener,
}

impl Net {
    /// Takes one: who has bound its [`HELD_PORT`] has it, whatever user that is, and a process that dies lets it go.
    pub(crate) fn take() -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let count = NETS.end() - NETS.start() + 1;
        for _ in 0..count {
            // From another place in each process, so that two of them rarely ask for the same.
            let process = u8::try_from(std::process::id() % u32::from(count)).unwrap();
            let turn = (process / 2 + NEXT.fetch_add(1, Ordering::Relaxed) % (count / 2)) % count;
            let number = NETS.start() + turn;
            if let Ok(held) = hold(number) {
                return Self { number, _held: held };
            }
        }
        panic!("no loopback net is free");
    }

    /// Its third number.
    pub(crate) const fn number(&self) -> u8 {
        self.number
    }

    /// An address in it.
    pub(crate) const fn at(&self, host: u8, port: u16) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(127, 0, self.number, host)), port)
    }
}

/// Takes the loopback net 127.0.n.0/24, if nobody has it.
pub(crate) fn hold(number: u8) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::new(127, 0, number, 254), HELD_PORT))
}

/// An address on 127.0.0.1 whose port was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
