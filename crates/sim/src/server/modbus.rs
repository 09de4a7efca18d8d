//! Modbus TCP as a device speaks it: requests out of a stream of bytes, answers into bytes (Modbus Messaging on TCP/IP
//! Implementation Guide V1.0b; Modbus Application Protocol V1.1b3).

/// Bytes before the protocol data unit: transaction, protocol, length, unit.
const HEADER: usize = 7;
/// Bytes of a reading request on a serial line: unit, function, address, count, checksum.
const RTU_REQUEST: usize = 8;
/// Longest protocol data unit.
const PDU_MAX: usize = 253;
/// Most registers of one answer.
const REGISTERS_MAX: u16 = 125;
/// Most bits of one answer.
const BITS_MAX: u16 = 2000;

/// Exception codes of the specification.
pub(crate) mod exception {
    /// The device does not know the function.
    pub(crate) const ILLEGAL_FUNCTION: u8 = 1;
    /// The device has no such address.
    pub(crate) const ILLEGAL_ADDRESS: u8 = 2;
    /// A count that cannot be.
    pub(crate) const ILLEGAL_VALUE: u8 = 3;
    /// The gateway got no answer from the unit.
    pub(crate) const GATEWAY_NO_RESPONSE: u8 = 11;
}

/// A request as far as a reader can make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) transaction: u16,
    pub(crate) unit: u8,
    pub(crate) function: u8,
    /// First register or bit and how many; `None` if the function is none that reads them.
    pub(crate) range: Option<(u16, u16)>,
}

/// What stands at the beginning of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// Less than a request.
    Incomplete,
    /// A request and the bytes that it takes.
    Request(Request, usize),
    /// No Modbus: a device closes the connection.
    Broken,
}

/// Looks for a request at the beginning of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Parsed {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Parsed::Incomplete };
    let [t1, t0, p1, p0, l1, l0, unit] = *header;
    let pdu = usize::from(u16::from_be_bytes([l1, l0])).wrapping_sub(1);
    if (p1, p0) != (0, 0) || pdu == 0 || pdu > PDU_MAX {
        return Parsed::Broken;
    }
    let Some(pdu_bytes) = rest.get(..pdu) else { return Parsed::Incomplete };
    let Some((function, data)) = pdu_bytes.split_first() else { return Parsed::Broken };
    let range = match (*function, data) {
        (1..=4, [a1, a0, n1, n0]) => Some((u16::from_be_bytes([*a1, *a0]), u16::from_be_bytes([*n1, *n0]))),
        (1..=4, _) => return Parsed::Broken,
        _ => None,
    };
    let transaction = u16::from_be_bytes([t1, t0]);
    Parsed::Request(Request { transaction, unit, function: *function, range }, HEADER + pdu)
}

/// Looks for a request as a serial line has it (MODBUS over Serial Line V1.02, 2.5.1): only the reading functions, all
/// of which are eight bytes long. Anything else is noise to a device on a line, which says nothing
/// then.
pub(crate) fn parse_rtu(bytes: &[u8]) -> Parsed {
    let Some((frame, _)) = bytes.split_first_chunk::<RTU_REQUEST>() else { return Parsed::Incomplete };
    let [unit, function, a1, a0, n1, n0, c0, c1] = *frame;
    let is_whole = checksum(&frame[..RTU_REQUEST - 2]) == u16::from_le_bytes([c0, c1]);
    if !is_whole || !(1..=4).contains(&function) {
        return Parsed::Broken;
    }
    let range = Some((u16::from_be_bytes([a1, a0]), u16::from_be_bytes([n1, n0])));
    Parsed::Request(Request { transaction: 0, unit, function, range }, RTU_REQUEST)
}

/// Makes the frame of a serial line of one of TCP.
pub(crate) fn into_rtu(answer: &mut Vec<u8>) {
    answer.drain(..HEADER - 1);
    answer.extend(checksum(answer).to_le_bytes());
}

/// CRC-16 by the polynomial x^16 + x^15 + x^2 + 1, reflected, begun with ones (2.5.1.2).
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum: u16, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xa001 } else { sum >> 1 })
    })
}

/// What may be asked for at once: first address and count, or the exception that says no.
pub(crate) fn checked_range(request: &Request) -> Result<(u16, u16), u8> {
    let (start, count) = request.range.ok_or(exception::ILLEGAL_FUNCTION)?;
    let most = if request.function <= 2 { BITS_MAX } else { REGISTERS_MAX };
    if count == 0 || count > most {
        return Err(exception::ILLEGAL_VALUE);
    }
    if u32::from(start) + u32::from(count) > 0x1_0000 {
        return Err(exception::ILLEGAL_ADDRESS);
    }
    Ok((start, count))
}

/// Appends an answer with registers; for functions 1 and 2 each word is one bit.
pub(crate) fn push_answer(request: &Request, words: &[u16], out: &mut Vec<u8>) {
    if request.function <= 2 {
        let packed = words.chunks(8).map(|bits| {
            bits.iter().enumerate().filter(|(_, bit)| **bit != 0).fold(0u8, |byte, (n, _)| byte | 1 << n)
        });
        push_frame(request, request.function, words.len().div_ceil(8), packed, out);
    } else {
        let bytes = words.iter().flat_map(|word| word.to_be_bytes());
        push_frame(request, request.function, words.len() * 2, bytes, out);
    }
}

fn push_frame(
    request: &Request,
    function: u8,
    count: usize,
    data: impl Iterator<Item = u8>,
    out: &mut Vec<u8>,
) {
    let count = u8::try_from(count).expect("at most 125 registers or 2000 bits, 250 bytes");
    out.extend_from_slice(&request.transaction.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&(u16::from(count) + 3).to_be_bytes());
    out.extend_from_slice(&[request.unit, function, count]);
    out.extend(data);
}

/// Appends an exception.
pub(crate) fn push_exception(request: &Request, code: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&request.transaction.to_be_bytes());
    out.extend_from_slice(&[0, 0, 0, 3, request.unit, request.function | 0x80, code]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the application protocol, 6.3: read holding registers 108 to 110 (address 107 = 0x6b, 3 of them).
    const READ: [u8; 12] = [0, 1, 0, 0, 0, 6, 0x11, 3, 0, 0x6b, 0, 3];

    #[test]
    fn the_example_of_the_specification_is_read_and_answered() {
        let Parsed::Request(request, used) = parse(&READ) else { panic!("not read") };
        assert_eq!((request.unit, request.function, request.range, used), (0x11, 3, Some((107, 3)), 12));
        let mut out = Vec::new();
        push_answer(&request, &[0x022b, 0, 0x64], &mut out);
        assert_eq!(out, [0, 1, 0, 0, 0, 9, 0x11, 3, 6, 2, 0x2b, 0, 0, 0, 0x64]);
    }

    #[test]
    fn a_request_of_a_serial_line_is_read_and_answered_with_its_checksum() {
        // Holding register 0x0000 of unit 1, ten of them: 01 03 00 00 00 0A C5 CD, as many manuals show it.
        let bytes = [1, 3, 0, 0, 0, 10, 0xc5, 0xcd];
        let Parsed::Request(request, 8) = parse_rtu(&bytes) else { panic!("not read") };
        assert_eq!((request.unit, request.range), (1, Some((0, 10))));
        assert_eq!(parse_rtu(&bytes[..7]), Parsed::Incomplete);
        assert_eq!(parse_rtu(&[1, 3, 0, 0, 0, 10, 0xc5, 0xcc]), Parsed::Broken);
        // The exception 2 to that function: 01 83 02 C0 F1.
        let mut answer = Vec::new();
        push_exception(&request, 2, &mut answer);
        into_rtu(&mut answer);
        assert_eq!(answer, [1, 0x83, 2, 0xc0, 0xf1]);
    }

    #[test]
    fn bits_are_packed_from_the_lowest() {
        // Application protocol 6.1: coils 20 to 38 read as cd 6b 05.
        let request = Request { transaction: 0, unit: 1, function: 1, range: Some((19, 19)) };
        let bits = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1];
        let mut out = Vec::new();
        push_answer(&request, &bits, &mut out);
        assert_eq!(out[8..], [3, 0xcd, 0x6b, 5]);
    }

    #[test]
    fn a_piece_of_a_request_waits_and_nonsense_is_broken() {
        for end in 0..READ.len() {
            assert_eq!(parse(&READ[..end]), Parsed::Incomplete);
        }
        assert_eq!(parse(b"GET / HTTP/1.1\r\n"), Parsed::Broken);
        assert_eq!(parse(&[0, 1, 0, 0, 0, 1, 1, 3]), Parsed::Broken);
        assert_eq!(parse(&[0, 1, 0, 0, 0xff, 0xff, 1, 3]), Parsed::Broken);
    }

    #[test]
    fn what_cannot_be_asked_gets_its_exception() {
        let request = |function, range| Request { transaction: 0, unit: 1, function, range };
        assert_eq!(checked_range(&request(6, None)), Err(exception::ILLEGAL_FUNCTION));
        assert_eq!(checked_range(&request(3, Some((0, 126)))), Err(exception::ILLEGAL_VALUE));
        assert_eq!(checked_range(&request(3, Some((0, 0)))), Err(exception::ILLEGAL_VALUE));
        assert_eq!(checked_range(&request(3, Some((65_535, 2)))), Err(exception::ILLEGAL_ADDRESS));
        assert_eq!(checked_range(&request(1, Some((0, 2000)))), Ok((0, 2000)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic_or_take_more_than_there_is(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        ) {
            if let Parsed::Request(_, used) = parse(&bytes) {
                proptest::prop_assert!(used <= bytes.len());
            }
        }

        #[test]
        fn what_was_asked_is_answered_with_its_number_and_as_many_registers(
            transaction: u16, unit: u8, start in 0u16..60_000, count in 1u16..=125,
        ) {
            let [t1, t0] = transaction.to_be_bytes();
            let ([a1, a0], [n1, n0]) = (start.to_be_bytes(), count.to_be_bytes());
            let bytes = [t1, t0, 0, 0, 0, 6, unit, 3, a1, a0, n1, n0];
            let Parsed::Request(request, 12) = parse(&bytes) else { panic!("not read") };
            proptest::prop_assert_eq!(checked_range(&request), Ok((start, count)));
            let mut out = Vec::new();
            push_answer(&request, &vec![7; usize::from(count)], &mut out);
            proptest::prop_assert_eq!(&out[..2], &[t1, t0][..]);
            proptest::prop_assert_eq!(out.len(), 9 + 2 * usize::from(count));
            proptest::prop_assert_eq!(usize::from(u16::from_be_bytes([out[4], out[5]])), out.len() - 6);
        }
    }
}
