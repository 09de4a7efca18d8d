//! `probe`: one device, recognised and read once; or what is needed to write a profile for it.

mod show;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use profile::{Function, Library, Oid, Profile};
use settings::duration_from_text;

use super::secrets::secret;
use super::{FINDINGS, print};
use crate::address::Address;
use crate::config::read_text;
use crate::probe::{Question, RealTime, Watch, draft::draft, guess, probe as ask, registers, walk};

/// The longest range of registers: beyond it, it is no longer a look but a search.
const REGISTERS_MAX: u16 = 5000;
/// The longest watch.
const WATCH_MAX: Duration = Duration::from_hours(1);

#[derive(Debug, Args)]
pub(super) struct ProbeArgs {
    /// `modbus+tcp://HOST:502/UNIT`, `modbus+rtu:///dev/ttyUSB0/UNIT?baud=9600`, `snmp://COMMUNITY@HOST:161` or `host://`;
    /// ports may be left out
    address: Address,
    /// Read by this profile, or by the profile in this file, instead of recognising the device
    #[arg(long, value_name = "ID|FILE")]
    profile: Option<String>,
    /// A file with the community, or with the keys of `[credentials.NAME]` (v1, v2c, v3); with --config, a NAME in there
    #[arg(long, value_name = "FILE|NAME")]
    credentials: Option<String>,
    /// The configuration in which --credentials is looked up
    #[arg(long, value_name = "FILE", requires = "credentials")]
    config: Option<PathBuf>,
    /// Longest wait for each answer, in seconds
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// How long counters are watched to see whether they move as power says; 0s for not at all
    #[arg(long, value_name = "TIME", value_parser = watch)]
    watch: Option<Watch>,
    /// Show what these registers could be, such as 0-99; needs no profile
    #[arg(long, value_name = "FROM-TO", value_parser = range, conflicts_with_all = ["profile", "walk"])]
    registers: Option<RangeInclusive<u16>>,
    /// By which function --registers reads: 3 (holding) or 4 (input registers)
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i64).range(3..=4))]
    function: i64,
    /// With --registers: the skeleton of a profile instead of a table
    #[arg(long, requires = "registers", conflicts_with = "json")]
    draft: bool,
    /// Show every object below this one, such as 1.3.6.1.2.1.33; needs no profile
    #[arg(long, value_name = "OID", conflicts_with = "profile")]
    walk: Option<Oid>,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn probe(args: &ProbeArgs) -> anyhow::Result<u8> {
    let mut library = Library::built_in()?;
    let time = RealTime::default();
    let question = Question {
        address: &args.address,
        profile: args.profile.as_ref().map(|profile| named(profile, &mut library)).transpose()?,
        secret: secret(args.credentials.as_deref(), args.config.as_deref(), Some(&args.address))?,
        timeout: Duration::from_secs(args.timeout),
        watch: args.watch.unwrap_or_default(),
        patience: &time,
    };
    let cannot = || format!("cannot probe {}", args.address);
    if let Some(range) = &args.registers {
        return look(args, &question, range.clone()).with_context(cannot);
    }
    if let Some(oid) = &args.walk {
        return objects(args, &question, oid).with_context(cannot);
    }
    let probed = ask(&question, &library).with_context(cannot)?;
    print(&if args.json { json(&probed)? } else { show::probed(&probed) })?;
    Ok(if probed.problems.is_empty() { 0 } else { FINDINGS })
}

/// A profile of the library, or the one in a file.
fn named(name: &str, library: &mut Library) -> anyhow::Result<std::sync::Arc<Profile>> {
    if let Some(profile) = library.get(name) {
        return Ok(std::sync::Arc::clone(profile));
    }
    let path = std::path::Path::new(name);
    if !path.exists() {
        return Err(anyhow!(
            "there is no profile `{name}` (`wattwacht-agent profiles list` names all), nor a file of that name"
        ));
    }
    let text = read_text(path).with_context(|| format!("cannot read `{name}`"))?;
    // A file of one's own may be a changed copy of a profile that is known.
    Ok(std::sync::Arc::new(Profile::parse(name, &text)?))
}

fn look(args: &ProbeArgs, question: &Question<'_>, range: RangeInclusive<u16>) -> anyhow::Result<u8> {
    let function = Function::from_code(args.function).unwrap_or(Function::Holding);
    let found = registers::read(question, function, range)?;
    let guesses = guess::guesses(&found.words);
    let text = match (args.json, args.draft) {
        (true, _) => json(&serde_json::json!({
            "address": args.address.to_string(), "function": args.function, "holes": found.holes,
            "left": found.left, "words": found.words, "guesses": guesses,
        }))?,
        (false, true) => draft(&guesses, function),
        (false, false) => show::registers(&found, &guesses),
    };
    print(&text)?;
    Ok(if found.left.is_none() { 0 } else { FINDINGS })
}

fn objects(args: &ProbeArgs, question: &Question<'_>, oid: &Oid) -> anyhow::Result<u8> {
    let found = walk(question, oid)?;
    print(&if args.json { json(&found)? } else { show::objects(&found) })?;
    if found.is_empty() {
        super::complain(&format!("the device has nothing at or below {oid}"));
    }
    Ok(if found.is_empty() { FINDINGS } else { 0 })
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}

fn watch(text: &str) -> Result<Watch, String> {
    let time = match text {
        "0" => Duration::ZERO,
        _ => duration_from_text(text).map_err(|error| error.to_string())?,
    };
    match time {
        Duration::ZERO => Ok(Watch::Never),
        time if time <= WATCH_MAX => Ok(Watch::For(time)),
        _ => Err(format!("at most {WATCH_MAX:?}")),
    }
}

fn range(text: &str) -> Result<RangeInclusive<u16>, String> {
    let wrong = || format!("`{text}` is no range of registers from 0 to 65535, such as 0-99");
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first: u16 = first.trim().parse().map_err(|_| wrong())?;
    let last: u16 = last.trim().parse().map_err(|_| wrong())?;
    if first > last {
        return Err(wrong());
    }
    if last - first >= REGISTERS_MAX {
        return Err(format!(
            "{} registers are more than the {REGISTERS_MAX} that are read at once",
            u32::from(last - first) + 1
        ));
    }
    Ok(first..=last)
}
