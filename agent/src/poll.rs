//! The poll engine: one thread, one wheel of 10 ms ticks, sockets that never block, and no task for a device.
//!
//! It takes a [`Plan`] and hands on what every poll brought, as [`Message`]s for whoever writes. On the path of a reading
//! it stands between the devices and the spool.
//!
//! Invariants:
//! - What is due in one tick is sent together; no device waits for another one's answer, unless they share a
//!   connection.
//! - Every poll that is due ends exactly once, with a value or a reason for each of its series.
//! - Nothing waits without a limit, and nothing grows without a bound.

pub mod backoff;
mod desk;
mod engine;
mod gateway;
mod helper;
mod load;
mod outbox;
mod plan;
pub mod schedule;
mod snmp;
mod snmp_device;
mod snmp_known;
mod snmp_learn;
mod snmp_plans;
mod statistics;
mod wheel;

#[cfg(test)]
mod tests;

pub use desk::Numbers;
pub use engine::{Engine, EngineError, Handle};
pub use gateway::{Manners, ModbusPlan, SurveyPlan};
pub use load::Load;
pub use outbox::{Message, Outbox, QUEUE_MESSAGES};
pub use plan::{GatewayPlan, HostPlan, Plan};
pub use snmp::SnmpTarget;
pub use statistics::{Deviation, Histogram, Report, Statistics};
