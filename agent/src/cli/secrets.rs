//! `--credentials` of `probe` and `scan`: a file, or a name in a configuration.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use crate::address::Address;
use crate::config::{Credentials as Named, Folders, credentials_of_file, read_text};
use crate::probe::Secret;
use crate::snmp::Credentials;

/// In whose name a device is asked: what `given` says, else the community in the address, else the usual one.
pub(super) fn secret(
    given: Option<&str>,
    config: Option<&Path>,
    address: Option<&Address>,
) -> anyhow::Result<Secret> {
    match (given, config, address) {
        (Some(name), Some(config), _) => of_config(name, config),
        (Some(file), None, _) => of_file(Path::new(file)),
        (None, _, Some(Address::Snmp { community: Some(community), .. })) => {
            let credentials = Credentials::v2c(community.as_bytes())?;
            Ok(Secret { credentials, origin: "the community in the address".to_owned() })
        }
        _ => Ok(Secret::usual()?),
    }
}

/// `[credentials.NAME]` of a configuration.
fn of_config(name: &str, config: &Path) -> anyhow::Result<Secret> {
    let text = read_text(config).with_context(|| format!("cannot read `{}`", config.display()))?;
    let folders = folders(config);
    let file = config.display().to_string();
    let all = settings::read(&file, &text, |root| {
        // The rest of the configuration is not asked for here.
        root.keys();
        Some(Named::from_table(root, &folders))
    })?;
    let found = all.named(name).cloned();
    let credentials = found.ok_or_else(|| anyhow!("there is no `[credentials.{name}]` in `{file}`"))?;
    Ok(Secret { credentials, origin: format!("`[credentials.{name}]` of `{file}`") })
}

/// A file that holds a community and nothing else, or the keys that `[credentials.NAME]` has.
fn of_file(path: &Path) -> anyhow::Result<Secret> {
    let credentials = credentials_of_file(path).map_err(|error| anyhow!(error))?;
    Ok(Secret { credentials, origin: format!("what `{}` holds", path.display()) })
}

fn folders(path: &Path) -> Folders {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    Folders::of(path, credentials.as_deref())
}
