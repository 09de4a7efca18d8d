//! What devices with the same objects have in common, held once.
//!
//! Most devices of a site are many of a few models. What a walk found of each is the same up to the values, so that a plan
//! of 96 readings (some 50 KiB with its names) is held once for all of them and not once for each.
//!
//! Invariant: what is shared is never changed; a device whose rows change takes other objects.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Weak};

use profile::{Oid, SeriesShape, SnmpPlan};

use crate::snmp::encoded;

/// sysUpTime.0 (RFC 3418): goes back when a device was started anew.
const SYS_UP_TIME: [u32; 9] = [1, 3, 6, 1, 2, 1, 1, 3, 0];
/// Objects of devices that are gone are forgotten at the latest when there are so many of them, or twice as many as there
/// were when that was looked at last.
const FORGET_FROM: usize = 64;

/// The objects of a device: those of its plan, then sysUpTime, then those that say how its rows are called.
#[derive(Debug)]
pub(super) struct Objects {
    plan: SnmpPlan,
    uptime: Oid,
    labels: Box<[Oid]>,
    encoded: Box<[Box<[u8]>]>,
}

impl Objects {
    fn new(plan: SnmpPlan, labels: Box<[Oid]>) -> Self {
        let uptime = Oid::new(&SYS_UP_TIME).expect("nine numbers are an OID");
        let all = plan.oids().iter().chain([&uptime]).chain(&labels);
        Self { encoded: all.map(encoded).collect(), plan, uptime, labels }
    }

    /// What is read from the objects.
    pub(super) const fn plan(&self) -> &SnmpPlan {
        &self.plan
    }

    /// What is read, one after the other.
    pub(super) fn shapes(&self) -> impl Iterator<Item = &SeriesShape> {
        self.plan.readings().iter().map(|reading| &reading.shape)
    }

    /// The number of readings.
    pub(super) fn series(&self) -> usize {
        self.plan.readings().len()
    }

    /// Objects that say how rows are called.
    pub(super) const fn labels(&self) -> &[Oid] {
        &self.labels
    }

    /// The object at this place.
    pub(super) fn oid(&self, place: u32) -> Option<&Oid> {
        let place = usize::try_from(place).ok()?;
        let first_label = self.polled();
        match self.plan.oids().get(place) {
            Some(oid) => Some(oid),
            None if place < first_label => Some(&self.uptime),
            None => self.labels.get(place - first_label),
        }
    }

    /// The object at this place, as it stands in a packet.
    pub(super) fn encoded(&self, place: u32) -> &[u8] {
        let bytes = usize::try_from(place).ok().and_then(|place| self.encoded.get(place));
        bytes.map_or(&[], |bytes| bytes)
    }

    /// Is it sysUpTime, which no walk asks for?
    pub(super) fn is_uptime(&self, place: u32) -> bool {
        usize::try_from(place).is_ok_and(|place| place == self.plan.oids().len())
    }

    /// The number of objects that are asked for in every poll, sysUpTime included.
    pub(super) fn polled(&self) -> usize {
        self.plan.oids().len() + 1
    }

    /// The number of objects that are ever asked for.
    pub(super) fn slots(&self) -> usize {
        self.encoded.len()
    }
}

/// All objects that any device has.
#[derive(Debug, Default)]
pub(super) struct Plans {
    known: HashMap<u64, Weak<Objects>>,
    /// When there are so many, those that nobody has any more are forgotten.
    forget_from: usize,
    hasher: RandomState,
}

impl Plans {
    /// The objects of this plan and these labels: those of another device, if they are the same.
    pub(super) fn share(&mut self, plan: SnmpPlan, labels: Vec<Oid>) -> Arc<Objects> {
        let key = self.key(&plan, &labels);
        let known = self.known.get(&key).and_then(Weak::upgrade);
        let is_same = |known: &Arc<Objects>| known.plan == plan && *known.labels == *labels;
        if let Some(same) = known.filter(is_same) {
            return same;
        }
        self.forget();
        let objects = Arc::new(Objects::new(plan, labels.into_boxed_slice()));
        self.known.insert(key, Arc::downgrade(&objects));
        objects
    }

    fn key(&self, plan: &SnmpPlan, labels: &[Oid]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (plan.oids(), labels).hash(&mut hasher);
        for shape in plan.readings().iter().map(|reading| &reading.shape) {
            (shape.quantity, &shape.channel, shape.exponent).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Forgets objects that no device has any more, now and then.
    fn forget(&mut self) {
        if self.known.len() >= self.forget_from.max(FORGET_FROM) {
            self.known.retain(|_, objects| objects.strong_count() > 0);
            self.forget_from = self.known.len().saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use profile::{Profile, SnmpValue, VarBinds};

    use super::*;

    fn profile(channel: &str) -> Profile {
        let text = format!(
            "id = \"one\"\nmaker = \"maker\"\nmodel = \"one\"\nprotocol = \"snmp\"\nconfidence = \"known\"\n\
             sources = \"made up\"\n\n[[table]]\nindex = [\"outlet\"]\nchannel = \"{channel}.{{outlet}}\"\nreading = [\n  \
             {{ quantity = \"current\", column = \"1.3.6.1.4.1.32473.1.1.1\", unit = \"A\" }},\n]\n"
        );
        Profile::parse("test.toml", &text).unwrap()
    }

    fn plan(channel: &str, rows: u32) -> SnmpPlan {
        let column: Oid = "1.3.6.1.4.1.32473.1.1.1".parse().unwrap();
        let found: VarBinds = (1..=rows).map(|row| (column.child(&[row]), SnmpValue::Gauge32(row))).collect();
        profile(channel).snmp().unwrap().plan(&found)
    }

    #[test]
    fn devices_with_the_same_objects_share_them_and_others_do_not() {
        let mut plans = Plans::default();
        let one = plans.share(plan("outlet", 3), Vec::new());
        let same = plans.share(plan("outlet", 3), Vec::new());
        assert!(Arc::ptr_eq(&one, &same));
        assert_eq!((one.series(), one.polled(), one.slots()), (3, 4, 4));
        let label: Oid = "1.3.6.1.4.1.32473.1.2.1".parse().unwrap();
        let others = [
            plans.share(plan("outlet", 4), Vec::new()),
            plans.share(plan("inlet", 3), Vec::new()),
            plans.share(plan("outlet", 3), vec![label]),
        ];
        assert!(others.iter().all(|other| !Arc::ptr_eq(&one, other)));
        assert_eq!(others[1].shapes().next().unwrap().channel.as_str(), "inlet.1");
    }

    #[test]
    fn what_no_device_has_any_more_is_forgotten() {
        let mut plans = Plans::default();
        let kept = plans.share(plan("outlet", 1), Vec::new());
        for rows in 2..=200 {
            drop(plans.share(plan("outlet", rows), Vec::new()));
        }
        assert!(plans.known.len() <= FORGET_FROM, "{}", plans.known.len());
        assert!(Arc::ptr_eq(&kept, &plans.share(plan("outlet", 1), Vec::new())));
    }
}
