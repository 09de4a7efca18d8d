//! The spool against a plain model: random use on a disk that fails at random.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::faulty::{Fault, FaultyDisk};
use super::{SMALL, at, read_all};
use crate::{Lost, Record, Spool};

#[derive(Debug, Clone)]
enum Action {
    Append(usize),
    Sync,
    Acknowledge(prop::sample::Index),
    Check,
    Close,
    Kill,
    CutPower(usize),
    Fail(Fault),
}

fn action() -> impl Strategy<Value = Action> {
    let fault = prop_oneof![
        (0usize..200).prop_map(Fault::ShortWrite),
        Just(Fault::Sync),
        Just(Fault::Create),
        Just(Fault::Names)
    ];
    prop_oneof![
        8 => (0usize..400).prop_map(Action::Append),
        6 => Just(Action::Sync),
        2 => any::<prop::sample::Index>().prop_map(Action::Acknowledge),
        2 => Just(Action::Check),
        1 => Just(Action::Close),
        1 => Just(Action::Kill),
        1 => (0usize..300).prop_map(Action::CutPower),
        3 => fault.prop_map(Action::Fail),
    ]
}

/// What must hold, in plain words and plain maps.
struct Model {
    disk: FaultyDisk,
    spool: Option<Spool>,
    /// Appended in this life, by number; becomes durable with a sync that succeeds.
    waiting: BTreeMap<u64, Record>,
    /// Every record that a sync said is on disk, in any life.
    durable: BTreeMap<u64, Record>,
    /// Every record that a reader was ever given.
    seen: BTreeMap<u64, Record>,
    /// Every range that the spool said is lost.
    lost: Vec<Lost>,
    acknowledged: u64,
    clock: i64,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            disk: FaultyDisk::default(),
            spool: None,
            waiting: BTreeMap::new(),
            durable: BTreeMap::new(),
            seen: BTreeMap::new(),
            lost: Vec::new(),
            acknowledged: 0,
            clock: 0,
        };
        model.open();
        model
    }

    fn spool(&mut self) -> &mut Spool {
        self.spool.as_mut().expect("it is open between two actions")
    }

    fn open(&mut self) {
        self.disk.heal();
        let (spool, recovery) = Spool::open_on(Arc::new(self.disk.clone()), SMALL).unwrap();
        self.waiting.clear();
        self.lost.extend(recovery.lost);
        spool.reader().acknowledge(self.acknowledged);
        self.spool = Some(spool);
        self.check();
    }

    fn step(&mut self, action: &Action) {
        match *action {
            Action::Append(bytes) => self.append(bytes),
            Action::Sync => self.sync(),
            Action::Acknowledge(index) => self.acknowledge(index),
            Action::Check => self.check(),
            Action::Close => {
                self.disk.heal();
                self.sync();
                self.spool.take().expect("it is open").close().unwrap();
                self.open();
            }
            Action::Kill => {
                self.spool = None;
                self.open();
            }
            Action::CutPower(torn) => {
                self.spool = None;
                self.disk.cut_power(torn);
                self.open();
            }
            Action::Fail(fault) => self.disk.fail(fault),
        }
    }

    fn append(&mut self, bytes: usize) {
        self.clock += 1;
        let (time, payload) = (at(self.clock), vec![self.clock.to_le_bytes()[0]; bytes]);
        let appended = self.spool().append(time, &payload).unwrap();
        let sequence = appended.sequence;
        assert!(!self.seen.contains_key(&sequence), "number {sequence} is used again");
        assert!(!self.durable.contains_key(&sequence), "number {sequence} is used again");
        self.waiting.insert(sequence, Record { sequence, time, payload });
        self.lost.extend(appended.lost);
    }

    fn sync(&mut self) {
        if self.spool().sync().is_ok() {
            self.durable.append(&mut self.waiting);
        }
    }

    fn acknowledge(&mut self, index: prop::sample::Index) {
        self.check();
        let numbers: Vec<u64> = self.seen.keys().map(|number| number + 1).collect();
        if !numbers.is_empty() {
            self.acknowledged = self.acknowledged.max(numbers[index.index(numbers.len())]);
            let reader = self.spool().reader();
            reader.acknowledge(self.acknowledged);
        }
    }

    fn check(&mut self) {
        let read: BTreeMap<u64, Record> = read_all(&mut self.spool().reader(), 0)
            .into_iter()
            .map(|record| (record.sequence, record))
            .collect();
        for (number, record) in &read {
            let known = self.durable.get(number).or(self.waiting.get(number)).or(self.seen.get(number));
            assert!(known.is_none_or(|known| known == record), "record {number} is not what was written");
        }
        for number in self.durable.keys().filter(|number| **number >= self.acknowledged) {
            let told = self.lost.iter().any(|lost| lost.first <= *number && *number <= lost.last)
                || self.spool.as_ref().expect("it is open").is_about_to_tell(*number);
            assert!(read.contains_key(number) || told, "record {number} is gone without a word");
        }
        let status = self.spool().status();
        assert!(status.bytes <= SMALL.cap_bytes + SMALL.segment_bytes, "{} bytes", status.bytes);
        self.seen.extend(read);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_what_was_synced_is_read_back_or_told_lost_and_no_number_is_used_twice(
        actions in proptest::collection::vec(action(), 1..120),
    ) {
        let mut model = Model::new();
        for action in actions {
            model.step(&action);
        }
        model.disk.heal();
        model.sync();
        model.check();
    }
}
