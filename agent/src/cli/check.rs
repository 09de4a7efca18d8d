//! `check`: every mistake at once, or what would be polled and at what load.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::table::{row, table};
use super::{load, print};
use crate::config::{Config, Speech};
use crate::poll::Plan;

/// Above this period a register cannot be interpolated to the quarter hour, so its polls must meet the quarter.
const INTERPOLATED_SECONDS_MAX: u64 = 120;
const QUARTER_MS: u128 = 900_000;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// What would be polled.
#[derive(Debug, Serialize)]
struct Report {
    agent: String,
    site: String,
    devices: Vec<DeviceReport>,
    connections: Vec<ConnectionReport>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DeviceReport {
    id: String,
    address: String,
    profile: Option<String>,
    every_ms: u128,
    offset_ms: Option<u32>,
    /// `None` where it is learned from the device.
    readings: Option<usize>,
    requests_per_poll: Option<usize>,
}

#[derive(Debug, Serialize)]
struct ConnectionReport {
    address: String,
    devices: usize,
    requests_per_second: f64,
    registers_per_second: f64,
    /// Of its time, if every answer takes as long as its time limit allows at worst.
    in_flight: usize,
}

pub(super) fn check(args: &CheckArgs) -> anyhow::Result<u8> {
    let config = match load(&args.config) {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let report = report(&config);
    if args.json {
        print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        print(&text(&report))?;
    }
    Ok(0)
}

fn report(config: &Config) -> Report {
    let plan = Plan::new(config);
    Report {
        agent: config.agent.to_string(),
        site: config.site.to_string(),
        devices: config.devices.iter().map(|device| device_report(device, &plan)).collect(),
        connections: connections(&plan),
        notes: notes(config),
    }
}

fn device_report(device: &crate::config::DeviceConfig, plan: &Plan) -> DeviceReport {
    let group = plan.groups.iter().find(|group| group.device == device.id);
    let mut polled = plan.gateways.iter().flat_map(|gateway| &gateway.devices);
    let blocks = polled.find(|(one, _)| one.device == device.id).map(|(one, _)| one.blocks.len());
    let learned = plan.snmp.iter().find(|target| target.device == device.id);
    let profile = match &device.speech {
        Speech::Modbus(modbus) => modbus.profile.as_ref().map(|profile| profile.id.to_string()),
        Speech::Snmp(snmp) => Some(snmp.profile.id.to_string()),
        Speech::Host => Some("host".to_owned()),
    };
    DeviceReport {
        id: device.id.to_string(),
        address: device.address.to_string(),
        profile,
        every_ms: device.every.as_millis(),
        offset_ms: group.map(|group| group.offset_ms).or(learned.map(|target| target.schedule.offset_ms)),
        readings: group.map(|group| group.series.len()),
        requests_per_poll: blocks,
    }
}

fn connections(plan: &Plan) -> Vec<ConnectionReport> {
    let one = |gateway: &crate::poll::GatewayPlan| {
        let per_second = |amount: &dyn Fn(&crate::poll::ModbusPlan) -> usize| {
            gateway.devices.iter().map(|(one, _)| amount(one) as f64 / one.period.as_secs_f64()).sum::<f64>()
        };
        ConnectionReport {
            address: gateway.endpoint.clone(),
            devices: gateway.devices.len(),
            requests_per_second: per_second(&|one| one.blocks.len()),
            registers_per_second: per_second(&|one| {
                one.blocks.iter().map(|block| usize::from(block.count)).sum()
            }),
            in_flight: gateway.manners.in_flight,
        }
    };
    plan.gateways.iter().map(one).collect()
}

fn notes(config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    if config.collector.is_none() {
        notes.push("no `[collector]`: runs only with --sink discard, stdout or file".to_owned());
    }
    for device in &config.devices {
        let period = device.every;
        if period.as_secs() > INTERPOLATED_SECONDS_MAX && !QUARTER_MS.is_multiple_of(period.as_millis()) {
            notes.push(format!(
                "device `{}`: with every = {period:?} its counters are not read on the quarter hour, and above 120 s \
                 they cannot be interpolated to it; 15-minute energy will be missing",
                device.id
            ));
        }
        if device.timeout > period {
            notes.push(format!(
                "device `{}`: timeout is longer than its period, which limits every wait",
                device.id
            ));
        }
    }
    notes
}

fn text(report: &Report) -> String {
    let learned = || "learned".to_owned();
    let mut devices = vec![row([&"device", &"address", &"profile", &"every", &"values", &"requests a poll"])];
    devices.extend(report.devices.iter().map(|one| {
        row([
            &one.id,
            &one.address,
            &one.profile.as_deref().unwrap_or("inline"),
            &format!("{} ms", one.every_ms),
            &one.readings.map_or_else(learned, |n| n.to_string()),
            &one.requests_per_poll.map_or_else(
                || if one.readings.is_none() { learned() } else { "none".to_owned() },
                |n| n.to_string(),
            ),
        ])
    }));
    let mut text = format!("agent {} at site {}\n\n{}", report.agent, report.site, table(&devices));
    if !report.connections.is_empty() {
        let mut rows = vec![row([&"connection", &"devices", &"requests/s", &"registers/s", &"in flight"])];
        rows.extend(report.connections.iter().map(|one| {
            let (requests, registers) =
                (format!("{:.1}", one.requests_per_second), format!("{:.0}", one.registers_per_second));
            row([&one.address, &one.devices, &requests, &registers, &one.in_flight])
        }));
        text.extend(["\n", &table(&rows)]);
    }
    for note in &report.notes {
        text.extend(["\nnote: ", note, "\n"]);
    }
    text
}
