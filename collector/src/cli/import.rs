//! `import`: files that people bring.

use std::io::Write;
use std::path::PathBuf;

use anyhow::bail;

use super::open;
use crate::Clock;
use crate::import::{self, Kind, Mode, Request, Variant};

/// Imports a file: all of it, or nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  wattwacht-collector import --config collector.toml topology rz-1.toml --dry-run\n  \
                        wattwacht-collector import --config collector.toml intervals grid-2026.csv"
)]
pub(super) struct ImportArgs {
    /// The collector's configuration.
    #[arg(long)]
    pub(super) config: PathBuf,
    /// What the file holds.
    pub(super) kind: Kind,
    /// The file.
    pub(super) file: PathBuf,
    /// Only say what would change.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How a CSV file is written.
    #[arg(long, value_enum, default_value = "rfc4180")]
    pub(super) variant: Variant,
    /// Who imports it, for the audit log.
    #[arg(long, default_value = "system")]
    pub(super) author: String,
}

/// Imports it and prints what changed.
///
/// # Errors
/// If it has mistakes, contradicts the record, or cannot be read or written. Nothing was imported then.
pub(super) fn run(args: &ImportArgs, clock: &Clock, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.author.trim().is_empty() || args.author.len() > 200 {
        bail!("--author must have 1 to 200 characters");
    }
    let (config, store) = open(&args.config)?;
    let mut writer = store.writer()?;
    let request = Request {
        file: &args.file,
        kind: args.kind,
        variant: args.variant,
        author: &args.author,
        at: clock.now(),
        factor_files: &config.factor_sets,
        city: &config.city,
        mode: if args.dry_run { Mode::DryRun } else { Mode::Import },
    };
    let summary = import::import(&mut writer, &request)?;
    for line in &summary.lines {
        writeln!(out, "{line}")?;
    }
    match (summary.number, args.dry_run) {
        (Some(number), _) => writeln!(out, "import {number} done")?,
        (None, true) => writeln!(out, "dry run: nothing was imported")?,
        (None, false) => {}
    }
    drop(writer);
    if args.kind == Kind::Samples && !args.dry_run {
        super::settle(&config, &store, clock)?;
    }
    Ok(())
}
