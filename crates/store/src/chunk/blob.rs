//! A chunk as one blob: a directory, then instants and columns, then a checksum that covers the row's key too.
//!
//! ```text
//! 01, hours, number of blocks
//! for each block: rows, columns, bytes of instants
//!   for each column: series, version, encoding, bytes of missing runs, bytes of values
//! for each block: instants, then for each column: missing runs, values
//! CRC-32C, little endian
//! ```
//! All numbers are varints but the bytes `01` (layout) and encoding. The directory stands first, so that one column is
//! read without unpacking the others.

use model::{Encoding, Missing};

use super::{
    Block, Chunk, Column, MAX_BLOCKS, MAX_CHUNK_SAMPLES, MAX_COLUMNS, MAX_ROWS, MissingRun, Values, column,
    times,
};
use crate::bytes::{self, Input, put, put_len};
use crate::key::{HOUR_MS, row_key};
use crate::registry::encoding_number;
use crate::{CodecError, DeviceKey, Hour, SeriesId};

const LAYOUT: u8 = 1;

pub(super) fn encode(chunk: &Chunk) -> Result<Vec<u8>, CodecError> {
    check(chunk)?;
    let start = chunk.first.start().millis();
    let mut out = vec![LAYOUT, chunk.hours];
    put_len(&mut out, chunk.blocks.len());
    let mut body = Vec::with_capacity(chunk.samples());
    for block in &chunk.blocks {
        write_block(start, block, &mut out, &mut body)?;
    }
    out.append(&mut body);
    bytes::seal(row_key(chunk.device.number(), chunk.first.index()), &mut out);
    Ok(out)
}

fn write_block(
    start: i64,
    block: &Block,
    directory: &mut Vec<u8>,
    body: &mut Vec<u8>,
) -> Result<(), CodecError> {
    let instants = times::encode(start, &block.times)?;
    put_len(directory, block.times.len());
    put_len(directory, block.columns.len());
    put_len(directory, instants.len());
    body.extend_from_slice(&instants);
    for column in &block.columns {
        put(directory, column.series.number().into());
        put(directory, column.version.into());
        directory.push(encoding_number(column.encoding()));
        let before = body.len();
        write_missing(&column.missing, body);
        put_len(directory, body.len() - before);
        let before = body.len();
        column::encode(&column.values, body)?;
        put_len(directory, body.len() - before);
    }
    Ok(())
}

fn write_missing(runs: &[MissingRun], out: &mut Vec<u8>) {
    let mut row = 0;
    for run in runs {
        put(out, u64::from(run.first - row));
        put(out, run.count.into());
        out.push(run.reason.code());
        row = run.first + run.count;
    }
}

/// The rules of [`Chunk`]'s fields.
fn check(chunk: &Chunk) -> Result<(), CodecError> {
    let hours = u32::from(chunk.hours);
    if hours == 0 || hours > chunk.first.left_in_day() {
        return Err(CodecError::impossible("hours of a chunk", hours, "1 up to the end of its UTC day"));
    }
    if chunk.blocks.len() > MAX_BLOCKS {
        return Err(CodecError::impossible("blocks of a chunk", chunk.blocks.len() as u64, "at most 256"));
    }
    check_size(chunk.samples())?;
    chunk.blocks.iter().try_for_each(|block| check_block(chunk, block))
}

fn check_size(samples: usize) -> Result<(), CodecError> {
    if samples <= MAX_CHUNK_SAMPLES {
        return Ok(());
    }
    Err(CodecError::impossible("samples of a chunk", samples as u64, "at most 2^24"))
}

fn check_block(chunk: &Chunk, block: &Block) -> Result<(), CodecError> {
    let (rows, columns) = (block.times.len(), block.columns.len());
    if rows > MAX_ROWS || columns > MAX_COLUMNS {
        return Err(CodecError::impossible("size of a block", rows.max(columns) as u64, "within its bound"));
    }
    if !block.times.windows(2).all(|pair| pair[0] < pair[1]) {
        return Err(CodecError::impossible("order of instants", 0, "rising"));
    }
    check_span(chunk.first, chunk.hours, &block.times)?;
    block.columns.iter().try_for_each(|column| check_column(rows, column))
}

fn check_span(first: Hour, hours: u8, times: &[i64]) -> Result<(), CodecError> {
    let from = first.start().millis();
    let span = from..from + i64::from(hours) * HOUR_MS;
    match times.iter().find(|time| !span.contains(time)) {
        Some(outside) => Err(CodecError::impossible("instant", *outside, "inside the hours of its chunk")),
        None => Ok(()),
    }
}

fn check_column(rows: usize, column: &Column) -> Result<(), CodecError> {
    let mut row = 0u32;
    let mut missing = 0usize;
    for run in &column.missing {
        if run.first < row || run.count == 0 {
            return Err(CodecError::impossible("run of missing samples", run.first, "after the one before"));
        }
        row = run.first.saturating_add(run.count);
        missing += run.count as usize;
    }
    if row as usize > rows || missing + column.values.len() != rows {
        let found = (missing + column.values.len()) as u64;
        return Err(CodecError::impossible("values and missing ones", found, "as many as instants"));
    }
    Ok(())
}

pub(super) fn decode(device: DeviceKey, first: Hour, bytes: &[u8]) -> Result<Chunk, CodecError> {
    let blob = Blob::open(device, first, bytes)?;
    let mut blocks = Vec::with_capacity(blob.blocks.len());
    for entry in &blob.blocks {
        let times = blob.times(entry)?;
        let columns = entry.columns.iter().map(|column| column.read(entry.rows)).collect::<Result<_, _>>()?;
        blocks.push(Block { times, columns });
    }
    Ok(Chunk { device, first, hours: blob.hours, blocks })
}

/// The columns of one series, each with its instants, in the order of the blocks.
pub(crate) fn decode_series(
    device: DeviceKey,
    first: Hour,
    bytes: &[u8],
    series: SeriesId,
) -> Result<Vec<(Vec<i64>, Column)>, CodecError> {
    let blob = Blob::open(device, first, bytes)?;
    let mut found = Vec::new();
    for entry in &blob.blocks {
        for column in entry.columns.iter().filter(|column| column.series == series) {
            found.push((blob.times(entry)?, column.read(entry.rows)?));
        }
    }
    Ok(found)
}

/// A blob whose checksum and directory have been read.
struct Blob<'b> {
    first: Hour,
    hours: u8,
    blocks: Vec<BlockEntry<'b>>,
}

struct BlockEntry<'b> {
    rows: usize,
    times: &'b [u8],
    columns: Vec<ColumnEntry<'b>>,
}

struct ColumnEntry<'b> {
    series: SeriesId,
    version: u16,
    encoding: Encoding,
    missing: &'b [u8],
    values: &'b [u8],
}

impl<'b> Blob<'b> {
    fn open(device: DeviceKey, first: Hour, bytes: &'b [u8]) -> Result<Self, CodecError> {
        let mut input = bytes::unseal(row_key(device.number(), first.index()), bytes)?;
        let layout = input.byte("layout")?;
        if layout != LAYOUT {
            return Err(CodecError::Version { found: layout, known: LAYOUT });
        }
        let hours = input.byte("hours of a chunk")?;
        if hours == 0 || u32::from(hours) > first.left_in_day() {
            return Err(CodecError::impossible("hours of a chunk", hours, "1 up to the end of its UTC day"));
        }
        let count = input.bounded("blocks of a chunk", MAX_BLOCKS)?;
        let directory = (0..count).map(|_| BlockSizes::read(&mut input)).collect::<Result<Vec<_>, _>>()?;
        check_size(directory.iter().map(|sizes| sizes.rows * sizes.columns.len()).sum())?;
        let blocks = directory.into_iter().map(|sizes| sizes.cut(&mut input)).collect::<Result<_, _>>()?;
        input.end("chunk")?;
        Ok(Self { first, hours, blocks })
    }

    fn times(&self, entry: &BlockEntry<'_>) -> Result<Vec<i64>, CodecError> {
        let times = times::decode(self.first.start().millis(), entry.rows, entry.times)?;
        check_span(self.first, self.hours, &times)?;
        Ok(times)
    }
}

/// An entry of the directory.
struct BlockSizes {
    rows: usize,
    times: usize,
    columns: Vec<ColumnSizes>,
}

struct ColumnSizes {
    series: SeriesId,
    version: u16,
    encoding: Encoding,
    missing: usize,
    values: usize,
}

impl BlockSizes {
    fn read(input: &mut Input<'_>) -> Result<Self, CodecError> {
        let rows = input.bounded("rows of a block", MAX_ROWS)?;
        let columns = input.bounded("columns of a block", MAX_COLUMNS)?;
        let times = input.bounded("bytes of instants", input.rest().len())?;
        let columns = (0..columns).map(|_| ColumnSizes::read(input)).collect::<Result<_, _>>()?;
        Ok(Self { rows, times, columns })
    }

    fn cut<'b>(self, input: &mut Input<'b>) -> Result<BlockEntry<'b>, CodecError> {
        let times = input.take("instants", self.times)?;
        let columns = self.columns.into_iter().map(|sizes| sizes.cut(input)).collect::<Result<_, _>>()?;
        Ok(BlockEntry { rows: self.rows, times, columns })
    }
}

impl ColumnSizes {
    fn read(input: &mut Input<'_>) -> Result<Self, CodecError> {
        let wide = |number: u64| CodecError::impossible("number in a directory", number, "in range");
        let series = input.number("series")?;
        let version = input.number("version")?;
        Ok(Self {
            series: SeriesId::new(u32::try_from(series).map_err(|_| wide(series))?),
            version: u16::try_from(version).map_err(|_| wide(version))?,
            encoding: encoding(input.byte("encoding")?)?,
            missing: input.bounded("bytes of missing runs", input.rest().len())?,
            values: input.bounded("bytes of values", input.rest().len())?,
        })
    }

    fn cut<'b>(self, input: &mut Input<'b>) -> Result<ColumnEntry<'b>, CodecError> {
        let missing = input.take("missing runs", self.missing)?;
        let values = input.take("values", self.values)?;
        let Self { series, version, encoding, .. } = self;
        Ok(ColumnEntry { series, version, encoding, missing, values })
    }
}

impl ColumnEntry<'_> {
    fn read(&self, rows: usize) -> Result<Column, CodecError> {
        let missing = read_missing(rows, self.missing)?;
        let gone: usize = missing.iter().map(|run| run.count as usize).sum();
        let mut values = Values::new(self.encoding);
        column::decode(&mut values, rows - gone, self.values)?;
        Ok(Column { series: self.series, version: self.version, values, missing })
    }
}

fn read_missing(rows: usize, bytes: &[u8]) -> Result<Vec<MissingRun>, CodecError> {
    let mut input = Input::new(bytes);
    let mut runs = Vec::new();
    let mut row = 0;
    while !input.rest().is_empty() {
        let first = row + input.bounded("place of a missing run", rows - row)?;
        let count = input.bounded("length of a missing run", rows - first)?;
        row = first + count;
        let reason = Missing::from_code(input.byte("reason")?);
        let narrow = |number| u32::try_from(number).expect("rows are bounded");
        runs.push(MissingRun { first: narrow(first), count: narrow(count), reason });
    }
    match runs.iter().find(|run| run.count == 0) {
        Some(empty) => Err(CodecError::impossible("length of a missing run", empty.count, "at least 1")),
        None => Ok(runs),
    }
}

fn encoding(number: u8) -> Result<Encoding, CodecError> {
    [Encoding::Integer, Encoding::Float32, Encoding::Float64]
        .into_iter()
        .find(|encoding| encoding_number(*encoding) == number)
        .ok_or_else(|| CodecError::impossible("encoding", number, "1 to 3"))
}
