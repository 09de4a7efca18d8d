//! The machine as a made-up tree with the formats of real files.

use model::SeriesKind;
use proptest::prelude::*;

use super::*;

/// The last number that an Intel package shows before it begins again at 0: 2^32 steps of 61.035 uJ.
const RANGE: u64 = 262_143_328_850;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        tree.write("proc/stat", "cpu  100 0 50 1000 20 5 5 0 0 0\ncpu0 100 0 50 1000 20 5 5 0 0 0\nintr 1\n");
        tree.write(
            "proc/self/io",
            "rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes: 5\nwrite_bytes: 40960\n",
        );
        tree
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn zone(&self, zone: &str, name: &str, energy: u64) {
        self.write(&format!("sys/class/powercap/{zone}/name"), &format!("{name}\n"));
        self.write(&format!("sys/class/powercap/{zone}/max_energy_range_uj"), &format!("{RANGE}\n"));
        self.write(&format!("sys/class/powercap/{zone}/energy_uj"), &format!("{energy}\n"));
    }

    fn chip(&self, hwmon: &str, attributes: &[(&str, &str)]) {
        for (attribute, text) in attributes {
            self.write(&format!("sys/class/hwmon/{hwmon}/{attribute}"), &format!("{text}\n"));
        }
    }

    fn roots(&self) -> Roots {
        Roots { proc: self.0.path().join("proc"), sys: self.0.path().join("sys") }
    }

    fn probe(&self) -> Probe {
        Probe::new(&self.roots(), Duration::from_mins(1))
    }
}

/// Quantity and channel with what was read.
fn found(probe: &Probe, values: &[Result<Raw, Missing>]) -> Vec<(String, Result<i64, Missing>)> {
    let whole = |value: &Result<Raw, Missing>| {
        value.map(|raw| match raw {
            Raw::Integer(number) => number,
            other => panic!("{other:?}"),
        })
    };
    let shapes = probe.shapes();
    assert_eq!(shapes.len(), values.len());
    shapes
        .iter()
        .zip(values)
        .map(|(one, value)| (format!("{} {}", one.quantity, one.channel), whole(value)))
        .collect()
}

fn value(found: &[(String, Result<i64, Missing>)], name: &str) -> Result<i64, Missing> {
    found.iter().find(|(one, _)| one == name).unwrap_or_else(|| panic!("{name}: {found:#?}")).1
}

fn reason<'a>(probe: &'a Probe, source: &str) -> &'a str {
    let one = probe.unavailable().iter().find(|one| one.source.starts_with(source));
    &one.unwrap_or_else(|| panic!("{source}: {:#?}", probe.unavailable())).reason
}

#[test]
fn the_real_machine_gives_a_value_or_a_reason_for_every_shape_and_its_memory_agrees_with_the_kernel() {
    let mut probe = Probe::new(&Roots::default(), Duration::from_mins(1));
    let values = probe.read();
    let found = found(&probe, &values);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
    let kib =
        meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")).unwrap();
    assert_eq!(value(&found, "memory_total total"), Ok(kib.parse::<i64>().unwrap() * 1024));
    assert!(value(&found, "process_memory agent").unwrap() > 1 << 20);
    assert!(probe.unavailable().iter().all(|one| !one.reason.is_empty()));
}

#[test]
fn use_of_the_processors_is_the_mean_since_the_poll_before_and_not_known_without_one() {
    let tree = Tree::new();
    let mut probe = tree.probe();
    let values = probe.read();
    assert_eq!(
        value(&found(&probe, &values), "cpu_utilisation total"),
        Err(Missing::NotAvailable),
        "no time passed"
    );
    tree.write("proc/stat", "cpu  130 0 60 1040 30 5 10 5 0 0\n");
    let values = probe.read();
    assert_eq!(value(&found(&probe, &values), "cpu_utilisation total"), Ok(450));
    assert_eq!(value(&found(&probe, &values), "process_written agent"), Ok(40_960));
}

#[test]
fn energy_of_packages_memory_and_platform_is_read_once_and_never_twice() {
    let tree = Tree::new();
    tree.zone("intel-rapl:0", "package-0", 3_600_000_000);
    tree.zone("intel-rapl:0:0", "core", 1);
    tree.zone("intel-rapl:0:1", "dram", 7_200);
    tree.zone("intel-rapl:1", "psys", 18);
    tree.zone("intel-rapl-mmio:0", "package-0", 3_600_000_000);
    let mut probe = tree.probe();
    let values = probe.read();
    let found = found(&probe, &values);
    let energy: Vec<_> =
        found.iter().filter(|(name, _)| name.starts_with("active_energy")).cloned().collect();
    // 3600 J are 1 Wh, 7.2 mJ are 2 uWh, 18 uJ are 5 nWh.
    let expected = [("package.0", 1_000_000_000), ("psys", 5), ("dram.0", 2_000)];
    assert_eq!(energy, expected.map(|(channel, n)| (format!("active_energy_import {channel}"), Ok(n))));
    let shapes = probe.shapes();
    let package = shapes.iter().find(|one| one.channel.as_str() == "package.0").unwrap();
    assert_eq!((package.exponent, package.quantity.kind()), (-9, SeriesKind::Counter));
    // (262143328850 + 1) x 5 / 18 = 72817591347.5
    assert_eq!(package.wraps_at, Some(72_817_591_347));
}

#[test]
fn power_is_the_mean_over_the_time_that_passed_also_when_the_counter_turns() {
    let tree = Tree::new();
    tree.zone("intel-rapl:0", "package-0", RANGE - 1_000_000);
    let mut probe = Probe::new(&tree.roots(), Duration::from_mins(1));
    probe.read_at(Duration::from_secs(100));
    tree.zone("intel-rapl:0", "package-0", 499_999_999);
    let values = probe.read_at(Duration::from_secs(110));
    // 1 J and a step up to the turn, 499.999999 J after it: 501 J in 10 s.
    assert_eq!(value(&found(&probe, &values), "active_power package.0"), Ok(50_100));
    let values = probe.read_at(Duration::from_secs(110) + Duration::from_mins(5));
    let late = value(&found(&probe, &values), "active_power package.0");
    assert_eq!(late, Err(Missing::NotAvailable), "it may have turned more than once");
}

#[test]
fn what_only_root_may_read_is_named_with_the_way_out_and_is_no_zero() {
    use std::os::unix::fs::PermissionsExt;
    let tree = Tree::new();
    tree.zone("intel-rapl:0", "package-0", 5);
    let energy = tree.0.path().join("sys/class/powercap/intel-rapl:0/energy_uj");
    std::fs::set_permissions(&energy, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&energy).is_ok() {
        // Root reads everything.
        println!("SKIPPED: this user is never refused a file, the text of a refusal is checked by itself");
        let refused = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        assert!(rapl::refused(&energy, &refused).contains("udev rule"));
        std::fs::remove_file(&energy).unwrap();
    }
    let probe = tree.probe();
    assert!(reason(&probe, "host powercap package.0").contains("energy_uj"));
    assert!(!probe.shapes().iter().any(|one| one.channel.as_str() == "package.0"));
}

#[test]
fn a_counter_that_may_turn_unseen_between_two_polls_is_not_recorded() {
    let tree = Tree::new();
    tree.zone("intel-rapl:0", "package-0", 5);
    // 262143 J at 1 kW: half of it after 131 s.
    assert!(
        Probe::new(&tree.roots(), Duration::from_secs(131))
            .unavailable()
            .iter()
            .all(|one| !one.source.contains("package"))
    );
    let probe = Probe::new(&tree.roots(), Duration::from_secs(132));
    assert!(reason(&probe, "host powercap package.0").contains("has to be at most 131s"));
    assert!(reason(&Tree::new().probe(), "host powercap").contains("virtual machine"));
}

#[test]
fn sensors_are_named_by_driver_and_label_and_only_those_that_mean_something_are_read() {
    let tree = Tree::new();
    tree.chip(
        "hwmon3",
        &[
            ("name", "nct6775"),
            ("temp1_input", "31500"),
            ("temp2_input", "-62000"),
            ("in0_input", "712"),
            ("fan1_input", "900"),
        ],
    );
    tree.chip(
        "hwmon0",
        &[
            ("name", "pmbus"),
            ("power1_input", "312000000"),
            ("power1_label", "pin"),
            ("in1_input", "230125"),
            ("in1_label", "vin"),
            ("curr1_input", "1365"),
            ("curr1_label", "iin"),
            ("fan1_input", "6000"),
            ("fan1_max", "16000"),
            ("temp1_input", "41000"),
            ("temp1_fault", "1"),
        ],
    );
    tree.chip("hwmon1", &[("name", "power_meter"), ("power1_average", "287000000"), ("power1_input", "1")]);
    let mut probe = tree.probe();
    let values = probe.read();
    let found = found(&probe, &values);
    for (name, expected) in [
        ("temperature sensor.nct6775-temp1", Ok(31_500)),
        ("active_power sensor.pmbus-pin", Ok(312_000_000)),
        ("active_power sensor.power-meter-power1", Ok(287_000_000)),
        ("voltage sensor.pmbus-vin", Ok(230_125)),
        ("current sensor.pmbus-iin", Ok(1_365)),
        ("fan_speed sensor.pmbus-fan1", Ok(375)),
        ("temperature sensor.pmbus-temp1", Err(Missing::NotAvailable)),
    ] {
        assert_eq!(value(&found, name), expected, "{name}");
    }
    assert_eq!(found.iter().filter(|(name, _)| name.contains("sensor.")).count(), 7, "{found:#?}");
    assert!(reason(&probe, "host hwmon nct6775 fans").starts_with("1 fans"));
}

#[test]
fn chips_of_one_name_are_told_apart_by_their_device_whatever_their_number_is() {
    let names = |first: &str, second: &str| {
        let tree = Tree::new();
        for (hwmon, device, kelvin) in [(first, "nvme0", "40000"), (second, "nvme1", "50000")] {
            tree.chip(hwmon, &[("name", "nvme"), ("temp1_label", "Composite"), ("temp1_input", kelvin)]);
            tree.write(&format!("sys/devices/{device}/x"), "");
            let target = tree.0.path().join("sys/devices").join(device);
            let link = tree.0.path().join("sys/class/hwmon").join(hwmon).join("device");
            std::os::unix::fs::symlink(target, link).unwrap();
        }
        let mut probe = tree.probe();
        let values = probe.read();
        let mut found = found(&probe, &values);
        found.retain(|(name, _)| name.contains("sensor."));
        found
    };
    let expected = [("nvme0", 40_000), ("nvme1", 50_000)]
        .map(|(nvme, n)| (format!("temperature sensor.{nvme}-composite"), Ok(n)));
    assert_eq!(names("hwmon0", "hwmon1"), expected);
    assert_eq!(names("hwmon5", "hwmon2"), expected);
}

#[test]
fn without_chips_the_thermal_zones_are_read() {
    let tree = Tree::new();
    tree.write("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
    tree.write("sys/class/thermal/thermal_zone0/temp", "48312\n");
    let mut probe = tree.probe();
    let values = probe.read();
    assert_eq!(value(&found(&probe, &values), "temperature sensor.cpu-thermal"), Ok(48_312));
}

#[test]
fn the_battery_of_the_machine_is_read_and_that_of_a_mouse_is_not() {
    let tree = Tree::new();
    for (attribute, text) in
        [("type", "Battery"), ("present", "1"), ("capacity", "87"), ("voltage_now", "12345000")]
    {
        tree.write(&format!("sys/class/power_supply/BAT0/{attribute}"), &format!("{text}\n"));
        tree.write(&format!("sys/class/power_supply/hidpp_battery_0/{attribute}"), &format!("{text}\n"));
    }
    tree.write("sys/class/power_supply/hidpp_battery_0/scope", "Device\n");
    let mut probe = tree.probe();
    let values = probe.read();
    let mut found = found(&probe, &values);
    found.retain(|(name, _)| name.contains("battery."));
    let expected =
        [("battery_charge battery.bat0", Ok(87)), ("battery_voltage battery.bat0", Ok(12_345_000))];
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn no_more_sensors_are_read_than_there_is_room_for_and_no_two_have_one_channel() {
    let tree = Tree::new();
    for chip in 0..4 {
        let hwmon = format!("hwmon{chip}");
        tree.chip(&hwmon, &[("name", "many")]);
        (0..60).for_each(|n| {
            tree.chip(&hwmon, &[(&format!("temp{n}_input"), "20000"), (&format!("temp{n}_label"), "°")]);
        });
    }
    let shapes = tree.probe().shapes();
    let channels: std::collections::BTreeSet<_> = shapes
        .iter()
        .filter(|one| one.channel.as_str().starts_with("sensor."))
        .map(|one| &one.channel)
        .collect();
    assert_eq!(channels.len(), 128);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn whatever_stands_in_a_file_there_is_a_value_or_a_reason(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let tree = Tree::new();
        tree.zone("intel-rapl:0", "package-0", 5);
        tree.chip("hwmon0", &[("name", "x"), ("temp1_input", "20000"), ("temp1_label", "y")]);
        let mut probe = tree.probe();
        let write = |path: &str| std::fs::write(tree.0.path().join(path), &text).unwrap();
        for path in ["proc/stat", "proc/self/io", "sys/class/powercap/intel-rapl:0/energy_uj", "sys/class/hwmon/hwmon0/temp1_input"] {
            write(path);
        }
        prop_assert_eq!(probe.read().len(), probe.shapes().len());
        write("sys/class/hwmon/hwmon0/name");
        write("sys/class/hwmon/hwmon0/temp1_label");
        let mut anew = tree.probe();
        prop_assert_eq!(anew.read().len(), anew.shapes().len());
    }
}
