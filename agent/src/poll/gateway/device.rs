//! One device on a Modbus bus, and the poll of it that is under way.

use std::sync::Arc;
use std::time::Duration;

use model::{DeviceId, Event, EventKind, Missing, PollGroup, Raw, Severity, Timestamp};
use profile::{Block, Limits, ModbusReading, SeriesShape, plan};

use super::super::backoff::Backoff;
use super::super::desk::{Desk, Ended, Health};
use super::holes::{Holes, divide, is_divisible, names};
use super::survey::{Outcome, SurveyPlan, Surveying};
use crate::modbus::{Ask, Request};

/// Stands for "not answered yet" while a poll is under way; no decoding gives this reason.
const OPEN: Result<Raw, Missing> = Err(Missing::Overrun);
/// Stands for the next question of a survey among the blocks to be asked; no device has as many.
const SURVEY: usize = usize::MAX;

/// Longest wait for a device under suspicion that was never slower: so long others may be kept from their tick and still
/// carry its time.
const SUSPECT_WAIT: Duration = Duration::from_millis(200);
/// Every so many failures a suspect is given all the time that there is: it may have become slower.
const PATIENT_EVERY: u32 = 4;

/// How a device is read.
#[derive(Debug, Clone)]
pub struct ModbusPlan {
    /// The device.
    pub device: DeviceId,
    /// Its unit id.
    pub unit: u8,
    /// What is read.
    pub readings: Arc<[ModbusReading]>,
    /// By which requests.
    pub blocks: Vec<Block>,
    /// What it bears.
    pub limits: Limits,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// How often an unanswered request is repeated within its period.
    pub retries: u8,
    /// Time from one poll to the next.
    pub period: Duration,
    /// Number of its group; `None` until a survey has said what there is.
    pub group: Option<u32>,
    /// How the device is surveyed, if it describes itself.
    pub survey: Option<SurveyPlan>,
}

/// A device and the poll that is under way.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) plan: ModbusPlan,
    pub(super) backoff: Backoff,
    pub(super) health: Health,
    pub(super) active: Option<Active>,
    pub(super) values: Vec<Result<Raw, Missing>>,
    /// Blocks to be asked, the next one last.
    pub(super) todo: Vec<usize>,
    pub(super) queued: bool,
    /// How many polls began.
    pub(super) polls: u32,
    /// Its last poll was never sent because others always came first.
    pub(super) passed_over: bool,
    /// When it was last asked.
    pub(super) asked_at: Duration,
    /// The longest that it took to answer.
    slowest: Duration,
    /// On a serial line: a late answer may still come until then.
    pub(super) quiet_until: Duration,
    holes: Holes,
    survey: Option<Box<Surveying>>,
}

#[derive(Debug)]
pub(super) struct Active {
    /// Counts the polls of a device.
    pub(super) number: u32,
    pub(super) scheduled: Timestamp,
    /// One period after the scheduled tick, by the monotonic clock.
    pub(super) ends: Duration,
    pub(super) unresolved: usize,
    pub(super) answered: Option<Timestamp>,
    pub(super) retries: u8,
    pub(super) departed: bool,
    /// Was it asked again because a connection that had been good broke?
    pub(super) revived: bool,
}

impl Device {
    pub(super) fn new(mut plan: ModbusPlan) -> Self {
        Self {
            values: vec![OPEN; plan.readings.len()],
            survey: plan.survey.take().map(|survey| Box::new(Surveying::new(survey))),
            plan,
            backoff: Backoff::default(),
            health: Health::default(),
            active: None,
            todo: Vec::new(),
            queued: false,
            polls: 0,
            passed_over: false,
            asked_at: Duration::ZERO,
            slowest: Duration::ZERO,
            quiet_until: Duration::ZERO,
            holes: Holes::default(),
        }
    }

    /// Number of its group, and how many series it has, once that is known.
    pub(super) fn group(&self) -> Option<(u32, usize)> {
        self.plan.group.map(|group| (group, self.plan.readings.len()))
    }

    /// It answered at `now`.
    pub(super) fn answered(&mut self, now: Duration) {
        self.slowest = self.slowest.max(now.saturating_sub(self.asked_at));
        self.backoff.succeeded();
        self.passed_over = false;
    }

    /// The longest that a request to it may keep others on the same bus waiting.
    pub(super) fn longest_wait(&self) -> Duration {
        let failures = self.backoff.failures();
        if failures.is_multiple_of(PATIENT_EVERY) {
            Duration::MAX
        } else {
            SUSPECT_WAIT.max(self.slowest * 2)
        }
    }

    /// Begins the poll that was due at `scheduled`.
    pub(super) fn begin(&mut self, scheduled: Timestamp, desk: &Desk) {
        let elapsed = desk.now.wall().millis_since(scheduled).max(0).unsigned_abs();
        let rest = self.plan.period.saturating_sub(Duration::from_millis(elapsed));
        self.values.fill(OPEN);
        self.list_todo(desk.now.mono);
        self.polls = self.polls.wrapping_add(1);
        self.active = Some(Active {
            number: self.polls,
            scheduled,
            ends: desk.now.mono + rest,
            unresolved: self.todo.len(),
            answered: None,
            retries: self.plan.retries,
            departed: false,
            revived: false,
        });
    }

    fn list_todo(&mut self, now: Duration) {
        self.todo.clear();
        if self.survey.as_ref().is_some_and(|survey| survey.is_wanted(now)) {
            self.todo.push(SURVEY);
        }
        if self.plan.group.is_none() {
            return;
        }
        if self.holes.is_empty() || self.holes.is_due(now) {
            self.todo.extend((0..self.plan.blocks.len()).rev());
            return;
        }
        for n in (0..self.plan.blocks.len()).rev() {
            if self.plan.blocks.get(n).is_some_and(|block| self.holes.is_hole(block)) {
                self.miss(n, Missing::Exception);
            } else {
                self.todo.push(n);
            }
        }
    }

    /// The request for a block.
    pub(super) fn request(&self, block: usize) -> Option<Request> {
        let ask = if block == SURVEY {
            self.survey.as_ref()?.ask()?
        } else {
            Ask::of(self.plan.blocks.get(block)?)
        };
        Some(Request { unit: self.plan.unit, ask })
    }

    /// The registers of a block came.
    pub(super) fn take_words(&mut self, number: usize, words: &[u16]) {
        if number == SURVEY {
            return self.surveyed(Some(words));
        }
        let Some(block) = self.plan.blocks.get(number) else { return };
        for reading in &block.readings {
            if let (Some(value), Some(what)) =
                (self.values.get_mut(*reading), self.plan.readings.get(*reading))
            {
                *value = block.value(what, words);
            }
        }
        if !self.holes.is_empty() {
            self.holes.fill(block);
        }
    }

    /// The device refused a block with this exception: it is divided if that may help.
    pub(super) fn take_exception(&mut self, number: usize, code: u8) {
        if number == SURVEY {
            return self.surveyed(None);
        }
        if is_divisible(code) {
            if let Some(second) = divide(&mut self.plan.blocks, number, &self.plan.readings) {
                self.todo.extend([second, number]);
                return self.awaits(2);
            }
            if let Some(block) = self.plan.blocks.get(number) {
                self.holes.refuse(block);
            }
        }
        self.miss(number, Missing::Exception);
    }

    fn surveyed(&mut self, words: Option<&[u16]>) {
        if self.survey.as_mut().is_some_and(|survey| survey.take(words)) {
            self.todo.push(SURVEY);
            self.awaits(1);
        }
    }

    const fn awaits(&mut self, more: usize) {
        if let Some(active) = self.active.as_mut() {
            active.unresolved += more;
        }
    }

    /// A block will not come, for this reason.
    fn miss(&mut self, block: usize, reason: Missing) {
        let Some(block) = self.plan.blocks.get(block) else { return };
        for reading in &block.readings {
            if let Some(value) = self.values.get_mut(*reading) {
                *value = Err(reason);
            }
        }
    }

    /// Ends the poll under way, if there is one; what is still open is missing for `reason`.
    pub(super) fn end(&mut self, reason: Missing, desk: &mut Desk) {
        let Some(active) = self.active.take() else { return };
        self.todo.clear();
        self.values.iter_mut().filter(|value| **value == OPEN).for_each(|value| *value = Err(reason));
        if let Some(group) = self.plan.group {
            let (scheduled, answered) = (active.scheduled, active.answered);
            desk.ended(&Ended { group, scheduled, answered, values: &self.values });
            self.settle_holes(desk);
            self.told(&active, desk);
        } else if active.answered.is_none() {
            self.silent_survey(reason, desk);
        }
        self.end_survey(desk);
    }

    fn told(&mut self, active: &Active, desk: &mut Desk) {
        // Refused values are no silence: the device is there.
        let alive = active.answered.is_some() && self.values.iter().all(Result::is_err);
        let answer = [Ok(Raw::Integer(0))];
        let values = if alive && !self.holes.is_empty() { answer.as_slice() } else { &self.values };
        let Some(event) = self.health.after(values, &self.plan.device, desk.now.wall()) else { return };
        if event.kind == EventKind::DeviceBack {
            // It was away, and may be another one now.
            self.holes.ask_soon();
            if let Some(survey) = &mut self.survey {
                survey.begin_again();
            }
        }
        desk.event(event);
    }

    fn silent_survey(&mut self, reason: Missing, desk: &mut Desk) {
        let event = self.health.after(&[Err(reason)], &self.plan.device, desk.now.wall());
        if let Some(event) = event {
            desk.event(event);
        }
    }

    fn settle_holes(&mut self, desk: &mut Desk) {
        let gave_something = self.values.iter().any(Result::is_ok);
        let settled = self.holes.settle(gave_something, desk.now.mono);
        if settled.replan {
            self.plan.blocks = self.holes.plan(&self.plan.readings, &self.plan.limits);
        }
        if !settled.new.is_empty() {
            let names = names(&settled.new, &self.plan.readings);
            self.event(format!("refuses {names}: left out, and asked again now and then"), desk);
        }
    }

    fn end_survey(&mut self, desk: &mut Desk) {
        let Some(survey) = &mut self.survey else { return };
        match survey.outcome(desk.now.mono) {
            Some(Outcome::Found(readings)) => self.know(&readings, desk),
            Some(Outcome::NoChain) => {
                self.event("has none of the SunSpec models that its profile reads".to_owned(), desk);
            }
            None => {}
        }
    }

    /// The device has this, besides what its profile reads from everyone.
    fn know(&mut self, found: &[ModbusReading], desk: &mut Desk) {
        let Some(survey) = self.survey.as_deref() else { return };
        let profile = Arc::clone(&survey.plan.profile);
        let schedule = survey.plan.schedule;
        let fixed = profile.modbus().map_or(&[][..], |(_, readings)| readings);
        let all: Arc<[ModbusReading]> = fixed.iter().chain(found).cloned().collect();
        if self.plan.group.is_some() && all == self.plan.readings {
            return;
        }
        let shapes: Vec<SeriesShape> = all.iter().map(ModbusReading::shape).collect();
        let describe = |shape: &SeriesShape| {
            shape.describe(desk.numbers.series(), self.plan.device.clone(), Some(&profile))
        };
        let series: Vec<_> = shapes.iter().map(describe).collect();
        let group = PollGroup {
            number: desk.numbers.group(),
            device: self.plan.device.clone(),
            period_ms: schedule.period_ms,
            offset_ms: schedule.offset_ms,
            series: series.iter().map(|one| one.number).collect(),
        };
        tracing::info!(device = self.plan.device.as_str(), series = series.len(), "surveyed");
        self.plan.group = Some(group.number);
        let now = desk.now.wall();
        desk.declare_since(now, series, vec![group]);
        self.plan.blocks = plan(&all, &self.plan.limits);
        self.values = vec![OPEN; all.len()];
        self.plan.readings = all;
        self.holes = Holes::default();
    }

    fn event(&self, text: String, desk: &mut Desk) {
        let (device, time) = (Some(self.plan.device.clone()), desk.now.wall());
        desk.event(Event { time, device, kind: EventKind::Other, severity: Severity::Info, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::backoff::Patience;

    fn device() -> Device {
        Device::new(ModbusPlan {
            device: DeviceId::new("d").unwrap(),
            unit: 1,
            readings: Arc::new([]),
            blocks: Vec::new(),
            limits: Limits::default(),
            timeout: Duration::from_secs(1),
            retries: 0,
            period: Duration::from_secs(1),
            group: Some(1),
            survey: None,
        })
    }

    #[test]
    fn a_suspect_holds_up_the_others_for_twice_what_it_ever_took_but_now_and_then_it_has_all_the_time() {
        let ms = Duration::from_millis;
        let mut one = device();
        assert_eq!(one.longest_wait(), Duration::MAX);
        one.asked_at = ms(1000);
        one.answered(ms(1150));
        let mut waits = Vec::new();
        for _ in 0..5 {
            one.backoff.failed(ms(2000), ms(1000), Patience::Shared);
            waits.push(one.longest_wait());
        }
        assert_eq!(waits, [ms(300), ms(300), ms(300), Duration::MAX, ms(300)]);
        let mut never = device();
        never.backoff.failed(ms(2000), ms(1000), Patience::Shared);
        assert_eq!(never.longest_wait(), SUSPECT_WAIT);
    }
}
