//! `scan`: which devices are there, as a list that an agent's configuration takes.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use profile::Library;

use super::secrets::secret;
use super::{FINDINGS, complain, print};
use crate::probe::RealTime;
use crate::probe::scan::{Found, Progress, Search, Target, Units, effort, scan as search, toml};

#[derive(Debug, Args)]
pub(super) struct ScanArgs {
    /// Ranges (10.4.0.0/24, 10.4.0.17-10.4.0.40), addresses, serial lines (modbus+rtu:///dev/ttyUSB0?baud=9600)
    #[arg(required = true, value_name = "RANGE")]
    targets: Vec<Target>,
    /// Look for Modbus TCP; without this and --snmp, for both
    #[arg(long)]
    modbus: bool,
    /// Look for SNMP; without this and --modbus, for both
    #[arg(long)]
    snmp: bool,
    /// The port of Modbus TCP
    #[arg(long, value_name = "PORT", default_value_t = 502, value_parser = clap::value_parser!(u16).range(1..))]
    modbus_port: u16,
    /// The port of SNMP
    #[arg(long, value_name = "PORT", default_value_t = 161, value_parser = clap::value_parser!(u16).range(1..))]
    snmp_port: u16,
    /// Unit ids to ask, such as 1-32 or 1,2,255; if not said, over TCP the first of 1, 255 and 0 that answers, on a serial
    /// line 1 to 32
    #[arg(long, value_name = "LIST")]
    units: Option<Units>,
    /// A file with a community or with the keys of `[credentials.NAME]`, or, with --config, a NAME in there; several are
    /// tried in turn. If not said, the usual community `public`
    #[arg(long, value_name = "FILE|NAME")]
    credentials: Vec<String>,
    /// The configuration in which --credentials is looked up
    #[arg(long, value_name = "FILE", requires = "credentials")]
    config: Option<PathBuf>,
    /// Requests a second, at most, over all addresses together
    #[arg(long, default_value = "20", value_name = "N", value_parser = rate)]
    rate: u32,
    /// Longest wait for each answer, in seconds
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
    /// Write the list of devices to this file instead of stdout; a file that is there is not overwritten
    #[arg(long, visible_alias = "write", value_name = "FILE")]
    out: Option<PathBuf>,
    /// JSON instead of TOML
    #[arg(long)]
    json: bool,
}

pub(super) fn scan(args: &ScanArgs) -> anyhow::Result<u8> {
    let library = Library::built_in()?;
    let time = Arc::new(RealTime::default());
    let plan = plan(args, &time)?;
    // Whether it can be written is known before the network is asked, not half an hour later.
    let out = args.out.as_deref().map(create).transpose()?;
    end_on_signal(&time)?;
    let (places, least) = effort(&plan);
    complain(&format!(
        "looking at {places} places, at most {} requests a second: {} at least; Ctrl-C ends it with what was found",
        args.rate,
        rough(least)
    ));
    let terminal = std::io::stderr().is_terminal();
    let found = search(&plan, &library, &|progress| tell(&progress, terminal));
    let text =
        if args.json { format!("{}\n", serde_json::to_string_pretty(&found)?) } else { list(args, &found)? };
    match out {
        Some(mut file) => file.write_all(text.as_bytes()).context("cannot write the list")?,
        None => print(&text)?,
    }
    Ok(summary(&found, time.is_over()))
}

fn plan<'t>(args: &ScanArgs, time: &'t RealTime) -> anyhow::Result<Search<'t>> {
    let both = !args.modbus && !args.snmp;
    let secrets = match (both || args.snmp, args.credentials.as_slice()) {
        (false, _) => Vec::new(),
        (true, []) => vec![("public".to_owned(), secret(None, None, None)?)],
        (true, given) => {
            let one = |given: &String| {
                Ok((
                    name_of(given, args.config.is_some()),
                    secret(Some(given), args.config.as_deref(), None)?,
                ))
            };
            given.iter().map(one).collect::<anyhow::Result<_>>()?
        }
    };
    let search = Search {
        targets: args.targets.clone(),
        modbus_port: (both || args.modbus).then_some(args.modbus_port),
        units: args.units.clone().unwrap_or(Units::Usual),
        secrets,
        snmp_port: args.snmp_port,
        rate: args.rate,
        timeout: Duration::from_secs(args.timeout),
        time,
    };
    let (most, places) =
        (crate::probe::scan::ADDRESSES_MAX, search.targets.iter().map(Target::count).sum::<usize>());
    anyhow::ensure!(
        u32::try_from(places).is_ok_and(|places| places <= most),
        "{places} addresses are more than the {most} (a /20) that are looked at in one search"
    );
    Ok(search)
}

/// The name under which the list of devices refers to credentials.
fn name_of(given: &str, is_name: bool) -> String {
    if is_name {
        return given.to_owned();
    }
    let stem = Path::new(given).file_stem().and_then(|stem| stem.to_str()).unwrap_or("found");
    let name: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    name.trim_matches('-').to_owned()
}

fn rate(text: &str) -> Result<u32, String> {
    const MOST: u32 = 500;
    let number = text.strip_suffix("/s").unwrap_or(text);
    let within = number.trim().parse::<u32>().ok().filter(|rate| (1..=MOST).contains(rate));
    within
        .ok_or_else(|| format!("`{text}` is no rate from 1 to {MOST} requests a second, such as 20 or 20/s"))
}

fn create(path: &Path) -> anyhow::Result<std::fs::File> {
    let new = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    new.with_context(|| format!("cannot make `{}`", path.display()))
}

/// SIGINT and SIGTERM end the search with what was found; a second one ends the program.
fn end_on_signal(time: &Arc<RealTime>) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _entered = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let time = Arc::clone(time);
    std::thread::spawn(move || {
        runtime.block_on(async {
            for _ in 0..2 {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
                if time.is_over() {
                    break;
                }
                time.stop();
                complain("ending with what was found; once more to end at once");
            }
        });
        std::process::exit(130);
    });
    Ok(())
}

fn tell(progress: &Progress<'_>, terminal: bool) {
    // Back to the beginning of the line, which is then cleared.
    let clear = if terminal { "\r\x1b[K" } else { "" };
    match progress {
        Progress::Found(found) => {
            let what = found.profile.as_deref().unwrap_or("no profile");
            complain(&format!("{clear}found {} ({what})", found.address));
        }
        Progress::Gave(why) => complain(&format!("{clear}{why}")),
        Progress::Done(done, all) if terminal => {
            let mut out = std::io::stderr().lock();
            // Progress that cannot be shown is no failure.
            write!(out, "{clear}{done} of {all}").and_then(|()| out.flush()).unwrap_or_default();
        }
        Progress::Done(..) => {}
    }
}

fn list(args: &ScanArgs, found: &[Found]) -> anyhow::Result<String> {
    let mut head = String::from(
        "# Found by `wattwacht-agent scan`. Put it below `[agent]` and `[collector]` of an agent's configuration;\n\
         # `wattwacht-agent check` says whether all is right.\n",
    );
    let used = |name: &str| found.iter().any(|one| one.credentials.as_deref() == Some(name));
    if args.config.is_none() {
        for given in args.credentials.iter().filter(|given| used(&name_of(given, false))) {
            head.push_str(&credentials(given)?);
        }
        if args.credentials.is_empty() && used("public") {
            head.push_str(
                "\n# The file holds one line, the community: printf public > public.community\n\
                 [credentials.public]\nversion = \"2c\"\ncommunity_file = \"public.community\"\n",
            );
        }
    }
    Ok(toml(found, &head))
}

/// `[credentials.NAME]` for a file that was given: its own keys, or itself as the file of a community.
fn credentials(given: &str) -> anyhow::Result<String> {
    let path = std::path::absolute(given).with_context(|| format!("cannot find `{given}`"))?;
    let text = crate::config::read_text(&path).with_context(|| format!("cannot read `{given}`"))?;
    let name = name_of(given, false);
    let is_table = text.lines().any(|line| line.trim_start().starts_with("version"));
    let keys = if is_table {
        format!("# from {}; its paths are relative to that file\n{}\n", path.display(), text.trim_end())
    } else {
        let quoted = path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
        format!("version = \"2c\"\ncommunity_file = \"{quoted}\"\n")
    };
    Ok(format!("\n[credentials.{name}]\n{keys}"))
}

fn summary(found: &[Found], early: bool) -> u8 {
    let known = found.iter().filter(|one| one.profile.is_some()).count();
    let end = if early { "ended early: " } else { "" };
    complain(&format!("{end}{} devices found, {known} of them recognised", found.len()));
    if early || known < found.len() { FINDINGS } else { 0 }
}

/// A time for people.
fn rough(time: Duration) -> String {
    match time.as_secs() {
        0..=90 => format!("{} s", time.as_secs()),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}
