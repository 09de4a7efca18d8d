//! `profiles`: the device library.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use profile::{Body, Library, Profile};
use serde::Serialize;

use super::table::{row, table};
use super::{CONFIG_INVALID, FAILED, complain, print};
use crate::config::read_text;

#[derive(Debug, Args)]
pub(super) struct ProfilesArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// All profiles that come with the agent
    List {
        /// JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// What one profile reads
    Show {
        /// Its id, as in `list`
        id: String,
    },
    /// Find every mistake in profiles of your own
    Check {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    maker: &'a str,
    model: &'a str,
    protocol: &'static str,
    confidence: &'static str,
}

pub(super) fn profiles(args: &ProfilesArgs) -> anyhow::Result<u8> {
    match &args.what {
        What::List { json } => list(*json),
        What::Show { id } => show(id),
        What::Check { files } => Ok(check(files)),
    }
}

fn list(json: bool) -> anyhow::Result<u8> {
    let library = Library::built_in()?;
    let entries: Vec<Entry<'_>> = library.iter().map(|profile| entry(profile)).collect();
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&entries)?))?;
        return Ok(0);
    }
    let mut rows = vec![row([&"id", &"maker", &"model", &"protocol", &"confidence"])];
    rows.extend(
        entries.iter().map(|one| row([&one.id, &one.maker, &one.model, &one.protocol, &one.confidence])),
    );
    print(&table(&rows))?;
    Ok(0)
}

fn entry(profile: &Profile) -> Entry<'_> {
    Entry {
        id: profile.id.as_str(),
        maker: &profile.maker,
        model: &profile.model,
        protocol: profile.protocol().as_str(),
        confidence: profile.confidence.as_str(),
    }
}

fn show(id: &str) -> anyhow::Result<u8> {
    let library = Library::built_in()?;
    let Some(profile) = library.get(id) else {
        complain(&format!("error: there is no profile `{id}`; `wattwacht-agent profiles list` names all"));
        return Ok(FAILED);
    };
    let about = format!(
        "{}\nmaker       {}\nmodel       {}\nprotocol    {}\nconfidence  {}\nfirmware    {}\nsources     {}\n\n",
        profile.id,
        profile.maker,
        profile.model,
        profile.protocol(),
        profile.confidence,
        profile.firmware.as_deref().unwrap_or("not said"),
        profile.sources.trim()
    );
    let mut rows = vec![row([&"quantity", &"channel", &"unit", &"source"])];
    rows.extend(readings(profile));
    print(&format!("{about}{}", table(&rows)))?;
    Ok(0)
}

fn readings(profile: &Profile) -> Vec<Vec<String>> {
    match &profile.body {
        Body::Modbus { readings, sunspec, .. } => {
            let one = |reading: &profile::ModbusReading, model: &str| {
                let source = format!("{model}{}", reading.source());
                row([&reading.quantity, &reading.channel, &reading.quantity.unit(), &source])
            };
            let models = sunspec.iter().flat_map(|sunspec| &sunspec.models);
            let of_models = models.flat_map(|model| {
                let name = format!("model {:?} ", model.ids);
                model.readings.iter().map(move |reading| one(reading, &name))
            });
            readings.iter().map(|reading| one(reading, "")).chain(of_models).collect()
        }
        Body::Snmp(snmp) => {
            let scalars = snmp.scalars.iter().map(|one| {
                row([&one.measured.quantity, &one.channel, &one.measured.quantity.unit(), &one.oid])
            });
            let columns = snmp.tables.iter().flat_map(|table| &table.readings).map(|one| {
                row([&one.measured.quantity, &one.channel, &one.measured.quantity.unit(), &one.column])
            });
            scalars.chain(columns).collect()
        }
    }
}

/// What is wrong with each file on standard error, and what is doubtful in those that are right.
fn check(files: &[PathBuf]) -> u8 {
    let mut code = 0;
    for file in files {
        let name = file.display().to_string();
        let said = match read_text(file) {
            Ok(text) => Profile::parse(&name, &text).map(|_| text).map_err(|mistakes| mistakes.to_string()),
            Err(error) => Err(format!("{name}:1: cannot be read: {error}")),
        };
        match said {
            Ok(text) => warn(&name, &text),
            Err(mistakes) => {
                complain(&mistakes);
                code = CONFIG_INVALID;
            }
        }
    }
    code
}

fn warn(name: &str, text: &str) {
    for doubt in Profile::doubts(name, text) {
        complain(&format!("warning: {doubt}"));
    }
}
