//! What is told of a device: once when it begins, and once when it is over.

use std::net::SocketAddr;
use std::time::Duration;

use model::{Event, EventKind, Missing, Raw, Severity};

use super::Device;
use crate::poll::desk::Desk;
use crate::snmp::{Change, Refusal};

/// sysUpTime comes round after 497 days; closer to that than this, going back is no start.
const UPTIME_ROUND_TICKS: u32 = 360_000;
/// A start is told once, whatever tells it: the engine's count or sysUpTime.
const RESTART_TOLD_FOR: Duration = Duration::from_mins(1);

impl Device {
    /// The device does not answer us, or does again.
    pub(super) fn tell_refusal(&mut self, refusal: Option<Refusal>, desk: &mut Desk) {
        if self.refusal == refusal {
            return;
        }
        self.refusal = refusal;
        let (severity, text) = match refusal {
            Some(refusal) => (Severity::Warning, format!("refuses: {refusal}")),
            None => (Severity::Info, "does not refuse any more".to_owned()),
        };
        self.event(desk, (EventKind::Other, severity), text);
    }

    pub(super) fn changed(&mut self, change: Change, desk: &mut Desk) {
        let severity = match change {
            Change::BootsBack { .. } | Change::OtherEngine => Severity::Warning,
            Change::Rebooted { .. } | Change::ClockBack => Severity::Info,
        };
        let kind = if change == Change::OtherEngine { EventKind::Other } else { EventKind::DeviceRestarted };
        self.renewal.want_now();
        let now = desk.now.mono;
        if kind == EventKind::DeviceRestarted {
            self.restart_told = Some(now);
        }
        self.event(desk, (kind, severity), change.to_string());
    }

    /// An answer to it came from another address than was asked.
    pub(in crate::poll) fn answered_elsewhere(&mut self, from: SocketAddr, desk: &mut Desk) {
        if self.elsewhere.replace(from) != Some(from) {
            let asked = self.address.map_or_else(String::new, |address| address.to_string());
            let text = format!(
                "an answer came from {from} instead of {asked} and was refused: name the device by the address from \
                 which it answers, or have it answer from the one that is asked"
            );
            self.event(desk, (EventKind::Other, Severity::Warning), text);
        }
    }

    pub(super) fn event(&self, desk: &mut Desk, (kind, severity): (EventKind, Severity), text: String) {
        let device = Some(self.target.device.clone());
        desk.event(Event { time: desk.now.wall(), device, kind, severity, text });
    }

    pub(super) fn tell_loops(&mut self, looped: &[profile::Oid], desk: &mut Desk) {
        let was = std::mem::replace(&mut self.looped, !looped.is_empty());
        if let Some(first) = looped.first().filter(|_| !was) {
            let columns = looped.len();
            let text = format!(
                "goes in circles in {columns} columns, the first one {first}: taken up to where it turns back"
            );
            self.event(desk, (EventKind::Other, Severity::Warning), text);
        }
    }

    /// sysUpTime goes back when a device was started: its rows may stand elsewhere now.
    pub(super) fn watch_uptime(&mut self, uptime: u32, desk: &mut Desk) {
        let Some(before) = self.uptime.replace(uptime).filter(|before| *before > uptime) else { return };
        if before > u32::MAX - UPTIME_ROUND_TICKS {
            return;
        }
        self.renewal.want_now();
        let now = desk.now.mono;
        let is_told =
            self.restart_told.replace(now).is_some_and(|told| now.saturating_sub(told) < RESTART_TOLD_FOR);
        if !is_told {
            let text = format!("was started anew {} s ago", uptime / 100);
            self.event(desk, (EventKind::DeviceRestarted, Severity::Info), text);
        }
    }

    pub(super) fn tell(&mut self, values: &[Result<Raw, Missing>], desk: &mut Desk) {
        if let Some(event) = self.health.after(values, &self.target.device, desk.now.wall()) {
            // It may have been started anew, with other units or rows.
            if event.kind == EventKind::DeviceBack {
                self.renewal.want();
            }
            desk.event(event);
        }
    }
}
