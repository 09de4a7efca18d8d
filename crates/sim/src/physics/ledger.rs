//! Cumulative amounts at any instant.

use std::collections::VecDeque;

use model::{QuarterHour, Timestamp};

use super::ramp::Ramp;
use super::{Amount, Flow, Place, Plant};

/// Quarter hours of a UTC day, as an index.
const QUARTERS: usize = 96;
/// Days whose quarter hours are kept worked out. Devices whose clock has jumped ask for other days than the rest; with
/// more than eight days asked for in turn it only gets slower.
const DAYS_KEPT: usize = 8;
/// A plant older than this many days is taken to stand still: a clock that jumped to another century must not make the
/// ledger count through it.
const DAYS_MAX: i64 = 20 * 366;

/// What has flowed where since the plant was commissioned: a pure function of time, kept fast by a running sum at each
/// midnight and the quarter hours of the last days that were asked for.
#[derive(Debug, Clone)]
pub struct Ledger {
    plant: Plant,
    /// UTC day on which all flows begin.
    first_day: i64,
    /// For each day from the first, the sum of each flow at its start in milliwatt-hours (millilitres).
    midnights: Vec<Vec<i64>>,
    days: VecDeque<Day>,
}

#[derive(Debug, Clone)]
struct Day {
    number: i64,
    /// Rates at the 97 ends of quarter hours, each with all flows.
    rates: Vec<Vec<i64>>,
    /// Sums at these instants.
    sums: Vec<Vec<i64>>,
}

impl Ledger {
    /// The ledger of a plant from the UTC day on which it was commissioned.
    pub fn new(plant: Plant) -> Self {
        let first_day = plant.spec().commissioned.quarter().utc_day();
        let nothing = vec![0; plant.flows().len()];
        Self { plant, first_day, midnights: vec![nothing], days: VecDeque::new() }
    }

    /// The plant.
    pub const fn plant(&self) -> &Plant {
        &self.plant
    }

    /// What has flowed through a place since the plant was commissioned.
    pub fn amount(&mut self, place: Place, time: Timestamp) -> Amount {
        let parts = self.plant.parts(place);
        parts
            .iter()
            .map(|(sign, flow)| self.flow(*flow, time) * i128::from(*sign))
            .fold(Amount::ZERO, |a, b| a + b)
    }

    /// What flowed through a place in a quarter hour: a whole number of milliwatt-hours or millilitres.
    pub fn quarter(&mut self, place: Place, quarter: QuarterHour) -> Amount {
        self.amount(place, quarter.end()) - self.amount(place, quarter.start())
    }

    /// The rate at an instant, in milliwatts or millilitres per hour.
    pub fn rate(&mut self, place: Place, time: Timestamp) -> i64 {
        let parts = self.plant.parts(place);
        parts.iter().map(|(sign, flow)| i64::from(*sign) * self.flow_rate(*flow, time)).sum()
    }

    fn flow(&mut self, flow: Flow, time: Timestamp) -> Amount {
        let Some(index) = self.plant.index(flow) else { return Amount::ZERO };
        let Some((ramp, before)) = self.ramp(index, time) else { return Amount::ZERO };
        let elapsed = time.millis_since(ramp.quarter.start());
        Amount::from_thousandths(before) + Amount::from_fine(ramp.amount(elapsed))
    }

    fn flow_rate(&mut self, flow: Flow, time: Timestamp) -> i64 {
        let Some(index) = self.plant.index(flow) else { return 0 };
        self.ramp(index, time).map_or(0, |(ramp, _)| ramp.rate(time.millis_since(ramp.quarter.start())))
    }

    /// The ramp of a flow at an instant and the sum before it; `None` before the plant was commissioned.
    fn ramp(&mut self, index: usize, time: Timestamp) -> Option<(Ramp, i64)> {
        let quarter = time.quarter();
        let (seed, ripple_permille) = self.plant.ripple(index);
        let day = self.day(quarter.utc_day())?;
        let slot = quarter.slot();
        let (from, to) = (day.rates[slot][index], day.rates[slot + 1][index]);
        Some((Ramp { from, to, quarter, seed, ripple_permille }, day.sums[slot][index]))
    }

    fn day(&mut self, day: i64) -> Option<&Day> {
        if day < self.first_day || day > self.first_day + DAYS_MAX {
            return None;
        }
        if let Some(at) = self.days.iter().position(|known| known.number == day) {
            return self.days.get(at);
        }
        let worked_out = self.work_out(day);
        if self.days.len() >= DAYS_KEPT {
            self.days.pop_front();
        }
        self.days.push_back(worked_out);
        self.days.back()
    }

    fn work_out(&mut self, day: i64) -> Day {
        let nth = usize::try_from(day - self.first_day).expect("asked only from the first day on");
        while self.midnights.len() <= nth {
            let next = self.first_day + i64::try_from(self.midnights.len()).expect("at most DAYS_MAX");
            let before = self.midnights.last().expect("the first day is always there").clone();
            let mut end = self.quarters_of(next - 1, before).sums;
            self.midnights.extend(end.pop());
        }
        self.quarters_of(day, self.midnights[nth].clone())
    }

    fn quarters_of(&self, day: i64, midnight: Vec<i64>) -> Day {
        let first = day * QuarterHour::PER_DAY;
        let rates: Vec<Vec<i64>> = (first..=first + QuarterHour::PER_DAY)
            .map(|n| self.plant.rates(QuarterHour::from_index(n)))
            .collect();
        let mut sums = Vec::with_capacity(QUARTERS + 1);
        let mut sum = midnight;
        for ends in rates.windows(2) {
            sums.push(sum.clone());
            // (from + to) / 2 for a quarter of an hour; both are multiples of 8.
            sum.iter_mut().zip(ends[0].iter().zip(&ends[1])).for_each(|(sum, (a, b))| *sum += (a + b) / 8);
        }
        sums.push(sum);
        Day { number: day, rates, sums }
    }
}
