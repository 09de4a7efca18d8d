//! A span of quarter hours from a heap of readings, all at once.

use model::{IntervalValue, Period, QuarterHour, Reason};

use super::{Finding, Output, Reading, Register, RegisterSpec};

/// A span of quarter hours of one register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// One value for each quarter hour of the span, in order; missing (Z75) where the readings do not reach.
    pub values: Vec<IntervalValue>,
    /// What was noticed, in order.
    pub findings: Vec<Finding>,
}

/// Counts a span from readings in any order. To close its first and last quarter hour, give the last reading before
/// the span and the first after it as well. Of two readings at one instant the lower state counts.
///
/// This is [`Register`] without memory, for imports, recomputation and checks; the last reading counts if it is
/// plausible, though none confirms it.
pub fn settle(spec: RegisterSpec, readings: impl IntoIterator<Item = Reading>, span: Period) -> Settled {
    let mut readings: Vec<Reading> = readings.into_iter().collect();
    readings.sort_by_key(|reading| (reading.time, spec.state(reading.state)));
    readings.dedup_by_key(|reading| reading.time);
    let mut register = Register::new(spec);
    let mut output = Output::default();
    register.extend(readings, &mut output);
    register.finish(&mut output);
    let first = QuarterHour::at_or_after(span.from).index();
    let mut values = vec![IntervalValue::missing(Some(Reason::CommunicationFault)); span.quarter_count()];
    for interval in output.intervals {
        let slot =
            usize::try_from(interval.quarter.index() - first).ok().and_then(|index| values.get_mut(index));
        if let Some(slot) = slot {
            *slot = interval.value;
        }
    }
    Settled { values, findings: output.findings }
}
