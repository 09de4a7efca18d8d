//! Work that blocks, done on a thread beside the engine: looking up names and reading the machine itself.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use mio::Waker;
use model::{Missing, Raw};

use crate::host::Probe;

/// Tasks that may wait for the helper; what does not fit is asked again later.
const TASKS_MAX: usize = 64;

/// Whose name is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// A Modbus gateway's.
    Gateway(usize),
    /// An SNMP device's.
    Snmp(usize),
}

/// What the helper is to do.
#[derive(Debug)]
enum Task {
    Resolve(Whose, String),
    ReadHost(usize),
}

/// What the helper found out.
#[derive(Debug)]
pub(super) enum Found {
    /// The address of a name.
    Address(Whose, SocketAddr),
    /// What reading the machine brought.
    Host(usize, Vec<Result<Raw, Missing>>),
}

/// Looks up a name: an address if it has one.
pub(super) type Resolver = Box<dyn FnMut(&str) -> io::Result<Option<SocketAddr>> + Send>;

/// A handle to the helper; its thread ends when the handle is dropped.
#[derive(Debug)]
pub(super) struct Helper {
    tasks: SyncSender<Task>,
    found: Receiver<Found>,
}

impl Helper {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub(super) fn start(
        probes: Vec<Probe>,
        resolver: Resolver,
        waker: Arc<Waker>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (tasks, todo) = sync_channel(TASKS_MAX);
        let (tell, found) = sync_channel(TASKS_MAX);
        let thread = std::thread::Builder::new()
            .name("poll-helper".to_owned())
            .spawn(move || work(&todo, &tell, (probes, resolver), &waker))?;
        Ok((Self { tasks, found }, thread))
    }

    /// Asks for the address of a name; `false` if too much is waiting.
    pub(super) fn resolve(&self, whose: Whose, name: String) -> bool {
        self.tasks.try_send(Task::Resolve(whose, name)).is_ok()
    }

    /// Asks for the values of a machine; `false` if too much is waiting.
    pub(super) fn read_host(&self, host: usize) -> bool {
        self.tasks.try_send(Task::ReadHost(host)).is_ok()
    }

    /// What was found out since.
    pub(super) fn found(&self) -> impl Iterator<Item = Found> + '_ {
        self.found.try_iter()
    }
}

fn work(
    todo: &Receiver<Task>,
    tell: &SyncSender<Found>,
    (mut probes, mut resolver): (Vec<Probe>, Resolver),
    waker: &Waker,
) {
    for task in todo {
        let found = match task {
            Task::Resolve(whose, name) => {
                resolve(&mut resolver, &name).map(|address| Found::Address(whose, address))
            }
            Task::ReadHost(host) => probes.get_mut(host).map(|probe| Found::Host(host, probe.read())),
        };
        let Some(found) = found else { continue };
        if tell.send(found).is_err() || waker.wake().is_err() {
            return;
        }
    }
}

/// The resolver of the system.
pub(super) fn of_system() -> Resolver {
    Box::new(|name| name.to_socket_addrs().map(|mut addresses| addresses.next()))
}

fn resolve(resolver: &mut Resolver, name: &str) -> Option<SocketAddr> {
    match resolver(name) {
        Ok(address) => address,
        Err(error) => {
            tracing::warn!(name, %error, "cannot look up the name");
            None
        }
    }
}
