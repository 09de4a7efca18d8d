//! Notifications as values: SNMPv2-Trap and InformRequest (RFC 3416, 4.2.6 and 4.2.7), and the Trap of v1 (RFC 1157,
//! 4.1.6), made one of v2 as RFC 3584, 3.1 says.

use ::snmp::{AsnReader, Oid as RawOid, Value, Varbinds};
use profile::{Oid, SnmpValue};

use crate::snmp::{own, value_of};

/// Objects that are kept of a notification; devices send some five, and more make no readable text.
const OBJECTS_MAX: usize = 64;
/// Context tags of PDUs (RFC 3416, 3; RFC 1157).
const RESPONSE: u8 = 0xa2;
const TRAP_V1: u8 = 0xa4;
const INFORM: u8 = 0xa6;
const TRAP: u8 = 0xa7;
const SEQUENCE: u8 = 0x30;
/// snmpTraps of SNMPv2-MIB (RFC 3418): coldStart is 1, and so on.
pub(super) const STANDARD_TRAPS: [u32; 9] = [1, 3, 6, 1, 6, 3, 1, 1, 5];
const SYS_UP_TIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];
const TRAP_OID: [u32; 11] = [1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];

/// What a device tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notification {
    /// Is it an inform, which is to be acknowledged?
    pub wants_answer: bool,
    /// By which a repeated one is known; 0 for v1, which has none.
    pub request_id: i32,
    /// What happened.
    pub name: Oid,
    /// Hundredths of a second since the sender was started.
    pub uptime: Option<u32>,
    /// What comes with it.
    pub objects: Vec<(Oid, SnmpValue)>,
}

/// A PDU that is no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotificationError {
    /// It cannot be read.
    #[error("no PDU of SNMP")]
    Unreadable,
    /// It is something else: a request, or an answer to nobody.
    #[error("no trap and no inform")]
    Kind,
    /// It does not say what happened.
    #[error("a notification without snmpTrapOID")]
    Nameless,
}

/// An answer to a notification. It is made of an inform by [`acknowledgement`] alone, so nothing else can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResponsePdu(Vec<u8>);

impl ResponsePdu {
    /// Its bytes, with tag and length.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Reads a PDU, with its tag.
///
/// # Errors
/// If it is no notification.
pub(super) fn notification(pdu: &[u8]) -> Result<Notification, NotificationError> {
    let tag = *pdu.first().ok_or(NotificationError::Unreadable)?;
    if !matches!(tag, TRAP_V1 | INFORM | TRAP) {
        return Err(NotificationError::Kind);
    }
    let inside = AsnReader::from_bytes(pdu).read_raw(tag).map_err(|_| NotificationError::Unreadable)?;
    let inside = AsnReader::from_bytes(inside);
    if tag == TRAP_V1 { version_1(inside) } else { version_2(inside, tag == INFORM) }
}

/// The response that acknowledges an inform: the same PDU under another tag (RFC 3416, 4.2.7). `None` for anything else.
pub(super) fn acknowledgement(pdu: &[u8]) -> Option<ResponsePdu> {
    if pdu.first() != Some(&INFORM) || notification(pdu).is_err() {
        return None;
    }
    let mut response = pdu.to_vec();
    *response.first_mut()? = RESPONSE;
    Some(ResponsePdu(response))
}

fn version_2(mut pdu: AsnReader<'_>, wants_answer: bool) -> Result<Notification, NotificationError> {
    let mut number = || pdu.read_asn_integer().map_err(|_| NotificationError::Unreadable);
    let (request_id, status, index) = (number()?, number()?, number()?);
    let request_id = i32::try_from(request_id).map_err(|_| NotificationError::Unreadable)?;
    // A notification has no error; echoed in an acknowledgement it would say that we have one.
    if (status, index) != (0, 0) {
        return Err(NotificationError::Unreadable);
    }
    let mut objects = objects(&mut pdu)?;
    let is = |arcs: &'static [u32]| move |(oid, _): &(Oid, SnmpValue)| oid.arcs() == arcs;
    let named = objects.iter().position(is(&TRAP_OID)).ok_or(NotificationError::Nameless)?;
    let (_, SnmpValue::Oid(name)) = objects.remove(named) else { return Err(NotificationError::Nameless) };
    let uptime = objects.iter().position(is(&SYS_UP_TIME)).map(|place| objects.remove(place).1);
    let uptime = if let Some(SnmpValue::TimeTicks(ticks)) = uptime { Some(ticks) } else { None };
    Ok(Notification { wants_answer, request_id, name, uptime, objects })
}

fn version_1(mut pdu: AsnReader<'_>) -> Result<Notification, NotificationError> {
    let unreadable = |_| NotificationError::Unreadable;
    let enterprise = pdu.read_asn_objectidentifier().map_err(unreadable)?;
    pdu.read_snmp_ipaddress().map_err(unreadable)?;
    let generic = pdu.read_asn_integer().map_err(unreadable)?;
    let specific = pdu.read_asn_integer().map_err(unreadable)?;
    let uptime = pdu.read_snmp_timeticks().map_err(unreadable)?;
    let name = name_of_version_1(&enterprise, generic, specific).ok_or(NotificationError::Nameless)?;
    let objects = objects(&mut pdu)?;
    Ok(Notification { wants_answer: false, request_id: 0, name, uptime: Some(uptime), objects })
}

/// Generic traps 0 to 5 have names of their own; 6 is ENTERPRISE.0.SPECIFIC (RFC 3584, 3.1).
fn name_of_version_1(enterprise: &RawOid<'_>, generic: i64, specific: i64) -> Option<Oid> {
    let generic = u32::try_from(generic).ok()?;
    if generic < 6 {
        return Oid::new(&[STANDARD_TRAPS.as_slice(), &[generic + 1]].concat()).ok();
    }
    let specific = u32::try_from(specific).ok().filter(|_| generic == 6)?;
    Some(own(enterprise)?.child(&[0, specific]))
}

/// Ends early where the list cannot be read any further.
fn objects(pdu: &mut AsnReader<'_>) -> Result<Vec<(Oid, SnmpValue)>, NotificationError> {
    let list = pdu.read_raw(SEQUENCE).map_err(|_| NotificationError::Unreadable)?;
    let one = |(oid, value): (RawOid<'_>, Value<'_>)| Some((own(&oid)?, value_of(&value)));
    Ok(Varbinds::from_bytes(list).map_while(one).take(OBJECTS_MAX).collect())
}
