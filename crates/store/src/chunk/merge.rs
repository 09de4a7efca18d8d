//! Late data into a chunk that is there already.

use super::{Block, Chunk, Column, MAX_ROWS};
use crate::CodecError;

pub(super) fn merge(first: Chunk, second: Chunk) -> Result<Chunk, CodecError> {
    if first.device != second.device || first.first.day() != second.first.day() {
        let found = second.first.index();
        return Err(CodecError::impossible("hour of a chunk to merge", found, "of the same device and day"));
    }
    let end = first.end_index().max(second.end_index());
    let start = first.first.min(second.first);
    let hours = u8::try_from(end - start.index()).expect("both lie in one day");
    let blocks = one_of_each_shape(first.blocks.into_iter().chain(second.blocks));
    Ok(Chunk { device: first.device, first: start, hours, blocks })
}

/// Blocks of one shape become one, so that no instant stands in two of them: what several lives of an agent brought
/// within an hour, and the same brought again.
pub(super) fn one_of_each_shape(several: impl IntoIterator<Item = Block>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for block in several {
        match blocks.iter_mut().find(|known| same_shape(known, &block)) {
            Some(known) => absorb(known, block),
            None => blocks.push(block),
        }
    }
    blocks.into_iter().flat_map(parts).collect()
}

/// A block as blocks of at most [`MAX_ROWS`].
fn parts(block: Block) -> Vec<Block> {
    if block.times.len() <= MAX_ROWS {
        return vec![block];
    }
    let rows: Vec<Vec<_>> = block.columns.iter().map(|column| column.rows().collect()).collect();
    let part = |(n, times): (usize, &[i64])| Block {
        times: times.to_vec(),
        columns: block.columns.iter().zip(&rows).map(|(column, rows)| part(column, rows, n)).collect(),
    };
    block.times.chunks(MAX_ROWS).enumerate().map(part).collect()
}

/// The rows of the n-th part of a column.
fn part(column: &Column, rows: &[Result<model::Raw, model::Missing>], n: usize) -> Column {
    let mut part = column.emptied();
    for (row, value) in (0..).zip(rows.iter().skip(n * MAX_ROWS).take(MAX_ROWS)) {
        part.push(row, *value);
    }
    part
}

fn same_shape(known: &Block, new: &Block) -> bool {
    let shape = |column: &Column| (column.series, column.version, column.encoding());
    known.columns.len() == new.columns.len()
        && known.columns.iter().map(shape).eq(new.columns.iter().map(shape))
}

/// Appends `new` to `known`; where they overlap, puts the rows in order.
fn absorb(known: &mut Block, new: Block) {
    let offset = u32::try_from(known.times.len()).expect("rows are bounded");
    let follows = known.times.last().zip(new.times.first()).is_none_or(|(last, first)| last < first);
    known.times.extend(new.times);
    for (column, more) in known.columns.iter_mut().zip(new.columns) {
        append(column, &more, offset);
    }
    if !follows {
        *known = in_order(known);
    }
}

/// Appends a column of the same encoding whose rows begin at `offset`.
fn append(column: &mut Column, more: &Column, offset: u32) {
    for (count, value) in (offset..).zip(more.rows()) {
        column.push(count, value);
    }
}

/// The rows in the order of time. Of several at one instant, the first that has a value counts, for each series.
pub(super) fn in_order(block: &Block) -> Block {
    let mut order: Vec<usize> = (0..block.times.len()).collect();
    order.sort_by_key(|row| block.times[*row]);
    let instants: Vec<&[usize]> = order.chunk_by(|a, b| block.times[*a] == block.times[*b]).collect();
    let reorder = |column: &Column| {
        let rows: Vec<_> = column.rows().collect();
        let mut ordered = column.emptied();
        for (row, same) in (0..).zip(&instants) {
            let value = same.iter().map(|row| rows[*row]).find(Result::is_ok);
            ordered.push(row, value.unwrap_or(rows[same[0]]));
        }
        ordered
    };
    Block {
        times: instants.iter().map(|same| block.times[same[0]]).collect(),
        columns: block.columns.iter().map(reorder).collect(),
    }
}
