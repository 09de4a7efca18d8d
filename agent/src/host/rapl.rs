//! Energy that the processors count themselves: RAPL, as the kernel's power capping framework shows it
//! (Documentation/power/powercap/powercap.rst). Of Intel and AMD alike, below `intel-rapl`.
//!
//! Read are packages, memory (`dram`) and the platform (`psys`). The zones `core` and `uncore` lie within a package and
//! `intel-rapl-mmio` counts the same package a second time: they are left out, so that nobody adds them up. RAPL is an
//! estimate of what the chips draw, not of what the machine draws from the wall.
//!
//! The kernel counts microjoules, a watt-hour is 3.6 x 10^9 of them, and a series has a power of ten. So a state is
//! recorded in 10^-9 Wh: 5/18 of it, rounded down. No two states are off by more than one step, which is 3.6 uJ and less
//! than RAPL's own step (61 uJ at best on Intel); nothing adds up, as each state is converted by itself. The same goes for
//! the number at which the counter begins again, which goes into the series, so that whoever counts sees a turn as a turn.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::{Channel, Missing, Quantity, Raw};
use profile::SeriesShape;

use super::{Notes, Part, Roots, files, names, shape, whole};

/// Zones that are read; the largest servers have 8 packages, each with memory.
const ZONES_MAX: usize = 32;
/// Nanowatt-hours.
const NANO: i8 = -9;
/// Milliwatts.
const MILLI: i8 = -3;
/// No package, and no memory behind one, draws more than this: a counter can not turn twice in less time than that takes.
const WATTS_MAX: u64 = 1000;
const MICROJOULES_A_JOULE: u64 = 1_000_000;

/// All zones that can be read.
#[derive(Debug)]
pub(super) struct Rapl {
    zones: Vec<Zone>,
}

#[derive(Debug)]
struct Zone {
    energy: PathBuf,
    channel: Channel,
    /// The largest number that the counter shows, in microjoules.
    range: u64,
    before: Option<(Duration, u64)>,
}

impl Rapl {
    pub(super) fn find(roots: &Roots, every: Duration, notes: &mut Notes) -> Self {
        let folder = roots.sys.join("class/powercap");
        let entries = files::names(&folder).into_iter().filter(|name| name.starts_with("intel-rapl:"));
        let zones: Vec<PathBuf> = entries.map(|name| folder.join(name)).collect();
        if zones.is_empty() {
            let reason = format!(
                "no `intel-rapl` in `{}`: no such processor, a virtual machine, or the module intel_rapl_msr is not loaded",
                folder.display()
            );
            notes.add("host powercap", reason);
        }
        let zones = zones.iter().filter_map(|path| Zone::find(path, every, notes)).take(ZONES_MAX).collect();
        Self { zones }
    }
}

impl Zone {
    fn find(path: &Path, every: Duration, notes: &mut Notes) -> Option<Self> {
        let channel = channel(path)?;
        let source = format!("host powercap {channel}");
        let energy = path.join("energy_uj");
        let range = files::number(&path.join("max_energy_range_uj")).ok().and_then(|n| u64::try_from(n).ok());
        let reason = match (range.filter(|range| *range > 0), counter(&energy)) {
            (_, Err(error)) => refused(&energy, &error),
            (None, Ok(_)) => "the kernel does not say at which number the counter begins again".to_owned(),
            (Some(range), Ok(_)) if every > turn(range) / 2 => format!(
                "read every {every:?}; to see each turn of the counter, `every` has to be at most {:?}",
                turn(range) / 2
            ),
            (Some(range), Ok(_)) => return Some(Self { energy, channel, range, before: None }),
        };
        notes.add(source, reason);
        None
    }

    fn read(&mut self, mono: Duration) -> [Result<Raw, Missing>; 2] {
        let Ok(now) = counter(&self.energy) else {
            self.before = None;
            return [Err(Missing::NotAvailable); 2];
        };
        let before = self.before.replace((mono, now));
        let power =
            before.and_then(|(then, before)| self.mean_milliwatts((before, now), mono.checked_sub(then)?));
        [whole(nanowatt_hours(now)), power.map(Raw::Integer).ok_or(Missing::NotAvailable)]
    }

    /// Mean power between two states; `None` if no time passed or so much that the counter may have turned twice.
    fn mean_milliwatts(&self, (before, now): (u64, u64), passed: Duration) -> Option<i64> {
        if passed >= turn(self.range) {
            return None;
        }
        let microjoules =
            now.checked_sub(before).or_else(|| (self.range + 1).checked_sub(before)?.checked_add(now))?;
        let milliwatts = (u128::from(microjoules) * 1000).checked_div(passed.as_micros())?;
        i64::try_from(milliwatts).ok()
    }
}

impl Part for Rapl {
    fn shapes(&self) -> Vec<SeriesShape> {
        let both = |zone: &Zone| {
            let place = format!("powercap {} energy_uj", zone.channel);
            let energy = SeriesShape {
                wraps_at: Some(nanowatt_hours(zone.range + 1)),
                ..shape(Quantity::ActiveEnergyImport, &zone.channel, NANO, &place)
            };
            let mean = format!("{place}, mean since the poll before");
            [energy, shape(Quantity::ActivePower, &zone.channel, MILLI, &mean)]
        };
        self.zones.iter().flat_map(both).collect()
    }

    fn read(&mut self, mono: Duration) -> Vec<Result<Raw, Missing>> {
        self.zones.iter_mut().flat_map(|zone| zone.read(mono)).collect()
    }
}

/// `package.0`, `dram.0`, `psys`; `None` for zones that lie within others.
fn channel(zone: &Path) -> Option<Channel> {
    let name = files::text(&zone.join("name")).ok()?;
    let number = zone.file_name()?.to_str()?.split(':').nth(1)?;
    if let Some(package) = name.strip_prefix("package-") {
        return Some(names::channel("package", package));
    }
    match name.as_str() {
        "dram" => Some(names::channel("dram", number)),
        "psys" => Channel::new("psys").ok(),
        _ => None,
    }
}

fn counter(path: &Path) -> io::Result<u64> {
    let text = files::text(path)?;
    text.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no whole number"))
}

/// The shortest time in which a counter can turn. Whoever counts takes a fall for a turn if it makes a rise of less than
/// half the range, so it has to be read twice as often.
fn turn(range: u64) -> Duration {
    Duration::from_secs(range / MICROJOULES_A_JOULE / WATTS_MAX)
}

/// 1 uJ = 1/3600 x 10^-6 Wh = 5/18 x 10^-9 Wh.
fn nanowatt_hours(microjoules: u64) -> u64 {
    u64::try_from(u128::from(microjoules) * 5 / 18).unwrap_or(u64::MAX)
}

pub(super) fn refused(path: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return format!(
            "`{}` is for root alone, as its fine steps betray secrets of other programs (CVE-2020-8694); \
             give it to a group by a udev rule and the group to the agent: docs/operator.md, \"The host itself\"",
            path.display()
        );
    }
    format!("cannot read `{}`: {error}", path.display())
}
