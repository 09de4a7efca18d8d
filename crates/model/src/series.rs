//! What a column of samples means.

use serde::{Deserialize, Serialize};

use crate::decimal::scale_by_power_of_ten;
use crate::{Channel, DeviceId, ProfileId, Quantity, Raw, SeriesKind};

/// How the raw values of a series are held: as the device sends them, so that nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Whole numbers, `raw x 10^exponent`.
    Integer,
    /// The 32 bits of a float register, `raw x 10^exponent`.
    Float32,
    /// The 64 bits of a float register, `raw x 10^exponent`.
    Float64,
}

/// On which side of the instrument transformers a register counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What flows in the main circuit: no ratio is applied.
    #[default]
    Primary,
    /// What flows through the meter behind CT and VT: the meter point applies their ratio.
    Secondary,
}

/// What a column of samples means: the agent says it once, samples refer to it by [`number`](Self::number).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriesDescriptor {
    /// Number of the series, unique within one run of one agent.
    pub number: u32,
    /// The device that was read.
    pub device: DeviceId,
    /// What was measured.
    pub quantity: Quantity,
    /// At which part of the device.
    pub channel: Channel,
    /// How the raw values are held.
    pub encoding: Encoding,
    /// Power of ten that makes a raw value one in the quantity's canonical unit.
    pub exponent: i8,
    /// For counters, the number of raw steps after which the register begins again at 0.
    pub wraps_at: Option<u64>,
    /// Smallest step of the register, in raw steps. 1 for integers; for floats it grows with the state and is 0 here.
    pub resolution: u32,
    /// On which side of the instrument transformers the register counts.
    pub side: Side,
    /// The profile by which it was read, if one was.
    pub profile: Option<ProfileId>,
    /// SHA-256 of the profile's text, so that a number can be traced to the map that made it.
    pub profile_hash: Option<[u8; 32]>,
    /// Where in the device it came from, opaque to all but people: `fc3 19068 f32 abcd`, an OID.
    pub source: String,
}

impl SeriesDescriptor {
    /// How its values behave.
    pub const fn kind(&self) -> SeriesKind {
        self.quantity.kind()
    }

    /// The value in the quantity's canonical unit, as the nearest float.
    pub fn value(&self, raw: Raw) -> f64 {
        scale_by_power_of_ten(raw.to_f64(), self.exponent)
    }
}

/// Series that are read together: same device, same period. The plan of an agent is the list of its groups, from which
/// the collector knows what is to be expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollGroup {
    /// Number of the group, unique within one run of one agent.
    pub number: u32,
    /// The device.
    pub device: DeviceId,
    /// Time from one poll to the next, in milliseconds.
    pub period_ms: u32,
    /// Polls are due at whole multiples of the period since the epoch plus this, in milliseconds.
    pub offset_ms: u32,
    /// The series, in the order in which a [`Poll`](crate::Poll) carries their values.
    pub series: Vec<u32>,
}
