//! Whole numbers of a day, mostly near each other, as few bytes.
//!
//! ```text
//! 00 common divisor, then differences as varints
//! 01 common divisor, lowest, width, then how far each is above the lowest, bit by bit
//! 02 common divisor, first, width, then differences, bit by bit
//! ```
//! Registers count in steps of 1, 10 or 100 Wh, so all amounts of a day share a divisor far above one milliwatt-hour.
//! The shortest of the three is taken; the last two read fastest.

use super::day::SLOTS;
use crate::CodecError;
use crate::bytes::{Input, put, put_signed, unzigzag, zigzag};

const VARINTS: u8 = 0;
const ABOVE_LOWEST: u8 = 1;
const DIFFERENCES: u8 = 2;

/// Appends amounts, at most 96; nothing for none.
pub(super) fn write(amounts: &[i64], out: &mut Vec<u8>) {
    let Some((&first, &lowest)) = amounts.first().zip(amounts.iter().min()) else { return };
    let divisor = amounts.iter().fold(0, |divisor, amount| gcd(divisor, amount.unsigned_abs())).max(1);
    // Only if all are 0 or -2^63 does the divisor not fit.
    let step = i64::try_from(divisor).unwrap_or(1);
    let above = amounts.iter().map(|amount| amount.abs_diff(lowest) / step.unsigned_abs());
    let pairs = amounts.windows(2);
    let differences = pairs.map(|pair| zigzag((pair[1] / step).wrapping_sub(pair[0] / step)));
    let forms = [
        packed((ABOVE_LOWEST, step, lowest / step), above),
        packed((DIFFERENCES, step, first / step), differences.clone()),
        varints((VARINTS, step, first / step), differences),
    ];
    if let Some(shortest) = forms.iter().min_by_key(|form| form.len()) {
        out.extend_from_slice(shortest);
    }
}

fn begun((layout, step, first): (u8, i64, i64)) -> Vec<u8> {
    let mut out = Vec::with_capacity(SLOTS * 4);
    out.push(layout);
    put(&mut out, step.unsigned_abs());
    put_signed(&mut out, first);
    out
}

fn varints(head: (u8, i64, i64), differences: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut out = begun(head);
    differences.for_each(|difference| put(&mut out, difference));
    out
}

fn packed(head: (u8, i64, i64), numbers: impl Iterator<Item = u64> + Clone) -> Vec<u8> {
    let mut out = begun(head);
    let width = u64::BITS - numbers.clone().max().unwrap_or(0).leading_zeros();
    out.push(u8::try_from(width).expect("at most 64"));
    pack_bits(numbers, width, &mut out);
    out
}

/// Reads as many amounts as there is room for.
pub(super) fn read(amounts: &mut [i64], input: &mut Input<'_>) -> Result<(), CodecError> {
    let Some((head, tail)) = amounts.split_first_mut() else { return Ok(()) };
    let layout = input.byte("layout of amounts")?;
    let step = input.number("common divisor")?;
    let step = i64::try_from(step).map_err(|_| CodecError::impossible("common divisor", step, "63 bits"))?;
    let first = input.signed("first amount")?;
    match layout {
        VARINTS => {
            *head = first;
            for amount in tail.iter_mut() {
                *amount = input.number("difference")?.cast_signed();
            }
            add_up(first, tail);
        }
        DIFFERENCES => {
            *head = first;
            unpack(tail, input)?;
            add_up(first, tail);
        }
        ABOVE_LOWEST => {
            unpack(amounts, input)?;
            for amount in amounts.iter_mut() {
                *amount = amount.wrapping_add(first);
            }
        }
        other => return Err(CodecError::impossible("layout of amounts", other, "0 to 2")),
    }
    for amount in amounts {
        *amount = amount.wrapping_mul(step);
    }
    Ok(())
}

/// From differences to what they lead to.
fn add_up(first: i64, amounts: &mut [i64]) {
    let mut sum = first;
    for amount in amounts {
        sum = sum.wrapping_add(unzigzag(amount.cast_unsigned()));
        *amount = sum;
    }
}

fn unpack(numbers: &mut [i64], input: &mut Input<'_>) -> Result<(), CodecError> {
    let width = input.byte("width")?;
    let bytes = input.take("amounts", (numbers.len() * usize::from(width)).div_ceil(8))?;
    unpack_bits(bytes, width.into(), numbers)
}

fn pack_bits(numbers: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    let mut held = 0u128;
    let mut bits = 0;
    for number in numbers {
        held |= u128::from(number) << bits;
        bits += width;
        while bits >= 8 {
            out.extend_from_slice(&held.to_le_bytes()[..1]);
            held >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        out.extend_from_slice(&held.to_le_bytes()[..1]);
    }
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn unpack_bits(bytes: &[u8], width: u32, amounts: &mut [i64]) -> Result<(), CodecError> {
    match width {
        0..=NARROW => unpack_narrow(bytes, width as usize, amounts),
        57..=64 => unpack_wide(bytes, width, amounts),
        _ => Err(CodecError::impossible("width", width, "at most 64 bits")),
    }
}

/// Widest number that lies in 8 bytes wherever it begins in the first of them.
const NARROW: u32 = 56;

fn unpack_narrow(bytes: &[u8], width: usize, amounts: &mut [i64]) -> Result<(), CodecError> {
    let short = CodecError::Short { what: "amounts" };
    // With 8 bytes to spare, so that each number is one read without a look at the end.
    let mut padded = [0u8; SLOTS * NARROW as usize / 8 + 8];
    padded.get_mut(..bytes.len()).ok_or_else(|| short.clone())?.copy_from_slice(bytes);
    let mask = (1u64 << width) - 1;
    for (n, amount) in amounts.iter_mut().enumerate() {
        let bit = n * width;
        let word = padded.get(bit / 8..).and_then(<[u8]>::first_chunk::<8>).ok_or_else(|| short.clone())?;
        *amount = (u64::from_le_bytes(*word) >> (bit % 8) & mask).cast_signed();
    }
    Ok(())
}

fn unpack_wide(bytes: &[u8], width: u32, amounts: &mut [i64]) -> Result<(), CodecError> {
    let mut rest = bytes.iter();
    let (mut held, mut bits) = (0u128, 0);
    for amount in amounts {
        while bits < width {
            held |= u128::from(*rest.next().ok_or(CodecError::Short { what: "amounts" })?) << bits;
            bits += 8;
        }
        let number = held & ((1u128 << width) - 1);
        *amount = u64::try_from(number).expect("masked to 64 bits").cast_signed();
        held >>= width;
        bits -= width;
    }
    Ok(())
}
