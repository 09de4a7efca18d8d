//! Facts of a month to a document: HTML, CSV and JSON, in German and English.
//!
//! At the end of the path of a reading, beside the panels. Takes facts, not a database: the collector fills a
//! [`MonthReport`] from closed intervals, everything else happens here. Pure; no clock, no file, no socket.
//!
//! Invariants:
//! - The same facts always give the same bytes; the facts as canonical JSON (RFC 8785) are the sealed object, and
//!   their SHA-256 stands in every document.
//! - HTML, CSV and JSON show the same numbers: each is made of the same rounded decimals.
//! - Sentences are templates with a variant for up, down, same and unknown; numbers come from the facts only, and a cause
//!   is never stated.
//! - Below 95 % coverage there is no verdict on the target path; a withheld KPI shows its reason and no number.

mod canonical;
mod derive;
mod document;
mod exact;
mod facts;
mod say;
mod table;

#[cfg(test)]
mod tests;

pub use canonical::{SealError, Sealed};
pub use derive::Use;
pub use document::{html, html_security_policy};
pub use facts::{
    Co2Facts, Co2Source, EnergyAmount, EnergyFacts, FactorStatus, FactorUse, FormulaUse, Gap, HistoryMonth,
    KpiFacts, LossStatement, MonthReport, PointQuality, PueFacts, QualityFacts, SCHEMA, SiteMonth,
    SourceKind, Status, Substituted, TargetFacts, TargetYear,
};
pub use say::summary;
pub use table::{Variant, csv, file_name};

/// A document that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The facts could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The CSV could not be written.
    #[error("report `{id}` cannot be written as CSV")]
    Csv {
        /// The report.
        id: String,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// The template failed.
    #[error("report `{id}` cannot be written as HTML")]
    Html {
        /// The report.
        id: String,
        /// Why.
        #[source]
        source: askama::Error,
    },
}
