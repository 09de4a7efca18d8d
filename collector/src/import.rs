//! Files that people bring: a site's meters, factor sets, samples, quarter-hour values.
//!
//! Beside the path of a reading. A file is read as a whole and checked against what the record knows; then it is
//! imported in one transaction, with a number, the file's SHA-256 and an entry in the audit log, or not at all. A dry
//! run does everything but the writing and says what would change.

mod csv;
mod fuels;
mod intervals;
mod registers;
mod samples;
mod texts;

use std::fmt;
use std::path::{Path, PathBuf};

use model::{CityId, MeterPointId, SiteId, Timestamp};
use sha2::{Digest, Sha256};
use store::{ImportNumber, NewAudit, NewImport, StoreError, Tx, Writer};

pub use csv::{CsvMistakes, Variant};

/// The largest file that is read: two million rows of 100 bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A site's TOML: meter points, rooms, racks, targets, limits.
    Topology,
    /// A factor set's TOML.
    Factors,
    /// CSV: time,site,device,quantity,channel,value,unit.
    Samples,
    /// CSV: from,to,site,meter_point,energy_kwh,quality.
    Intervals,
    /// CSV: time,site,meter_point,value,unit,author,reason; states of registers that people read.
    Readings,
    /// CSV: time,site,meter_point,volume_m3; states of water meters.
    Water,
    /// CSV: date,site,fuel,amount,unit,purpose.
    Fuels,
    /// Not available in this version.
    #[value(hide = true)]
    Grid,
    /// Not available in this version.
    #[value(hide = true)]
    Weather,
    /// Not available in this version.
    #[value(hide = true)]
    Refrigerants,
    /// Not available in this version.
    #[value(hide = true)]
    Activity,
    /// Not available in this version.
    #[value(hide = true)]
    Invoices,
    /// Not available in this version.
    #[value(hide = true)]
    Tariffs,
    /// Not available in this version.
    #[value(hide = true)]
    Contracts,
}

impl Kind {
    /// As in commands and in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Topology => "topology",
            Self::Factors => "factors",
            Self::Samples => "samples",
            Self::Intervals => "intervals",
            Self::Readings => "readings",
            Self::Water => "water",
            Self::Fuels => "fuels",
            Self::Grid => "grid",
            Self::Weather => "weather",
            Self::Refrigerants => "refrigerants",
            Self::Activity => "activity",
            Self::Invoices => "invoices",
            Self::Tariffs => "tariffs",
            Self::Contracts => "contracts",
        }
    }
}

/// A file to be imported.
#[derive(Debug)]
pub struct Request<'r> {
    /// Where it lies.
    pub file: &'r Path,
    /// What it holds.
    pub kind: Kind,
    /// How a CSV file is written.
    pub variant: Variant,
    /// Who imports it.
    pub author: &'r str,
    /// When.
    pub at: Timestamp,
    /// Factor sets of the configuration.
    pub factor_files: &'r [PathBuf],
    /// The city of this collector.
    pub city: &'r CityId,
    /// Import, or only say what would change.
    pub mode: Mode,
}

/// Import, or only say what would change?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Import.
    Import,
    /// Only say.
    DryRun,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its number; `None` for a dry run, and where nothing changed.
    pub number: Option<ImportNumber>,
    /// What changed, a line each, for people.
    pub lines: Vec<String>,
}

/// Why a file was not imported. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read `{}`", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It is too big.
    #[error("`{}` has {bytes} bytes, at most {FILE_BYTES_MAX} are read; split it", file.display())]
    TooBig {
        /// The file.
        file: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A text has mistakes.
    #[error("{0}\nnothing was imported")]
    Text(settings::Mistakes),
    /// A table has mistakes.
    #[error(transparent)]
    Table(#[from] CsvMistakes),
    /// What it says does not fit what the record knows.
    #[error("{file}:{line}: {what}\n{file}: nothing was imported", file = file.display())]
    Contradiction {
        /// The file.
        file: PathBuf,
        /// The line.
        line: u64,
        /// What contradicts what.
        what: String,
    },
    /// This version cannot import it yet.
    #[error("import of `{0}` is not available in this version")]
    NotAvailable(&'static str),
    /// What an earlier import kept cannot be read.
    #[error("what was kept of `{key}` cannot be read; was it made by a newer version?")]
    Kept {
        /// Which document.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Sites or factors cannot be read.
    #[error(transparent)]
    Facts(#[from] crate::facts::FactsError),
    /// The record failed.
    #[error("the record could not be written, nothing was imported")]
    Store(#[from] StoreError),
}

/// Imports a file, or says what importing it would change.
///
/// # Errors
/// If it cannot be read, has mistakes, or contradicts the record. Nothing of it was imported then.
pub fn import(writer: &mut Writer, request: &Request<'_>) -> Result<Summary, ImportError> {
    let bytes = read(request.file)?;
    match request.kind {
        Kind::Topology => texts::topology(writer, request, &bytes),
        Kind::Factors => texts::factors(writer, request, &bytes),
        Kind::Samples => samples::import(writer, request, &bytes),
        Kind::Intervals => intervals::import(writer, request, &bytes),
        Kind::Readings | Kind::Water => registers::import(writer, request, &bytes),
        Kind::Fuels => fuels::import(writer, request, &bytes),
        other => Err(ImportError::NotAvailable(other.as_str())),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, ImportError> {
    let unreadable = |source| ImportError::Read { file: file.to_owned(), source };
    let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(ImportError::TooBig { file: file.to_owned(), bytes });
    }
    std::fs::read(file).map_err(unreadable)
}

impl Request<'_> {
    fn name(&self) -> String {
        self.file.display().to_string()
    }

    fn contradiction(&self, line: u64, what: impl fmt::Display) -> ImportError {
        ImportError::Contradiction { file: self.file.to_owned(), line, what: what.to_string() }
    }

    /// Notes the import and its entry in the audit log, in the transaction that writes what it brings.
    fn note(
        &self,
        tx: &Tx<'_>,
        bytes: &[u8],
        rows: usize,
        detail: String,
    ) -> Result<ImportNumber, StoreError> {
        let number = tx.add_import(&NewImport {
            kind: self.kind.as_str().to_owned(),
            file: self.name(),
            sha256: Sha256::digest(bytes).into(),
            rows: rows as u64,
            author: self.author.to_owned(),
            at: self.at,
        })?;
        tx.audit(&NewAudit {
            at: self.at,
            actor: self.author.to_owned(),
            action: "import".to_owned(),
            object: format!("{}/{number}", self.kind.as_str()),
            detail,
        })?;
        Ok(number)
    }
}

/// A meter point by its full key.
type PointKey = (SiteId, MeterPointId);
