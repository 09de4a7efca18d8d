//! `[traps]`: whether and where notifications of devices are listened for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use settings::Table;

use super::{DeviceConfig, Folders, Speech};
use crate::traps::Sender;

/// Name of the file of the engine, beside the spool.
const ENGINE_FILE_USUAL: &str = "snmp-engine";

/// Where notifications are listened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrapsConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// The file that keeps the id of the agent's own engine of SNMP v3 and the number of its starts.
    pub engine_file: PathBuf,
}

impl TrapsConfig {
    /// `spool` is the folder of the spool, beside which that file stands if nothing is said.
    pub(super) fn from_table(table: &Table<'_>, folders: &Folders, spool: &Path) -> Option<Self> {
        let listen = table.string("listen")?;
        let parsed = listen.parse::<SocketAddr>().ok();
        if parsed.is_none() {
            let what =
                format_args!("found \"{listen}\", expected an address and a port such as \"0.0.0.0:162\"");
            table.mistake("listen", what);
        }
        let engine_file = if table.has("engine_file") { folders.path(table, "engine_file") } else { None };
        let engine_file = engine_file.unwrap_or_else(|| spool.with_file_name(ENGINE_FILE_USUAL));
        Some(Self { listen: parsed?, engine_file })
    }
}

/// Who may send notifications: every device that is asked over SNMP, with the credentials by which it is asked.
pub fn senders(devices: &[DeviceConfig]) -> Vec<Sender> {
    let sender = |device: &DeviceConfig| {
        let Speech::Snmp(snmp) = &device.speech else { return None };
        let (host, _) = snmp.endpoint.rsplit_once(':')?;
        let credentials = snmp.credentials.clone();
        let profile = Some(Arc::clone(&snmp.profile));
        Some(Sender { device: device.id.clone(), host: host.to_owned(), credentials, profile })
    };
    devices.iter().filter_map(sender).collect()
}
