//! Which requests to send so that all values come with the fewest.

use super::{Limits, ModbusReading};
use crate::Function;

/// One request: `count` registers (or bits) from `start`, and which readings lie in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// By which function.
    pub function: Function,
    /// First address, from 0.
    pub start: u16,
    /// How many registers (or bits).
    pub count: u16,
    /// Readings in it, as numbers in the list that was planned.
    pub readings: Vec<usize>,
}

impl Block {
    /// The words of `reading` in the answer to this request; empty if the answer is too short.
    pub fn words<'w>(&self, reading: &ModbusReading, answer: &'w [u16]) -> &'w [u16] {
        let from = usize::from(reading.register.saturating_sub(self.start));
        answer.get(from..from + usize::from(reading.words())).unwrap_or(&[])
    }
}

/// The fewest requests that read all of `readings`: no value is split over two requests, no request asks for more than
/// the limits allow, and registers that nobody wants are read only across gaps that the limits allow.
///
/// Going from left to right and stretching each request as far as it may go is the best there is: a request that ended
/// earlier would leave more to the next one.
pub fn plan(readings: &[ModbusReading], limits: &Limits) -> Vec<Block> {
    let mut order: Vec<usize> = (0..readings.len()).collect();
    order.sort_by_key(|n| (readings[*n].function, readings[*n].register, readings[*n].end()));
    let mut blocks: Vec<Block> = Vec::new();
    for n in order {
        let reading = &readings[n];
        match blocks.last_mut().and_then(|block| stretch(block, reading, limits)) {
            Some(block) => block.readings.push(n),
            None => blocks.push(Block {
                function: reading.function,
                start: reading.register,
                count: reading.words(),
                readings: vec![n],
            }),
        }
    }
    blocks
}

/// `block`, stretched over `reading`; `None`, and nothing done, if it must not be.
fn stretch<'b>(block: &'b mut Block, reading: &ModbusReading, limits: &Limits) -> Option<&'b mut Block> {
    if block.function != reading.function {
        return None;
    }
    let end = u32::from(block.start) + u32::from(block.count);
    let count = end.max(reading.end()) - u32::from(block.start);
    let most = if block.function.reads_bits() {
        block.function.count_max()
    } else {
        limits.max_registers.min(block.function.count_max())
    };
    let near = u32::from(reading.register) <= end + u32::from(limits.gap);
    let count = u16::try_from(count).ok().filter(|count| near && *count <= most)?;
    block.count = count;
    Some(block)
}
