//! Which requests to send so that all values come with the fewest, and how to go on where a device refuses one.

use std::ops::Range;

use model::{Missing, Raw};

use super::{Limits, ModbusReading};
use crate::Function;

/// One request: `count` registers (or bits) from `start`, and which readings lie in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// By which function.
    pub function: Function,
    /// Which file, for [`Function::FileRecord`]; 0 for all else.
    pub file: u16,
    /// First address, from 0.
    pub start: u16,
    /// How many registers (or bits).
    pub count: u16,
    /// Readings in it, as numbers in the list that was planned.
    pub readings: Vec<usize>,
}

/// A register that a device has refused, found out by [`split`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hole {
    /// By which function it was read.
    pub function: Function,
    /// Which file, for [`Function::FileRecord`]; 0 for all else.
    pub file: u16,
    /// Its address, from 0.
    pub register: u16,
}

impl Block {
    /// The request for one reading alone, which is number `number` in its list.
    pub fn of(number: usize, reading: &ModbusReading) -> Self {
        let (start, end) = reading.span();
        let count = u16::try_from(end - u32::from(start)).unwrap_or(u16::MAX);
        Self { function: reading.function, file: reading.file, start, count, readings: vec![number] }
    }

    /// The words of `reading` in the answer to this request; empty if the answer is too short.
    pub fn words<'w>(&self, reading: &ModbusReading, answer: &'w [u16]) -> &'w [u16] {
        self.slice(reading.register, reading.words(), answer)
    }

    /// The value of `reading` in the answer to this request.
    ///
    /// # Errors
    /// As [`ModbusReading::decode`]; [`Missing::ShortAnswer`] as well if its scale factor is not in the answer.
    pub fn value(&self, reading: &ModbusReading, answer: &[u16]) -> Result<Raw, Missing> {
        let words = self.words(reading, answer);
        match reading.scale_register {
            None => reading.decode(words),
            Some(factor) => reading.decode(&[words, self.slice(factor, 1, answer)].concat()),
        }
    }

    fn slice<'w>(&self, register: u16, count: u16, answer: &'w [u16]) -> &'w [u16] {
        let from = register.checked_sub(self.start).map(usize::from);
        from.and_then(|from| answer.get(from..from + usize::from(count))).unwrap_or(&[])
    }

    fn over(readings: &[ModbusReading], numbers: &[usize]) -> Option<Self> {
        let mut inside = numbers.iter().filter_map(|n| readings.get(*n).map(|reading| (*n, reading)));
        let (first, reading) = inside.next()?;
        let mut block = Self::of(first, reading);
        for (n, reading) in inside {
            let (start, end) = reading.span();
            let end = end.max(u32::from(block.start) + u32::from(block.count));
            block.start = block.start.min(start);
            block.count = u16::try_from(end - u32::from(block.start)).unwrap_or(u16::MAX);
            block.readings.push(n);
        }
        Some(block)
    }
}

/// The fewest requests that read all of `readings`: no value is split over two requests or from its scale factor, no
/// request asks for more than the limits allow, and registers that nobody wants are read only across gaps that the
/// limits allow.
pub fn plan(readings: &[ModbusReading], limits: &Limits) -> Vec<Block> {
    plan_around(readings, limits, &[])
}

/// As [`plan`], but no request that reads a hole reads anything else.
///
/// Where gaps divide the registers, each part is planned by itself. In a part the request for the leftmost value that
/// is left begins with it and takes in all that it can reach: one that began earlier would reach no value that this
/// one does not.
pub fn plan_around(readings: &[ModbusReading], limits: &Limits, holes: &[Hole]) -> Vec<Block> {
    let mut order: Vec<usize> = (0..readings.len()).collect();
    order.sort_by_key(|n| (place(&readings[*n]), readings[*n].span()));
    let mut blocks = Vec::new();
    let mut rest: &[usize] = &order;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(part_length(rest, readings, limits, holes));
        cover(part, readings, limits, &mut blocks);
        rest = after;
    }
    blocks
}

const fn place(reading: &ModbusReading) -> (Function, u16) {
    (reading.function, reading.file)
}

/// How many of the sorted readings belong to one stretch of registers that may be read across.
fn part_length(sorted: &[usize], readings: &[ModbusReading], limits: &Limits, holes: &[Hole]) -> usize {
    let Some(first) = sorted.first().map(|n| &readings[*n]) else { return 0 };
    let is_hole = |within: Range<u32>| {
        holes.iter().any(|hole| {
            (hole.function, hole.file) == place(first) && within.contains(&u32::from(hole.register))
        })
    };
    let mut end = first.span().1;
    let alone = is_hole(u32::from(first.span().0)..end);
    for (n, reading) in sorted.iter().map(|n| &readings[*n]).enumerate().skip(1) {
        let (start, reach) = (u32::from(reading.span().0), reading.span().1);
        if reading.span() == first.span() && place(reading) == place(first) {
            continue;
        }
        let touches = is_hole(start..reach) || is_hole(end.min(start)..start);
        if place(reading) != place(first) || start > end + u32::from(limits.gap) || alone || touches {
            return n;
        }
        end = end.max(reach);
    }
    sorted.len()
}

fn cover(part: &[usize], readings: &[ModbusReading], limits: &Limits, blocks: &mut Vec<Block>) {
    let mut left = part.to_vec();
    while let Some(&first) = left.first() {
        let window = u32::from(readings[first].span().0) + u32::from(most(readings[first].function, limits));
        // The first is always taken, even one that is too long for any request: so something is left out each time.
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|n| **n == first || readings[**n].span().1 <= window);
        blocks.extend(Block::over(readings, &inside));
        left = outside;
    }
}

/// The most that one request for `function` may ask for.
fn most(function: Function, limits: &Limits) -> u16 {
    let most = function.count_max();
    if function.reads_bits() { most } else { most.min(limits.max_registers) }
}

/// Two requests instead of one that a device refused with exception 2 (illegal data address): divided at the widest gap
/// between values, else in the middle. No value is split, nor torn from its scale factor; `None` if only one register
/// (or value) is left, which then is the hole.
pub fn split(block: &Block, readings: &[ModbusReading]) -> Option<(Block, Block)> {
    let mut sorted: Vec<usize> = block.readings.iter().copied().filter(|n| *n < readings.len()).collect();
    sorted.sort_by_key(|n| (readings[*n].register, readings[*n].end()));
    let cut = widest_gap(&sorted, readings).or_else(|| middle(&sorted, readings))?;
    let (left, right) = sorted.split_at(cut);
    Block::over(readings, left).zip(Block::over(readings, right))
}

fn widest_gap(sorted: &[usize], readings: &[ModbusReading]) -> Option<usize> {
    let mut end = sorted.first().map(|n| readings[*n].end())?;
    let mut widest = None;
    for (at, reading) in sorted.iter().map(|n| &readings[*n]).enumerate().skip(1) {
        let gap = u32::from(reading.register).saturating_sub(end);
        if gap > widest.map_or(0, |(gap, _)| gap) {
            widest = Some((gap, at));
        }
        end = end.max(reading.end());
    }
    widest.map(|(_, at)| at)
}

/// The cut nearest to the middle between two values that do not share registers.
fn middle(sorted: &[usize], readings: &[ModbusReading]) -> Option<usize> {
    let mut end = 0;
    let mut cuts = Vec::new();
    for (at, reading) in sorted.iter().map(|n| &readings[*n]).enumerate() {
        if at > 0 && u32::from(reading.register) >= end {
            cuts.push(at);
        }
        end = end.max(reading.end());
    }
    cuts.into_iter().min_by_key(|at| (at * 2).abs_diff(sorted.len()))
}
