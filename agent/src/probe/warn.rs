//! Values that contradict each other, or what can be.
//!
//! Plain functions over the values of one probe. A warning is no proof: it names what stands against what, with the
//! numbers, and what it usually comes from.

mod electric;
mod single;

use std::collections::BTreeMap;

use model::Quantity;

use super::{ReadingFound, Warning};

/// All contradictions in what one device said.
pub(super) fn contradictions(readings: &[ReadingFound]) -> Vec<Warning> {
    let all = All::new(readings);
    let mut warnings = single::warnings(&all);
    warnings.extend(electric::warnings(&all));
    warnings
}

/// Values by part of the device and quantity.
struct All<'r> {
    by_channel: BTreeMap<&'r str, BTreeMap<Quantity, &'r ReadingFound>>,
}

impl<'r> All<'r> {
    fn new(readings: &'r [ReadingFound]) -> Self {
        let mut by_channel: BTreeMap<&str, BTreeMap<Quantity, &ReadingFound>> = BTreeMap::new();
        for reading in readings {
            by_channel.entry(&reading.channel).or_default().insert(reading.shape.quantity, reading);
        }
        Self { by_channel }
    }

    fn get(&self, channel: &str, quantity: Quantity) -> Option<&'r ReadingFound> {
        self.by_channel.get(channel)?.get(&quantity).copied()
    }

    /// The phases beside a channel: of `total` they are `l1` to `l3`, of `output` or `output.total` they are `output.l1`
    /// and so on.
    fn phases_of(&self, channel: &str) -> Vec<&'r str> {
        let front = match channel.strip_suffix("total") {
            Some(front) => front.to_owned(),
            None => format!("{channel}."),
        };
        let names = ["l1", "l2", "l3"].map(|phase| format!("{front}{phase}"));
        let known = names.iter().filter_map(|name| self.by_channel.get_key_value(name.as_str()));
        known.map(|(name, _)| *name).collect()
    }

    fn channels(&self) -> impl Iterator<Item = &'r str> + '_ {
        self.by_channel.keys().copied()
    }

    fn readings(&self) -> impl Iterator<Item = &'r ReadingFound> + '_ {
        self.by_channel.values().flat_map(|of_channel| of_channel.values().copied())
    }
}

fn warning(sources: &[&ReadingFound], text: String, cause: &str) -> Warning {
    let sources = sources.iter().map(|one| one.source.clone()).collect();
    Warning { sources, text, cause: cause.to_owned() }
}

/// The smallest step that a value can make, in its canonical unit; 0 for floats.
fn step(reading: &ReadingFound) -> f64 {
    f64::from(reading.shape.resolution) * 10f64.powi(i32::from(reading.shape.exponent))
}

#[cfg(test)]
pub(super) mod tests;
