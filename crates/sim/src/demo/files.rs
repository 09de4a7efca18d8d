//! Configurations as a person would write them, from the description of a site.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use model::{Quantity, Role, Side};
use profile::ModbusReading;

use crate::site::{Device, Link, Map, Point, PointSource, Site, Subject};

/// Room of all devices of a site.
const ROOM: &str = "r1";
/// Height units of a rack.
const RACK_UNITS: u8 = 42;

/// Where the programs of the demo meet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meeting {
    /// Panels.
    pub(crate) web: SocketAddr,
    /// The agents' door.
    pub(crate) ingest: SocketAddr,
}

impl Meeting {
    /// The agents' door as a URL.
    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.ingest)
    }
}

/// The simulator's own configuration.
pub(crate) fn simulator(seed: u64, commissioned: &str, consolidation: &str) -> String {
    format!(
        "# Made by `wattwacht-sim demo`.\n[simulation]\nseed = {seed}\npreset = \"frankfurt\"\n\
         commissioned = {commissioned}\nconsolidation = {consolidation}\n"
    )
}

/// The collector's configuration. Paths are relative to the folder of the demo.
pub(crate) fn collector(meeting: &Meeting, factor_sets: &[String]) -> String {
    let mut text = format!(
        "# Made by `wattwacht-sim demo`.\n[collector]\ncity = \"frankfurt\"\ncity_name = \"Frankfurt am Main\"\n\
         data_dir = \"collector\"\nraw_retention = \"500d\"\n\n[web]\nlisten = \"{}\"\n\n[ingest]\nlisten = \"{}\"\n\
         ca = \"certificates/ca.pem\"\ncert = \"certificates/collector.pem\"\nkey = \"certificates/collector.key\"\n",
        meeting.web, meeting.ingest
    );
    for file in factor_sets {
        push(&mut text, format_args!("\n[[factor_set]]\nfile = \"{file}\"\n"));
    }
    text
}

/// An agent's configuration. Paths are relative to the folder of the demo.
pub(crate) fn agent(site: &Site, meeting: &Meeting) -> String {
    let agent = &site.agent;
    let collector = format!(
        "[collector]\nurl = \"{}\"\nca = \"certificates/ca.pem\"\ncert = \"certificates/{agent}.pem\"\n\
         key = \"certificates/{agent}.key\"\n\n[spool]\ndir = \"spool-{agent}\"\ncap = \"256 MiB\"\n\n",
        meeting.url(),
    );
    agent_with((agent.as_str(), site.id.as_str()), &collector, &site.devices)
}

/// The configuration of an agent that reads some devices and ships nowhere, for `--sink discard` and the like.
/// Communities are read from `lab.community` beside it.
pub fn agent_alone(agent: &str, site: &str, devices: &[Device]) -> String {
    agent_with((agent, site), "", devices)
}

fn agent_with((agent, site): (&str, &str), sections: &str, devices: &[Device]) -> String {
    let mut text =
        format!("# Made by `wattwacht-sim`.\n[agent]\nid = \"{agent}\"\nsite = \"{site}\"\n\n{sections}");
    if devices.iter().any(|device| matches!(device.link, Link::Snmp { .. })) {
        text.push_str("[credentials.lab]\nversion = \"2c\"\ncommunity_file = \"lab.community\"\n");
    }
    for device in devices {
        text.push_str(&agent_device(device));
    }
    text
}

fn agent_device(device: &Device) -> String {
    let mut text = format!("\n[[device]]\nid = \"{}\"\n", device.id);
    push(&mut text, format_args!("address = \"{}\"\n", device.address()));
    if matches!(device.link, Link::Snmp { .. }) {
        text.push_str("credentials = \"lab\"\n");
    }
    push(&mut text, format_args!("every = \"{}s\"\n", device.every.as_secs()));
    match device.rack {
        None if matches!(device.subject, Subject::Plain(_)) => {}
        Some(rack) => push(
            &mut text,
            format_args!("location = {{ room = \"{ROOM}\", rack = \"{}\" }}\n", rack_id(rack)),
        ),
        None => push(&mut text, format_args!("location = {{ room = \"{ROOM}\" }}\n")),
    }
    match &device.map {
        Map::Profile(id) => push(&mut text, format_args!("profile = \"{id}\"\n")),
        Map::Inline(readings) => {
            if !matches!(device.subject, Subject::Plain(_)) {
                text.push_str("gap = 32\n");
            }
            readings.iter().for_each(|reading| text.push_str(&inline_reading(reading)));
        }
    }
    text
}

fn inline_reading(reading: &ModbusReading) -> String {
    let mut text = format!(
        "[[device.reading]]\nquantity = \"{}\"\nchannel = \"{}\"\nregister = {}\nfunction = {}\ntype = \"{}\"\n\
         order = \"{}\"\nscale = {}\nunit = \"{}\"\n",
        reading.quantity,
        reading.channel,
        reading.register,
        reading.function.code(),
        reading.data_type,
        reading.order,
        reading.scale,
        reading.unit,
    );
    if reading.side == Side::Secondary {
        text.push_str("side = \"secondary\"\n");
    }
    text
}

/// The file of a site, as the collector takes it.
pub(crate) fn site(site: &Site, target: &Target) -> String {
    let plant = &site.plant;
    let mut text = format!(
        "# Made by `wattwacht-sim demo`.\n[site]\nid = \"{}\"\nname = \"{}\"\ncity = \"{}\"\nzone = \"Europe/Berlin\"\n\
         start_of_operation = 2016-05-01\nrated_power_kw = {:.0}\nit_power_kw = {:.0}\n\n\
         [[room]]\nid = \"{ROOM}\"\nname = \"Serverraum 1\"\n",
        site.id,
        site.name,
        site.city,
        plant.it_power * 2.0 / 1000.0,
        plant.it_power * 1.25 / 1000.0,
    );
    for rack in 0..plant.racks {
        let id = rack_id(rack);
        push(
            &mut text,
            format_args!("\n[[rack]]\nid = \"{id}\"\nroom = \"{ROOM}\"\nheight_units = {RACK_UNITS}\n"),
        );
    }
    for device in &site.devices {
        push(&mut text, format_args!("\n[[place]]\ndevice = \"{}\"\nroom = \"{ROOM}\"\n", device.id));
        if let Some(rack) = device.rack {
            push(&mut text, format_args!("rack = \"{}\"\n", rack_id(rack)));
        }
    }
    site.points.iter().for_each(|point| text.push_str(&meter_point(point)));
    text.push_str(&limits(site));
    for (year, tonnes) in [target.from, target.to] {
        push(&mut text, format_args!("\n[[target]]\nyear = {year}\nt_co2 = {tonnes}\nbook = \"location\"\n"));
    }
    text
}

/// The path of a site to its climate target: two years with their tonnes of CO2, a straight line between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Where it begins.
    pub(crate) from: (i16, u32),
    /// Where it ends.
    pub(crate) to: (i16, u32),
}

impl Target {
    /// The path to half of what a site of this size emitted in 2024, by 2030. 1.55 is the usual PUE
    /// of a data centre that is ten years old; 363 g/kWh the German
    /// mix of 2024 (UBA, Climate Change 13/2025).
    pub(crate) fn of(site: &Site) -> Self {
        let tonnes = site.plant.it_power * 1.55 * 8.76 * 363.0 / 1e6;
        let half = u32::try_from(crate::physics::whole(tonnes / 2.0)).unwrap_or(0);
        Self { from: (2024, half * 2), to: (2030, half) }
    }
}

fn meter_point(point: &Point) -> String {
    let mut text = format!("\n[[meter_point]]\nid = \"{}\"\nrole = \"{}\"\n", point.id, point.role);
    match &point.source {
        PointSource::Register { device, quantity, channel, ratio } => {
            push(
                &mut text,
                format_args!(
                    "[[meter_point.source]]\ndevice = \"{device}\"\nchannel = \"{channel}\"\nquantity = \"{quantity}\"\n"
                ),
            );
            if *ratio != 1 {
                push(&mut text, format_args!("ratio = \"{ratio}/1\"\n"));
            }
            if *quantity == Quantity::ActiveEnergyImport {
                let class = if point.role == Role::Grid { "0.5S" } else { "1" };
                push(&mut text, format_args!("accuracy_class = \"{class}\"\n"));
            }
        }
        PointSource::Formula(formula) => {
            push(&mut text, format_args!("[[meter_point.virtual]]\nformula = \"{formula}\"\n"));
        }
    }
    text.push_str("valid_from = 2020-01-01\n");
    text
}

/// The upper end of what ASHRAE TC 9.9 recommends for the inlet of each rack.
fn limits(site: &Site) -> String {
    let room = site.devices.iter().find(|device| device.id.as_str() == "room");
    let rack = |n: u8| {
        format!(
            "\n[[limit]]\nid = \"inlet-{}\"\nname = \"Rack {} inlet\"\ndevice = \"room\"\nchannel = \"sensor.{n}\"\n\
             quantity = \"temperature\"\nabove = 27\nhold = \"5m\"\nseverity = \"warning\"\n\
             source = \"ASHRAE TC 9.9, Thermal Guidelines, 5th edition, recommended range\"\n",
            rack_id(n - 1),
            rack_id(n - 1),
        )
    };
    room.map(|_| (1..=site.plant.racks).map(rack).collect()).unwrap_or_default()
}

fn rack_id(rack: u8) -> String {
    format!("a{:02}", rack + 1)
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("writing to a String cannot fail");
}

/// A path as it stands in a configuration.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
