//! What a device shows of its plant.

use std::f64::consts::SQRT_2;

use model::{Channel, Decimal, Quantity, SeriesKind, Timestamp};
use profile::Amount as Value;

use crate::noise::spread;
use crate::physics::{Amount, Feed, Flow, Ledger, Place};

/// Parts into which a total is split for phases and outlets.
const PARTS: u32 = 1000;
/// Upper ends of the three phases' parts.
const PHASE_ENDS: [u32; 4] = [0, 340, 670, 1000];
const SQRT_3: f64 = 1.732_050_807_568_877_2;

/// What a device stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A three-phase electricity meter.
    Meter(Place),
    /// A UPS.
    Ups(Feed),
    /// A rack PDU with so many outlets.
    RackPdu(u8, Feed, u8),
    /// A CRAC.
    Crac(u8),
    /// A chiller.
    Chiller,
    /// A heat meter.
    Heat(Place),
    /// A meter of water or fuel.
    Liquid(Place),
    /// Temperature sensors at the inlets of so many racks, and outdoors.
    Room(u8),
    /// A meter of no plant, for load tests.
    Plain(u32),
}

/// What a device shows at a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shown {
    /// A counter; where it stood at commissioning is added by the device.
    Counter(Amount),
    /// A value at an instant, in the quantity's canonical unit.
    Gauge(f64),
}

impl Subject {
    /// What is shown of a quantity at a channel; `None` if a device of this kind has no such thing.
    pub fn show(self, ledger: &mut Ledger, what: (Quantity, &Channel), time: Timestamp) -> Option<Shown> {
        let (quantity, channel) = what;
        if let Self::Plain(n) = self {
            return show_plain(n, what, time);
        }
        if quantity.kind() == SeriesKind::Counter {
            return self.counter(ledger, quantity, channel, time).map(Shown::Counter);
        }
        let eye = &mut Eye { ledger, time };
        let gauge = match self {
            Self::Meter(place) => eye.electrical(place, quantity, channel),
            Self::Ups(feed) => eye.ups(feed, quantity, channel),
            Self::RackPdu(rack, feed, outlets) => eye.rack_pdu((rack, feed, outlets), quantity, channel),
            Self::Crac(n) => eye.crac(n, quantity, channel),
            Self::Chiller => eye.chiller(quantity, channel),
            Self::Heat(place) => eye.heat(place, quantity, channel),
            Self::Liquid(place) => {
                let cubic_metres_per_hour = eye.ledger.rate(place, time) as f64 / 1e6;
                (quantity == Quantity::VolumeFlow).then_some(cubic_metres_per_hour)
            }
            Self::Room(racks) => eye.room(racks, quantity, channel),
            Self::Plain(_) => None,
        };
        gauge.map(Shown::Gauge)
    }

    /// The place of the plant whose energy or volume it counts.
    pub const fn place(self) -> Option<Place> {
        match self {
            Self::Meter(place) | Self::Heat(place) | Self::Liquid(place) => Some(place),
            Self::Ups(feed) => Some(Place::UpsOut(feed)),
            Self::RackPdu(rack, feed, _) => Some(Place::Of(Flow::Rack(rack, feed))),
            Self::Crac(n) => Some(Place::Of(Flow::Crac(n))),
            Self::Chiller => Some(Place::Of(Flow::Chiller)),
            Self::Room(_) | Self::Plain(_) => None,
        }
    }

    /// Channels at which a device of this kind may show something; which of them its profile knows is for the profile
    /// to say.
    pub(crate) fn channels(self) -> Vec<Channel> {
        let phases = ["l1", "l2", "l3"];
        let mut names: Vec<String> = ["total", "n", "supply", "return", "input", "output", "battery", "room"]
            .into_iter()
            .chain(phases)
            .chain(["l1-l2", "l2-l3", "l3-l1"])
            .map(str::to_owned)
            .collect();
        for part in ["input", "output", "bypass", "inlet.1", "input.1", "output.1"] {
            names.push(part.to_owned());
            names.extend(phases.iter().chain(&["n", "l-n"]).map(|last| format!("{part}.{last}")));
        }
        if let Self::Plain(_) = self {
            names.extend((1..=PLAIN_OUTLETS).map(|n| format!("outlet.{n}")));
        }
        if let Self::RackPdu(_, _, outlets) = self {
            names.extend((1..=outlets).map(|n| format!("outlet.{n}")));
            names.extend((1..=2).flat_map(|n| [format!("branch.{n}"), format!("bank.{n}")]));
        }
        if matches!(self, Self::RackPdu(..) | Self::Room(_) | Self::Crac(_)) {
            names.push("sensor.1".to_owned());
        }
        if matches!(self, Self::Crac(_)) {
            let parts = [
                "return",
                "supply",
                "outdoor",
                "setpoint",
                "water-in",
                "water-out",
                "water",
                "fan.1",
                "fault",
            ];
            names.push("unit.1.1".to_owned());
            names.extend(parts.iter().map(|part| format!("unit.1.1.{part}")));
        }
        names.iter().filter_map(|name| Channel::new(name).ok()).collect()
    }

    fn counter(
        self,
        ledger: &mut Ledger,
        quantity: Quantity,
        channel: &Channel,
        time: Timestamp,
    ) -> Option<Amount> {
        let all = ledger.amount(self.place()?, time);
        let (from, to) = self.part(channel)?;
        let part = all.share(from, to, PARTS);
        let is_heat = matches!(self, Self::Heat(_));
        let is_liquid = matches!(self, Self::Liquid(_));
        match quantity {
            Quantity::ActiveEnergyImport if !is_heat && !is_liquid => Some(part),
            // Nothing here feeds back: own generation is always used up.
            Quantity::ActiveEnergyExport | Quantity::ReactiveEnergyExport if !is_heat && !is_liquid => {
                Some(Amount::ZERO)
            }
            Quantity::ReactiveEnergyImport if !is_heat && !is_liquid => Some(part.share(1, 4, 10)),
            Quantity::ApparentEnergy if !is_heat && !is_liquid => Some(part.share(0, 105, 100)),
            Quantity::ThermalEnergy if is_heat => Some(part),
            // 5.6 K of difference carry 1.163 x 5.6 = 6.5 Wh a litre.
            Quantity::Volume if is_heat => Some(Amount::from_fine(part.fine().div_euclid(65) * 10)),
            Quantity::Volume if is_liquid => Some(part),
            _ => None,
        }
    }

    /// Which part of the whole a channel is, of [`PARTS`].
    fn part(self, channel: &Channel) -> Option<(u32, u32)> {
        if let (Self::RackPdu(_, _, outlets), Some(n)) = (self, numbered(channel, "outlet")) {
            return outlet_part(n, u32::from(outlets));
        }
        if let Some(phase) = phase(channel) {
            return Some((PHASE_ENDS[phase], PHASE_ENDS[phase + 1]));
        }
        match channel.as_str() {
            // Nobody switches the tariff here.
            "tariff.1" => Some((0, PARTS)),
            "tariff.2" => Some((0, 0)),
            _ => is_whole(channel).then_some((0, PARTS)),
        }
    }
}

/// Some outlets carry more than others, always the same ones.
fn outlet_part(n: u32, outlets: u32) -> Option<(u32, u32)> {
    let end = |n: u32| n * (n + 2 * outlets) * PARTS / (3 * outlets * outlets);
    (1..=outlets).contains(&n).then(|| (end(n - 1), end(n)))
}

/// `total`, or the one input or output of a device.
fn is_whole(channel: &Channel) -> bool {
    matches!(
        channel.as_str(),
        "total" | "input" | "output" | "inlet.1" | "unit.1" | "inlet" | "unit" | "main"
    )
}

/// The number of `outlet.7` or `branch.3`.
fn numbered(channel: &Channel, word: &str) -> Option<u32> {
    channel.as_str().strip_prefix(word)?.strip_prefix('.')?.parse().ok()
}

/// 0 to 2 for `l1`, `inlet.1.l2`, `output.l3` and the like.
fn phase(channel: &Channel) -> Option<usize> {
    let last = channel.as_str().rsplit('.').next()?;
    ["l1", "l2", "l3"].iter().position(|phase| *phase == last)
}

/// Looks at the plant at an instant.
struct Eye<'l> {
    ledger: &'l mut Ledger,
    time: Timestamp,
}

impl Eye<'_> {
    fn watts(&mut self, place: Place) -> f64 {
        self.ledger.rate(place, self.time) as f64 / 1000.0
    }

    fn electrical(&mut self, place: Place, quantity: Quantity, channel: &Channel) -> Option<f64> {
        let watts = self.watts(place);
        self.three_phase(watts, quantity, channel)
    }

    /// What a meter shows of `watts` on three phases.
    fn three_phase(&mut self, watts: f64, quantity: Quantity, channel: &Channel) -> Option<f64> {
        let climate = self.ledger.plant().climate();
        let power_factor = 0.957;
        let phase = phase(channel);
        let share = phase.map_or(1.0, |n| f64::from(PHASE_ENDS[n + 1] - PHASE_ENDS[n]) / f64::from(PARTS));
        let volts = |n: usize| climate.voltage(u8::try_from(n).unwrap_or(0), self.time);
        let mean_volts = (volts(0) + volts(1) + volts(2)) / 3.0;
        let apparent = watts * share / power_factor;
        Some(match (quantity, phase) {
            (Quantity::ActivePower, _) => watts * share,
            (Quantity::ApparentPower, _) => apparent,
            (Quantity::ReactivePower, _) => apparent * (1.0f64 - power_factor * power_factor).sqrt(),
            (Quantity::PowerFactor, _) => power_factor,
            (Quantity::Voltage, Some(n)) => volts(n),
            (Quantity::Voltage, None) => self.line_voltage(channel).unwrap_or(mean_volts),
            (Quantity::Current, Some(n)) => apparent / volts(n),
            (Quantity::Current, None) if channel.as_str().ends_with('n') => 0.02 * apparent / mean_volts,
            (Quantity::Current, None) => apparent / 3.0 / mean_volts,
            (Quantity::Frequency, _) => climate.frequency(self.time),
            (Quantity::ThdVoltage, _) => 1.8,
            (Quantity::ThdCurrent, _) => 6.5,
            (Quantity::PhaseImbalance, _) => 2.0,
            _ => return None,
        })
    }

    fn line_voltage(&self, channel: &Channel) -> Option<f64> {
        let climate = self.ledger.plant().climate();
        let phase = ["l1-l2", "l2-l3", "l3-l1"].iter().position(|line| channel.as_str().ends_with(line))?;
        Some(SQRT_3 * climate.voltage(u8::try_from(phase).ok()?, self.time))
    }

    fn ups(&mut self, feed: Feed, quantity: Quantity, channel: &Channel) -> Option<f64> {
        let load = self.watts(Place::UpsOut(feed));
        let rating = self.ledger.plant().spec().ups_rating;
        Some(match quantity {
            Quantity::BatteryCharge => 100.0,
            Quantity::BatteryRuntime => 900.0 * rating / load.max(rating / 100.0) * 0.5,
            Quantity::BatteryVoltage => 545.0 + spread(7, self.time.quarter().index()),
            Quantity::BatteryCurrent | Quantity::TimeOnBattery | Quantity::AlarmCount => 0.0,
            Quantity::Temperature => 24.0,
            Quantity::Load => 100.0 * load / rating,
            // RFC 1628: battery normal is 2, output source normal is 3.
            Quantity::State if channel.as_str().contains("battery") => 2.0,
            Quantity::State => 3.0,
            _ if channel.as_str().starts_with("bypass")
                && quantity != Quantity::Voltage
                && quantity != Quantity::Frequency =>
            {
                0.0
            }
            _ if channel.as_str().starts_with("input") => {
                let drawn = self.watts(Place::UpsIn(feed));
                return self.three_phase(drawn, quantity, channel);
            }
            _ => return self.three_phase(load, quantity, channel),
        })
    }

    fn rack_pdu(
        &mut self,
        (rack, feed, outlets): (u8, Feed, u8),
        quantity: Quantity,
        channel: &Channel,
    ) -> Option<f64> {
        let watts = self.watts(Place::Of(Flow::Rack(rack, feed)));
        let climate = self.ledger.plant().climate();
        let racks = self.ledger.plant().spec().racks;
        if let Some(n) = numbered(channel, "outlet") {
            let (from, to) = outlet_part(n, u32::from(outlets))?;
            let share = f64::from(to - from) / f64::from(PARTS);
            return self.three_phase(watts * share, quantity, &Channel::new("l1").ok()?).map(|value| {
                match quantity {
                    // An outlet hangs on one phase and draws all of its share from there.
                    Quantity::ActivePower
                    | Quantity::ApparentPower
                    | Quantity::ReactivePower
                    | Quantity::Current => value / 0.34,
                    _ => value,
                }
            });
        }
        match quantity {
            Quantity::Temperature => Some(climate.rack_inlet(rack, racks, self.time)),
            Quantity::RelativeHumidity => Some(climate.room_humidity(self.time)),
            Quantity::State => Some(2.0),
            _ if numbered(channel, "branch").is_some() || numbered(channel, "bank").is_some() => {
                self.three_phase(watts / 2.0, quantity, &Channel::new("l1").ok()?)
            }
            _ => self.three_phase(watts, quantity, channel),
        }
    }

    fn crac(&mut self, n: u8, quantity: Quantity, channel: &Channel) -> Option<f64> {
        let climate = self.ledger.plant().climate();
        let cold =
            self.watts(Place::Of(Flow::ColdProduced)) / f64::from(self.ledger.plant().spec().cracs.max(1));
        let has = |word: &str| channel.as_str().contains(word);
        let is_supply = has("supply") || has("water-in");
        Some(match quantity {
            Quantity::Temperature if has("setpoint") => 24.0,
            Quantity::State if has("fault") || has("alarm") => 0.0,
            Quantity::Temperature if has("water") && is_supply => climate.water_supply(self.time),
            Quantity::Temperature if has("water") => climate.water_return(self.time),
            Quantity::Temperature if is_supply => climate.supply_air(n, self.time),
            Quantity::Temperature if has("outdoor") => climate.outdoor(self.time),
            Quantity::Temperature => climate.return_air(n, self.time),
            Quantity::RelativeHumidity => {
                climate.room_humidity(self.time) - if is_supply { 0.0 } else { 12.0 }
            }
            Quantity::DewPoint => 8.5,
            Quantity::FanSpeed => 62.0 + 3.0 * SQRT_2 * spread(11, i64::from(n)),
            Quantity::ValvePosition | Quantity::CoolingCapacity => 55.0,
            Quantity::ThermalPower => cold,
            Quantity::Pressure => 12.0,
            Quantity::VolumeFlow => cold / 1163.0 / 5.6,
            Quantity::State => 1.0,
            Quantity::AlarmCount => 0.0,
            _ => return self.electrical(Place::Of(Flow::Crac(n)), quantity, channel),
        })
    }

    fn chiller(&mut self, quantity: Quantity, channel: &Channel) -> Option<f64> {
        let climate = self.ledger.plant().climate();
        let cold = self.watts(Place::Of(Flow::ColdProduced));
        Some(match (quantity, channel.as_str()) {
            (Quantity::Temperature, "supply") => climate.water_supply(self.time),
            (Quantity::Temperature, "return") => climate.water_return(self.time),
            (Quantity::Temperature, _) => climate.outdoor(self.time),
            (Quantity::ThermalPower, _) => cold,
            (Quantity::VolumeFlow, _) => cold / 1163.0 / 5.6,
            // 1 = compressors run, 2 = free cooling.
            (Quantity::State, _) if climate.outdoor(self.time) < crate::physics::FREE_COOLING_BELOW => 2.0,
            (Quantity::State, _) => 1.0,
            _ => return self.electrical(Place::Of(Flow::Chiller), quantity, channel),
        })
    }

    fn heat(&mut self, place: Place, quantity: Quantity, channel: &Channel) -> Option<f64> {
        let climate = self.ledger.plant().climate();
        let watts = self.watts(place);
        Some(match (quantity, channel.as_str()) {
            (Quantity::ThermalPower, _) => watts,
            (Quantity::VolumeFlow, _) => watts / 1163.0 / 5.6,
            (Quantity::Temperature, "supply") => climate.water_supply(self.time),
            (Quantity::Temperature, "return") => climate.water_return(self.time),
            _ => return None,
        })
    }

    fn room(&self, racks: u8, quantity: Quantity, channel: &Channel) -> Option<f64> {
        let climate = self.ledger.plant().climate();
        let outdoors = channel.as_str() == "outdoor";
        match (quantity, numbered(channel, "sensor")) {
            (Quantity::Temperature, None) if outdoors => Some(climate.outdoor(self.time)),
            (Quantity::RelativeHumidity, None) if outdoors => Some(climate.outdoor_humidity(self.time)),
            (Quantity::RelativeHumidity, _) => Some(climate.room_humidity(self.time)),
            (Quantity::Temperature, Some(n)) if (1..=u32::from(racks)).contains(&n) => {
                Some(climate.rack_inlet(u8::try_from(n).ok()? - 1, racks, self.time))
            }
            _ => None,
        }
    }
}

/// Rows in the tables of an SNMP meter that stands at no plant.
const PLAIN_OUTLETS: u8 = 4;

/// Watts of a meter that stands at no plant.
fn plain_watts(n: u32) -> i64 {
    1000 + i64::from(n % 500)
}

fn plain_counter(n: u32, quantity: Quantity, time: Timestamp) -> Option<Amount> {
    let fine = i128::from(plain_watts(n)) * 1000 * i128::from(time.millis().rem_euclid(86_400_000 * 1000));
    (quantity == Quantity::ActiveEnergyImport).then(|| Amount::from_fine(fine))
}

fn plain(n: u32, quantity: Quantity, channel: &Channel, time: Timestamp) -> f64 {
    let phase = phase(channel).unwrap_or(0) as f64;
    let ripple = spread(u64::from(n), time.millis().div_euclid(1000));
    match quantity {
        Quantity::ActivePower => plain_watts(n) as f64 / 3.0 + 10.0 * phase + 5.0 * ripple,
        Quantity::Voltage => 230.0 + phase + ripple,
        Quantity::Current => 1.5 + phase / 10.0,
        Quantity::PowerFactor => 0.95,
        Quantity::Frequency => 50.0,
        _ => 100.0 + phase,
    }
}

impl Shown {
    /// As a value in the canonical unit of the quantity.
    pub fn value(self, quantity: Quantity) -> Value {
        match self {
            // Milliwatt-hours to watt-hours, millilitres to cubic metres.
            Self::Counter(amount) if quantity == Quantity::Volume => {
                Value::Exact(Decimal::new(amount.thousandths(), -6))
            }
            Self::Counter(amount) => Value::Exact(Decimal::new(amount.thousandths(), -3)),
            Self::Gauge(value) => Value::Float(value),
        }
    }
}

/// What a meter that stands at no plant shows.
pub(crate) fn show_plain(
    n: u32,
    (quantity, channel): (Quantity, &Channel),
    time: Timestamp,
) -> Option<Shown> {
    if quantity.kind() == SeriesKind::Counter {
        plain_counter(n, quantity, time).map(Shown::Counter)
    } else {
        Some(Shown::Gauge(plain(n, quantity, channel, time)))
    }
}
