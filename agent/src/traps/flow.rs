//! The share of one device: notifications that were sent again, and those that are too many.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use model::Severity;

/// Notifications of one device that become events of their own within a minute. A UPS on battery tells it once a minute,
/// a switch that loses a line tells some ten at once.
const A_MINUTE_MAX: u32 = 20;
/// The minute begins with the first notification.
const MINUTE: Duration = Duration::from_mins(1);
/// Kinds of notifications that a sum tells apart.
const KINDS_MAX: usize = 6;
/// Notifications that are remembered to know them again.
const RECENT_MAX: usize = 32;
/// After this nobody repeats an inform any more: half a minute between tries is the longest that devices are set to.
/// No device restarts twice within it with the same time since start, so no restart is taken for a repetition.
const REPEATED_WITHIN: Duration = Duration::from_mins(1);

/// What is to become of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// It was there already.
    Repeated,
    /// It becomes an event.
    Event,
    /// It goes into the sum of this minute.
    Summed,
}

/// The notifications of one device.
#[derive(Debug, Default)]
pub(super) struct Flow {
    recent: VecDeque<(u64, Duration)>,
    minute: Option<Minute>,
}

#[derive(Debug)]
struct Minute {
    began: Duration,
    events: u32,
    summed: BTreeMap<String, u64>,
    others: u64,
    worst: Severity,
}

impl Flow {
    /// A notification came: `mark` is the same for a repeated one.
    pub(super) fn take(&mut self, mark: u64, now: Duration) -> Share {
        while self.recent.front().is_some_and(|(_, at)| now.saturating_sub(*at) > REPEATED_WITHIN) {
            self.recent.pop_front();
        }
        let known = self.recent.iter().position(|(other, _)| *other == mark);
        if let Some(place) = known {
            self.recent.remove(place);
        }
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((mark, now));
        if known.is_some() {
            return Share::Repeated;
        }
        let minute = self.minute.get_or_insert_with(|| Minute::new(now));
        if minute.events < A_MINUTE_MAX {
            minute.events += 1;
            return Share::Event;
        }
        Share::Summed
    }

    /// A notification could not be kept: it is to be taken when it comes again.
    pub(super) fn forget(&mut self, mark: u64) {
        self.recent.retain(|(other, _)| *other != mark);
    }

    /// A notification goes into the sum.
    pub(super) fn sum(&mut self, title: &str, severity: Severity) {
        let Some(minute) = &mut self.minute else { return };
        minute.worst = minute.worst.max(severity);
        if let Some(count) = minute.summed.get_mut(title) {
            *count += 1;
        } else if minute.summed.len() < KINDS_MAX {
            minute.summed.insert(title.to_owned(), 1);
        } else {
            minute.others += 1;
        }
    }

    /// What is to be told of a minute that is over, if there was more than fits; `Duration::MAX` ends any minute.
    pub(super) fn sum_up(&mut self, now: Duration) -> Option<(Severity, String)> {
        let over = |minute: &mut Minute| now.saturating_sub(minute.began) >= MINUTE;
        let minute = self.minute.take_if(over)?;
        let total: u64 = minute.summed.values().sum::<u64>() + minute.others;
        if total == 0 {
            return None;
        }
        let mut kinds: Vec<String> =
            minute.summed.iter().map(|(title, count)| format!("{title} {count}")).collect();
        if minute.others > 0 {
            kinds.push(format!("others {}", minute.others));
        }
        let text = format!(
            "{total} more notifications within a minute, not recorded one by one: {}",
            kinds.join(", ")
        );
        Some((minute.worst, text))
    }
}

impl Minute {
    const fn new(began: Duration) -> Self {
        Self { began, events: 0, summed: BTreeMap::new(), others: 0, worst: Severity::Info }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_storm_is_told_as_a_sum_with_its_worst_severity_and_the_next_minute_is_free_again() {
        let mut flow = Flow::default();
        for n in 0..120u64 {
            let share = flow.take(n, at(100) + Duration::from_millis(n));
            assert_eq!(share, if n < 20 { Share::Event } else { Share::Summed }, "{n}");
            if share == Share::Summed {
                let kinds = [("linkDown", Severity::Warning), ("linkUp", Severity::Info)];
                let (title, severity) = kinds[usize::try_from(n % 2).unwrap()];
                flow.sum(title, severity);
            }
        }
        assert_eq!(flow.sum_up(at(159)), None, "the minute is not over");
        let text = "100 more notifications within a minute, not recorded one by one: linkDown 50, linkUp 50";
        assert_eq!(flow.sum_up(at(160)), Some((Severity::Warning, text.to_owned())));
        assert_eq!(flow.sum_up(at(161)), None);
        assert_eq!(flow.take(1000, at(161)), Share::Event);
    }

    #[test]
    fn many_kinds_are_summed_without_a_list_that_grows() {
        let mut flow = Flow::default();
        for n in 0..1000u64 {
            if flow.take(n, at(0)) == Share::Summed {
                flow.sum(&format!("kind-{n}"), Severity::Info);
            }
        }
        let (_, text) = flow.sum_up(Duration::MAX).unwrap();
        assert!(text.starts_with("980 more") && text.ends_with("others 974"), "{text}");
    }

    #[test]
    fn what_is_repeated_is_known_for_a_minute_after_it_came_last() {
        let mut flow = Flow::default();
        assert_eq!(flow.take(7, at(0)), Share::Event);
        assert_eq!(flow.take(7, at(50)), Share::Repeated);
        assert_eq!(flow.take(7, at(100)), Share::Repeated);
        assert_eq!(flow.take(8, at(100)), Share::Event);
        assert_eq!(flow.take(7, at(161)), Share::Event);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut flow = Flow::default();
        (0..10_000).for_each(|n| assert_ne!(flow.take(n, at(0)), Share::Repeated));
        assert_eq!(flow.recent.len(), RECENT_MAX);
    }
}
