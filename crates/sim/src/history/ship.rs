//! Ships a history as the agent of its site.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::AgentId;
use spool::SpoolReader;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uplink::{Config, Pace, Uplink, UplinkError};

/// How long a collector may take nothing before a person is told; longer than it needs to settle a whole inbox.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Bytes of a batch: few round trips, and far below what a collector takes.
const BATCH_BYTES: usize = 512 << 10;

/// Certificates of agents in a folder: `ca.pem`, and `AGENT.pem` and `AGENT.key` for each.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The folder.
    pub dir: PathBuf,
}

/// How far a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records that the collector has for good.
    pub acknowledged: u64,
    /// Records on disk.
    pub spooled: u64,
}

/// Why a history was not shipped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShipError {
    /// The uplink cannot be set up.
    #[error("cannot set up the uplink of `{agent}`")]
    Uplink {
        /// As which agent.
        agent: AgentId,
        /// Why.
        #[source]
        source: Box<UplinkError>,
    },
    /// The collector takes nothing.
    #[error("the collector at {url} took nothing of the history of `{agent}` for {} s: {trouble}", PATIENCE.as_secs())]
    Stuck {
        /// Where.
        url: String,
        /// As which agent.
        agent: AgentId,
        /// What the uplink says.
        trouble: String,
    },
}

impl Credentials {
    fn config(&self, url: &str, agent: &AgentId) -> Config {
        let file = |name: &str| Path::new(&self.dir).join(name);
        Config {
            url: url.to_owned(),
            ca: file("ca.pem"),
            cert: file(&format!("{agent}.pem")),
            key: file(&format!("{agent}.key")),
            pace: Pace { target_bytes: BATCH_BYTES, linger: Duration::from_millis(50), ..Pace::default() },
        }
    }
}

/// Ships until everything that is in the spool once `done` is cancelled has been acknowledged. `report` is told how far
/// it is.
///
/// # Errors
/// If the certificates cannot be read, or the collector takes nothing for two minutes.
pub async fn ship(
    (url, agent, credentials): (&str, &AgentId, &Credentials),
    reader: SpoolReader,
    done: &CancellationToken,
    mut report: impl FnMut(Progress),
) -> Result<(), ShipError> {
    let failed = |source| ShipError::Uplink { agent: agent.clone(), source: Box::new(source) };
    let uplink = Uplink::new(credentials.config(url, agent), reader.clone()).map_err(failed)?;
    let statistics = uplink.statistics();
    let stop = CancellationToken::new();
    let running = tokio::spawn(uplink.run(stop.clone()));
    let mut last = (0, Instant::now());
    let result = loop {
        // Looked at before the numbers: what was spooled until then is in them.
        let is_done = done.is_cancelled();
        let progress = Progress { acknowledged: reader.acknowledged(), spooled: reader.synced() };
        report(progress);
        if is_done && progress.acknowledged >= progress.spooled {
            break Ok(());
        }
        if progress.acknowledged != last.0 || progress.acknowledged >= progress.spooled {
            last = (progress.acknowledged, Instant::now());
        }
        if last.1.elapsed() > PATIENCE {
            let trouble =
                statistics.snapshot().last_error.unwrap_or_else(|| "it says nothing of why".to_owned());
            break Err(ShipError::Stuck { url: url.to_owned(), agent: agent.clone(), trouble });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    stop.cancel();
    if let Err(error) = running.await {
        tracing::error!(%error, "the uplink of a history ended badly");
    }
    result
}
