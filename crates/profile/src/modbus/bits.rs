//! The bits of a value: from words in any order, and as the numbers that the types write with them.

use model::Missing;

use super::types::Coding;
use crate::{DataType, Order};

/// The bits of a value, right-aligned, from the words as they came.
pub(super) fn from_words(words: &[u16], order: Order) -> u64 {
    let one = |bits: u64, word: &u16| {
        let word = if order.swaps_bytes() { word.swap_bytes() } else { *word };
        bits << 16 | u64::from(word)
    };
    if order.swaps_words() { words.iter().rev().fold(0, one) } else { words.iter().fold(0, one) }
}

/// The words of a value, as they go over the line: the inverse of [`from_words`].
pub(super) fn to_words(bits: u64, data_type: DataType, order: Order) -> Vec<u16> {
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

/// The whole number that `bits` are in a type that is no float.
///
/// # Errors
/// [`Missing::Nonsense`] if a digit is none, [`Missing::OutOfRange`] if it does not fit.
pub(super) fn to_number(bits: u64, data_type: DataType) -> Result<i64, Missing> {
    match data_type.coding() {
        Coding::Unsigned => i64::try_from(bits).map_err(|_| Missing::OutOfRange),
        Coding::Signed => Ok(signed(bits, data_type)),
        Coding::SignMagnitude => Ok(sign_magnitude(bits, data_type)),
        Coding::Bcd => digits(bits, 4, 10).ok_or(Missing::Nonsense),
        Coding::Mod10k => digits(bits, 16, 10_000).ok_or(Missing::Nonsense),
        Coding::Float => Err(Missing::Nonsense),
    }
}

/// The bits of a whole number in a type that is no float; `None` if it does not fit.
pub(super) fn from_number(number: i64, data_type: DataType) -> Option<u64> {
    let most = data_type.largest()?;
    match data_type.coding() {
        Coding::Unsigned => (0..=most).contains(&number).then_some(number.cast_unsigned()),
        Coding::Signed => {
            let mask = u64::MAX >> (64 - data_type.bits());
            (-most - 1..=most).contains(&number).then_some(number.cast_unsigned() & mask)
        }
        Coding::SignMagnitude => {
            let sign = if number < 0 { 1 << (data_type.bits() - 1) } else { 0 };
            (-most..=most).contains(&number).then_some(number.unsigned_abs() | sign)
        }
        Coding::Bcd => (0..=most).contains(&number).then(|| undigits(number.cast_unsigned(), 4, 10)),
        Coding::Mod10k => (0..=most).contains(&number).then(|| undigits(number.cast_unsigned(), 16, 10_000)),
        Coding::Float => None,
    }
}

/// A number whose digits to `base` take `width` bits each; `None` if one of them is too large.
fn digits(bits: u64, width: u32, base: u64) -> Option<i64> {
    let mask = (1u64 << width) - 1;
    let mut number = 0u64;
    for n in (0..64 / width).rev() {
        let digit = bits >> (n * width) & mask;
        if digit >= base {
            return None;
        }
        number = number.checked_mul(base)?.checked_add(digit)?;
    }
    i64::try_from(number).ok()
}

fn undigits(mut number: u64, width: u32, base: u64) -> u64 {
    let mut bits = 0;
    for n in 0..64 / width {
        bits |= (number % base) << (n * width);
        number /= base;
    }
    bits
}

#[allow(clippy::cast_possible_truncation, reason = "the upper bits are empty: the value has that many words")]
const fn signed(bits: u64, data_type: DataType) -> i64 {
    match data_type.words() {
        1 => (bits as u16).cast_signed() as i64,
        2 => (bits as u32).cast_signed() as i64,
        _ => bits.cast_signed(),
    }
}

/// Types of at most 32 bits, so that the amount always fits.
fn sign_magnitude(bits: u64, data_type: DataType) -> i64 {
    let sign = 1u64 << (data_type.bits() - 1);
    let amount = (bits & (sign - 1)).cast_signed();
    if bits & sign == 0 { amount } else { -amount }
}
