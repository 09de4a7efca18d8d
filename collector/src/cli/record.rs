//! Commands on the record as a whole: `init`, `sink status`, `backup`, `verify`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use store::AuditVerdict;

use super::{File, open};

/// Where the configuration lies.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigArgs {
    /// The collector's configuration.
    #[arg(long)]
    pub(super) config: File,
}

/// Copies of the record elsewhere.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SinkCommand {
    /// How far each sink has come, and what it could not take.
    Status(ConfigArgs),
}

/// A copy of the record in another folder, made while the service may run.
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// The collector's configuration.
    #[arg(long)]
    pub(super) config: File,
    /// The folder; it must not hold a record yet.
    pub(super) dir: File,
}

/// Makes the folder of the record.
///
/// # Errors
/// If it cannot be made.
pub(super) fn init(args: &ConfigArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let (config, _) = open(&args.config)?;
    writeln!(out, "the record is in {}", config.data_dir.display())?;
    writeln!(out, "next: wattwacht-collector import --config {} topology SITE.toml", config.file.display())?;
    Ok(())
}

/// Shows the sinks.
///
/// # Errors
/// If the record cannot be read.
pub(super) fn sink(command: &SinkCommand, out: &mut dyn Write) -> anyhow::Result<()> {
    let SinkCommand::Status(args) = command;
    let (config, store) = open(&args.config)?;
    let reader = store.reader()?;
    let last = reader.last_change()?;
    if config.sinks.is_empty() {
        writeln!(out, "no sink is configured: the embedded record stands alone")?;
    }
    for sink in &config.sinks {
        let cursor = reader.sink_cursor(&sink.id)?;
        let at = cursor.map_or(0, |cursor| cursor.position.number());
        writeln!(
            out,
            "{}: {} of {} changes sent, {} behind",
            sink.id,
            at,
            last.number(),
            last.number() - at
        )?;
        for line in reader.quarantined(&sink.id, 20)? {
            writeln!(out, "  refused {}: {} ({})", line.at, line.line, line.error)?;
        }
    }
    Ok(())
}

/// Copies the record.
///
/// # Errors
/// If a file cannot be read or written.
pub(super) fn backup(args: &BackupArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let (_, store) = open(&args.config)?;
    if args.dir.join("core.db").exists() {
        bail!("`{}` holds a record already; name an empty folder", args.dir.display());
    }
    store.backup(&args.dir)?;
    writeln!(out, "copied to {}", args.dir.display())?;
    Ok(())
}

/// Is the audit log's chain whole?
///
/// # Errors
/// If the record cannot be read.
pub(super) fn verify(args: &ConfigArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (_, store) = open(&args.config)?;
    match store.reader()?.verify_audit()? {
        AuditVerdict::Whole { entries, head } => {
            let head = crate::hex(&head);
            writeln!(out, "the audit log is whole: {entries} entries, last hash {head}")?;
            Ok(ExitCode::SUCCESS)
        }
        AuditVerdict::Broken { number, why } => {
            writeln!(out, "the audit log breaks at entry {number}: {why}")?;
            Ok(ExitCode::from(3))
        }
    }
}
