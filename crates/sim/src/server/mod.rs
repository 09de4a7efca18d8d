//! Serves a world over real sockets: Modbus TCP and SNMP v2c, hundreds of devices in one thread.
//!
//! On the path of a reading this is the far end of the wire. One thread with one poll for all sockets, because a load
//! generator that is slower than what it measures measures itself.
//!
//! Invariants:
//! - A device that hangs, is late or refuses disturbs no other.
//! - Whatever comes in is bounded: bytes of a request, answers that wait, connections.

mod answer;
mod ber;
mod control;
mod door;
mod modbus;
mod reactor;
mod snmp;
mod socket;

pub(crate) use control::device as device_name;
pub use control::{Command, InvalidCommand};
pub(crate) use modbus::exception::{GATEWAY_NO_RESPONSE as NO_SUCH_UNIT, ILLEGAL_ADDRESS};

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use mio::Waker;
use model::{DeviceId, SiteId, Timestamp};

use crate::world::World;
use reactor::Reactor;

/// The instant that it is in the world.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Commands that may wait; a test sends one at a time.
const COMMANDS_MAX: usize = 64;

/// Why a world cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// An address cannot be taken.
    #[error("cannot listen on {address} for {what}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Device, or what else wanted it.
        what: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Two devices behind one address have the same unit id.
    #[error("devices `{first}` and `{second}` are both unit {unit} at {address}")]
    SameUnit {
        /// The address.
        address: SocketAddr,
        /// The unit id.
        unit: u8,
        /// The first device.
        first: String,
        /// The second.
        second: String,
    },
    /// The system has no more of what it takes.
    #[error("cannot set up the poll of all sockets")]
    Poll(#[source] io::Error),
}

/// A world that is being served, in a thread of its own. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    commands: SyncSender<(Command, SyncSender<String>)>,
    thread: Option<JoinHandle<()>>,
    control: Option<SocketAddr>,
    addresses: Vec<(SiteId, DeviceId, SocketAddr)>,
}

#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    waker: Waker,
}

type Commands = Receiver<(Command, SyncSender<String>)>;

impl Server {
    /// Takes all addresses and begins to answer. `control` is an address for commands, if any.
    ///
    /// # Errors
    /// If an address cannot be taken.
    pub fn start(world: World, clock: Clock, control: Option<SocketAddr>) -> Result<Self, ServerError> {
        let (commands, receiver) = sync_channel(COMMANDS_MAX);
        let mut reactor = Reactor::new(world, clock, control)?;
        let waker = reactor.waker().map_err(ServerError::Poll)?;
        let control = reactor.control_address();
        let addresses = reactor.addresses();
        let shared = Arc::new(Shared { stop: AtomicBool::new(false), waker });
        let in_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("devices".to_owned())
            .spawn(move || reactor.run(&in_thread.stop, &receiver))
            .map_err(ServerError::Poll)?;
        Ok(Self { shared, commands, thread: Some(thread), control, addresses })
    }

    /// Where commands are taken.
    pub const fn control_address(&self) -> Option<SocketAddr> {
        self.control
    }

    /// Where a device listens: with its real port, if it was to listen on port 0.
    pub fn address_of(&self, site: &SiteId, device: &DeviceId) -> Option<SocketAddr> {
        self.addresses.iter().find(|one| one.0 == *site && one.1 == *device).map(|one| one.2)
    }

    /// Tells it something and waits until it is done. Gives its answer; `None` if it has ended.
    pub fn command(&self, command: Command) -> Option<String> {
        let (sender, answer) = sync_channel(1);
        self.commands.send((command, sender)).ok()?;
        self.shared.waker.wake().ok()?;
        answer.recv().ok()
    }

    /// Has it ended by itself? It never should.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Closes all sockets and waits until that is done.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Err(error) = self.shared.waker.wake() {
            tracing::warn!(%error, "cannot wake the device thread");
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the device thread panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
