//! The machine on which the agent runs, and what the agent itself costs it.

use model::{Channel, Encoding, Missing, Quantity, Raw, Side};
use profile::SeriesShape;
use sysinfo::{
    Components, MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid,
};

/// More sensors than this are not read: servers have some dozens, virtual machines none.
const SENSORS_MAX: usize = 64;
/// Longest name of a sensor within a channel, which may have 63 characters.
const SENSOR_NAME_MAX: usize = 50;
/// Tenths, for percent and degrees.
const TENTHS: i8 = -1;
/// Milliseconds, for processor time.
const MILLI: i8 = -3;

/// Reads the machine. Reading may block for some milliseconds, so it has its place on a thread of its own.
#[derive(Debug)]
pub struct Probe {
    system: Option<System>,
    components: Option<Components>,
    sensors: Vec<Channel>,
    pid: Option<Pid>,
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl Probe {
    /// Looks which sensors there are. What the system does not tell is missing later, not wrong now.
    pub fn new() -> Self {
        let components = Components::new_with_refreshed_list().ok();
        let labels = components.iter().flat_map(|all| all.iter().map(sysinfo::Component::label));
        let sensors = sensor_channels(labels);
        Self { system: System::new().ok(), components, sensors, pid: get_current_pid().ok() }
    }

    /// What can be read, in the order of [`read`](Self::read).
    pub fn shapes(&self) -> Vec<SeriesShape> {
        let total = Channel::total();
        let agent = channel("agent");
        let mut shapes = vec![
            shape(Quantity::CpuUtilisation, &total, TENTHS),
            shape(Quantity::MemoryUsed, &total, 0),
            shape(Quantity::MemoryTotal, &total, 0),
            shape(Quantity::Uptime, &total, 0),
            shape(Quantity::ProcessCpuTime, &agent, MILLI),
            shape(Quantity::ProcessMemory, &agent, 0),
        ];
        shapes.extend(self.sensors.iter().map(|sensor| shape(Quantity::Temperature, sensor, TENTHS)));
        shapes
    }

    /// Reads all of it. The use of the processors is the mean since the reading before; the first one has none.
    pub fn read(&mut self) -> Vec<Result<Raw, Missing>> {
        let mut values = self.machine().unwrap_or([Err(Missing::NotAvailable); 4]).to_vec();
        values.extend(self.own_cost().unwrap_or([Err(Missing::NotAvailable); 2]));
        if let Some(components) = &mut self.components {
            components.refresh(false);
            let components = components.iter().take(self.sensors.len());
            values.extend(
                components.map(|one| one.temperature().ok_or(Missing::NotAvailable).and_then(tenths)),
            );
        }
        values
    }

    fn machine(&mut self) -> Option<[Result<Raw, Missing>; 4]> {
        let system = self.system.as_mut()?;
        system.refresh_cpu_usage();
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        Some([
            tenths(system.global_cpu_usage()),
            bytes(system.used_memory()),
            bytes(system.total_memory()),
            System::uptime().map_err(|_| Missing::NotAvailable).and_then(bytes),
        ])
    }

    fn own_cost(&mut self) -> Option<[Result<Raw, Missing>; 2]> {
        let (system, pid) = (self.system.as_mut()?, self.pid?);
        let kinds = ProcessRefreshKind::nothing().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kinds);
        let own = system.process(pid)?;
        Some([bytes(own.accumulated_cpu_time()), bytes(own.memory())])
    }
}

fn shape(quantity: Quantity, channel: &Channel, exponent: i8) -> SeriesShape {
    SeriesShape {
        quantity,
        channel: channel.clone(),
        encoding: Encoding::Integer,
        exponent,
        wraps_at: None,
        resolution: 1,
        side: Side::Primary,
        source: format!("host {quantity} {channel}"),
    }
}

fn bytes(amount: u64) -> Result<Raw, Missing> {
    i64::try_from(amount).map(Raw::Integer).map_err(|_| Missing::OutOfRange)
}

/// A small number in whole tenths.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn tenths(value: f32) -> Result<Raw, Missing> {
    let tenths = (f64::from(value) * 10.0).round();
    if (-1e9..1e9).contains(&tenths) { Ok(Raw::Integer(tenths as i64)) } else { Err(Missing::OutOfRange) }
}

fn channel(text: &str) -> Channel {
    Channel::new(text).unwrap_or_else(|_| Channel::total())
}

/// `sensor.coretemp-core-0` from a label; the second of the same name becomes `...-2`.
fn sensor_channels<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    for label in labels.take(SENSORS_MAX) {
        let word: String = label
            .chars()
            .take(SENSOR_NAME_MAX)
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let word = word.trim_matches('-');
        let name = |n: usize| match (word.is_empty(), n) {
            (true, n) => format!("sensor.{n}"),
            (false, 1) => format!("sensor.{word}"),
            (false, n) => format!("sensor.{word}-{n}"),
        };
        let free = (1..=SENSORS_MAX).map(|n| channel(&name(n))).find(|channel| !channels.contains(channel));
        channels.extend(free);
    }
    channels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_gets_a_value_or_a_reason_and_memory_agrees_with_the_kernel() {
        let mut probe = Probe::new();
        let (shapes, values) = (probe.shapes(), probe.read());
        assert_eq!(shapes.len(), values.len());
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let kib = meminfo
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"))
            .unwrap();
        let place = shapes.iter().position(|one| one.quantity == Quantity::MemoryTotal).unwrap();
        assert_eq!(values[place], Ok(Raw::Integer(kib.parse::<i64>().unwrap() * 1024)));
        let own = shapes.iter().position(|one| one.quantity == Quantity::ProcessMemory).unwrap();
        assert!(matches!(values[own], Ok(Raw::Integer(bytes)) if bytes > 1 << 20), "{:?}", values[own]);
    }

    #[test]
    fn sensors_become_channels_and_no_two_the_same() {
        let names: Vec<String> = sensor_channels(["coretemp Core 0", "nvme", "nvme", "°"].into_iter())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["sensor.coretemp-core-0", "sensor.nvme", "sensor.nvme-2", "sensor.1"]);
    }
}
