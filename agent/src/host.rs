//! The machine on which the agent runs, and what the agent itself costs it.
//!
//! On the path of a reading this is a device like any other. Promises: nothing needs root; what the machine does not
//! tell, or tells to root alone, is named with its reason and the way out and is never a zero; what is read of a file,
//! and the number of sensors, are bounded; folders are looked through once, so that the series stay the same while the
//! agent runs.

mod cpu;
mod files;
mod hwmon;
mod machine;
mod names;
mod rapl;
mod supply;

use std::fmt;
use std::time::Duration;

use model::{Channel, Encoding, Missing, Quantity, Raw, Side};
use profile::SeriesShape;

use crate::clock::{Clock, SystemClock};

pub use files::Roots;

/// Something that the machine does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// What, in the words of a series' source.
    pub source: String,
    /// Why, and what can be done about it.
    pub reason: String,
}

/// A group of values of the machine.
trait Part: fmt::Debug + Send {
    /// What can be read, in the order of [`read`](Self::read).
    fn shapes(&self) -> Vec<SeriesShape>;
    /// One value or reason for each shape; `mono` is the monotonic clock.
    fn read(&mut self, mono: Duration) -> Vec<Result<Raw, Missing>>;
}

/// What the parts found when they were made.
#[derive(Debug, Default)]
struct Notes(Vec<Unavailable>);

impl Notes {
    fn add(&mut self, source: impl Into<String>, reason: impl Into<String>) {
        self.0.push(Unavailable { source: source.into(), reason: reason.into() });
    }
}

/// Reads the machine. Reading may block for some milliseconds, so it has its place on a thread of its own.
#[derive(Debug)]
pub struct Probe {
    parts: Vec<Box<dyn Part>>,
    notes: Notes,
    clock: SystemClock,
}

impl Probe {
    /// Looks what there is below `roots`, to be read once in `every`. Means over time begin here.
    pub fn new(roots: &Roots, every: Duration) -> Self {
        let (mut notes, clock) = (Notes::default(), SystemClock::start());
        let parts: Vec<Box<dyn Part>> = vec![
            Box::new(cpu::Cpu::find(roots, &mut notes)),
            Box::new(machine::Machine::find(roots, &mut notes)),
            Box::new(hwmon::Sensors::find(roots, &mut notes)),
            Box::new(rapl::Rapl::find(roots, every, &mut notes)),
            Box::new(supply::Supplies::find(roots)),
        ];
        let mut probe = Self { parts, notes, clock };
        probe.read();
        probe
    }

    /// What can be read, in the order of [`read`](Self::read).
    pub fn shapes(&self) -> Vec<SeriesShape> {
        self.parts.iter().flat_map(|part| part.shapes()).collect()
    }

    /// What the machine does not tell, and why.
    pub fn unavailable(&self) -> &[Unavailable] {
        &self.notes.0
    }

    /// Reads all of it. Use of the processors and power are means since the reading before.
    pub fn read(&mut self) -> Vec<Result<Raw, Missing>> {
        let mono = self.clock.now().mono;
        self.read_at(mono)
    }

    fn read_at(&mut self, mono: Duration) -> Vec<Result<Raw, Missing>> {
        self.parts.iter_mut().flat_map(|part| part.read(mono)).collect()
    }
}

/// A whole number of `10^exponent` of the canonical unit, from `place`.
fn shape(quantity: Quantity, channel: &Channel, exponent: i8, place: &str) -> SeriesShape {
    SeriesShape {
        quantity,
        channel: channel.clone(),
        encoding: Encoding::Integer,
        exponent,
        wraps_at: None,
        resolution: 1,
        side: Side::Primary,
        source: format!("host {place}"),
    }
}

fn whole(amount: u64) -> Result<Raw, Missing> {
    i64::try_from(amount).map(Raw::Integer).map_err(|_| Missing::OutOfRange)
}

#[cfg(test)]
mod tests;
