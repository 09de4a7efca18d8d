//! One connection to a Modbus TCP server or gateway, which never blocks.
//!
//! It sends what it is given and matches what comes back. Who is asked next, and what a failure costs, is decided in
//! `poll::gateway`. After any failure the connection is dropped, so that a late answer has nowhere to arrive.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::codec::{Answer, FRAME_BYTES_MAX, FrameError, Reject, Request, split_frame};

/// Bytes of an [`Inbox`]: sixteen of the longest frames, as many as may be under way, and a beginning of another.
const INBOX_BYTES: usize = 17 * FRAME_BYTES_MAX;

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
    #[error("transaction {0} answered, which is not open")]
    Stray(u16),
    /// An answer that does not fit its question.
    #[error("the answer does not fit the request")]
    Reject(Flight, #[source] Reject),
}

/// One connection.
#[derive(Debug, Default)]
pub struct Link {
    stream: Option<TcpStream>,
    open: bool,
    answered: bool,
    transaction: u16,
    flights: Vec<Flight>,
    unsent: Vec<u8>,
    partial: Vec<u8>,
}

impl Link {
    /// Begins to connect; how it ended is told by [`finish_connecting`](Self::finish_connecting) after an event.
    ///
    /// # Errors
    /// If the system refuses at once.
    pub fn connect(&mut self, address: SocketAddr, registry: &Registry, token: Token) -> io::Result<()> {
        let mut stream = TcpStream::connect(address)?;
        // Requests are small and one answer is awaited: never wait to fill a packet. A socket that refuses still works.
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Drops the connection with all that is on its way, which is given back.
    pub fn drop_connection(&mut self) -> Vec<Flight> {
        // Closing the socket takes it off the poll by itself.
        self.stream = None;
        (self.open, self.answered) = (false, false);
        self.unsent = Vec::new();
        self.partial = Vec::new();
        std::mem::take(&mut self.flights)
    }

    /// Is there no connection, nor one in the making?
    pub const fn is_idle(&self) -> bool {
        self.stream.is_none()
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
        request.encode(self.transaction, &mut self.unsent);
        self.flights.push(Flight { request, ticket, deadline, transaction: self.transaction });
    }

    /// Sends what is queued, as far as the socket takes it; gives the number of bytes sent.
    ///
    /// # Errors
    /// If the connection broke.
    pub fn flush(&mut self) -> Result<usize, Lapse> {
        let Some(stream) = self.stream.as_mut() else { return Ok(0) };
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
        let Some(stream) = self.stream.as_ref().filter(|_| !self.open) else { return Ok(self.open) };
        if let Some(error) = stream.take_error().map_err(Lapse::Connect)? {
            return Err(Lapse::Connect(error));
        }
        match stream.peer_addr() {
            Ok(_) => self.open = true,
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {}
            Err(error) => return Err(Lapse::Connect(error)),
        }
        Ok(self.open)
    }

    /// Reads what is there, up to the size of the inbox, which holds nothing of another connection. Answers are then
    /// taken by [`next_reply`](Self::next_reply); what is left over is kept by [`keep_rest`](Self::keep_rest).
    ///
    /// # Errors
    /// If the connection broke or was closed.
    pub fn read(&mut self, inbox: &mut Inbox) -> Result<Read, Lapse> {
        let Some(stream) = self.stream.as_mut().filter(|_| self.open) else { return Ok(Read::NOTHING) };
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
                    return Ok(Read { bytes, more: bytes == room.len() });
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
        let Some((frame, used)) = split_frame(inbox.rest()).map_err(Lapse::Frame)? else { return Ok(None) };
        let open = self.flights.iter().position(|flight| flight.transaction == frame.transaction);
        let flight = self.flights.remove(open.ok_or(Lapse::Stray(frame.transaction))?);
        let reply = match flight.request.answer(&frame) {
            Ok(Answer::Data(data)) => {
                flight.request.words(data, words);
                Reply::Words(flight)
            }
            Ok(Answer::Exception(code)) => Reply::Exception(flight, code),
            Err(reject) => return Err(Lapse::Reject(flight, reject)),
        };
        self.answered = true;
        inbox.taken += used;
        Ok(Some(reply))
    }

    /// Keeps the beginning of a frame whose rest has not come.
    pub fn keep_rest(&mut self, inbox: &mut Inbox) {
        self.partial.extend_from_slice(inbox.rest());
        (inbox.taken, inbox.filled) = (0, 0);
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
