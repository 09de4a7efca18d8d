//! Secrets, which never stand in the configuration itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use settings::Table;

use super::{cannot_read, read_text};
use crate::snmp::community_fits;

/// How a path says that it is a credential handed over by systemd (`LoadCredential=`).
const CREDENTIAL: &str = "credential:";

/// What paths in a configuration are relative to.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    base: PathBuf,
    credentials: Option<PathBuf>,
}

impl Folders {
    /// Those of a configuration file.
    pub fn of(config: &Path, credentials: Option<&Path>) -> Self {
        let base = config.parent().unwrap_or(Path::new("")).to_owned();
        Self { base, credentials: credentials.map(Path::to_owned) }
    }

    /// The path under `key`: relative to the configuration, absolute, or `credential:NAME`.
    pub fn path(&self, table: &Table<'_>, key: &str) -> Option<PathBuf> {
        let text = table.string(key)?;
        let Some(name) = text.strip_prefix(CREDENTIAL) else { return Some(self.base.join(text)) };
        if name.is_empty() || name.contains('/') {
            table.mistake(key, format_args!("found \"{text}\", expected {CREDENTIAL}NAME"));
            return None;
        }
        let Some(folder) = &self.credentials else {
            table.mistake(
                key,
                format_args!("\"{text}\" needs a service of systemd with LoadCredential={name}:..."),
            );
            return None;
        };
        Some(folder.join(name))
    }
}

/// Named credentials: `[credentials.lab]`.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    communities: BTreeMap<String, Option<Arc<[u8]>>>,
}

impl Credentials {
    /// Reads them with their files. Those that are wrong are kept as names, so that they are not reported twice.
    pub fn from_table(root: &Table<'_>, folders: &Folders) -> Self {
        let read = |table: &Table<'_>| {
            let one = |name: String| {
                let community = table.optional_table(&name, |table| credential(table, folders));
                (name, community)
            };
            Some(Self { communities: table.keys().into_iter().map(one).collect() })
        };
        root.optional_table("credentials", read).unwrap_or_default()
    }

    /// The community that a device names under `credentials`; notes a mistake if there is none of that name.
    pub fn community(&self, table: &Table<'_>) -> Option<Arc<[u8]>> {
        let name = table.string("credentials")?;
        let Some(community) = self.communities.get(&name) else {
            table.mistake("credentials", format_args!("there is no `[credentials.{name}]`"));
            return None;
        };
        community.clone()
    }
}

fn credential(table: &Table<'_>, folders: &Folders) -> Option<Arc<[u8]>> {
    let version = table.string("version");
    if let Some(version) = version.as_deref().filter(|version| *version != "2c") {
        table.mistake("version", format_args!("found \"{version}\", expected \"2c\""));
    }
    let path = folders.path(table, "community_file")?;
    community(&path).map_err(|error| table.mistake("community_file", error)).ok()
}

/// The community in a file: one line.
///
/// # Errors
/// If the file cannot be read, is empty, or too long.
pub fn community(path: &Path) -> Result<Arc<[u8]>, String> {
    let text = read_text(path).map_err(|error| cannot_read(path, &error))?;
    let community = text.trim_end_matches(['\r', '\n']).as_bytes();
    if !community_fits(community) {
        return Err(format!("`{}` holds no community of 1 to 255 bytes", path.display()));
    }
    Ok(Arc::from(community))
}
