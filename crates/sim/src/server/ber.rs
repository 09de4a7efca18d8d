//! SNMP messages as a device writes them: basic encoding rules as far as RFC 3416 needs them.
//!
//! Requests are read by the `snmp` library; it has no public way to write a response, so that is here.

/// One name and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    /// Sub-identifiers.
    pub(crate) oid: Vec<u32>,
    /// Value.
    pub(crate) value: Bound,
}

/// What stands at an OID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bound {
    /// INTEGER.
    Integer(i64),
    /// OCTET STRING.
    Text(Vec<u8>),
    /// OBJECT IDENTIFIER.
    Oid(Vec<u32>),
    /// An application type that holds an unsigned number, with its tag: Counter32 0x41, Gauge32 0x42, TimeTicks 0x43,
    /// Counter64 0x46.
    Unsigned(u8, u64),
    /// NULL, as in a request.
    Null,
    /// There is no such object.
    NoSuchObject,
    /// The object has no such row.
    NoSuchInstance,
    /// Nothing follows.
    EndOfView,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OBJECT_IDENTIFIER: u8 = 0x06;
const RESPONSE: u8 = 0xa2;
/// Version 2c in a message.
const VERSION_2C: i64 = 1;

/// The response to a request, RFC 3416 section 4.2.
pub(crate) fn response(community: &[u8], request: i32, error: (i64, i64), bindings: &[Binding]) -> Vec<u8> {
    let mut list = Vec::with_capacity(bindings.len() * 32);
    for binding in bindings {
        let mut pair = Vec::with_capacity(32);
        push(OBJECT_IDENTIFIER, &oid_bytes(&binding.oid), &mut pair);
        push_value(&binding.value, &mut pair);
        push(SEQUENCE, &pair, &mut list);
    }
    let mut pdu = Vec::with_capacity(list.len() + 24);
    for number in [i64::from(request), error.0, error.1] {
        push(INTEGER, &integer_bytes(number), &mut pdu);
    }
    push(SEQUENCE, &list, &mut pdu);
    let mut message = Vec::with_capacity(pdu.len() + 24);
    push(INTEGER, &integer_bytes(VERSION_2C), &mut message);
    push(OCTET_STRING, community, &mut message);
    push(RESPONSE, &pdu, &mut message);
    let mut whole = Vec::with_capacity(message.len() + 6);
    push(SEQUENCE, &message, &mut whole);
    whole
}

/// Bytes that a binding takes at most, for the limit of a packet.
pub(crate) fn size_bound(binding: &Binding) -> usize {
    let value = match &binding.value {
        Bound::Text(text) => text.len(),
        Bound::Oid(oid) => oid.len() * 5,
        _ => 9,
    };
    binding.oid.len() * 5 + value + 16
}

fn push_value(value: &Bound, out: &mut Vec<u8>) {
    match value {
        Bound::Integer(number) => push(INTEGER, &integer_bytes(*number), out),
        Bound::Text(text) => push(OCTET_STRING, text, out),
        Bound::Oid(oid) => push(OBJECT_IDENTIFIER, &oid_bytes(oid), out),
        Bound::Unsigned(tag, number) => push(*tag, &unsigned_bytes(*number), out),
        Bound::Null => push(NULL, &[], out),
        Bound::NoSuchObject => push(0x80, &[], out),
        Bound::NoSuchInstance => push(0x81, &[], out),
        Bound::EndOfView => push(0x82, &[], out),
    }
}

fn push(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    match u8::try_from(content.len()) {
        Ok(length) if length < 128 => out.push(length),
        _ => {
            let length = content.len().to_be_bytes();
            let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(digits.len()).expect("a length has at most 8 bytes"));
            out.extend(digits);
        }
    }
    out.extend_from_slice(content);
}

/// Two's complement in as few bytes as hold it.
fn integer_bytes(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let spare = bytes
        .windows(2)
        .take_while(|pair| (pair[0] == 0 && pair[1] & 0x80 == 0) || (pair[0] == 0xff && pair[1] & 0x80 != 0));
    bytes[spare.count()..].to_vec()
}

/// As an integer that is never negative: a zero byte leads where the highest bit is set.
fn unsigned_bytes(number: u64) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(number.to_be_bytes());
    let spare = bytes.windows(2).take_while(|pair| pair[0] == 0 && pair[1] & 0x80 == 0).count();
    bytes.split_off(spare)
}

fn oid_bytes(oid: &[u32]) -> Vec<u8> {
    let first = match oid {
        [a, b, ..] => a.saturating_mul(40).saturating_add(*b),
        _ => 0,
    };
    let mut out = Vec::with_capacity(oid.len() + 4);
    push_base_128(first, &mut out);
    oid.iter().skip(2).for_each(|number| push_base_128(*number, &mut out));
    out
}

fn push_base_128(number: u32, out: &mut Vec<u8>) {
    for shift in [28, 21, 14, 7] {
        if number >> shift != 0 {
            out.push(0x80 | u8::try_from(number >> shift & 0x7f).expect("seven bits"));
        }
    }
    out.push(u8::try_from(number & 0x7f).expect("seven bits"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_as_few_bytes_as_hold_them() {
        // X.690, 8.3: two's complement, shortest form.
        for (number, bytes) in [
            (0, vec![0]),
            (127, vec![0x7f]),
            (128, vec![0, 0x80]),
            (-1, vec![0xff]),
            (-128, vec![0x80]),
            (-129, vec![0xff, 0x7f]),
            (65_535, vec![0, 0xff, 0xff]),
        ] {
            assert_eq!(integer_bytes(number), bytes, "{number}");
        }
        assert_eq!(unsigned_bytes(0xffff_ffff), [0, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(unsigned_bytes(0), [0]);
    }

    #[test]
    fn an_oid_is_written_in_base_128() {
        // X.690, 8.19.5, example {2 100 3} = 0x813403; and 1.3.6.1.4.1.318 with 318 = 2 x 128 + 62.
        assert_eq!(oid_bytes(&[2, 100, 3]), [0x81, 0x34, 3]);
        assert_eq!(oid_bytes(&[1, 3, 6, 1, 4, 1, 318]), [0x2b, 6, 1, 4, 1, 0x82, 0x3e]);
    }

    #[test]
    fn the_library_of_the_agent_reads_what_is_written_here() {
        let bindings = [
            Binding { oid: vec![1, 3, 6, 1, 2, 1, 1, 3, 0], value: Bound::Unsigned(0x43, 4_000_000_000) },
            Binding { oid: vec![1, 3, 6, 1, 4, 1, 318, 7], value: Bound::Integer(-1) },
            Binding { oid: vec![1, 3, 6, 1, 4, 1, 318, 8], value: Bound::Text(vec![b'x'; 300]) },
        ];
        let bytes = response(b"public", -77, (0, 0), &bindings);
        let pdu = ::snmp::Pdu::from_bytes(&bytes).unwrap();
        assert_eq!((pdu.req_id, pdu.community, pdu.error_status), (-77, &b"public"[..], 0));
        let read: Vec<_> = pdu.varbinds.map(|(oid, value)| (oid.to_string(), format!("{value:?}"))).collect();
        assert_eq!(read.len(), 3);
        assert_eq!(read[1].0, "1.3.6.1.4.1.318.7");
        assert!(read[0].1.contains("4000000000"), "{}", read[0].1);
        assert!(read[1].1.contains("-1"), "{}", read[1].1);
    }

    proptest::proptest! {
        #[test]
        fn every_number_and_oid_reads_back(
            number: i64, unsigned: u64, tail in proptest::collection::vec(proptest::prelude::any::<u32>(), 1..20),
        ) {
            let oid: Vec<u32> = [1, 3].into_iter().chain(tail).collect();
            let bind = |value| Binding { oid: oid.clone(), value };
            let bytes = response(b"x", 1, (0, 0), &[bind(Bound::Integer(number)), bind(Bound::Unsigned(0x46, unsigned))]);
            let mut read = ::snmp::Pdu::from_bytes(&bytes).unwrap().varbinds;
            let (name, first) = read.next().unwrap();
            let arcs: Vec<u64> = name.iter().unwrap().collect();
            proptest::prop_assert_eq!(arcs, oid.iter().map(|arc| u64::from(*arc)).collect::<Vec<_>>());
            proptest::prop_assert!(matches!(first, ::snmp::Value::Integer(value) if value == number));
            let (_, second) = read.next().unwrap();
            proptest::prop_assert!(matches!(second, ::snmp::Value::Counter64(value) if value == unsigned));
        }
    }
}
