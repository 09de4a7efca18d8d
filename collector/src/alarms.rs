//! Alarm rules: they look at the record and at what arrived last, and open and close incidents in the record.
//!
//! Rules: a device is silent (no value for three of its periods), yesterday's or today's coverage is low, a limit of
//! the site's file is passed for as long as it says. Two agents that send one device are told by `close`.
//!
//! Invariants: at most one open incident for each site, kind and subject; a rule that cannot be checked, because
//! nothing was heard since the start, opens and closes nothing.

mod rules;

use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::service::Surroundings;

pub use rules::{Watch, kind_of};

/// How many rules there are.
pub const RULES: u32 = 4;
/// Kind of the alarm that two agents send one device.
pub const TWO_AGENTS: &str = "two_agents";
/// Kind of the alarm that a device does not answer.
pub const SILENT_DEVICE: &str = "silent_device";
/// Kind of the alarm that less data is there than needed.
pub const LOW_COVERAGE: &str = "low_coverage";
/// Kind of the alarm that a limit of the site's file is passed.
pub const LIMIT: &str = "limit";

/// How often the rules are checked.
const EVERY: Duration = Duration::from_secs(10);

/// Starts the task that checks the rules.
pub fn spawn(tasks: &mut JoinSet<()>, around: &Surroundings, stop: &CancellationToken) {
    let (around, stop) = (around.clone(), stop.clone());
    tasks.spawn(async move { watch(around, stop).await });
}

async fn watch(around: Surroundings, stop: CancellationToken) {
    let mut rules = Watch::new(around.config.alarms, around.clock.now());
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let around = around.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let result = check(&mut rules, &around);
            (rules, result)
        });
        match checked.await {
            Ok((back, result)) => {
                rules = back;
                if let Err(error) = result {
                    tracing::error!(error = format!("{error:#}"), "alarm rules cannot be checked");
                }
            }
            // A task that broke ends; the service sees that and ends too.
            Err(error) => return tracing::error!(%error, "alarm rules broke"),
        }
    }
}

fn check(rules: &mut Watch, around: &Surroundings) -> anyhow::Result<()> {
    let reader = around.store.reader()?;
    let now = around.clock.now();
    let context = around.catalogue.context(&reader, now)?;
    let findings = rules.check(&reader, &context, &around.live, now)?;
    around.writer.work_blocking(move |writer| writer.transaction(|tx| findings.write(tx, now)))??;
    Ok(())
}
