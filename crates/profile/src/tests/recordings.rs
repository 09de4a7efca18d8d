//! Walks of real devices, where there are some: the folder that `WATTWACHT_RECORDINGS` names holds `NAME.snmprec` and
//! `NAME.expected.json`, another program's opinion of the values.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use model::{Quantity, Raw};
use serde_json::Value;

use super::oid;
use crate::{Library, Profile, SnmpReading, SnmpValue, VarBinds};

/// Sensors of the recordings known today that a profile must read, so that coverage does not shrink unseen.
const READ_AT_LEAST: &[(&str, usize)] = &[
    ("apc_ap8853", 8),
    ("eatonpdu_2", 51),
    ("janitza-umg96_umg96", 35),
    ("netvision-rfc", 15),
    ("raritan-pdu_px2", 28),
    ("sentry3_3phase", 11),
    ("stulz_wib8000", 200),
    ("vertiv-pdu_mg02e4w1", 17),
];

/// What recorded devices sent for "no value", whatever the scale.
const SENTINELS: &[i64] = &[-1, 65_535, 655_350, -1000, 4_294_967_295, 2_147_483_647];

#[test]
fn recorded_devices_read_as_others_read_them_and_no_sentinel_is_a_value() {
    let Ok(folder) = env::var("WATTWACHT_RECORDINGS") else {
        println!("skipped: WATTWACHT_RECORDINGS is not set");
        return;
    };
    let library = Library::built_in().unwrap();
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "snmprec"));
    files.sort();
    assert!(!files.is_empty(), "no recordings in {folder}");
    for path in files {
        check(&path, &library);
    }
}

fn check(path: &Path, library: &Library) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let walk = walk(&fs::read(path).unwrap());
    let Some(profile) = recognise(library, &walk) else {
        println!("{name}: no profile");
        assert!(READ_AT_LEAST.iter().all(|(known, _)| *known != name), "{name} is no longer recognised");
        return;
    };
    let rows = profile.snmp().unwrap().rows(&walk);
    let read = compare(name, profile, &rows, path);
    for row in rows.iter().filter(|row| row.raw.is_ok()) {
        let number = walk[&oid(&row.shape.source)].number();
        assert!(!number.is_some_and(|number| SENTINELS.contains(&number)), "{name}: {row:?} is a sentinel");
    }
    let least = READ_AT_LEAST.iter().find(|(known, _)| *known == name).map_or(1, |(_, least)| *least);
    assert!(read >= least, "{name}: {read} sensors read, at least {least} expected");
}

fn compare(name: &str, profile: &Profile, rows: &[SnmpReading], path: &Path) -> usize {
    let by_source: BTreeMap<&str, &SnmpReading> =
        rows.iter().map(|row| (row.shape.source.as_str(), row)).collect();
    let text = fs::read(path.with_extension("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&text).unwrap();
    let sensors = expected["sensors"].as_array().unwrap();
    let mut read = 0;
    for sensor in sensors.iter().filter(|sensor| !sensor["recorded_value"].is_null()) {
        let source = sensor["sensor_oid"].as_str().unwrap().trim_start_matches('.');
        match by_source.get(source).map(|row| (row, &row.raw)) {
            None => {
                println!(
                    "{name}: {} {source} {} is not read",
                    sensor["sensor_class"], sensor["sensor_descr"]
                );
            }
            Some((row, Err(reason))) => println!("{name}: {source} {} {reason}", row.shape.channel),
            Some((row, Ok(raw))) => {
                agrees(name, row, *raw, sensor);
                read += 1;
            }
        }
    }
    println!("{name}: {} of {} sensors read with {}", read, sensors.len(), profile.id);
    read
}

fn agrees(name: &str, row: &SnmpReading, raw: Raw, sensor: &Value) {
    let class = sensor["sensor_class"].as_str().unwrap();
    if !sensor["user_func"].is_null() {
        return;
    }
    let value = raw.to_f64() * 10f64.powi(i32::from(row.shape.exponent));
    let (factor, quantities) = meaning(class);
    let expected = sensor["sensor_current"].as_f64().unwrap() * factor;
    let near = (value - expected).abs() <= expected.abs() * 0.005 + 1e-9;
    assert!(near, "{name}: {row:?}: {value} is not {expected} ({class})");
    let fits = quantities.is_empty() || quantities.contains(&row.shape.quantity);
    assert!(fits, "{name}: {row:?} is no {class}");
}

/// The factor to our canonical unit and the quantities that the other program's class may be.
fn meaning(class: &str) -> (f64, &'static [Quantity]) {
    use Quantity as Q;
    match class {
        "voltage" => (1.0, &[Q::Voltage, Q::BatteryVoltage]),
        "current" => (1.0, &[Q::Current, Q::BatteryCurrent, Q::ResidualCurrent]),
        "power" => (1.0, &[Q::ActivePower, Q::ApparentPower, Q::ReactivePower]),
        "power_consumed" => (1000.0, &[Q::ActiveEnergyImport, Q::ApparentEnergy]),
        "frequency" => (1.0, &[Q::Frequency]),
        "temperature" => (1.0, &[Q::Temperature, Q::DewPoint]),
        "humidity" => (1.0, &[Q::RelativeHumidity]),
        "charge" => (1.0, &[Q::BatteryCharge]),
        "load" => (1.0, &[Q::Load]),
        "runtime" => (60.0, &[Q::BatteryRuntime, Q::TimeOnBattery]),
        "waterflow" => (0.06, &[Q::VolumeFlow]),
        "airflow" => (1.699_02, &[Q::VolumeFlow]),
        "pressure" => (1000.0, &[Q::Pressure]),
        "power_factor" => (1.0, &[Q::PowerFactor, Q::DisplacementPowerFactor]),
        _ => (1.0, &[]),
    }
}

fn recognise<'l>(library: &'l Library, walk: &VarBinds) -> Option<&'l Profile> {
    let object_id = match walk.get(&oid("1.3.6.1.2.1.1.2.0")) {
        Some(SnmpValue::Oid(object_id)) => Some(object_id),
        _ => None,
    };
    let candidates = library.candidates(object_id).into_iter();
    candidates.map(AsRef::as_ref).find(|profile: &&Profile| profile.identification.probes_answer(walk))
}

/// snmpsim's text: `OID|tag|value`, in no special order.
fn walk(bytes: &[u8]) -> VarBinds {
    let text = String::from_utf8_lossy(bytes);
    let line = |line: &str| {
        let mut parts = line.splitn(3, '|');
        let (name, tag, value) = (parts.next()?, parts.next()?, parts.next()?);
        Some((name.parse().ok()?, value_of(tag, value)?))
    };
    text.lines().filter_map(line).collect()
}

fn value_of(tag: &str, value: &str) -> Option<SnmpValue> {
    Some(match tag {
        "2" => SnmpValue::Integer(value.parse().ok()?),
        "4" => SnmpValue::OctetString(value.as_bytes().to_vec()),
        "4x" => SnmpValue::OctetString(
            (0..value.len() / 2)
                .filter_map(|n| u8::from_str_radix(value.get(2 * n..2 * n + 2)?, 16).ok())
                .collect(),
        ),
        "6" => SnmpValue::Oid(value.parse().ok()?),
        "65" => SnmpValue::Counter32(value.parse().ok()?),
        "66" => SnmpValue::Gauge32(value.parse().ok()?),
        "67" => SnmpValue::TimeTicks(value.parse().ok()?),
        "70" => SnmpValue::Counter64(value.parse().ok()?),
        "64" | "64x" => SnmpValue::IpAddress([0; 4]),
        _ => SnmpValue::Null,
    })
}
