//! What the stories share: real programs as child processes, free addresses, certificates, configurations, waiting.
//!
//! Invariants: a test owns what it starts and ends it, however the test ends; addresses of two tests never meet, also
//! not those of tests in other processes; nothing waits for a time, everything waits for a state with a limit.

mod certificates;
mod clock;
mod configs;
mod ground;
mod http;
mod process;
mod record;
mod ship;

pub(crate) use certificates::Authority;
pub(crate) use clock::{now, wait_for};
pub(crate) use configs::{AgentText, CollectorText, agent_text, collector_text, site_text};
pub(crate) use ground::{Ground, Net, free_address, hold};
pub(crate) use http::get;
pub(crate) use process::{Program, program, run};
pub(crate) use record::{agent_key, open_record, whole_time};
pub(crate) use ship::{drain, ship_spool};
