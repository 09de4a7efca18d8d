//! What the collector counts of itself, for Prometheus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::close::CloseCounters;
use crate::ingest::Counters;

/// The counts of a running collector.
#[derive(Debug, Clone)]
pub struct Statistics {
    taken: Arc<Counters>,
    closed: Arc<CloseCounters>,
}

impl Statistics {
    /// Of these.
    pub fn new(taken: Arc<Counters>, closed: Arc<CloseCounters>) -> Self {
        Self { taken, closed }
    }

    /// As OpenMetrics text.
    pub fn text(&self) -> String {
        let mut registry = Registry::with_prefix("wattwacht_collector");
        let Counters { stored, duplicate, rewound, cloned, refused, held_back, bytes } = &*self.taken;
        for (name, help, count) in [
            ("batches_stored", "Batches stored", stored),
            ("batches_duplicate", "Batches that were here already", duplicate),
            ("batches_rewound", "Batches sent back because what lies before was not here", rewound),
            ("batches_cloned", "Batches from a clone of a spool", cloned),
            ("batches_refused", "Batches that were broken, too large or of a newer schema", refused),
            ("batches_held_back", "Batches turned away for the time being", held_back),
            ("batch_bytes", "Bytes of the stored batches", bytes),
        ] {
            registry.register(name, help, ConstCounter::new(load(count)));
        }
        let CloseCounters { samples, unusable, disputed, checkpoints, waiting } = &*self.closed;
        for (name, help, count) in [
            ("samples", "Samples read from batches, missing ones included", samples),
            ("records_unusable", "Records whose payload could not be used", unusable),
            ("samples_disputed", "Samples not taken because another agent holds their device", disputed),
            ("checkpoints", "Checkpoints of the closer", checkpoints),
        ] {
            registry.register(name, help, ConstCounter::new(load(count)));
        }
        let waiting = i64::try_from(load(waiting)).unwrap_or(i64::MAX);
        registry.register("inbox_waiting", "Batches that wait for the closer", ConstGauge::new(waiting));
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &registry) {
            tracing::error!(%error, "statistics cannot be written");
        }
        text
    }
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_its_line() {
        let (taken, closed) = (Arc::new(Counters::default()), Arc::new(CloseCounters::default()));
        taken.stored.store(7, Ordering::Relaxed);
        let text = Statistics::new(taken, closed).text();
        assert!(text.contains("wattwacht_collector_batches_stored_total 7\n"), "{text}");
        assert!(text.contains("wattwacht_collector_inbox_waiting 0\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
