//! A checkpoint: everything that is to become durable at once, and how it is written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use model::{IntervalValue, QuarterHour, SeriesDescriptor, Severity, SpoolId, Timestamp};
use store::{
    Block, Cause, Chunk, Day, DeviceKey, Finality, Gap, GaugeQuarter, Hour, InboxId, IntervalSubject,
    LossStatement, NewAlarm, PlannedGroup, Reader, ReportedEvent, SeriesId, Sighting, StoreError, Tx, Writer,
};

use super::memory::{Dispute, HOLD_MS};
use super::recount::Recount;
use super::track::FromRaw;
use crate::alarms;

/// A hole in a row of quarter hours up to which they are written as one run.
const HOLE_MAX: i64 = QuarterHour::PER_DAY;

/// All that a checkpoint makes durable.
#[derive(Debug, Default)]
pub(super) struct Commit {
    pub(super) at: Timestamp,
    pub(super) through: Option<InboxId>,
    pub(super) chunks: Vec<Chunk>,
    pub(super) intervals: Vec<(SeriesId, Vec<(QuarterHour, IntervalValue)>)>,
    pub(super) gauges: Vec<(SeriesId, Vec<(QuarterHour, GaugeQuarter)>)>,
    pub(super) gauges_from_raw: Vec<FromRaw>,
    pub(super) recounts: Vec<Recount>,
    pub(super) losses: Vec<(DeviceKey, BTreeMap<Day, LossStatement>)>,
    pub(super) claims: Vec<(DeviceKey, store::AgentKey, Timestamp)>,
    pub(super) states: Vec<(SpoolId, Vec<u8>)>,
    pub(super) plans: Vec<(store::AgentKey, Timestamp, Vec<PlannedGroup>)>,
    pub(super) events: Vec<ReportedEvent>,
    pub(super) gaps: Vec<Gap>,
    pub(super) sightings: Vec<Sighting>,
    pub(super) disputes: Vec<Dispute>,
}

impl Commit {
    /// Writes it. Raw samples go first: they merge with what is there, so a kill before the transaction does no harm.
    pub(super) fn write(&self, writer: &mut Writer) -> Result<(), StoreError> {
        writer.put_chunks(&self.chunks)?;
        let mut gauges = Vec::with_capacity(self.gauges_from_raw.len());
        for wanted in &self.gauges_from_raw {
            let values = values(writer.reader(), wanted)?;
            gauges.extend(wanted.sum_up(values).map(|span| (wanted.series, span)));
        }
        let mut recounted = Vec::new();
        for recount in &self.recounts {
            recounted.extend(recount.values(writer.reader())?);
        }
        writer.transaction(|tx| {
            let why = String::from("samples came late");
            let cause = Cause { at: self.at, why, import: None };
            for (series, values) in &recounted {
                put(tx, *series, values, &cause)?;
            }
            for (series, span) in &gauges {
                tx.put_gauges(*series, span.quarter, &[Some(span.stored())])?;
            }
            self.count(tx)
        })
    }

    fn count(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let why = String::from("counted from registers");
        let cause = Cause { at: self.at, why, import: None };
        for (series, values) in &self.intervals {
            put(tx, *series, values, &cause)?;
        }
        for (series, values) in &self.gauges {
            for (first, run) in runs(values) {
                tx.put_gauges(*series, first, &run)?;
            }
        }
        for (device, days) in &self.losses {
            for (day, statement) in days {
                tx.add_losses(*device, *day, statement)?;
            }
        }
        self.note(tx)?;
        for (key, state) in &self.states {
            tx.put_spool_state(*key, state)?;
        }
        self.through.map_or(Ok(()), |through| tx.delete_inbox_through(through).map(drop))
    }

    fn note(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        for (device, agent, at) in &self.claims {
            tx.claim_device(*device, agent, *at, HOLD_MS)?;
        }
        for (agent, from, groups) in &self.plans {
            tx.set_plan(agent, *from, groups)?;
        }
        self.events.iter().try_for_each(|event| tx.add_event(event))?;
        self.gaps.iter().try_for_each(|gap| tx.add_gap(gap))?;
        self.sightings.iter().try_for_each(|sighting| tx.saw_agent(sighting))?;
        for dispute in &self.disputes {
            let device = tx.device_by_key(dispute.device)?;
            let subject = device.map_or_else(|| dispute.device.to_string(), |device| device.id.to_string());
            let detail =
                format!("agents {} and {} both send device {subject}", dispute.holder, dispute.other);
            tx.open_alarm(&NewAlarm {
                site: dispute.holder.site.clone(),
                kind: alarms::TWO_AGENTS.to_owned(),
                subject,
                severity: Severity::Critical,
                detail,
                at: self.at,
            })?;
        }
        Ok(())
    }
}

fn put(
    tx: &Tx<'_>,
    series: SeriesId,
    values: &[(QuarterHour, IntervalValue)],
    cause: &Cause,
) -> Result<(), StoreError> {
    let id = tx.interval_series(&IntervalSubject::Register(series))?;
    for (first, run) in runs(values) {
        tx.put_intervals(id, first, &run, (Finality::Final, cause))?;
    }
    Ok(())
}

/// The values of a quarter hour of a gauge in its canonical unit, each by the version of its descriptor.
fn values(reader: &Reader, wanted: &FromRaw) -> Result<Vec<f64>, StoreError> {
    let mut descriptors: BTreeMap<u16, SeriesDescriptor> = BTreeMap::new();
    let mut values = Vec::new();
    for sample in reader.samples(wanted.series, wanted.quarter.period())? {
        let Ok(raw) = sample.value else { continue };
        let descriptor = match descriptors.entry(sample.version) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(reader.descriptor(wanted.series, sample.version)?),
        };
        values.push(descriptor.value(raw));
    }
    Ok(values)
}

/// Values in order as runs without long holes; short holes are left as they are in the record.
fn runs<T: Copy>(values: &[(QuarterHour, T)]) -> Vec<(QuarterHour, Vec<Option<T>>)> {
    let mut runs: Vec<(QuarterHour, Vec<Option<T>>)> = Vec::new();
    let mut next = i64::MIN;
    for (quarter, value) in values {
        let hole = quarter.index().saturating_sub(next);
        match runs.last_mut() {
            Some((_, run)) if (0..=HOLE_MAX).contains(&hole) => {
                run.extend((0..hole).map(|_| None));
                run.push(Some(*value));
            }
            _ => runs.push((*quarter, vec![Some(*value)])),
        }
        next = quarter.index() + 1;
    }
    runs
}

/// Blocks as chunks: those of one device and one run of hours together. A later block of the same hours that does not
/// fit the number of hours of the first widens it, as the record does when it merges.
pub(super) fn chunks(blocks: Vec<(DeviceKey, Hour, u8, Block)>) -> Vec<Chunk> {
    let mut by_key: BTreeMap<(DeviceKey, Hour), Chunk> = BTreeMap::new();
    for (device, first, hours, block) in blocks {
        if block.times.is_empty() {
            continue;
        }
        let chunk = by_key.entry((device, first));
        let chunk = chunk.or_insert_with(|| Chunk { device, first, hours, blocks: Vec::new() });
        chunk.hours = chunk.hours.max(hours);
        chunk.blocks.push(block);
    }
    by_key.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarter_hours_are_written_in_runs_that_leave_short_holes_as_they_are() {
        let values: Vec<_> = [1, 2, 5, 300, 301].map(|n| (QuarterHour::from_index(n), n)).into();
        let runs = runs(&values);
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0], (QuarterHour::from_index(1), vec![Some(1), Some(2), None, None, Some(5)]));
        assert_eq!(runs[1], (QuarterHour::from_index(300), vec![Some(300), Some(301)]));
    }
}
