//! One connection to a Modbus server, gateway or serial line, which never blocks.
//!
//! It sends what it is given and matches what comes back. Who is asked next, and what a failure costs, is decided in
//! `poll::gateway`. After any failure a TCP connection is dropped, so that a late answer has nowhere to arrive. A serial
//! line cannot be dropped: there the caller waits until it is silent ([`Link::give_up`]).

use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use mio::{Registry, Token};

use super::bus::Bus;
use super::codec::{Answer, FRAME_BYTES_MAX, Frame, FrameError, Reject, Request, split_frame};
use super::echo::{Echo, Step};
use super::port::{Peer, Port};
use super::rtu;

/// Bytes of an [`Inbox`]: sixteen of the longest frames, as many as may be under way, and a beginning of another.
const INBOX_BYTES: usize = 17 * FRAME_BYTES_MAX;
/// Bytes that are kept of a line on which nothing makes sense: an echo, a late answer and the right one.
const KEPT_BYTES_MAX: usize = 3 * rtu::RTU_BYTES_MAX;

/// Transaction ids that were used not long ago: an answer under one of them is a late one, handed on by a gateway that
/// kept it over a new connection.
const RECENT_IDS: u16 = 4096;
/// The first id; far from the small numbers that gateways count from.
const FIRST_ID: u16 = 0x5a00;

/// What a request is for; given back with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Place of the device among those of the gateway.
    pub device: usize,
    /// Which of the device's blocks.
    pub block: usize,
    /// Which of the device's polls, so that an answer never counts for a later one.
    pub poll: u32,
}

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    /// What was asked.
    pub request: Request,
    /// For what.
    pub ticket: Ticket,
    /// When to give up, by the monotonic clock.
    pub deadline: Duration,
    transaction: u16,
}

/// An answer to a request that was on its way; the data of a [`Reply::Words`] stand in the caller's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The registers came.
    Words(Flight),
    /// The device refused with this exception code: a healthy exchange without a value.
    Exception(Flight, u8),
}

/// Room for what is read at once, shared by all connections of an engine.
#[derive(Debug)]
pub struct Inbox {
    bytes: Vec<u8>,
    taken: usize,
    filled: usize,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { bytes: vec![0; INBOX_BYTES], taken: 0, filled: 0 }
    }
}

impl Inbox {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..self.filled).unwrap_or_default()
    }
}

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum Lapse {
    /// It could not be made.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// It broke.
    #[error("connection broke")]
    Broken(#[source] io::Error),
    /// The other side closed it.
    #[error("closed by the other side")]
    Closed,
    /// What came can be no frame.
    #[error("what came is no frame of Modbus TCP")]
    Frame(#[source] FrameError),
    /// An answer to a question that is not open.
    #[error("transaction {transaction} answered, which is not open")]
    Stray {
        /// The transaction that was answered.
        transaction: u16,
        /// It is the first answer of a connection on which one question is open, and in all else it answers that: a
        /// gateway that makes transaction ids of its own?
        fits: bool,
    },
    /// Two answers to one question: one of them is a late one, and nothing says which.
    #[error("two answers to one request")]
    Twice(Flight),
    /// An answer that does not fit its question.
    #[error("the answer does not fit the request")]
    Reject(Flight, #[source] Reject),
}

/// How frames look on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// As Modbus TCP has them.
    #[default]
    Tcp,
    /// As a serial line has them.
    Rtu,
}

impl Framing {
    /// That of a bus.
    pub const fn of(bus: &Bus) -> Self {
        if bus.is_rtu() { Self::Rtu } else { Self::Tcp }
    }
}

/// One connection.
#[derive(Debug, Default)]
pub struct Link {
    port: Option<Port>,
    framing: Framing,
    open: bool,
    answered: bool,
    transaction: u16,
    flights: Vec<Flight>,
    unsent: Vec<u8>,
    partial: Vec<u8>,
    echo: Echo,
    ignores_ids: bool,
}

impl Link {
    /// No connection yet. `echoes`: is the line known to give back what is sent?
    pub fn new(framing: Framing, echoes: bool) -> Self {
        Self { framing, echo: Echo::new(echoes), transaction: FIRST_ID, ..Self::default() }
    }

    /// From now on the only open question is answered by whatever fits it, under any transaction id.
    pub const fn ignore_ids(&mut self) {
        self.ignores_ids = true;
    }

    /// Begins to connect; how it ended is told by [`finish_connecting`](Self::finish_connecting) after an event.
    ///
    /// # Errors
    /// If the system refuses at once.
    pub fn connect(&mut self, peer: Peer<'_>, registry: &Registry, token: Token) -> io::Result<()> {
        self.port = Some(Port::open(peer, registry, token)?);
        Ok(())
    }

    /// Drops the connection with all that is on its way, which is given back.
    pub fn drop_connection(&mut self) -> Vec<Flight> {
        // Closing the socket takes it off the poll by itself.
        self.port = None;
        (self.open, self.answered) = (false, false);
        self.unsent = Vec::new();
        self.partial = Vec::new();
        std::mem::take(&mut self.flights)
    }

    /// Gives up what is on its way: drops a connection, but keeps a serial line open and forgets what came over it.
    pub fn give_up(&mut self) -> Vec<Flight> {
        match &self.port {
            // A port that cannot even be emptied is opened anew.
            Some(port) if port.is_line() && port.forget().is_ok() => {
                self.unsent.clear();
                self.partial.clear();
                std::mem::take(&mut self.flights)
            }
            _ => self.drop_connection(),
        }
    }

    /// Did something come since the request that is not its answer: a damaged one, or noise?
    pub fn is_garbled(&self) -> bool {
        self.framing == Framing::Rtu && !self.partial.is_empty()
    }

    /// Is what came an answer that is damaged or not whole yet? If the line falls silent now, it will never be.
    pub fn is_broken(&self) -> bool {
        let Some(flight) = self.flights.first().filter(|_| self.is_garbled()) else { return false };
        rtu::find(&flight.request, &self.partial) == rtu::Found::Broken
    }

    /// Is there no connection, nor one in the making?
    pub const fn is_idle(&self) -> bool {
        self.port.is_none()
    }

    /// Can requests be sent?
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Has this connection ever brought an answer?
    pub const fn has_answered(&self) -> bool {
        self.answered
    }

    /// What is on its way.
    pub fn flights(&self) -> &[Flight] {
        &self.flights
    }

    /// Queues a request; it leaves with the next [`flush`](Self::flush).
    pub fn send(&mut self, request: Request, ticket: Ticket, deadline: Duration) {
        self.transaction = self.transaction.wrapping_add(1);
        match self.framing {
            Framing::Tcp => request.encode(self.transaction, &mut self.unsent),
            Framing::Rtu => {
                // What came before a request cannot be its answer.
                self.partial.clear();
                self.echo.sent();
                request.encode_rtu(&mut self.unsent);
            }
        }
        self.flights.push(Flight { request, ticket, deadline, transaction: self.transaction });
    }

    /// Sends what is queued, as far as the socket takes it; gives the number of bytes sent.
    ///
    /// # Errors
    /// If the connection broke.
    pub fn flush(&mut self) -> Result<usize, Lapse> {
        let Some(stream) = self.port.as_mut() else { return Ok(0) };
        let mut sent = 0;
        while let Some(rest) = self.unsent.get(sent..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest) {
                Ok(0) => return Err(Lapse::Closed),
                Ok(bytes) => sent += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Lapse::Broken(error)),
            }
        }
        self.unsent.drain(..sent);
        Ok(sent)
    }

    /// Ends the making of the connection, if it is being made: is it open now?
    ///
    /// # Errors
    /// If it could not be made.
    pub fn finish_connecting(&mut self) -> Result<bool, Lapse> {
        let Some(port) = self.port.as_ref().filter(|_| !self.open) else { return Ok(self.open) };
        self.open = port.is_open().map_err(Lapse::Connect)?;
        Ok(self.open)
    }

    /// Reads what is there, up to the size of the inbox, which holds nothing of another connection. Answers are then
    /// taken by [`next_reply`](Self::next_reply); what is left over is kept by [`keep_rest`](Self::keep_rest).
    ///
    /// # Errors
    /// If the connection broke or was closed.
    pub fn read(&mut self, inbox: &mut Inbox) -> Result<Read, Lapse> {
        let Some(stream) = self.port.as_mut().filter(|_| self.open) else { return Ok(Read::NOTHING) };
        let kept = self.partial.len();
        (inbox.taken, inbox.filled) = (0, kept);
        let (front, room) = inbox.bytes.split_at_mut(kept);
        front.copy_from_slice(&self.partial);
        self.partial.clear();
        loop {
            match stream.read(room) {
                Ok(0) => return Err(Lapse::Closed),
                Ok(bytes) => {
                    inbox.filled += bytes;
                    // A short read has emptied the socket: what comes later makes a new event (epoll(7), question 9).
                    // Of a terminal nothing is said about that.
                    return Ok(Read { bytes, more: bytes == room.len() || stream.is_line() });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Read::NOTHING),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Lapse::Broken(error)),
            }
        }
    }

    /// The next whole answer in the inbox; its registers go into `words`.
    ///
    /// # Errors
    /// If what came is no frame, or answers nothing that is on its way.
    pub fn next_reply(&mut self, inbox: &mut Inbox, words: &mut Vec<u16>) -> Result<Option<Reply>, Lapse> {
        match self.framing {
            Framing::Tcp => self.next_tcp(inbox, words),
            Framing::Rtu => self.next_rtu(inbox, words),
        }
    }

    fn next_tcp(&mut self, inbox: &mut Inbox, words: &mut Vec<u16>) -> Result<Option<Reply>, Lapse> {
        let Some((frame, used)) = split_frame(inbox.rest()).map_err(Lapse::Frame)? else { return Ok(None) };
        let flight = self.take_flight(&frame)?;
        let reply = reply(flight, frame.unit, frame.pdu, words)?;
        self.answered = true;
        inbox.taken += used;
        Ok(Some(reply))
    }

    /// The question that a frame answers, by its transaction.
    fn take_flight(&mut self, frame: &Frame<'_>) -> Result<Flight, Lapse> {
        let open = self.flights.iter().position(|flight| flight.transaction == frame.transaction);
        if let Some(open) = open {
            return Ok(self.flights.remove(open));
        }
        let fits = match self.flights.as_slice() {
            [only] => only.request.answer(frame.unit, frame.pdu).is_ok(),
            _ => false,
        };
        if fits && self.ignores_ids {
            return Ok(self.flights.remove(0));
        }
        let late = self.transaction.wrapping_sub(frame.transaction) < RECENT_IDS;
        let fits = fits && !self.answered && !late;
        Err(Lapse::Stray { transaction: frame.transaction, fits })
    }

    fn next_rtu(&mut self, inbox: &mut Inbox, words: &mut Vec<u16>) -> Result<Option<Reply>, Lapse> {
        let Some(flight) = self.flights.first().copied() else {
            // Nobody asked: a late answer, or noise.
            inbox.taken = inbox.filled;
            return Ok(None);
        };
        if !self.strip_echo(&flight.request, inbox) {
            return Ok(None);
        }
        let came = inbox.rest();
        let rtu::Found::Whole { from, to } = rtu::find(&flight.request, came) else { return Ok(None) };
        let (frame, after) = (came.get(from..to).unwrap_or_default(), came.get(to..).unwrap_or_default());
        if matches!(rtu::find(&flight.request, after), rtu::Found::Whole { .. }) {
            return Err(Lapse::Twice(flight));
        }
        self.flights.clear();
        let reply = reply(flight, flight.request.unit, rtu::pdu(frame), words)?;
        self.answered = true;
        inbox.taken = inbox.filled;
        Ok(Some(reply))
    }

    /// Takes our own request off what came; `false` if more has to come to tell.
    fn strip_echo(&mut self, request: &Request, inbox: &mut Inbox) -> bool {
        let mut own = Vec::with_capacity(request.rtu_bytes());
        request.encode_rtu(&mut own);
        match self.echo.look(&own, inbox.rest()) {
            Step::Strip(bytes) => {
                inbox.taken += bytes;
                true
            }
            // It looks like the beginning of our own request, and yet it is a whole answer with its checksum.
            Step::Wait => matches!(rtu::find(request, inbox.rest()), rtu::Found::Whole { .. }),
            Step::Pass => true,
        }
    }

    /// To be called after each answer: is it known only now that this line echoes?
    pub const fn has_learned_echo(&mut self) -> bool {
        matches!(self.framing, Framing::Rtu) && self.echo.answered()
    }

    /// Keeps the beginning of a frame whose rest has not come.
    pub fn keep_rest(&mut self, inbox: &mut Inbox) {
        let rest = inbox.rest();
        // Of a line that only makes noise, what came last is kept; a TCP frame cannot be longer.
        let from = rest.len().saturating_sub(KEPT_BYTES_MAX);
        self.partial.extend_from_slice(rest.get(from..).unwrap_or_default());
        (inbox.taken, inbox.filled) = (0, 0);
    }
}

fn reply(flight: Flight, unit: u8, pdu: &[u8], words: &mut Vec<u16>) -> Result<Reply, Lapse> {
    match flight.request.answer(unit, pdu) {
        Ok(Answer::Data(data)) => {
            flight.request.words(data, words);
            Ok(Reply::Words(flight))
        }
        Ok(Answer::Exception(code)) => Ok(Reply::Exception(flight, code)),
        Err(reject) => Err(Lapse::Reject(flight, reject)),
    }
}

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Bytes that came.
    pub bytes: usize,
    /// May there be more?
    pub more: bool,
}

impl Read {
    const NOTHING: Self = Self { bytes: 0, more: false };
}
