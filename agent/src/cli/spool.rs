//! `spool status`: what waits on disk to be shipped.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::table::{row, table};
use super::{load, print};

#[derive(Debug, Args)]
pub(super) struct SpoolArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How the spool stands; also while the agent runs
    Status(StatusArgs),
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// The configuration that names the spool
    #[arg(long, value_name = "FILE", required_unless_present = "dir")]
    config: Option<PathBuf>,
    /// The spool's folder, instead of a configuration
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    dir: Option<PathBuf>,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    spool: String,
    dir: String,
    segments: usize,
    bytes: u64,
    oldest: u64,
    next: u64,
    acknowledged: u64,
    unacknowledged_records: u64,
    oldest_unacknowledged: Option<String>,
    last_durable: Option<String>,
    lost_records: u64,
    trouble: Option<String>,
}

pub(super) fn spool(args: &SpoolArgs) -> anyhow::Result<u8> {
    let What::Status(args) = &args.what;
    let dir = match (&args.dir, &args.config) {
        (Some(dir), _) => dir.clone(),
        (None, Some(config)) => match load(config) {
            Ok(config) => config.spool.dir,
            Err(code) => return Ok(code),
        },
        (None, None) => anyhow::bail!("--config or --dir is needed"),
    };
    let status = ::spool::inspect(&dir)?;
    let report = Report {
        spool: status.id.to_string(),
        dir: dir.display().to_string(),
        segments: status.segments,
        bytes: status.bytes,
        oldest: status.oldest,
        next: status.synced,
        acknowledged: status.acknowledged,
        unacknowledged_records: status.synced.saturating_sub(status.acknowledged.max(status.oldest)),
        oldest_unacknowledged: status.oldest_unacknowledged.map(|time| time.to_string()),
        last_durable: status.last_durable.map(|time| time.to_string()),
        lost_records: status.lost_records,
        trouble: status.trouble,
    };
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        print(&text(&report))?;
    }
    Ok(0)
}

fn text(report: &Report) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    table(&[
        row([&"spool", &report.spool]),
        row([&"folder", &report.dir]),
        row([&"size", &format!("{} bytes in {} segments", report.bytes, report.segments)]),
        row([&"records", &format!("{} to {}, not including", report.oldest, report.next)]),
        row([&"acknowledged", &format!("below {}", report.acknowledged)]),
        row([&"to be shipped", &format!("{} records", report.unacknowledged_records)]),
        row([&"oldest of them", &or_none(&report.oldest_unacknowledged)]),
        row([&"last durable", &or_none(&report.last_durable)]),
        row([&"lost", &format!("{} records", report.lost_records)]),
        row([&"trouble", &or_none(&report.trouble)]),
    ])
}
