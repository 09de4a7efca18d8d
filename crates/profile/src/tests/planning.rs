//! The fewest requests, none of them more than the device bears.

use std::collections::BTreeSet;

use model::{Channel, Quantity};
use proptest::prelude::*;

use super::profile;
use crate::{Block, DataType, Function, Hole, Limits, ModbusReading, plan, plan_around, split};

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

/// A few values anywhere, some of them with a scale factor before or behind them, so that what must come together
/// overlaps.
fn scattered() -> impl Strategy<Value = Vec<ModbusReading>> {
    let types = prop::sample::select(&[DataType::U16, DataType::U32, DataType::I64][..]);
    let factor = prop::option::of((any::<bool>(), 0u16..12));
    prop::collection::vec((0u16..50, types, factor), 1..7).prop_map(|all| {
        let one = |(register, data_type, factor): (u16, DataType, Option<(bool, u16)>)| {
            let plain = reading(Function::Holding, register + 20, data_type);
            match factor {
                Some((true, far)) => {
                    plain.with_scale_register(register + 20 + data_type.words() + far, -3, 0).unwrap()
                }
                Some((false, far)) => plain.with_scale_register(register + 19 - far, -3, 0).unwrap(),
                None => plain,
            }
        };
        all.into_iter().map(one).collect()
    })
}

/// The fewest requests by trying every way to share out the values among requests.
fn fewest_of_all(readings: &[ModbusReading], limits: &Limits) -> usize {
    let wanted: BTreeSet<u32> =
        readings.iter().flat_map(|one| u32::from(one.span().0)..one.span().1).collect();
    let fits = |group: usize| {
        let inside =
            || readings.iter().enumerate().filter(|(n, _)| group >> n & 1 == 1).map(|(_, one)| one.span());
        let start = u32::from(inside().map(|span| span.0).min().unwrap());
        let end = inside().map(|span| span.1).max().unwrap();
        let held: Vec<u32> = wanted.range(start..end).copied().collect();
        end - start <= u32::from(limits.max_registers)
            && held.windows(2).all(|pair| pair[1] - pair[0] <= u32::from(limits.gap) + 1)
    };
    let all = 1usize << readings.len();
    let fits: Vec<bool> = (0..all).map(|group| group > 0 && fits(group)).collect();
    let mut best = vec![usize::MAX; all];
    best[0] = 0;
    for set in 1..all {
        // Every group that holds the first value of the set.
        let lowest = set & set.wrapping_neg();
        let mut group = set;
        while group > 0 {
            if group & lowest != 0 && fits[group] {
                best[set] = best[set].min(best[set ^ group].saturating_add(1));
            }
            group = (group - 1) & set;
        }
    }
    best[all - 1]
}

proptest! {
    #[test]
    fn a_value_and_its_scale_factor_come_with_one_request_and_there_is_no_plan_with_fewer(
        readings in scattered(),
        most in 24u16..60,
        gap in 0u16..10,
    ) {
        let limits = Limits { max_registers: most, gap, ..Limits::default() };
        let blocks = plan(&readings, &limits);
        let mut planned: Vec<usize> = blocks.iter().flat_map(|block| block.readings.clone()).collect();
        planned.sort_unstable();
        prop_assert_eq!(planned, (0..readings.len()).collect::<Vec<_>>());
        for block in &blocks {
            prop_assert!(block.count <= most);
            for n in &block.readings {
                let (start, end) = readings[*n].span();
                prop_assert!(block.start <= start && end <= u32::from(block.start) + u32::from(block.count));
            }
        }
        prop_assert_eq!(blocks.len(), fewest_of_all(&readings, &limits));
    }

    #[test]
    fn splitting_ends_with_single_registers_and_loses_no_value(readings in scattered(), gap in 0u16..10) {
        let limits = Limits { gap, ..Limits::default() };
        let mut todo = plan(&readings, &limits);
        let mut ends: Vec<Block> = Vec::new();
        let mut steps = 0;
        while let Some(block) = todo.pop() {
            steps += 1;
            prop_assert!(steps < 3 * readings.len() + 3, "no end");
            match split(&block, &readings) {
                Some((left, right)) => todo.extend([left, right]),
                None => ends.push(block),
            }
        }
        let mut left: Vec<usize> = ends.iter().flat_map(|block| block.readings.clone()).collect();
        left.sort_unstable();
        prop_assert_eq!(left, (0..readings.len()).collect::<Vec<_>>());
        for block in &ends {
            for n in &block.readings {
                let (start, end) = readings[*n].span();
                prop_assert!(block.start <= start && end <= u32::from(block.start) + u32::from(block.count));
            }
        }
    }

    #[test]
    fn no_request_reads_a_hole_together_with_anything_else(
        readings in readings(),
        limits in limits(),
        holes in prop::collection::vec(0u16..1500, 0..6),
    ) {
        let at = |register| Hole { function: Function::Holding, file: 0, register };
        let holes: Vec<Hole> = holes.into_iter().map(at).collect();
        let blocks = plan_around(&readings, &limits, &holes);
        let mut planned: Vec<usize> = blocks.iter().flat_map(|block| block.readings.clone()).collect();
        planned.sort_unstable();
        prop_assert_eq!(planned, (0..readings.len()).collect::<Vec<_>>());
        for block in blocks.iter().filter(|block| block.function == Function::Holding && block.readings.len() > 1) {
            let range = u32::from(block.start)..u32::from(block.start) + u32::from(block.count);
            prop_assert!(!holes.iter().any(|hole| range.contains(&u32::from(hole.register))), "{block:?}");
        }
    }
}

#[test]
fn a_refused_request_is_split_at_its_widest_gap_and_then_in_the_middle() {
    let at = |register| reading(Function::Holding, register, DataType::F32);
    let readings = [at(10), at(12), at(14), at(30), at(32)];
    let block = plan(&readings, &Limits { gap: 20, ..Limits::default() }).remove(0);
    assert_eq!((block.start, block.count), (10, 24));
    let (left, right) = split(&block, &readings).unwrap();
    assert_eq!([(left.start, left.count), (right.start, right.count)], [(10, 6), (30, 4)]);
    let (left, right) = split(&left, &readings).unwrap();
    assert_eq!([(left.start, left.count), (right.start, right.count)], [(10, 2), (12, 4)]);
    assert_eq!(split(&left, &readings), None, "one value is not split");
}

#[test]
fn flags_of_one_register_are_not_split() {
    let mut flags =
        [reading(Function::Holding, 8, DataType::U16), reading(Function::Holding, 8, DataType::U16)];
    (flags[0].mask, flags[1].mask) = (1, 2);
    assert_eq!(split(&plan(&flags, &Limits::default())[0], &flags), None);
}

#[test]
fn a_hole_between_two_values_is_not_read_again() {
    let readings =
        [reading(Function::Input, 100, DataType::U16), reading(Function::Input, 103, DataType::U16)];
    let limits = Limits { gap: 5, ..Limits::default() };
    let spans = |holes: &[Hole]| -> Vec<(u16, u16)> {
        plan_around(&readings, &limits, holes).iter().map(|block| (block.start, block.count)).collect()
    };
    assert_eq!(spans(&[]), [(100, 4)]);
    assert_eq!(spans(&[Hole { function: Function::Input, file: 0, register: 102 }]), [(100, 1), (103, 1)]);
    let elsewhere = Hole { function: Function::Holding, file: 0, register: 102 };
    assert_eq!(spans(&[elsewhere]), [(100, 4)]);
}
