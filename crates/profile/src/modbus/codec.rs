//! Words to raw values and back.

use model::{Missing, Raw, SeriesKind};

use super::{ModbusReading, Special, bits};
use crate::{Amount, DataType, EncodeError};

/// Scale factors beyond this power of ten are none (SunSpec Device Information Model Specification, `sunssf`).
const SCALE_FACTOR_MAX: i16 = 10;

/// Bits of consecutive registers, and which of them are meant: several flags may share a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Address of the first register.
    pub register: u16,
    /// For each register the bits that are meant, and what they are.
    pub words: Vec<(u16, u16)>,
}

impl ModbusReading {
    /// The value in the words of this reading. If it has a scale factor of its own
    /// ([`scale_register`](Self::scale_register)) that word follows the others; [`Block::value`](crate::Block::value)
    /// brings them together from the answer to a request.
    ///
    /// # Errors
    /// [`Missing::ShortAnswer`] if there are fewer words than it needs, [`Missing::NotAvailable`] if the device says
    /// so by a sentinel, NaN or an infinity, [`Missing::OutOfRange`] if the value cannot be or does not fit 64 bits,
    /// [`Missing::Nonsense`] if the words are nothing of this type.
    pub fn decode(&self, words: &[u16]) -> Result<Raw, Missing> {
        let (words, rest) = words.split_at_checked(usize::from(self.words())).ok_or(Missing::ShortAnswer)?;
        let mut terms = words.chunks_exact(usize::from(self.data_type.words())).map(|term| self.term(term));
        let first = terms.next().ok_or(Missing::ShortAnswer)??;
        let sum = terms.try_fold(first, |sum, term| add(sum, term?))?;
        if self.scale_register.is_some() {
            let factor = rest.first().ok_or(Missing::ShortAnswer)?;
            return self.finish(self.by_scale_factor(sum, factor.cast_signed())?);
        }
        self.finish(sum)
    }

    fn term(&self, words: &[u16]) -> Result<Raw, Missing> {
        let bits = bits::from_words(words, self.order);
        if self.sentinels.contains(&bits) {
            return Err(Missing::NotAvailable);
        }
        let raw = match self.data_type {
            DataType::F32 => Raw::Float32(f32::from_bits(low(bits))),
            DataType::F64 => Raw::Float64(f64::from_bits(bits)),
            DataType::Bit => Raw::Integer(i64::from(bits != 0)),
            data_type => match self.mask {
                0 => Raw::Integer(bits::to_number(bits, data_type)?),
                mask => Raw::Integer(((bits & mask) >> mask.trailing_zeros()).cast_signed()),
            },
        };
        if raw.is_finite() { Ok(raw) } else { Err(Missing::NotAvailable) }
    }

    /// The number in steps of 10^[`scale_finest`](Self::scale_finest).
    fn by_scale_factor(&self, raw: Raw, factor: i16) -> Result<Raw, Missing> {
        let Raw::Integer(register) = raw else { return Err(Missing::Nonsense) };
        if factor == i16::MIN {
            return Err(Missing::NotAvailable);
        }
        if factor.abs() > SCALE_FACTOR_MAX {
            return Err(Missing::Nonsense);
        }
        shift(register, factor - i16::from(self.scale_finest)).map(Raw::Integer).ok_or(Missing::OutOfRange)
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
                let steps = self.conversion.encode_raw(raw).ok_or_else(|| self.out_of_range())?;
                self.register_bits(self.by_usual_factor(steps)?)?
            }
        };
        Ok(self.spread(bits))
    }

    /// Steps of 10^[`scale_finest`](Self::scale_finest) in steps of the scale factor that the simulator shows.
    fn by_usual_factor(&self, steps: i64) -> Result<i64, EncodeError> {
        if self.scale_register.is_none() {
            return Ok(steps);
        }
        let power = i16::from(self.scale_finest) - i16::from(self.scale_usual);
        shift(steps, power).ok_or_else(|| self.out_of_range())
    }

    /// The words that show `amount`, which is in the canonical unit: counters show complete steps, all else the
    /// nearest step. A counter whose wrap is known begins again after it. The scale factor follows, as in
    /// [`decode`](Self::decode).
    ///
    /// # Errors
    /// If it does not fit.
    pub fn encode(&self, amount: Amount) -> Result<Vec<u16>, EncodeError> {
        let kind = self.quantity.kind();
        let bits = match self.data_type {
            DataType::F32 => u64::from(self.float_amount(amount)?.to_bits()),
            DataType::F64 => (amount.to_f64() / self.power_of_ten()).to_bits(),
            _ => {
                let steps = self.shown().encode(amount, kind).ok_or_else(|| self.out_of_range())?;
                self.register_bits(self.wrapped(steps, kind))?
            }
        };
        Ok(self.spread(bits))
    }

    /// The conversion of the number in the register when the scale factor is the one that the simulator shows.
    fn shown(&self) -> crate::Conversion {
        match self.scale_register {
            Some(_) => self.conversion.times_power(self.scale_usual.saturating_sub(self.scale_finest)),
            None => self.conversion,
        }
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

    /// Where the words of [`encode`](Self::encode) or [`encode_missing`](Self::encode_missing) belong.
    pub fn patches(&self, words: &[u16]) -> Vec<Patch> {
        let (value, factor) = words.split_at(words.len().min(usize::from(self.words())));
        let masks = match self.mask {
            0 => vec![u16::MAX; value.len()],
            mask => bits::to_words(mask, self.data_type, self.order),
        };
        let mut patches = vec![Patch {
            register: self.register,
            words: masks.into_iter().zip(value.iter().copied()).collect(),
        }];
        if let (Some(register), [factor, ..]) = (self.scale_register, factor) {
            patches.push(Patch { register, words: vec![(u16::MAX, *factor)] });
        }
        patches
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
        let bits = match self.mask {
            0 => bits::from_number(register, self.data_type),
            mask => u64::try_from(register)
                .ok()
                .filter(|value| *value <= mask >> mask.trailing_zeros())
                .map(|value| value << mask.trailing_zeros()),
        };
        bits.ok_or_else(|| self.out_of_range())
    }

    fn spread(&self, bits: u64) -> Vec<u16> {
        let mut words = bits::to_words(bits, self.data_type, self.order);
        words.resize(usize::from(self.words()), 0);
        if self.scale_register.is_some() {
            words.push(i16::from(self.scale_usual).cast_unsigned());
        }
        words
    }

    fn out_of_range(&self) -> EncodeError {
        EncodeError::OutOfRange(self.source())
    }
}

/// `number x 10^power`; `None` if that is no whole number of 64 bits.
fn shift(number: i64, power: i16) -> Option<i64> {
    if number == 0 {
        return Some(0);
    }
    let factor = 10i64.checked_pow(u32::from(power.unsigned_abs()))?;
    if power >= 0 { number.checked_mul(factor) } else { (number % factor == 0).then(|| number / factor) }
}

fn add(a: Raw, b: Raw) -> Result<Raw, Missing> {
    match (a, b) {
        (Raw::Integer(a), Raw::Integer(b)) => a.checked_add(b).map(Raw::Integer).ok_or(Missing::OutOfRange),
        (Raw::Float32(a), Raw::Float32(b)) => finite(Raw::Float32(a + b)),
        (Raw::Float64(a), Raw::Float64(b)) => finite(Raw::Float64(a + b)),
        _ => Err(Missing::Nonsense),
    }
}

/// Two terms may be numbers and their sum none.
fn finite(sum: Raw) -> Result<Raw, Missing> {
    if sum.is_finite() { Ok(sum) } else { Err(Missing::OutOfRange) }
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

#[allow(clippy::cast_possible_truncation, reason = "the upper half is empty for types of at most 32 bits")]
const fn low(bits: u64) -> u32 {
    bits as u32
}
