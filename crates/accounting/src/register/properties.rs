//! Laws of counting, over readings that nobody would think of.

use model::{Energy, Period, Quality, Raw, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::Medium;

/// A register in Wh with the widest plausible power, polled every 10 s.
fn spec() -> RegisterSpec {
    RegisterSpec::new(Medium::Electricity, 0, 10_000).unwrap()
}

/// A run of readings: steps in time (some of them long gaps) and in state.
fn run() -> impl Strategy<Value = Vec<Reading>> {
    let apart = prop_oneof![8 => 1i64..40_000, 2 => 40_000i64..5_000_000];
    let step = (apart, 0i64..2_000);
    (0i64..1_000_000_000, 1i64..1_000_000, prop::collection::vec(step, 2..200)).prop_map(
        |(start, state, steps)| {
            let (mut time, mut state) = (start, state);
            let mut readings = vec![Reading::new(Timestamp::from_millis(time), Raw::Integer(state))];
            for (millis, rise) in steps {
                time += millis;
                state += rise;
                readings.push(Reading::new(Timestamp::from_millis(time), Raw::Integer(state)));
            }
            readings
        },
    )
}

/// The same run with a reading on the quarter hours around it, so that every quarter hour between is known.
fn closed(mut readings: Vec<Reading>) -> (Vec<Reading>, Period) {
    let (first, last) = (readings[0], readings[readings.len() - 1]);
    let span = Period::new(first.time.quarter().start(), last.time.quarter().end());
    readings.insert(0, Reading::new(span.from, first.state));
    readings.dedup_by_key(|reading| reading.time);
    readings.push(Reading::new(span.to, last.state));
    (readings, span)
}

fn steps(reading: Reading) -> i64 {
    match reading.state {
        Raw::Integer(steps) => steps,
        Raw::Float32(_) | Raw::Float64(_) => panic!("the runs are of whole numbers"),
    }
}

fn all(spec: RegisterSpec, readings: &[Reading]) -> Output {
    let mut output = Output::default();
    Register::new(spec).extend(readings.iter().copied(), &mut output);
    output
}

proptest! {
    #[test]
    fn the_sum_of_the_intervals_is_the_rise_of_the_register(readings in run()) {
        let (readings, span) = closed(readings);
        let settled = settle(spec(), readings.clone(), span);
        let rise = steps(readings[readings.len() - 1]) - steps(readings[0]);
        prop_assert_eq!(crate::total_of(&settled.values), Energy::from_watt_hours(rise).milliwatt_hours());
        prop_assert!(settled.values.iter().all(|value| value.quality.is_covered()));
    }

    #[test]
    fn counting_chunk_by_chunk_gives_what_counting_at_once_gives(readings in run(), cuts in prop::collection::vec(0usize..200, 0..12)) {
        let whole = all(spec(), &readings);
        let mut output = Output::default();
        let mut carry = Carry::default();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(readings.len())).collect();
        cuts.push(readings.len());
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts {
            let mut register = Register::resume(spec(), carry);
            register.extend(readings[from..to].iter().copied(), &mut output);
            // Stored and read back, as the collector does between two chunks.
            let stored = serde_json::to_string(&register.into_carry()).unwrap();
            carry = serde_json::from_str(&stored).unwrap();
            from = to;
        }
        prop_assert_eq!(output, whole);
    }

    #[test]
    fn the_order_in_which_readings_come_changes_nothing((readings, shuffled) in run().prop_flat_map(|readings| (Just(readings.clone()), Just(readings).prop_shuffle()))) {
        let (_, span) = closed(readings.clone());
        prop_assert_eq!(settle(spec(), readings, span), settle(spec(), shuffled, span));
    }

    #[test]
    fn leaving_readings_out_moves_energy_between_quarter_hours_but_loses_none(readings in run(), keep in prop::collection::vec(any::<bool>(), 202)) {
        let (readings, span) = closed(readings);
        let last = readings.len() - 1;
        let kept = readings.iter().enumerate().filter(|(n, _)| *n == 0 || *n == last || keep[*n]).map(|(_, reading)| *reading);
        let (whole, thinned) = (settle(spec(), readings.clone(), span), settle(spec(), kept, span));
        prop_assert_eq!(crate::total_of(&whole.values), crate::total_of(&thinned.values));
        prop_assert!(thinned.values.iter().all(|value| value.quality.is_covered()));
    }

    #[test]
    fn a_register_that_rolls_over_gives_what_one_without_end_gives(readings in run(), before in 1i64..400_000) {
        let (readings, span) = closed(readings);
        let modulus = 100_000_000;
        let start = steps(readings[0]);
        let shift = |state: i64| state - start + modulus - before;
        let with = |state: &dyn Fn(i64) -> i64| -> Vec<Reading> {
            readings.iter().map(|one| Reading::new(one.time, Raw::Integer(state(steps(*one))))).collect()
        };
        let endless = settle(spec(), with(&shift), span);
        let wrapping = spec().wrapping_at(u64::try_from(modulus).unwrap());
        let wrapped = settle(wrapping, with(&|state| shift(state) % modulus), span);
        prop_assert_eq!(endless.values, wrapped.values);
    }

    #[test]
    fn one_wrong_reading_among_good_ones_changes_no_energy(readings in run(), place in 1usize..190, spike in any::<bool>()) {
        let (readings, span) = closed(readings);
        let place = place.min(readings.len() - 2);
        // More than half a second after its neighbour, where there is room for one.
        let (before, after) = (readings[place], readings[place + 1]);
        prop_assume!(after.time.millis_since(before.time) > 2);
        let wrong = if spike { 4_000_000_000 } else { 0 };
        let time = before.time.plus_millis(1);
        let mut spoilt = readings.clone();
        spoilt.insert(place + 1, Reading::new(time, Raw::Integer(wrong)));
        prop_assert_eq!(settle(spec(), readings, span).values, settle(spec(), spoilt, span).values);
    }

    #[test]
    fn whatever_a_device_sends_nothing_is_negative_and_no_quarter_hour_comes_twice(
        readings in prop::collection::vec((0i64..40_000_000, any::<i64>(), any::<f64>(), any::<bool>()), 0..120),
    ) {
        let mut output = Output::default();
        let mut register = Register::new(spec().wrapping_at(1 << 32));
        for (millis, whole, float, is_float) in readings {
            let state = if is_float { Raw::Float64(float) } else { Raw::Integer(whole) };
            register.push(Reading::new(Timestamp::from_millis(millis), state), &mut output);
        }
        register.finish(&mut output);
        for interval in &output.intervals {
            prop_assert!(interval.value.energy.is_none_or(|energy| energy >= Energy::ZERO));
            prop_assert_eq!(interval.value.energy.is_none(), interval.value.quality == Quality::Missing);
        }
        prop_assert!(output.intervals.windows(2).all(|pair| pair[0].quarter < pair[1].quarter));
    }
}
