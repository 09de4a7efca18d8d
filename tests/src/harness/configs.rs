//! Configurations as a person would write them, of what the simulator describes. All paths are relative to the folder
//! of the story.

use std::fmt::Write as _;
use std::net::SocketAddr;

use model::Side;
use profile::ModbusReading;
use sim::site::{Device, Link, Map, PointSource, Site};

/// What an agent's configuration is made of.
#[derive(Debug)]
pub(crate) struct AgentText<'a> {
    pub(crate) agent: &'a str,
    pub(crate) site: &'a str,
    /// The agents' door of the collector; `None` for agents that ship nothing.
    pub(crate) collector: Option<SocketAddr>,
    /// The devices, and how often each is polled.
    pub(crate) devices: Vec<(&'a Device, &'a str)>,
}

/// An agent's configuration; the community of SNMP devices stands in `lab.community`, the spool in `spool-AGENT`.
pub(crate) fn agent_text(of: &AgentText<'_>) -> String {
    let AgentText { agent, site, .. } = of;
    let mut text = format!("[agent]\nid = \"{agent}\"\nsite = \"{site}\"\n\n");
    if let Some(collector) = of.collector {
        let credentials = format!("ca = \"ca.pem\"\ncert = \"{agent}.pem\"\nkey = \"{agent}.key\"\n");
        write!(text, "[collector]\nurl = \"https://{collector}\"\n{credentials}\n").unwrap();
    }
    write!(text, "[spool]\ndir = \"spool-{agent}\"\ncap = \"512 MiB\"\n\n").unwrap();
    text.push_str("[credentials.lab]\nversion = \"2c\"\ncommunity_file = \"lab.community\"\n");
    of.devices.iter().for_each(|(device, every)| text.push_str(&device_text(device, every)));
    text
}

fn device_text(device: &Device, every: &str) -> String {
    let address = match device.link {
        Link::Modbus { listen, unit } => format!("address = \"modbus+tcp://{listen}/{unit}\"\n"),
        Link::Snmp { listen } => format!("address = \"snmp://{listen}\"\ncredentials = \"lab\"\n"),
    };
    let mut text = format!("\n[[device]]\nid = \"{}\"\n{address}every = \"{every}\"\n", device.id);
    match &device.map {
        Map::Profile(id) => writeln!(text, "profile = \"{id}\"").unwrap(),
        Map::Inline(readings) => readings.iter().for_each(|one| text.push_str(&reading_text(one))),
    }
    text
}

fn reading_text(reading: &ModbusReading) -> String {
    let side = if reading.side == Side::Secondary { "side = \"secondary\"\n" } else { "" };
    format!(
        "[[device.reading]]\nquantity = \"{}\"\nchannel = \"{}\"\nregister = {}\nfunction = {}\ntype = \"{}\"\n\
         order = \"{}\"\nscale = {}\nunit = \"{}\"\n{side}",
        reading.quantity,
        reading.channel,
        reading.register,
        reading.function.code(),
        reading.data_type,
        reading.order,
        reading.scale,
        reading.unit,
    )
}

/// What a collector's configuration is made of.
#[derive(Debug)]
pub(crate) struct CollectorText<'a> {
    pub(crate) web: SocketAddr,
    pub(crate) ingest: SocketAddr,
    /// Tables of their own at the end: sinks.
    pub(crate) more: &'a str,
}

/// A collector's configuration with the factors that come with the repository; its record is in `record`.
pub(crate) fn collector_text(of: &CollectorText<'_>) -> String {
    let factors = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/factors/uba-2025.toml");
    format!(
        "[collector]\ncity = \"frankfurt\"\ncity_name = \"Frankfurt am Main\"\ndata_dir = \"record\"\n\n\
         [web]\nlisten = \"{}\"\n\n[ingest]\nlisten = \"{}\"\nca = \"ca.pem\"\ncert = \"collector.pem\"\n\
         key = \"collector.key\"\n\n[[factor_set]]\nfile = \"{factors}\"\n\n{}",
        of.web, of.ingest, of.more
    )
}

/// The file of a simulated site, as the collector takes it.
pub(crate) fn site_text(site: &Site) -> String {
    let mut text = format!(
        "[site]\nid = \"{}\"\nname = \"{}\"\ncity = \"{}\"\nzone = \"Europe/Berlin\"\n\
         start_of_operation = 2016-05-01\nrated_power_kw = 400\nit_power_kw = 200\n",
        site.id, site.name, site.city
    );
    for point in &site.points {
        write!(text, "\n[[meter_point]]\nid = \"{}\"\nrole = \"{}\"\n", point.id, point.role).unwrap();
        match &point.source {
            PointSource::Register { device, quantity, channel, ratio } => write!(
                text,
                "[[meter_point.source]]\ndevice = \"{device}\"\nchannel = \"{channel}\"\n\
                 quantity = \"{quantity}\"\nratio = \"{ratio}/1\"\n"
            ),
            PointSource::Formula(formula) => {
                write!(text, "[[meter_point.virtual]]\nformula = \"{formula}\"\n")
            }
        }
        .unwrap();
        text.push_str("valid_from = 2020-01-01\n");
    }
    text
}
