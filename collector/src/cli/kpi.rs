//! `kpi`: figures of a period, as a table or as JSON.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use kpi::Figure;
use model::SiteId;

use super::open;
use crate::facts::Context;

/// Figures of a site and period, each with category, coverage and uncertainty, or the reason why not.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wattwacht-collector kpi --config collector.toml --site rz-1 --from 2026-03-01 --to 2026-04-01\n  \
                        wattwacht-collector kpi --config collector.toml --site rz-1 --from 2026-01-01T00:00:00+01:00 --to 2027-01-01 --json"
)]
pub(super) struct KpiArgs {
    /// The collector's configuration.
    #[arg(long)]
    pub(super) config: PathBuf,
    /// The site.
    #[arg(long)]
    pub(super) site: SiteId,
    /// First day, or first instant (RFC 3339).
    #[arg(long)]
    pub(super) from: String,
    /// Day or instant after the last.
    #[arg(long)]
    pub(super) to: String,
    /// JSON for programs instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

/// Prints them.
///
/// # Errors
/// If the record cannot be read, the site is not known, or the period cannot be read.
pub(super) fn run(args: &KpiArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let (config, store) = open(&args.config)?;
    let reader = store.reader()?;
    let context = Context::load(&reader, &config.factor_sets)?;
    let zone = &context.site(&args.site)?.topology.site.zone;
    let period = zone.parse_span(&args.from, &args.to)?;
    let figures = context.span(&reader, &args.site, period)?.figures()?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &figures).context("the figures cannot be printed")?;
        return Ok(writeln!(out)?);
    }
    writeln!(out, "{}  {} to {}  ({})", args.site, period.from, period.to, zone.name())?;
    writeln!(out, "{:<26} {:>16} {:<8} {:>9} {:>9}  note", "figure", "value", "unit", "coverage", "true")?;
    for figure in &figures {
        writeln!(out, "{}", line(figure))?;
    }
    Ok(())
}

fn line(figure: &Figure) -> String {
    let category = figure.category.map(|category| format!(" {category}")).unwrap_or_default();
    let variant = figure.variant.map(|variant| format!(" {variant}")).unwrap_or_default();
    let name = format!("{}{category}{variant}", figure.kpi);
    let value = figure.value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let share =
        |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0));
    let note = match (figure.withheld, figure.uncertainty) {
        (Some(why), _) => format!("withheld: {why}"),
        (None, Some(uncertainty)) => format!("± {uncertainty}"),
        (None, None) => String::new(),
    };
    let unit = if figure.unit == "1" { "" } else { figure.unit };
    let text = format!(
        "{name:<26} {value:>16} {unit:<8} {:>9} {:>9}  {note}",
        share(figure.coverage),
        share(figure.true_share)
    );
    text.trim_end().to_owned()
}
