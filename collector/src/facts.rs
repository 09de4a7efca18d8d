//! Gathers what KPIs, reports and panels show, from the record, the sites' files and the factor sets.
//!
//! On the path of a reading this lies between `store` and `kpi`, `report`, `dashboards`: it reads, hands over and puts
//! together, and computes nothing that those crates could compute. Everything is taken from one state of the record.
//!
//! Invariants: what is missing stays missing; the clock is an argument; the same state of the record and the same
//! instant give the same facts.

mod archive;
mod catalogue;
mod kpi;
mod live;
mod month;
mod overview;
mod quality;
mod seal;
mod values;

#[cfg(test)]
mod tests;

pub use archive::{archive, entry, newest, sealed};
pub(crate) use catalogue::check_factors;
pub use catalogue::{Catalogue, Context, ContextError, FuelRow, SiteEntry, fuels_key};
pub use kpi::SiteSpan;
pub use overview::{Now, Slow, city, site};
pub use quality::quality_page;
pub use seal::{Ask, Scope, seal};
pub use values::{SiteRecord, covered_to};

/// Why facts could not be gathered.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The record.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// What sites and factors are.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// A site that is not known.
    #[error("site `{site}` is not known; import its topology first (known: {known})")]
    UnknownSite {
        /// The site.
        site: model::SiteId,
        /// Those that are known.
        known: String,
    },
    /// A report of no site at all.
    #[error("no site is known; import a topology first")]
    NoSites,
    /// Facts could not be sealed.
    #[error("the facts cannot be sealed")]
    Seal(#[from] report::SealError),
    /// Sealed facts of the record cannot be read.
    #[error("sealed report {number} cannot be read; was it made by a newer version?")]
    Sealed {
        /// Its row.
        number: i64,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Sites of one report that are cut by different zones.
    #[error("sites `{0}` and `{1}` have different zones and cannot share a report")]
    Zones(String, String),
    /// A fuel that is not in the factor set.
    #[error("fuels of site `{site}`")]
    Fuel {
        /// The site.
        site: String,
        /// Why.
        #[source]
        source: carbon::CarbonError,
    },
}
