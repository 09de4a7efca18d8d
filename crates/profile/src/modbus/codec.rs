//! Words to raw values and back.

use model::{Missing, Raw, SeriesKind};

use super::{ModbusReading, Special};
use crate::{Amount, DataType, EncodeError, Order};

impl ModbusReading {
    /// The value in the words of this reading.
    ///
    /// # Errors
    /// [`Missing::ShortAnswer`] if there are fewer words than it needs, [`Missing::NotAvailable`] if the device says
    /// so by a sentinel, NaN or an infinity, [`Missing::OutOfRange`] if the value cannot be or does not fit 64 bits.
    pub fn decode(&self, words: &[u16]) -> Result<Raw, Missing> {
        let words = words.get(..usize::from(self.words())).ok_or(Missing::ShortAnswer)?;
        let mut terms = words.chunks_exact(usize::from(self.data_type.words())).map(|term| self.term(term));
        let first = terms.next().ok_or(Missing::ShortAnswer)??;
        let sum = terms.try_fold(first, |sum, term| add(sum, term?))?;
        self.finish(sum)
    }

    fn term(&self, words: &[u16]) -> Result<Raw, Missing> {
        let bits = bits(words, self.order);
        if self.sentinels.contains(&bits) {
            return Err(Missing::NotAvailable);
        }
        let raw = match self.data_type {
            DataType::F32 => Raw::Float32(f32::from_bits(low(bits))),
            DataType::F64 => Raw::Float64(f64::from_bits(bits)),
            DataType::U64 => Raw::Integer(i64::try_from(bits).map_err(|_| Missing::OutOfRange)?),
            _ => Raw::Integer(signed(bits, self.data_type)),
        };
        if raw.is_finite() { Ok(raw) } else { Err(Missing::NotAvailable) }
    }

    fn finish(&self, raw: Raw) -> Result<Raw, Missing> {
        match (self.special, raw) {
            (Special::None, Raw::Integer(register)) => self.conversion.decode(register),
            (Special::None, float) => Ok(float),
            (Special::FourQuadrant, Raw::Float32(x)) => {
                four_quadrant(f64::from(x)).map(|x| Raw::Float32(narrow(x)))
            }
            (Special::FourQuadrant, Raw::Float64(x)) => four_quadrant(x).map(Raw::Float64),
            (Special::FourQuadrant, Raw::Integer(_)) => Err(Missing::Nonsense),
        }
    }

    /// The words that decode to exactly `raw`: the inverse of [`decode`](Self::decode). A sum puts all into its first
    /// term; a four-quadrant power factor is written as it is.
    ///
    /// # Errors
    /// If `raw` is of another kind, does not fit, or lies between two steps of the register.
    pub fn encode_raw(&self, raw: Raw) -> Result<Vec<u16>, EncodeError> {
        let kind = || EncodeError::Kind(self.source());
        let bits = match (self.data_type, raw) {
            (DataType::F32, Raw::Float32(value)) => u64::from(value.to_bits()),
            (DataType::F64, Raw::Float64(value)) => value.to_bits(),
            (DataType::F32 | DataType::F64, _) | (_, Raw::Float32(_) | Raw::Float64(_)) => return Err(kind()),
            (_, Raw::Integer(raw)) => {
                self.register_bits(self.conversion.encode_raw(raw).ok_or_else(|| self.out_of_range())?)?
            }
        };
        Ok(self.spread(bits))
    }

    /// The words that show `amount`, which is in the canonical unit: counters show complete steps, all else the
    /// nearest step. A counter whose wrap is known begins again after it.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn encode(&self, amount: Amount) -> Result<Vec<u16>, EncodeError> {
        let kind = self.quantity.kind();
        let bits = match self.data_type {
            DataType::F32 => u64::from(self.float_amount(amount)?.to_bits()),
            DataType::F64 => (amount.to_f64() / self.power_of_ten()).to_bits(),
            _ => {
                let steps = self.conversion.encode(amount, kind).ok_or_else(|| self.out_of_range())?;
                self.register_bits(self.wrapped(steps, kind))?
            }
        };
        Ok(self.spread(bits))
    }

    /// The words that say "no value": the first sentinel, or NaN; `None` if the device cannot say so.
    pub fn encode_missing(&self) -> Option<Vec<u16>> {
        let bits = match (self.sentinels.first(), self.data_type) {
            (Some(sentinel), _) => *sentinel,
            (None, DataType::F32) => u64::from(f32::NAN.to_bits()),
            (None, DataType::F64) => f64::NAN.to_bits(),
            (None, _) => return None,
        };
        Some(self.spread(bits))
    }

    fn power_of_ten(&self) -> f64 {
        10f64.powi(i32::from(self.conversion.exponent()))
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "rounding to the register's 32 bits is what is asked for"
    )]
    fn float_amount(&self, amount: Amount) -> Result<f32, EncodeError> {
        let value = (amount.to_f64() / self.power_of_ten()) as f32;
        if value.is_finite() { Ok(value) } else { Err(self.out_of_range()) }
    }

    fn wrapped(&self, steps: i64, kind: SeriesKind) -> i64 {
        let wrap = self.wraps_at_register.and_then(|wrap| i64::try_from(wrap).ok()).filter(|wrap| *wrap > 0);
        match (kind, wrap) {
            (SeriesKind::Counter, Some(wrap)) => steps.rem_euclid(wrap),
            _ => steps,
        }
    }

    fn register_bits(&self, register: i64) -> Result<u64, EncodeError> {
        let out = |_| self.out_of_range();
        Ok(match self.data_type {
            DataType::Bit if !(0..=1).contains(&register) => return Err(self.out_of_range()),
            DataType::Bit | DataType::U16 => u64::from(u16::try_from(register).map_err(out)?),
            DataType::U32 => u64::from(u32::try_from(register).map_err(out)?),
            DataType::U64 => u64::try_from(register).map_err(out)?,
            DataType::I16 => u64::from(i16::try_from(register).map_err(out)?.cast_unsigned()),
            DataType::I32 => u64::from(i32::try_from(register).map_err(out)?.cast_unsigned()),
            DataType::I64 => register.cast_unsigned(),
            DataType::F32 | DataType::F64 => return Err(EncodeError::Kind(self.source())),
        })
    }

    fn spread(&self, bits: u64) -> Vec<u16> {
        let mut words = words(bits, self.data_type, self.order);
        words.resize(usize::from(self.words()), 0);
        words
    }

    fn out_of_range(&self) -> EncodeError {
        EncodeError::OutOfRange(self.source())
    }
}

fn add(a: Raw, b: Raw) -> Result<Raw, Missing> {
    match (a, b) {
        (Raw::Integer(a), Raw::Integer(b)) => a.checked_add(b).map(Raw::Integer).ok_or(Missing::OutOfRange),
        (Raw::Float32(a), Raw::Float32(b)) => Ok(Raw::Float32(a + b)),
        (Raw::Float64(a), Raw::Float64(b)) => Ok(Raw::Float64(a + b)),
        _ => Err(Missing::Nonsense),
    }
}

/// Schneider Electric, four-quadrant power factor: |x| <= 1 as it is, up to 2 folded back, beyond that no value.
fn four_quadrant(x: f64) -> Result<f64, Missing> {
    match x {
        x if x.abs() <= 1.0 => Ok(x),
        x if x > 1.0 && x <= 2.0 => Ok(2.0 - x),
        x if (-2.0..-1.0).contains(&x) => Ok(-2.0 - x),
        _ => Err(Missing::OutOfRange),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "2 - x of a 32-bit x from 1 to 2 has at most 24 significant bits"
)]
const fn narrow(x: f64) -> f32 {
    x as f32
}

/// The bits of a value, right-aligned, from the words as they came.
fn bits(words: &[u16], order: Order) -> u64 {
    let one = |bits: u64, word: &u16| {
        let word = if order.swaps_bytes() { word.swap_bytes() } else { *word };
        bits << 16 | u64::from(word)
    };
    if order.swaps_words() { words.iter().rev().fold(0, one) } else { words.iter().fold(0, one) }
}

fn words(bits: u64, data_type: DataType, order: Order) -> Vec<u16> {
    let count = usize::from(data_type.words());
    let bytes = bits.to_be_bytes();
    let mut words: Vec<u16> =
        bytes.chunks_exact(2).skip(4 - count).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    if order.swaps_bytes() {
        for word in &mut words {
            *word = word.swap_bytes();
        }
    }
    if order.swaps_words() {
        words.reverse();
    }
    words
}

#[allow(clippy::cast_possible_truncation, reason = "the upper half is empty for types of at most 32 bits")]
const fn low(bits: u64) -> u32 {
    bits as u32
}

#[allow(clippy::cast_possible_truncation, reason = "the upper bits are empty: the value has that many words")]
fn signed(bits: u64, data_type: DataType) -> i64 {
    match data_type {
        DataType::I16 => i64::from((bits as u16).cast_signed()),
        DataType::I32 => i64::from((bits as u32).cast_signed()),
        DataType::Bit => i64::from(bits != 0),
        _ => bits.cast_signed(),
    }
}
