use std::collections::BTreeMap;

use model::{DeviceId, Quantity, Raw, SiteId, Timestamp};
use profile::Library;
use spool::{Options, Spool};
use wire::{Payload, decode_payload};

use super::*;
use crate::behaviour::{Fault, Timed};
use crate::config::Config;
use crate::site::PointSource;
use crate::world::World;

/// 2024-02-01T00:00:00Z, by GNU `date -u -d`.
const START: Timestamp = Timestamp::from_seconds(1_706_745_600);
const HOUR: i64 = 3_600_000;

fn config() -> Config {
    Config::parse("sim.toml", "[simulation]\npreset = \"frankfurt\"\n").unwrap()
}

/// All payloads of a history of `site` over six hours, of which the last is a recent one.
fn payloads(site: &str) -> (Vec<(Timestamp, Payload)>, Written) {
    let library = Library::built_in().unwrap();
    payloads_of(config().world(&library).unwrap(), &library, site)
}

fn payloads_of(mut world: World, library: &Library, site: &str) -> (Vec<(Timestamp, Payload)>, Written) {
    let dir = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(dir.path(), Options::default()).unwrap();
    let mut reader = spool.reader();
    let site = SiteId::new(site).unwrap();
    let mut writer = Writer { world: &mut world, library, site, spool };
    let mut written = Written::default();
    for span in Span::of(START, START.plus_millis(6 * HOUR), HOUR) {
        let more = writer.write(span).unwrap();
        written.records += more.records;
        written.samples += more.samples;
    }
    let mut records = Vec::new();
    while let Some(last) =
        reader.read(records.len() as u64 + first(&records), 1 << 20).unwrap().pop_all(&mut records)
    {
        assert_eq!(last, records.len() as u64);
    }
    let decoded = records.into_iter().map(|record| (record.time, decode_payload(&record.payload).unwrap()));
    (decoded.collect(), written)
}

fn first(records: &[spool::Record]) -> u64 {
    records.first().map_or(0, |record| record.sequence)
}

trait PopAll {
    fn pop_all(self, into: &mut Vec<spool::Record>) -> Option<u64>;
}

impl PopAll for Vec<spool::Record> {
    /// Moves all into `into`; `None` if there are none.
    fn pop_all(self, into: &mut Vec<spool::Record>) -> Option<u64> {
        let any = !self.is_empty();
        into.extend(self);
        any.then_some(into.len() as u64)
    }
}

#[test]
fn a_history_has_a_sample_on_each_quarter_hour_and_recently_every_ten_seconds() {
    let (payloads, written) = payloads("rz-nord");
    let times: Vec<Timestamp> = payloads
        .iter()
        .filter(|(_, one)| matches!(one, Payload::Samples { .. }))
        .map(|(time, _)| *time)
        .collect();
    // Five hours of quarters, one hour of ten seconds.
    assert_eq!(times.len(), 20 + 360);
    assert_eq!(times[..3], [0, 15, 30].map(|minutes| START.plus_millis(minutes * 60_000)));
    assert_eq!(times[20..22], [0, 10].map(|seconds| START.plus_millis(5 * HOUR + seconds * 1000)));
    // Two runs, each with a start, declarations and a stop.
    let starts = payloads.iter().filter(|(_, one)| matches!(one, Payload::RunStart { .. })).count();
    let stops = payloads.iter().filter(|(_, one)| matches!(one, Payload::RunStop { .. })).count();
    assert_eq!((starts, stops), (2, 2));
    assert_eq!(written.records, payloads.len() as u64);
    let per_poll = written.samples / 380;
    assert!((80..=300).contains(&per_poll), "{per_poll} series");
}

#[test]
fn no_series_of_a_history_is_missing_a_value() {
    for site in ["rz-nord", "rz-sued"] {
        let (payloads, _) = payloads(site);
        let Some((_, Payload::Samples { samples, .. })) =
            payloads.iter().find(|(_, one)| matches!(one, Payload::Samples { .. }))
        else {
            panic!("no samples")
        };
        for (n, poll) in samples.polls.iter().enumerate() {
            assert!(!poll.values.is_empty(), "device {n} of {site} has no series");
            assert!(poll.values.iter().all(Result::is_ok), "device {n} of {site}: {:?}", poll.values);
        }
    }
}

/// Exact state of a counter in thousandths (mWh, or ml), rounded down.
fn thousandths(raw: Raw, exponent: i8, is_volume: bool) -> f64 {
    let canonical = raw.to_f64() * 10f64.powi(i32::from(exponent));
    canonical * if is_volume { 1e6 } else { 1e3 }
}

#[test]
fn every_counted_meter_point_agrees_with_the_books_to_one_step_of_its_register() {
    for site in ["rz-nord", "rz-sued"] {
        let (payloads, _) = payloads(site);
        let config = config();
        let site = config.sites.iter().find(|one| one.id.as_str() == site).unwrap();
        let mut ledger = site.ledger(config.seed);
        let mut series = BTreeMap::new();
        let mut states: BTreeMap<u32, Vec<Raw>> = BTreeMap::new();
        let mut groups = BTreeMap::new();
        for (_, payload) in payloads.iter().take_while(|(_, one)| !matches!(one, Payload::RunStop { .. })) {
            match payload {
                Payload::Declaration { series: more, groups: plan, .. } => {
                    series.extend(more.iter().map(|one| (one.number, one.clone())));
                    groups.extend(plan.iter().map(|group| (group.number, group.series.clone())));
                }
                Payload::Samples { samples, .. } => {
                    for poll in &samples.polls {
                        for (number, value) in groups[&poll.group].iter().zip(&poll.values) {
                            states.entry(*number).or_default().push(value.unwrap());
                        }
                    }
                }
                _ => {}
            }
        }
        let mut compared = 0;
        for point in &site.points {
            let PointSource::Register { device, quantity, channel, ratio } = &point.source else { continue };
            let of = |one: &&model::SeriesDescriptor| {
                one.device == *device && one.quantity == *quantity && one.channel == *channel
            };
            let series = series.values().find(of).unwrap_or_else(|| panic!("{} has no series", point.id));
            let states = &states[&series.number];
            let state =
                |n: usize| thousandths(states[n], series.exponent, point.is_volume()) * f64::from(*ratio);
            let period = model::Period::new(START, START.plus_millis(19 * 900_000));
            let truth: i64 =
                point.books(&mut ledger, period).iter().map(|(_, amount)| amount.thousandths()).sum();
            let unit = if point.is_volume() { 1e6 } else { 1e3 };
            let float_step = match states[19] {
                // 24 bits of mantissa.
                Raw::Float32(value) => f64::from(value) / 8_388_608.0 * unit,
                _ => 0.0,
            };
            let step = 10f64.powi(i32::from(series.exponent)) * f64::from(series.resolution.max(1)) * unit;
            let allowed = step.max(float_step).max(1.0) * f64::from(*ratio);
            let apart = state(19) - state(0) - truth as f64;
            assert!(apart.abs() <= allowed, "{}: {apart} apart, step {allowed}", point.id);
            compared += 1;
        }
        assert!(compared >= 25, "{compared}");
    }
}

#[test]
fn a_site_that_is_not_there_has_no_history() {
    let library = Library::built_in().unwrap();
    let mut world = config().world(&library).unwrap();
    let nowhere = SiteId::new("nowhere").unwrap();
    let said = Recorder::new(&mut world, &library, &nowhere, 10_000, START).unwrap_err();
    assert_eq!(said.to_string(), "there is no site `nowhere` to be recorded");
}

/// States of the total energy of a device, in raw steps.
fn energy_of(payloads: &[(Timestamp, Payload)], device: &str) -> Vec<(Timestamp, i64)> {
    let mut place = None;
    let mut states = Vec::new();
    for (time, payload) in payloads {
        match payload {
            Payload::Declaration { series, .. } => {
                let wanted = series.iter().find(|one| {
                    one.device.as_str() == device
                        && one.quantity == Quantity::ActiveEnergyImport
                        && one.channel.as_str() == "total"
                });
                place = wanted.map(|one| one.number).or(place);
            }
            Payload::Samples { samples, .. } => {
                let Some(number) = place else { continue };
                let mut first = 0;
                for poll in &samples.polls {
                    let count = u32::try_from(poll.values.len()).unwrap();
                    if (first..first + count).contains(&number) {
                        let at = usize::try_from(number - first).unwrap();
                        let Ok(Raw::Integer(raw)) = poll.values[at] else { panic!("{:?}", poll.values[at]) };
                        states.push((*time, raw));
                    }
                    first += count;
                }
            }
            _ => {}
        }
    }
    states
}

#[test]
fn a_counter_that_is_told_to_roll_over_passes_its_wrap_at_that_instant_and_loses_nothing() {
    let library = Library::built_in().unwrap();
    let mut world = config().world(&library).unwrap();
    let (site, device) = (SiteId::new("rz-sued").unwrap(), DeviceId::new("rack-01-a-pdu").unwrap());
    let at = START.plus_millis(3 * HOUR);
    assert!(world.misbehave(&site, &device, Timed::since(Fault::Rollover, at)));
    let (payloads, _) = payloads_of(world, &library, "rz-sued");
    let states = energy_of(&payloads, "rack-01-a-pdu");
    let falls: Vec<_> = states.windows(2).filter(|pair| pair[1].1 < pair[0].1).collect();
    assert_eq!(falls.len(), 1);
    assert_eq!(falls[0][1], (at, 0));
    // A Raritan PX counts 32 bits of Wh; a rack of 8 kW on feed A takes 2 kWh in the quarter before.
    let before = (1i64 << 32) - falls[0][0].1;
    assert!((1000..4000).contains(&before), "{before} Wh before the wrap");
    let (first, last) = (states[0].1, states[states.len() - 1].1);
    let place = crate::physics::Place::Of(crate::physics::Flow::Rack(0, crate::physics::Feed::A));
    let config = config();
    let mut ledger = config.sites[1].ledger(config.seed);
    let truth = ledger.amount(place, states[states.len() - 1].0) - ledger.amount(place, START);
    let counted = (last - first).rem_euclid(1 << 32);
    assert!((counted as f64 - truth.to_f64()).abs() <= 1.0, "{counted} Wh counted, {} true", truth.to_f64());
}
