//! Small numbers as few bytes, and reading them back without trust.

use crate::CodecError;

/// Appends 7 bits a byte, lowest first; the top bit says that more follow (LEB128).
pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_byte(number) | 0x80);
        number >>= 7;
    }
    out.push(low_byte(number));
}

/// Appends a number that may be negative, near zero in few bytes.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, zigzag(number));
}

/// Appends a length.
pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    put(out, u64::try_from(len).expect("a length in memory fits into 64 bits"));
}

#[allow(clippy::cast_possible_truncation, reason = "the lowest byte is what is wanted")]
const fn low_byte(number: u64) -> u8 {
    number as u8
}

/// 0, -1, 1, -2, ... to 0, 1, 2, 3, ...
pub(crate) const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'b> {
    rest: &'b [u8],
}

impl<'b> Input<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn rest(&self) -> &'b [u8] {
        self.rest
    }

    pub(crate) fn byte(&mut self, what: &'static str) -> Result<u8, CodecError> {
        let (first, rest) = self.rest.split_first().ok_or(CodecError::Short { what })?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn take(&mut self, what: &'static str, len: usize) -> Result<&'b [u8], CodecError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(CodecError::Short { what })?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn number(&mut self, what: &'static str) -> Result<u64, CodecError> {
        if let Some((first, rest)) = self.rest.split_first()
            && *first < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(*first));
        }
        self.long_number(what)
    }

    fn long_number(&mut self, what: &'static str) -> Result<u64, CodecError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(CodecError::impossible(what, u64::MAX, "a number of 64 bits"))
    }

    pub(crate) fn signed(&mut self, what: &'static str) -> Result<i64, CodecError> {
        self.number(what).map(unzigzag)
    }

    /// A number that must not pass `most`.
    pub(crate) fn bounded(&mut self, what: &'static str, most: usize) -> Result<usize, CodecError> {
        let number = self.number(what)?;
        usize::try_from(number)
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| CodecError::impossible(what, number, "within its bound"))
    }

    pub(crate) fn end(&self, what: &'static str) -> Result<(), CodecError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(CodecError::impossible(what, self.rest.len() as u64, "no bytes after it"))
    }
}

/// Appends the CRC-32C over the row's key and all bytes so far, so that a blob in the wrong row is found out.
pub(crate) fn seal(key: i64, out: &mut Vec<u8>) {
    let crc = checksum(key, out);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Checks and removes what [`seal`] appended.
pub(crate) fn unseal(key: i64, bytes: &[u8]) -> Result<Input<'_>, CodecError> {
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(CodecError::Short { what: "checksum" })?;
    let (found, expected) = (checksum(key, body), u32::from_le_bytes(*crc));
    if found == expected { Ok(Input::new(body)) } else { Err(CodecError::Checksum { found, expected }) }
}

fn checksum(key: i64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&key.to_le_bytes()), bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_read_back(numbers: Vec<i64>) {
            let mut out = Vec::new();
            for number in &numbers {
                put_signed(&mut out, *number);
            }
            let mut input = Input::new(&out);
            for number in numbers {
                prop_assert_eq!(input.signed("number"), Ok(number));
            }
            prop_assert_eq!(input.end("numbers"), Ok(()));
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        for bytes in
            [[0xff; 10].as_slice(), &[0x80; 3], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]]
        {
            assert!(Input::new(bytes).number("number").is_err(), "{bytes:?}");
        }
    }
}
