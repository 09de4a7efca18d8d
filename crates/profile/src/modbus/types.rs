//! Function codes, data types and word orders.

use std::fmt;
use std::str::FromStr;

/// The function codes by which registers are read (MODBUS Application Protocol V1.1b3, 6.1 to 6.4). There is no other:
/// devices are only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// 1, read coils.
    Coils,
    /// 2, read discrete inputs.
    DiscreteInputs,
    /// 3, read holding registers.
    Holding,
    /// 4, read input registers.
    Input,
}

impl Function {
    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Coils => 1,
            Self::DiscreteInputs => 2,
            Self::Holding => 3,
            Self::Input => 4,
        }
    }

    /// By its number on the wire.
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Coils),
            2 => Some(Self::DiscreteInputs),
            3 => Some(Self::Holding),
            4 => Some(Self::Input),
            _ => None,
        }
    }

    /// Does it read single bits?
    pub const fn reads_bits(self) -> bool {
        matches!(self, Self::Coils | Self::DiscreteInputs)
    }

    /// The most that one request may ask for: 2000 bits or 125 registers (6.1 and 6.3 of the specification).
    pub const fn count_max(self) -> u16 {
        if self.reads_bits() { 2000 } else { 125 }
    }
}

/// A word that names no type or order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is none of {expected}")]
pub struct InvalidName {
    found: String,
    expected: &'static str,
}

/// What one value looks like in the registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are the types themselves")]
pub enum DataType {
    /// One coil or discrete input: 0 or 1.
    Bit,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl DataType {
    /// Every type.
    pub const ALL: [Self; 9] =
        [Self::Bit, Self::U16, Self::I16, Self::U32, Self::I32, Self::U64, Self::I64, Self::F32, Self::F64];

    /// Registers (or bits) that one value takes.
    pub const fn words(self) -> u16 {
        match self {
            Self::Bit | Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::U64 | Self::I64 | Self::F64 => 4,
        }
    }

    /// Is it a float?
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Its name in profiles.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bit => "bit",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// In which order the bytes of a value come. The letters are the bytes, `a` the most significant one; for 64 bits the
/// pattern goes on (`cdab` is `ghefcdab`: last word first).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Order {
    /// Most significant word first, most significant byte first: what the specification calls big-endian.
    #[default]
    Abcd,
    /// Least significant word first, bytes inside a word as the specification has them.
    Cdab,
    /// Most significant word first, bytes inside a word swapped.
    Badc,
    /// Least significant byte first.
    Dcba,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::Abcd, Self::Cdab, Self::Badc, Self::Dcba];

    /// Does the last word come first?
    pub const fn swaps_words(self) -> bool {
        matches!(self, Self::Cdab | Self::Dcba)
    }

    /// Are the bytes inside a word swapped?
    pub const fn swaps_bytes(self) -> bool {
        matches!(self, Self::Badc | Self::Dcba)
    }

    /// Its name in profiles.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Abcd => "abcd",
            Self::Cdab => "cdab",
            Self::Badc => "badc",
            Self::Dcba => "dcba",
        }
    }
}

macro_rules! names {
    ($name:ident, $expected:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| InvalidName {
                    found: text.chars().take(40).collect(),
                    expected: $expected,
                })
            }
        }
    };
}

names!(DataType, "bit, u16, i16, u32, i32, u64, i64, f32, f64");
names!(Order, "abcd, cdab, badc, dcba");
