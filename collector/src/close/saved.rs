//! What the closer keeps in the record from one life to the next.

use std::collections::BTreeMap;

use accounting::Carry;
use model::{PollGroup, SeriesDescriptor, SpoolId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{AgentKey, DeviceKey};

use super::group::Came;

/// What must be known to read on in a spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedSpool {
    pub(super) agent: AgentKey,
    pub(super) run: Option<u64>,
    pub(super) series: Vec<SeriesDescriptor>,
    pub(super) groups: Vec<SavedGroup>,
    /// The latest poll of the spool.
    pub(super) latest: Option<Timestamp>,
}

/// A poll group and how far it was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SavedGroup {
    pub(super) plan: PollGroup,
    pub(super) counted_to: Timestamp,
    pub(super) came: Came,
}

/// What the registers of one device remember, by number of the series.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct SavedDevice {
    pub(super) carries: BTreeMap<u32, Carry>,
}

/// Beginning of the keys under which devices are kept beside spools. A spool's id is random, so it begins like this
/// once in 2^64.
const DEVICE_KEY: [u8; 8] = *b"carry/1\0";

/// The key of a device among the states of spools.
pub(super) fn device_key(device: DeviceKey) -> SpoolId {
    let mut bytes = [0; 16];
    let (beginning, number) = bytes.split_at_mut(8);
    beginning.copy_from_slice(&DEVICE_KEY);
    number.copy_from_slice(&u64::from(device.number()).to_be_bytes());
    SpoolId::from_bytes(bytes)
}

/// Is this key one of a device?
pub(super) fn is_device_key(key: SpoolId) -> bool {
    key.bytes().starts_with(&DEVICE_KEY)
}
