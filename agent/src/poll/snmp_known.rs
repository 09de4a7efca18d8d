//! What is asked of a device over SNMP in every poll, and what its answers mean.

use model::{Missing, Raw};
use profile::{SeriesShape, SnmpPlan, SnmpValue};

use crate::snmp::{Packet, Read, encoded};

/// What is asked in every poll.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) plan: SnmpPlan,
    pub(super) shapes: Vec<SeriesShape>,
    /// For each reading the place of its object.
    pub(super) object_of: Vec<usize>,
    pub(super) encoded: Vec<Box<[u8]>>,
    /// Each packet with the place of its first object and their number.
    pub(super) packets: Vec<(Packet, usize, usize)>,
    pub(super) group: u32,
}

impl Known {
    /// Asks for the objects of `plan`, `objects` in each packet.
    pub(super) fn new(
        plan: SnmpPlan,
        shapes: Vec<SeriesShape>,
        group: u32,
        (community, objects): (&[u8], usize),
    ) -> Self {
        let oids = plan.oids();
        let names: Vec<String> = oids.iter().map(ToString::to_string).collect();
        let place =
            |shape: &SeriesShape| names.iter().position(|name| *name == shape.source).unwrap_or(usize::MAX);
        let chunk = |(n, oids): (usize, &[profile::Oid])| {
            (Packet::new(community, Read::Get, oids.iter()), n * objects, oids.len())
        };
        Self {
            object_of: shapes.iter().map(place).collect(),
            encoded: oids.iter().map(encoded).collect(),
            packets: oids.chunks(objects).enumerate().map(chunk).collect(),
            plan,
            shapes,
            group,
        }
    }

    /// A value or reason for each reading; what did not come at all is missing for `reason`.
    pub(super) fn decode(
        &self,
        values: &mut [Option<SnmpValue>],
        reason: Missing,
    ) -> Vec<Result<Raw, Missing>> {
        let came: Vec<bool> = values.iter().map(Option::is_some).collect();
        let values: Vec<SnmpValue> =
            values.iter_mut().map(|value| value.take().unwrap_or(SnmpValue::Null)).collect();
        let decoded = self.plan.decode(&values).into_iter().zip(&self.object_of);
        decoded
            .map(|(raw, object)| if came.get(*object) == Some(&true) { raw } else { Err(reason) })
            .collect()
    }
}
