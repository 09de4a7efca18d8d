//! The machines of a data centre and how their power hangs together.

use model::{QuarterHour, Timestamp};

use super::ramp::RATE_STEP;
use super::weather::{hour_of_day, weekday};
use super::{Climate, Weather, whole};
use crate::noise::{mix, smooth, spread};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Outdoor temperature below which the chiller cools without compressors, in degrees Celsius.
pub(crate) const FREE_COOLING_BELOW: f64 = 10.0;
/// Generators are run for an hour every so many weeks.
const TEST_RUN_EVERY_WEEKS: i64 = 4;

/// One of the two supply paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "feeds have no more to them than their letter")]
pub enum Feed {
    A,
    B,
}

impl Feed {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// Lower-case letter, as in device ids.
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
        }
    }
}

/// What flows and is counted: each is worked out by itself, all else is made of these. Electrical and thermal ones in
/// milliwatts, liquids in millilitres per hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// What the equipment of a rack draws from a feed.
    Rack(u8, Feed),
    /// Lost between floor distribution and racks.
    CableLoss(Feed),
    /// Lost in the floor distribution.
    DistributionLoss(Feed),
    /// Lost in the UPS.
    UpsLoss(Feed),
    /// Fans of a CRAC.
    Crac(u8),
    /// Chiller, with compressors and its own fans.
    Chiller,
    /// Pumps of the chilled water.
    Pumps,
    /// Light, security, offices of the operators.
    Other,
    /// Photovoltaics on the roof.
    Photovoltaics,
    /// Emergency generators.
    Generator,
    /// Diesel that they burn.
    Fuel,
    /// Potable water for evaporative cooling.
    Water,
    /// Heat taken from the rooms, thermal.
    HeatRemoved,
    /// Cold that the chiller makes, thermal.
    ColdProduced,
    /// Heat handed over to the district, thermal.
    HeatReused,
}

/// A place where something can be measured: a sum of flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The intake of the utility: all uses less own generation.
    Grid,
    /// All uses of electricity together.
    AllUses,
    /// Input of a UPS.
    UpsIn(Feed),
    /// Output of a UPS.
    UpsOut(Feed),
    /// Output of the floor distribution of a feed.
    DistributionOut(Feed),
    /// What all racks draw from a feed.
    Racks(Feed),
    /// All CRAC units.
    Cracs,
    /// All of the cooling: CRAC units, chiller, pumps.
    Cooling,
    /// One flow.
    Of(Flow),
}

/// A lasting change of the IT load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// From when.
    pub from: Timestamp,
    /// What the load is multiplied with, such as 0.92 after servers were consolidated.
    pub factor: f64,
}

/// Size and kind of a data centre. Powers in watts.
#[derive(Debug, Clone, PartialEq)]
pub struct PlantSpec {
    /// When all counters began, cut to a UTC day.
    pub commissioned: Timestamp,
    /// Racks that are fed and metered.
    pub racks: u8,
    /// Mean IT power.
    pub it_power: f64,
    /// Growth of the IT load, as a share a year.
    pub growth: f64,
    /// Lasting changes of the IT load.
    pub steps: Vec<Step>,
    /// Rating of each UPS.
    pub ups_rating: f64,
    /// CRAC units.
    pub cracs: u8,
    /// Fan power of all CRAC units at design load.
    pub crac_power: f64,
    /// Power of the pumps.
    pub pump_power: f64,
    /// Light, security and the like, at daytime.
    pub other_power: f64,
    /// Peak of the photovoltaics; 0 for none.
    pub photovoltaics_peak: f64,
    /// Power at which the generators are tested.
    pub generator_power: f64,
    /// Litres of water evaporated for a kilowatt-hour of heat on a hot day; 0 for a dry cooler.
    pub water_per_kwh: f64,
    /// Highest share of the heat that is handed over for reuse; 0 for none.
    pub heat_reuse: f64,
}

/// A data centre at work.
#[derive(Debug, Clone)]
pub struct Plant {
    spec: PlantSpec,
    weather: Weather,
    seed: u64,
    flows: Vec<Flow>,
}

impl Plant {
    /// A plant under some weather. The seed makes its chance.
    pub fn new(spec: PlantSpec, weather: Weather, seed: u64) -> Self {
        let flows = flows_of(&spec);
        Self { spec, weather, seed, flows }
    }

    /// Its size and kind.
    pub const fn spec(&self) -> &PlantSpec {
        &self.spec
    }

    /// Its climate.
    pub const fn climate(&self) -> Climate {
        Climate::new(self.weather, self.seed)
    }

    /// All flows, in the order of [`rates`](Self::rates).
    pub fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// The place of a flow in [`flows`](Self::flows); `None` if this plant has no such flow.
    pub fn index(&self, flow: Flow) -> Option<usize> {
        let feed = |feed: Feed| usize::from(feed == Feed::B);
        let racks = usize::from(self.spec.racks) * 2;
        let cracs = racks + 6 + usize::from(self.spec.cracs);
        match flow {
            Flow::Rack(rack, side) => (rack < self.spec.racks).then(|| usize::from(rack) * 2 + feed(side)),
            Flow::CableLoss(side) => Some(racks + feed(side) * 3),
            Flow::DistributionLoss(side) => Some(racks + feed(side) * 3 + 1),
            Flow::UpsLoss(side) => Some(racks + feed(side) * 3 + 2),
            Flow::Crac(n) => (n < self.spec.cracs).then(|| racks + 6 + usize::from(n)),
            single => SINGLE.iter().position(|known| *known == single).map(|n| cracs + n),
        }
    }

    /// The flows that make up a place, each with its sign.
    pub fn parts(&self, place: Place) -> Vec<(i8, Flow)> {
        match place {
            Place::Of(flow) => vec![(1, flow)],
            Place::Racks(feed) => (0..self.spec.racks).map(|rack| (1, Flow::Rack(rack, feed))).collect(),
            Place::DistributionOut(feed) => self.with(Place::Racks(feed), &[(1, Flow::CableLoss(feed))]),
            Place::UpsOut(feed) => {
                self.with(Place::DistributionOut(feed), &[(1, Flow::DistributionLoss(feed))])
            }
            Place::UpsIn(feed) => self.with(Place::UpsOut(feed), &[(1, Flow::UpsLoss(feed))]),
            Place::Cracs => (0..self.spec.cracs).map(|n| (1, Flow::Crac(n))).collect(),
            Place::Cooling => self.with(Place::Cracs, &[(1, Flow::Chiller), (1, Flow::Pumps)]),
            Place::AllUses => {
                let mut uses = self.parts(Place::UpsIn(Feed::A));
                uses.extend(self.parts(Place::UpsIn(Feed::B)));
                uses.extend(self.with(Place::Cooling, &[(1, Flow::Other)]));
                uses
            }
            Place::Grid => self.with(Place::AllUses, &[(-1, Flow::Photovoltaics), (-1, Flow::Generator)]),
        }
    }

    fn with(&self, place: Place, more: &[(i8, Flow)]) -> Vec<(i8, Flow)> {
        let mut parts = self.parts(place);
        parts.extend_from_slice(more);
        parts
    }

    /// Seed and greatest height (in thousandths) of the ripple of a flow.
    pub(crate) fn ripple(&self, index: usize) -> (u64, i64) {
        let permille = match self.flows.get(index) {
            Some(Flow::Rack(..)) => 60,
            Some(Flow::Crac(_) | Flow::Chiller | Flow::Photovoltaics | Flow::Other) => 40,
            Some(Flow::Pumps | Flow::Generator | Flow::Fuel | Flow::Water) => 15,
            _ => 10,
        };
        (mix(self.seed, 7000 + index as u64), permille)
    }

    /// The rate of every flow at the start of a quarter hour, in milliwatts or millilitres per hour.
    pub fn rates(&self, quarter: QuarterHour) -> Vec<i64> {
        let time = quarter.start();
        let mut rates = Rates { plant: self, time, values: Vec::with_capacity(self.flows.len()) };
        let racks = self.rack_loads(time);
        rates.values.extend(racks.iter().flatten().map(|watts| rate(*watts)));
        let heat_of_power = rates.power_chain(&racks);
        rates.cooling_and_rest(heat_of_power);
        rates.values
    }

    /// Watts of each rack from feed A and feed B.
    fn rack_loads(&self, time: Timestamp) -> Vec<[f64; 2]> {
        let load = self.spec.it_power * self.it_rhythm(time) / f64::from(self.spec.racks.max(1));
        (0..self.spec.racks).map(|rack| self.rack_load(rack, load, time)).collect()
    }

    fn rack_load(&self, rack: u8, mean: f64, time: Timestamp) -> [f64; 2] {
        let seed = mix(self.seed, 100 + u64::from(rack));
        // Opposite racks differ by opposite amounts, so the mean of all stays what the plant says.
        let differs = if rack.is_multiple_of(2) { 1.0 } else { -1.0 }
            * 0.15
            * spread(self.seed, i64::from(rack / 2)).abs();
        let jobs =
            0.05 * smooth(seed, time.millis(), 3 * HOUR_MS) + 0.02 * smooth(seed, time.millis(), DAY_MS / 48);
        let total = mean * (1.0 + differs + jobs);
        let on_a = 0.5 + 0.03 * spread(seed, 1) + 0.01 * smooth(mix(seed, 2), time.millis(), 2 * DAY_MS);
        [total * on_a, total * (1.0 - on_a)]
    }

    /// The IT load as a multiple of its mean at the start: day, week, weeks, growth and steps.
    fn it_rhythm(&self, time: Timestamp) -> f64 {
        let years = time.millis_since(self.spec.commissioned) as f64 / (365.25 * DAY_MS as f64);
        let office = if weekday(time) < 5 { 1.0 } else { 0.3 };
        let by_day = 0.09 * office * bump(hour_of_day(time), 13.5, 7.0);
        let backup = 0.04 * bump(hour_of_day(time), 2.0, 2.0);
        let weeks = 0.02 * smooth(mix(self.seed, 50), time.millis(), 17 * DAY_MS);
        let steps: f64 =
            self.spec.steps.iter().filter(|step| step.from <= time).map(|step| step.factor).product();
        (0.965 + by_day + backup + weeks) * (1.0 + self.spec.growth * years) * steps
    }
}

/// The flows that each plant has once, in their order.
const SINGLE: [Flow; 10] = [
    Flow::Chiller,
    Flow::Pumps,
    Flow::Other,
    Flow::Photovoltaics,
    Flow::Generator,
    Flow::Fuel,
    Flow::Water,
    Flow::HeatRemoved,
    Flow::ColdProduced,
    Flow::HeatReused,
];

fn flows_of(spec: &PlantSpec) -> Vec<Flow> {
    let racks = (0..spec.racks).flat_map(|rack| Feed::BOTH.map(|feed| Flow::Rack(rack, feed)));
    let losses = Feed::BOTH
        .into_iter()
        .flat_map(|feed| [Flow::CableLoss(feed), Flow::DistributionLoss(feed), Flow::UpsLoss(feed)]);
    racks.chain(losses).chain((0..spec.cracs).map(Flow::Crac)).chain(SINGLE).collect()
}

/// Rates of one instant in the making, in the order of [`flows_of`].
struct Rates<'p> {
    plant: &'p Plant,
    time: Timestamp,
    values: Vec<i64>,
}

impl Rates<'_> {
    /// Losses between racks and the input of the UPS. Gives the heat that IT and losses leave in the rooms, in watts.
    fn power_chain(&mut self, racks: &[[f64; 2]]) -> f64 {
        let mut heat = 0.0;
        for side in 0..2 {
            let load: f64 = racks.iter().filter_map(|feeds| feeds.get(side)).sum();
            let cable = 0.004 * load;
            let distribution = 0.008 * load + 150.0;
            let ups = ups_loss(load + cable + distribution, self.plant.spec.ups_rating);
            self.values.extend([cable, distribution, ups].map(rate));
            heat += load + cable + distribution + ups;
        }
        heat
    }

    fn cooling_and_rest(&mut self, power_heat: f64) {
        let (spec, time) = (&self.plant.spec, self.time);
        let outdoor = self.plant.weather.outdoor(time);
        let share = power_heat / (1.1 * spec.it_power.max(1.0));
        let fans = spec.crac_power * (0.7 + 0.3 * share);
        let each = fans / f64::from(spec.cracs.max(1));
        self.values.extend(
            (0..spec.cracs).map(|n| rate(each * (1.0 + 0.06 * spread(self.plant.seed, 900 + i64::from(n))))),
        );
        let heat = power_heat + fans;
        let reused = heat * spec.heat_reuse * ((17.0 - outdoor) / 17.0).clamp(0.15, 1.0);
        let cold = heat - reused + 0.5 * spec.pump_power;
        let generator = if self.is_test_run() { spec.generator_power } else { 0.0 };
        // Litres an hour: 0.255 for a kilowatt-hour, and 3 for running at all.
        let burnt = if generator > 0.0 { 0.255 * generator / 1000.0 + 3.0 } else { 0.0 };
        self.values.extend(
            [
                cold * chiller_share(outdoor),
                spec.pump_power * (0.85 + 0.15 * share),
                spec.other_power * (0.6 + 0.4 * bump(hour_of_day(time), 13.0, 6.0)),
                spec.photovoltaics_peak * self.plant.weather.sun(time),
                generator,
                burnt,
                water(spec, cold, outdoor),
                heat,
                cold,
                reused,
            ]
            .map(rate),
        );
    }

    /// Every fourth Tuesday from ten to eleven.
    fn is_test_run(&self) -> bool {
        let week = self.time.millis().div_euclid(7 * DAY_MS);
        let hour = hour_of_day(self.time);
        week % TEST_RUN_EVERY_WEEKS == 0 && weekday(self.time) == 1 && hour > 10.0 && hour < 11.0
    }
}

/// Loss of a double-conversion UPS in watts: idle, with the load and with its square, about 95 % efficient at half load.
fn ups_loss(load: f64, rating: f64) -> f64 {
    0.012 * rating + 0.015 * load + 0.012 * load * load / rating.max(1.0)
}

/// Litres an hour that cooling `cold` watts evaporates: none in the cold, all on a hot day, and a little to rinse.
fn water(spec: &PlantSpec, cold: f64, outdoor: f64) -> f64 {
    let wet = ((outdoor - FREE_COOLING_BELOW) / 15.0).clamp(0.0, 1.0);
    spec.water_per_kwh * (cold / 1000.0 * wet + 4.0)
}

/// Power of the chiller as a share of the cold it makes: fans and controls alone below the change point, compressors
/// that work harder with every degree above it.
fn chiller_share(outdoor: f64) -> f64 {
    0.05 + 0.0115 * (outdoor - FREE_COOLING_BELOW).max(0.0)
}

/// A bell of height 1 around an hour of the day, `half_width` hours to each side; zero beyond.
fn bump(hour: f64, around: f64, half_width: f64) -> f64 {
    let apart = (hour - around).abs();
    let apart = apart.min(24.0 - apart) / half_width;
    if apart >= 1.0 { 0.0 } else { f64::midpoint(1.0, (std::f64::consts::PI * apart).cos()) }
}

/// Watts as a rate, or litres per hour as one: in thousandths, never below zero, a multiple of [`RATE_STEP`].
fn rate(value: f64) -> i64 {
    whole(value.max(0.0) * 1000.0 / RATE_STEP as f64) * RATE_STEP
}
