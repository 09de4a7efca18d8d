//! Chains of models as devices have them, written by hand from the specification.

use model::Raw;
use proptest::prelude::*;

use super::profile;
use crate::sunspec::{FoundModel, Step, Survey};
use crate::{Block, Function, IdentitySource, Limits, ModbusReading, plan};

const SUNS: [u16; 2] = [0x5375, 0x6E53];

/// Registers of a device from an address on; all else is refused.
struct Device {
    base: u16,
    words: Vec<u16>,
}

impl Device {
    /// "SunS", the models with so many words each, and the end.
    fn with(base: u16, models: &[(u16, u16)]) -> Self {
        let mut words = SUNS.to_vec();
        for (id, length) in models {
            words.extend([*id, *length]);
            words.resize(words.len() + usize::from(*length), 0);
        }
        words.extend([0xFFFF, 0]);
        Self { base, words }
    }

    fn read(&self, address: u16, count: u16) -> Option<&[u16]> {
        let from = usize::from(address.checked_sub(self.base)?);
        self.words.get(from..from + usize::from(count))
    }

    /// Walks the chain; what was found, and the addresses that were asked for.
    fn survey(&self, id: &str) -> (Step, Vec<u16>, Vec<FoundModel>) {
        let profile = profile(id);
        let mut survey = Survey::new(profile.sunspec().expect("a profile for SunSpec"));
        let mut asked = Vec::new();
        while let Step::Ask { function, address, count } = survey.next() {
            assert_eq!(function, Function::Holding);
            asked.push(address);
            match self.read(address, count) {
                Some(words) => survey.take(words),
                None => survey.refused(),
            }
        }
        (survey.next(), asked, survey.models().to_vec())
    }
}

fn found(step: Step) -> Vec<ModbusReading> {
    match step {
        Step::Found(readings) => readings,
        other => panic!("{other:?}"),
    }
}

fn reading<'r>(readings: &'r [ModbusReading], quantity: &str, channel: &str) -> &'r ModbusReading {
    let is = |one: &&ModbusReading| one.quantity.as_str() == quantity && one.channel.as_str() == channel;
    readings.iter().find(is).unwrap_or_else(|| panic!("{quantity} at {channel}"))
}

#[test]
fn a_meter_is_found_behind_its_common_model() {
    let mut device = Device::with(40_000, &[(1, 65), (203, 105)]);
    // The meter's number stands at 40000 + 2 + 67 = 40069.
    let at = |offset: usize| 69 + offset;
    // 23.1 kW as 2310 x 10^1, 229.9 V as 2299 x 10^-1, 12 345.6 kWh as 123 456 x 10^2 Wh.
    device.words[at(18)] = 2310;
    device.words[at(22)] = 1;
    device.words[at(8)] = 2299;
    device.words[at(15)] = 0xFFFF;
    device.words[at(46)] = 1;
    device.words[at(47)] = 57_920;
    device.words[at(54)] = 2;
    device.words[at(33)] = 0x8000;
    let (step, asked, models) = device.survey("sunspec-meter");
    let readings = found(step);
    assert_eq!(asked, [40_000, 40_002, 40_069, 40_176]);
    assert_eq!(models[1], FoundModel { id: 203, address: 40_069, length: 105 });
    let value = |quantity, channel| {
        let reading = reading(&readings, quantity, channel);
        let block = Block::of(0, reading);
        let answer = device.read(block.start, block.count).unwrap();
        (block.value(reading, answer), reading.exponent(), reading.source())
    };
    let (power, exponent, source) = value("active_power", "total");
    assert_eq!(
        (power, exponent, source.as_str()),
        (Ok(Raw::Integer(23_100_000_000)), -6, "fc3 40087 i16 abcd sf 40091")
    );
    assert_eq!(value("voltage", "l1").0, Ok(Raw::Integer(229_900_000)));
    assert_eq!(value("active_energy_import", "total").0, Ok(Raw::Integer(12_345_600_000)));
    assert_eq!(value("power_factor", "total").0, Err(model::Missing::NotAvailable));
    assert_eq!(
        value("active_energy_export", "total").0,
        Err(model::Missing::NotAvailable),
        "0 does not accumulate"
    );
}

#[test]
fn the_mark_is_looked_for_at_each_of_its_places() {
    let (step, asked, _) = Device::with(0, &[(1, 66), (213, 124)]).survey("sunspec-meter");
    assert_eq!(asked, [40_000, 50_000, 0, 2, 70, 196]);
    // Model 213 begins at 70; its power stands at +28.
    assert_eq!(reading(&found(step), "active_power", "total").source(), "fc3 98 f32 abcd");
    let (step, asked, _) = Device::with(7, &[(213, 124)]).survey("sunspec-meter");
    assert_eq!((step, asked), (Step::NotSunSpec, vec![40_000, 50_000, 0]));
}

#[test]
fn an_inverter_says_its_state_by_name() {
    let (step, _, _) = Device::with(50_000, &[(1, 66), (103, 50), (160, 48)]).survey("sunspec-inverter");
    let readings = found(step);
    let state = reading(&readings, "state", "total");
    // 50000 + 2 + 68 + 38.
    assert_eq!((state.register, state.name_of(Raw::Integer(4))), (50_108, Some("running")));
    assert_eq!(reading(&readings, "active_energy_export", "total").source(), "fc3 50094 u32 abcd sf 50096");
    let (step, _, _) = Device::with(50_000, &[(1, 66), (203, 105)]).survey("sunspec-inverter");
    assert_eq!(found(step), [], "a meter is no inverter");
}

#[test]
fn a_model_that_is_shorter_than_the_standard_gives_what_it_has() {
    let (step, _, _) = Device::with(40_000, &[(203, 30)]).survey("sunspec-meter");
    let readings = found(step);
    reading(&readings, "active_power", "total");
    assert!(readings.iter().all(|one| one.span().1 <= 40_002 + 32), "{readings:#?}");
    assert!(readings.iter().all(|one| one.quantity.as_str() != "active_energy_import"));
}

#[test]
fn a_second_meter_of_the_same_model_is_a_further_unit() {
    let (step, _, _) = Device::with(40_000, &[(203, 105), (203, 105), (213, 124)]).survey("sunspec-meter");
    let readings = found(step);
    assert_eq!(reading(&readings, "active_power", "total").register, 40_020);
    assert_eq!(reading(&readings, "active_power", "unit.2.total").register, 40_127);
    let totals = readings.iter().filter(|one| one.quantity.as_str() == "active_power").count();
    assert_eq!(totals, 8, "the floats of model 213 say the same as the first 203");
}

#[test]
fn a_common_model_says_who_the_device_is() {
    let (_, _, models) = Device::with(40_000, &[(1, 65), (203, 105)]).survey("sunspec-meter");
    let identity = models[0].identity().unwrap();
    let at = |source: Option<IdentitySource>| match source {
        Some(IdentitySource::Registers { register, count, .. }) => (register, count),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(identity.maker), (40_004, 16));
    assert_eq!(at(identity.model), (40_020, 16));
    assert_eq!(at(identity.firmware), (40_044, 8));
    assert_eq!(at(identity.serial), (40_052, 16));
    assert_eq!(models[1].identity(), None);
}

#[test]
fn an_example_of_a_chain_is_found_by_the_survey() {
    for id in ["sunspec-meter", "sunspec-inverter"] {
        let profile = profile(id);
        let sunspec = profile.sunspec().unwrap();
        let chain = sunspec.example().unwrap();
        let mut device = Device { base: 40_000, words: vec![0; 300] };
        for (address, words) in chain.words() {
            let at = usize::from(address - 40_000);
            device.words[at..at + 2].copy_from_slice(&words);
        }
        let (step, _, models) = device.survey(id);
        assert_eq!(models, chain.models());
        assert_eq!(found(step), sunspec.readings(chain.models()));
        assert!(models.len() == 2 && models[0].id == 1);
    }
}

#[test]
fn a_meter_is_read_with_one_request() {
    let (step, _, _) = Device::with(40_000, &[(1, 65), (203, 105)]).survey("sunspec-meter");
    let readings = found(step);
    let limits = Limits { gap: 20, ..Limits::default() };
    let blocks: Vec<_> = plan(&readings, &limits).iter().map(|block| (block.start, block.count)).collect();
    // From the current of L1 at +3 to the scale factor of the energies at +54.
    assert_eq!(blocks, [(40_072, 52)]);
}

#[test]
fn a_survey_ends_whatever_the_device_answers() {
    let profile = profile("sunspec-meter");
    let sunspec = profile.sunspec().unwrap();
    let answers = prop::collection::vec(prop::option::of(any::<[u16; 2]>()), 200);
    proptest!(|(answers in answers)| {
        let mut survey = Survey::new(sunspec);
        let mut answers = answers.into_iter();
        // The mark at once, so that a chain follows.
        survey.take(&SUNS);
        let mut asked = 0;
        while let Step::Ask { .. } = survey.next() {
            asked += 1;
            prop_assert!(asked <= 65, "no end");
            match answers.next() {
                Some(Some([id, length])) => survey.take(&[id % 300, length % 2000]),
                _ => survey.refused(),
            }
        }
        for one in found(survey.next()) {
            let inside = |found: &FoundModel| {
                let (start, end) = one.span();
                start >= found.address && end <= u32::from(found.address) + 2 + u32::from(found.length)
            };
            prop_assert!(survey.models().iter().any(inside), "{} lies in no model", one.source());
        }
    });
}
