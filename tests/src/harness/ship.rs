//! Ships a spool with the ordinary uplink, from inside the test.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use model::AgentId;
use sim::history::{Credentials, ship};
use spool::{Recovery, Spool, SpoolReader};
use tokio_util::sync::CancellationToken;

/// Ships all that is in the spool behind a reader, as `agent`; the certificates are in `credentials`.
pub(crate) fn ship_spool(collector: SocketAddr, agent: &str, credentials: &Path, reader: SpoolReader) {
    // Fails only if another test of this process has done it already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let done = CancellationToken::new();
    done.cancel();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (url, agent) = (format!("https://{collector}"), AgentId::new(agent).unwrap());
    let credentials = Credentials { dir: credentials.to_owned() };
    let shipped = runtime.block_on(ship((&url, &agent, &credentials), reader, &done, |_| {}));
    shipped.unwrap();
}

/// Opens the spool that an agent has left behind and ships what is not acknowledged yet.
pub(crate) fn drain(collector: SocketAddr, agent: &str, dir: &Path) -> (Spool, Recovery) {
    let options = spool::Options { keep_acknowledged: Duration::from_hours(24), ..spool::Options::default() };
    let (spool, recovery) = Spool::open(&dir.join(format!("spool-{agent}")), options).unwrap();
    ship_spool(collector, agent, dir, spool.reader());
    (spool, recovery)
}
