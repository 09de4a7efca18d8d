//! What a process costs, from `/proc`.

use std::fs;
use std::time::Duration;

use agent::poll::Histogram;
use anyhow::Context;

/// Ticks of processor time in a second: `USER_HZ`, 100 on every machine that Linux runs on.
const USER_HZ: u64 = 100;

/// Deviations from the schedule in microseconds.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct Deviation {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

impl From<&Histogram> for Deviation {
    fn from(histogram: &Histogram) -> Self {
        Self { p50: histogram.quantile(0.5), p99: histogram.quantile(0.99), max: histogram.max() }
    }
}

/// Processor time that a process has used, user and system, from fields 14 and 15 of `/proc/PID/stat` (proc(5)).
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    ticks(&text)
        .map(|ticks| Duration::from_millis(ticks * 1000 / USER_HZ))
        .with_context(|| format!("{path}: {text}"))
}

fn ticks(stat: &str) -> Option<u64> {
    // The name in brackets may hold spaces and brackets of its own.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some(user + system)
}

/// The most memory that a process ever held, in KiB (`VmHWM`).
pub(crate) fn peak_kib(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kib =
        text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.with_context(|| format!("{path} has no VmHWM"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_whatever_name_a_process_has() {
        let stat = "1 (a) b) S 0 1 1 0 -1 4194560 100 200 0 0 7 5 0 0 20 0 1 0 1 1 1";
        assert_eq!(ticks(stat), Some(12));
        assert!(peak_kib(std::process::id()).unwrap() > 100);
        assert!(cpu(std::process::id()).is_ok());
    }
}
