//! Copies of the record elsewhere: each sink follows the log of changes with a cursor of its own.
//!
//! Beside the path of a reading: what became durable is read from the record again, encoded as line protocol and
//! written; the cursor moves after the sink's answer. A sink may be slow, down or rebuilt: nothing is lost, nothing
//! waits for it, and nothing is read back from it. A sink that was never there is filled from the whole record first.
//!
//! Invariants: a change is passed only when all of its lines are stored, refused for what they are (and kept in
//! quarantine) or older than the sink's retention; sending twice is harmless.

mod follow;
mod intervals;
mod lines;
mod upkeep;

#[cfg(test)]
mod tests;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::service::Surroundings;

/// Starts a task for each sink of the configuration, and the one that forgets what nobody needs any more.
pub fn spawn(tasks: &mut JoinSet<()>, around: &Surroundings, stop: &CancellationToken) {
    for sink in &around.config.sinks {
        let (around, stop) = (around.clone(), stop.clone());
        let sink = sink.clone();
        tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                // Cut off wherever it is: what was not confirmed is sent again.
                () = follow::follow(around, sink) => {}
            }
        });
    }
    let (around, stop) = (around.clone(), stop.clone());
    tasks.spawn(async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = upkeep::keep_tidy(around) => {}
        }
    });
}
