//! One record as bytes, and how records are found again in bytes that may be spoiled.

use std::ops::Range;

use model::{SpoolId, Timestamp};

use crate::MAX_PAYLOAD_BYTES;

/// Marks where a record may begin.
const MAGIC: [u8; 2] = 0x5E9A_u16.to_le_bytes();
const VERSION: u8 = 1;

/// Bytes before the payload.
pub(crate) const HEADER: usize = 28;
/// Largest record.
pub(crate) const MAX_RECORD: usize = HEADER + MAX_PAYLOAD_BYTES;

const LENGTH_AT: usize = 4;
const SEQUENCE_AT: usize = 8;
const TIME_AT: usize = 16;
const CRC_AT: usize = 24;

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Belongs to the caller.
    Data = 1,
    /// Begins a segment; its payload is the number that would have followed in the segment before.
    Start = 2,
}

/// The start of every checksum in one spool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal(u32);

impl Seal {
    pub(crate) fn of(id: SpoolId) -> Self {
        Self(crc32c::crc32c(&id.bytes()))
    }

    /// Checksum of `parts` in their order.
    pub(crate) fn over(self, parts: [&[u8]; 2]) -> u32 {
        parts.iter().fold(self.0, |crc, part| crc32c::crc32c_append(crc, part))
    }
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    pub(crate) time: Timestamp,
}

/// Appends a record to `out`. The payload must not be longer than [`MAX_PAYLOAD_BYTES`].
pub(crate) fn write(out: &mut Vec<u8>, seal: Seal, head: Head, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("the caller holds payloads below 512 KiB");
    let start = out.len();
    out.extend(MAGIC);
    out.extend([VERSION, head.kind as u8]);
    out.extend(length.to_le_bytes());
    out.extend(head.sequence.to_le_bytes());
    out.extend(head.time.millis().to_le_bytes());
    let crc = seal.over([out.get(start..).unwrap_or_default(), payload]);
    out.extend(crc.to_le_bytes());
    out.extend(payload);
}

/// A good record inside a buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) head: Head,
    pub(crate) payload: &'a [u8],
    /// Where it begins in the buffer.
    pub(crate) start: usize,
    /// Where it ends in the buffer.
    pub(crate) end: usize,
}

enum Parsed<'a> {
    Good(Found<'a>),
    /// May be a record whose end lies outside the buffer.
    Cut,
    Bad,
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

/// Length of the payload of the record that begins at `at`, by its header alone.
pub(crate) fn payload_length(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(field(bytes, at + LENGTH_AT)?)).ok()
}

fn parse(bytes: &[u8], start: usize, seal: Seal) -> Parsed<'_> {
    let rest = bytes.get(start..).unwrap_or_default();
    let prefix = [MAGIC[0], MAGIC[1], VERSION];
    if rest.iter().zip(prefix).any(|(found, wanted)| *found != wanted) {
        return Parsed::Bad;
    }
    let Some(header) = rest.get(..HEADER) else { return Parsed::Cut };
    match payload_length(header, 0) {
        Some(length) if length <= MAX_PAYLOAD_BYTES => match rest.get(HEADER..HEADER + length) {
            Some(payload) => check(header, payload, seal).map_or(Parsed::Bad, |head| {
                Parsed::Good(Found { head, payload, start, end: start + HEADER + length })
            }),
            None => Parsed::Cut,
        },
        _ => Parsed::Bad,
    }
}

fn check(header: &[u8], payload: &[u8], seal: Seal) -> Option<Head> {
    let crc = u32::from_le_bytes(field(header, CRC_AT)?);
    if seal.over([header.get(..CRC_AT)?, payload]) != crc {
        return None;
    }
    let kind = match header.get(3)? {
        1 => Kind::Data,
        2 => Kind::Start,
        _ => return None,
    };
    Some(Head {
        kind,
        sequence: u64::from_le_bytes(field(header, SEQUENCE_AT)?),
        time: Timestamp::from_millis(i64::from_le_bytes(field(header, TIME_AT)?)),
    })
}

/// The good records of the spool `id` in `bytes`, in order: number and where the payload lies. Spoiled bytes between them
/// are passed over, as they are when a spool is opened.
pub fn records_in(id: SpoolId, bytes: &[u8]) -> impl Iterator<Item = (u64, Range<usize>)> {
    Records::new(bytes, Seal::of(id)).map(|found| (found.head.sequence, found.start + HEADER..found.end))
}

/// The good records of a buffer, in order; spoiled bytes between them are passed over.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    seal: Seal,
    at: usize,
    /// Where the last good record ended.
    pub(crate) good_end: usize,
    /// First place after [`good_end`](Self::good_end) where a record may begin whose end lies outside the buffer.
    cut: Option<usize>,
}

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8], seal: Seal) -> Self {
        Self { bytes, seal, at: 0, good_end: 0, cut: None }
    }

    /// After the last record: from where to look on if the buffer is only a part of the file.
    pub(crate) fn resume_at(&self) -> usize {
        self.cut.unwrap_or(self.bytes.len())
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        while self.at < self.bytes.len() {
            match parse(self.bytes, self.at, self.seal) {
                Parsed::Good(found) => {
                    (self.at, self.good_end, self.cut) = (found.end, found.end, None);
                    return Some(found);
                }
                Parsed::Cut => self.cut = self.cut.or(Some(self.at)),
                Parsed::Bad => {}
            }
            self.at += 1;
        }
        None
    }
}
