//! Registers that a device refuses, found by dividing the requests that it answers with an exception.

use std::time::Duration;

use profile::{Block, Hole, Limits, ModbusReading, plan_around, split};

/// Illegal data address, illegal data value (Application Protocol V1.1b3, 7): the request reaches for what is not there,
/// or for more than the device gives at once.
const REACHED_TOO_FAR: [u8; 2] = [2, 3];
/// A refused register is asked again after this, then ever more rarely: a device that was starting has it by then.
const AGAIN_FIRST: Duration = Duration::from_mins(10);
/// However often it was refused, it is asked again at least this often: devices get new programs.
const AGAIN_MAX: Duration = Duration::from_hours(24);

/// What a device refuses.
#[derive(Debug, Default)]
pub(super) struct Holes {
    known: Vec<Hole>,
    /// Blocks of one value each that were refused in the poll under way.
    refused: Vec<Hole>,
    /// Was one of the holes answered in the poll under way?
    filled: bool,
    again_at: Duration,
    wait: Duration,
}

/// What a poll has shown about holes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Holes that were not known.
    pub(super) new: Vec<Hole>,
    /// The requests are to be planned anew.
    pub(super) replan: bool,
}

impl Holes {
    /// Is nothing refused?
    pub(super) const fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Does this block reach into a hole?
    pub(super) fn is_hole(&self, block: &Block) -> bool {
        self.known.iter().any(|hole| reaches(block, *hole))
    }

    /// Is it time to ask the holes again?
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now >= self.again_at
    }

    /// Asks them with the next poll: the device was away, and may be another one.
    pub(super) fn ask_soon(&mut self) {
        (self.again_at, self.wait) = (Duration::ZERO, Duration::ZERO);
    }

    /// A block of one value was refused.
    pub(super) fn refuse(&mut self, block: &Block) {
        let Block { function, file, start, .. } = *block;
        let hole = Hole { function, file, register: start };
        if !self.refused.contains(&hole) {
            self.refused.push(hole);
        }
    }

    /// A block was answered: there is no hole in it, whatever was thought.
    pub(super) fn fill(&mut self, block: &Block) {
        let before = self.known.len();
        self.known.retain(|hole| !reaches(block, *hole));
        self.filled |= self.known.len() != before;
    }

    /// The poll is over: what was refused in it counts only if the device gave something else, for one that is starting
    /// refuses all. Then what was divided is put together again.
    pub(super) fn settle(&mut self, gave_something: bool, now: Duration) -> Settled {
        let filled = std::mem::take(&mut self.filled);
        if self.refused.is_empty() {
            return Settled { new: Vec::new(), replan: filled };
        }
        let refused = std::mem::take(&mut self.refused);
        if !gave_something {
            return Settled { new: Vec::new(), replan: true };
        }
        self.wait = (self.wait * 2).clamp(AGAIN_FIRST, AGAIN_MAX);
        self.again_at = now + self.wait;
        let new: Vec<Hole> = refused.into_iter().filter(|hole| !self.known.contains(hole)).collect();
        self.known.extend(&new);
        Settled { replan: filled || !new.is_empty(), new }
    }

    /// The requests that read around them.
    pub(super) fn plan(&self, readings: &[ModbusReading], limits: &Limits) -> Vec<Block> {
        plan_around(readings, limits, &self.known)
    }
}

fn reaches(block: &Block, hole: Hole) -> bool {
    let registers = u32::from(block.start)..u32::from(block.start) + u32::from(block.count);
    (hole.function, hole.file) == (block.function, block.file)
        && registers.contains(&u32::from(hole.register))
}

/// May what was asked be found out by asking for less?
pub(super) const fn is_divisible(code: u8) -> bool {
    code == REACHED_TOO_FAR[0] || code == REACHED_TOO_FAR[1]
}

/// Puts two requests in the place of one that was refused; gives the place of the second one.
pub(super) fn divide(blocks: &mut Vec<Block>, at: usize, readings: &[ModbusReading]) -> Option<usize> {
    let (left, right) = split(blocks.get(at)?, readings)?;
    *blocks.get_mut(at)? = left;
    blocks.push(right);
    Some(blocks.len() - 1)
}

/// The readings that lie in holes, as they are told.
pub(super) fn names(holes: &[Hole], readings: &[ModbusReading]) -> String {
    /// As many as fit into one event; they are in the log of the first poll anyway.
    const NAMED_MAX: usize = 8;
    let inside = |hole: &&Hole| {
        readings.iter().find(|one| {
            (one.function, one.file) == (hole.function, hole.file) && one.span().0 == hole.register
        })
    };
    let named: Vec<String> =
        holes.iter().take(NAMED_MAX).filter_map(|hole| inside(&hole)).map(ModbusReading::source).collect();
    let more = holes.len().saturating_sub(NAMED_MAX);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", named.join(", "))
}
