//! Answers of SNMP v2c, taken apart by `snmp2` and checked here: it neither looks at the error status nor notices when
//! a list of objects ends early.

use ::snmp::{MessageType, Pdu, Value, Varbinds, Version};
use profile::{Oid, SnmpValue};

/// Most objects that one answer may hold; a UDP packet of 64 KiB has room for some 4000 of the shortest.
const OBJECTS_MAX: usize = 4096;
/// Longest text that is kept of an object.
const TEXT_BYTES_MAX: usize = 1024;

/// An answer, not yet matched with its request.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The id of the request.
    pub id: i32,
    /// The community with which it came.
    pub community: &'a [u8],
    /// What the device says about the request as a whole.
    pub status: ErrorStatus,
    varbinds: Varbinds<'a>,
}

/// An answer with other objects than were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("other objects answered than were asked for")]
pub struct OtherObjects;

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
    pub fn fill(&self, asked: &[Box<[u8]>], values: &mut [SnmpValue]) -> Result<usize, OtherObjects> {
        let mut came = 0;
        for (((oid, value), asked), place) in self.varbinds.clone().zip(asked).zip(values) {
            if oid.as_bytes() != &**asked {
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
    /// Any other error, by its number.
    Other(u32),
}

/// Bytes that are no answer to anybody here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// They cannot be read.
    #[error("no packet of SNMP")]
    Unreadable(#[source] ::snmp::Error),
    /// They are of another version or kind.
    #[error("no response of SNMP v2c")]
    Kind,
}

/// Reads an answer.
///
/// # Errors
/// If it is none.
pub fn answer(bytes: &[u8]) -> Result<Answer<'_>, AnswerError> {
    let pdu = Pdu::from_bytes(bytes).map_err(AnswerError::Unreadable)?;
    let version = pdu.version().map_err(AnswerError::Unreadable)?;
    if version != Version::V2C || pdu.message_type != MessageType::Response {
        return Err(AnswerError::Kind);
    }
    let status = match pdu.error_status {
        0 => ErrorStatus::Good,
        1 => ErrorStatus::TooBig,
        other => ErrorStatus::Other(other),
    };
    Ok(Answer { id: pdu.req_id, community: pdu.community, status, varbinds: pdu.varbinds })
}

fn own(oid: &::snmp::Oid<'_>) -> Option<Oid> {
    let arcs: Option<Vec<u32>> = oid.iter()?.map(|arc| u32::try_from(arc).ok()).collect();
    Oid::new(&arcs?).ok()
}

fn value_of(value: &Value<'_>) -> SnmpValue {
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
        assert_eq!(answer(&bytes).unwrap().fill(&asked, &mut values), Ok(2));
        assert_eq!(values, [SnmpValue::TimeTicks(300), SnmpValue::Gauge32(9), SnmpValue::Null]);
        assert_eq!(answer(&bytes).unwrap().fill(&asked[1..], &mut values), Err(OtherObjects));
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
