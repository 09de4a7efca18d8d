//! Sensors of the hardware monitoring chips (Documentation/hwmon/sysfs-interface.rst), or, where there is none, the
//! thermal zones.
//!
//! Only what means something without a file of corrections for this very board: temperatures; power; voltages and currents
//! that the driver has a label for, as those of power supplies; fans whose highest speed the driver knows. A channel is
//! named after the driver and the label, not after a number that changes with the order in which drivers are loaded.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Channel, Missing, Quantity, Raw};
use profile::SeriesShape;

use super::{Notes, Part, Roots, files, names, shape};

/// Sensors that are read: large servers have some dozens, virtual machines none.
const SENSORS_MAX: usize = 128;
/// Chips that are looked at.
const CHIPS_MAX: usize = 64;
/// Thousandths: degrees, volts and amperes as the kernel gives them.
const MILLI: i8 = -3;
/// Millionths: watts as the kernel gives them.
const MICRO: i8 = -6;
/// Tenths of a percent.
const TENTHS: i8 = -1;

/// Thousandths of a degree that can be; outside of it is a pin with nothing on it.
const TEMPERATURES: RangeInclusive<i64> = -55_000..=150_000;

/// A kind of sensor by the beginning of its attributes.
struct Kind {
    prefix: &'static str,
    quantity: Quantity,
    exponent: i8,
    /// What can be, in raw steps.
    range: RangeInclusive<i64>,
    /// Attributes that hold the value, the best first.
    values: &'static [&'static str],
    needs_label: bool,
}

const KINDS: [Kind; 4] = [
    Kind {
        prefix: "temp",
        quantity: Quantity::Temperature,
        exponent: MILLI,
        range: TEMPERATURES,
        values: &["input"],
        needs_label: false,
    },
    // 100 kW is more than any machine; `average` is what ACPI power meters have.
    Kind {
        prefix: "power",
        quantity: Quantity::ActivePower,
        exponent: MICRO,
        range: 0..=100_000_000_000,
        values: &["average", "input"],
        needs_label: false,
    },
    Kind {
        prefix: "in",
        quantity: Quantity::Voltage,
        exponent: MILLI,
        range: -1_000_000..=1_000_000,
        values: &["input"],
        needs_label: true,
    },
    Kind {
        prefix: "curr",
        quantity: Quantity::Current,
        exponent: MILLI,
        range: -10_000_000..=10_000_000,
        values: &["input"],
        needs_label: true,
    },
];

/// All sensors of the machine.
#[derive(Debug, Default)]
pub(super) struct Sensors(Vec<Sensor>);

#[derive(Debug)]
struct Sensor {
    value: PathBuf,
    /// Says 1 when the sensor is broken; mostly not there.
    fault: PathBuf,
    /// The value at 100 %, for fans.
    full: Option<i64>,
    range: RangeInclusive<i64>,
    shape: SeriesShape,
}

/// A chip: its folder, and a name of its own.
struct Chip {
    folder: PathBuf,
    name: String,
}

impl Sensors {
    pub(super) fn find(roots: &Roots, notes: &mut Notes) -> Self {
        let mut sensors = Self::default();
        for chip in chips(&roots.sys.join("class/hwmon")) {
            let names = files::names(&chip.folder);
            for kind in &KINDS {
                sensors.add_kind(&chip, kind, &names);
            }
            sensors.add_fans(&chip, &names, notes);
        }
        if !sensors.has(Quantity::Temperature) {
            sensors.add_zones(&roots.sys.join("class/thermal"));
        }
        sensors.missing(roots, notes);
        sensors
    }

    fn has(&self, quantity: Quantity) -> bool {
        self.0.iter().any(|one| one.shape.quantity == quantity)
    }

    fn missing(&self, roots: &Roots, notes: &mut Notes) {
        let folder = roots.sys.join("class/hwmon");
        for (quantity, what) in [
            (Quantity::Temperature, "no chip with a temperature and no thermal zone"),
            (
                Quantity::ActivePower,
                "no chip that measures power, such as an ACPI power meter or a PMBus supply",
            ),
        ] {
            if !self.has(quantity) {
                let reason =
                    format!("{what} in `{}`: a virtual machine, or a driver is not loaded", folder.display());
                notes.add(format!("host hwmon {quantity}"), reason);
            }
        }
    }

    fn add_kind(&mut self, chip: &Chip, kind: &Kind, names: &[String]) {
        for name in names {
            let Some((number, attribute)) = numbered(name, kind.prefix) else { continue };
            let best = kind
                .values
                .iter()
                .find(|value| names.iter().any(|name| *name == format!("{}{number}_{value}", kind.prefix)));
            let label = label(chip, kind.prefix, number);
            if best != Some(&attribute) || (kind.needs_label && label.is_none()) {
                continue;
            }
            // What is not there now may come; what says nonsense now has nothing on its pin.
            let value = chip.folder.join(name);
            if files::number(&value).is_ok_and(|number| !kind.range.contains(&number)) {
                continue;
            }
            let sensor = named(chip, (kind.prefix, number), label);
            let channel = self.free(kind.quantity, &sensor);
            let place = format!("hwmon {} {name}", chip.name);
            self.add(Sensor {
                value,
                fault: chip.folder.join(format!("{}{number}_fault", kind.prefix)),
                full: None,
                range: kind.range.clone(),
                shape: shape(kind.quantity, &channel, kind.exponent, &place),
            });
        }
    }

    /// Fans as a share of their highest speed; those that only tell revolutions are noted.
    fn add_fans(&mut self, chip: &Chip, names: &[String], notes: &mut Notes) {
        let mut bare = 0;
        for name in names {
            let Some((number, "input")) = numbered(name, "fan") else { continue };
            let full =
                files::number(&chip.folder.join(format!("fan{number}_max"))).ok().filter(|full| *full > 0);
            let Some(full) = full else {
                bare += 1;
                continue;
            };
            let sensor = named(chip, ("fan", number), label(chip, "fan", number));
            let channel = self.free(Quantity::FanSpeed, &sensor);
            let place = format!("hwmon {} {name} of fan{number}_max", chip.name);
            self.add(Sensor {
                value: chip.folder.join(name),
                fault: chip.folder.join(format!("fan{number}_fault")),
                full: Some(full),
                range: 0..=1500,
                shape: shape(Quantity::FanSpeed, &channel, TENTHS, &place),
            });
        }
        if bare > 0 {
            let reason = format!(
                "{bare} fans without `fanN_max`: revolutions a minute alone are no share of the highest"
            );
            notes.add(format!("host hwmon {} fans", chip.name), reason);
        }
    }

    fn add_zones(&mut self, folder: &Path) {
        for name in files::names(folder).iter().filter(|name| name.starts_with("thermal_zone")) {
            let (zone, value) = (folder.join(name), folder.join(name).join("temp"));
            let kind = files::text(&zone.join("type")).unwrap_or_default();
            if files::number(&value).is_ok_and(|number| TEMPERATURES.contains(&number)) {
                let channel = self.free(Quantity::Temperature, &kind);
                let place = format!("thermal {name} temp");
                self.add(Sensor {
                    value,
                    fault: zone.join("fault"),
                    full: None,
                    range: TEMPERATURES,
                    shape: shape(Quantity::Temperature, &channel, MILLI, &place),
                });
            }
        }
    }

    fn add(&mut self, sensor: Sensor) {
        if self.0.len() < SENSORS_MAX {
            self.0.push(sensor);
        }
    }

    fn free(&self, quantity: Quantity, name: &str) -> Channel {
        let taken = |channel: &Channel| {
            self.0.iter().any(|one| one.shape.quantity == quantity && one.shape.channel == *channel)
        };
        names::free_channel("sensor", name, taken)
    }
}

impl Sensor {
    fn read(&self) -> Result<Raw, Missing> {
        if files::number(&self.fault) == Ok(1) {
            return Err(Missing::NotAvailable);
        }
        let number = files::number(&self.value)?;
        let number = match self.full {
            Some(full) => number.checked_mul(1000).ok_or(Missing::OutOfRange)? / full,
            None => number,
        };
        if self.range.contains(&number) { Ok(Raw::Integer(number)) } else { Err(Missing::OutOfRange) }
    }
}

impl Part for Sensors {
    fn shapes(&self) -> Vec<SeriesShape> {
        self.0.iter().map(|sensor| sensor.shape.clone()).collect()
    }

    fn read(&mut self, _: Duration) -> Vec<Result<Raw, Missing>> {
        self.0.iter().map(Sensor::read).collect()
    }
}

/// Chips in an order that does not depend on when their drivers were loaded. Chips of one name are told apart by the
/// device that they sit on.
fn chips(folder: &Path) -> Vec<Chip> {
    let one = |entry: String| {
        let folder = folder.join(entry);
        let name = files::text(&folder.join("name")).ok()?;
        let device = std::fs::canonicalize(folder.join("device")).ok();
        let device =
            device.and_then(|path| path.file_name()?.to_str().map(str::to_owned)).unwrap_or_default();
        Some((name, device, folder))
    };
    let mut found: Vec<_> = files::names(folder).into_iter().take(CHIPS_MAX).filter_map(one).collect();
    found.sort();
    let is_alone = |name: &str| found.iter().filter(|(other, _, _)| other == name).count() == 1;
    let named = |(name, device, folder): &(String, String, PathBuf)| {
        let full = match device.starts_with(name.as_str()) {
            _ if is_alone(name) || device.is_empty() => name.clone(),
            true => device.clone(),
            false => format!("{name} {device}"),
        };
        Chip { folder: folder.clone(), name: full }
    };
    found.iter().map(named).collect()
}

/// `temp12_input` with `temp` is (12, `input`).
fn numbered<'a>(name: &'a str, prefix: &str) -> Option<(u32, &'a str)> {
    let (number, attribute) = name.strip_prefix(prefix)?.split_once('_')?;
    Some((number.parse().ok()?, attribute))
}

fn label(chip: &Chip, prefix: &str, number: u32) -> Option<String> {
    let text = files::text(&chip.folder.join(format!("{prefix}{number}_label"))).ok()?;
    Some(text).filter(|text| !text.is_empty())
}

/// `pmbus pin`, or `pmbus in1` without a label.
fn named(chip: &Chip, (prefix, number): (&str, u32), label: Option<String>) -> String {
    format!("{} {}", chip.name, label.unwrap_or_else(|| format!("{prefix}{number}")))
}
