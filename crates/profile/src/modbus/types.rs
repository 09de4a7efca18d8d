//! Function codes, data types and word orders.

use std::fmt;
use std::str::FromStr;

/// The function codes by which registers are read (MODBUS Application Protocol V1.1b3, 6.1 to 6.4 and 6.14). There is
/// no other: devices are only read.
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
    /// 20, read file record.
    FileRecord,
}

impl Function {
    /// Its number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Coils => 1,
            Self::DiscreteInputs => 2,
            Self::Holding => 3,
            Self::Input => 4,
            Self::FileRecord => 20,
        }
    }

    /// By its number on the wire.
    pub const fn from_code(code: i64) -> Option<Self> {
        match code {
            1 => Some(Self::Coils),
            2 => Some(Self::DiscreteInputs),
            3 => Some(Self::Holding),
            4 => Some(Self::Input),
            20 => Some(Self::FileRecord),
            _ => None,
        }
    }

    /// Does it read single bits?
    pub const fn reads_bits(self) -> bool {
        matches!(self, Self::Coils | Self::DiscreteInputs)
    }

    /// Does it read from numbered files?
    pub const fn reads_files(self) -> bool {
        matches!(self, Self::FileRecord)
    }

    /// The most that one request may ask for: 2000 bits or 125 registers (6.1 and 6.3 of the specification). Of a file
    /// 121: the data of an answer have at most 245 bytes (6.14), two of which say what the others are.
    pub const fn count_max(self) -> u16 {
        match self {
            Self::Coils | Self::DiscreteInputs => 2000,
            Self::Holding | Self::Input => 125,
            Self::FileRecord => 121,
        }
    }

    /// The first address that it cannot read: a file has the records 0 to 9999 (6.14).
    pub const fn addresses(self) -> u32 {
        if self.reads_files() { 10_000 } else { 65_536 }
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
    /// Three words.
    U48,
    U64,
    I64,
    F32,
    F64,
    /// Two decimal digits in each byte (8421 code), 4 digits.
    Bcd16,
    /// As [`Bcd16`](Self::Bcd16), 8 digits.
    Bcd32,
    /// As [`Bcd16`](Self::Bcd16), 16 digits.
    Bcd64,
    /// Four decimal digits in each word as a plain number from 0 to 9999, two words.
    Mod10k32,
    /// As [`Mod10k32`](Self::Mod10k32), three words.
    Mod10k48,
    /// As [`Mod10k32`](Self::Mod10k32), four words.
    Mod10k64,
    /// The top bit is the sign, the others are the amount.
    Sm16,
    /// As [`Sm16`](Self::Sm16), two words.
    Sm32,
}

/// How the bits of a type become a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Unsigned,
    Signed,
    Float,
    Bcd,
    Mod10k,
    SignMagnitude,
}

impl DataType {
    /// Every type.
    pub const ALL: [Self; 18] = [
        Self::Bit,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U48,
        Self::U64,
        Self::I64,
        Self::F32,
        Self::F64,
        Self::Bcd16,
        Self::Bcd32,
        Self::Bcd64,
        Self::Mod10k32,
        Self::Mod10k48,
        Self::Mod10k64,
        Self::Sm16,
        Self::Sm32,
    ];

    /// Name in profiles, words, and how the bits become a number.
    const fn row(self) -> (&'static str, u16, Coding) {
        match self {
            Self::Bit => ("bit", 1, Coding::Unsigned),
            Self::U16 => ("u16", 1, Coding::Unsigned),
            Self::I16 => ("i16", 1, Coding::Signed),
            Self::U32 => ("u32", 2, Coding::Unsigned),
            Self::I32 => ("i32", 2, Coding::Signed),
            Self::U48 => ("u48", 3, Coding::Unsigned),
            Self::U64 => ("u64", 4, Coding::Unsigned),
            Self::I64 => ("i64", 4, Coding::Signed),
            Self::F32 => ("f32", 2, Coding::Float),
            Self::F64 => ("f64", 4, Coding::Float),
            Self::Bcd16 => ("bcd16", 1, Coding::Bcd),
            Self::Bcd32 => ("bcd32", 2, Coding::Bcd),
            Self::Bcd64 => ("bcd64", 4, Coding::Bcd),
            Self::Mod10k32 => ("mod10k32", 2, Coding::Mod10k),
            Self::Mod10k48 => ("mod10k48", 3, Coding::Mod10k),
            Self::Mod10k64 => ("mod10k64", 4, Coding::Mod10k),
            Self::Sm16 => ("sm16", 1, Coding::SignMagnitude),
            Self::Sm32 => ("sm32", 2, Coding::SignMagnitude),
        }
    }

    /// Registers (or bits) that one value takes.
    pub const fn words(self) -> u16 {
        self.row().1
    }

    /// Is it a float?
    pub const fn is_float(self) -> bool {
        matches!(self.row().2, Coding::Float)
    }

    /// Its name in profiles.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// Is it an unsigned whole number, whose bits may stand for themselves?
    pub(crate) const fn is_plain_unsigned(self) -> bool {
        matches!(self.coding(), Coding::Unsigned) && !matches!(self, Self::Bit)
    }

    /// May a number of it be below 0?
    pub(crate) const fn may_be_negative(self) -> bool {
        matches!(self.coding(), Coding::Signed | Coding::SignMagnitude)
    }

    pub(super) const fn coding(self) -> Coding {
        self.row().2
    }

    /// Bits that one value takes in registers.
    pub(super) fn bits(self) -> u32 {
        u32::from(self.words()) * 16
    }

    /// The largest whole number that fits, as far as it fits 64 bits; `None` for floats.
    pub(crate) fn largest(self) -> Option<i64> {
        let limit = |bits: u32| i64::try_from(u64::MAX >> (64 - bits)).unwrap_or(i64::MAX);
        let digits = |digits: u32| 10i64.pow(digits) - 1;
        match (self, self.coding()) {
            (Self::Bit, _) => Some(1),
            (_, Coding::Float) => None,
            (_, Coding::Unsigned) => Some(limit(self.bits())),
            (_, Coding::Signed | Coding::SignMagnitude) => Some(limit(self.bits() - 1)),
            (_, Coding::Bcd | Coding::Mod10k) => Some(digits(u32::from(self.words()) * 4)),
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

names!(
    DataType,
    "bit, u16, i16, u32, i32, u48, u64, i64, f32, f64, bcd16, bcd32, bcd64, mod10k32, mod10k48, mod10k64, sm16, sm32"
);
names!(Order, "abcd, cdab, badc, dcba");
