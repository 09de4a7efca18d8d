//! `probe`: one device, recognised and read once.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use profile::Library;

use super::table::{row, table};
use super::{FINDINGS, print};
use crate::address::Address;
use crate::config::community;
use crate::probe::{Probed, Question, probe as ask};

/// The community that devices have before anybody sets one.
const USUAL_COMMUNITY: &[u8] = b"public";

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// `modbus+tcp://HOST:502/UNIT`, `snmp://COMMUNITY@HOST:161` or `host://`; ports may be left out
    address: Address,
    /// Read by this profile instead of recognising the device
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// A file that holds the community
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Longest wait for each answer, in seconds
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn probe(args: &ProbeArgs) -> anyhow::Result<u8> {
    let library = Library::built_in()?;
    let named = |id: &String| {
        library
            .get(id)
            .cloned()
            .ok_or_else(|| anyhow!("there is no profile `{id}`; `profiles list` names all"))
    };
    let question = Question {
        address: &args.address,
        profile: args.profile.as_ref().map(named).transpose()?,
        community: community_of(args)?,
        timeout: Duration::from_secs(args.timeout),
    };
    let probed = ask(&question, &library).with_context(|| format!("cannot probe {}", args.address))?;
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&probed)?))?;
    } else {
        print(&text(&probed))?;
    }
    Ok(if probed.problems.is_empty() { 0 } else { FINDINGS })
}

fn community_of(args: &ProbeArgs) -> anyhow::Result<Vec<u8>> {
    match (&args.credentials, &args.address) {
        (Some(file), _) => {
            community(file).map(|community| community.to_vec()).map_err(|error| anyhow!(error))
        }
        (None, Address::Snmp { community: Some(community), .. }) => Ok(community.clone().into_bytes()),
        _ => Ok(USUAL_COMMUNITY.to_vec()),
    }
}

fn text(probed: &Probed) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut text = table(&[
        row([&"address", &probed.address]),
        row([&"profile", &or_none(&probed.profile)]),
        row([&"maker", &or_none(&probed.identity.maker)]),
        row([&"model", &or_none(&probed.identity.model)]),
        row([&"serial", &or_none(&probed.identity.serial)]),
        row([&"firmware", &or_none(&probed.identity.firmware)]),
    ]);
    if !probed.readings.is_empty() {
        let mut rows = vec![row([&"quantity", &"channel", &"value", &"unit", &"source"])];
        rows.extend(
            probed
                .readings
                .iter()
                .map(|one| row([&one.quantity, &one.channel, &one.value, &one.unit, &one.source])),
        );
        text.extend(["\n", &table(&rows)]);
    }
    for problem in &probed.problems {
        let colon = if problem.source.is_empty() { "" } else { ": " };
        text.extend(["\nproblem: ", &problem.source, colon, &problem.reason]);
    }
    if !probed.problems.is_empty() {
        text.push('\n');
    }
    text
}
