//! A wheel of ticks: what is to happen when, found without a search.

use model::Timestamp;

use super::schedule::TICK_MS;

/// Slots of the wheel: one turn is 10.24 s, so a poll every 10 s is touched once; what lies further away stays in its
/// slot and is looked at once a turn.
const SLOTS: i64 = 1024;

/// Things by the tick at which they are due; ticks are 10 ms of wall-clock time.
#[derive(Debug)]
pub(super) struct Wheel<T> {
    slots: Vec<Vec<(i64, T)>>,
    /// The next tick to be taken; all before it were.
    cursor: i64,
    /// How many things are in it.
    len: usize,
}

impl<T> Wheel<T> {
    /// An empty wheel that begins at `now`.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { slots: (0..SLOTS).map(|_| Vec::new()).collect(), cursor: tick_of(now), len: 0 }
    }

    /// Puts `thing` at the first tick that is not before `due`; what is overdue comes with the next tick.
    pub(super) fn insert(&mut self, due: Timestamp, thing: T) {
        let tick = tick_at_or_after(due).max(self.cursor);
        self.slot(tick).push((tick, thing));
        self.len += 1;
    }

    /// Takes all that is due at `now` into `due`, earliest tick first.
    pub(super) fn take_due(&mut self, now: Timestamp, due: &mut Vec<T>) {
        let last = tick_of(now);
        // After a long pause one whole turn passes every slot once; more would only pass them again.
        let steps = (last - self.cursor + 1).clamp(0, SLOTS);
        for _ in 0..steps {
            let tick = self.cursor;
            self.take_slot(tick, last, due);
            self.cursor += 1;
        }
        self.cursor = self.cursor.max(last + 1);
    }

    fn take_slot(&mut self, tick: i64, last: i64, due: &mut Vec<T>) {
        let slot = self.slot(tick);
        let before = slot.len();
        due.extend(slot.extract_if(.., |(at, _)| *at <= last).map(|(_, thing)| thing));
        let taken = before - self.slot(tick).len();
        self.len -= taken;
    }

    /// The instant of the first tick that holds anything, at most one turn away; `None` if the wheel is empty.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        if self.len == 0 {
            return None;
        }
        let holds = |tick: &i64| self.slots.get(index(*tick)).is_some_and(|slot| !slot.is_empty());
        let tick = (self.cursor..self.cursor + SLOTS).find(holds)?;
        Some(Timestamp::from_millis(tick * i64::from(TICK_MS)))
    }

    /// Empties the wheel and begins again at `now`: the clock was set.
    pub(super) fn restart(&mut self, now: Timestamp) {
        self.slots.iter_mut().for_each(Vec::clear);
        (self.cursor, self.len) = (tick_of(now), 0);
    }

    fn slot(&mut self, tick: i64) -> &mut Vec<(i64, T)> {
        self.slots.get_mut(index(tick)).expect("an index is less than SLOTS, and the wheel has as many")
    }
}

fn index(tick: i64) -> usize {
    usize::try_from(tick.rem_euclid(SLOTS)).unwrap_or(0)
}

fn tick_of(instant: Timestamp) -> i64 {
    instant.millis().div_euclid(i64::from(TICK_MS))
}

fn tick_at_or_after(instant: Timestamp) -> i64 {
    -(-instant.millis()).div_euclid(i64::from(TICK_MS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn due(wheel: &mut Wheel<u32>, now: i64) -> Vec<u32> {
        let mut taken = Vec::new();
        wheel.take_due(at(now), &mut taken);
        taken
    }

    #[test]
    fn what_is_due_in_one_tick_comes_together_and_not_before() {
        let mut wheel = Wheel::new(at(1000));
        wheel.insert(at(1020), 1);
        wheel.insert(at(1011), 2);
        wheel.insert(at(1030), 3);
        assert_eq!(wheel.next_due(), Some(at(1020)));
        assert!(due(&mut wheel, 1019).is_empty());
        assert_eq!(due(&mut wheel, 1020), [1, 2]);
        assert_eq!(due(&mut wheel, 1030), [3]);
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn what_lies_many_turns_away_waits_for_its_turn() {
        let mut wheel = Wheel::new(at(0));
        wheel.insert(at(3_600_000), 7);
        for now in (0..3_600_000).step_by(5000) {
            assert!(due(&mut wheel, now).is_empty(), "taken at {now}");
        }
        assert_eq!(due(&mut wheel, 3_600_000), [7]);
    }

    #[test]
    fn after_a_long_pause_all_that_is_overdue_comes_at_once() {
        let mut wheel = Wheel::new(at(0));
        (0..100u32).for_each(|n| wheel.insert(at(i64::from(n) * 997), n));
        assert_eq!(due(&mut wheel, 10_000_000).len(), 100);
        wheel.insert(at(5), 1);
        assert_eq!(due(&mut wheel, 10_000_010), [1]);
    }

    proptest! {
        #[test]
        fn everything_comes_once_and_within_its_tick(delays in prop::collection::vec(0i64..40_000, 1..50)) {
            let mut wheel = Wheel::new(at(0));
            delays.iter().zip(0u32..).for_each(|(delay, n)| wheel.insert(at(*delay), n));
            let mut seen = Vec::new();
            while let Some(next) = wheel.next_due() {
                for n in due(&mut wheel, next.millis()) {
                    let delay = delays[usize::try_from(n).unwrap()];
                    prop_assert!(next.millis() >= delay && next.millis() < delay + i64::from(TICK_MS));
                    seen.push(n);
                }
            }
            seen.sort_unstable();
            prop_assert_eq!(seen.len(), delays.len());
            seen.dedup();
            prop_assert_eq!(seen.len(), delays.len());
        }
    }
}
