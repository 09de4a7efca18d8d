//! How requests are answered, well or not.

use std::cmp::Reverse;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use model::Timestamp;

use super::modbus::{self, Parsed, Request};
use super::reactor::Reactor;
use super::snmp;
use super::socket::{Socket, Stream};
use crate::behaviour::Fault;
use crate::noise::mix;
use crate::site::Framing;
use crate::world::Told;

/// Answers that may wait to be late.
const LATE_MAX: usize = 100_000;
/// How long an answer is kept back for one that may follow: shorter than any timeout that makes sense.
const HOLD: Duration = Duration::from_millis(50);
/// Pause between the pieces of an answer that comes in pieces.
const PIECE_EVERY: Duration = Duration::from_millis(2);
/// Most pieces of an answer, so that a long one is still in time.
const PIECES_MAX: usize = 32;

/// An answer that waits until it is late enough; without bytes, the end of the time for which one is kept back.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Late {
    pub(super) due: Instant,
    number: u64,
    socket: usize,
    generation: u64,
    to: Option<SocketAddr>,
    bytes: Vec<u8>,
}

/// A client that is being served.
struct Call<'a> {
    /// Number and generation of its socket.
    me: (usize, u64),
    stream: &'a mut Stream,
    now: Timestamp,
    /// What it is to be sent now.
    out: Vec<u8>,
}

/// What is told by an answer with this fault.
const fn told(fault: Option<Fault>) -> Told {
    match fault {
        Some(Fault::Late(_)) => Told::Late,
        Some(Fault::WrongId | Fault::NoId | Fault::WrongUnit | Fault::WrongCommunity) => Told::Astray,
        Some(Fault::Short | Fault::Long | Fault::Checksum) => Told::Nonsense,
        Some(Fault::Exception(_)) => Told::No,
        Some(Fault::Hang | Fault::Refuse | Fault::HalfOpen | Fault::Drop | Fault::Abort) => Told::Nothing,
        _ => Told::Truth,
    }
}

impl Reactor {
    /// Answers every whole request. `false` if the connection is to be closed.
    pub(super) fn answer_client(
        &mut self,
        me: (usize, u64),
        stream: &mut Stream,
        (door, now): (usize, Timestamp),
    ) -> bool {
        let mut used = 0;
        let mut call = Call { me, stream, now, out: Vec::new() };
        let is_rtu = self.is_rtu(door);
        let is_good = loop {
            if call.stream.is_mute {
                used = call.stream.input.len();
                break true;
            }
            let rest = call.stream.input.get(used..).unwrap_or_default();
            match if is_rtu { modbus::parse_rtu(rest) } else { modbus::parse(rest) } {
                Parsed::Incomplete => break true,
                Parsed::Broken if is_rtu => {
                    used = call.stream.input.len();
                    break true;
                }
                Parsed::Broken => break false,
                Parsed::Request(request, bytes) => {
                    used += bytes;
                    if !self.answer_request(&mut call, &request, door) {
                        break false;
                    }
                }
            }
        };
        call.stream.input.drain(..used);
        call.stream.send(&call.out) && is_good
    }

    /// `false` if the device drops the connection.
    fn answer_request(&mut self, call: &mut Call<'_>, request: &Request, door: usize) -> bool {
        let Some(unit) = self.unit_behind(door, request.unit) else {
            // On a line there is nobody who could say so.
            if !self.is_rtu(door) {
                modbus::push_exception(request, super::NO_SUCH_UNIT, &mut call.out);
            }
            return true;
        };
        let fault = self.world.asked(unit, call.now);
        if told(fault) == Told::Nothing || self.is_lost(fault) {
            self.world.told(unit, Told::Nothing, call.now);
            call.stream.is_mute |= fault == Some(Fault::HalfOpen);
            call.stream.is_aborted |= fault == Some(Fault::Abort);
            return !matches!(fault, Some(Fault::Drop | Fault::Abort));
        }
        let read = match fault {
            Some(Fault::Exception(code)) => Err(code),
            _ => modbus::checked_range(request)
                .and_then(|range| self.world.registers(unit, request.function, range, call.now)),
        };
        self.world.told(unit, if read.is_err() { Told::No } else { told(fault) }, call.now);
        let from = call.out.len();
        match read {
            Ok(words) => push_distorted(request, words, fault, &mut call.out),
            Err(code) => modbus::push_exception(request, code, &mut call.out),
        }
        if self.is_rtu(door) {
            let mut answer = call.out.split_off(from);
            modbus::into_rtu(&mut answer);
            if let (Some(Fault::Checksum), Some(last)) = (fault, answer.last_mut()) {
                *last = !*last;
            }
            call.out.extend(answer);
        }
        if let Some(fault) = fault {
            let answer = call.out.split_off(from);
            self.deliver(call, fault, answer);
        }
        true
    }

    /// Sends an answer as the fault will have it.
    fn deliver(&mut self, call: &mut Call<'_>, fault: Fault, answer: Vec<u8>) {
        match fault {
            Fault::Late(by) => self.postpone(call.me, by, None, answer),
            Fault::Twice => {
                call.out.extend_from_slice(&answer);
                call.out.extend(answer);
            }
            Fault::Split => {
                let pieces = answer.chunks(answer.len().div_ceil(PIECES_MAX).max(1)).zip(0..);
                // Behind the pieces of the answer before, if there are still some.
                let wait = call.stream.busy_until.saturating_duration_since(Instant::now());
                let last = pieces.map(|(piece, n)| {
                    self.postpone(call.me, wait + PIECE_EVERY * n, None, piece.to_vec());
                    wait + PIECE_EVERY * (n + 1)
                });
                call.stream.busy_until = Instant::now() + last.last().unwrap_or_default();
            }
            Fault::Merge | Fault::Reorder => match call.stream.held.take() {
                None => {
                    call.stream.held = Some(answer);
                    self.postpone(call.me, HOLD, None, Vec::new());
                }
                Some(held) if fault == Fault::Merge => call.out.extend(held.into_iter().chain(answer)),
                Some(held) => call.out.extend(answer.into_iter().chain(held)),
            },
            _ => call.out.extend(answer),
        }
    }

    fn is_rtu(&self, door: usize) -> bool {
        self.doors.get(door).is_some_and(|door| door.framing == Framing::Rtu)
    }

    fn unit_behind(&self, door: usize, unit: u8) -> Option<usize> {
        self.doors.get(door)?.units.get(&unit).copied()
    }

    fn is_lost(&mut self, fault: Option<Fault>) -> bool {
        let Some(Fault::Lose(percent)) = fault else { return false };
        self.counter += 1;
        mix(0x6c6f_7365, self.counter) % 100 < u64::from(percent)
    }

    pub(super) fn receive(&mut self, me: (usize, u64), socket: &UdpSocket, unit: usize, now: Timestamp) {
        let mut packet = std::mem::take(&mut self.packet);
        while let Ok((length, from)) = socket.recv_from(&mut packet) {
            let packet = packet.get(..length).unwrap_or_default();
            self.answer_packet(me, (socket, from), packet, (unit, now));
        }
        self.packet = packet;
    }

    fn answer_packet(
        &mut self,
        me: (usize, u64),
        to: (&UdpSocket, SocketAddr),
        packet: &[u8],
        (unit, now): (usize, Timestamp),
    ) {
        let fault = self.world.asked(unit, now);
        if told(fault) == Told::Nothing || self.is_lost(fault) {
            return self.world.told(unit, Told::Nothing, now);
        }
        let answer = match fault {
            Some(Fault::Exception(_)) => snmp::general_error(packet),
            _ => self.world.objects(unit, now).and_then(|objects| snmp::answer(packet, objects, fault)),
        };
        let Some(answer) = answer else { return };
        // Each binding carries its name, so that those that are there can be taken.
        let is_partly = matches!(fault, Some(Fault::Short | Fault::Long));
        self.world.told(unit, if is_partly { Told::Partly } else { told(fault) }, now);
        self.deliver_packet((me, unit), to, fault, answer);
    }

    fn deliver_packet(
        &mut self,
        (me, unit): ((usize, u64), usize),
        (socket, to): (&UdpSocket, SocketAddr),
        fault: Option<Fault>,
        answer: Vec<u8>,
    ) {
        match fault {
            Some(Fault::Late(by)) => return self.postpone(me, by, Some(to), answer),
            Some(Fault::Twice) => send_packet(socket, &answer, to),
            Some(Fault::Merge | Fault::Reorder) => {
                let Some((first_to, first)) = self.held.remove(&unit) else {
                    self.held.insert(unit, (to, answer));
                    return self.postpone(me, HOLD, Some(to), Vec::new());
                };
                send_packet(socket, &answer, to);
                return send_packet(socket, &first, first_to);
            }
            _ => {}
        }
        send_packet(socket, &answer, to);
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

    pub(super) fn send_late(&mut self) {
        let now = Instant::now();
        while self.late.peek().is_some_and(|late| late.0.due <= now) {
            let Some(Reverse(late)) = self.late.pop() else { return };
            let is_gone = match self.sockets.get_mut(late.socket) {
                Some(Some((generation, Socket::Client(stream, _)))) if *generation == late.generation => {
                    !stream.send_late(&late.bytes)
                }
                Some(Some((generation, Socket::Datagrams(socket, unit))))
                    if *generation == late.generation =>
                {
                    let held = if late.bytes.is_empty() { self.held.remove(unit) } else { None };
                    let due = held.or_else(|| late.to.map(|to| (to, late.bytes)));
                    if let Some((to, bytes)) = due.filter(|(_, bytes)| !bytes.is_empty()) {
                        send_packet(socket, &bytes, to);
                    }
                    false
                }
                _ => false,
            };
            if is_gone {
                self.remove(late.socket);
            }
        }
    }
}

/// Appends an answer as it should be, or with what the fault makes wrong inside of it.
fn push_distorted(request: &Request, mut words: Vec<u16>, fault: Option<Fault>, out: &mut Vec<u8>) {
    let mut as_if = *request;
    match fault {
        // The number that the next request will have: the worst of all.
        Some(Fault::WrongId) => as_if.transaction = request.transaction.wrapping_add(1),
        Some(Fault::NoId) => as_if.transaction = 0,
        Some(Fault::WrongUnit) => as_if.unit = request.unit.wrapping_add(1),
        Some(Fault::Short) => drop(words.pop()),
        Some(Fault::Long) => words.push(0),
        _ => {}
    }
    modbus::push_answer(&as_if, &words, out);
}

fn send_packet(socket: &UdpSocket, bytes: &[u8], to: SocketAddr) {
    if let Err(error) = socket.send_to(bytes, to) {
        tracing::debug!(%error, %to, "cannot send an answer");
    }
}
