//! BER (ITU-T X.690) as far as SNMP needs it: written from the end, read strictly and within bounds.

/// Tags of X.690 and RFC 3417.
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const OBJECT: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Bytes that are no BER, or not what stands in this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    /// They end too early.
    #[error("the bytes end within a value")]
    Cut,
    /// There is another tag than the one expected.
    #[error("tag {found:#04x} where {expected:#04x} is expected")]
    Tag {
        /// Which there is.
        found: u8,
        /// Which should be.
        expected: u8,
    },
    /// A length or number is longer than any that SNMP has.
    #[error("a length or number is out of range")]
    Range,
}

/// Reads values one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// Place of the first byte in the message.
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The tag of the next value.
    pub(crate) fn peek(&self) -> Result<u8, BerError> {
        self.bytes.first().copied().ok_or(BerError::Cut)
    }

    /// Where the next value begins in the message.
    pub(crate) const fn place(&self) -> usize {
        self.at
    }

    /// What is inside of the next value, which must have this tag.
    pub(crate) fn inside(&mut self, expected: u8) -> Result<Reader<'a>, BerError> {
        let found = self.peek()?;
        if found != expected {
            return Err(BerError::Tag { found, expected });
        }
        let (head, length) = self.length()?;
        let end = head.checked_add(length).ok_or(BerError::Range)?;
        let content = self.bytes.get(head..end).ok_or(BerError::Cut)?;
        let inside = Reader { bytes: content, at: self.at + head };
        self.bytes = self.bytes.get(end..).unwrap_or_default();
        self.at += end;
        Ok(inside)
    }

    /// Bytes of tag and length of the next value, and its length. Up to four bytes say the length; no packet is longer.
    fn length(&self) -> Result<(usize, usize), BerError> {
        let first = usize::from(*self.bytes.get(1).ok_or(BerError::Cut)?);
        if first < 0x80 {
            return Ok((2, first));
        }
        let count = first & 0x7f;
        if !(1..=4).contains(&count) {
            return Err(BerError::Range);
        }
        let digits = self.bytes.get(2..2 + count).ok_or(BerError::Cut)?;
        Ok((2 + count, digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))))
    }

    /// The bytes of the next value, which must have this tag.
    pub(crate) fn bytes(&mut self, tag: u8) -> Result<&'a [u8], BerError> {
        self.inside(tag).map(|inside| inside.bytes)
    }

    /// A whole number.
    pub(crate) fn integer(&mut self) -> Result<i64, BerError> {
        let bytes = self.bytes(INTEGER)?;
        let first = *bytes.first().ok_or(BerError::Cut)?;
        if bytes.len() > 8 {
            return Err(BerError::Range);
        }
        let sign = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(bytes.iter().fold(sign, |number: i64, byte| number << 8 | i64::from(*byte)))
    }

    /// A whole number of a type that has less room.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, BerError> {
        T::try_from(self.integer()?).map_err(|_| BerError::Range)
    }

    /// What was not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Bytes in reverse order: every length stands before what it counts.
#[derive(Debug, Default)]
pub(crate) struct Backwards(Vec<u8>);

impl Backwards {
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(bytes.iter().rev());
    }

    /// Tag and length of all that was written since `since`.
    pub(crate) fn wrap(&mut self, tag: u8, since: usize) {
        let length = self.0.len() - since;
        let mut digits = length.to_be_bytes().to_vec();
        digits.drain(..digits.iter().take_while(|digit| **digit == 0).count());
        match *digits.as_slice() {
            [] => self.0.push(0),
            [short] if short < 0x80 => self.0.push(short),
            _ => {
                self.bytes(&digits);
                self.0.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
            }
        }
        self.0.push(tag);
    }

    /// A value of these bytes.
    pub(crate) fn value(&mut self, tag: u8, bytes: &[u8]) {
        let since = self.len();
        self.bytes(bytes);
        self.wrap(tag, since);
    }

    /// A whole number from 0 on, in as few bytes as it needs.
    pub(crate) fn natural(&mut self, number: u32) {
        let bytes = i64::from(number).to_be_bytes();
        // A number begins with a bit that says its sign.
        let spare = bytes.windows(2).take_while(|pair| pair[0] == 0 && pair[1] & 0x80 == 0).count();
        self.value(INTEGER, bytes.get(spare..).unwrap_or_default());
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.reverse();
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_with_their_signs() {
        let number = |bytes: &[u8]| Reader::new(bytes).integer();
        assert_eq!(number(&[2, 1, 0x7f]), Ok(127));
        assert_eq!(number(&[2, 2, 0, 0x80]), Ok(128));
        assert_eq!(number(&[2, 1, 0xff]), Ok(-1));
        assert_eq!(number(&[2, 4, 0x80, 0, 0, 0]), Ok(-2_147_483_648));
        assert_eq!(number(&[2, 0]), Err(BerError::Cut));
        assert_eq!(number(&[2, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1]), Err(BerError::Range));
        assert_eq!(number(&[4, 1, 0]), Err(BerError::Tag { found: 4, expected: 2 }));
    }

    #[test]
    fn lengths_beyond_what_is_there_are_refused() {
        let inside = |bytes: &[u8]| Reader::new(bytes).bytes(OCTETS).map(<[u8]>::to_vec);
        assert_eq!(inside(&[4, 2, 1]), Err(BerError::Cut));
        assert_eq!(inside(&[4, 0x80, 1]), Err(BerError::Range));
        assert_eq!(inside(&[4, 0x84, 0xff, 0xff, 0xff, 0xff, 0]), Err(BerError::Cut));
        assert_eq!(inside(&[4, 0x82, 0, 1, 7]), Ok(vec![7]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(number in any::<u32>(), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut out = Backwards::default();
            out.value(OCTETS, &bytes);
            out.natural(number);
            out.wrap(SEQUENCE, 0);
            let written = out.finish();
            let mut inside = Reader::new(&written).inside(SEQUENCE).unwrap();
            prop_assert_eq!(inside.integer().unwrap(), i64::from(number));
            let place = inside.place();
            prop_assert_eq!(inside.bytes(OCTETS).unwrap(), bytes.as_slice());
            prop_assert_eq!(written[place], OCTETS);
            prop_assert!(inside.rest().is_empty());
        }
    }
}
