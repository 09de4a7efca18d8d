//! Objects as the facts about real devices have them, decoded.

use std::collections::BTreeMap;

use model::{Missing, Raw};

use super::{binds, oid, profile};
use crate::{Library, SnmpValue, VarBinds};

/// `quantity channel` to value, or the reason.
fn values(id: &str, walk: &VarBinds) -> BTreeMap<String, Result<String, Missing>> {
    let rows = profile(id).snmp().unwrap().rows(walk);
    rows.into_iter()
        .map(|row| {
            let value = row.raw.map(|raw| match raw {
                Raw::Integer(raw) => model::Decimal::new(raw, row.shape.exponent).to_string(),
                other => format!("{other:?}"),
            });
            (format!("{} {}", row.shape.quantity, row.shape.channel), value)
        })
        .collect()
}

#[allow(clippy::unnecessary_wraps, reason = "it is compared with what may be missing")]
fn value(text: &str) -> Result<String, Missing> {
    Ok(text.to_owned())
}

#[test]
fn a_raritan_px_is_read_by_its_own_digits_and_units() {
    // The PX3 of the facts: 7.467 A, 229 V, 1665 W, 0.98, 74057676 Wh, 50.0 Hz; frequency is not available here.
    let mut walk = binds(
        "1.3.6.1.4.1.13742.6.5.2.3.1.4.1.1",
        &[("1", 7467), ("4", 229), ("5", 1665), ("7", 98), ("8", 74_057_676), ("23", 500), ("6", 1700)],
    );
    walk.extend(binds(
        "1.3.6.1.4.1.13742.6.3.3.4.1.7.1.1",
        &[("1", 3), ("4", 0), ("5", 0), ("7", 2), ("8", 0), ("23", 1)],
    ));
    walk.extend(binds(
        "1.3.6.1.4.1.13742.6.3.3.4.1.6.1.1",
        &[("1", 2), ("7", -1), ("8", 5), ("23", 8), ("5", 23)],
    ));
    walk.extend(binds("1.3.6.1.4.1.13742.6.5.2.3.1.2.1.1", &[("1", 1), ("23", 2)]));
    let expected = BTreeMap::from([
        ("current inlet.1".to_owned(), value("7.467")),
        ("voltage inlet.1".to_owned(), value("229")),
        ("power_factor inlet.1".to_owned(), value("0.98")),
        ("active_energy_import inlet.1".to_owned(), value("74057676")),
        ("frequency inlet.1".to_owned(), Err(Missing::NotAvailable)),
    ]);
    // Power says var (23) as its unit and apparent power has no digits: neither is guessed.
    assert_eq!(values("raritan-px", &walk), expected);
}

#[test]
fn an_apc_chain_keeps_its_units_apart_and_minus_one_is_no_value() {
    let a = "1.3.6.1.4.1.318.1.1.26";
    let mut walk =
        binds(a, &[("4.3.1.5.1", 114), ("4.3.1.5.2", 20), ("4.3.1.9.1", 35_128), ("4.3.1.17.1", -1)]);
    walk.extend(binds(a, &[("6.3.1.2.4", 2), ("6.3.1.3.4", 1), ("6.3.1.5.4", 49), ("6.3.1.6.4", -1)]));
    walk.extend(binds(
        a,
        &[("10.2.2.1.8.1", -1), ("10.2.2.1.9.1", 1), ("10.2.2.1.8.2", -1), ("10.2.2.1.9.2", 3)],
    ));
    let read = values("apc-rpdu2", &walk);
    let expected = [
        ("active_power total", value("1140")),
        ("active_power pdu.2", value("200")),
        ("active_energy_import total", value("3512800")),
        ("power_factor total", Err(Missing::NotAvailable)),
        ("current pdu.2.l1", value("4.9")),
        ("voltage pdu.2.l1", Err(Missing::NotAvailable)),
        ("temperature sensor.1", Err(Missing::NotAvailable)),
    ];
    for (name, value) in expected {
        assert_eq!(read.get(name), Some(&value), "{name}");
    }
}

#[test]
fn a_ups_that_does_not_measure_says_65535_and_some_cards_send_text() {
    let u = "1.3.6.1.2.1.33.1";
    let mut walk =
        binds(u, &[("2.3.0", 65_535), ("3.3.1.4.1", 655_350), ("4.4.1.4.1", 200), ("4.4.1.4.2", -4)]);
    walk.insert(oid(&format!("{u}.2.5.0")), SnmpValue::OctetString(b"2170".to_vec()));
    walk.insert(oid(&format!("{u}.2.7.0")), SnmpValue::OctetString(b"27 C".to_vec()));
    walk.insert(oid(&format!("{u}.2.4.0")), SnmpValue::OctetString(Vec::new()));
    walk.insert(oid(&format!("{u}.4.2.0")), SnmpValue::OctetString(b"49.9 Hz".to_vec()));
    walk.insert(oid(&format!("{u}.6.1.0")), SnmpValue::NoSuchInstance);
    let expected = BTreeMap::from([
        ("battery_runtime battery".to_owned(), Err(Missing::NotAvailable)),
        ("current input.l1".to_owned(), Err(Missing::NotAvailable)),
        ("active_power output.l1".to_owned(), value("200")),
        ("active_power output.l2".to_owned(), value("-4")),
        ("battery_voltage battery".to_owned(), value("217")),
        ("temperature battery".to_owned(), value("27")),
        ("battery_charge battery".to_owned(), Err(Missing::NotAvailable)),
        // A number that is already scaled would be read a tenth of itself: refused, not guessed.
        ("frequency output".to_owned(), Err(Missing::Nonsense)),
    ]);
    assert_eq!(values("rfc1628-ups", &walk), expected);
}

#[test]
fn degrees_are_those_that_the_unit_flag_says() {
    let s = "1.3.6.1.4.1.1718.3.2.5.1";
    let walk = binds(
        s,
        &[("6.1.1", 681), ("13.1.1", 1), ("6.1.2", 215), ("13.1.2", 0), ("6.1.3", 215), ("13.1.3", 7)],
    );
    let expected = BTreeMap::from([
        ("temperature sensor.1.1".to_owned(), value("20.056")),
        ("temperature sensor.1.2".to_owned(), value("21.5")),
    ]);
    // The flag 7 is unknown, so the third sensor is not read at all.
    assert_eq!(values("servertech-sentry3", &walk), expected);
    let mut geist = binds("1.3.6.1.4.1.21239.5.2", &[("4.1.5.1", 680), ("4.1.4.1", 1), ("1.7.0", 0)]);
    assert_eq!(values("vertiv-geist", &geist)["temperature sensor.1"], value("20"));
    geist.insert(oid("1.3.6.1.4.1.21239.5.2.1.7.0"), SnmpValue::Integer(1));
    assert_eq!(values("vertiv-geist", &geist)["temperature sensor.1"], value("68"));
}

#[test]
fn an_eaton_power_factor_may_be_negative_and_its_phase_row_is_not_the_total() {
    let e = "1.3.6.1.4.1.534.6.6.7.3";
    let walk = binds(
        e,
        &[
            ("4.1.2.0.1.1", 1),
            ("4.1.7.0.1.1", -946),
            ("4.1.4.0.1.1", 1589),
            ("5.1.4.0.1", 1584),
            ("4.1.8.0.1.1", -1),
        ],
    );
    let read = values("eaton-epdu", &walk);
    assert_eq!(read["power_factor inlet.1.l1"], value("-0.946"));
    assert_eq!(read["active_power inlet.1.l1"], value("1589"));
    assert_eq!(read["active_power inlet.1"], value("1584"));
    assert_eq!(read["reactive_power inlet.1.l1"], Err(Missing::NotAvailable));
}

#[test]
fn a_plan_asks_only_for_what_has_a_value_and_for_its_status() {
    let r = "1.3.6.1.4.1.13742.6";
    let mut walk =
        binds(&format!("{r}.5.4.3.1"), &[("4.1.1.5", 35), ("4.1.2.5", 0), ("2.1.1.5", 1), ("2.1.2.5", 2)]);
    walk.extend(binds(&format!("{r}.3.5.4.1.7"), &[("1.1.5", 0), ("1.2.5", 0)]));
    let profile = profile("raritan-px");
    let plan = profile.snmp().unwrap().plan(&walk);
    let asked: Vec<String> = plan.oids().iter().map(ToString::to_string).collect();
    assert_eq!(asked, [format!("{r}.5.4.3.1.2.1.1.5"), format!("{r}.5.4.3.1.4.1.1.5")]);
    let (yes, no, watts) = (SnmpValue::Integer(1), SnmpValue::Integer(2), SnmpValue::Gauge32(36));
    assert_eq!(plan.decode(&[yes.clone(), watts.clone()]), [Ok(Raw::Integer(36))]);
    assert_eq!(plan.decode(&[no, watts]), [Err(Missing::NotAvailable)]);
    assert_eq!(plan.decode(&[yes.clone(), SnmpValue::NoSuchInstance]), [Err(Missing::NotAvailable)]);
    assert_eq!(plan.decode(&[yes]), [Err(Missing::ShortAnswer)]);
}

#[test]
fn what_is_to_be_walked_and_got_is_named_once_and_in_order() {
    let profile = profile("vertiv-geist");
    let snmp = profile.snmp().unwrap();
    let columns = snmp.columns_to_walk();
    assert!(columns.is_sorted_by(|a, b| a < b));
    assert!(columns.contains(&oid("1.3.6.1.4.1.21239.5.2.4.1.4")), "the availability of sensors is walked");
    assert_eq!(snmp.scalars_to_get(), [oid("1.3.6.1.4.1.21239.5.2.1.7.0")], "the unit flag is got");
}

#[test]
fn the_longest_object_id_comes_first_and_probes_need_none() {
    let library = Library::built_in().unwrap();
    let ids = |text: &str| {
        let found = library.candidates(Some(&oid(text)));
        found.iter().map(|profile| profile.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("1.3.6.1.4.1.318.1.3.4.6")[..2], ["apc-rpdu2", "apc-rpdu"]);
    assert_eq!(ids("1.3.6.1.4.1.13742.6")[0], "raritan-px");
    assert!(ids("1.3.6.1.4.1.8072.3.2.10").contains(&"rfc1628-ups".to_owned()));
}
