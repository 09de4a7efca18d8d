//! Walks of real devices, where there are some, served over SNMP and probed as a user would: the folder that
//! `WATTWACHT_RECORDINGS` names holds `NAME.snmprec` and `NAME.expected.json`, another program's opinion of the values.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::*;

/// What recorded devices sent for "no value", whatever the scale.
const SENTINELS: [i64; 6] = [-1, 65_535, 655_350, -1000, 4_294_967_295, 2_147_483_647];

#[test]
fn recorded_devices_are_probed_as_others_read_them_and_no_sentinel_is_a_value() {
    let Ok(folder) = std::env::var("WATTWACHT_RECORDINGS") else {
        println!("skipped: WATTWACHT_RECORDINGS is not set");
        return;
    };
    let library = Library::built_in().unwrap();
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "snmprec"));
    files.sort();
    assert!(!files.is_empty(), "no recordings in {folder}");
    for path in files {
        check(&path, &library);
    }
}

fn check(path: &Path, library: &Library) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let objects = objects(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
    let agent = Agent::start(Arc::new(Mutex::new(objects.clone())), |_, answer| vec![answer]);
    let address: Address = format!("snmp://{}", agent.address).parse().unwrap();
    let ask =
        |question: Question<'_>| probe(&Question { timeout: Duration::from_secs(5), ..question }, library);
    let probed = with(&address, ask).unwrap();
    let Some(profile) = &probed.profile else {
        println!("{name}: no profile: {}", probed.problems[0].reason);
        return;
    };
    for reading in &probed.readings {
        let sent = objects[&reading.source.parse().unwrap()].number();
        assert!(!sent.is_some_and(|sent| SENTINELS.contains(&sent)), "{name}: {reading:?} is a sentinel");
        assert!(!reading.sent.is_empty() && !reading.unit.is_empty(), "{name}: {reading:?}");
    }
    let (agreed, expected) = compare(name, &probed, path);
    println!(
        "{name}: {agreed} of {expected} sensors agree, by {profile}, {} warnings",
        probed.warnings.len()
    );
    probed.warnings.iter().for_each(|warning| println!("  {}", warning.text));
    assert!(agreed > 0, "{name}: nothing agrees");
}

fn compare(name: &str, probed: &Probed, path: &Path) -> (usize, usize) {
    let by_source: BTreeMap<&str, &ReadingFound> =
        probed.readings.iter().map(|reading| (reading.source.as_str(), reading)).collect();
    let text = std::fs::read(path.with_extension("expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&text).unwrap();
    let sensors: Vec<&Value> = expected["sensors"].as_array().unwrap().iter().collect();
    let mut agreed = 0;
    for sensor in sensors.iter().filter(|sensor| !sensor["recorded_value"].is_null()) {
        let source = sensor["sensor_oid"].as_str().unwrap().trim_start_matches('.');
        match by_source.get(source) {
            Some(reading) if sensor["user_func"].is_null() => {
                agrees(name, reading, sensor);
                agreed += 1;
            }
            _ => {}
        }
    }
    (agreed, sensors.len())
}

fn agrees(name: &str, reading: &ReadingFound, sensor: &Value) {
    let class = sensor["sensor_class"].as_str().unwrap();
    let (factor, units) = meaning(class);
    let expected = sensor["sensor_current"].as_f64().unwrap() * factor;
    // By the JSON, as everybody else sees it.
    let value = serde_json::to_value(reading).unwrap()["value"].as_f64().unwrap();
    let near = (value - expected).abs() <= expected.abs() * 0.005 + 1e-9;
    assert!(near, "{name}: {reading:?}: {value} is not {expected} ({class})");
    assert!(units.is_empty() || units.contains(&reading.unit), "{name}: {reading:?} is no {class}");
}

/// The factor to our canonical unit, and the units that the other program's class may be.
fn meaning(class: &str) -> (f64, &'static [&'static str]) {
    match class {
        "voltage" => (1.0, &["V"]),
        "current" => (1.0, &["A"]),
        "power" => (1.0, &["W", "VA", "var"]),
        "power_consumed" => (1000.0, &["Wh", "VAh", "varh"]),
        "frequency" => (1.0, &["Hz"]),
        "temperature" => (1.0, &["Cel"]),
        "humidity" | "charge" | "load" => (1.0, &["%"]),
        "runtime" => (60.0, &["s"]),
        "waterflow" => (0.06, &["m3/h"]),
        "airflow" => (1.699_02, &["m3/h"]),
        "pressure" => (1000.0, &["Pa"]),
        "power_factor" => (1.0, &["1"]),
        _ => (1.0, &[]),
    }
}

/// snmpsim's text: `OID|tag|value`, in no special order.
fn objects(text: &str) -> VarBinds {
    let line = |line: &str| {
        let mut parts = line.splitn(3, '|');
        let (name, tag, value) = (parts.next()?, parts.next()?, parts.next()?);
        Some((name.parse().ok()?, value_of(tag, value)?))
    };
    text.lines().filter_map(line).collect()
}

fn value_of(tag: &str, value: &str) -> Option<SnmpValue> {
    let bytes = || {
        let pairs = (0..value.len() / 2).filter_map(|n| value.get(2 * n..2 * n + 2));
        pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect::<Vec<u8>>()
    };
    Some(match tag {
        "2" => SnmpValue::Integer(value.parse().ok()?),
        "4" => SnmpValue::OctetString(value.as_bytes().to_vec()),
        "4x" => SnmpValue::OctetString(bytes()),
        "6" => SnmpValue::Oid(value.trim_start_matches('.').parse().ok()?),
        "65" => SnmpValue::Counter32(value.parse().ok()?),
        "66" => SnmpValue::Gauge32(value.parse().ok()?),
        "67" => SnmpValue::TimeTicks(value.parse().ok()?),
        "70" => SnmpValue::Counter64(value.parse().ok()?),
        "64" | "64x" => SnmpValue::IpAddress([0; 4]),
        _ => SnmpValue::Null,
    })
}
