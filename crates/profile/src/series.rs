//! What a reading tells the collector about itself.

use model::{Channel, DeviceId, Encoding, Quantity, SeriesDescriptor, Side};

use crate::Profile;

/// All that a profile knows about a series: a [`SeriesDescriptor`] without the number and the device that an agent adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesShape {
    /// What is measured.
    pub quantity: Quantity,
    /// At which part of the device.
    pub channel: Channel,
    /// How raw values are held.
    pub encoding: Encoding,
    /// Power of ten that makes a raw value one in the quantity's canonical unit.
    pub exponent: i8,
    /// Raw steps after which a counter begins again at 0, if the maker says so.
    pub wraps_at: Option<u64>,
    /// Smallest step of the register, in raw steps; 0 for floats.
    pub resolution: u32,
    /// On which side of the instrument transformers the register counts.
    pub side: Side,
    /// `fcN ADDRESS TYPE ORDER`, or an OID.
    pub source: String,
}

impl SeriesShape {
    /// As a descriptor, with the series number and the device that the agent gives it.
    pub fn describe(&self, number: u32, device: DeviceId, profile: Option<&Profile>) -> SeriesDescriptor {
        SeriesDescriptor {
            number,
            device,
            quantity: self.quantity,
            channel: self.channel.clone(),
            encoding: self.encoding,
            exponent: self.exponent,
            wraps_at: self.wraps_at,
            resolution: self.resolution,
            side: self.side,
            profile: profile.map(|profile| profile.id.clone()),
            profile_hash: profile.map(Profile::hash),
            source: self.source.clone(),
        }
    }
}
