//! One poll for all sockets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use model::{DeviceId, SiteId, Timestamp};

use super::answer::Late;
use super::door::{self, Door};
use super::socket::{Socket, Stream, listen};
use super::{Clock, Command, Commands, ServerError, control};
use crate::behaviour::Fault;
use crate::world::World;

/// Token of the waker; sockets are numbered from 0.
const WAKE: Token = Token(usize::MAX);
/// Longest sleep: faults of the configuration begin and end by the clock.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Events taken at once.
const EVENTS: usize = 1024;
/// Most sockets, clients included.
const SOCKETS_MAX: usize = 20_000;
/// Largest packet that is read; SNMP over UDP has no larger ones.
const PACKET_MAX: usize = 65_536;

/// Serves a world.
pub(super) struct Reactor {
    poll: Poll,
    pub(super) world: World,
    clock: Clock,
    pub(super) sockets: Vec<Option<(u64, Socket)>>,
    free: Vec<usize>,
    pub(super) doors: Vec<Door>,
    pub(super) late: BinaryHeap<Reverse<Late>>,
    /// Counts sockets and answers, so that none is taken for another.
    pub(super) counter: u64,
    control: Option<SocketAddr>,
    pub(super) packet: Vec<u8>,
    /// Datagrams that are kept back, by unit.
    pub(super) held: HashMap<usize, (SocketAddr, Vec<u8>)>,
}

impl Reactor {
    pub(super) fn new(world: World, clock: Clock, control: Option<SocketAddr>) -> Result<Self, ServerError> {
        let mut reactor = Self {
            poll: Poll::new().map_err(ServerError::Poll)?,
            doors: door::all(&world)?,
            world,
            clock,
            sockets: Vec::new(),
            free: Vec::new(),
            late: BinaryHeap::new(),
            counter: 0,
            control: None,
            packet: vec![0; PACKET_MAX],
            held: HashMap::new(),
        };
        for number in 0..reactor.doors.len() {
            reactor.open(number).map_err(|source| reactor.cannot_listen(number, source))?;
        }
        if let Some(address) = control {
            reactor.listen_for_commands(address)?;
        }
        Ok(reactor)
    }

    pub(super) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE)
    }

    pub(super) const fn control_address(&self) -> Option<SocketAddr> {
        self.control
    }

    fn listen_for_commands(&mut self, address: SocketAddr) -> Result<(), ServerError> {
        let failed = |source| ServerError::Listen { address, what: "commands".to_owned(), source };
        let listener = listen(address).map_err(failed)?;
        self.control = Some(listener.local_addr().map_err(failed)?);
        self.add(Socket::ControlListener(listener)).map(drop).map_err(failed)
    }

    fn cannot_listen(&self, door: usize, source: io::Error) -> ServerError {
        let (address, first) = match self.doors.get(door) {
            Some(door) => (door.address, door.units.values().min()),
            None => (SocketAddr::from(([0, 0, 0, 0], 0)), None),
        };
        let unit = first.and_then(|n| self.world.units().get(*n));
        let what =
            unit.map_or_else(String::new, |unit| format!("device `{}/{}`", unit.site_id, unit.device.id));
        ServerError::Listen { address, what, source }
    }

    /// Where each device listens, in the order of the world's devices.
    pub(super) fn addresses(&self) -> Vec<(SiteId, DeviceId, SocketAddr)> {
        let of_unit = |n: usize| self.doors.iter().find(|door| door.units.values().any(|unit| *unit == n));
        let units = self.world.units().iter().enumerate();
        units
            .filter_map(|(n, unit)| {
                of_unit(n).map(|door| (unit.site_id.clone(), unit.device.id.clone(), door.address))
            })
            .collect()
    }

    /// Serves until it is told to stop.
    pub(super) fn run(&mut self, stop: &AtomicBool, commands: &Commands) {
        let mut events = Events::with_capacity(EVENTS);
        while !stop.load(Ordering::Acquire) {
            if let Err(error) = self.poll.poll(&mut events, Some(self.patience())) {
                if error.kind() != io::ErrorKind::Interrupted {
                    tracing::error!(%error, "cannot wait for sockets");
                    return;
                }
                continue;
            }
            let now = (self.clock)();
            while let Ok((command, answer)) = commands.try_recv() {
                self.obey(&command, now, &answer);
            }
            for event in &events {
                if event.token() != WAKE {
                    self.serve(event.token().0, now);
                }
            }
            self.send_late();
            self.open_and_close(now);
        }
    }

    fn obey(&mut self, command: &Command, now: Timestamp, answer: &std::sync::mpsc::SyncSender<String>) {
        let said = command.run(&mut self.world, now);
        self.open_and_close(now);
        if answer.send(said).is_err() {
            tracing::debug!("whoever gave a command did not wait for the answer");
        }
    }

    fn patience(&self) -> Duration {
        let until = self.late.peek().map(|late| late.0.due.saturating_duration_since(Instant::now()));
        until.map_or(LOOK_EVERY, |until| until.min(LOOK_EVERY))
    }

    fn serve(&mut self, number: usize, now: Timestamp) {
        // Taken out while it is served, so that the world can be asked beside it.
        let Some((generation, socket)) = self.sockets.get_mut(number).and_then(Option::take) else { return };
        let kept = match socket {
            Socket::Listener(listener, door) => {
                self.accept_clients(&listener, door, now);
                Some(Socket::Listener(listener, door))
            }
            Socket::ControlListener(listener) => {
                self.accept_controllers(&listener);
                Some(Socket::ControlListener(listener))
            }
            Socket::Datagrams(socket, unit) => {
                self.receive((number, generation), &socket, unit, now);
                Some(Socket::Datagrams(socket, unit))
            }
            Socket::Client(mut stream, door) => {
                let is_alive =
                    stream.fill() && self.answer_client((number, generation), &mut stream, (door, now));
                self.kept(stream, is_alive).map(|stream| Socket::Client(stream, door))
            }
            Socket::Controller(mut stream) => {
                let is_alive = stream.fill() & self.answer_controller(&mut stream, now);
                self.kept(stream, is_alive).map(Socket::Controller)
            }
        };
        match kept {
            Some(socket) => self.sockets[number] = Some((generation, socket)),
            None => self.free.push(number),
        }
    }

    fn kept(&self, mut stream: Stream, is_alive: bool) -> Option<Stream> {
        if is_alive && stream.flush() {
            return Some(stream);
        }
        stream.close();
        if let Err(error) = self.poll.registry().deregister(&mut stream.connection) {
            tracing::debug!(%error, "cannot forget a connection");
        }
        None
    }

    fn accept_clients(&mut self, listener: &mio::net::TcpListener, door: usize, now: Timestamp) {
        while let Some(stream) = accepted(listener) {
            if self.mood(door, now) == Some(Fault::Alone) && !self.clients_of(door).is_empty() {
                // Dropping it closes it.
                continue;
            }
            if let Err(error) = self.add(Socket::Client(Stream::new(stream), door)) {
                tracing::warn!(%error, "cannot take a connection");
            }
        }
    }

    fn accept_controllers(&mut self, listener: &mio::net::TcpListener) {
        while let Some(stream) = accepted(listener) {
            if let Err(error) = self.add(Socket::Controller(Stream::new(stream))) {
                tracing::warn!(%error, "cannot take a connection for commands");
            }
        }
    }

    fn answer_controller(&mut self, stream: &mut Stream, now: Timestamp) -> bool {
        while let Some(end) = stream.input.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = stream.input.drain(..=end).collect();
            let said = match String::from_utf8_lossy(&line).parse::<Command>() {
                Ok(command) => command.run(&mut self.world, now),
                Err(error) => format!("error: {error}\n"),
            };
            self.open_and_close(now);
            if !stream.send(said.as_bytes()) {
                return false;
            }
        }
        stream.input.len() <= control::LINE_MAX
    }

    /// Opens and closes doors by whether any device behind them refuses, and ends connections that a device is tired of.
    fn open_and_close(&mut self, now: Timestamp) {
        for number in 0..self.doors.len() {
            let mood = self.mood(number, now);
            let Some(door) = self.doors.get(number) else { continue };
            match (mood, door.socket) {
                (Some(Fault::Refuse), Some(socket)) => self.close(number, socket),
                (Some(Fault::Refuse), None) => {}
                (_, None) => {
                    if let Err(error) = self.open(number) {
                        tracing::warn!(door = number, %error, "cannot listen again");
                    }
                }
                (Some(Fault::Idle(limit)), Some(_)) => self.hang_up_on_idle(number, limit),
                (_, Some(_)) => {}
            }
        }
    }

    /// How a door treats its clients: as a device behind it has something against them; a closed one comes first.
    fn mood(&self, door: usize, now: Timestamp) -> Option<Fault> {
        let units = self.doors.get(door)?.units.values().filter_map(|n| self.world.units().get(*n));
        let moods = units.filter_map(|unit| unit.behaviour.at_the_door(now));
        moods.max_by_key(|mood| *mood == Fault::Refuse)
    }

    fn hang_up_on_idle(&mut self, door: usize, limit: Duration) {
        let is_idle = |n: &usize| match self.sockets.get(*n) {
            Some(Some((_, Socket::Client(stream, _)))) => stream.active.elapsed() >= limit,
            _ => false,
        };
        let idle: Vec<usize> = self.clients_of(door).into_iter().filter(is_idle).collect();
        for client in idle {
            self.remove(client);
        }
    }

    fn clients_of(&self, door: usize) -> Vec<usize> {
        let of_door =
            |one: &Option<(u64, Socket)>| matches!(one, Some((_, Socket::Client(_, at))) if *at == door);
        (0..self.sockets.len()).filter(|n| self.sockets.get(*n).is_some_and(of_door)).collect()
    }

    fn open(&mut self, number: usize) -> io::Result<()> {
        let Some(door) = self.doors.get(number) else { return Ok(()) };
        let socket = match door.datagrams_of() {
            Some(unit) => Socket::Datagrams(UdpSocket::bind(door.address)?, unit),
            None => Socket::Listener(listen(door.address)?, number),
        };
        let address = match &socket {
            Socket::Datagrams(socket, _) => socket.local_addr()?,
            Socket::Listener(listener, _) => listener.local_addr()?,
            _ => door.address,
        };
        let socket = self.add(socket)?;
        if let Some(door) = self.doors.get_mut(number) {
            door.socket = Some(socket);
            // Port 0 became a real one, which must stay the same when the door is closed and opened again.
            door.address = address;
        }
        Ok(())
    }

    fn close(&mut self, number: usize, socket: usize) {
        if let Some(door) = self.doors.get_mut(number) {
            door.socket = None;
        }
        for client in self.clients_of(number) {
            self.remove(client);
        }
        self.remove(socket);
    }

    pub(super) fn remove(&mut self, number: usize) {
        let Some((_, mut socket)) = self.sockets.get_mut(number).and_then(Option::take) else { return };
        let registry = self.poll.registry();
        let forgotten = match &mut socket {
            Socket::Listener(listener, _) | Socket::ControlListener(listener) => {
                registry.deregister(listener)
            }
            Socket::Client(stream, _) | Socket::Controller(stream) => {
                registry.deregister(&mut stream.connection)
            }
            Socket::Datagrams(socket, _) => registry.deregister(socket),
        };
        if let Err(error) = forgotten {
            tracing::debug!(%error, "cannot forget a socket");
        }
        self.free.push(number);
    }

    fn add(&mut self, mut socket: Socket) -> io::Result<usize> {
        if self.sockets.len() >= SOCKETS_MAX && self.free.is_empty() {
            return Err(io::Error::other(format!("more than {SOCKETS_MAX} sockets are open")));
        }
        let number = self.free.pop().unwrap_or_else(|| {
            self.sockets.push(None);
            self.sockets.len() - 1
        });
        let (registry, token) = (self.poll.registry(), Token(number));
        let both = Interest::READABLE | Interest::WRITABLE;
        match &mut socket {
            Socket::Listener(listener, _) | Socket::ControlListener(listener) => {
                registry.register(listener, token, Interest::READABLE)?;
            }
            Socket::Client(stream, _) | Socket::Controller(stream) => {
                registry.register(&mut stream.connection, token, both)?;
            }
            Socket::Datagrams(socket, _) => registry.register(socket, token, Interest::READABLE)?,
        }
        self.counter += 1;
        self.sockets[number] = Some((self.counter, socket));
        Ok(number)
    }
}

impl std::fmt::Debug for Reactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactor").field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}

fn accepted(listener: &mio::net::TcpListener) -> Option<mio::net::TcpStream> {
    let (stream, _) = listener.accept().ok()?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot turn off the delay of small packets");
    }
    Some(stream)
}
