//! `report`: the facts of a month, sealed, as documents in a folder.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use calendar::Month;
use locale::Language;
use model::SiteId;
use report::{MonthReport, Sealed, Variant};

use super::open;
use crate::Clock;
use crate::facts::{self, Ask, Context, Scope};

/// The report of a month, as documents in a folder.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  wattwacht-collector report --config collector.toml --site rz-1 --month 2026-10 --format html,csv,json --out reports"
)]
pub(super) struct ReportArgs {
    /// The collector's configuration.
    #[arg(long)]
    pub(super) config: PathBuf,
    /// The site.
    #[arg(long, conflicts_with = "all", required_unless_present = "all")]
    pub(super) site: Option<SiteId>,
    /// All sites of the city in one report.
    #[arg(long)]
    pub(super) all: bool,
    /// The month, such as 2026-10.
    #[arg(long)]
    pub(super) month: Month,
    /// Formats, joined by commas.
    #[arg(long, value_delimiter = ',', default_value = "html,csv,json")]
    pub(super) format: Vec<Format>,
    /// The folder; it is made if it is not there.
    #[arg(long)]
    pub(super) out: PathBuf,
    /// How CSV is written: `standard`, or `excel-de` with semicolons and decimal commas.
    #[arg(long, default_value = "standard")]
    pub(super) variant: String,
}

/// Format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A page to read and print, in German and in English.
    Html,
    /// Numbers by site and month.
    Csv,
    /// The sealed facts.
    Json,
}

/// Seals the facts and writes the documents; prints the path of each.
///
/// # Errors
/// If the record cannot be read or written, the site is not known, or a document cannot be written.
pub(super) fn run(args: &ReportArgs, clock: &Clock, out: &mut dyn Write) -> anyhow::Result<()> {
    let (config, store) = open(&args.config)?;
    let mut writer = store.writer()?;
    let context = Context::load(writer.reader(), &config.factor_sets)?;
    let scope = args.site.clone().map_or(Scope::All, Scope::Site);
    let now = clock.now();
    let ask = Ask { scope: &scope, month: args.month, city: &config.city, city_name: &config.city_name, now };
    let report = facts::seal(&mut writer, &context, ask, "system")?;
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder `{}`", args.out.display()))?;
    for (name, body) in documents(&report, args)? {
        let path = args.out.join(name);
        write_whole(&path, &body)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

fn documents(report: &MonthReport, args: &ReportArgs) -> anyhow::Result<Vec<(String, String)>> {
    let Some(variant) = csv_variant(&args.variant) else {
        bail!("--variant `{}` is not known; there are `standard` and `excel-de`", args.variant);
    };
    let mut documents = Vec::new();
    for format in &args.format {
        match format {
            Format::Html => {
                for language in Language::ALL {
                    let name = report::file_name(report, "html", Some(language));
                    documents.push((name, report::html(report, language)?));
                }
            }
            Format::Csv => {
                documents.push((report::file_name(report, "csv", None), report::csv(report, variant)?));
            }
            Format::Json => {
                documents
                    .push((report::file_name(report, "json", None), Sealed::new(report)?.json().to_owned()));
            }
        }
    }
    Ok(documents)
}

fn csv_variant(name: &str) -> Option<Variant> {
    if name == "standard" { Some(Variant::Standard) } else { Variant::from_name(name) }
}

/// A reader of the folder sees the old document or the new one, never half of one.
fn write_whole(path: &Path, body: &str) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, body).with_context(|| format!("cannot write `{}`", part.display()))?;
    std::fs::rename(&part, path).with_context(|| format!("cannot write `{}`", path.display()))
}
