//! The fewest requests, none of them more than the device bears.

use std::collections::BTreeSet;

use model::{Channel, Quantity};
use proptest::prelude::*;

use super::profile;
use crate::{Block, DataType, Function, Limits, ModbusReading, plan};

fn reading(function: Function, register: u16, data_type: DataType) -> ModbusReading {
    let mut reading = ModbusReading::new(Quantity::Voltage, Channel::total(), register, data_type).unwrap();
    reading.function = function;
    reading
}

/// Values side by side with gaps between them, as devices have them; near the end of the register space at times.
fn readings() -> impl Strategy<Value = Vec<ModbusReading>> {
    let types = prop::sample::select(&[DataType::U16, DataType::U32, DataType::F64][..]);
    let functions = prop::sample::select(&[Function::Holding, Function::Input][..]);
    let steps = prop::collection::vec((0u16..40, types, functions), 1..60);
    (prop::sample::select(&[0u16, 500, 63_500][..]), steps).prop_map(|(start, steps)| {
        let mut at = u32::from(start);
        let mut all = Vec::new();
        for (gap, data_type, function) in steps {
            at += u32::from(gap);
            let Ok(register) = u16::try_from(at) else { break };
            let reading = reading(function, register, data_type);
            at = reading.end();
            all.extend((at <= 65_536).then_some(reading));
        }
        all
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    (4u16..=125, 0u16..20).prop_map(|(max_registers, gap)| Limits { max_registers, gap, ..Limits::default() })
}

fn covered(block: &Block, readings: &[ModbusReading]) -> BTreeSet<u32> {
    let inside = block.readings.iter().map(|n| &readings[*n]);
    inside.flat_map(|one| u32::from(one.register)..one.end()).collect()
}

/// The fewest requests by trying all cuts of the sorted list (dynamic programming), for one function.
fn fewest(mut values: Vec<(u32, u32)>, limits: &Limits) -> usize {
    values.sort_unstable();
    let mut best = vec![0usize];
    for to in 1..=values.len() {
        let fits = |from: usize| {
            let group = &values[from..to];
            let long = group[group.len() - 1].1 - group[0].0 <= u32::from(limits.max_registers);
            long && group.windows(2).all(|pair| pair[1].0 <= pair[0].1 + u32::from(limits.gap))
        };
        let least = (0..to).filter(|from| fits(*from)).map(|from| best[from] + 1).min();
        best.push(least.expect("one value alone always fits"));
    }
    best[values.len()]
}

proptest! {
    #[test]
    fn no_value_is_split_and_no_request_asks_for_more_than_is_borne(readings in readings(), limits in limits()) {
        let blocks = plan(&readings, &limits);
        let mut planned: Vec<usize> = blocks.iter().flat_map(|block| block.readings.clone()).collect();
        planned.sort_unstable();
        prop_assert_eq!(planned, (0..readings.len()).collect::<Vec<_>>());
        for block in &blocks {
            let (start, end) = (u32::from(block.start), u32::from(block.start) + u32::from(block.count));
            prop_assert!(block.count <= limits.max_registers && end <= 65_536);
            let covered: Vec<u32> = covered(block, &readings).into_iter().collect();
            prop_assert_eq!((covered.first(), covered.last()), (Some(&start), Some(&(end - 1))));
            prop_assert!(covered.windows(2).all(|pair| pair[1] - pair[0] <= u32::from(limits.gap) + 1));
            prop_assert!(block.readings.iter().all(|n| readings[*n].function == block.function));
        }
    }

    #[test]
    fn there_is_no_plan_with_fewer_requests(readings in readings(), limits in limits()) {
        let of = |function| {
            let values = readings.iter().filter(|one| one.function == function);
            fewest(values.map(|one| (u32::from(one.register), one.end())).collect(), &limits)
        };
        prop_assert_eq!(plan(&readings, &limits).len(), of(Function::Holding) + of(Function::Input));
    }
}

#[test]
fn a_janitza_umg_is_read_with_two_requests() {
    let profile = profile("janitza-umg96rm");
    let (limits, readings) = profile.modbus().unwrap();
    let spans: Vec<_> = plan(readings, limits).iter().map(|block| (block.start, block.count)).collect();
    // 19000 to the apparent energies at 19084, and the distortions from 19110 to 19120.
    assert_eq!(spans, [(19_000, 86), (19_110, 12)]);
}

#[test]
fn a_sum_and_its_terms_come_with_one_request() {
    let profile = profile("siemens-pac2200");
    let (limits, readings) = profile.modbus().unwrap();
    let blocks = plan(readings, limits);
    let energies = blocks.iter().find(|block| block.start == 801).unwrap();
    assert_eq!(energies.count, 40);
    let total = energies.readings.iter().map(|n| &readings[*n]).find(|one| one.terms == 2).unwrap();
    let answer: Vec<u16> = (0..40).collect();
    assert_eq!(energies.words(total, &answer), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(energies.words(total, &answer[..7]), [0u16; 0], "a cut answer gives no words");
}
