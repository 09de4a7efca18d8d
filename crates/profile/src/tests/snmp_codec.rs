//! What the simulator shows is what the agent reads.

use model::{Channel, Decimal, Quantity, Raw};

use super::profile;
use crate::snmp::{Template, Wanted};
use crate::{Amount, EncodeError};

fn wanted(quantity: Quantity, channel: &str, amount: Amount) -> Wanted {
    Wanted { quantity, channel: Channel::new(channel).unwrap(), amount }
}

/// Encodes, decodes, and gives what was read in the order of what was wanted.
fn round_trip(id: &str, list: &[Wanted]) -> Vec<f64> {
    let profile = profile(id);
    let snmp = profile.snmp().unwrap();
    let binds = snmp.encode(list).unwrap_or_else(|error| panic!("{id}: {error}"));
    let rows = snmp.rows(&binds);
    assert_eq!(rows.len(), list.len(), "{id}: {rows:#?}");
    let read = |one: &Wanted| {
        let row =
            rows.iter().find(|row| row.shape.quantity == one.quantity && row.shape.channel == one.channel);
        let row = row.unwrap_or_else(|| panic!("{id}: {one:?} is not read from {binds:#?}"));
        let raw = row.raw.unwrap_or_else(|reason| panic!("{id}: {one:?} is {reason}"));
        raw.to_f64() * 10f64.powi(i32::from(row.shape.exponent))
    };
    list.iter().map(read).collect()
}

fn near(read: &[f64], expected: &[f64]) {
    let same = read.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9 * b.abs().max(1.0));
    assert!(same && read.len() == expected.len(), "{read:?} is not {expected:?}");
}

#[test]
fn an_apc_rack_pdu_shows_what_is_wanted_in_its_coarse_steps() {
    let energy = Amount::Exact(Decimal::new(123_456_789, -3));
    let read = round_trip(
        "apc-rpdu2",
        &[
            wanted(Quantity::ActivePower, "total", Amount::Float(1234.0)),
            wanted(Quantity::ActiveEnergyImport, "total", energy),
            wanted(Quantity::Current, "l1", Amount::Float(5.26)),
            wanted(Quantity::Voltage, "l1", Amount::Float(230.4)),
            wanted(Quantity::Current, "l2", Amount::Float(0.0)),
            wanted(Quantity::ActivePower, "pdu.2.l3", Amount::Float(500.0)),
            wanted(Quantity::Current, "bank.2", Amount::Float(1.0)),
            wanted(Quantity::ActivePower, "outlet.1", Amount::Float(71.0)),
            wanted(Quantity::ActivePower, "outlet.24", Amount::Float(72.0)),
            wanted(Quantity::ActiveEnergyImport, "outlet.24", energy),
            wanted(Quantity::Temperature, "sensor.1", Amount::Float(23.46)),
            wanted(Quantity::RelativeHumidity, "sensor.1", Amount::Float(41.0)),
        ],
    );
    // Tens of watts; tenths of a kWh, complete ones; tenths of an ampere; volts.
    near(&read, &[1230.0, 123_400.0, 5.3, 230.0, 0.0, 500.0, 1.0, 71.0, 72.0, 123_400.0, 23.5, 41.0]);
}

#[test]
fn a_raritan_px_shows_what_is_wanted_with_digits_and_units() {
    let read = round_trip(
        "raritan-px",
        &[
            wanted(Quantity::ActivePower, "inlet.1", Amount::Float(1665.4)),
            wanted(Quantity::Current, "inlet.1.l2", Amount::Float(7.4671)),
            wanted(Quantity::Voltage, "inlet.1.l1-l2", Amount::Float(400.0)),
            wanted(Quantity::Voltage, "inlet.1.l1", Amount::Float(230.0)),
            wanted(
                Quantity::ActiveEnergyImport,
                "outlet.12",
                Amount::Exact(Decimal::new(74_057_676_999, -3)),
            ),
            wanted(Quantity::Current, "branch.3", Amount::Float(2.0)),
            wanted(Quantity::PowerFactor, "outlet.1", Amount::Float(-0.98)),
            wanted(Quantity::Temperature, "sensor.4", Amount::Float(-2.3)),
            wanted(Quantity::ActivePower, "pdu.2.outlet.3", Amount::Float(1.0)),
        ][..6],
    );
    near(&read, &[1665.0, 7.467, 400.0, 230.0, 74_057_676.0, 2.0]);
    let read = round_trip(
        "raritan-px",
        &[
            wanted(Quantity::Temperature, "sensor.4", Amount::Float(-2.3)),
            wanted(Quantity::RelativeHumidity, "sensor.5", Amount::Float(40.0)),
            wanted(Quantity::ActivePower, "pdu.2.outlet.3", Amount::Float(1.0)),
            wanted(Quantity::ActivePower, "total", Amount::Float(9.0)),
        ],
    );
    near(&read, &[-2.3, 40.0, 1.0, 9.0]);
}

#[test]
fn a_ups_and_a_cooling_unit_show_what_is_wanted() {
    let read = round_trip(
        "rfc1628-ups",
        &[
            wanted(Quantity::BatteryRuntime, "battery", Amount::Float(1800.0)),
            wanted(Quantity::BatteryVoltage, "battery", Amount::Float(217.04)),
            wanted(Quantity::ActivePower, "input.l3", Amount::Float(21_000.0)),
            wanted(Quantity::ActivePower, "output.l1", Amount::Float(20_000.4)),
            wanted(Quantity::Current, "output.l2", Amount::Float(87.0)),
            wanted(Quantity::Load, "output.l2", Amount::Float(43.0)),
            wanted(Quantity::State, "output", Amount::Float(3.0)),
        ],
    );
    near(&read, &[1800.0, 217.0, 21_000.0, 20_000.0, 87.0, 43.0, 3.0]);
    let read = round_trip(
        "stulz-wib8000",
        &[
            wanted(Quantity::Temperature, "unit.1.2.supply", Amount::Float(18.04)),
            wanted(Quantity::Temperature, "unit.1.2.return", Amount::Float(27.0)),
            wanted(Quantity::RelativeHumidity, "unit.2.1.return", Amount::Float(40.0)),
            wanted(Quantity::FanSpeed, "unit.1.2.fan.1", Amount::Float(85.0)),
            wanted(Quantity::State, "unit.1.2.compressor.1", Amount::Float(1.0)),
        ],
    );
    near(&read, &[18.0, 27.0, 40.0, 85.0, 1.0]);
    let read = round_trip(
        "eaton-epdu",
        &[
            wanted(Quantity::Voltage, "inlet.1.l2", Amount::Float(230.123)),
            wanted(Quantity::Current, "inlet.1.l2", Amount::Float(4.5)),
            wanted(Quantity::Temperature, "sensor.1", Amount::Float(22.2)),
            wanted(Quantity::ActivePower, "pdu.3.outlet.7", Amount::Float(55.0)),
        ],
    );
    near(&read, &[230.123, 4.5, 22.2, 55.0]);
}

#[test]
fn what_the_profile_does_not_read_or_hold_is_refused() {
    let profile = profile("rfc1628-ups");
    let snmp = profile.snmp().unwrap();
    let unknown = snmp.encode(&[wanted(Quantity::ActivePower, "outlet.1", Amount::Float(1.0))]);
    assert!(matches!(unknown, Err(EncodeError::NoSuchReading { .. })), "{unknown:?}");
    let beyond = snmp.encode(&[wanted(Quantity::ActivePower, "output.l1", Amount::Float(3e9))]);
    assert!(matches!(beyond, Err(EncodeError::OutOfRange(_))), "{beyond:?}");
}

#[test]
fn the_same_channels_get_the_same_rows_whatever_their_values() {
    let profile = profile("apc-rpdu2");
    let list = |watts| {
        let outlet = |n: u32| wanted(Quantity::ActivePower, &format!("outlet.{n}"), Amount::Float(watts));
        (1..=24).map(outlet).collect::<Vec<_>>()
    };
    let rows = |watts| {
        let binds = profile.snmp().unwrap().encode(&list(watts)).unwrap();
        binds.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(rows(10.0), rows(99.0));
}

#[test]
fn a_counter_shows_only_what_is_complete() {
    let profile = profile("vertiv-geist");
    let snmp = profile.snmp().unwrap();
    let binds = snmp
        .encode(&[wanted(Quantity::ActiveEnergyImport, "total", Amount::Exact(Decimal::new(1999, -3)))])
        .unwrap();
    assert_eq!(snmp.rows(&binds)[0].raw, Ok(Raw::Integer(1)));
}

#[test]
fn a_template_needs_its_braces_in_pairs() {
    for good in ["total", "{a}", "x.{a}.{b}"] {
        assert_eq!(Template::new(good).unwrap().to_string(), good);
    }
    for bad in ["{", "}", "{}", "a}b", "{a{b}}", "{a"] {
        assert!(Template::new(bad).is_err(), "{bad}");
    }
}
