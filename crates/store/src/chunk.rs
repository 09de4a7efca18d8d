//! Raw samples of one device over whole hours, as columns.

mod blob;
mod build;
pub(crate) mod column;
mod merge;
mod times;

use model::{Encoding, Missing, Raw, Timestamp};

pub(crate) use blob::decode_series;
pub use build::{BlockBuilder, ShapeError};

use crate::{CodecError, DeviceKey, Hour, SeriesId};

/// Most polls of one block: a UTC day at four a second.
pub const MAX_ROWS: usize = 345_600;
/// Most series of one block. The largest device known here, a PDU with 48 outlets, has 400.
pub const MAX_COLUMNS: usize = 4_096;
/// Most samples of one chunk, 134 MB in memory: 400 series polled ten times a second for an hour are 14.4 million.
pub const MAX_CHUNK_SAMPLES: usize = 1 << 24;
/// Most blocks of one chunk. A device has a handful of poll groups; each change of its configuration within the hours
/// of a chunk adds as many again.
pub const MAX_BLOCKS: usize = 256;

/// All that was polled of one device in a run of whole hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The device.
    pub device: DeviceKey,
    /// The first hour. With the device, the key of the chunk; the month of its file is the month of this hour.
    pub first: Hour,
    /// How many hours, 1 to 24, never past the end of the UTC day of `first`.
    pub hours: u8,
    /// Polls that share their times. A series may be in several blocks, if its group or its descriptor changed; where
    /// two have the same instant, the first that has a value counts.
    pub blocks: Vec<Block>,
}

/// Columns that share their times: what one poll group brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block {
    /// Instants in milliseconds since the epoch, rising strictly.
    pub times: Vec<i64>,
    /// One for each series. If a series stands twice, the first column that has a value counts.
    pub columns: Vec<Column>,
}

/// One series over the times of its block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The series.
    pub series: SeriesId,
    /// The version of its descriptor.
    pub version: u16,
    /// The values that are there, in order.
    pub values: Values,
    /// Where none is there: runs in order, not touching each other unless their reasons differ. `values` and these
    /// together are as many as `times`.
    pub missing: Vec<MissingRun>,
}

/// Values as the device sent them.
#[derive(Debug, Clone)]
pub enum Values {
    /// Whole numbers.
    Integer(Vec<i64>),
    /// 32-bit floats, kept to the bit.
    Float32(Vec<f32>),
    /// 64-bit floats, kept to the bit.
    Float64(Vec<f64>),
}

/// Consecutive polls without a value, for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingRun {
    /// Place of the first in `times`.
    pub first: u32,
    /// How many; at least 1.
    pub count: u32,
    /// Why.
    pub reason: Missing,
}

/// One value of one series, or why it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub time: Timestamp,
    /// By which version of the descriptor it is to be read.
    pub version: u16,
    /// What came.
    pub value: Result<Raw, Missing>,
}

impl Chunk {
    /// The chunk as a blob.
    ///
    /// # Errors
    /// If it breaks one of the rules of its fields.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        blob::encode(self)
    }

    /// The chunk of a blob that was stored for `device` and `first`.
    ///
    /// # Errors
    /// If the bytes are anything but what [`encode`](Self::encode) made for this device and hour.
    pub fn decode(device: DeviceKey, first: Hour, bytes: &[u8]) -> Result<Self, CodecError> {
        blob::decode(device, first, bytes)
    }

    /// Samples, missing ones included.
    pub fn samples(&self) -> usize {
        self.blocks.iter().map(|block| block.times.len() * block.columns.len()).sum()
    }

    /// Takes in the blocks of a chunk of the same device in the same UTC day. A sample that is here keeps its value;
    /// one that is missing here takes the other's. Spans both chunks afterwards.
    ///
    /// # Errors
    /// If the two are not of one device and day.
    pub fn merge(self, other: Chunk) -> Result<Self, CodecError> {
        merge::merge(self, other)
    }

    /// The same with one block of each shape.
    pub(crate) fn tidied(self) -> Self {
        Self { blocks: merge::one_of_each_shape(self.blocks), ..self }
    }

    pub(crate) fn end_index(&self) -> u32 {
        self.first.index() + u32::from(self.hours)
    }
}

impl Column {
    /// Its values and missing ones in the order of the block's times.
    pub fn rows(&self) -> impl Iterator<Item = Result<Raw, Missing>> + '_ {
        build::Rows::new(self)
    }

    /// How its values are held.
    pub const fn encoding(&self) -> Encoding {
        match self.values {
            Values::Integer(_) => Encoding::Integer,
            Values::Float32(_) => Encoding::Float32,
            Values::Float64(_) => Encoding::Float64,
        }
    }
}

impl Values {
    /// None yet, of one encoding.
    pub const fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Integer => Self::Integer(Vec::new()),
            Encoding::Float32 => Self::Float32(Vec::new()),
            Encoding::Float64 => Self::Float64(Vec::new()),
        }
    }

    /// How many.
    pub const fn len(&self) -> usize {
        match self {
            Self::Integer(values) => values.len(),
            Self::Float32(values) => values.len(),
            Self::Float64(values) => values.len(),
        }
    }

    /// Is there none?
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn get(&self, place: usize) -> Option<Raw> {
        match self {
            Self::Integer(values) => values.get(place).copied().map(Raw::Integer),
            Self::Float32(values) => values.get(place).copied().map(Raw::Float32),
            Self::Float64(values) => values.get(place).copied().map(Raw::Float64),
        }
    }
}

/// Same encoding and same bits.
impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float32(a), Self::Float32(b)) => {
                a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()))
            }
            (Self::Float64(a), Self::Float64(b)) => {
                a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()))
            }
            _ => false,
        }
    }
}

impl Eq for Values {}

#[cfg(test)]
mod tests;
