//! Frames of Modbus TCP (MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3; MODBUS Application Protocol
//! V1.1b3, 6.1 to 6.4 and 7).

use profile::Function;

/// Largest frame: 7 bytes of header and 253 of PDU (Implementation Guide V1.0b, 3.1.3; Application Protocol 4.1).
pub const FRAME_BYTES_MAX: usize = 260;
/// Transaction, protocol, length: what stands before the bytes that `length` counts.
const PREFIX_BYTES: usize = 6;
/// Bytes of a read request, header included.
const REQUEST_BYTES: usize = 12;

/// One read of consecutive registers or bits. [`Function`] has no variant that writes, and none can be expressed
/// (promise 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Unit id behind the address.
    pub unit: u8,
    /// Which registers.
    pub function: Function,
    /// First register, 0-based protocol address.
    pub address: u16,
    /// How many, 1 to [`Function::count_max`].
    pub count: u16,
}

impl Request {
    /// Appends the frame of this request.
    pub fn encode(&self, transaction: u16, out: &mut Vec<u8>) {
        let [t0, t1] = transaction.to_be_bytes();
        let [a0, a1] = self.address.to_be_bytes();
        let [w0, w1] = self.count.to_be_bytes();
        let frame: [u8; REQUEST_BYTES] =
            [t0, t1, 0, 0, 0, 6, self.unit, self.function.code(), a0, a1, w0, w1];
        out.extend_from_slice(&frame);
    }

    /// Does `frame` answer this request, and how?
    ///
    /// # Errors
    /// If unit, function or length are not those that were asked for.
    pub fn answer<'a>(&self, frame: &Frame<'a>) -> Result<Answer<'a>, Reject> {
        if frame.unit != self.unit {
            return Err(Reject::Unit { asked: self.unit, found: frame.unit });
        }
        let code = self.function.code();
        match *frame.pdu {
            [found, exception] if found == code | 0x80 => Ok(Answer::Exception(exception)),
            [found, count, ref data @ ..] if found == code => self.data(count, data),
            [found, ..] => Err(Reject::Function { asked: code, found }),
            [] => Err(Reject::Short { asked: self.count, bytes: 0 }),
        }
    }

    /// Bytes of data that a whole answer holds.
    const fn data_bytes(self) -> usize {
        let count = self.count as usize;
        if self.function.reads_bits() { count.div_ceil(8) } else { count * 2 }
    }

    /// The registers of an answer, or its bits, one in each word.
    pub fn words(&self, data: &[u8], words: &mut Vec<u16>) {
        words.clear();
        if self.function.reads_bits() {
            let bits = data.iter().flat_map(|byte| (0..8).map(move |bit| u16::from(byte >> bit & 1)));
            words.extend(bits.take(usize::from(self.count)));
        } else {
            words.extend(data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])));
        }
    }

    fn data(self, count: u8, data: &[u8]) -> Result<Answer<'_>, Reject> {
        let asked = self.data_bytes();
        if data.len() == asked && usize::from(count) == asked {
            return Ok(Answer::Data(data));
        }
        if data.len() < asked {
            return Err(Reject::Short { asked: self.count, bytes: data.len() });
        }
        Err(Reject::Long { asked: self.count, bytes: data.len() })
    }
}

/// What a device answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The data, to be read by [`Request::words`].
    Data(&'a [u8]),
    /// The device refused with this exception code: a healthy exchange without a value.
    Exception(u8),
}

/// A frame that does not answer the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Another unit.
    #[error("unit {found} answered, unit {asked} was asked")]
    Unit {
        /// Who was asked.
        asked: u8,
        /// Who answered.
        found: u8,
    },
    /// Another function.
    #[error("answer to function {found}, function {asked} was asked")]
    Function {
        /// The function code that was asked.
        asked: u8,
        /// The one that was answered.
        found: u8,
    },
    /// Fewer registers or bits.
    #[error("{bytes} bytes answered, {asked} registers or bits were asked")]
    Short {
        /// Registers or bits asked.
        asked: u16,
        /// Bytes that came.
        bytes: usize,
    },
    /// More of them, or a byte count that contradicts the length.
    #[error("{bytes} bytes answered or a wrong count, {asked} registers or bits were asked")]
    Long {
        /// Registers or bits asked.
        asked: u16,
        /// Bytes that came.
        bytes: usize,
    },
}

/// A whole frame, not yet matched with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Transaction id.
    pub transaction: u16,
    /// Unit id.
    pub unit: u8,
    /// Function code and what follows.
    pub pdu: &'a [u8],
}

/// Bytes that can be no frame; the connection cannot be followed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The protocol id is not 0.
    #[error("protocol id {0}, expected 0")]
    Protocol(u16),
    /// The length is one that no frame has.
    #[error("length {0}, expected 2 to 254")]
    Length(u16),
}

/// Takes the first frame off `bytes`; `None` while it is not whole. The second value is what it takes up.
///
/// # Errors
/// If the header is one that Modbus TCP does not have.
pub fn split_frame(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((&[t0, t1, p0, p1, l0, l1], rest)) = bytes.split_first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let protocol = u16::from_be_bytes([p0, p1]);
    if protocol != 0 {
        return Err(FrameError::Protocol(protocol));
    }
    let length = u16::from_be_bytes([l0, l1]);
    let counted = usize::from(length);
    if !(2..=FRAME_BYTES_MAX - PREFIX_BYTES).contains(&counted) {
        return Err(FrameError::Length(length));
    }
    let Some(([unit, pdu @ ..], _)) = rest.split_at_checked(counted) else { return Ok(None) };
    let frame = Frame { transaction: u16::from_be_bytes([t0, t1]), unit: *unit, pdu };
    Ok(Some((frame, PREFIX_BYTES + counted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REQUEST: Request = Request { unit: 0x11, function: Function::Holding, address: 0x006b, count: 3 };

    fn frame(bytes: &[u8]) -> (Frame<'_>, usize) {
        split_frame(bytes).unwrap().unwrap()
    }

    // The example of the Application Protocol V1.1b3, 6.3: registers 108 to 110 hold 022B, 0000, 0064 hex.
    #[test]
    fn the_example_of_the_specification_is_asked_and_answered() {
        let mut out = Vec::new();
        REQUEST.encode(0x1501, &mut out);
        assert_eq!(out, [0x15, 0x01, 0, 0, 0, 6, 0x11, 3, 0, 0x6b, 0, 3]);
        let answer = [0x15, 0x01, 0, 0, 0, 9, 0x11, 3, 6, 0x02, 0x2b, 0, 0, 0, 0x64, 0xff];
        let (frame, used) = frame(&answer);
        assert_eq!((frame.transaction, used), (0x1501, 15));
        assert_eq!(REQUEST.answer(&frame), Ok(Answer::Data(&[0x02, 0x2b, 0, 0, 0, 0x64])));
    }

    // The example of 6.1: coils 20 to 38 are CD 6B 05 hex, the lowest bit first.
    #[test]
    fn bits_come_one_in_each_word_lowest_first() {
        let request = Request { unit: 1, function: Function::Coils, address: 0x13, count: 19 };
        let (frame, _) = frame(&[0, 1, 0, 0, 0, 6, 1, 1, 3, 0xcd, 0x6b, 0x05]);
        let Ok(Answer::Data(data)) = request.answer(&frame) else { panic!("no data") };
        let mut words = Vec::new();
        request.words(data, &mut words);
        assert_eq!(words, [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn an_exception_is_an_answer_and_no_value() {
        let (frame, _) = frame(&[0, 1, 0, 0, 0, 3, 0x11, 0x83, 2]);
        assert_eq!(REQUEST.answer(&frame), Ok(Answer::Exception(2)));
    }

    #[test]
    fn an_answer_from_elsewhere_or_of_another_size_is_refused() {
        let asked = |bytes: &[u8]| REQUEST.answer(&frame(bytes).0).map(|_| ()).unwrap_err();
        assert_eq!(
            asked(&[0, 1, 0, 0, 0, 9, 9, 3, 6, 0, 0, 0, 0, 0, 0]),
            Reject::Unit { asked: 17, found: 9 }
        );
        assert_eq!(
            asked(&[0, 1, 0, 0, 0, 9, 17, 4, 6, 0, 0, 0, 0, 0, 0]),
            Reject::Function { asked: 3, found: 4 }
        );
        assert_eq!(asked(&[0, 1, 0, 0, 0, 7, 17, 3, 4, 0, 0, 0, 0]), Reject::Short { asked: 3, bytes: 4 });
        assert_eq!(
            asked(&[0, 1, 0, 0, 0, 9, 17, 3, 8, 0, 0, 0, 0, 0, 0]),
            Reject::Long { asked: 3, bytes: 6 }
        );
    }

    #[test]
    fn a_header_that_no_frame_has_ends_the_connection() {
        assert_eq!(split_frame(&[0, 1, 0, 1, 0, 3, 1, 3, 0]), Err(FrameError::Protocol(1)));
        assert_eq!(split_frame(&[0, 1, 0, 0, 0, 1, 1]), Err(FrameError::Length(1)));
        assert_eq!(split_frame(&[0, 1, 0, 0, 0, 255, 1]), Err(FrameError::Length(255)));
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_panics_and_no_more_is_taken_than_there_is(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            if let Ok(Some((frame, used))) = split_frame(&bytes) {
                prop_assert!(used <= bytes.len() && used <= FRAME_BYTES_MAX);
                if let Ok(Answer::Data(data)) = REQUEST.answer(&frame) {
                    prop_assert_eq!(data.len(), 6);
                }
            }
        }

        #[test]
        fn a_frame_cut_anywhere_waits_for_the_rest(words in 1u16..=125, cut in 0usize..259) {
            let count = u8::try_from(words * 2).unwrap();
            let mut bytes = vec![0, 7, 0, 0, 0, count + 3, 1, 4, count];
            bytes.extend(std::iter::repeat_n(0xaa, usize::from(count)));
            let cut = cut.min(bytes.len() - 1);
            prop_assert_eq!(split_frame(&bytes[..cut]), Ok(None));
            let request = Request { unit: 1, function: Function::Input, address: 0, count: words };
            let (frame, used) = split_frame(&bytes).unwrap().unwrap();
            prop_assert_eq!(used, bytes.len());
            prop_assert_eq!(request.answer(&frame), Ok(Answer::Data(&bytes[9..])));
        }
    }
}
