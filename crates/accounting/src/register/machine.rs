//! The register machine: readings in, quarter hours out, and in between a small state that can be stored.

use model::{Energy, IntervalValue, Method, QuarterHour, Reason, Timestamp};
use serde::{Deserialize, Serialize};

use super::output::{Finding, FindingKind, Interval, Output};
use super::spec::{Reading, RegisterSpec};
use crate::fraction::divided;

/// So many readings that fit each other but not the ones before, without any rise among them, are taken for a new
/// start of the register. Devices that boot show zeros for a few polls and then go on where they were.
const SUSPECTS_MAX: usize = 8;
/// So many readings that do not fit each other are kept while none was ever accepted: the third decides which is good.
const FIRST_MAX: usize = 2;
/// Up to this much unknown time is filled with the mean power before it (facts 2.3: up to two hours).
const HOLD_MS_MAX: i64 = 7_200_000;
/// A gap of more than a year of quarter hours is not spread: it is the end of one record and the start of another.
const GAP_QUARTERS_MAX: i64 = 366 * QuarterHour::PER_DAY;

/// An accepted or pending state, in base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    time: Timestamp,
    amount: i64,
    /// Smallest step of the register at this state.
    step: i64,
}

/// How far the boundary or content of a quarter hour can be trusted; later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Trust {
    /// Read, or interpolated between neighbours.
    Measured,
    /// Interpolated over a gap that the register survived.
    Spread,
    /// Mean power held over unknown time; with the reason.
    Held(BreakReason),
    /// Unknown; with the reason.
    Broken(BreakReason),
    /// Before the first reading there ever was: nothing is said of it.
    Unborn,
}

/// Why a register did not survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum BreakReason {
    Reset,
    Exchange,
}

impl BreakReason {
    const fn reason(self) -> Reason {
        match self {
            Self::Reset => Reason::DeviceFaulty,
            Self::Exchange => Reason::DeviceExchange,
        }
    }
}

/// The quarter hour in which the last accepted reading lies, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    amount: i64,
    error: i64,
    trust: Trust,
}

/// What a register must remember between two calls. Store it beside the register's values; with it, counting chunk by
/// chunk gives the same quarter hours as counting all at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Carry {
    last: Option<State>,
    pending: Vec<State>,
    open: Option<Open>,
    /// Amount of the last quarter hour that was measured or spread, for the mean power before a break.
    before: Option<i64>,
}

impl Carry {
    /// Time of the latest reading taken in, used or not; readings must come later than that.
    pub fn latest(&self) -> Option<Timestamp> {
        self.pending.last().or(self.last.as_ref()).map(|state| state.time)
    }

    /// The first quarter hour that has not come out yet; `None` before the first accepted reading.
    pub fn open_quarter(&self) -> Option<QuarterHour> {
        self.last.map(|last| last.time.quarter())
    }
}

/// One cumulative register that is being counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    spec: RegisterSpec,
    carry: Carry,
}

/// How a reading follows another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Rise(i64),
    Rollover(i64),
    Fall,
    Jump,
}

impl Step {
    const fn is_plausible(self) -> bool {
        matches!(self, Self::Rise(_) | Self::Rollover(_))
    }
}

impl Register {
    /// A register that was never counted before.
    pub fn new(spec: RegisterSpec) -> Self {
        Self::resume(spec, Carry::default())
    }

    /// A register that was counted before, with what it remembered.
    pub const fn resume(spec: RegisterSpec, carry: Carry) -> Self {
        Self { spec, carry }
    }

    /// What it must remember.
    pub const fn carry(&self) -> &Carry {
        &self.carry
    }

    /// What it must remember, at the end of a chunk.
    pub fn into_carry(self) -> Carry {
        self.carry
    }

    /// Takes the next reading, and gives the quarter hours that it completes. A reading counts only when the one after
    /// it has come.
    pub fn push(&mut self, reading: Reading, output: &mut Output) {
        let Reading { time, state } = reading;
        let Some(amount) = self.spec.state(state) else {
            return output.note(time, FindingKind::Unreadable, self.carry.last);
        };
        let next = State { time, amount, step: self.spec.step(state) };
        let again = |known: &State| known.time == time && known.amount == amount;
        if self.carry.pending.iter().chain(&self.carry.last).any(again) {
            return;
        }
        if self.carry.last.is_some_and(|last| time <= last.time) {
            return output.note(time, FindingKind::Late, self.carry.last);
        }
        match self.carry.pending.last() {
            Some(pending) if time == pending.time => output.note(time, FindingKind::Late, self.carry.last),
            // Either this one comes late or the clock ran ahead: going on from the earlier one heals both.
            Some(pending) if time < pending.time => {
                output.note(pending.time, FindingKind::Late, self.carry.last);
                self.carry.pending = vec![next];
            }
            Some(_) => self.decide(next, output),
            None => self.carry.pending.push(next),
        }
    }

    /// Takes many readings in the order of their time, [`push`](Self::push) for each.
    pub fn extend(&mut self, readings: impl IntoIterator<Item = Reading>, output: &mut Output) {
        readings.into_iter().for_each(|reading| self.push(reading, output));
    }

    /// Accepts the reading that still waits for the one after it, if it is plausible: for a chunk after which nothing
    /// comes. Later readings may be pushed all the same.
    pub fn finish(&mut self, output: &mut Output) {
        let [state] = self.carry.pending.as_slice() else { return };
        let state = *state;
        if self.carry.last.is_none_or(|last| self.step(last, state).is_plausible()) {
            self.carry.pending.clear();
            self.accept(state, output);
        }
    }

    /// Decides on what is pending, now that the reading after it is known.
    fn decide(&mut self, next: State, output: &mut Output) {
        let Some(last) = self.carry.last else { return self.decide_first(next, output) };
        let Some(&pending) = self.carry.pending.last() else { return };
        let goes_on = self.step(pending, next).is_plausible();
        let fits = self.carry.pending.first().is_some_and(|first| self.step(last, *first).is_plausible());
        let skips = self.step(last, next).is_plausible();
        match (fits, goes_on, skips) {
            (true, true, _) | (true, false, false) => {
                self.carry.pending.clear();
                self.accept(pending, output);
                self.carry.pending.push(next);
            }
            (false, true, false) => self.suspect(next, output),
            (true, false, true) | (false, _, true) | (false, false, false) => self.drop_pending(next, output),
        }
    }

    /// Nothing was accepted yet: the first two readings that fit each other begin the record, whatever single one
    /// stands between or before them.
    fn decide_first(&mut self, next: State, output: &mut Output) {
        let fitting = self.carry.pending.iter().position(|pending| self.step(*pending, next).is_plausible());
        let mut pending = std::mem::take(&mut self.carry.pending);
        if let Some(index) = fitting {
            let first = pending.remove(index);
            self.accept(first, output);
        } else if pending.len() < FIRST_MAX {
            pending.push(next);
            self.carry.pending = pending;
            return;
        } else {
            self.carry.pending = pending.split_off(1);
        }
        for dropped in pending {
            output.note(dropped.time, FindingKind::Glitch, None);
        }
        self.carry.pending.push(next);
    }

    fn drop_pending(&mut self, next: State, output: &mut Output) {
        for dropped in std::mem::take(&mut self.carry.pending) {
            output.note(dropped.time, FindingKind::Glitch, self.carry.last);
        }
        self.carry.pending.push(next);
    }

    /// One more reading that fits the pending ones but not the accepted one: a new start, once it rises or lasts.
    fn suspect(&mut self, next: State, output: &mut Output) {
        let first = self.carry.pending.first().map_or(next.amount, |first| first.amount);
        if next.amount == first && self.carry.pending.len() < SUSPECTS_MAX {
            return self.carry.pending.push(next);
        }
        for state in std::mem::take(&mut self.carry.pending) {
            self.accept(state, output);
        }
        self.carry.pending.push(next);
    }

    fn step(&self, from: State, to: State) -> Step {
        let millis = to.time.millis_since(from.time);
        let most = self.spec.plausible_rise(millis, from.step.max(to.step));
        let rise = i128::from(to.amount) - i128::from(from.amount);
        let plausible = |rise: i128| i64::try_from(rise).ok().filter(|_| (0..=most).contains(&rise));
        if rise >= 0 {
            return plausible(rise).map_or(Step::Jump, Step::Rise);
        }
        // More than half of what it can count would be the other way round: a fall.
        let wrapped = self.spec.modulus().map(|modulus| (rise + modulus, modulus));
        let wrapped =
            wrapped.filter(|(rise, modulus)| *rise <= modulus / 2).and_then(|(rise, _)| plausible(rise));
        wrapped.map_or(Step::Fall, Step::Rollover)
    }

    fn accept(&mut self, state: State, output: &mut Output) {
        let Some(last) = self.carry.last.replace(state) else {
            return self.begin(state, Trust::Unborn);
        };
        let between = Between {
            from: last,
            to: state,
            neighbours: self.spec.are_neighbours(state.time.millis_since(last.time)),
        };
        if between.boundaries() > GAP_QUARTERS_MAX {
            output.note(state.time, FindingKind::Gap, Some(last));
            return self.begin(state, Trust::Unborn);
        }
        match self.step(last, state) {
            Step::Rise(rise) => self.advance(between, rise, output),
            Step::Rollover(rise) => {
                output.note(state.time, FindingKind::Rollover, Some(last));
                self.advance(between, rise, output);
            }
            Step::Fall => self.restart(between, FindingKind::Reset, output),
            Step::Jump => self.restart(between, FindingKind::Jump, output),
        }
    }

    /// Opens the quarter hour of a state that nothing known comes before.
    fn begin(&mut self, state: State, otherwise: Trust) {
        let on_quarter = state.time == state.time.quarter().start();
        let trust = if on_quarter { Trust::Measured } else { otherwise };
        self.carry.open = Some(Open { amount: 0, error: 0, trust });
    }

    fn advance(&mut self, between: Between, rise: i64, output: &mut Output) {
        let trust = if between.neighbours { Trust::Measured } else { Trust::Spread };
        if trust == Trust::Spread && between.makes_substitutes() {
            output.note(between.to.time, FindingKind::Gap, Some(between.from));
        }
        self.walk(between, rise, trust, output);
    }

    /// What flowed between the last reading of one life of the register and the first of the next is unknown.
    fn restart(&mut self, between: Between, kind: FindingKind, output: &mut Output) {
        let reason = if kind == FindingKind::Reset { BreakReason::Reset } else { BreakReason::Exchange };
        let millis = between.to.time.millis_since(between.from.time);
        let held = self.carry.before.filter(|_| millis <= HOLD_MS_MAX).and_then(|amount| {
            i64::try_from(divided(i128::from(amount) * i128::from(millis), i128::from(QuarterHour::MILLIS)))
                .ok()
        });
        let (time, since) = (between.to.time, Some(between.from.time));
        output.findings.push(Finding { time, kind, since, estimated: held });
        let (rise, trust) = held.map_or((0, Trust::Broken(reason)), |rise| (rise, Trust::Held(reason)));
        if let Some(open) = &mut self.carry.open {
            open.trust = open.trust.max(trust);
        }
        self.walk(between, rise, trust, output);
    }

    /// Cuts a rise at the quarter hours between two states and closes those that it completes.
    fn walk(&mut self, between: Between, rise: i64, trust: Trust, output: &mut Output) {
        let mut open = self.carry.open.unwrap_or(Open { amount: 0, error: 0, trust: Trust::Unborn });
        let mut quarter = between.from.time.quarter();
        let mut counted = 0;
        while quarter.end() <= between.to.time {
            let at = between.boundary(quarter.end(), rise, trust);
            open.amount = open.amount.saturating_add(at.amount - counted);
            open.error = open.error.saturating_add(at.error);
            open.trust = open.trust.max(at.before);
            self.close(quarter, open, between.to.step.max(between.from.step), output);
            counted = at.amount;
            open = Open { amount: 0, error: at.error, trust: at.after };
            quarter = quarter.next();
        }
        open.amount = open.amount.saturating_add(rise - counted);
        self.carry.open = Some(open);
    }

    fn close(&mut self, quarter: QuarterHour, open: Open, step: i64, output: &mut Output) {
        let energy = Energy::from_milliwatt_hours(open.amount);
        let value = match open.trust {
            Trust::Measured => IntervalValue::measured(energy),
            Trust::Spread => {
                IntervalValue::substitute(energy, Method::Interpolation, Reason::CommunicationFault)
            }
            Trust::Held(reason) => IntervalValue::substitute(energy, Method::HoldValue, reason.reason()),
            Trust::Broken(reason) => IntervalValue::missing(Some(reason.reason())),
            Trust::Unborn => return,
        };
        if open.trust <= Trust::Spread {
            self.carry.before = Some(open.amount);
        }
        output.intervals.push(Interval { quarter, value, uncertainty: open.error.saturating_add(step) });
    }
}

/// Two accepted states in a row.
#[derive(Debug, Clone, Copy)]
struct Between {
    from: State,
    to: State,
    neighbours: bool,
}

/// The state at a quarter hour, counted from the state before it.
struct Boundary {
    amount: i64,
    error: i64,
    /// Trust of the quarter hour that ends there.
    before: Trust,
    /// Trust of the quarter hour that begins there.
    after: Trust,
}

impl Between {
    /// How many quarter hours end after the first and not after the second.
    fn boundaries(&self) -> i64 {
        self.to.time.quarter().index() - self.from.time.quarter().index()
    }

    /// Does a quarter hour end between the two at which nothing was read?
    fn makes_substitutes(&self) -> bool {
        let on_quarter = self.to.time == self.to.time.quarter().start();
        self.boundaries() > i64::from(on_quarter)
    }

    fn boundary(&self, at: Timestamp, rise: i64, trust: Trust) -> Boundary {
        if at == self.to.time {
            // Read on the quarter hour: true, unless what led there was not.
            let before = if trust == Trust::Spread { Trust::Measured } else { trust };
            return Boundary { amount: rise, error: 0, before, after: Trust::Measured };
        }
        let (part, whole) = (at.millis_since(self.from.time), self.to.time.millis_since(self.from.time));
        let exact = i128::from(rise) * i128::from(part);
        let step = i128::from(self.from.step.max(self.to.step));
        let rounded = divided(exact, i128::from(whole) * step) * step;
        let amount = i64::try_from(rounded.min(i128::from(rise))).unwrap_or(rise);
        Boundary { amount, error: amount.max(rise - amount), before: trust, after: trust }
    }
}

impl Output {
    fn note(&mut self, time: Timestamp, kind: FindingKind, since: Option<State>) {
        self.findings.push(Finding { time, kind, since: since.map(|state| state.time), estimated: None });
    }
}
