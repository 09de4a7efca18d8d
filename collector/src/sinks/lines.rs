//! Chunks as lines: one for each device, tick, domain and channel.

use std::collections::{BTreeMap, HashMap};

use accounting::Topology;
use line::{Encoder, FieldKey, Reading, SeriesKey};
use model::{Channel, DeviceId, Domain, RackId, RoomId, SeriesDescriptor, SiteId, Timestamp};
use store::{Block, Chunk, Core, SeriesId, StoreError};

/// What the columns of a device mean, by series and version.
pub(super) type Descriptors = HashMap<(SeriesId, u16), SeriesDescriptor>;

/// Whose chunk it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'o> {
    pub(super) site: &'o SiteId,
    pub(super) device: &'o DeviceId,
    pub(super) topology: Option<&'o Topology>,
}

/// The descriptors that the columns of a chunk need.
pub(super) fn descriptors(core: &Core, chunk: &Chunk) -> Result<Descriptors, StoreError> {
    let mut known = Descriptors::new();
    for column in chunk.blocks.iter().flat_map(|block| &block.columns) {
        let key = (column.series, column.version);
        if let std::collections::hash_map::Entry::Vacant(entry) = known.entry(key) {
            entry.insert(core.descriptor(column.series, column.version)?);
        }
    }
    Ok(known)
}

/// Puts the samples of a chunk that are later than `after` into lines.
pub(super) fn encode(
    encoder: &mut Encoder,
    chunk: &Chunk,
    (owner, descriptors): (Owner<'_>, &Descriptors),
    after: Timestamp,
) {
    for block in &chunk.blocks {
        encode_block(encoder, block, (owner, descriptors), after);
    }
}

/// A column with what it needs to be written.
struct Field<'b> {
    key: FieldKey,
    descriptor: &'b SeriesDescriptor,
    values: Vec<Option<f64>>,
}

fn encode_block(
    encoder: &mut Encoder,
    block: &Block,
    (owner, descriptors): (Owner<'_>, &Descriptors),
    after: Timestamp,
) {
    let mut heads: BTreeMap<(Domain, &Channel), Vec<Field<'_>>> = BTreeMap::new();
    for column in &block.columns {
        let Some(descriptor) = descriptors.get(&(column.series, column.version)) else { continue };
        let values = column.rows().map(|raw| raw.ok().map(|raw| descriptor.value(raw))).collect();
        let field = Field { key: FieldKey::of(descriptor.quantity), descriptor, values };
        heads.entry((descriptor.quantity.domain(), &descriptor.channel)).or_default().push(field);
    }
    for ((domain, channel), fields) in &heads {
        let mut head: Option<(Stand<'_>, SeriesKey)> = None;
        for (row, time) in block.times.iter().enumerate() {
            let time = Timestamp::from_millis(*time);
            if time <= after {
                continue;
            }
            let stand = Stand::at(owner, time);
            if head.as_ref().is_none_or(|(known, _)| *known != stand) {
                head = Some((stand, stand.key(owner, *domain, channel)));
            }
            let Some((_, key)) = &head else { continue };
            let line = fields.iter().fold(encoder.begin(key), |line, field| {
                match field.values.get(row).copied().flatten() {
                    Some(value) => line.float(&field.key, value),
                    None => line,
                }
            });
            // False for a row of which every value is missing: it has no line.
            let _written = line.end(time);
        }
        debug_assert!(fields.iter().all(|field| field.descriptor.channel == **channel));
    }
}

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stand<'t> {
    room: Option<&'t RoomId>,
    rack: Option<&'t RackId>,
}

impl<'t> Stand<'t> {
    fn at(owner: Owner<'t>, time: Timestamp) -> Self {
        let place = owner.topology.and_then(|topology| topology.place_of(owner.device, time));
        Self {
            room: place.and_then(|place| place.room.as_ref()),
            rack: place.and_then(|place| place.rack.as_ref()),
        }
    }

    fn key(self, owner: Owner<'_>, domain: Domain, channel: &Channel) -> SeriesKey {
        let Owner { site, device, .. } = owner;
        SeriesKey::of(&Reading { domain, site, device, channel, room: self.room, rack: self.rack })
    }
}
