//! Each contradiction with numbers worked out by hand.

use model::{Channel, Decimal, Encoding, Raw, Side};
use profile::SeriesShape;

use super::*;
use crate::probe::Exact;

/// A value in its canonical unit, which its register holds with as many digits as are written here.
pub(in crate::probe) fn reading(quantity: Quantity, channel: &str, value: &str) -> ReadingFound {
    let decimal: Decimal = value.parse().unwrap();
    let digits = value.split_once('.').map_or(0, |(_, digits)| i8::try_from(digits.len()).unwrap());
    let raw = (decimal.to_f64() * 10f64.powi(i32::from(digits))).round();
    let shape = SeriesShape {
        quantity,
        channel: Channel::new(channel).unwrap(),
        encoding: Encoding::Integer,
        exponent: -digits,
        wraps_at: None,
        resolution: 1,
        side: Side::Primary,
        source: format!("{quantity}/{channel}"),
    };
    ReadingFound {
        quantity: quantity.as_str(),
        channel: channel.to_owned(),
        value: Exact::new(Raw::Integer(raw.to_string().parse().unwrap()), -digits).unwrap(),
        unit: quantity.unit().symbol(),
        source: shape.source.clone(),
        raw: 0.into(),
        sent: String::new(),
        meaning: None,
        shape,
    }
}

fn warned(values: &[(Quantity, &str, &str)]) -> Vec<Warning> {
    let readings: Vec<ReadingFound> =
        values.iter().map(|(quantity, channel, value)| reading(*quantity, channel, value)).collect();
    contradictions(&readings)
}

#[track_caller]
fn one(values: &[(Quantity, &str, &str)], text: &str, cause: &str) {
    let warnings = warned(values);
    let [warning] = warnings.as_slice() else { panic!("{warnings:#?}") };
    assert_eq!(warning.text, text);
    assert!(warning.cause.contains(cause), "{}", warning.cause);
    assert!(!warning.sources.is_empty());
}

use Quantity::{
    ActiveEnergyImport, ActivePower, ApparentPower, BatteryVoltage, Current, Frequency, PowerFactor,
    RelativeHumidity, Temperature, Voltage,
};

#[test]
fn power_above_voltage_times_current_is_told_with_what_it_usually_comes_from() {
    // 230 V x 10 A are 2300 VA.
    let with = |power| [(ActivePower, "l1", power), (Voltage, "l1", "230.0"), (Current, "l1", "10.00")];
    one(
        &with("2200000"),
        "active_power at l1 is 2200000 W, but 230 V x 10 A are 2300.0 VA",
        "power is in W and read as kW",
    );
    one(&with("22000"), "active_power at l1 is 22000 W, but 230 V x 10 A are 2300.0 VA", "off by 10");
    one(
        &with("2.2"),
        "active_power at l1 is 2.2 W, but 230 V x 10 A are 2300.0 VA",
        "power is in kW and read as W",
    );
    // 10 % above is still taken: the two are not measured at the same instant.
    assert_eq!(warned(&with("2529")), []);
    assert_eq!(warned(&with("-2200")), []);
}

#[test]
fn a_small_power_factor_is_no_contradiction() {
    assert_eq!(warned(&[(ActivePower, "l1", "120"), (Voltage, "l1", "230"), (Current, "l1", "2.5")]), []);
    assert_eq!(warned(&[(ActivePower, "l1", "0"), (Voltage, "l1", "230"), (Current, "l1", "2.5")]), []);
    // A current of whole amperes may be half a one more: 230 x 0.5 are 115 W above 230.
    assert_eq!(
        warned(&[(ActivePower, "outlet.1", "340"), (Voltage, "outlet.1", "230"), (Current, "outlet.1", "1")]),
        []
    );
}

#[test]
fn the_total_is_held_against_the_volt_amperes_of_its_phases() {
    // 230 x (4 + 5 + 6) are 3450 VA; 6000 W are 1.74 times as much, the square root of 3.
    let mut values = vec![(ActivePower, "total", "6000")];
    for (phase, amperes) in [("l1", "4.00"), ("l2", "5.00"), ("l3", "6.00")] {
        values.extend([(Voltage, phase, "230"), (Current, phase, amperes)]);
    }
    one(
        &values,
        "active_power at total is 6000 W, but voltage x current of its 3 phases are 3450.0 VA",
        "the voltage is that of a phase and the power that of all",
    );
    values[0].2 = "3300";
    assert_eq!(warned(&values), []);
    // Means of three phases say nothing as a product: 230 V x 5 A are a third of it.
    values.extend([(Voltage, "total", "230"), (Current, "total", "5")]);
    assert_eq!(warned(&values), []);
}

#[test]
fn apparent_power_is_never_less_than_active_power() {
    let with = |apparent| [(ActivePower, "total", "4300"), (ApparentPower, "total", apparent)];
    one(
        &with("4000"),
        "active_power at total is 4300 W, but apparent_power is 4000 VA, which is never less",
        "not of the same instant",
    );
    one(
        &with("4.3"),
        "active_power at total is 4300 W, but apparent_power is 4.3 VA, which is never less",
        "",
    );
    assert_eq!(warned(&with("4300")), []);
}

#[test]
fn phases_are_held_against_their_total() {
    let with = |total| {
        let phases = [(ActivePower, "l1", "1000"), (ActivePower, "l2", "1100"), (ActivePower, "l3", "1200")];
        [phases.as_slice(), &[(ActivePower, "total", total)]].concat()
    };
    one(
        &with("1300"),
        "active_power at total is 1300 W, but l1, l2, l3 together are 3300.0 W",
        "a current transformer points the other way",
    );
    one(&with("3.3"), "active_power at total is 3.3 W, but l1, l2, l3 together are 3300.0 W", "kW");
    // 5 % of the larger are 173 and 175; three steps of each of four registers are 12 W.
    assert_eq!(warned(&with("3460")), []);
    assert_eq!(warned(&with("3500")).len(), 1);
}

#[test]
fn energy_of_phases_is_held_against_their_total_too() {
    let values = [
        (ActiveEnergyImport, "l1", "100000"),
        (ActiveEnergyImport, "l2", "100000"),
        (ActiveEnergyImport, "l3", "100000"),
        (ActiveEnergyImport, "total", "100000"),
    ];
    one(
        &values,
        "active_energy_import at total is 100000 Wh, but l1, l2, l3 together are 300000.0 Wh",
        "another register than the total",
    );
}

#[test]
fn phases_under_a_name_have_a_total_of_that_name() {
    let values = [
        (ActivePower, "pdu.2.l1", "1000"),
        (ActivePower, "pdu.2.l2", "1000"),
        (ActivePower, "pdu.2", "5000"),
        (ActivePower, "l1", "7"),
    ];
    let warnings = warned(&values);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].text.starts_with("active_power at pdu.2 is 5000 W, but pdu.2.l1, pdu.2.l2 together"));
}

#[test]
fn a_transformer_that_points_the_other_way_is_told_by_its_phase() {
    let values = [
        (ActivePower, "l1", "1000"),
        (ActivePower, "l2", "-1100"),
        (ActivePower, "l3", "1200"),
        (ActivePower, "total", "1100"),
    ];
    one(&values, "active_power at l2 is -1100 W, at l1 it is 1000 W", "points the other way");
}

#[test]
fn what_cannot_be_is_told() {
    for (quantity, channel, value, text) in [
        (Frequency, "total", "500", "frequency at total is 500 Hz, outside of 45 to 65 Hz"),
        (Voltage, "l1", "2301", "voltage at l1 is 2301 V, outside of 80 to 300 V"),
        (Voltage, "l1-l2", "4010", "voltage at l1-l2 is 4010 V, outside of 140 to 520 V"),
        (Voltage, "input.l2", "23.0", "voltage at input.l2 is 23 V, outside of 80 to 300 V"),
        (PowerFactor, "l1", "98", "power_factor at l1 is 98, no factor is beyond 1"),
        (PowerFactor, "l1", "-1.2", "power_factor at l1 is -1.2, no factor is beyond 1"),
        (Temperature, "sensor.1", "235", "temperature at sensor.1 is 235 Cel, outside of -40 to 110 Cel"),
        (
            RelativeHumidity,
            "sensor.1",
            "450",
            "relative_humidity at sensor.1 is 450 %, outside of 0 to 100 %",
        ),
    ] {
        one(&[(quantity, channel, value)], text, "");
    }
}

#[test]
fn what_can_be_is_not_told() {
    for (quantity, channel, value) in [
        (Frequency, "total", "59.9"),
        (Frequency, "bypass", "0"),
        (Voltage, "l1", "120"),
        (Voltage, "l1-l2", "400"),
        (Voltage, "outlet.3", "0"),
        (Voltage, "psu.1", "12.1"),
        (BatteryVoltage, "battery", "540"),
        (PowerFactor, "l1", "-1"),
        (Temperature, "sensor.1", "-12.5"),
        (RelativeHumidity, "sensor.1", "100"),
    ] {
        assert_eq!(warned(&[(quantity, channel, value)]), [], "{quantity} {channel} {value}");
    }
}

#[test]
fn no_voltage_is_told_only_where_something_flows() {
    one(
        &[(Voltage, "l1", "0"), (ActivePower, "l1", "700")],
        "voltage at l1 is 0 V, but active_power is 700 W",
        "a fuse of the voltage tap",
    );
    one(
        &[(Frequency, "total", "0"), (Voltage, "l1", "230")],
        "frequency at total is 0 Hz, outside of 45 to 65 Hz",
        "",
    );
}

#[test]
fn a_power_factor_is_held_against_the_powers() {
    // 700 W / 1000 VA are 0.70.
    let with = |factor| {
        [(ActivePower, "total", "700"), (ApparentPower, "total", "1000"), (PowerFactor, "total", factor)]
    };
    one(
        &with("0.95"),
        "power_factor at total is 0.95, but 700 W / 1000 VA are 0.70",
        "cos phi of the fundamental",
    );
    assert_eq!(warned(&with("-0.70")), []);
}
