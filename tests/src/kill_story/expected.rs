//! What the spool of an agent says, read with nothing but `spool` and `wire`.

use std::collections::BTreeMap;

use model::{Channel, DeviceId, Missing, PollGroup, Quantity, Raw, SeriesDescriptor};
use spool::{Record, Spool};
use wire::{Payload, decode_payload};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// A series by its names.
pub(crate) type Series = (DeviceId, Quantity, Channel);

/// What is to be in the record.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// Every sample by series and instant.
    pub(crate) samples: BTreeMap<Series, BTreeMap<i64, Result<Raw, Missing>>>,
    /// When the lives of the agent began.
    pub(crate) runs: Vec<i64>,
    series: BTreeMap<u32, SeriesDescriptor>,
    /// Groups of the last life, and up to when each of them has brought what was due.
    groups: BTreeMap<u32, (PollGroup, i64)>,
    run: Option<u64>,
    /// The latest poll.
    latest: i64,
}

/// All samples of all records.
pub(crate) fn of_spool(spool: &Spool) -> Expected {
    let mut expected = Expected::default();
    let mut reader = spool.reader();
    let mut next = 0;
    loop {
        let records = reader.read(next, READ_BYTES).unwrap();
        let Some(last) = records.last() else { return expected };
        if next == 0 {
            assert_eq!(records[0].sequence, 0, "acknowledged records stay for a day, so all are there");
        }
        next = last.sequence + 1;
        for record in &records {
            expected.take(record);
        }
    }
}

impl Expected {
    fn take(&mut self, record: &Record) {
        match decode_payload(&record.payload).unwrap() {
            Payload::RunStart { run, .. } => {
                assert_eq!(run, record.sequence);
                self.runs.push(record.time.millis());
                self.run = Some(run);
                self.series.clear();
                self.groups.clear();
            }
            Payload::Declaration { run, series, groups } => {
                assert_eq!(self.run, Some(run));
                self.series.extend(series.into_iter().map(|one| (one.number, one)));
                for group in groups {
                    self.groups.entry(group.number).or_insert((group, record.time.millis()));
                }
            }
            Payload::Samples { run, samples } => {
                assert_eq!(self.run, Some(run));
                samples.polls.iter().for_each(|poll| self.poll(poll));
            }
            _ => {}
        }
    }

    fn poll(&mut self, poll: &model::Poll) {
        let (group, came_to) = self.groups.get_mut(&poll.group).unwrap();
        assert_eq!(group.series.len(), poll.values.len());
        *came_to = (*came_to).max(poll.time.millis() + 1);
        self.latest = self.latest.max(poll.time.millis());
        for (number, value) in group.series.iter().zip(&poll.values) {
            let series = &self.series[number];
            let key = (series.device.clone(), series.quantity, series.channel.clone());
            let before = self.samples.entry(key).or_default().insert(poll.time.millis(), *value);
            assert_eq!(before, None, "{} has two samples at {}", series.device, poll.time);
        }
    }

    /// How the last life of the agent lays the polls of a device: its period and its offset, in milliseconds.
    pub(crate) fn schedule_of(&self, device: &DeviceId) -> Option<(i64, i64)> {
        let group = self.groups.values().map(|(group, _)| group).find(|group| group.device == *device)?;
        Some((i64::from(group.period_ms), i64::from(group.offset_ms)))
    }

    /// Samples of a device that were due in the last life up to its latest poll and did not come any more, because it
    /// was stopped: only the next start would say that they are lost.
    pub(crate) fn open_end(&self, device: &DeviceId) -> u64 {
        let of_device = self.groups.values().filter(|(group, _)| group.device == *device);
        of_device
            .map(|(group, came_to)| due(group, *came_to, self.latest + 1) * group.series.len() as u64)
            .sum()
    }
}

/// Polls of a group that are due in `[from, to)`.
fn due(group: &PollGroup, from: i64, to: i64) -> u64 {
    let (period, offset) = (i64::from(group.period_ms), i64::from(group.offset_ms));
    (from..to).filter(|instant| (instant - offset).rem_euclid(period) == 0).count() as u64
}
