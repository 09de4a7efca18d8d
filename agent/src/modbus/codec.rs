//! Frames of Modbus TCP (MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3; MODBUS Application Protocol
//! V1.1b3, 6.1 to 6.4 and 7).

use profile::{Block, Function};

/// Largest frame: 7 bytes of header and 253 of PDU (Implementation Guide V1.0b, 3.1.3; Application Protocol 4.1).
pub const FRAME_BYTES_MAX: usize = 260;
/// Transaction, protocol, length: what stands before the bytes that `length` counts.
const PREFIX_BYTES: usize = 6;
/// Longest PDU of a request: that for a file record.
const REQUEST_PDU_MAX: usize = 9;
/// A sub-request of a file record reads always by reference type 6 (Application Protocol, 6.14).
const REFERENCE_TYPE: u8 = 6;
/// MODBUS encapsulated interface: read device identification (6.21).
const IDENTIFY: [u8; 2] = [0x2b, 0x0e];
/// Exceptions by which a gateway says that the unit behind it does not answer: path unavailable, target failed to respond
/// (Application Protocol, 7).
pub const DEVICE_SILENT: [u8; 2] = [0x0a, 0x0b];
/// Bytes of an identification before its objects: function, interface, access, conformity, more, next, how many.
const IDENTITY_HEAD: usize = 7;

/// A question to one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Unit id behind the address.
    pub unit: u8,
    /// What it is asked.
    pub ask: Ask,
}

/// What a unit is asked. There is no variant that writes, and none can be expressed (promise 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Consecutive registers, bits or records.
    Read {
        /// Which of them.
        function: Function,
        /// The file, for [`Function::FileRecord`]; 0 for all else.
        file: u16,
        /// First register, 0-based protocol address; first record of a file.
        address: u16,
        /// How many, 1 to [`Function::count_max`].
        count: u16,
    },
    /// Who are you? Function 43, interface 14.
    Identify {
        /// Which objects.
        access: Access,
        /// The first one, or the only one.
        object: u8,
    },
}

impl Ask {
    /// Reads registers or bits.
    pub const fn read(function: Function, address: u16, count: u16) -> Self {
        Self::Read { function, file: 0, address, count }
    }

    /// Reads what a block of a plan says.
    pub const fn of(block: &Block) -> Self {
        let Block { function, file, start, count, .. } = *block;
        Self::Read { function, file, address: start, count }
    }
}

/// Which objects of an identification are asked for (6.21, "Read Device ID code").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Maker, product code, revision.
    Basic,
    /// Also address of the maker, product name, model name, name of the application.
    Regular,
    /// Also those that only the maker knows, from 0x80 on.
    Extended,
    /// One object.
    One,
}

impl Access {
    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Basic => 1,
            Self::Regular => 2,
            Self::Extended => 3,
            Self::One => 4,
        }
    }
}

/// The PDU of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pdu {
    bytes: [u8; REQUEST_PDU_MAX],
    length: usize,
}

impl Pdu {
    fn new<const N: usize>(bytes: [u8; N]) -> Self {
        let mut pdu = Self { bytes: [0; REQUEST_PDU_MAX], length: N.min(REQUEST_PDU_MAX) };
        pdu.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        pdu
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// How long an answer is, told by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// So many bytes of PDU.
    Known(usize),
    /// More has to come to tell.
    Open,
    /// It is not the beginning of an answer to this request.
    Other,
}

impl Request {
    pub(super) fn pdu(&self) -> Pdu {
        match self.ask {
            Ask::Read { function: Function::FileRecord, file, address, count } => {
                let ([f0, f1], [a0, a1], [c0, c1]) =
                    (file.to_be_bytes(), address.to_be_bytes(), count.to_be_bytes());
                Pdu::new([Function::FileRecord.code(), 7, REFERENCE_TYPE, f0, f1, a0, a1, c0, c1])
            }
            Ask::Read { function, address, count, .. } => {
                let ([a0, a1], [c0, c1]) = (address.to_be_bytes(), count.to_be_bytes());
                Pdu::new([function.code(), a0, a1, c0, c1])
            }
            Ask::Identify { access, object } => Pdu::new([IDENTIFY[0], IDENTIFY[1], access.code(), object]),
        }
    }

    /// Appends the frame of this request as Modbus TCP has it.
    pub fn encode(&self, transaction: u16, out: &mut Vec<u8>) {
        let pdu = self.pdu();
        let [t0, t1] = transaction.to_be_bytes();
        let counted = u8::try_from(pdu.length + 1).unwrap_or(u8::MAX);
        out.extend_from_slice(&[t0, t1, 0, 0, 0, counted, self.unit]);
        out.extend_from_slice(pdu.bytes());
    }

    /// Its function code.
    pub const fn code(&self) -> u8 {
        match self.ask {
            Ask::Read { function, .. } => function.code(),
            Ask::Identify { .. } => IDENTIFY[0],
        }
    }

    /// What stands at its beginning, for messages: the first register, or the first object.
    pub const fn start(&self) -> u16 {
        match self.ask {
            Ask::Read { address, .. } => address,
            Ask::Identify { object, .. } => object as u16,
        }
    }

    const fn count(&self) -> u16 {
        match self.ask {
            Ask::Read { count, .. } => count,
            Ask::Identify { .. } => 1,
        }
    }

    /// Does this PDU from `unit` answer this request, and how?
    ///
    /// # Errors
    /// If unit, function or length are not those that were asked for.
    pub fn answer<'a>(&self, unit: u8, pdu: &'a [u8]) -> Result<Answer<'a>, Reject> {
        if unit != self.unit {
            return Err(Reject::Unit { asked: self.unit, found: unit });
        }
        let code = self.code();
        match *pdu {
            [found, exception] if found == code | 0x80 => Ok(Answer::Exception(exception)),
            [found, ..] if found == code => self.data(pdu),
            [found, ..] => Err(Reject::Function { asked: code, found }),
            [] => Err(Reject::Short { asked: self.count(), bytes: 0 }),
        }
    }

    fn data<'a>(&self, pdu: &'a [u8]) -> Result<Answer<'a>, Reject> {
        let from = self.head_bytes();
        let bytes = pdu.len().saturating_sub(from);
        match self.length(pdu) {
            Length::Known(length) if length == pdu.len() => {
                Ok(Answer::Data(pdu.get(from..).unwrap_or_default()))
            }
            Length::Known(length) if length > pdu.len() => Err(Reject::Short { asked: self.count(), bytes }),
            Length::Other if bytes >= self.data_bytes() => Err(Reject::Long { asked: self.count(), bytes }),
            Length::Known(_) => Err(Reject::Long { asked: self.count(), bytes }),
            Length::Open | Length::Other => Err(Reject::Short { asked: self.count(), bytes }),
        }
    }

    /// How long the answer is that begins with these bytes, from the function code on.
    pub(super) fn length(&self, pdu: &[u8]) -> Length {
        let code = self.code();
        match *pdu {
            [] => Length::Open,
            [found, ..] if found == code | 0x80 => Length::Known(2),
            [found, ..] if found != code => Length::Other,
            _ => match self.ask {
                Ask::Read { .. } => head_matches(pdu, &self.head(), self.data_bytes()),
                Ask::Identify { access, .. } => identity_length(pdu, access),
            },
        }
    }

    /// What stands before the data of an answer.
    fn head(&self) -> Pdu {
        let data = u8::try_from(self.data_bytes()).unwrap_or(u8::MAX);
        match self.ask {
            Ask::Read { function: Function::FileRecord, .. } => {
                let record = data.saturating_add(1);
                Pdu::new([self.code(), record.saturating_add(1), record, REFERENCE_TYPE])
            }
            _ => Pdu::new([self.code(), data]),
        }
    }

    fn head_bytes(&self) -> usize {
        // An identification is handed on with all that its head says.
        if matches!(self.ask, Ask::Identify { .. }) { IDENTIFY.len() } else { self.head().length }
    }

    /// Bytes of data that a whole answer holds; 0 where the answer itself says it.
    pub(super) const fn data_bytes(&self) -> usize {
        match self.ask {
            Ask::Read { function, count, .. } if function.reads_bits() => (count as usize).div_ceil(8),
            Ask::Read { count, .. } => count as usize * 2,
            Ask::Identify { .. } => 0,
        }
    }

    /// Bytes of PDU that a whole answer has, as far as it can be said beforehand.
    pub(super) fn answer_bytes(&self) -> usize {
        match self.ask {
            Ask::Read { .. } => self.head().length + self.data_bytes(),
            // As long as it may get.
            Ask::Identify { .. } => FRAME_BYTES_MAX - PREFIX_BYTES - 1,
        }
    }

    /// The registers of an answer; of bits one in each word, of an identification one byte in each word.
    pub fn words(&self, data: &[u8], words: &mut Vec<u16>) {
        words.clear();
        match self.ask {
            Ask::Read { function, count, .. } if function.reads_bits() => {
                let bits = data.iter().flat_map(|byte| (0..8).map(move |bit| u16::from(byte >> bit & 1)));
                words.extend(bits.take(usize::from(count)));
            }
            Ask::Read { .. } => {
                words.extend(data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])));
            }
            Ask::Identify { .. } => words.extend(data.iter().map(|byte| u16::from(*byte))),
        }
    }
}

/// The length of an answer with this head before its data.
fn head_matches(pdu: &[u8], head: &Pdu, data: usize) -> Length {
    let head = head.bytes();
    let same = head.iter().zip(pdu).all(|(one, other)| one == other);
    match same {
        true if pdu.len() >= head.len() => Length::Known(head.len() + data),
        true => Length::Open,
        false => Length::Other,
    }
}

/// The length of an identification: that of all its objects, of which each says its own.
fn identity_length(pdu: &[u8], access: Access) -> Length {
    let head = [IDENTIFY[0], IDENTIFY[1], access.code()];
    if !head.iter().zip(pdu).all(|(one, other)| one == other) {
        return Length::Other;
    }
    let Some(objects) = pdu.get(IDENTITY_HEAD - 1) else { return Length::Open };
    let mut end = IDENTITY_HEAD;
    for _ in 0..*objects {
        let Some(length) = pdu.get(end + 1) else { return Length::Open };
        end += 2 + usize::from(*length);
    }
    if end < FRAME_BYTES_MAX - PREFIX_BYTES { Length::Known(end) } else { Length::Other }
}

/// What a device answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// The data, to be read by [`Request::words`]; of an identification all that follows the interface's number.
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

    const REQUEST: Request = Request { unit: 0x11, ask: Ask::read(Function::Holding, 0x006b, 3) };

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
        assert_eq!(REQUEST.answer(frame.unit, frame.pdu), Ok(Answer::Data(&[0x02, 0x2b, 0, 0, 0, 0x64])));
    }

    // The example of 6.1: coils 20 to 38 are CD 6B 05 hex, the lowest bit first.
    #[test]
    fn bits_come_one_in_each_word_lowest_first() {
        let request = Request { unit: 1, ask: Ask::read(Function::Coils, 0x13, 19) };
        let (frame, _) = frame(&[0, 1, 0, 0, 0, 6, 1, 1, 3, 0xcd, 0x6b, 0x05]);
        let Ok(Answer::Data(data)) = request.answer(frame.unit, frame.pdu) else { panic!("no data") };
        let mut words = Vec::new();
        request.words(data, &mut words);
        assert_eq!(words, [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn an_exception_is_an_answer_and_no_value() {
        let (frame, _) = frame(&[0, 1, 0, 0, 0, 3, 0x11, 0x83, 2]);
        assert_eq!(REQUEST.answer(frame.unit, frame.pdu), Ok(Answer::Exception(2)));
    }

    #[test]
    fn an_answer_from_elsewhere_or_of_another_size_is_refused() {
        let asked = |bytes: &[u8]| {
            let (frame, _) = frame(bytes);
            REQUEST.answer(frame.unit, frame.pdu).map(|_| ()).unwrap_err()
        };
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

    // The example of 6.14: file 4, record 1, two registers: 0D FE, 00 20 hex. (There it is one of two sub-requests.)
    #[test]
    fn a_file_record_is_asked_and_answered() {
        let ask = Ask::Read { function: Function::FileRecord, file: 4, address: 1, count: 2 };
        let request = Request { unit: 1, ask };
        let mut out = Vec::new();
        request.encode(1, &mut out);
        assert_eq!(out, [0, 1, 0, 0, 0, 10, 1, 0x14, 7, 6, 0, 4, 0, 1, 0, 2]);
        let answer = [0x14, 6, 5, 6, 0x0d, 0xfe, 0x00, 0x20];
        assert_eq!(request.answer(1, &answer), Ok(Answer::Data(&answer[4..])));
        assert!(request.answer(1, &answer[..7]).is_err());
    }

    // The example of 6.21: three objects of basic identification.
    #[test]
    fn an_identification_is_as_long_as_its_objects_say() {
        let request = Request { unit: 1, ask: Ask::Identify { access: Access::Basic, object: 0 } };
        let mut out = Vec::new();
        request.encode_rtu(&mut out);
        assert_eq!(out[..5], [1, 0x2b, 0x0e, 1, 0]);
        let mut answer = vec![0x2b, 0x0e, 1, 1, 0, 0, 3];
        for (id, text) in [(0u8, "Company identification"), (1, "Product code XX"), (2, "V2.11")] {
            answer.extend([id, u8::try_from(text.len()).unwrap()]);
            answer.extend(text.as_bytes());
        }
        assert_eq!(request.length(&answer), Length::Known(answer.len()));
        assert_eq!(request.answer(1, &answer), Ok(Answer::Data(&answer[2..])));
        assert_eq!(request.length(&answer[..20]), Length::Open);
        assert!(request.answer(1, &answer[..20]).is_err());
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
                if let Ok(Answer::Data(data)) = REQUEST.answer(frame.unit, frame.pdu) {
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
            let request = Request { unit: 1, ask: Ask::read(Function::Input, 0, words) };
            let (frame, used) = split_frame(&bytes).unwrap().unwrap();
            prop_assert_eq!(used, bytes.len());
            prop_assert_eq!(request.answer(frame.unit, frame.pdu), Ok(Answer::Data(&bytes[9..])));
        }
    }
}
