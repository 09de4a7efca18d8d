//! One conversation over any bus that waits for its answers, but never longer than it is told to: for `probe` and `scan`.
//!
//! It shares frames, matching and ports with the poll engine. After any failure but an exception a TCP connection is
//! made anew; on a serial line it waits until the line is silent, and with the unit that did not answer so long that a
//! late answer has come and gone.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use model::Missing;

use super::bus::Bus;
use super::codec::{Access, Ask, DEVICE_SILENT, Request};
use super::identity::{Identification, Part};
use super::link::{Framing, Inbox, Lapse, Link, Reply, Ticket};
use super::port::Peer;

const TOKEN: Token = Token(0);
const TICKET: Ticket = Ticket { device: 0, block: 0, poll: 0 };
/// Answers that one identification may take: a device with all 256 objects of 245 bytes needs as many.
const PARTS_MAX: usize = 256;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// Why a question was not answered with a value.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The bus cannot be reached, or the port not be opened.
    #[error("cannot reach `{bus}`")]
    Reach {
        /// The bus.
        bus: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nothing came.
    #[error("unit {unit} at `{bus}` did not answer within {timeout:?}")]
    NoAnswer {
        /// The bus.
        bus: String,
        /// Who was asked.
        unit: u8,
        /// How long was waited.
        timeout: Duration,
    },
    /// The device refused: it is there, but has no such thing.
    #[error("unit {unit} at `{bus}` answered with exception {code}")]
    Exception {
        /// The bus.
        bus: String,
        /// Who was asked.
        unit: u8,
        /// The exception code (MODBUS Application Protocol V1.1b3, 7).
        code: u8,
    },
    /// The connection broke, or what came is no answer.
    #[error("no use of what came from unit {unit} at `{bus}`")]
    Lapse {
        /// The bus.
        bus: String,
        /// Who was asked.
        unit: u8,
        /// What is wrong.
        #[source]
        source: Lapse,
    },
}

impl SessionError {
    /// The reason that a sample would carry.
    pub const fn missing(&self) -> Missing {
        match self {
            Self::Reach { .. } | Self::Lapse { source: Lapse::Connect(_), .. } => Missing::Refused,
            Self::NoAnswer { .. } => Missing::NoAnswer,
            Self::Exception { .. } => Missing::Exception,
            Self::Lapse { source: Lapse::Broken(_) | Lapse::Closed, .. } => Missing::Disconnected,
            Self::Lapse { .. } => Missing::Nonsense,
        }
    }

    /// Did the unit itself say anything? To refuse is an answer, unless it is the gateway that speaks for it.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Exception { code, .. } if !DEVICE_SILENT.contains(code))
    }
}

/// A conversation with the units of one bus.
#[derive(Debug)]
pub struct Session {
    bus: Bus,
    timeout: Duration,
    poll: Poll,
    events: Events,
    link: Link,
    inbox: Inbox,
    words: Vec<u16>,
    began: Instant,
    /// Not to ask before this, and the unit that did not answer not before that.
    not_before: Duration,
    unanswered: Option<(u8, Duration)>,
}

impl Session {
    /// A session that connects with its first question. `timeout` is the longest wait for each answer, on a serial line
    /// besides the time that the frames take.
    ///
    /// # Errors
    /// If the system refuses a poll.
    pub fn new(bus: &Bus, timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            bus: bus.clone(),
            timeout,
            poll: Poll::new()?,
            events: Events::with_capacity(4),
            link: Link::new(Framing::of(bus), false),
            inbox: Inbox::default(),
            words: Vec::new(),
            began: Instant::now(),
            not_before: Duration::ZERO,
            unanswered: None,
        })
    }

    /// The bus.
    pub const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Reads registers, bits or records of a unit, as [`Request::words`] gives them.
    ///
    /// # Errors
    /// As [`SessionError`] says. After an exception the connection is kept.
    pub fn read(&mut self, unit: u8, ask: Ask) -> Result<Vec<u16>, SessionError> {
        self.connect()?;
        let request = Request { unit, ask };
        let asked = self.rest(unit).and_then(|()| self.exchange(request));
        match asked {
            Ok(Some(Reply::Words(_))) => Ok(self.words.clone()),
            Ok(Some(Reply::Exception(_, code))) => {
                Err(SessionError::Exception { bus: self.bus.to_string(), unit, code })
            }
            Ok(None) => {
                self.fail(Some(unit));
                Err(SessionError::NoAnswer { bus: self.bus.to_string(), unit, timeout: self.timeout })
            }
            Err(source) => {
                self.fail(None);
                Err(SessionError::Lapse { bus: self.bus.to_string(), unit, source })
            }
        }
    }

    /// Asks a unit who it is: all objects of `access` from the first on, by as many requests as it takes.
    ///
    /// # Errors
    /// As [`read`](Self::read), if the first request fails; what a later one fails to bring is left out.
    pub fn identify(&mut self, unit: u8, access: Access) -> Result<Identification, SessionError> {
        let (mut found, mut object) = (Identification::default(), 0);
        for n in 0..PARTS_MAX {
            let words = match self.read(unit, Ask::Identify { access, object }) {
                Ok(words) => words,
                Err(error) if n == 0 => return Err(error),
                Err(_) => break,
            };
            let bytes: Vec<u8> = words.iter().filter_map(|word| u8::try_from(*word).ok()).collect();
            let Some(part) = Part::read(&bytes) else { break };
            let next = part.next;
            found.add(part);
            match next {
                Some(next) => object = next,
                None => break,
            }
        }
        Ok(found)
    }

    /// Connects, or opens the port, if that is not done yet.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub fn connect(&mut self) -> Result<(), SessionError> {
        if self.link.is_open() {
            return Ok(());
        }
        self.open().map_err(|source| SessionError::Reach { bus: self.bus.to_string(), source })
    }

    fn open(&mut self) -> io::Result<()> {
        let Some(endpoint) = self.bus.endpoint() else {
            let Some(line) = self.bus.line() else { return Ok(()) };
            self.link.connect(Peer::Line(line), self.poll.registry(), TOKEN)?;
            return self.wait_open();
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let addresses: Vec<SocketAddr> = endpoint.to_socket_addrs()?.take(ADDRESSES_MAX).collect();
        for address in addresses {
            let connected = self
                .link
                .connect(Peer::Tcp(address), self.poll.registry(), TOKEN)
                .and_then(|()| self.wait_open());
            match connected {
                Ok(()) => return Ok(()),
                Err(error) => last = error,
            }
            self.link.drop_connection();
        }
        Err(last)
    }

    fn wait_open(&mut self) -> io::Result<()> {
        let deadline = self.now() + self.timeout;
        loop {
            match self.link.finish_connecting() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(Lapse::Connect(error)) => return Err(error),
                Err(other) => return Err(io::Error::other(other)),
            }
            if !self.wait(deadline)? {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    /// Waits for something to happen; `false` if the time is up.
    fn wait(&mut self, deadline: Duration) -> io::Result<bool> {
        let Some(rest) = deadline.checked_sub(self.now()).filter(|rest| !rest.is_zero()) else {
            return Ok(false);
        };
        match self.poll.poll(&mut self.events, Some(rest)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(true),
        }
    }

    /// Waits until the line may be used again; what comes meanwhile was asked by nobody.
    fn rest(&mut self, unit: u8) -> Result<(), Lapse> {
        let of_unit = self.unanswered.filter(|(silent, _)| *silent == unit).map(|(_, until)| until);
        loop {
            let until = of_unit.unwrap_or_default().max(self.not_before);
            if self.now() >= until {
                return Ok(());
            }
            self.take()?;
            self.wait(until).map_err(Lapse::Broken)?;
        }
    }

    fn exchange(&mut self, request: Request) -> Result<Option<Reply>, Lapse> {
        let airtime = self.bus.line().map_or(Duration::ZERO, |line| line.airtime(request.air_bytes()));
        let deadline = self.now() + self.timeout + airtime;
        self.link.send(request, TICKET, deadline);
        loop {
            self.link.flush()?;
            if let Some(reply) = self.take()? {
                self.link.has_learned_echo();
                self.not_before = self.now() + self.silence();
                return Ok(Some(reply));
            }
            if !self.wait(deadline).map_err(Lapse::Broken)? {
                return Ok(None);
            }
        }
    }

    /// Takes what came.
    fn take(&mut self) -> Result<Option<Reply>, Lapse> {
        loop {
            let read = self.link.read(&mut self.inbox)?;
            if read.bytes > 0 {
                self.not_before = self.now() + self.silence();
            }
            let reply = self.link.next_reply(&mut self.inbox, &mut self.words)?;
            self.link.keep_rest(&mut self.inbox);
            if reply.is_some() || !read.more {
                return Ok(reply);
            }
        }
    }

    /// Gives up what was asked. A unit on a line that did not answer may still do so.
    fn fail(&mut self, unanswered: Option<u8>) {
        self.link.give_up();
        self.not_before = self.now() + self.silence();
        self.unanswered =
            unanswered.filter(|_| self.bus.line().is_some()).map(|unit| (unit, self.now() + self.timeout));
    }

    fn silence(&self) -> Duration {
        self.bus.line().map_or(Duration::ZERO, super::bus::SerialLine::silence)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

#[cfg(test)]
mod tests;
