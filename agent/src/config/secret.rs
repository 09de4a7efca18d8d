//! Secrets, which never stand in the configuration itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use settings::Table;
use zeroize::Zeroizing;

use super::{cannot_read, read_text};
use crate::snmp::usm::{AuthProtocol, PrivacyProtocol, UnknownAlgorithm, User, UserError};

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
    named: BTreeMap<String, Option<crate::snmp::Credentials>>,
}

impl Credentials {
    /// Reads them with their files. Those that are wrong are kept as names, so that they are not reported twice.
    pub fn from_table(root: &Table<'_>, folders: &Folders) -> Self {
        let read = |table: &Table<'_>| {
            let one = |name: String| {
                let credentials = table.optional_table(&name, |table| credentials(table, folders));
                (name, credentials)
            };
            Some(Self { named: table.keys().into_iter().map(one).collect() })
        };
        root.optional_table("credentials", read).unwrap_or_default()
    }

    /// What a device names under `credentials`; notes a mistake if there is none of that name.
    pub fn of_device(&self, table: &Table<'_>) -> Option<crate::snmp::Credentials> {
        let name = table.string("credentials")?;
        let Some(credentials) = self.named.get(&name) else {
            table.mistake("credentials", format_args!("there is no `[credentials.{name}]`"));
            return None;
        };
        credentials.clone()
    }

    /// Those of this name, if there are and they are right.
    pub fn named(&self, name: &str) -> Option<&crate::snmp::Credentials> {
        self.named.get(name)?.as_ref()
    }

    /// All that are right, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &crate::snmp::Credentials)> {
        self.named.iter().filter_map(|(name, credentials)| Some((name.as_str(), credentials.as_ref()?)))
    }
}

/// The credentials in a file of their own, as `probe --credentials` takes it: the keys of a `[credentials.NAME]`, or
/// nothing but a community in one line.
///
/// # Errors
/// Every mistake in it, in words.
pub fn credentials_of_file(path: &Path) -> Result<crate::snmp::Credentials, String> {
    let text = Zeroizing::new(read_text(path).map_err(|error| cannot_read(path, &error))?);
    if !(text.contains("version") && text.contains('=')) {
        let community = text.trim_end_matches(['\r', '\n']).as_bytes();
        return crate::snmp::Credentials::v2c(community)
            .map_err(|error| format!("`{}`: {error}", path.display()));
    }
    let folders = Folders::of(path, None);
    settings::read(&path.display().to_string(), &text, |root| credentials(root, &folders))
        .map_err(|mistakes| mistakes.to_string())
}

/// One `[credentials.NAME]`.
fn credentials(table: &Table<'_>, folders: &Folders) -> Option<crate::snmp::Credentials> {
    let version = table.string("version")?;
    let make = match version.as_str() {
        "1" => crate::snmp::Credentials::v1,
        "2c" => crate::snmp::Credentials::v2c,
        "3" => return user(table, folders).map(crate::snmp::Credentials::v3),
        _ => {
            table.mistake("version", format_args!("found \"{version}\", expected \"1\", \"2c\" or \"3\""));
            // Which other keys belong here cannot be said without it.
            table.keys();
            return None;
        }
    };
    let (path, secret) = secret(table, "community_file", folders)?;
    let wrong = |error| table.mistake("community_file", format_args!("`{}`: {error}", path.display()));
    make(&secret).map_err(wrong).ok()
}

/// `user`, `auth` with `auth_file`, `privacy` with `privacy_file`, `context`.
fn user(table: &Table<'_>, folders: &Folders) -> Option<User> {
    let name = table.string("user");
    let auth = algorithm::<AuthProtocol>(table, ("auth", "auth_file"), folders);
    let privacy = algorithm::<PrivacyProtocol>(table, ("privacy", "privacy_file"), folders);
    let context = table.optional_string("context");
    if table.has("privacy") && !table.has("auth") {
        table.mistake("privacy", "there is no privacy without authentication: `auth` is missing");
        return None;
    }
    let mut user = User::new(&name?).map_err(|error| table.mistake("user", error)).ok()?;
    if let Some((protocol, (path, secret))) = auth.ok()? {
        user = user
            .with_auth(protocol, &secret)
            .map_err(|error| short(table, "auth_file", &path, error))
            .ok()?;
    }
    if let Some((protocol, (path, secret))) = privacy.ok()? {
        user = user
            .with_privacy(protocol, &secret)
            .map_err(|error| short(table, "privacy_file", &path, error))
            .ok()?;
    }
    user.with_context(&context.unwrap_or_default()).map_err(|error| table.mistake("context", error)).ok()
}

fn short(table: &Table<'_>, key: &str, path: &Path, error: UserError) {
    table.mistake(key, format_args!("`{}`: {error}", path.display()));
}

/// Something is wrong and was noted as a mistake.
struct Noted;

type Secret = (PathBuf, Zeroizing<Vec<u8>>);

/// An algorithm and the passphrase that belongs to it: neither or both.
fn algorithm<T: FromStr<Err = UnknownAlgorithm>>(
    table: &Table<'_>,
    (key, file): (&str, &str),
    folders: &Folders,
) -> Result<Option<(T, Secret)>, Noted> {
    match (table.has(key), table.has(file)) {
        (false, false) => Ok(None),
        (true, true) => {
            let (protocol, secret) = (table.parsed::<T>(key), secret(table, file, folders));
            Ok(Some((protocol.ok_or(Noted)?, secret.ok_or(Noted)?)))
        }
        (true, false) => {
            table.optional_parsed::<T>(key);
            table.mistake(file, format_args!("is missing: `{key}` needs a passphrase in a file"));
            Err(Noted)
        }
        (false, true) => {
            table.optional_string(file);
            table.mistake(key, format_args!("is missing: `{file}` says with what, but not how"));
            Err(Noted)
        }
    }
}

/// What stands in the file under `key`: one line.
fn secret(table: &Table<'_>, key: &str, folders: &Folders) -> Option<Secret> {
    let path = folders.path(table, key)?;
    match secret_of(&path) {
        Ok(secret) => Some((path, secret)),
        Err(error) => {
            table.mistake(key, cannot_read(&path, &error));
            None
        }
    }
}

fn secret_of(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(read_text(path)?);
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).as_bytes().to_vec()))
}
