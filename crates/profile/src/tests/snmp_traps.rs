//! The traps that the facts about real devices name: each a walk written by hand, and what must come of it.

use std::collections::BTreeMap;

use model::{Missing, Raw};

use super::{binds, oid, profile};
use crate::{Library, Oid, SnmpValue, VarBinds};

pub(super) type Read = BTreeMap<String, Result<String, Missing>>;

/// `quantity channel` to value, or the reason.
pub(super) fn read(id: &str, walk: &VarBinds) -> Read {
    let rows = profile(id).snmp().unwrap().rows(walk);
    let one = |row: crate::SnmpReading| {
        let value = row.raw.map(|raw| match raw {
            Raw::Integer(raw) => model::Decimal::new(raw, row.shape.exponent).to_string(),
            other => format!("{other:?}"),
        });
        (format!("{} {}", row.shape.quantity, row.shape.channel), value)
    };
    rows.into_iter().map(one).collect()
}

pub(super) fn text(walk: &mut VarBinds, at: &str, value: &str) {
    walk.insert(oid(at), SnmpValue::OctetString(value.as_bytes().to_vec()));
}

#[track_caller]
pub(super) fn shows(read: &Read, name: &str, value: &str) {
    assert_eq!(read.get(name), Some(&Ok(value.to_owned())), "{name} in {read:#?}");
}

#[track_caller]
pub(super) fn lacks(read: &Read, name: &str) {
    assert!(!read.contains_key(name), "{name} in {read:#?}");
}

/// The profile that a device is recognised as.
pub(super) fn recognised(object_id: &str, walk: &VarBinds) -> Option<String> {
    let library = Library::built_in().unwrap();
    let object_id: Oid = oid(object_id);
    let found = library.candidates(Some(&object_id));
    found.iter().find(|one| one.identification.probes_answer(walk)).map(|one| one.id.to_string())
}

#[test]
fn netbotz_rows_are_named_by_texts_and_an_empty_text_is_a_sensor_pulled_out() {
    let b = "1.3.6.1.4.1.5528.100.4.1.1.1";
    // "T1" and "T2": the length, then the characters; and a row of firmware that numbers them.
    let mut walk = binds(b, &[("2.2.84.49", 236), ("2.2.84.50", 0), ("2.1095346743", 201)]);
    text(&mut walk, &format!("{b}.7.2.84.49"), "23.6");
    text(&mut walk, &format!("{b}.7.2.84.50"), "");
    text(&mut walk, &format!("{b}.7.1095346743"), "20.1");
    let read = read("apc-netbotz", &walk);
    shows(&read, "temperature sensor.t1", "23.6");
    shows(&read, "temperature sensor.1095346743", "20.1");
    assert_eq!(read["temperature sensor.t2"], Err(Missing::NotAvailable));
}

#[test]
fn a_netbotz_750_has_whole_degrees_where_the_classic_has_tenths() {
    let b = "1.3.6.1.4.1.52674.500.4.1.1.1";
    let mut walk = binds(b, &[("2.7", 20), ("8.7", 20), ("2.8", 21), ("8.8", 21)]);
    text(&mut walk, &format!("{b}.7.7"), "20.1");
    let read = read("apc-netbotz-750", &walk);
    shows(&read, "temperature sensor.7", "20.1");
    shows(&read, "temperature sensor.8", "21");
    // Its sysObjectID was recorded without the enterprise prefix.
    assert_eq!(recognised("52674.500", &walk).as_deref(), Some("apc-netbotz-750"));
}

#[test]
fn apc_probes_tell_their_unit_and_whether_they_are_there() {
    let e = "1.3.6.1.4.1.318.1.1";
    let mut walk = binds(e, &[("10.2.3.2.1.4.1", 77), ("10.2.3.2.1.5.1", 2), ("10.2.3.2.1.3.1", 2)]);
    walk.extend(binds(e, &[("10.2.3.2.1.4.2", 0), ("10.2.3.2.1.5.2", 1), ("10.2.3.2.1.3.2", 1)]));
    walk.extend(binds(e, &[("25.1.2.1.6.1.1", 24), ("25.1.2.1.7.1.1", -1), ("25.1.2.1.10.1.1", 2)]));
    walk.extend(binds(e, &[("10.3.13.1.1.3.1", 70), ("10.3.13.1.1.10.1", 2), ("10.3.12.11.0", 2)]));
    walk.extend(binds(e, &[("10.5.1.1.1.5.1", 238), ("10.5.1.1.1.5.2", -2_147_483_647)]));
    let read = read("apc-environment", &walk);
    shows(&read, "temperature sensor.1", "25");
    assert_eq!(read["temperature sensor.2"], Err(Missing::NotAvailable), "disconnected");
    shows(&read, "temperature sensor.1.1", "24");
    assert_eq!(read["relative_humidity sensor.1.1"], Err(Missing::NotAvailable));
    shows(&read, "temperature ems.1", "21.111");
    shows(&read, "temperature wireless.1", "23.8");
    assert_eq!(read["temperature wireless.2"], Err(Missing::NotAvailable));
}

#[test]
fn an_apc_cooling_unit_is_read_by_description_and_unit_and_its_kilowatts_are_thermal() {
    let c = "1.3.6.1.4.1.318.1.1.27.1.4.1.2.1";
    let rows = [
        (1, "Supply Air Temperature", 526, "F", 10),
        (2, "Supply Air Temperature", 114, "C", 10),
        (3, "Cool Output", 52, "kW", 10),
        (4, "Air Flow", 1717, "CFM", 1),
        (5, "Supply Air Temperature Setpoint", 200, "C", 10),
        (6, "Unit Power", 12, "kW", 10),
        (7, "Rack (Average) Temperature", 215, "C", 10),
    ];
    let mut walk = VarBinds::new();
    for (row, what, value, unit, scale) in rows {
        walk.extend(binds(c, &[(&format!("3.1.{row}"), value), (&format!("5.1.{row}"), scale)]));
        text(&mut walk, &format!("{c}.2.1.{row}"), what);
        text(&mut walk, &format!("{c}.4.1.{row}"), unit);
    }
    let read = read("apc-cooling", &walk);
    shows(&read, "temperature supply", "11.4");
    shows(&read, "temperature rack-inlet", "21.5");
    shows(&read, "thermal_power total", "5200");
    // 1717 CFM are 810 l/s, 2917 m3/h.
    shows(&read, "volume_flow air", "2917.21734");
    assert_eq!(read.len(), 4, "{read:#?}");
    assert_eq!(recognised("1.3.6.1.4.1.318.1.3.14.5", &walk).as_deref(), Some("apc-cooling"));
}

#[test]
fn a_bluenet2_is_read_by_the_bytes_of_its_index_and_the_power_of_ten_of_its_row() {
    let b = "1.3.6.1.4.1.31770.2.2.8";
    let row = |guid: &str, value, scaling, status| {
        let (value_at, scale_at) = (format!("4.1.5.{guid}"), format!("2.1.9.{guid}"));
        binds(b, &[(&value_at, value), (&scale_at, scaling), (&format!("2.1.7.{guid}"), status)])
    };
    let mut walk = row("0.0.0.1.255.255.0.1", 23_410, -2, 2);
    walk.extend(row("0.0.0.1.255.255.0.19", 1602, -1, 2));
    walk.extend(row("0.0.255.255.255.255.0.19", 4806, -1, 2));
    walk.extend(row("2.0.255.255.255.255.0.36", 12_345, -1, 2));
    walk.extend(row("0.0.0.2.255.255.0.19", 5, 0, 4));
    walk.extend(row("0.1.64.4.255.2.1.0", 231, -1, 2));
    walk.extend(binds(b, &[("2.1.6.0.1.64.4.255.2.1.0", 256)]));
    walk.extend(row("0.4.0.0.255.255.0.7", 35, -1, 2));
    let read = read("bachmann-bluenet2", &walk);
    shows(&read, "voltage l2", "234.1");
    shows(&read, "active_power l2", "160.2");
    shows(&read, "active_power total", "480.6");
    shows(&read, "active_energy_import pdu.2", "1234500");
    assert_eq!(read["active_power l3"], Err(Missing::NotAvailable), "status 4");
    shows(&read, "temperature sensor.64.4.2", "23.1");
    shows(&read, "residual_current residual.0.255.ac", "0.0035");
    assert_eq!(read.len(), 7, "{read:#?}");
}

#[test]
fn a_liebert_temperature_is_what_its_label_and_its_unit_say() {
    let f = "1.3.6.1.4.1.476.1.42.3.9.20.1";
    let mut walk = VarBinds::new();
    let rows = [
        ("1.2.1.4291", "Supply Air Temperature", "64.4", "deg F"),
        ("1.2.1.5002", "Return Air Temperature", "24.5", "deg C"),
        ("1.2.1.5003", "Remote Sensor Over Temp Threshold", "35", "deg C"),
        ("1.2.1.5028", "Return Humidity", "Unavailable", "% RH"),
    ];
    for (point, label, value, unit) in rows {
        text(&mut walk, &format!("{f}.10.{point}"), label);
        text(&mut walk, &format!("{f}.20.{point}"), value);
        text(&mut walk, &format!("{f}.30.{point}"), unit);
    }
    let l = "1.3.6.1.4.1.476.1.42.3.4";
    walk.extend(binds(l, &[("1.3.3.1.50.1", 181), ("1.3.3.1.3.1", 18), ("3.9.0", 4_294_967_295)]));
    walk.insert(oid(&format!("{l}.1.3.3.1.2.1")), SnmpValue::Oid(oid(&format!("{l}.1.1.3"))));
    let read = read("vertiv-liebert", &walk);
    // Tenths of the table come before labels.
    shows(&read, "temperature supply", "18.1");
    shows(&read, "temperature return", "24.5");
    assert_eq!(read["relative_humidity return"], Err(Missing::NotAvailable));
    assert_eq!(read["cooling_capacity total"], Err(Missing::NotAvailable));
    assert_eq!(read.len(), 4, "{read:#?}");
}

#[test]
fn entity_sensors_carry_prefix_digits_and_state() {
    let e = "1.3.6.1.2.1.99.1.1.1";
    let row = |n: u32, kind, prefix, digits, value, state| {
        let all = [("1", kind), ("2", prefix), ("3", digits), ("4", value), ("5", state)];
        all.iter()
            .flat_map(|(column, value)| binds(e, &[(&format!("{column}.{n}"), *value)]))
            .collect::<VarBinds>()
    };
    let mut walk = row(1001, 8, 9, 1, 235, 1); // 23.5 degrees
    walk.extend(row(1002, 6, 10, 2, 123, 1)); // 1.23 kW
    walk.extend(row(1003, 3, 8, 0, 230_100, 1)); // 230100 mV
    walk.extend(row(1004, 8, 9, 0, 21, 2)); // unavailable
    walk.extend(row(1005, 8, 9, 0, 1_000_000_000, 1)); // beyond the range
    walk.extend(row(1006, 10, 9, 0, 4200, 1)); // rpm: no quantity
    walk.extend(row(1007, 5, 99, 0, 1, 1)); // no such prefix
    walk.extend(row(1008, 11, 9, 1, 15, 1)); // 1.5 m3/min
    let read = read("entity-sensor", &walk);
    shows(&read, "temperature sensor.1001", "23.5");
    shows(&read, "active_power sensor.1002", "1230");
    shows(&read, "voltage sensor.1003", "230.1");
    assert_eq!(read["temperature sensor.1004"], Err(Missing::NotAvailable));
    assert_eq!(read["temperature sensor.1005"], Err(Missing::NotAvailable));
    lacks(&read, "current sensor.1007");
    shows(&read, "volume_flow sensor.1008", "90");
    assert_eq!(read.len(), 6, "{read:#?}");
}

#[test]
fn generic_profiles_lose_to_those_of_a_maker_and_a_ups_is_a_ups_first() {
    let mut walk = binds("1.3.6.1.2.1.99.1.1.1", &[("4.1", 1)]);
    assert_eq!(recognised("1.3.6.1.4.1.2606.7", &walk).as_deref(), Some("rittal-cmc3"));
    assert_eq!(recognised("1.3.6.1.4.1.30065.1.1", &walk).as_deref(), Some("entity-sensor"));
    walk.extend(binds("1.3.6.1.2.1.33.1.2", &[("1.0", 2), ("4.0", 100)]));
    assert_eq!(recognised("1.3.6.1.4.1.5491.304", &walk).as_deref(), Some("rfc1628-ups"));
    let poe = binds("1.3.6.1.2.1.105.1.3.1.1", &[("4.1", 84)]);
    assert_eq!(recognised("1.3.6.1.4.1.2636.1.1", &poe).as_deref(), Some("power-ethernet"));
    let cisco = binds("1.3.6.1.4.1.9.9.91.1.1.1.1", &[("4.1006", 84)]);
    assert_eq!(recognised("1.3.6.1.4.1.9.1.516", &cisco).as_deref(), Some("cisco-entity-sensor"));
}

#[test]
fn a_rittal_variable_is_its_name_and_its_scale_divides_multiplies_or_does_nothing() {
    let r = "1.3.6.1.4.1.2606.7.4.2.2.1";
    let mut walk = VarBinds::new();
    let rows = [
        (1, "Phase L1.Voltage.Value", 2, "V", -10, 2292),
        (2, "Phase L1.Power.Factor.Value", 2, "", -100, -95),
        (3, "Total.Power.Active.Value", 2, "W", 0, 1500),
        (4, "Total.Power.Active.SetPtHighAlarm", 3, "W", 1, 9999),
        (5, "Cooling Capacity.Value", 2, "W", 10, 520),
        (6, "System.Temperature.Value", 2, "\u{b0}C", -100, 3100),
        (7, "Water.Flowrate.Value", 2, "l/min", -10, 500),
    ];
    for (n, name, kind, unit, scale, value) in rows {
        let at = |column: u32| format!("{column}.3.{n}");
        walk.extend(binds(r, &[(&at(4), kind), (&at(7), scale), (&at(11), value), (&at(14), 2)]));
        text(&mut walk, &format!("{r}.{}", at(3)), name);
        text(&mut walk, &format!("{r}.{}", at(5)), unit);
    }
    let read = read("rittal-cmc3", &walk);
    shows(&read, "voltage dev.3.l1", "229.2");
    shows(&read, "power_factor dev.3.l1", "-0.95");
    shows(&read, "active_power dev.3.total", "1500");
    shows(&read, "thermal_power dev.3.total", "5200");
    // 50 l/min are 3 m3/h.
    shows(&read, "volume_flow dev.3.water", "3");
    assert_eq!(read.len(), 5, "limits and the controller's own temperature are noise: {read:#?}");
}

#[test]
fn servers_say_which_unit_a_probe_has_and_hide_numbers_in_texts() {
    let d = "1.3.6.1.4.1.674.10892.5.4.600.30.1";
    let dell = binds(d, &[("6.1.1", 4), ("7.1.1", 23), ("6.1.3", 154), ("7.1.3", 26)]);
    let values = read("dell-idrac", &dell);
    shows(&values, "current psu.1.1", "0.4");
    shows(&values, "active_power board.1.3", "154");
    let h = "1.3.6.1.4.1.232.6.2";
    let mut ilo = binds(h, &[("15.3.0", 181), ("15.2.0", 2), ("9.3.1.7.0.1", 90), ("9.3.1.3.0.1", 3)]);
    ilo.extend(binds(h, &[("9.3.1.7.0.2", 0), ("9.3.1.3.0.2", 2), ("6.8.1.4.0.1", 21), ("6.8.1.4.0.2", 0)]));
    let values = read("hpe-ilo", &ilo);
    shows(&values, "active_power total", "181");
    shows(&values, "active_power psu.0.1", "90");
    shows(&values, "temperature sensor.0.1", "21");
    assert_eq!(values["active_power psu.0.2"], Err(Missing::NotAvailable));
    assert_eq!(values["temperature sensor.0.2"], Err(Missing::NotAvailable));
    ilo.extend(binds(h, &[("15.2.0", 1)]));
    assert_eq!(read("hpe-ilo", &ilo)["active_power total"], Err(Missing::NotAvailable));
    let x = "1.3.6.1.4.1.19046.11.1.1";
    let mut xcc = VarBinds::new();
    text(&mut xcc, &format!("{x}.3.2.1.3.1"), "23% of maximum");
    text(&mut xcc, &format!("{x}.1.2.1.3.4"), "-3.50");
    text(&mut xcc, &format!("{x}.10.1.10.0"), "312");
    let values = read("lenovo-xcc", &xcc);
    shows(&values, "fan_speed fan.1", "23");
    shows(&values, "temperature sensor.4", "-3.5");
    shows(&values, "active_power total", "312");
}

#[test]
fn columns_that_differ_between_makers_and_tables_keep_their_meaning() {
    let s = "1.3.6.1.4.1.31034.12.1.1.2";
    let walk =
        binds(s, &[("6.1.1.9.1.1", 70), ("6.1.1.10.1.1", 32), ("7.2.1.10.1.5", 71), ("7.2.1.11.1.5", 33)]);
    let values = read("schleifenbauer-dpm3", &walk);
    shows(&values, "apparent_power dev.1.inlet.1", "70");
    shows(&values, "active_power dev.1.inlet.1", "32");
    shows(&values, "apparent_power dev.1.outlet.5", "71");
    shows(&values, "active_power dev.1.outlet.5", "33");
    // The same unit code is Celsius with one family of a maker and Fahrenheit with the other.
    let poseidon = binds("1.3.6.1.4.1.21796.3.3.3.1", &[("6.1", 770), ("9.1", 1), ("4.1", 1)]);
    shows(&read("hwg-poseidon", &poseidon), "temperature sensor.1", "25");
    let ste = binds(
        "1.3.6.1.4.1.21796.4.1.3.1",
        &[("5.1", 250), ("7.1", 1), ("3.1", 1), ("5.2", 1), ("7.2", 1), ("3.2", 0)],
    );
    let values = read("hwg-ste", &ste);
    shows(&values, "temperature sensor.1", "25");
    assert_eq!(values["temperature sensor.2"], Err(Missing::NotAvailable));
    let g = "1.3.6.1.4.1.19536.10.1";
    let panduit =
        binds(g, &[("2.1.1.2.1", 500), ("2.1.1.8.1", 7_405_276), ("3.1.1.5.1.7", 0), ("3.1.1.11.1.7", 0)]);
    let values = read("panduit-g5", &panduit);
    shows(&values, "frequency total", "50");
    shows(&values, "active_energy_import total", "7405276");
    assert_eq!(values["voltage branch.7"], Err(Missing::NotAvailable), "no breaker there");
}

#[test]
fn a_neutral_measures_current_alone_and_a_sensor_of_no_kind_nothing() {
    let r = "1.3.6.1.4.1.21695.1.10.7";
    let mut walk = binds(
        r,
        &[("2.1.8.3", 0), ("2.1.9.3", 1393), ("2.1.12.3", 1), ("2.1.8.0", 229_876), ("2.1.12.0", 0)],
    );
    walk.extend(binds(r, &[("3.1.4.0", 209), ("3.1.2.0", 1), ("3.1.4.1", 0), ("3.1.2.1", 0)]));
    let values = read("riedo-e3meter", &walk);
    shows(&values, "voltage channel.0", "229.876");
    shows(&values, "current channel.3", "1.393");
    assert_eq!(values["voltage channel.3"], Err(Missing::NotAvailable));
    shows(&values, "temperature sensor.0", "20.9");
    assert_eq!(values["temperature sensor.1"], Err(Missing::NotAvailable));
}

#[test]
fn one_oid_of_janitza_means_two_things_and_the_object_id_decides() {
    let j = "1.3.6.1.4.1.34278";
    let walk =
        binds(j, &[("1.4.0", 3976), ("1.7.0", 218_542), ("6.2.0", -1000), ("6.1.0", 5000), ("8.1.0", 5000)]);
    assert_eq!(recognised("1.3.6.1.4.1.34278.8.6", &walk).as_deref(), Some("janitza-umg96-snmp"));
    assert_eq!(recognised("1.3.6.1.4.1.34278.10.1", &walk).as_deref(), Some("janitza-umg604-snmp"));
    let small = read("janitza-umg96-snmp", &walk);
    shows(&small, "voltage l1-l2", "397.6");
    shows(&small, "current l1", "218.542");
    assert_eq!(small["temperature sensor.1"], Err(Missing::NotAvailable));
    shows(&read("janitza-umg604-snmp", &walk), "voltage l4", "397.6");
}

#[test]
fn cooling_power_is_never_active_power() {
    let c = "1.3.6.1.4.1.9839.2.1.2";
    let chiller = read("rittal-it-chiller", &binds(c, &[("102.0", 305), ("103.0", 81)]));
    shows(&chiller, "thermal_power total", "30500");
    shows(&chiller, "active_power total", "8100");
    let n = "1.3.6.1.4.1.318.1.1.13.3.2.2.2";
    let inrow = read("apc-inrow-rc", &binds(n, &[("2.0", 52), ("4.0", 1717), ("13.0", -1)]));
    shows(&inrow, "thermal_power total", "5200");
    shows(&inrow, "volume_flow air", "2917.21734");
    assert_eq!(inrow["pressure containment"], Err(Missing::NotAvailable));
    assert!(inrow.keys().all(|name| !name.starts_with("active_power")));
}

#[test]
fn gude_channels_count_only_where_their_data_are_valid_and_boxes_measure_air() {
    let g = "1.3.6.1.4.1.28507";
    let epc = binds(
        g,
        &[
            ("81.1.5.1.2.1.2.1", 0),
            ("81.1.5.1.2.1.4.1", 18),
            ("81.1.5.1.2.1.2.2", 1),
            ("81.1.5.1.2.1.24.2", 5),
        ],
    );
    let values = read("gude-epc8031", &epc);
    assert_eq!(values["active_power channel.1"], Err(Missing::NotAvailable));
    shows(&values, "residual_current channel.2", "0.0005");
    let esb = binds(g, &[("66.1.6.1.1.2.1", 223), ("66.1.6.1.1.5.1", 1013), ("66.1.6.1.1.2.2", -9999)]);
    let values = read("gude-esb7213", &esb);
    shows(&values, "temperature sensor.1", "22.3");
    shows(&values, "pressure sensor.1", "101300");
    assert_eq!(values["temperature sensor.2"], Err(Missing::NotAvailable));
}

#[test]
fn a_name_plate_is_a_column_or_a_word_of_the_description() {
    let card = "APC Web/SNMP Management Card (MB:v4.1.0 PF:v6.8.2 AF1:v6.8.0 MN:AP7900B HR:B2 SN: ZA1732000177 MD:08/07/2017)";
    let identity = &profile("apc-inrow-rc").identity;
    let part = |source: &Option<crate::IdentitySource>| source.as_ref().and_then(|it| it.from_object(card));
    assert_eq!(part(&identity.model).as_deref(), Some("AP7900B"));
    assert_eq!(part(&identity.serial).as_deref(), Some("ZA1732000177"));
    assert_eq!(part(&identity.firmware).as_deref(), Some("v6.8.0"));
    let serial = profile("socomec-netvision").identity.serial.clone().unwrap();
    assert_eq!(serial.from_object("Net Vision v6.00 (SN 0000123)").as_deref(), Some("0000123"));
    assert_eq!(serial.from_object("Net Vision"), None);
    assert_eq!(profile("raritan-px").identity.serial.as_ref().and_then(|it| it.from_object(" \t ")), None);
}
