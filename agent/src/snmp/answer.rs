//! Answers. `snmp2` reads their objects; it neither looks at the error status nor notices when a list ends early, so
//! that is checked here.

use ::snmp::{Value, Varbinds};
use profile::{Oid, SnmpValue};

use super::ber::{BerError, OCTETS, Reader, SEQUENCE};

/// Most objects that one answer may hold; a UDP packet of 64 KiB has room for some 4000 of the shortest.
const OBJECTS_MAX: usize = 4096;
/// Longest text that is kept of an object.
const TEXT_BYTES_MAX: usize = 1024;

/// An answer, not yet matched with its request.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// The id of the request.
    pub id: i32,
    /// The community with which it came; empty for a user's.
    pub community: &'a [u8],
    /// Of which version it is.
    pub version: Version,
    /// What it is.
    pub kind: Kind,
    /// What the device says about the request as a whole.
    pub status: ErrorStatus,
    /// Which object the status is about, counted from 1; 0 if none.
    pub index: u32,
    varbinds: Varbinds<'a>,
}

/// Version of SNMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the versions")]
pub enum Version {
    V1,
    V2c,
    V3,
}

/// What a PDU is (RFC 3416, 3). What would write has no name here: it is never read nor written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The answer to a request, and the acknowledgement of an inform.
    Response,
    /// What an engine says about a message of SNMP v3 that it did not take.
    Report,
    /// Something happened at the device; nobody is to acknowledge it.
    Trap,
    /// Something happened at the device, which wants to know that it was heard.
    Inform,
}

impl Kind {
    const fn of(tag: u8) -> Option<Self> {
        match tag {
            0xa2 => Some(Self::Response),
            0xa6 => Some(Self::Inform),
            0xa7 => Some(Self::Trap),
            0xa8 => Some(Self::Report),
            _ => None,
        }
    }
}

/// An answer with other objects than were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("other objects answered than were asked for")]
pub struct OtherObjects;

impl<'a> Answer<'a> {
    /// Reads a PDU, as it stands in a message of SNMP v3.
    ///
    /// # Errors
    /// If it is none, or one that is never answered nor sent unasked.
    pub fn of_pdu(bytes: &'a [u8]) -> Result<Self, AnswerError> {
        let mut reader = Reader::new(bytes);
        let tag = reader.peek()?;
        let kind = Kind::of(tag).ok_or(AnswerError::Kind)?;
        let mut pdu = reader.inside(tag)?;
        let id = pdu.number()?;
        let status = match pdu.number::<u32>()? {
            0 => ErrorStatus::Good,
            1 => ErrorStatus::TooBig,
            2 => ErrorStatus::NoSuchName,
            other => ErrorStatus::Other(other),
        };
        let index = pdu.number()?;
        let varbinds = Varbinds::from_bytes(pdu.bytes(SEQUENCE)?);
        Ok(Self { id, community: &[], version: Version::V3, kind, status, index, varbinds })
    }
}

impl Answer<'_> {
    /// Objects and values in their order. Ends early where the answer cannot be read any further.
    pub fn objects(&self) -> Vec<(Oid, SnmpValue)> {
        let one = |(oid, value): (::snmp::Oid<'_>, Value<'_>)| Some((own(&oid)?, value_of(&value)));
        self.varbinds.clone().map_while(one).take(OBJECTS_MAX).collect()
    }

    /// Puts the values of the objects that were asked for into `values`; `asked` are their [encodings](super::encoded)
    /// in order. Gives how many came: fewer than were asked for if the answer is cut.
    ///
    /// # Errors
    /// If an object is another one than was asked for in its place.
    pub fn fill<'o>(
        &self,
        asked: impl Iterator<Item = &'o [u8]>,
        values: &mut [SnmpValue],
    ) -> Result<usize, OtherObjects> {
        let mut came = 0;
        for (((oid, value), asked), place) in self.varbinds.clone().zip(asked).zip(values) {
            if oid.as_bytes() != asked {
                return Err(OtherObjects);
            }
            *place = value_of(&value);
            came += 1;
        }
        Ok(came)
    }
}

/// Error status of an answer (RFC 3416, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorStatus {
    /// No error.
    Good,
    /// The answer would not fit into a packet.
    TooBig,
    /// There is no such object, or none after it: so says SNMP v1.
    NoSuchName,
    /// Any other error, by its number.
    Other(u32),
}

/// Bytes that are no answer to anybody here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// They cannot be read.
    #[error("no packet of SNMP")]
    Unreadable(#[from] BerError),
    /// They are of another version or kind.
    #[error("no response of SNMP v1 or v2c")]
    Kind,
}

/// Reads an answer to a community.
///
/// # Errors
/// If it is none.
pub fn answer(bytes: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let mut message = Reader::new(bytes).inside(SEQUENCE)?;
    let version = match message.integer()? {
        0 => Version::V1,
        1 => Version::V2c,
        _ => return Err(AnswerError::Kind),
    };
    let community = message.bytes(OCTETS)?;
    let pdu = Answer::of_pdu(message.rest())?;
    if pdu.kind != Kind::Response {
        return Err(AnswerError::Kind);
    }
    Ok(Answer { community, version, ..pdu })
}

pub(crate) fn own(oid: &::snmp::Oid<'_>) -> Option<Oid> {
    let arcs: Option<Vec<u32>> = oid.iter()?.map(|arc| u32::try_from(arc).ok()).collect();
    Oid::new(&arcs?).ok()
}

pub(crate) fn value_of(value: &Value<'_>) -> SnmpValue {
    let bytes = |bytes: &[u8]| bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes).to_vec();
    match value {
        Value::Integer(number) => SnmpValue::Integer(*number),
        Value::Counter32(number) => SnmpValue::Counter32(*number),
        Value::Unsigned32(number) => SnmpValue::Gauge32(*number),
        Value::Counter64(number) => SnmpValue::Counter64(*number),
        Value::Timeticks(ticks) => SnmpValue::TimeTicks(*ticks),
        Value::OctetString(text) => SnmpValue::OctetString(bytes(text)),
        Value::ObjectIdentifier(oid) => own(oid).map_or(SnmpValue::Null, SnmpValue::Oid),
        Value::IpAddress(address) => SnmpValue::IpAddress(*address),
        Value::Opaque(wrapped) => SnmpValue::Opaque(bytes(wrapped)),
        Value::NoSuchObject => SnmpValue::NoSuchObject,
        Value::NoSuchInstance => SnmpValue::NoSuchInstance,
        Value::EndOfMibView => SnmpValue::EndOfMibView,
        _ => SnmpValue::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A response of SNMP v2c to id 7, community `c`: error status, then sysUpTime.0 = 300 ticks and ifSpeed.1 = gauge 9.
    fn response(status: u8) -> Vec<u8> {
        let first = [0x30, 14, 6, 8, 0x2b, 6, 1, 2, 1, 1, 3, 0, 0x43, 2, 1, 0x2c];
        let second = [0x30, 15, 6, 10, 0x2b, 6, 1, 2, 1, 2, 2, 1, 5, 1, 0x42, 1, 9];
        let mut list = [first.as_slice(), &second].concat();
        let mut pdu = vec![0x02, 1, 7, 0x02, 1, status, 0x02, 1, 0, 0x30, u8::try_from(list.len()).unwrap()];
        pdu.append(&mut list);
        let mut message = vec![0x02, 1, 1, 0x04, 1, b'c', 0xa2, u8::try_from(pdu.len()).unwrap()];
        message.append(&mut pdu);
        [&[0x30, u8::try_from(message.len()).unwrap()], message.as_slice()].concat()
    }

    #[test]
    fn an_answer_is_read_with_its_kinds() {
        let bytes = response(0);
        let answer = answer(&bytes).unwrap();
        assert_eq!((answer.id, answer.status, answer.community), (7, ErrorStatus::Good, b"c".as_slice()));
        let expected = [
            ("1.3.6.1.2.1.1.3.0".parse().unwrap(), SnmpValue::TimeTicks(300)),
            ("1.3.6.1.2.1.2.2.1.5.1".parse().unwrap(), SnmpValue::Gauge32(9)),
        ];
        assert_eq!(answer.objects(), expected);
    }

    #[test]
    fn values_are_taken_only_for_the_objects_that_were_asked_for() {
        let (bytes, encoded) = (response(0), |oid: &str| super::super::encoded(&oid.parse().unwrap()));
        let asked = [encoded("1.3.6.1.2.1.1.3.0"), encoded("1.3.6.1.2.1.2.2.1.5.1"), encoded("1.3")];
        let mut values = vec![SnmpValue::Null; 3];
        assert_eq!(answer(&bytes).unwrap().fill(asked.iter().map(|oid| &**oid), &mut values), Ok(2));
        assert_eq!(values, [SnmpValue::TimeTicks(300), SnmpValue::Gauge32(9), SnmpValue::Null]);
        let others = asked[1..].iter().map(|oid| &**oid);
        assert_eq!(answer(&bytes).unwrap().fill(others, &mut values), Err(OtherObjects));
    }

    #[test]
    fn an_error_status_is_seen() {
        assert_eq!(answer(&response(1)).unwrap().status, ErrorStatus::TooBig);
        assert_eq!(answer(&response(5)).unwrap().status, ErrorStatus::Other(5));
    }

    #[test]
    fn a_request_is_no_answer() {
        let mut bytes = response(0);
        bytes[8] = 0xa0;
        assert!(matches!(answer(&bytes), Err(AnswerError::Kind)));
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(answer) = answer(&bytes) {
                prop_assert!(answer.objects().len() <= OBJECTS_MAX);
            }
        }

        #[test]
        fn an_answer_with_broken_bytes_never_panics(place in 0usize..53, byte in any::<u8>()) {
            let mut bytes = response(0);
            let place = place % bytes.len();
            bytes[place] = byte;
            prop_assert!(answer(&bytes).map_or(true, |answer| answer.objects().len() <= 10));
        }
    }
}
