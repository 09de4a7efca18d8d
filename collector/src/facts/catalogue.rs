//! Which sites there are, and by which factors they are counted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use accounting::Topology;
use calendar::Date;
use carbon::{FactorFile, FuelFactors, GridFactors};
use model::{Decimal, Period, SiteId, Timestamp, Unit};
use serde::{Deserialize, Serialize};
use settings::Mistakes;
use store::{Core, DocumentKind, DocumentVersion, StoreError};

use super::FactsError;
use super::kpi::SiteSpan;

/// Why sites or factors cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The record.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A text that this version does not understand.
    #[error("{what} cannot be read: {mistakes}")]
    Text {
        /// Which text.
        what: String,
        /// What is wrong with it.
        mistakes: Mistakes,
    },
    /// A file of the configuration.
    #[error("cannot read factor set `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Rows of fuels that were kept.
    #[error("fuels of site `{site}` cannot be read")]
    Fuels {
        /// The site.
        site: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Fuel of a site that was entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuelRow {
    /// The local day.
    pub date: Date,
    /// Id of the fuel.
    pub fuel: String,
    /// How much.
    pub amount: Decimal,
    /// In which unit.
    pub unit: Unit,
    /// What for.
    pub purpose: String,
}

/// A site and what is known of it beside its meters.
#[derive(Debug, Clone)]
pub struct SiteEntry {
    /// Its file.
    pub topology: Topology,
    /// Version of its file, from 1.
    pub version: u32,
    /// Fuel that was entered, by day.
    pub fuels: Vec<FuelRow>,
}

/// The sites and factor sets of the record.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The sites, by id.
    pub sites: BTreeMap<SiteId, SiteEntry>,
    /// Factors of the grid: of all sets the one that was published last.
    pub grid: Option<GridFactors>,
    /// Factors of fuels, likewise.
    pub fuels: Option<FuelFactors>,
}

/// How long sites and factors are kept before they are read again: what is imported shows within a minute.
const KEPT_MS: i64 = 60_000;

/// Sites and factor sets of the record, read again now and then: all parts of a running collector share one.
#[derive(Debug, Default)]
pub struct Catalogue {
    factor_files: Vec<PathBuf>,
    kept: Mutex<Option<(Timestamp, Arc<Context>)>>,
}

impl Catalogue {
    /// With the factor sets that the configuration names.
    pub fn new(factor_files: Vec<PathBuf>) -> Self {
        Self { factor_files, kept: Mutex::default() }
    }

    /// What was read less than a minute before `now`, or is read now. That nothing is there is not kept.
    ///
    /// # Errors
    /// If the record or a file cannot be read, or a text is not understood.
    pub fn context(&self, core: &Core, now: Timestamp) -> Result<Arc<Context>, FactsError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, context)) = &*kept
            && now.millis_since(*at) < KEPT_MS
            && !context.sites.is_empty()
        {
            return Ok(Arc::clone(context));
        }
        let fresh = Arc::new(Context::load(core, &self.factor_files)?);
        *kept = Some((now, Arc::clone(&fresh)));
        Ok(fresh)
    }
}

/// Key of the document with the fuels of a site.
pub fn fuels_key(site: &SiteId) -> String {
    format!("fuels/{site}")
}

impl Context {
    /// From the record, with the factor sets that the configuration names.
    ///
    /// # Errors
    /// If the record or a file cannot be read, or a text is not understood.
    pub fn load(core: &Core, factor_files: &[PathBuf]) -> Result<Self, FactsError> {
        Ok(Self::read(core, factor_files)?)
    }

    fn read(core: &Core, factor_files: &[PathBuf]) -> Result<Self, ContextError> {
        let mut context = Self::default();
        for document in core.documents(DocumentKind::Topology)? {
            let what = format!("site file `{}`", document.document.key);
            let topology = Topology::read(&document.document.key, &document.document.text)
                .map_err(|mistakes| ContextError::Text { what, mistakes })?;
            let fuels = fuel_rows(core, &topology.site.id)?;
            let entry = SiteEntry { topology, version: document.version, fuels };
            context.sites.insert(entry.topology.site.id.clone(), entry);
        }
        for document in core.documents(DocumentKind::Factors)? {
            context.add_factors(&document.document.key, &document.document.text)?;
        }
        for path in factor_files {
            let read = std::fs::read_to_string(path);
            let text = read.map_err(|source| ContextError::File { path: path.clone(), source })?;
            context.add_factors(&path.display().to_string(), &text)?;
        }
        Ok(context)
    }

    /// A site by its id.
    ///
    /// # Errors
    /// If it is not known.
    pub fn site(&self, id: &SiteId) -> Result<&SiteEntry, FactsError> {
        self.sites.get(id).ok_or_else(|| {
            let known: Vec<&str> = self.sites.keys().map(SiteId::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            FactsError::UnknownSite { site: id.clone(), known }
        })
    }

    /// The values of a site's meter points for a period.
    ///
    /// # Errors
    /// If the site is not known, or the record cannot be read.
    pub fn span<'c>(
        &'c self,
        core: &Core,
        site: &SiteId,
        period: Period,
    ) -> Result<SiteSpan<'c>, FactsError> {
        SiteSpan::read(core, self, self.site(site)?, period)
    }

    fn add_factors(&mut self, name: &str, text: &str) -> Result<(), ContextError> {
        let wrong = |mistakes| ContextError::Text { what: format!("factor set `{name}`"), mistakes };
        match FactorFile::read(name, text).map_err(wrong)? {
            FactorFile::Grid(grid) => {
                let newer = |known: &GridFactors| {
                    (known.source.published, known.source.version)
                        <= (grid.source.published, grid.source.version)
                };
                if self.grid.as_ref().is_none_or(newer) {
                    self.grid = Some(grid);
                }
            }
            FactorFile::Fuels(fuels) => {
                let newer = |known: &FuelFactors| {
                    (known.source.published, known.source.version)
                        <= (fuels.source.published, fuels.source.version)
                };
                if self.fuels.as_ref().is_none_or(newer) {
                    self.fuels = Some(fuels);
                }
            }
        }
        Ok(())
    }
}

fn fuel_rows(core: &Core, site: &SiteId) -> Result<Vec<FuelRow>, ContextError> {
    let kept = core.document(DocumentKind::Other, &fuels_key(site), DocumentVersion::Latest)?;
    let Some(kept) = kept else { return Ok(Vec::new()) };
    let wrong = |source| ContextError::Fuels { site: site.to_string(), source };
    serde_json::from_str(&kept.document.text).map_err(wrong)
}

/// Reads a factor set of the configuration, for `check`.
///
/// # Errors
/// Every mistake found, each with its line; a file that cannot be read is one.
pub(crate) fn check_factors(path: &Path, text: &str) -> Result<(), Mistakes> {
    FactorFile::read(&path.display().to_string(), text).map(drop)
}
