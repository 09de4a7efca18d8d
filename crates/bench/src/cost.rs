//! What a process costs, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Processor time that the threads of a process have used, in nanoseconds' resolution: the first field of
/// `/proc/PID/task/TID/schedstat` (Documentation/scheduler/sched-stats.rst of the kernel).
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/task");
    let threads = fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?;
    let mut nanos = 0u64;
    for thread in threads {
        // A thread that ends while it is being read counts no longer; those that are measured live as long as the process.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += ran(&text).with_context(|| format!("{path}: {text}"))?;
    }
    Ok(Duration::from_nanos(nanos))
}

fn ran(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

/// How often the threads of a process were woken or let others run (`/proc/PID/task/TID/status`).
pub(crate) fn switches(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/task");
    let mut count = 0;
    for thread in fs::read_dir(&path).with_context(|| format!("cannot read {path}"))? {
        let Ok(text) = fs::read_to_string(thread?.path().join("status")) else { continue };
        count += text.lines().filter_map(switched).sum::<u64>();
    }
    Ok(count)
}

fn switched(line: &str) -> Option<u64> {
    line.strip_prefix("voluntary_ctxt_switches:")?.trim().parse().ok()
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
    fn what_this_process_costs_is_found() {
        assert_eq!(ran("54551 17 1\n"), Some(54_551));
        assert_eq!(switched("voluntary_ctxt_switches:\t12"), Some(12));
        assert_eq!(switched("nonvoluntary_ctxt_switches:\t12"), None);
        assert!(cpu(std::process::id()).unwrap() > Duration::ZERO);
        assert!(switches(std::process::id()).is_ok());
        assert!(peak_kib(std::process::id()).unwrap() > 100);
    }
}
