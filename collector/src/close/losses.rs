//! What was expected of a device, what came, and what became of the rest.

use std::collections::BTreeMap;

use model::{Missing, PollGroup, Timestamp};
use store::{Day, LossStatement, StoreError};

/// Statements of one device that were not written yet, by UTC day.
#[derive(Debug, Default)]
pub(super) struct Losses {
    days: BTreeMap<Day, LossStatement>,
    current: Option<(Day, LossStatement)>,
}

impl Losses {
    /// The statement of a day.
    pub(super) fn of(&mut self, day: Day) -> &mut LossStatement {
        if self.current.as_ref().is_none_or(|(current, _)| *current != day) {
            self.park();
            let known = self.days.remove(&day).unwrap_or_default();
            self.current = Some((day, known));
        }
        &mut self.current.get_or_insert_with(|| (day, LossStatement::default())).1
    }

    /// Hands over what was counted.
    pub(super) fn take(&mut self) -> BTreeMap<Day, LossStatement> {
        self.park();
        std::mem::take(&mut self.days)
    }

    fn park(&mut self) {
        if let Some((day, statement)) = self.current.take() {
            self.days.insert(day, statement);
        }
    }

    /// Counts the polls of a group that were due in `[from, to)`: as expected, and with a reason also as missing.
    pub(super) fn expect(
        &mut self,
        group: &PollGroup,
        (from, to): (Timestamp, Timestamp),
        lost: Option<Missing>,
    ) -> Result<(), StoreError> {
        let series = u64::try_from(group.series.len()).unwrap_or(u64::MAX);
        let mut from = from;
        while from < to {
            let day = Day::of(from)?;
            let end = Day::from_index(i64::from(day.index()) + 1)?.start().min(to);
            let samples = due(group, from, end).saturating_mul(series);
            if samples > 0 {
                let statement = self.of(day);
                match lost {
                    None => statement.expected += samples,
                    Some(reason) => *statement.missing.entry(reason).or_default() += samples,
                }
            }
            from = end;
        }
        Ok(())
    }
}

/// The last instant up to `time` at which a poll of a group is due: to that one an answer of `time` belongs.
pub(super) fn last_due(group: &PollGroup, time: Timestamp) -> Timestamp {
    let (period, offset) = (i64::from(group.period_ms.max(1)), i64::from(group.offset_ms));
    Timestamp::from_millis((time.millis() - offset).div_euclid(period) * period + offset)
}

/// Polls of a group that are due in `[from, to)`.
pub(super) fn due(group: &PollGroup, from: Timestamp, to: Timestamp) -> u64 {
    let (period, offset) = (i64::from(group.period_ms.max(1)), i64::from(group.offset_ms));
    let before = |instant: Timestamp| -((offset - instant.millis()).div_euclid(period));
    u64::try_from(before(to) - before(from)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::DeviceId;

    fn group(period_ms: u32, offset_ms: u32) -> PollGroup {
        let device = DeviceId::new("m").unwrap();
        PollGroup { number: 1, device, period_ms, offset_ms, series: vec![1, 2] }
    }

    #[test]
    fn polls_are_due_at_multiples_of_the_period_plus_the_offset() {
        let at = Timestamp::from_millis;
        let group = group(10_000, 3_000);
        assert_eq!(due(&group, at(0), at(3_000)), 0);
        assert_eq!(due(&group, at(0), at(3_001)), 1);
        assert_eq!(due(&group, at(3_000), at(13_000)), 1);
        assert_eq!(due(&group, at(3_001), at(13_000)), 0);
        assert_eq!(due(&group, at(0), at(86_400_000)), 8640);
    }

    #[test]
    fn an_answer_belongs_to_the_poll_that_was_due_last() {
        let group = group(10_000, 3_000);
        let due = |ms| last_due(&group, Timestamp::from_millis(ms)).millis();
        assert_eq!((due(13_000), due(13_400), due(22_999), due(2_999)), (13_000, 13_000, 13_000, -7_000));
    }

    #[test]
    fn what_was_expected_falls_into_its_utc_days() {
        let mut losses = Losses::default();
        let span = (Timestamp::from_millis(86_400_000 - 20_000), Timestamp::from_millis(86_400_000 + 30_000));
        losses.expect(&group(10_000, 0), span, None).unwrap();
        losses.expect(&group(10_000, 0), span, Some(Missing::AgentDown)).unwrap();
        let days = losses.take();
        let of = |day: i64| &days[&Day::from_index(day).unwrap()];
        // Two polls before midnight, three after, of two series each.
        assert_eq!((of(0).expected, of(1).expected), (4, 6));
        assert_eq!(of(1).missing[&Missing::AgentDown], 6);
    }
}
