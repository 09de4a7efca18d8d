//! Memory and time of the machine, and the agent's own footprint: processor time, memory, bytes written to disks.

use std::path::PathBuf;
use std::time::Duration;

use model::{Channel, Missing, Quantity, Raw};
use profile::SeriesShape;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System, get_current_pid};

use super::{Notes, Part, Roots, files, shape, whole};

/// Milliseconds, for processor time.
const MILLI: i8 = -3;

#[derive(Debug)]
pub(super) struct Machine {
    system: Option<System>,
    pid: Option<Pid>,
    /// What the kernel counts of this process' reads and writes.
    io: PathBuf,
}

impl Machine {
    pub(super) fn find(roots: &Roots, notes: &mut Notes) -> Self {
        let io = roots.proc.join("self/io");
        if let Err(error) = files::beginning(&io) {
            notes.add("host self/io", format!("bytes written are not counted by this kernel: {error}"));
        }
        Self { system: System::new().ok(), pid: get_current_pid().ok(), io }
    }

    fn machine(&mut self) -> Option<[Result<Raw, Missing>; 3]> {
        let system = self.system.as_mut()?;
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        Some([
            whole(system.used_memory()),
            whole(system.total_memory()),
            System::uptime().map_err(|_| Missing::NotAvailable).and_then(whole),
        ])
    }

    fn own(&mut self) -> Option<[Result<Raw, Missing>; 2]> {
        let (system, pid) = (self.system.as_mut()?, self.pid?);
        let kinds = ProcessRefreshKind::nothing().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kinds);
        let own = system.process(pid)?;
        Some([whole(own.accumulated_cpu_time()), whole(own.memory())])
    }

    /// Bytes that went to disks, not those that went into pipes and sockets.
    fn written(&self) -> Result<Raw, Missing> {
        let text = files::beginning(&self.io).map_err(|_| Missing::NotAvailable)?;
        let bytes = text.lines().find_map(|line| line.strip_prefix("write_bytes:")).map(str::trim);
        whole(bytes.and_then(|bytes| bytes.parse().ok()).ok_or(Missing::NotAvailable)?)
    }
}

impl Part for Machine {
    fn shapes(&self) -> Vec<SeriesShape> {
        let (total, agent) = (Channel::total(), Channel::new("agent").unwrap_or_else(|_| Channel::total()));
        vec![
            shape(Quantity::MemoryUsed, &total, 0, "meminfo"),
            shape(Quantity::MemoryTotal, &total, 0, "meminfo"),
            shape(Quantity::Uptime, &total, 0, "uptime"),
            shape(Quantity::ProcessCpuTime, &agent, MILLI, "self/stat"),
            shape(Quantity::ProcessMemory, &agent, 0, "self/stat"),
            shape(Quantity::ProcessWritten, &agent, 0, "self/io write_bytes"),
        ]
    }

    fn read(&mut self, _: Duration) -> Vec<Result<Raw, Missing>> {
        let mut values = self.machine().unwrap_or([Err(Missing::NotAvailable); 3]).to_vec();
        values.extend(self.own().unwrap_or([Err(Missing::NotAvailable); 2]));
        values.push(self.written());
        values
    }
}
