//! Frames of a serial line (MODBUS over Serial Line Specification and Implementation Guide V1.02, 2.5.1): unit, PDU,
//! CRC-16.
//!
//! Such a frame does not say which request it answers, nor, before its end, how long it is. So both come from the request
//! that is open: only what has its unit, its function, the length that was asked for and a right checksum is its answer.
//! What stands before it is noise, an echo, or a late answer of another unit, and is passed over.

use super::codec::{Length, Request};

/// Longest frame: unit, 253 bytes of PDU, checksum (2.5.1.1).
pub const RTU_BYTES_MAX: usize = 256;
const CHECKSUM_BYTES: usize = 2;

/// The checksum of a frame; its low byte is sent first (2.5.1.2 and appendix B).
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc: u16, byte| {
        let index = usize::from((crc ^ u16::from(*byte)) & 0xff);
        (crc >> 8) ^ TABLE[index]
    })
}

/// Remainders of all bytes by the polynomial x^16 + x^15 + x^2 + 1, reflected.
const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0u16; 256];
    let mut n: u16 = 0;
    while n < 256 {
        let (mut crc, mut bit) = (n, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xa001 } else { crc >> 1 };
            bit += 1;
        }
        table[n as usize] = crc;
        n += 1;
    }
    table
}

impl Request {
    /// Appends the frame of this request as a serial line has it.
    pub fn encode_rtu(&self, out: &mut Vec<u8>) {
        let from = out.len();
        out.push(self.unit);
        out.extend_from_slice(self.pdu().bytes());
        let crc = crc16(out.get(from..).unwrap_or_default());
        out.extend_from_slice(&crc.to_le_bytes());
    }

    /// Bytes of that frame.
    pub fn rtu_bytes(&self) -> usize {
        1 + self.pdu().bytes().len() + CHECKSUM_BYTES
    }

    /// Characters that it and its answer take on a line.
    pub fn air_bytes(&self) -> usize {
        self.rtu_bytes() + 1 + self.answer_bytes() + CHECKSUM_BYTES
    }
}

/// What of an answer stands in the bytes that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A whole answer: where it begins, and where what follows it begins.
    Whole {
        /// Its first byte, the unit.
        from: usize,
        /// The byte after its checksum.
        to: usize,
    },
    /// Nothing whole, but the beginning of one, or one whose checksum is wrong.
    Broken,
    /// Nothing that looks like an answer.
    Nothing,
}

/// Looks for the first whole answer to `request`.
pub fn find(request: &Request, bytes: &[u8]) -> Found {
    let mut found = Found::Nothing;
    for from in 0..bytes.len() {
        match answer_at(request, bytes.get(from..).unwrap_or_default()) {
            Found::Whole { to, .. } => return Found::Whole { from, to: from + to },
            Found::Broken => found = Found::Broken,
            Found::Nothing => {}
        }
    }
    found
}

/// Does an answer begin here?
fn answer_at(request: &Request, bytes: &[u8]) -> Found {
    let Some((_, pdu)) = bytes.split_first().filter(|(unit, _)| **unit == request.unit) else {
        return Found::Nothing;
    };
    match request.length(pdu) {
        Length::Known(length) => {
            let end = 1 + length;
            let sum = bytes.get(end..end + CHECKSUM_BYTES);
            let frame = bytes.get(..end).unwrap_or_default();
            let right = sum.is_some_and(|sum| crc16(frame).to_le_bytes() == *sum);
            if right { Found::Whole { from: 0, to: end + CHECKSUM_BYTES } } else { Found::Broken }
        }
        Length::Open => Found::Broken,
        Length::Other => Found::Nothing,
    }
}

/// The PDU of a whole frame.
pub(super) fn pdu(frame: &[u8]) -> &[u8] {
    let end = frame.len().saturating_sub(CHECKSUM_BYTES);
    frame.get(1..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modbus::{Answer, Ask};
    use profile::Function;
    use proptest::prelude::*;

    fn request(unit: u8, count: u16) -> Request {
        Request { unit, ask: Ask::read(Function::Holding, 0, count) }
    }

    fn framed(bytes: &[u8]) -> Vec<u8> {
        [bytes, &crc16(bytes).to_le_bytes()].concat()
    }

    // Independent of the table: the long division of appendix B, bit by bit.
    fn divided(bytes: &[u8]) -> u16 {
        let mut crc = 0xffff_u16;
        for byte in bytes {
            crc ^= u16::from(*byte);
            for _ in 0..8 {
                let carry = crc & 1;
                crc >>= 1;
                if carry == 1 {
                    crc ^= 0xa001;
                }
            }
        }
        crc
    }

    // 02 07 is the example of the specification (6.2.2, figure "CRC-16"): its checksum is 1241 hex, sent as 41 12.
    // "123456789" gives 4B37 hex by the catalogue of parametrised CRC algorithms (CRC-16/MODBUS).
    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc16(&[0x02, 0x07]).to_le_bytes(), [0x41, 0x12]);
        assert_eq!(crc16(b"123456789"), 0x4b37);
        let mut out = Vec::new();
        // The request for 3 registers from 107 of unit 17 in the example of 6.3, as widely printed with its checksum.
        Request { unit: 0x11, ask: Ask::read(Function::Holding, 0x6b, 3) }.encode_rtu(&mut out);
        assert_eq!(out, [0x11, 0x03, 0x00, 0x6b, 0x00, 0x03, 0x76, 0x87]);
    }

    #[test]
    fn an_answer_is_found_behind_noise_and_behind_a_late_answer_of_another_unit_or_length() {
        let right = framed(&[1, 3, 2, 0, 7]);
        for before in [vec![0xff, 0x01, 0x03], framed(&[9, 3, 2, 0, 1]), framed(&[1, 3, 4, 0, 1, 0, 2])] {
            let bytes = [before.clone(), right.clone()].concat();
            let found = find(&request(1, 1), &bytes);
            assert_eq!(found, Found::Whole { from: before.len(), to: bytes.len() }, "{before:?}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_no_answer() {
        let mut bytes = framed(&[1, 3, 2, 0, 7]);
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(find(&request(1, 1), &bytes), Found::Broken);
    }

    #[test]
    fn an_exception_is_found_by_its_own_length() {
        let bytes = framed(&[1, 0x83, 2]);
        assert_eq!(find(&request(1, 100), &bytes), Found::Whole { from: 0, to: 5 });
        assert_eq!(request(1, 100).answer(1, pdu(&bytes)), Ok(Answer::Exception(2)));
    }

    proptest! {
        #[test]
        fn the_table_divides_as_the_long_way_does(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(crc16(&bytes), divided(&bytes));
        }

        #[test]
        fn whatever_comes_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..600), count in 1u16..=125) {
            if let Found::Whole { from, to } = find(&request(1, count), &bytes) {
                prop_assert!(from < to && to <= bytes.len());
                prop_assert_eq!(crc16(&bytes[from..to]), 0, "the remainder of a whole frame is nought");
            }
        }

        #[test]
        fn a_frame_cut_anywhere_is_not_whole_and_one_with_a_flipped_bit_never_passes(
            words in 1u16..=125, seed in any::<u8>(), cut in 0usize..256, bit in 0usize..2048,
        ) {
            let count = u8::try_from(words * 2).unwrap();
            let data = (0..count).map(|n| n.wrapping_mul(31).wrapping_add(seed));
            let frame = framed(&[1, 3, count].into_iter().chain(data).collect::<Vec<u8>>());
            let whole = Found::Whole { from: 0, to: frame.len() };
            prop_assert_eq!(find(&request(1, words), &frame), whole);
            let cut = cut % frame.len();
            prop_assert_ne!(find(&request(1, words), &frame[..cut]), whole);
            let mut flipped = frame.clone();
            let bit = bit % (frame.len() * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(find(&request(1, words), &flipped), whole);
        }
    }
}
