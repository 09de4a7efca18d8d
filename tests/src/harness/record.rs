//! The record, read beside or after the collector.

use std::path::Path;

use model::{AgentId, Period, SiteId, Timestamp};
use store::{AgentKey, Options, Store};

/// Opens the record in a folder.
pub(crate) fn open_record(dir: &Path) -> Store {
    Store::open(dir, Options::default()).unwrap()
}

/// An agent's key.
pub(crate) fn agent_key(site: &str, agent: &str) -> AgentKey {
    AgentKey { site: SiteId::new(site).unwrap(), agent: AgentId::new(agent).unwrap() }
}

/// A period in which everything lies.
pub(crate) const fn whole_time() -> Period {
    Period { from: Timestamp::from_seconds(0), to: Timestamp::from_seconds(8_000_000_000) }
}
