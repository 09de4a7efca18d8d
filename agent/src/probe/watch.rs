//! Do counters move as power says? Power and energy are read a second time, a few seconds after the first.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{Encoding, Quantity};

use super::{Exact, Probed, Question, ReadingFound, Warning};

/// How long is waited if nobody says how long, and only where it can show something.
const SHORT: Duration = Duration::from_secs(5);
/// Steps of a counter that power must make meanwhile for a judgement: with fewer, when it was read decides.
const STEPS_MIN: f64 = 3.0;
/// A counter that moves twice or half as fast as power says is suspicious; power may change in between.
const RATIO_MAX: f64 = 2.0;

/// How long counters are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watch {
    /// For a few seconds, where that is enough to see a counter move.
    #[default]
    Short,
    /// For so long.
    For(Duration),
    /// Not at all.
    Never,
}

/// A counter and the power that moves it.
struct Pair {
    energy: ReadingFound,
    power: ReadingFound,
    /// Smallest movement in watt-hours.
    step: f64,
}

/// Reads counters and their powers again by `again`, which gives values by source, and warns where they do not agree.
pub(super) fn counters(
    question: &Question<'_>,
    probed: &mut Probed,
    again: &mut dyn FnMut(&[String]) -> BTreeMap<String, Exact>,
) {
    let time = match question.watch {
        Watch::Never => return,
        Watch::Short => SHORT,
        Watch::For(time) => time,
    };
    let (judged, slow): (Vec<Pair>, Vec<Pair>) =
        pairs(&probed.readings).into_iter().partition(|pair| pair.expected(time) >= STEPS_MIN * pair.step);
    if let Some(pair) = slow.iter().max_by(|a, b| a.pace().total_cmp(&b.pace())) {
        probed.notes.push(pair.too_slow(time));
    }
    if judged.is_empty() {
        return;
    }
    let before = question.patience.now();
    question.patience.wait(time);
    let sources: Vec<String> =
        judged.iter().flat_map(|pair| [&pair.energy.source, &pair.power.source]).cloned().collect();
    let later = again(&sources);
    let passed = question.patience.now().saturating_sub(before);
    probed.warnings.extend(judged.iter().filter_map(|pair| pair.judge(&later, passed)));
}

fn pairs(readings: &[ReadingFound]) -> Vec<Pair> {
    let pair = |energy: &ReadingFound| {
        let wanted = match energy.shape.quantity {
            Quantity::ActiveEnergyImport => 1.0,
            Quantity::ActiveEnergyExport => -1.0,
            _ => return None,
        };
        let of = |one: &&ReadingFound| {
            one.shape.quantity == Quantity::ActivePower && one.channel == energy.channel
        };
        let power = readings.iter().find(of).filter(|power| power.value.to_f64() * wanted > 0.0)?;
        Some(Pair { energy: energy.clone(), power: power.clone(), step: step(energy) })
    };
    readings.iter().filter_map(pair).collect()
}

/// The smallest movement of a register: its resolution, or the distance to the next float.
fn step(energy: &ReadingFound) -> f64 {
    let value = energy.value.to_f64().abs();
    match energy.shape.encoding {
        Encoding::Float32 => value * f64::from(f32::EPSILON),
        Encoding::Float64 => value * f64::EPSILON,
        Encoding::Integer => {
            f64::from(energy.shape.resolution) * 10f64.powi(i32::from(energy.shape.exponent))
        }
    }
}

impl Pair {
    /// Watt-hours that the power makes in so long a time.
    fn expected(&self, time: Duration) -> f64 {
        self.power.value.to_f64().abs() * time.as_secs_f64() / 3600.0
    }

    /// Steps an hour.
    fn pace(&self) -> f64 {
        self.power.value.to_f64().abs() / self.step.max(f64::MIN_POSITIVE)
    }

    fn too_slow(&self, time: Duration) -> String {
        let hours = STEPS_MIN / self.pace();
        let needed = if hours.is_finite() { (hours * 60.0).ceil() } else { 0.0 };
        format!(
            "whether {} at {} moves cannot be seen in {time:?}: at {} W three of its steps of {} Wh take {needed} min \
             (--watch {needed}m)",
            self.energy.quantity, self.energy.channel, self.power.value, self.step
        )
    }

    fn judge(&self, later: &BTreeMap<String, Exact>, passed: Duration) -> Option<Warning> {
        let energy = later.get(&self.energy.source)?;
        let power = later.get(&self.power.source).copied().unwrap_or(self.power.value);
        let (before, after) = (self.energy.value.to_f64(), energy.to_f64());
        let moved = after - before;
        let mean = f64::midpoint(self.power.value.to_f64().abs(), power.to_f64().abs());
        let expected = mean * passed.as_secs_f64() / 3600.0;
        let seconds = format!("{:.1} s", passed.as_secs_f64());
        let (what, cause) = if moved < 0.0 {
            (
                format!("goes back from {before} to {after} Wh"),
                "wrong type or order, or it counts the balance of both directions",
            )
        } else if moved == 0.0 {
            (
                format!("stays at {before} Wh"),
                "another register than the counter, or the device renews it seldom (try --watch 60s)",
            )
        } else if moved > expected * RATIO_MAX + 2.0 * self.step
            || moved < expected / RATIO_MAX - 2.0 * self.step
        {
            (format!("moves by {moved} Wh"), scale_cause(moved / expected))
        } else {
            return None;
        };
        let (channel, quantity) = (&self.energy.channel, self.energy.quantity);
        Some(Warning {
            sources: vec![self.energy.source.clone(), self.power.source.clone()],
            text: format!(
                "{quantity} at {channel} {what} in {seconds}, while {mean} W make {expected:.3} Wh"
            ),
            cause: cause.to_owned(),
        })
    }
}

fn scale_cause(ratio: f64) -> &'static str {
    match ratio {
        _ if (300.0..3000.0).contains(&ratio) => {
            "energy is in Wh and read as kWh, or power in kW and read as W"
        }
        _ if (0.0003..0.003).contains(&ratio) => {
            "energy is in kWh and read as Wh, or power in W and read as kW"
        }
        _ => {
            "a CT or VT ratio is applied to one of the two only, or their scale is wrong; or power changed meanwhile"
        }
    }
}

#[cfg(test)]
mod tests;
