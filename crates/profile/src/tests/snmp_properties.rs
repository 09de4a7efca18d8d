//! Whatever a device answers, reading it ends, stays within bounds, and never shows one thing twice.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::oid;
use crate::{Library, Oid, SnmpProfile, SnmpValue, VarBinds};

fn library() -> &'static Library {
    static LIBRARY: OnceLock<Library> = OnceLock::new();
    LIBRARY.get_or_init(|| Library::built_in().unwrap())
}

fn profiles() -> Vec<&'static SnmpProfile> {
    library().iter().filter_map(|profile| profile.snmp()).collect()
}

/// Numbers that devices send, and those at the edges.
fn number() -> impl Strategy<Value = i64> {
    let edges =
        [0, 1, -1, 2, 9, 65_535, 1_000_000_000, i64::from(i32::MIN), i64::from(i32::MAX), i64::MAX, i64::MIN];
    prop_oneof![prop::sample::select(edges.to_vec()), -3..12i64, any::<i32>().prop_map(i64::from)]
}

fn value() -> impl Strategy<Value = SnmpValue> {
    let texts =
        ["", "-", "23.6", "-0.05 C", "999999999999999999999", "W", "deg C", "AA:L1-L2", "\u{b0}C", "a.b.c"];
    prop_oneof![
        6 => number().prop_map(SnmpValue::Integer),
        1 => any::<u32>().prop_map(SnmpValue::Gauge32),
        1 => any::<u64>().prop_map(SnmpValue::Counter64),
        2 => prop::sample::select(texts.to_vec()).prop_map(|text| SnmpValue::OctetString(text.into())),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(SnmpValue::OctetString),
        1 => prop::collection::vec(0..9u32, 1..140).prop_map(|arcs| {
            Oid::new(&arcs).map_or(SnmpValue::Null, SnmpValue::Oid)
        }),
        1 => Just(SnmpValue::NoSuchInstance),
        1 => Just(SnmpValue::Opaque(vec![1, 2, 3])),
    ]
}

/// A row's index: short and plain mostly, else anything.
fn index() -> impl Strategy<Value = Vec<u32>> {
    prop_oneof![
        4 => prop::collection::vec(0..4u32, 0..9),
        1 => prop::collection::vec(any::<u32>(), 0..130),
        1 => prop::collection::vec(33..90u32, 0..9).prop_map(|mut text| {
            text.insert(0, u32::try_from(text.len()).unwrap_or(0));
            text
        }),
    ]
}

/// A profile and objects that mostly fall into its columns.
fn walk() -> impl Strategy<Value = (usize, VarBinds)> {
    (0..profiles().len()).prop_flat_map(|n| {
        let snmp = profiles()[n];
        let mut places = snmp.columns_to_walk();
        places.extend(snmp.scalars_to_get());
        places.push(oid("1.3.6.1.2.1.1.1"));
        let bind = (prop::sample::select(places), index(), value());
        prop::collection::vec(bind, 0..120).prop_map(move |binds| {
            let at = |(place, index, value): (Oid, Vec<u32>, SnmpValue)| (place.child(&index), value);
            (n, binds.into_iter().map(at).collect())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_a_device_answers_is_read_within_bounds_and_nothing_twice((n, walk) in walk()) {
        let snmp = profiles()[n];
        let rows = snmp.rows(&walk);
        let names: BTreeSet<_> = rows.iter().map(|row| (row.shape.quantity, row.shape.channel.clone())).collect();
        prop_assert_eq!(names.len(), rows.len(), "one reading for each quantity and channel");
        let all = snmp.scalars.len() + snmp.tables.iter().map(|table| table.readings.len()).sum::<usize>();
        prop_assert!(rows.len() <= all * walk.len());
        for row in &rows {
            prop_assert!(walk.contains_key(&oid(&row.shape.source)), "what is read was there");
        }
    }

    #[test]
    fn a_plan_decodes_any_values_in_any_number(
        (n, walk) in walk(),
        answers in prop::collection::vec(value(), 0..150),
    ) {
        let plan = profiles()[n].plan(&walk);
        prop_assert!(plan.readings().len() <= walk.len() * 4);
        prop_assert!(plan.oids().is_sorted_by(|a, b| a < b));
        prop_assert!(plan.oids().iter().all(|oid| walk.contains_key(oid)), "only what is there is asked for");
        prop_assert_eq!(plan.decode(&answers).len(), plan.readings().len());
    }
}

#[test]
fn a_table_without_end_is_cut() {
    let column = oid("1.3.6.1.2.1.99.1.1.1");
    let walk: VarBinds = (0..15_000u32)
        .flat_map(|n| {
            [(1, 8), (2, 9), (3, 0), (4, 21), (5, 1)]
                .map(|(c, value)| (column.child(&[c, n]), SnmpValue::Integer(value)))
        })
        .collect();
    let snmp = library().get("entity-sensor").and_then(|profile| profile.snmp()).unwrap();
    assert_eq!(snmp.rows(&walk).len(), 10_000);
}
