//! A probe over SNMP v2c.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use model::Missing;
use profile::{IdentitySource, Library, Oid, Profile, SnmpValue, VarBinds};

use super::{ProbeError, Probed, Question};
use crate::snmp::{Answer, ErrorStatus, Packet, REQUEST_IDS, Read, Step, Walk, answer, community_fits};

/// sysObjectID.0 (RFC 3418).
const SYS_OBJECT_ID: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 2, 0];
/// How often a packet is sent before the device counts as silent; UDP may lose one.
const ATTEMPTS: u32 = 2;
/// Packets of one probe: a device that never comes to an end is not followed for ever.
const PACKETS_MAX: u32 = 2000;

pub(super) fn probe(
    question: &Question<'_>,
    library: &Library,
    endpoint: &str,
) -> Result<Probed, ProbeError> {
    if !community_fits(&question.community) {
        return Err(ProbeError::Community);
    }
    let mut client = Client::open(endpoint, question)?;
    let profile = match &question.profile {
        Some(profile) => Arc::clone(profile),
        None => match recognise(&mut client, library)? {
            Ok(profile) => profile,
            Err(object_id) => return Ok(Probed::unknown(question.address, hint(object_id))),
        },
    };
    let snmp = profile.snmp().ok_or_else(|| ProbeError::Protocol(profile.id.to_string()))?;
    let walk = client.walk(Walk::new(snmp.scalars_to_get(), snmp.columns_to_walk()))?;
    let mut probed = Probed::new(question.address, Some(profile.id.to_string()));
    for reading in snmp.rows(&walk) {
        // A sensor that is not plugged in is no problem.
        if reading.raw != Err(Missing::NotAvailable) {
            probed.add(&reading.shape, reading.raw);
        }
    }
    if probed.readings.is_empty() {
        probed.problem(String::new(), format!("the device has no object of profile `{}`", profile.id));
    }
    probed.identify(&profile, |source| identity(&mut client, source));
    Ok(probed)
}

fn hint(object_id: Option<Oid>) -> String {
    let is = object_id
        .map_or_else(|| "it has no sysObjectID".to_owned(), |oid| format!("its sysObjectID is {oid}"));
    format!("no profile recognises this device, {is}; name one with --profile")
}

/// The likeliest profile whose probed objects all answer; else the sysObjectID.
fn recognise(
    client: &mut Client,
    library: &Library,
) -> Result<Result<Arc<Profile>, Option<Oid>>, ProbeError> {
    let object_id = Oid::new(&SYS_OBJECT_ID).ok();
    let object_id = match object_id
        .map(|oid| client.get(&[oid]))
        .transpose()?
        .and_then(|found| found.into_values().next())
    {
        Some(SnmpValue::Oid(oid)) => Some(oid),
        _ => None,
    };
    for profile in library.candidates(object_id.as_ref()) {
        let probes = &profile.identification.probes;
        if probes.is_empty() || profile.identification.probes_answer(&client.probe(probes)?) {
            return Ok(Ok(Arc::clone(profile)));
        }
    }
    Ok(Err(object_id))
}

/// The text of an object, or of the first below it.
fn identity(client: &mut Client, source: &IdentitySource) -> Option<String> {
    let oid = source.object()?;
    let exact = client.get(std::slice::from_ref(oid)).ok()?.remove(oid);
    let value = match exact.filter(SnmpValue::exists) {
        Some(value) => value,
        None => client.next(oid).ok()?.filter(|(found, _)| found.starts_with(oid))?.1,
    };
    source.from_object(&value.text()?)
}

struct Client {
    socket: UdpSocket,
    address: SocketAddr,
    endpoint: String,
    community: Vec<u8>,
    timeout: Duration,
    id: i32,
    packets: u32,
}

impl Client {
    fn open(endpoint: &str, question: &Question<'_>) -> Result<Self, ProbeError> {
        let reach = |source| ProbeError::Reach { endpoint: endpoint.to_owned(), source };
        let mut addresses = endpoint.to_socket_addrs().map_err(reach)?;
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let address = addresses.next().ok_or_else(|| reach(none()))?;
        let any: SocketAddr = if address.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(any).map_err(reach)?;
        Ok(Self {
            socket,
            address,
            endpoint: endpoint.to_owned(),
            community: question.community.clone(),
            timeout: question.timeout,
            id: first_id(),
            packets: 0,
        })
    }

    /// Sends a packet until it is answered, and gives what `take` makes of the answer.
    fn ask<T>(
        &mut self,
        packet: &mut Packet,
        mut take: impl FnMut(&Answer<'_>) -> T,
    ) -> Result<T, ProbeError> {
        let reach = |source| ProbeError::Reach { endpoint: self.endpoint.clone(), source };
        let mut room = vec![0; 65_535];
        for _ in 0..ATTEMPTS {
            self.packets += 1;
            if self.packets > PACKETS_MAX {
                return Err(self.nonsense("it never comes to an end".to_owned()));
            }
            self.id = if self.id >= *REQUEST_IDS.end() { *REQUEST_IDS.start() } else { self.id + 1 };
            self.socket.send_to(packet.with_id(self.id), self.address).map_err(reach)?;
            let deadline = Instant::now() + self.timeout;
            loop {
                let rest = deadline.saturating_duration_since(Instant::now());
                if rest.is_zero() {
                    break;
                }
                self.socket.set_read_timeout(Some(rest)).map_err(reach)?;
                let (bytes, from) = match self.socket.recv_from(&mut room) {
                    Ok(received) => received,
                    Err(error)
                        if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
                    {
                        break;
                    }
                    Err(error) => return Err(reach(error)),
                };
                let Some(Ok(answer)) = room.get(..bytes).map(answer) else { continue };
                if from == self.address && answer.id == self.id && answer.community == self.community {
                    return Ok(take(&answer));
                }
            }
        }
        Err(ProbeError::Silent { endpoint: self.endpoint.clone(), timeout: self.timeout })
    }

    fn nonsense(&self, problem: String) -> ProbeError {
        ProbeError::Nonsense { endpoint: self.endpoint.clone(), problem }
    }

    /// The values of these objects; those that the device does not have are left out.
    fn get(&mut self, oids: &[Oid]) -> Result<VarBinds, ProbeError> {
        let mut packet = Packet::new(&self.community, Read::Get, oids.iter());
        let objects = self.ask(&mut packet, |answer| match answer.status {
            ErrorStatus::Good => answer.objects(),
            ErrorStatus::TooBig | ErrorStatus::Other(_) => Vec::new(),
        })?;
        Ok(objects.into_iter().filter(|(oid, value)| oids.contains(oid) && value.exists()).collect())
    }

    /// The values of these objects; where there is none, the first below.
    fn probe(&mut self, oids: &[Oid]) -> Result<VarBinds, ProbeError> {
        let mut found = self.get(oids)?;
        // An object of a scalar has nothing below it.
        let is_scalar = |oid: &Oid| oid.arcs().last() == Some(&0);
        for oid in oids.iter().filter(|oid| !is_scalar(oid)) {
            if !found.contains_key(oid) {
                found.extend(self.next(oid)?.filter(|(below, _)| below.starts_with(oid)));
            }
        }
        Ok(found)
    }

    /// The object after `oid`.
    fn next(&mut self, oid: &Oid) -> Result<Option<(Oid, SnmpValue)>, ProbeError> {
        let mut packet = Packet::new(&self.community, Read::GetNext, std::iter::once(oid));
        let found = self.ask(&mut packet, |answer| answer.objects().into_iter().next())?;
        Ok(found.filter(|(_, value)| value.exists()))
    }

    fn walk(&mut self, mut walk: Walk) -> Result<VarBinds, ProbeError> {
        loop {
            match walk.ask(&self.community) {
                Step::Done(found) => return Ok(found),
                Step::Ask(mut packet) => {
                    let taken = self.ask(&mut packet, |answer| walk.take(answer))?;
                    taken.map_err(|error| self.nonsense(error.to_string()))?;
                }
            }
        }
    }
}

/// Ids begin elsewhere with every probe, so that a late answer to the one before is not taken for ours.
#[allow(clippy::disallowed_methods, reason = "a probe is a program's edge, and this is for variety only")]
fn first_id() -> i32 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i32::try_from(since_epoch.as_micros() % 0x4000_0000).unwrap_or(0) + 0x0100_0000
}
