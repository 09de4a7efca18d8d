//! From the closer's memory to the table of latest values.

use std::collections::{HashMap, HashSet};

use model::{Period, SpoolId, Timestamp};
use store::SeriesId;

use super::live::LiveTable;
use super::memory::Memory;
use super::spool::Known;

impl Memory {
    /// Shows the samples of a chunk that lie in a period, for series that are declared now.
    pub(super) fn publish_chunk(&self, live: &LiveTable, chunk: &store::Chunk, period: Period) {
        let groups = self.spools.values().flat_map(|spool| {
            spool
                .groups()
                .filter(|group| self.devices[group.device].key == chunk.device)
                .map(move |group| (spool, group))
        });
        for (spool, group) in groups {
            let known = group.plan.series.iter().filter_map(|number| spool.known.get(number));
            let known: HashMap<(SeriesId, u16), &Known> =
                known.map(|known| ((known.registered.series, known.registered.version), known)).collect();
            for block in &chunk.blocks {
                for column in &block.columns {
                    let Some(known) = known.get(&(column.series, column.version)) else { continue };
                    let samples =
                        block.times.iter().map(|time| Timestamp::from_millis(*time)).zip(column.rows());
                    let recent = samples.filter(|(time, _)| period.contains(*time));
                    let values =
                        recent.filter_map(|(time, raw)| known.shown((time, raw.ok()?), group.plan.period_ms));
                    live.put(values);
                }
                let last = block.times.last().map(|time| Timestamp::from_millis(*time));
                if let Some(last) = last.filter(|last| period.contains(*last)) {
                    live.polled(chunk.device, last, group.plan.period_ms);
                }
            }
        }
    }

    /// Shows the latest polls of the spools that sent something.
    pub(super) fn publish(&self, live: &LiveTable, spools: &HashSet<SpoolId>) {
        for spool in spools.iter().filter_map(|id| self.spools.get(id)) {
            for group in spool.groups() {
                let Some((time, values)) = &group.last else { continue };
                if values.iter().any(Result::is_ok) {
                    live.polled(self.devices[group.device].key, *time, group.plan.period_ms);
                }
                let known = group.plan.series.iter().filter_map(|number| spool.known.get(number));
                let period_ms = group.plan.period_ms;
                live.put(
                    known
                        .zip(values)
                        .filter_map(|(known, raw)| known.shown((*time, (*raw).ok()?), period_ms)),
                );
            }
        }
    }
}
