//! A device that describes itself (SunSpec): what it has is asked before it is polled, and again after it was away.

use std::sync::Arc;
use std::time::Duration;

use profile::sunspec::{Step, Survey};
use profile::{ModbusReading, Profile};

use super::super::schedule::Schedule;
use crate::modbus::Ask;

/// A device that has no chain is looked at again after this: it may be exchanged, or not have finished to start.
const AGAIN_AFTER: Duration = Duration::from_mins(10);

/// What a survey needs.
#[derive(Debug, Clone)]
pub struct SurveyPlan {
    /// The profile that says what is read from which model.
    pub profile: Arc<Profile>,
    /// When the device is due; its group is declared only after the survey.
    pub schedule: Schedule,
}

/// A survey, and what it has brought so far.
#[derive(Debug)]
pub(super) struct Surveying {
    pub(super) plan: SurveyPlan,
    /// What came to each question; nothing for one that was refused. Bounded by the survey itself.
    answers: Vec<Option<Vec<u16>>>,
    state: State,
}

#[derive(Debug)]
enum State {
    Wanted,
    Found(Vec<ModbusReading>),
    NoChain,
    Done,
    Resting(Duration),
}

/// How a survey ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The device has this.
    Found(Vec<ModbusReading>),
    /// The device does not describe itself.
    NoChain,
}

impl Surveying {
    pub(super) const fn new(plan: SurveyPlan) -> Self {
        Self { plan, answers: Vec::new(), state: State::Wanted }
    }

    /// Is there something to be asked at `now`?
    pub(super) fn is_wanted(&self, now: Duration) -> bool {
        match self.state {
            State::Wanted => true,
            State::Resting(until) => now >= until,
            State::Found(_) | State::NoChain | State::Done => false,
        }
    }

    /// Begins anew with the next poll.
    pub(super) fn begin_again(&mut self) {
        self.answers.clear();
        self.state = State::Wanted;
    }

    /// The next question; `None` if there is none.
    pub(super) fn ask(&self) -> Option<Ask> {
        match self.step()? {
            Step::Ask { function, address, count } => Some(Ask::read(function, address, count)),
            Step::Found(_) | Step::NotSunSpec => None,
        }
    }

    /// The answer to it came, or the device refused. Gives whether there is more to be asked.
    pub(super) fn take(&mut self, words: Option<&[u16]>) -> bool {
        if matches!(self.state, State::Resting(_)) {
            self.begin_again();
        }
        self.answers.push(words.map(<[u16]>::to_vec));
        match self.step() {
            Some(Step::Ask { .. }) => return true,
            Some(Step::Found(readings)) if !readings.is_empty() => self.state = State::Found(readings),
            Some(Step::Found(_) | Step::NotSunSpec) | None => self.state = State::NoChain,
        }
        self.answers.clear();
        false
    }

    /// How it ended, told once.
    pub(super) fn outcome(&mut self, now: Duration) -> Option<Outcome> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Found(readings) => Some(Outcome::Found(readings)),
            State::NoChain => {
                self.state = State::Resting(now + AGAIN_AFTER);
                Some(Outcome::NoChain)
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Where it stands: the walk is borrowed from the profile, so it is made anew from what came.
    fn step(&self) -> Option<Step> {
        let mut survey = Survey::new(self.plan.profile.sunspec()?);
        for answer in &self.answers {
            match answer {
                Some(words) => survey.take(words),
                None => survey.refused(),
            }
        }
        Some(survey.next())
    }
}
