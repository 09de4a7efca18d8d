//! What can go wrong with the record.

use std::path::{Path, PathBuf};

/// A failure of the record: its files, its rows, or what was asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused something.
    #[error("cannot {doing} `{}`", path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// SQLite could not open a file.
    #[error("cannot open the record `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// SQLite could not do something; the transaction, if there was one, is rolled back.
    #[error("cannot {doing}")]
    Sql {
        /// What was tried, as a verb.
        doing: &'static str,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// A newer program has written this file.
    #[error("`{}` has schema {found}, this program knows up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The highest version known here.
        known: i64,
    },
    /// SQLite's own check found damage.
    #[error("`{}` is damaged: {finding}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first finding.
        finding: String,
    },
    /// A blob does not decode.
    #[error("{what} is damaged")]
    Corrupt {
        /// Which blob.
        what: String,
        /// Why.
        #[source]
        source: CodecError,
    },
    /// A number that the keys or blobs of the record cannot hold.
    #[error("{what} {found} is out of range, expected {expected}")]
    OutOfRange {
        /// What the number counts.
        what: &'static str,
        /// The number.
        found: i128,
        /// What would fit.
        expected: &'static str,
    },
    /// More was asked for than one answer may hold.
    #[error("{what} holds more than {most} rows: ask for a shorter period")]
    TooMany {
        /// What was asked for.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// This store's writer is already open in this process.
    #[error("a writer is already open on `{}`", path.display())]
    WriterTaken {
        /// The folder of the record.
        path: PathBuf,
    },
    /// Something that is not in the record.
    #[error("the record has no {what} {name}")]
    Unknown {
        /// Kind of thing.
        what: &'static str,
        /// Its name or number.
        name: String,
    },
    /// Something that the state of the record forbids.
    #[error("{what}: {why}")]
    Refused {
        /// What was tried.
        what: String,
        /// Why it is not done.
        why: &'static str,
    },
}

impl StoreError {
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    pub(crate) fn sql(doing: &'static str) -> impl Fn(rusqlite::Error) -> Self {
        move |source| Self::Sql { doing, source }
    }

    pub(crate) fn corrupt(what: String) -> impl FnOnce(CodecError) -> Self {
        move |source| Self::Corrupt { what, source }
    }
}

/// Why a blob cannot be encoded or decoded. Whatever the bytes, decoding ends with this or with exactly what was
/// encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The checksum does not fit: bytes were changed, or the blob belongs to another row.
    #[error("checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// CRC-32C over the bytes.
        found: u32,
        /// CRC-32C at the end of the blob.
        expected: u32,
    },
    /// A layout that this program does not know.
    #[error("layout {found} is not known, expected {known}")]
    Version {
        /// Version byte.
        found: u8,
        /// The one known here.
        known: u8,
    },
    /// The bytes end too early.
    #[error("{what} is cut short")]
    Short {
        /// What was being read.
        what: &'static str,
    },
    /// A number that cannot be.
    #[error("{what} is {found}, expected {expected}")]
    Impossible {
        /// What was being read or written.
        what: &'static str,
        /// What stood there.
        found: i128,
        /// What could.
        expected: &'static str,
    },
    /// The compressor refused.
    #[error("{what} cannot be packed or unpacked: {why}")]
    Pack {
        /// Which column.
        what: &'static str,
        /// What the compressor said.
        why: String,
    },
}

impl CodecError {
    pub(crate) fn impossible(
        what: &'static str,
        found: impl Into<i128>,
        expected: &'static str,
    ) -> CodecError {
        CodecError::Impossible { what, found: found.into(), expected }
    }
}

/// Says what was being done when SQLite failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> Result<T, StoreError> {
        self.map_err(StoreError::sql(what))
    }
}
