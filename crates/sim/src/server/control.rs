//! What a simulator can be told while it runs, one line each:
//!
//! ```text
//! set rz-nord/crac-1 hang          also: refuse, late 300ms, exception 2, drop, lose 30, reset, rollover, jump -1h
//! clear rz-nord/crac-1
//! list
//! ```
//! Each line is answered by `ok`, by lines of a list and `ok`, or by `error: ` and what is wrong.

use model::{DeviceId, SiteId, Timestamp};

use crate::behaviour::{Fault, Timed};
use crate::world::World;

/// Longest line that is taken.
pub(crate) const LINE_MAX: usize = 512;

/// Something that a simulator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Misbehave.
    Set(SiteId, DeviceId, Fault),
    /// Behave again.
    Clear(SiteId, DeviceId),
    /// Name all devices.
    List,
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
            "set" => {
                let (name, fault) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
                let (site, device) = device(name).map_err(invalid)?;
                let fault = fault.parse().map_err(|error| InvalidCommand(format!("{error}")))?;
                Ok(Self::Set(site, device, fault))
            }
            _ => Err(InvalidCommand(
                "`set SITE/DEVICE FAULT`, `clear SITE/DEVICE` or `list` is expected".to_owned(),
            )),
        }
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
            Self::Set(site, device, fault) => world.misbehave(site, device, Timed::since(*fault, now)),
            Self::Clear(site, device) => world.behave(site, device, now),
            Self::List => return list(world),
        };
        if known { "ok\n".to_owned() } else { "error: there is no such device\n".to_owned() }
    }
}

fn list(world: &World) -> String {
    let lines = world.units().iter().map(|unit| {
        let link = match unit.device.link {
            crate::site::Link::Modbus { listen, unit } => format!("modbus+tcp://{listen}/{unit}"),
            crate::site::Link::Snmp { listen } => format!("snmp://{listen}"),
        };
        format!("{}/{} {link}\n", unit.site_id, unit.device.id)
    });
    lines.chain(["ok\n".to_owned()]).collect()
}
