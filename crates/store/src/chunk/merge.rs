//! Late data into a chunk that is there already.

use super::{Block, Chunk, Column};
use crate::CodecError;

pub(super) fn merge(first: Chunk, second: Chunk) -> Result<Chunk, CodecError> {
    if first.device != second.device || first.first.day() != second.first.day() {
        let found = second.first.index();
        return Err(CodecError::impossible("hour of a chunk to merge", found, "of the same device and day"));
    }
    let end = first.end_index().max(second.end_index());
    let start = first.first.min(second.first);
    let hours = u8::try_from(end - start.index()).expect("both lie in one day");
    let mut blocks = first.blocks;
    for block in second.blocks {
        match blocks.iter_mut().find(|known| same_shape(known, &block)) {
            Some(known) => absorb(known, block),
            None => blocks.push(block),
        }
    }
    Ok(Chunk { device: first.device, first: start, hours, blocks })
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
