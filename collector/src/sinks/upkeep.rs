//! Forgets what nobody needs any more: changes that every sink has passed, raw samples past their time.

use std::time::Duration;

use store::{ChangeSeq, Hour, Month};

use crate::service::Surroundings;

/// How often.
const EVERY: Duration = Duration::from_hours(1);

/// Tidies up for ever.
pub(super) async fn keep_tidy(around: Surroundings) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = tidy(&around).await {
            tracing::error!(error = format!("{error:#}"), "old data cannot be deleted");
        }
    }
}

async fn tidy(around: &Surroundings) -> anyhow::Result<()> {
    let reader = around.store.reader()?;
    let mut through = reader.last_change()?;
    for sink in &around.config.sinks {
        // A sink that was never filled is filled from the record, not from the log.
        if let Some(cursor) = reader.sink_cursor(&sink.id)? {
            through = through.min(cursor.position);
        }
    }
    drop(reader);
    if through > ChangeSeq::new(0) {
        around.writer.work(move |writer| writer.transaction(|tx| tx.forget_changes(through))).await??;
    }
    let oldest = around.clock.now() - around.config.raw_retention;
    let month = Month::of(Hour::of(oldest)?);
    let dropped = around.writer.work(move |writer| writer.drop_raw_before(month)).await??;
    for month in dropped {
        tracing::info!(%month, "raw samples are past their time and deleted");
    }
    Ok(())
}
