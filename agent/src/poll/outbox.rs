//! The way from the engine to whoever writes: gathers the polls that ended in one second.

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, TrySendError};

use model::{Event, Missing, Poll, PollGroup, Raw, Samples, SeriesDescriptor, Timestamp};

/// How many messages may wait for a slow disk: about a minute, at one for each second and a few events.
pub const QUEUE_MESSAGES: usize = 64;
/// Seconds of polls that the engine itself holds on top when the queue is full; what ends later is counted as lost.
const HELD_POLLS_MAX: usize = 100_000;

/// What the engine has for whoever writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// All polls that ended in the second that begins at this time.
    Samples(Timestamp, Samples),
    /// Series and groups that were learned.
    Declare(Timestamp, Vec<SeriesDescriptor>, Vec<PollGroup>),
    /// Something happened.
    Event(Timestamp, Event),
    /// The wall clock was set: before, after.
    ClockStep(Timestamp, Timestamp),
}

/// Gathers the polls of a second and hands them on.
#[derive(Debug)]
pub struct Outbox {
    to: Option<SyncSender<Message>>,
    samples: Samples,
    second: Timestamp,
    /// What did not fit into the queue yet, oldest first: only declarations, events and clock steps, which are few.
    waiting: VecDeque<Message>,
}

impl Outbox {
    /// Hands on to `to`; without it, what was read is only counted.
    pub fn new(to: Option<SyncSender<Message>>) -> Self {
        Self { to, samples: Samples::default(), second: Timestamp::MIN, waiting: VecDeque::new() }
    }

    /// Takes a poll that ended at `now`. Gives the instant at which to flush, if that is not already known.
    pub fn poll(
        &mut self,
        now: Timestamp,
        (group, time): (u32, Timestamp),
        values: &[Result<Raw, Missing>],
    ) -> Option<Timestamp> {
        self.to.as_ref()?;
        let first = self.samples.polls.is_empty();
        if first {
            self.second = Timestamp::from_seconds(now.millis().div_euclid(1000));
        }
        self.samples.polls.push(Poll { group, time, values: values.to_vec() });
        first.then(|| self.second.plus_millis(1000))
    }

    /// Hands on the polls of a second that is over at `now`; gives how many polls were lost because nobody takes them.
    pub fn flush(&mut self, now: Timestamp) -> u64 {
        self.send_waiting();
        if self.samples.polls.is_empty() || now.millis_since(self.second).abs() < 1000 {
            return 0;
        }
        let Some(to) = self.to.as_ref().filter(|_| self.waiting.is_empty()) else { return self.shed() };
        let message = Message::Samples(self.second, std::mem::take(&mut self.samples));
        if let Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) = to.try_send(message) {
            if let Message::Samples(_, samples) = back {
                self.samples = samples;
            }
            return self.shed();
        }
        0
    }

    /// Is nothing left that has not been handed on?
    pub fn is_empty(&self) -> bool {
        self.samples.polls.is_empty() && self.waiting.is_empty()
    }

    /// Hands on all that is left, and waits until it is taken: the engine stops.
    pub fn close(&mut self) -> u64 {
        let Some(to) = self.to.take() else { return 0 };
        let polls = u64::try_from(self.samples.polls.len()).unwrap_or(u64::MAX);
        let samples = Message::Samples(self.second, std::mem::take(&mut self.samples));
        let left = std::mem::take(&mut self.waiting).into_iter().chain((polls > 0).then_some(samples));
        // Whoever writes has gone only if it broke down; then nobody can take anything.
        let taken = left.map(|message| to.send(message)).collect::<Result<Vec<()>, _>>();
        if taken.is_ok() { 0 } else { polls }
    }

    /// Drops the oldest polls beyond what may be held.
    fn shed(&mut self) -> u64 {
        let over = self.samples.polls.len().saturating_sub(HELD_POLLS_MAX);
        self.samples.polls.drain(..over);
        u64::try_from(over).unwrap_or(u64::MAX)
    }

    /// Hands on series and groups; they come before the samples that refer to them.
    pub fn declare(&mut self, now: Timestamp, series: Vec<SeriesDescriptor>, groups: Vec<PollGroup>) {
        self.send(Message::Declare(now, series, groups));
    }

    /// Hands on an event.
    pub fn event(&mut self, now: Timestamp, event: Event) {
        self.send(Message::Event(now, event));
    }

    /// Hands on that the clock was set. What was gathered before belongs to the time before;
    /// gives how many polls of it were lost, as [`flush`](Self::flush).
    pub fn clock_step(&mut self, before: Timestamp, after: Timestamp) -> u64 {
        let lost = self.flush(Timestamp::MAX);
        self.send(Message::ClockStep(before, after));
        lost
    }

    fn send(&mut self, message: Message) {
        if self.to.is_some() {
            self.waiting.push_back(message);
            self.send_waiting();
        }
    }

    fn send_waiting(&mut self) {
        let Some(to) = &self.to else { return };
        while let Some(message) = self.waiting.pop_front() {
            if let Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) = to.try_send(message) {
                return self.waiting.push_front(back);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn all_polls_of_a_second_go_out_together_when_it_is_over() {
        let (to, from) = sync_channel(4);
        let mut outbox = Outbox::new(Some(to));
        assert_eq!(outbox.poll(at(5100), (1, at(5000)), &[Ok(Raw::Integer(1))]), Some(at(6000)));
        assert_eq!(outbox.poll(at(5900), (2, at(5900)), &[Err(Missing::NoAnswer)]), None);
        assert_eq!(outbox.flush(at(5999)), 0);
        assert!(from.try_recv().is_err(), "the second is not over");
        assert_eq!(outbox.flush(at(6000)), 0);
        let Ok(Message::Samples(second, samples)) = from.try_recv() else { panic!("no samples came") };
        assert_eq!((second, samples.polls.len()), (at(5000), 2));
    }

    #[test]
    fn a_declaration_overtakes_samples_and_is_never_lost_to_a_full_queue() {
        let (to, from) = sync_channel(1);
        let mut outbox = Outbox::new(Some(to));
        outbox.poll(at(100), (1, at(0)), &[]);
        outbox.flush(at(2000));
        outbox.declare(at(2000), Vec::new(), Vec::new());
        outbox.poll(at(2100), (2, at(2000)), &[]);
        assert_eq!(outbox.flush(at(4000)), 0, "what does not fit is held");
        assert!(matches!(from.try_recv(), Ok(Message::Samples(..))));
        outbox.flush(at(4000));
        assert!(matches!(from.try_recv(), Ok(Message::Declare(..))));
        outbox.flush(at(4000));
        assert!(matches!(from.try_recv(), Ok(Message::Samples(..))));
    }
}
