//! The thread that listens. Names are looked up on one more, as that may take long.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver as Messages, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use model::{Event, EventKind, Severity};

use super::engine::OwnEngine;
use super::receiver::{Counts, Receiver};
use super::senders::{Sender, look_up};
use crate::clock::Clock;
use crate::config::TrapsConfig;
use crate::poll::Message;
use crate::snmp::Credentials;

/// Room for a burst: some thousand of the usual packets.
const RECEIVE_BYTES: usize = 1 << 20;
/// The largest UDP packet.
const PACKET_BYTES_MAX: usize = 65_535;
/// How long the thread waits for a packet before it looks whether it is to stop.
const WAIT: Duration = Duration::from_millis(100);
/// How often sums are made and waiting events are offered again.
const TICK: Duration = Duration::from_secs(1);
/// How often an address that cannot be listened on is tried again.
const BIND_AGAIN: Duration = Duration::from_secs(30);
/// How often names are looked up: addresses of devices change seldom.
const LOOK_UP_EVERY: Duration = Duration::from_mins(5);
/// Results of lookups that may wait.
const FOUND_MAX: usize = 64;
/// How often what was received goes into the log.
const REPORT_EVERY: Duration = Duration::from_hours(1);

/// Why nobody listens.
#[derive(Debug, thiserror::Error)]
pub enum TrapsError {
    /// The system refuses a thread.
    #[error("cannot start the thread that listens for traps")]
    Thread(#[source] io::Error),
}

/// A handle to the thread that listens.
#[derive(Debug)]
pub struct Traps {
    stop: Arc<AtomicBool>,
    bound: Arc<OnceLock<SocketAddr>>,
    thread: JoinHandle<Counts>,
}

impl Traps {
    /// Listens for `senders` and hands events to `to`; without it they are only logged and counted. An
    /// address that cannot be listened on is tried again and again: polling goes on without traps.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(
        config: &TrapsConfig,
        senders: Vec<Sender>,
        clock: Box<dyn Clock>,
        to: Option<SyncSender<Message>>,
    ) -> Result<Self, TrapsError> {
        let (stop, bound, listen) =
            (Arc::new(AtomicBool::new(false)), Arc::new(OnceLock::new()), config.listen);
        let has_users = senders.iter().any(|sender| matches!(sender.credentials, Credentials::User(_)));
        let engine = if has_users { engine(&config.engine_file, clock.as_ref()) } else { None };
        let receiver = Receiver::new(senders, engine);
        let found = Names::start(receiver.names()).map_err(TrapsError::Thread)?;
        let listener = Listener {
            listen,
            bound: Arc::clone(&bound),
            receiver,
            clock,
            to,
            found,
            stop: Arc::clone(&stop),
            in_trouble: false,
        };
        let thread = std::thread::Builder::new().name("traps".to_owned());
        let thread = thread.spawn(move || listener.run()).map_err(TrapsError::Thread)?;
        Ok(Self { stop, bound, thread })
    }

    /// Stops it; gives what it received.
    pub fn stop(self) -> Counts {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|_| {
            tracing::error!("the thread that listens for traps broke down");
            Counts::default()
        })
    }

    /// Has the thread ended unasked?
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Where it listens, once it does.
    pub fn listens_on(&self) -> Option<SocketAddr> {
        self.bound.get().copied()
    }
}

/// Our engine. Without it informs of v3 cannot be acknowledged, but all else goes on.
fn engine(file: &Path, clock: &dyn Clock) -> Option<OwnEngine> {
    let engine = OwnEngine::start(file, clock.now().mono);
    let told = |error: &io::Error| {
        tracing::warn!(file = %file.display(), %error, "informs of SNMP v3 are not acknowledged: the engine cannot be kept");
    };
    engine.inspect_err(told).ok()
}

struct Listener {
    listen: SocketAddr,
    bound: Arc<OnceLock<SocketAddr>>,
    receiver: Receiver,
    clock: Box<dyn Clock>,
    to: Option<SyncSender<Message>>,
    found: Option<Names>,
    stop: Arc<AtomicBool>,
    in_trouble: bool,
}

impl Listener {
    fn run(mut self) -> Counts {
        while !self.is_stopped() {
            if let Some(socket) = self.bind() {
                self.receive(&socket);
            }
        }
        self.receiver.close(self.clock.now());
        self.hand_on_all();
        let counts = self.receiver.counts();
        tracing::info!(?counts, "no longer listening for traps");
        counts
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// A socket, or none after a while.
    fn bind(&mut self) -> Option<UdpSocket> {
        match bind(self.listen) {
            Ok(socket) => {
                self.in_trouble = false;
                let address = socket.local_addr().unwrap_or(self.listen);
                let address = self.bound.get_or_init(|| address);
                tracing::info!(%address, "listening for traps");
                return Some(socket);
            }
            Err(error) if !std::mem::replace(&mut self.in_trouble, true) => self.cannot_bind(&error),
            Err(_) => {}
        }
        let until = self.clock.now().mono + BIND_AGAIN;
        while !self.is_stopped() && self.clock.now().mono < until {
            std::thread::park_timeout(WAIT);
            self.hand_on();
        }
        None
    }

    fn cannot_bind(&mut self, error: &io::Error) {
        let way_out = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need CAP_NET_BIND_SERVICE or a redirection: docs/operator.md, \"Traps and informs\""
            }
            io::ErrorKind::AddrInUse => "; another program listens there, such as snmptrapd",
            _ => "",
        };
        let text = format!("cannot listen for traps on {}: {error}{way_out}", self.listen);
        let time = self.clock.now().wall();
        let event = Event { time, device: None, kind: EventKind::Other, severity: Severity::Warning, text };
        self.hand_on_one(event);
    }

    fn receive(&mut self, socket: &UdpSocket) {
        let mut room = vec![0; PACKET_BYTES_MAX];
        let (mut ticked, mut reported) = (self.clock.now().mono, self.clock.now().mono);
        while !self.is_stopped() {
            match socket.recv_from(&mut room) {
                Ok((bytes, from)) => self.packet(socket, room.get(..bytes).unwrap_or_default(), from),
                Err(error) if is_nothing(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot receive traps any more");
                    return;
                }
            }
            let now = self.clock.now().mono;
            if now.saturating_sub(ticked) >= TICK {
                ticked = now;
                self.tick();
            }
            if now.saturating_sub(reported) >= REPORT_EVERY {
                reported = now;
                tracing::info!(counts = ?self.receiver.counts(), "traps so far");
            }
            self.hand_on();
        }
    }

    fn packet(&mut self, socket: &UdpSocket, bytes: &[u8], from: SocketAddr) {
        let Some(reply) = self.receiver.packet(bytes, from, self.clock.now()) else { return };
        if let Err(error) = socket.send_to(reply.bytes(), from) {
            // As good as lost on the way: the sender repeats its inform.
            tracing::debug!(%error, %from, "cannot acknowledge");
        }
    }

    fn tick(&mut self) {
        if let Some(strays) = self.receiver.tick(self.clock.now()) {
            tracing::warn!("not heard: {strays}");
        }
        while let Some(found) = self.found.as_ref().and_then(Names::next) {
            self.receiver.locate(found.0, &found.1);
        }
    }

    /// Hands on what the writer takes now.
    fn hand_on(&mut self) {
        while let Some(event) = self.receiver.next_event() {
            if let Some(event) = self.offer(event) {
                self.receiver.give_back(event);
                return;
            }
        }
    }

    fn hand_on_one(&mut self, event: Event) {
        if let Some(event) = self.offer(event) {
            self.receiver.give_back(event);
        }
    }

    /// Gives the event back if the writer has no room for it now.
    fn offer(&self, event: Event) -> Option<Event> {
        let Some(to) = &self.to else {
            log(&event);
            return None;
        };
        match to.try_send(Message::Event(self.clock.now().wall(), event.clone())) {
            Ok(()) => {
                log(&event);
                None
            }
            Err(TrySendError::Full(_)) => Some(event),
            // The writer has gone only if it broke down, which ends the agent.
            Err(TrySendError::Disconnected(_)) => None,
        }
    }

    /// Hands on all that is left, and waits until it is taken: the writer is still there.
    fn hand_on_all(&mut self) {
        while let Some(event) = self.receiver.next_event() {
            log(&event);
            let taken = self.to.as_ref().map(|to| to.send(Message::Event(self.clock.now().wall(), event)));
            if taken.is_some_and(|taken| taken.is_err()) {
                return;
            }
        }
    }
}

fn log(event: &Event) {
    let (device, text) = (event.device.as_ref().map_or("", |id| id.as_str()), event.text.as_str());
    match event.severity {
        Severity::Info => tracing::info!(device, "{text}"),
        Severity::Warning | Severity::Critical => tracing::warn!(device, "{text}"),
    }
}

/// Nothing came in time, or a router said something about an earlier acknowledgement.
fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::TimedOut
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
    )
}

fn bind(listen: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(listen),
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )?;
    if listen.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    socket.set_read_timeout(Some(WAIT))?;
    socket.bind(&listen.into())?;
    Ok(socket.into())
}

/// The thread that looks up names; it ends when this is dropped, after the lookup that is under way.
struct Names {
    found: Messages<(usize, Vec<IpAddr>)>,
    /// Dropped to end the thread.
    _ending: SyncSender<()>,
}

impl Names {
    /// `None` if there is nothing to look up.
    fn start(names: Vec<(usize, String)>) -> io::Result<Option<Self>> {
        if names.is_empty() {
            return Ok(None);
        }
        let (tell, found) = sync_channel(FOUND_MAX);
        let (ending, ended) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new().name("trap-names".to_owned());
        thread.spawn(move || look_up_all(&names, &tell, &ended))?;
        Ok(Some(Self { found, _ending: ending }))
    }

    fn next(&self) -> Option<(usize, Vec<IpAddr>)> {
        self.found.try_recv().ok()
    }
}

fn look_up_all(names: &[(usize, String)], tell: &SyncSender<(usize, Vec<IpAddr>)>, ended: &Messages<()>) {
    loop {
        for (place, name) in names {
            match look_up(name) {
                Ok(addresses) => {
                    if tell.send((*place, addresses)).is_err() {
                        return;
                    }
                }
                // What was known of it stays; the engine tells of devices that cannot be found.
                Err(error) => tracing::debug!(name, %error, "cannot look up the name"),
            }
        }
        if !matches!(ended.recv_timeout(LOOK_UP_EVERY), Err(RecvTimeoutError::Timeout)) {
            return;
        }
    }
}
