//! One poll for all sockets.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use model::{DeviceId, SiteId, Timestamp};

use super::door::{self, Door};
use super::modbus::{self, Parsed, Request};
use super::socket::{Socket, Stream, listen};
use super::{Clock, Command, Commands, ServerError, control, snmp};
use crate::behaviour::Fault;
use crate::noise::mix;
use crate::world::World;

/// Token of the waker; sockets are numbered from 0.
const WAKE: Token = Token(usize::MAX);
/// Longest sleep: faults of the configuration begin and end by the clock.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Events taken at once.
const EVENTS: usize = 1024;
/// Most sockets, clients included.
const SOCKETS_MAX: usize = 20_000;
/// Answers that may wait to be late.
const LATE_MAX: usize = 100_000;
/// Largest packet that is read; SNMP over UDP has no larger ones.
const PACKET_MAX: usize = 65_536;

/// An answer that waits until it is late enough.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    due: Instant,
    number: u64,
    socket: usize,
    generation: u64,
    to: Option<SocketAddr>,
    bytes: Vec<u8>,
}

/// Serves a world.
pub(super) struct Reactor {
    poll: Poll,
    world: World,
    clock: Clock,
    sockets: Vec<Option<(u64, Socket)>>,
    free: Vec<usize>,
    doors: Vec<Door>,
    late: BinaryHeap<Reverse<Late>>,
    /// Counts sockets and answers, so that none is taken for another.
    counter: u64,
    control: Option<SocketAddr>,
    packet: Vec<u8>,
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
                self.accept_clients(&listener, door);
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
                    stream.fill() && self.answer_client((number, generation), &mut stream, door, now);
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

    fn accept_clients(&mut self, listener: &mio::net::TcpListener, door: usize) {
        while let Some(stream) = accepted(listener) {
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

    /// Answers every whole request. `false` if the connection is to be closed.
    fn answer_client(&mut self, me: (usize, u64), stream: &mut Stream, door: usize, now: Timestamp) -> bool {
        let mut used = 0;
        let mut out = Vec::new();
        let is_good = loop {
            match modbus::parse(stream.input.get(used..).unwrap_or_default()) {
                Parsed::Incomplete => break true,
                Parsed::Broken => break false,
                Parsed::Request(request, bytes) => {
                    used += bytes;
                    if !self.answer_request(me, &request, door, now, &mut out) {
                        break false;
                    }
                }
            }
        };
        stream.input.drain(..used);
        stream.send(&out) && is_good
    }

    /// `false` if the device drops the connection.
    fn answer_request(
        &mut self,
        me: (usize, u64),
        request: &Request,
        door: usize,
        now: Timestamp,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(unit) = self.unit_behind(door, request.unit) else {
            modbus::push_exception(request, super::NO_SUCH_UNIT, out);
            return true;
        };
        let fault = self.fault(unit, now);
        match fault {
            Some(Fault::Hang | Fault::Refuse) => return true,
            Some(Fault::Drop) => return false,
            Some(Fault::Lose(percent)) if self.is_lost(percent) => return true,
            _ => {}
        }
        let mut answer = Vec::new();
        let read = match fault {
            Some(Fault::Exception(code)) => Err(code),
            _ => modbus::checked_range(request)
                .and_then(|range| self.world.registers(unit, request.function, range, now)),
        };
        match read {
            Ok(words) => modbus::push_answer(request, &words, &mut answer),
            Err(code) => modbus::push_exception(request, code, &mut answer),
        }
        match fault {
            Some(Fault::Late(by)) => self.postpone(me, by, None, answer),
            _ => out.extend(answer),
        }
        true
    }

    fn unit_behind(&self, door: usize, unit: u8) -> Option<usize> {
        self.doors.get(door)?.units.get(&unit).copied()
    }

    fn fault(&self, unit: usize, now: Timestamp) -> Option<Fault> {
        self.world.units().get(unit).and_then(|unit| unit.behaviour.answering(now))
    }

    fn is_lost(&mut self, percent: u8) -> bool {
        self.counter += 1;
        mix(0x6c6f_7365, self.counter) % 100 < u64::from(percent)
    }

    fn receive(&mut self, me: (usize, u64), socket: &UdpSocket, unit: usize, now: Timestamp) {
        let mut packet = std::mem::take(&mut self.packet);
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let packet = packet.get(..length).unwrap_or_default();
            self.answer_packet(me, (socket, from), packet, unit, now);
        }
        self.packet = packet;
    }

    fn answer_packet(
        &mut self,
        me: (usize, u64),
        (socket, from): (&UdpSocket, SocketAddr),
        packet: &[u8],
        unit: usize,
        now: Timestamp,
    ) {
        let fault = self.fault(unit, now);
        let answer = match fault {
            Some(Fault::Hang | Fault::Refuse | Fault::Drop) => return,
            Some(Fault::Lose(percent)) if self.is_lost(percent) => return,
            Some(Fault::Exception(_)) => snmp::general_error(packet),
            _ => self.world.objects(unit, now).and_then(|objects| snmp::answer(packet, objects)),
        };
        let Some(answer) = answer else { return };
        match fault {
            Some(Fault::Late(by)) => self.postpone(me, by, Some(from), answer),
            _ => send_packet(socket, &answer, from),
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

    fn postpone(
        &mut self,
        (socket, generation): (usize, u64),
        by: Duration,
        to: Option<SocketAddr>,
        bytes: Vec<u8>,
    ) {
        if self.late.len() >= LATE_MAX {
            return;
        }
        self.counter += 1;
        let due = Instant::now() + by;
        self.late.push(Reverse(Late { due, number: self.counter, socket, generation, to, bytes }));
    }

    fn send_late(&mut self) {
        let now = Instant::now();
        while self.late.peek().is_some_and(|late| late.0.due <= now) {
            let Some(Reverse(late)) = self.late.pop() else { return };
            let is_gone = match self.sockets.get_mut(late.socket) {
                Some(Some((generation, socket))) if *generation == late.generation => {
                    !send_now(socket, &late)
                }
                _ => false,
            };
            if is_gone {
                self.remove(late.socket);
            }
        }
    }

    /// Opens and closes doors by whether any device behind them refuses.
    fn open_and_close(&mut self, now: Timestamp) {
        for number in 0..self.doors.len() {
            let Some(door) = self.doors.get(number) else { continue };
            let units = self.world.units();
            let refuses =
                door.units.values().any(|n| units.get(*n).is_some_and(|unit| unit.behaviour.refuses(now)));
            match (refuses, door.socket) {
                (true, Some(socket)) => self.close(number, socket),
                (false, None) => {
                    if let Err(error) = self.open(number) {
                        tracing::warn!(door = number, %error, "cannot listen again");
                    }
                }
                _ => {}
            }
        }
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
        let of_door = |one: &Option<(u64, Socket)>| matches!(one, Some((_, Socket::Client(_, door))) if *door == number);
        let clients: Vec<usize> = (0..self.sockets.len()).filter(|n| of_door(&self.sockets[*n])).collect();
        for client in clients {
            self.remove(client);
        }
        self.remove(socket);
    }

    fn remove(&mut self, number: usize) {
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

/// `false` if the client has gone.
fn send_now(socket: &mut Socket, late: &Late) -> bool {
    match (socket, late.to) {
        (Socket::Client(stream, _), _) => stream.send(&late.bytes),
        (Socket::Datagrams(socket, _), Some(to)) => {
            send_packet(socket, &late.bytes, to);
            true
        }
        _ => true,
    }
}

fn send_packet(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) {
    if let Err(error) = socket.send_to(bytes, to) {
        tracing::debug!(%error, %to, "cannot send an answer");
    }
}
