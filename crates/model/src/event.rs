//! Things that happen once, beside the samples.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Timestamp};

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Degraded; will recover or can wait.
    Warning,
    /// A person must act.
    Critical,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A device stopped answering.
    DeviceSilent,
    /// A device answers again.
    DeviceBack,
    /// A device says that it was started.
    DeviceRestarted,
    /// A device told something by itself: a notification of SNMP (trap or inform).
    Notification,
    /// Anything else that an agent reports.
    Other,
}

/// Something that happened at a device or at the agent itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub time: Timestamp,
    /// At which device; `None` for the agent.
    pub device: Option<DeviceId>,
    /// What.
    pub kind: EventKind,
    /// How much it matters.
    pub severity: Severity,
    /// In words, one line, at most 500 characters.
    pub text: String,
}
