//! Vectors of the facts and the cases that a register can get into.

use model::{Energy, IntervalValue, Method, Period, Quality, Raw, Reason, Timestamp};

use super::*;
use crate::Medium;

/// 2026-03-02T00:00:00Z, on a quarter hour.
const START: i64 = 1_772_409_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(START + seconds)
}

fn span(quarters: i64) -> Period {
    Period::new(at(0), at(quarters * 900))
}

/// A register in steps of 0.1 kWh (exponent 2 in Wh), polled every 10 s.
fn tenths() -> RegisterSpec {
    RegisterSpec::new(Medium::Electricity, 2, 10_000).unwrap()
}

fn reading(seconds: i64, steps: i64) -> Reading {
    Reading::new(at(seconds), Raw::Integer(steps))
}

fn watt_hours(values: &[IntervalValue]) -> Vec<Option<i64>> {
    values.iter().map(|value| value.energy.map(|energy| energy.milliwatt_hours() / 1000)).collect()
}

fn kinds(findings: &[Finding]) -> Vec<FindingKind> {
    findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn v11_a_register_that_rolls_over_counts_on() {
    // Facts V11: 999,850.4 to 149.8 kWh at modulus 1,000,000.0 is 299.4 kWh, behind CT 80 it is 23,952.0 kWh.
    let spec = tenths().wrapping_at(10_000_000);
    let settled = settle(spec, [reading(0, 9_998_504), reading(900, 1_498)], span(1));
    assert_eq!(settled.values, [IntervalValue::measured(Energy::from_watt_hours(299_400))]);
    assert_eq!(kinds(&settled.findings), [FindingKind::Rollover]);
    let counted = crate::exchange::Counted {
        from: Energy::ZERO,
        to: settled.values[0].energy.unwrap(),
        ratio: "80/1".parse().unwrap(),
    };
    assert_eq!(counted.energy(), Some(Energy::from_kilowatt_hours(23_952)));
}

#[test]
fn v11_a_32_bit_register_of_hundredths_rolls_over_by_10000_counts() {
    // Facts V11: 4,294,960,000 to 2,704 in steps of 0.01 kWh is 10,000 counts, 100.00 kWh.
    let spec = RegisterSpec::new(Medium::Electricity, 1, 10_000).unwrap().wrapping_at(1 << 32);
    let settled = settle(spec, [reading(0, 4_294_960_000), reading(900, 2_704)], span(1));
    assert_eq!(settled.values, [IntervalValue::measured(Energy::from_kilowatt_hours(100))]);
}

#[test]
fn v13_a_gap_that_the_register_survived_is_spread_and_its_sum_is_true() {
    // Facts V13: 8 of 96 intervals missing, 120,400.0 to 121,232.0 kWh, the other 88 together 9,064 kWh = 88 x 103.
    let mut state = 1_204_000 - 40 * 1030;
    let mut readings = Vec::new();
    for quarter in 0..=96 {
        if quarter <= 40 || quarter >= 48 {
            readings.push(reading(quarter * 900, state));
        }
        state += if (40..48).contains(&quarter) { 1040 } else { 1030 };
    }
    let settled = settle(tenths(), readings, span(96));
    let substitute = IntervalValue::substitute(
        Energy::from_kilowatt_hours(104),
        Method::Interpolation,
        Reason::CommunicationFault,
    );
    assert_eq!(settled.values[40..48], [substitute; 8]);
    let total = crate::total_of(&settled.values);
    assert_eq!(total, Energy::from_kilowatt_hours(9_896).milliwatt_hours());
    let coverage = crate::coverage_of(&settled.values);
    assert_eq!((coverage.measured, coverage.substitute), (88, 8));
    assert_eq!(format!("{:.2}", coverage.true_share().unwrap() * 100.0), "91.67");
    let of_true: i64 = settled
        .values
        .iter()
        .filter(|value| value.quality == Quality::True)
        .filter_map(|value| value.energy)
        .map(Energy::milliwatt_hours)
        .sum();
    assert_eq!(format!("{:.2}", of_true as f64 / total as f64 * 100.0), "91.59");
    assert_eq!(kinds(&settled.findings), [FindingKind::Gap]);
}

#[test]
fn a_boundary_between_two_neighbours_is_interpolated_rounded_to_the_step_and_true() {
    // 10 s apart, 4 s before and 6 s after the quarter hour: 7 steps x 4/10 = 2.8, rounded to 3 steps of 100 Wh.
    let readings = [
        reading(-6, 0),
        reading(4, 10),
        reading(896, 100),
        reading(906, 107),
        reading(1796, 207),
        reading(1806, 207),
    ];
    let mut output = Output::default();
    let mut register = Register::new(tenths());
    register.extend(readings, &mut output);
    register.finish(&mut output);
    // First boundary: 10 steps x 6/10 = 6. First quarter hour: (100 + 3) - 6 = 97 steps.
    let first = output.intervals[0];
    assert_eq!(first.value, IntervalValue::measured(Energy::from_watt_hours(9_700)));
    // What each boundary can be off: 6 of 10 steps, 4 of 7 steps, and one step of the register.
    assert_eq!(first.uncertainty, (6 + 4 + 1) * 100_000);
    assert_eq!(output.intervals[1].value.energy, Some(Energy::from_watt_hours(10_400)));
    assert!(output.findings.is_empty());
}

#[test]
fn neighbours_are_at_most_two_periods_and_120_seconds_apart() {
    for (period_ms, apart, quality) in [
        (10_000, 20, Quality::True),
        (10_000, 21, Quality::Substitute),
        (60_000, 120, Quality::True),
        (900_000, 121, Quality::Substitute),
    ] {
        let spec = RegisterSpec::new(Medium::Electricity, 0, period_ms).unwrap();
        let settled =
            settle(spec, [reading(0, 0), reading(899, 899), reading(899 + apart, 899 + apart)], span(1));
        assert_eq!(settled.values[0].quality, quality, "{apart} s at a period of {period_ms} ms");
        assert_eq!(settled.values[0].energy, Some(Energy::from_watt_hours(900)));
    }
}

#[test]
fn readings_once_on_each_quarter_hour_are_true_whatever_the_period() {
    let settled = settle(tenths(), (0..=4).map(|n| reading(n * 900, n * 1000)), span(4));
    assert_eq!(watt_hours(&settled.values), [Some(100_000); 4]);
    assert!(settled.values.iter().all(|value| value.quality == Quality::True));
    assert!(settled.findings.is_empty());
}

#[test]
fn a_single_zero_or_spike_never_becomes_energy() {
    for wrong in [0, 9_999_999, 51_005, 1] {
        let readings = (0..=180).map(|n| reading(n * 10, if n == 90 { wrong } else { 50_000 + n }));
        let settled = settle(tenths(), readings, span(2));
        // The wrong one stands on the quarter hour itself, so the boundary lies between its two neighbours, 20 s apart.
        assert_eq!(watt_hours(&settled.values), [Some(9_000), Some(9_000)], "{wrong}");
        assert_eq!(kinds(&settled.findings), [FindingKind::Glitch], "{wrong}");
        assert!(settled.values.iter().all(|value| value.quality == Quality::True));
    }
}

#[test]
fn zeros_of_a_booting_device_are_no_reset_when_it_goes_on_where_it_was() {
    let readings = (0..=90).map(|n| reading(n * 10, if (40..46).contains(&n) { 0 } else { 50_000 + n }));
    let settled = settle(tenths(), readings, span(1));
    assert_eq!(watt_hours(&settled.values), [Some(9_000)]);
    assert_eq!(kinds(&settled.findings), [FindingKind::Glitch; 6]);
}

#[test]
fn a_reset_holds_the_power_before_it_for_the_unknown_time_and_says_so() {
    // 1 step each 10 s; reset between 1,200 s and 1,210 s to 0.
    let state = |n: i64| if n <= 120 { 70_000 + n } else { n - 121 };
    let settled = settle(tenths(), (0..=180).map(|n| reading(n * 10, state(n))), span(2));
    assert_eq!(settled.values[0], IntervalValue::measured(Energy::from_watt_hours(9_000)));
    // 300 s before and 590 s after are counted: 30 and 59 steps; 10 s at the power of the first quarter hour: 1 step.
    let held =
        IntervalValue::substitute(Energy::from_watt_hours(9_000), Method::HoldValue, Reason::DeviceFaulty);
    assert_eq!(settled.values[1], held);
    assert_eq!(kinds(&settled.findings), [FindingKind::Reset]);
    assert_eq!(settled.findings[0].estimated, Some(100_000));
}

#[test]
fn a_reset_that_stays_at_zero_is_believed_after_some_readings_and_never_negative() {
    let state = |n: i64| if n < 90 { 70_000 + n } else { 0 };
    let settled = settle(tenths(), (0..=270).map(|n| reading(n * 10, state(n))), span(3));
    assert_eq!(settled.values[2], IntervalValue::measured(Energy::ZERO));
    assert_eq!(kinds(&settled.findings), [FindingKind::Reset]);
    assert!(settled.values.iter().all(|value| value.energy.is_none_or(|energy| energy >= Energy::ZERO)));
}

#[test]
fn an_exchange_after_more_than_two_hours_leaves_the_quarter_hours_missing() {
    let mut readings: Vec<_> = (0..=90).map(|n| reading(n * 10, 70_000 + n)).collect();
    readings.extend((0..=90).map(|n| reading(9_000 + n * 10, 100 + n)));
    let settled = settle(tenths(), readings, span(11));
    assert_eq!(settled.values[0].quality, Quality::True);
    assert_eq!(settled.values[1..10], [IntervalValue::missing(Some(Reason::DeviceFaulty)); 9]);
    assert_eq!(settled.values[10], IntervalValue::measured(Energy::from_watt_hours(9_000)));
}

#[test]
fn a_clock_that_ran_ahead_and_came_back_does_not_stop_the_counting() {
    let mut readings: Vec<_> = (0..=60).map(|n| reading(n * 10, n)).collect();
    readings.push(reading(40_000_000, 61));
    readings.extend((62..=90).map(|n| reading(n * 10, n)));
    let mut output = Output::default();
    let mut register = Register::new(tenths());
    register.extend(readings, &mut output);
    register.finish(&mut output);
    assert_eq!(output.intervals.len(), 1);
    assert_eq!(output.intervals[0].value, IntervalValue::measured(Energy::from_watt_hours(9_000)));
    assert_eq!(kinds(&output.findings), [FindingKind::Late]);
}

#[test]
fn a_float_register_is_read_by_its_bits() {
    // 16,777,217 has no 32-bit float; its neighbours do. 0.1f32 is 0.100000001490116, in mWh rounded to 100.
    let spec = RegisterSpec::new(Medium::Electricity, 0, 10_000).unwrap().with_resolution(0);
    assert_eq!(spec.state(Raw::Float32(16_777_216.0)), Some(16_777_216_000));
    assert_eq!(spec.step(Raw::Float32(16_777_216.0)), 2_000);
    assert_eq!(spec.state(Raw::Float32(0.1)), Some(100));
    assert_eq!(spec.state(Raw::Float64(1e-3)), Some(1));
    assert_eq!(spec.state(Raw::Float64(123_456_789.012_345)), Some(123_456_789_012));
    assert_eq!(spec.state(Raw::Float64(5e-324)), Some(0));
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, f64::MAX] {
        assert_eq!(spec.state(Raw::Float64(wrong)), None, "{wrong}");
    }
    let kilowatt_hours = RegisterSpec::new(Medium::Electricity, 3, 10_000).unwrap();
    assert_eq!(kilowatt_hours.state(Raw::Float32(1234.5)), Some(1_234_500_000));
    assert_eq!(kilowatt_hours.state(Raw::Integer(i64::MAX)), None);
}

#[test]
fn a_reading_that_is_no_number_is_noted_and_left_out() {
    let spec = RegisterSpec::new(Medium::Electricity, 0, 10_000).unwrap();
    let state = |n: i64| if n == 45 { Raw::Float32(f32::NAN) } else { Raw::Float32(1000.0 + n as f32) };
    let settled = settle(spec, (0..=90).map(|n| Reading::new(at(n * 10), state(n))), span(1));
    assert_eq!(watt_hours(&settled.values), [Some(90)]);
    assert_eq!(kinds(&settled.findings), [FindingKind::Unreadable]);
}

#[test]
fn a_water_meter_is_counted_in_millilitres_by_the_same_rules() {
    // Litre steps: exponent -3 in m3.
    let spec = RegisterSpec::new(Medium::Water, -3, 900_000).unwrap();
    let settled = settle(spec, [reading(0, 5_000), reading(900, 5_012)], span(1));
    assert_eq!(settled.values[0].energy.map(Energy::milliwatt_hours), Some(12_000));
}

#[test]
fn nothing_is_known_before_the_first_and_after_the_last_reading() {
    let settled = settle(tenths(), (0..=90).map(|n| reading(1_000 + n * 10, n)), span(4));
    assert_eq!(watt_hours(&settled.values), [None; 4]);
    assert!(settle(tenths(), [], span(2)).values.iter().all(|value| value.quality == Quality::Missing));
}

#[test]
fn a_series_that_is_no_counter_cannot_be_counted() {
    let series = model::SeriesDescriptor {
        number: 1,
        device: "meter".parse().unwrap(),
        quantity: model::Quantity::ActivePower,
        channel: model::Channel::total(),
        encoding: model::Encoding::Integer,
        exponent: 0,
        wraps_at: None,
        resolution: 1,
        side: model::Side::Primary,
        profile: None,
        profile_hash: None,
        source: String::new(),
    };
    assert_eq!(
        RegisterSpec::of_series(&series, 1000),
        Err(SpecError::NoCounter(model::Quantity::ActivePower))
    );
    let energy =
        model::SeriesDescriptor { quantity: model::Quantity::ActiveEnergyImport, exponent: 3, ..series };
    assert_eq!(RegisterSpec::of_series(&energy, 1000).unwrap().state(Raw::Integer(1)), Some(1_000_000));
}

#[test]
fn what_is_carried_survives_being_stored() {
    let mut register = Register::new(tenths());
    let mut output = Output::default();
    register.extend((0..=100).map(|n| reading(n * 10, 50_000 + n)), &mut output);
    let text = serde_json::to_string(register.carry()).unwrap();
    assert_eq!(serde_json::from_str::<Carry>(&text).unwrap(), *register.carry());
    assert_eq!(register.carry().open_quarter(), Some(at(900).quarter()));
}
