//! Batteries that the kernel knows (Documentation/ABI/testing/sysfs-class-power): of small machines, and of a UPS on USB
//! whose driver is in the kernel.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Missing, Quantity, Raw};
use profile::SeriesShape;

use super::{Part, Roots, files, names, shape};

/// Batteries that are read.
const BATTERIES_MAX: usize = 8;
/// Attribute, quantity, power of ten, and what can be.
const ATTRIBUTES: [(&str, Quantity, i8, std::ops::RangeInclusive<i64>); 3] = [
    ("capacity", Quantity::BatteryCharge, 0, 0..=100),
    ("voltage_now", Quantity::BatteryVoltage, -6, 0..=1_000_000_000),
    ("time_to_empty_now", Quantity::BatteryRuntime, 0, 0..=31_536_000),
];

#[derive(Debug)]
pub(super) struct Supplies {
    found: Vec<(PathBuf, std::ops::RangeInclusive<i64>, SeriesShape)>,
}

impl Supplies {
    pub(super) fn find(roots: &Roots) -> Self {
        let folder = roots.sys.join("class/power_supply");
        let batteries =
            files::names(&folder).into_iter().filter(|name| feeds_this_machine(&folder.join(name)));
        let of_battery = |name: String| {
            let (folder, channel) = (folder.join(&name), names::channel("battery", &name));
            ATTRIBUTES.into_iter().filter_map(move |(attribute, quantity, exponent, range)| {
                let path = folder.join(attribute);
                let place = format!("power_supply {name} {attribute}");
                path.exists().then(|| (path, range, shape(quantity, &channel, exponent, &place)))
            })
        };
        Self { found: batteries.take(BATTERIES_MAX).flat_map(of_battery).collect() }
    }
}

/// The battery of a mouse has the scope `Device`.
fn feeds_this_machine(supply: &Path) -> bool {
    let says = |attribute: &str| files::text(&supply.join(attribute)).unwrap_or_default();
    matches!(says("type").as_str(), "Battery" | "UPS") && says("scope") != "Device" && says("present") != "0"
}

impl Part for Supplies {
    fn shapes(&self) -> Vec<SeriesShape> {
        self.found.iter().map(|(_, _, shape)| shape.clone()).collect()
    }

    fn read(&mut self, _: Duration) -> Vec<Result<Raw, Missing>> {
        let one = |(path, range, _): &(PathBuf, std::ops::RangeInclusive<i64>, SeriesShape)| {
            let number = files::number(path)?;
            if range.contains(&number) { Ok(Raw::Integer(number)) } else { Err(Missing::OutOfRange) }
        };
        self.found.iter().map(one).collect()
    }
}
