//! Small files of the kernel, read whole and bounded.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use model::Missing;

/// The most that is read of an attribute; sysfs itself gives at most a page.
const ATTRIBUTE_BYTES_MAX: u64 = 4096;
/// The most that is read of a file in /proc; `stat` of a machine with some hundred processors has its sum in front.
const PROC_BYTES_MAX: u64 = 16 << 10;
/// Entries of a folder that are looked at; a large server has some hundred attributes in one.
const ENTRIES_MAX: usize = 4096;

/// Where the kernel's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// `/proc`.
    pub proc: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: PathBuf::from("/proc"), sys: PathBuf::from("/sys") }
    }
}

/// The text of an attribute, without white space around.
pub(super) fn text(path: &Path) -> io::Result<String> {
    Ok(read(path, ATTRIBUTE_BYTES_MAX)?.trim().to_owned())
}

/// The beginning of a file in /proc.
pub(super) fn beginning(path: &Path) -> io::Result<String> {
    read(path, PROC_BYTES_MAX)
}

fn read(path: &Path, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The whole number in an attribute; sensors that are not there now give an error, which is [`Missing::NotAvailable`].
pub(super) fn number(path: &Path) -> Result<i64, Missing> {
    let text = text(path).map_err(|_| Missing::NotAvailable)?;
    text.parse().map_err(|_| Missing::Nonsense)
}

/// Names in a folder, in order; none if there is no such folder.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.take(ENTRIES_MAX).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    names
}
