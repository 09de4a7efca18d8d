//! Compression of a whole batch, with every bound that decompression needs.

use std::io::{self, Read};

use crate::error::within;
use crate::{MAX_BATCH_BYTES, MAX_INFLATED_BYTES, WireError};

/// Level of zstd: the fastest of the usual ones. It halves packed samples (3.2 to 1.5 bytes each, of made-up meters), and
/// an agent has its processor for polling.
const LEVEL: i32 = 1;

/// Largest window that a sender may ask for, as a power of two: that of [`MAX_INFLATED_BYTES`]. Without a bound a
/// frame of a few bytes could claim 128 MiB.
const WINDOW_LOG: u32 = MAX_INFLATED_BYTES.ilog2();

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL)
        .expect("zstd cannot fail into a buffer of its own bound at a valid level")
}

pub(crate) fn inflate(body: &[u8]) -> Result<Vec<u8>, WireError> {
    within("size of the batch in bytes", body.len(), MAX_BATCH_BYTES)?;
    let inflated = read_limited(body).map_err(|source| WireError::Inflate { bytes: body.len(), source })?;
    within("size of the inflated batch in bytes", inflated.len(), MAX_INFLATED_BYTES)?;
    Ok(inflated)
}

/// Reads one byte past the limit at most.
fn read_limited(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
    decoder.window_log_max(WINDOW_LOG)?;
    let mut inflated = Vec::with_capacity(body.len().saturating_mul(4).min(MAX_INFLATED_BYTES));
    decoder.take(MAX_INFLATED_BYTES as u64 + 1).read_to_end(&mut inflated)?;
    Ok(inflated)
}
