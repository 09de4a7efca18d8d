//! One device, asked by a program that waits: for `probe` and `scan`. The poll engine does not wait and does without.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use profile::{Oid, SnmpValue, VarBinds};

use super::answer::{Answer, ErrorStatus};
use super::credentials::Credentials;
use super::request::{Packet, REQUEST_IDS, Read};
use super::session::{Heard, Incoming, Refusal, Session};
use super::walk::{GET_OBJECTS_MAX, Step, Walk, WalkError};

/// How often a packet is sent before the device counts as silent; UDP may lose one.
const ATTEMPTS: u32 = 2;
/// How often an engine may say something about itself before it answers: who it is, what its clock says, and once more.
const AGAIN_MAX: u32 = 3;
/// How often a device that never said anything is asked for less: it may not know get-bulk, but most likely it is dead.
const TRIES_UNHEARD: u32 = 2;
/// Packets to one device: one that never comes to an end is not followed for ever.
const PACKETS_MAX: u32 = 4000;
/// The largest UDP packet.
const PACKET_BYTES_MAX: usize = 65_535;

/// Why a device cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The name has no address, or the system does not let it be reached.
    #[error("cannot reach `{endpoint}`")]
    Reach {
        /// `host:port`.
        endpoint: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nothing came back.
    #[error("`{endpoint}` does not answer within {timeout:?}")]
    Silent {
        /// `host:port`.
        endpoint: String,
        /// How long each attempt waited.
        timeout: Duration,
    },
    /// The device does not answer us.
    #[error("`{endpoint}` refuses")]
    Refused {
        /// `host:port`.
        endpoint: String,
        /// Why.
        #[source]
        refusal: Refusal,
    },
    /// What came back makes no sense.
    #[error("`{endpoint}` answers what makes no sense: {problem}")]
    Nonsense {
        /// `host:port`.
        endpoint: String,
        /// In words.
        problem: String,
    },
}

/// A socket to one device and the conversation over it.
#[derive(Debug)]
pub struct Client {
    socket: UdpSocket,
    address: SocketAddr,
    endpoint: String,
    session: Session,
    timeout: Duration,
    attempts: u32,
    started: Instant,
    id: i32,
    packets: u32,
    /// Has it answered anything yet?
    is_heard: bool,
    room: Vec<u8>,
}

/// What one attempt brought.
enum Outcome<T> {
    Taken(T),
    Again,
    Silent,
}

impl Client {
    /// Looks up `endpoint` (`host:port`) and binds a socket; nothing is sent yet. Each packet waits `timeout`, twice.
    ///
    /// # Errors
    /// If the name has no address or no socket can be had.
    pub fn open(endpoint: &str, credentials: Credentials, timeout: Duration) -> Result<Self, ClientError> {
        let reach = |source| ClientError::Reach { endpoint: endpoint.to_owned(), source };
        let mut addresses = endpoint.to_socket_addrs().map_err(reach)?;
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let address = addresses.next().ok_or_else(|| reach(none()))?;
        let any: SocketAddr = if address.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any).map_err(reach)?;
        // A connected socket is told when nothing listens there, which is something else than silence.
        socket.connect(address).map_err(reach)?;
        Ok(Self {
            socket,
            address,
            endpoint: endpoint.to_owned(),
            session: Session::new(credentials),
            timeout,
            attempts: ATTEMPTS,
            started: Instant::now(),
            id: first_id(),
            packets: 0,
            is_heard: false,
            room: vec![0; PACKET_BYTES_MAX],
        })
    }

    /// The client, sending each packet so often (at least once) before the device counts as silent.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The values of these objects; those that the device does not have are left out.
    ///
    /// # Errors
    /// If the device does not answer, or not what was asked.
    pub fn get(&mut self, oids: &[Oid]) -> Result<VarBinds, ClientError> {
        let mut found = VarBinds::new();
        for some in oids.chunks(GET_OBJECTS_MAX) {
            match self.try_walk(Walk::new(some.to_vec(), Vec::new()))? {
                Ok(some) => found.extend(some),
                // A device may have none of them, and say so in its own way.
                Err(WalkError::Refused(_)) => {}
                Err(error) => return Err(self.nonsense(error.to_string())),
            }
        }
        Ok(found)
    }

    /// The object after `oid`.
    ///
    /// # Errors
    /// If the device does not answer.
    pub fn next(&mut self, oid: &Oid) -> Result<Option<(Oid, SnmpValue)>, ClientError> {
        let mut packet = Packet::new(self.session.credentials(), Read::GetNext, std::iter::once(oid));
        let found = self.ask(&mut packet, |answer| match answer.status {
            ErrorStatus::Good => answer.objects().into_iter().next(),
            _ => None,
        })?;
        Ok(found.filter(|(found, value)| value.exists() && found > oid))
    }

    /// All that `walk` wants. What a device that goes in circles said before it did is kept.
    ///
    /// # Errors
    /// If the device does not answer, or not what was asked.
    pub fn walk(&mut self, walk: Walk) -> Result<VarBinds, ClientError> {
        self.try_walk(walk)?.map_err(|error| self.nonsense(error.to_string()))
    }

    fn try_walk(&mut self, mut walk: Walk) -> Result<Result<VarBinds, WalkError>, ClientError> {
        let mut tries_unheard = TRIES_UNHEARD;
        loop {
            let mut packet = match walk.ask(self.session.credentials()) {
                Step::Done(found) => return Ok(Ok(found)),
                Step::Ask(packet) => packet,
            };
            match self.ask(&mut packet, |answer| walk.take(answer)) {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Ok(Err(error)),
                Err(ClientError::Silent { .. })
                    if walk.can_ask_less() && (self.is_heard || tries_unheard > 0) =>
                {
                    tries_unheard = tries_unheard.saturating_sub(1);
                    walk.silent();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a packet until it is answered, and gives what `take` makes of the answer.
    fn ask<T>(
        &mut self,
        packet: &mut Packet,
        mut take: impl FnMut(&Answer<'_>) -> T,
    ) -> Result<T, ClientError> {
        let (mut attempts, mut again) = (self.attempts, AGAIN_MAX);
        while attempts > 0 {
            match self.attempt(packet, &mut take)? {
                Outcome::Taken(taken) => return Ok(taken),
                Outcome::Again if again > 0 => again -= 1,
                Outcome::Again | Outcome::Silent => attempts -= 1,
            }
        }
        Err(ClientError::Silent { endpoint: self.endpoint.clone(), timeout: self.timeout })
    }

    fn attempt<T>(
        &mut self,
        packet: &mut Packet,
        take: &mut impl FnMut(&Answer<'_>) -> T,
    ) -> Result<Outcome<T>, ClientError> {
        self.packets += 1;
        if self.packets > PACKETS_MAX {
            return Err(self.nonsense("it never comes to an end".to_owned()));
        }
        self.id = if self.id >= *REQUEST_IDS.end() { *REQUEST_IDS.start() } else { self.id + 1 };
        let bytes = self.session.encode(packet, self.id, self.started.elapsed());
        self.socket.send(&bytes).map_err(|source| self.reach(source))?;
        let deadline = Instant::now() + self.timeout;
        while let Some(bytes) = self.receive(deadline)? {
            let Some(Ok(incoming)) = self.room.get(..bytes).map(Incoming::parse) else { continue };
            if incoming.id() != self.id {
                continue;
            }
            match self.session.hear(incoming, self.started.elapsed()) {
                Ok(Heard::Answer(body)) => {
                    if let Ok(answer) = body.answer() {
                        self.is_heard = true;
                        return Ok(Outcome::Taken(take(&answer)));
                    }
                }
                Ok(Heard::Again(_)) => return Ok(Outcome::Again),
                Ok(Heard::Refused(refusal)) => {
                    return Err(ClientError::Refused { endpoint: self.endpoint.clone(), refusal });
                }
                Err(distrust) => tracing::debug!(%distrust, "a packet is thrown away"),
            }
        }
        Ok(Outcome::Silent)
    }

    /// Bytes of the next packet from the device; `None` when the time is up.
    fn receive(&mut self, deadline: Instant) -> Result<Option<usize>, ClientError> {
        loop {
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(rest)).map_err(|source| self.reach(source))?;
            match self.socket.recv_from(&mut self.room) {
                Ok((bytes, from)) if from == self.address => return Ok(Some(bytes)),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) => return Err(self.reach(error)),
            }
        }
    }

    fn reach(&self, source: io::Error) -> ClientError {
        ClientError::Reach { endpoint: self.endpoint.clone(), source }
    }

    fn nonsense(&self, problem: String) -> ClientError {
        ClientError::Nonsense { endpoint: self.endpoint.clone(), problem }
    }
}

/// Ids begin elsewhere with every client, so that a late answer to the one before is not taken for ours.
fn first_id() -> i32 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish() % 0x4000_0000;
    i32::try_from(random).unwrap_or(0) + 0x0100_0000
}
