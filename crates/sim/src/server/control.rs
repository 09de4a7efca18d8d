//! What a simulator can be told while it runs, one line each:
//!
//! ```text
//! set rz-nord/crac-1 hang          and all other faults: see `behaviour::Fault`
//! set rz-nord/crac-1 short x3      for the next three requests
//! clear rz-nord/crac-1
//! list
//! book rz-nord/crac-1              what it was asked and told: milliseconds of question, of what it shows, a word
//! ```
//! Each line is answered by `ok`, by lines of a list and `ok`, or by `error: ` and what is wrong.

use model::{DeviceId, SiteId, Timestamp};

use crate::behaviour::{Fault, Timed};
use crate::world::{Entry, World};

/// Longest line that is taken.
pub(crate) const LINE_MAX: usize = 512;

/// Something that a simulator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Misbehave, for so many requests or until it is told otherwise.
    Set(SiteId, DeviceId, Fault, Option<u32>),
    /// Behave again.
    Clear(SiteId, DeviceId),
    /// Name all devices.
    List,
    /// Say what a device was asked and what it told.
    Book(SiteId, DeviceId),
}

/// A line that is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCommand(String);

impl std::str::FromStr for Command {
    type Err = InvalidCommand;

    fn from_str(line: &str) -> Result<Self, InvalidCommand> {
        let invalid = |text: String| InvalidCommand(text);
        let (word, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match word {
            "list" if rest.is_empty() => Ok(Self::List),
            "clear" => device(rest).map(|(site, device)| Self::Clear(site, device)).map_err(invalid),
            "book" => device(rest).map(|(site, device)| Self::Book(site, device)).map_err(invalid),
            "set" => {
                let (name, fault) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
                let (site, device) = device(name).map_err(invalid)?;
                let (fault, times) = counted(fault).map_err(invalid)?;
                let fault = fault.parse().map_err(|error| InvalidCommand(format!("{error}")))?;
                Ok(Self::Set(site, device, fault, times))
            }
            _ => Err(InvalidCommand(
                "`set SITE/DEVICE FAULT`, `clear SITE/DEVICE`, `book SITE/DEVICE` or `list` is expected"
                    .to_owned(),
            )),
        }
    }
}

/// `FAULT` or `FAULT xN`.
fn counted(text: &str) -> Result<(&str, Option<u32>), String> {
    match text.rsplit_once(" x") {
        None => Ok((text, None)),
        Some((fault, times)) => match times.parse() {
            Ok(times) if times > 0 => Ok((fault, Some(times))),
            _ => Err(format!("`x{times}` is no number of requests: `x3` is expected")),
        },
    }
}

/// `site/device`.
pub(crate) fn device(name: &str) -> Result<(SiteId, DeviceId), String> {
    let (site, device) =
        name.trim().split_once('/').ok_or_else(|| format!("`{}` is no SITE/DEVICE", name.trim()))?;
    let site = SiteId::new(site).map_err(|error| error.to_string())?;
    let device = DeviceId::new(device).map_err(|error| error.to_string())?;
    Ok((site, device))
}

impl Command {
    /// Does what it says. Gives the answer, each line of it ended.
    pub(crate) fn run(&self, world: &mut World, now: Timestamp) -> String {
        let known = match self {
            Self::Set(site, device, fault, times) => {
                world.misbehave(site, device, Timed { times: *times, ..Timed::since(*fault, now) })
            }
            Self::Book(site, device) => return book(&world.book(site, device)),
            Self::Clear(site, device) => world.behave(site, device, now),
            Self::List => return list(world),
        };
        if known { "ok\n".to_owned() } else { "error: there is no such device\n".to_owned() }
    }
}

fn book(entries: &[Entry]) -> String {
    let line = |one: &Entry| {
        let zero = if one.is_zero { " zero" } else { "" };
        format!("{} {} {}{zero}\n", one.asked.millis(), one.shows.millis(), one.told.word())
    };
    entries.iter().map(line).chain(["ok\n".to_owned()]).collect()
}

fn list(world: &World) -> String {
    let lines = world
        .units()
        .iter()
        .map(|unit| format!("{}/{} {}\n", unit.site_id, unit.device.id, unit.device.address()));
    lines.chain(["ok\n".to_owned()]).collect()
}
