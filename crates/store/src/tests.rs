//! Stories about a record in a folder.

mod ingest;
mod intervals;
mod logs;
mod raw;
mod registry;
mod upkeep;

use model::{
    AgentId, Channel, DeviceId, Encoding, Quantity, SeriesDescriptor, Side, SiteId, SpoolId, Timestamp,
};
use tempfile::TempDir;

use crate::{AgentKey, Options, Registered, Store, StoreError, Writer};

/// 2026-11-22T19:00Z, by GNU date.
const NOW: Timestamp = Timestamp::from_seconds(1_795_374_000);

fn record() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    (dir, store)
}

fn reopen(dir: &TempDir) -> Store {
    Store::open(dir.path(), Options::default()).unwrap()
}

fn site() -> SiteId {
    SiteId::new("rz-nord").unwrap()
}

fn agent(name: &str) -> AgentKey {
    AgentKey { site: site(), agent: AgentId::new(name).unwrap() }
}

fn spool(byte: u8) -> SpoolId {
    SpoolId::from_bytes([byte; 16])
}

fn descriptor(device: &str, quantity: Quantity) -> SeriesDescriptor {
    SeriesDescriptor {
        number: 0,
        device: DeviceId::new(device).unwrap(),
        quantity,
        channel: Channel::total(),
        encoding: Encoding::Integer,
        exponent: 0,
        wraps_at: Some(u64::MAX),
        resolution: 1,
        side: Side::Primary,
        profile: None,
        profile_hash: Some([3; 32]),
        source: "fc3 19068 u32 abcd".to_owned(),
    }
}

fn register(writer: &mut Writer, device: &str, quantity: Quantity) -> Registered {
    writer.transaction::<_, StoreError>(|tx| tx.series(&site(), &descriptor(device, quantity), NOW)).unwrap()
}
