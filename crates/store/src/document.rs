//! Texts that people write and numbers depend on, in versions that stay.

use model::Timestamp;
use rusqlite::Row;

use crate::audit::sha256;
use crate::tx::{instant, instant_option, parsed};
use crate::{Changed, Core, StoreError, Tx};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $code:literal;)*) => {
        /// Kind of a document.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DocumentKind {
            $($(#[$doc])* $name,)*
        }

        impl DocumentKind {
            /// As in files and addresses.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }

        impl std::str::FromStr for DocumentKind {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($code => Ok(Self::$name),)* _ => Err(()) }
            }
        }
    };
}

kinds! {
    /// A site's meter points, rooms, racks and so on, as TOML; the key is the site.
    Topology "topology";
    /// A set of emission factors, as TOML; the key is its id.
    Factors "factors";
    /// An agent's configuration, as TOML; the key is `site/agent`.
    AgentConfig "agent-config";
    /// Dated limits and laws, as TOML; the key is their id.
    Limits "limits";
    /// Anything else that must be versioned, by a key of its own.
    Other "other";
}

/// A text to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// Its kind.
    pub kind: DocumentKind,
    /// Which of its kind.
    pub key: String,
    /// The text.
    pub text: String,
    /// Who wrote it.
    pub author: String,
    /// When it was put here.
    pub at: Timestamp,
    /// From when what it says holds, where the text does not say that itself.
    pub valid_from: Option<Timestamp>,
}

/// Which version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentVersion {
    /// This one.
    Number(u32),
    /// The highest.
    Latest,
    /// The highest that was there at an instant.
    At(Timestamp),
}

/// A version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Row number, which a change names.
    pub number: i64,
    /// Its version, from 1.
    pub version: u32,
    /// SHA-256 of the text.
    pub sha256: [u8; 32],
    /// What was put.
    pub document: NewDocument,
}

const COLUMNS: &str = "id, kind, key, version, body, sha256, author, at_ms, valid_from_ms";

impl Tx<'_> {
    /// Keeps a text as the next version; the version that it has now. The text of the latest version, valid from the
    /// same instant, makes no new one.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn put_document(&self, document: &NewDocument) -> Result<u32, StoreError> {
        let latest = self.document(document.kind, &document.key, DocumentVersion::Latest)?;
        if let Some(latest) = &latest
            && latest.document.text == document.text
            && latest.document.valid_from == document.valid_from
        {
            return Ok(latest.version);
        }
        let version = latest.map_or(0, |latest| latest.version) + 1;
        let sql = "INSERT INTO document(kind, key, version, body, sha256, author, at_ms, valid_from_ms)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let NewDocument { kind, key, text, author, at, valid_from } = document;
        let valid_from = valid_from.map(Timestamp::millis);
        let hash = sha256(text.as_bytes());
        let values = (kind.as_str(), key, version, text, hash, author, at.millis(), valid_from);
        let number = self.insert("keep a document", sql, values)?;
        self.note(Changed::Document { number, version })?;
        Ok(version)
    }
}

impl Core {
    /// A version of a document.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn document(
        &self,
        kind: DocumentKind,
        key: &str,
        version: DocumentVersion,
    ) -> Result<Option<Document>, StoreError> {
        let (lowest, highest, until) = match version {
            DocumentVersion::Number(number) => (number, number, i64::MAX),
            DocumentVersion::Latest => (0, u32::MAX, i64::MAX),
            DocumentVersion::At(instant) => (0, u32::MAX, instant.millis()),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM document WHERE kind = ?1 AND key = ?2 AND version BETWEEN ?3 AND ?4
            AND at_ms <= ?5 ORDER BY version DESC LIMIT 1"
        );
        self.one("read a document", &sql, (kind.as_str(), key, lowest, highest, until), document)
    }

    /// The latest version of each document of a kind, by key.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM document d WHERE kind = ?1
            AND version = (SELECT max(version) FROM document WHERE kind = d.kind AND key = d.key) ORDER BY key"
        );
        self.all("list documents", &sql, [kind.as_str()], document)
    }

    /// All versions of a document, oldest first.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn document_history(&self, kind: DocumentKind, key: &str) -> Result<Vec<Document>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM document WHERE kind = ?1 AND key = ?2 ORDER BY version");
        self.all("read a document's history", &sql, (kind.as_str(), key), document)
    }

    /// The version of a document that a change names.
    ///
    /// # Errors
    /// If the record cannot be read.
    pub fn document_by_number(&self, number: i64) -> Result<Option<Document>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM document WHERE id = ?1");
        self.one("read a document", &sql, [number], document)
    }
}

fn document(row: &Row<'_>) -> rusqlite::Result<Document> {
    let document = NewDocument {
        kind: parsed(row, 1)?,
        key: row.get(2)?,
        text: row.get(4)?,
        author: row.get(6)?,
        at: instant(row, 7)?,
        valid_from: instant_option(row, 8)?,
    };
    Ok(Document { number: row.get(0)?, version: row.get(3)?, sha256: row.get(5)?, document })
}
