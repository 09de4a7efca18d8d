//! A probe over Modbus TCP.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use model::Missing;
use profile::{Block, Function, IdentitySource, Library, Limits, ModbusReading, Profile, Signature, plan};

use super::{ProbeError, Probed, Question};
use crate::address::Address;
use crate::modbus::{Answer, FRAME_BYTES_MAX, Request, split_frame};

/// Connections that are opened in one probe; each failure costs one.
const CONNECTS_MAX: u32 = 20;

pub(super) fn probe(
    question: &Question<'_>,
    library: &Library,
    endpoint: &str,
    unit: u8,
) -> Result<Probed, ProbeError> {
    let mut client = Client::connect(endpoint, unit, question.timeout)?;
    let profile = match &question.profile {
        Some(profile) => std::sync::Arc::clone(profile),
        None => match recognise(&mut client, library)? {
            Some(profile) => profile,
            None => return Ok(Probed::unknown(question.address, hint(client.heard))),
        },
    };
    let (limits, readings) = profile.modbus().ok_or_else(|| ProbeError::Protocol(profile.id.to_string()))?;
    let mut probed = Probed::new(question.address, Some(profile.id.to_string()));
    read_all(&mut client, readings, limits, &mut probed);
    if !client.heard {
        return Err(client.silent());
    }
    probed.identify(&profile, |source| identity(&mut client, source));
    Ok(probed)
}

fn hint(heard: bool) -> String {
    let what = if heard { "no profile recognises this device" } else { "the unit did not answer" };
    format!("{what}; name one with --profile, `wattwacht-agent profiles list` names all")
}

/// The profile all of whose signatures are in the device's registers; the one with the most of them wins.
fn recognise(client: &mut Client, library: &Library) -> Result<Option<std::sync::Arc<Profile>>, ProbeError> {
    let mut known: Vec<_> = library
        .iter()
        .filter(|profile| profile.modbus().is_some() && !profile.identification.signatures.is_empty())
        .collect();
    known.sort_by_key(|profile| std::cmp::Reverse(profile.identification.signatures.len()));
    let mut tried = 0u32;
    for profile in known {
        if profile.identification.signatures.iter().all(|signature| holds(client, signature)) {
            return Ok(Some(std::sync::Arc::clone(profile)));
        }
        tried += 1;
        // A unit that has answered nothing to two questions will not answer the others either.
        if tried >= 2 && !client.heard {
            return Err(client.silent());
        }
    }
    Ok(None)
}

fn holds(client: &mut Client, signature: &Signature) -> bool {
    let count = u16::try_from(signature.words.len()).unwrap_or(u16::MAX);
    client.read(signature.function, signature.register, count).is_ok_and(|words| signature.matches(&words))
}

fn identity(client: &mut Client, source: &IdentitySource) -> Option<String> {
    match source {
        IdentitySource::Registers { function, register, count } => {
            IdentitySource::text(&client.read(*function, *register, *count).ok()?)
        }
        IdentitySource::Object(_) | IdentitySource::Word { .. } => None,
    }
}

/// Reads by blocks; where a block is refused, each of its readings by itself, so that only those are missing that the
/// device really does not have.
fn read_all(client: &mut Client, readings: &[ModbusReading], limits: &Limits, probed: &mut Probed) {
    let mut found = vec![Err(Missing::NoAnswer); readings.len()];
    for block in plan(readings, limits) {
        match client.read(block.function, block.start, block.count) {
            Ok(words) => {
                for n in &block.readings {
                    if let (Some(reading), Some(found)) = (readings.get(*n), found.get_mut(*n)) {
                        *found = reading.decode(block.words(reading, &words));
                    }
                }
            }
            Err(Missing::Exception) => read_each(client, &block, readings, &mut found),
            Err(reason) => block.readings.iter().for_each(|n| {
                if let Some(found) = found.get_mut(*n) {
                    *found = Err(reason);
                }
            }),
        }
    }
    readings.iter().zip(found).for_each(|(reading, value)| probed.add(&reading.shape(), value));
}

fn read_each(
    client: &mut Client,
    block: &Block,
    readings: &[ModbusReading],
    found: &mut [Result<model::Raw, Missing>],
) {
    for n in &block.readings {
        if let (Some(reading), Some(found)) = (readings.get(*n), found.get_mut(*n)) {
            let words = client.read(reading.function, reading.register, reading.words());
            *found = words.and_then(|words| reading.decode(&words));
        }
    }
}

/// A client that waits, but never longer than it is told to.
struct Client {
    stream: Option<TcpStream>,
    endpoint: String,
    unit: u8,
    timeout: Duration,
    transaction: u16,
    connects: u32,
    heard: bool,
}

impl Client {
    fn connect(endpoint: &str, unit: u8, timeout: Duration) -> Result<Self, ProbeError> {
        let mut client = Self {
            stream: None,
            endpoint: endpoint.to_owned(),
            unit,
            timeout,
            transaction: 0,
            connects: 0,
            heard: false,
        };
        client.open().map_err(|source| ProbeError::Reach { endpoint: endpoint.to_owned(), source })?;
        Ok(client)
    }

    fn silent(&self) -> ProbeError {
        let address = Address::ModbusTcp { endpoint: self.endpoint.clone(), unit: self.unit };
        ProbeError::Silent { endpoint: address.to_string(), timeout: self.timeout }
    }

    fn open(&mut self) -> io::Result<()> {
        if self.connects >= CONNECTS_MAX {
            return Err(io::Error::other("too many failures"));
        }
        self.connects += 1;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in self.endpoint.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    self.stream = Some(stream);
                    return Ok(());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Reads registers or bits. After any failure but an exception the connection is dropped.
    fn read(&mut self, function: Function, address: u16, count: u16) -> Result<Vec<u16>, Missing> {
        if self.stream.is_none() {
            self.open().map_err(|_| Missing::Refused)?;
        }
        let request = Request { unit: self.unit, function, address, count };
        let read = self.exchange(request);
        if !matches!(read, Ok(_) | Err(Missing::Exception)) {
            self.stream = None;
        }
        self.heard |= matches!(read, Ok(_) | Err(Missing::Exception));
        read
    }

    fn exchange(&mut self, request: Request) -> Result<Vec<u16>, Missing> {
        self.transaction = self.transaction.wrapping_add(1);
        let stream = self.stream.as_mut().ok_or(Missing::Refused)?;
        let deadline = Instant::now() + self.timeout;
        let mut frame = Vec::new();
        request.encode(self.transaction, &mut frame);
        stream.set_write_timeout(Some(self.timeout)).map_err(|error| reason(&error))?;
        stream.write_all(&frame).map_err(|error| reason(&error))?;
        let (mut bytes, mut room) = (Vec::new(), [0u8; FRAME_BYTES_MAX]);
        loop {
            if let Some((frame, _)) = split_frame(&bytes).map_err(|_| Missing::Nonsense)? {
                if frame.transaction != self.transaction {
                    return Err(Missing::Nonsense);
                }
                let mut words = Vec::new();
                return match request.answer(&frame).map_err(|_| Missing::Nonsense)? {
                    Answer::Data(data) => {
                        request.words(data, &mut words);
                        Ok(words)
                    }
                    Answer::Exception(_) => Err(Missing::Exception),
                };
            }
            let rest = deadline.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Err(Missing::NoAnswer);
            }
            stream.set_read_timeout(Some(rest)).map_err(|error| reason(&error))?;
            match stream.read(&mut room).map_err(|error| reason(&error))? {
                0 => return Err(Missing::Disconnected),
                read => bytes.extend(room.iter().take(read)),
            }
        }
    }
}

fn reason(error: &io::Error) -> Missing {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Missing::NoAnswer,
        _ => Missing::Disconnected,
    }
}
