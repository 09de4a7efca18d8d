//! Values of a column as bytes.
//!
//! Whole numbers and floats alike: one value if all are the same; differences as small numbers if there are few;
//! otherwise pco, which finds the distribution. Floats are handled by their bits, so nothing is rounded.

use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use super::Values;
use crate::CodecError;
use crate::bytes::{Input, put_signed};

const SAME: u8 = 0;
const FEW: u8 = 1;
const PACKED: u8 = 2;

/// Below this, the tables of pco cost more than they save.
const FEW_VALUES: usize = 24;

pub(crate) fn encode(values: &Values, out: &mut Vec<u8>) -> Result<(), CodecError> {
    match values {
        Values::Integer(values) => pack_integers(values, out),
        Values::Float32(values) => pack(values, |value| u64::from(value.to_bits()), &float_config(), out),
        Values::Float64(values) => pack(values, f64::to_bits, &float_config(), out),
    }
}

/// Reads `count` values into `values`, which says their encoding.
pub(crate) fn decode(values: &mut Values, count: usize, bytes: &[u8]) -> Result<(), CodecError> {
    match values {
        Values::Integer(values) => *values = unpack_integers(count, bytes)?,
        Values::Float32(values) => *values = unpack(count, bytes, float32)?,
        Values::Float64(values) => *values = unpack(count, bytes, |bits| Ok(f64::from_bits(bits)))?,
    }
    Ok(())
}

pub(super) fn pack_integers(values: &[i64], out: &mut Vec<u8>) -> Result<(), CodecError> {
    pack(values, i64::cast_unsigned, &integer_config(values), out)
}

pub(super) fn unpack_integers(count: usize, bytes: &[u8]) -> Result<Vec<i64>, CodecError> {
    unpack(count, bytes, |bits| Ok(bits.cast_signed()))
}

fn float32(bits: u64) -> Result<f32, CodecError> {
    let bits = u32::try_from(bits).map_err(|_| CodecError::impossible("float", bits, "32 bits"))?;
    Ok(f32::from_bits(bits))
}

/// Differences, unless they spread wider than the values themselves, as those of mere noise do.
fn integer_config(values: &[i64]) -> ChunkConfig {
    let spread = |values: &mut dyn Iterator<Item = u64>| values.fold(0, u64::saturating_add);
    let count = i128::try_from(values.len().max(1)).expect("a length in memory fits");
    let mean = values.iter().map(|value| i128::from(*value)).sum::<i128>() / count;
    let mean = i64::try_from(mean).expect("a mean lies between what it is of");
    let own = spread(&mut values.iter().map(|value| value.abs_diff(mean)));
    let differences = spread(&mut values.windows(2).map(|pair| pair[1].abs_diff(pair[0])));
    let delta = if differences < own { DeltaSpec::TryConsecutive(1) } else { DeltaSpec::NoOp };
    ChunkConfig::default()
        .with_compression_level(LEVEL)
        .with_mode_spec(ModeSpec::Classic)
        .with_delta_spec(delta)
        .with_paging_spec(ONE_PAGE)
}

fn float_config() -> ChunkConfig {
    ChunkConfig::default().with_compression_level(LEVEL).with_paging_spec(ONE_PAGE)
}

/// A column is one page: rows are bounded far below this.
const ONE_PAGE: PagingSpec = PagingSpec::EqualPagesUpTo(1 << 24);

/// Level of pco, 0 to 12.
const LEVEL: usize = 8;

fn pack<T: Number>(
    values: &[T],
    bits: impl Fn(T) -> u64,
    config: &ChunkConfig,
    out: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let Some(&first) = values.first() else { return Ok(()) };
    let first = bits(first);
    if values.iter().all(|&value| bits(value) == first) {
        out.push(SAME);
        put_signed(out, first.cast_signed());
    } else if values.len() < FEW_VALUES {
        out.push(FEW);
        let mut before = 0u64;
        for &value in values {
            put_signed(out, bits(value).wrapping_sub(before).cast_signed());
            before = bits(value);
        }
    } else {
        out.push(PACKED);
        squeeze(values, config, out).map_err(refused)?;
    }
    Ok(())
}

fn squeeze<T: Number>(
    values: &[T],
    config: &ChunkConfig,
    out: &mut Vec<u8>,
) -> Result<(), pco::errors::PcoError> {
    let file = FileCompressor::default();
    file.write_header(&mut *out)?;
    let mut chunk = file.chunk_compressor(values, config)?;
    chunk.write_meta(&mut *out)?;
    chunk.write_page(0, &mut *out)?;
    Ok(())
}

fn unpack<T: Number + Default>(
    count: usize,
    bytes: &[u8],
    from_bits: impl Fn(u64) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let mut input = Input::new(bytes);
    if count == 0 {
        return input.end("column").map(|()| Vec::new());
    }
    match input.byte("kind of column")? {
        SAME => {
            let value = from_bits(input.signed("value")?.cast_unsigned())?;
            input.end("column")?;
            Ok(vec![value; count])
        }
        FEW => {
            let values = unpack_few(count, &mut input, from_bits)?;
            input.end("column").map(|()| values)
        }
        PACKED => unsqueeze(count, input.rest()),
        other => Err(CodecError::impossible("kind of column", other, "0 to 2")),
    }
}

fn unpack_few<T>(
    count: usize,
    input: &mut Input<'_>,
    from_bits: impl Fn(u64) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    if count >= FEW_VALUES {
        return Err(CodecError::impossible("number of differences", count as u64, "few"));
    }
    let mut bits = 0u64;
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        bits = bits.wrapping_add(input.signed("difference")?.cast_unsigned());
        values.push(from_bits(bits)?);
    }
    Ok(values)
}

fn unsqueeze<T: Number + Default>(count: usize, bytes: &[u8]) -> Result<Vec<T>, CodecError> {
    let (file, rest) = FileDecompressor::new(bytes).map_err(refused)?;
    let (mut chunk, rest) = file.chunk_decompressor::<T, _>(rest).map_err(refused)?;
    let mut page = chunk.page_decompressor(rest, count).map_err(refused)?;
    let mut values = vec![T::default(); count];
    let progress = page.read(&mut values).map_err(refused)?;
    if !progress.finished || progress.n_processed != count {
        return Err(CodecError::Short { what: "column" });
    }
    Input::new(page.into_src()).end("column").map(|()| values)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: pco::errors::PcoError) -> CodecError {
    CodecError::Pack { what: "column", why: error.to_string() }
}
