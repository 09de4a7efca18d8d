//! `check`: every mistake at once, or what would be polled and at what load.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::table::{row, table};
use super::{load, print};
use crate::config::{Config, Speech};
use crate::poll::{GatewayPlan, Load, ModbusPlan, Plan};

/// Above this period a register cannot be interpolated to the quarter hour, so its polls must meet the quarter.
const INTERPOLATED_SECONDS_MAX: u64 = 120;
const QUARTER_MS: u128 = 900_000;

/// Devices whose requests are shown as text; nobody reads more.
const SHOWN_MAX: usize = 20;

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
    /// What is asked, for Modbus.
    requests: Vec<RequestReport>,
}

/// One request of a poll.
#[derive(Debug, Serialize)]
struct RequestReport {
    function: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<u16>,
    start: u16,
    count: u16,
    /// Where its values come from.
    readings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ConnectionReport {
    address: String,
    devices: usize,
    requests_per_second: f64,
    registers_per_second: f64,
    in_flight: usize,
    pause_ms: u128,
    /// How long a device is assumed to take for an answer.
    response_ms: u128,
    /// Share of the time in which it is busy; above 1 it cannot keep its periods.
    busy: f64,
    /// How long it takes to ask each device once.
    round_ms: u128,
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
        connections: connections(config, &plan),
        notes: notes(config, &plan),
    }
}

fn device_report(device: &crate::config::DeviceConfig, plan: &Plan) -> DeviceReport {
    let group = plan.groups.iter().find(|group| group.device == device.id);
    let mut polled = plan.gateways.iter().flat_map(|gateway| &gateway.devices);
    let polled = polled.find(|(one, _)| one.device == device.id).map(|(one, _)| one);
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
        requests_per_poll: polled.filter(|one| one.survey.is_none()).map(|one| one.blocks.len()),
        requests: polled.map(requests).unwrap_or_default(),
    }
}

fn connections(config: &Config, plan: &Plan) -> Vec<ConnectionReport> {
    let one = |gateway: &GatewayPlan| {
        let response = config.bus(&gateway.bus).response_time;
        let load = Load::of(gateway, response);
        ConnectionReport {
            address: gateway.bus.to_string(),
            devices: gateway.devices.len(),
            requests_per_second: load.requests,
            registers_per_second: load.registers,
            in_flight: gateway.manners.in_flight,
            pause_ms: gateway.manners.pause.as_millis(),
            response_ms: response.as_millis(),
            busy: load.busy,
            round_ms: load.round.as_millis(),
        }
    };
    plan.gateways.iter().map(one).collect()
}

fn requests(device: &ModbusPlan) -> Vec<RequestReport> {
    let source = |n: &usize| device.readings.get(*n).map(profile::ModbusReading::source);
    let one = |block: &profile::Block| RequestReport {
        function: block.function.code(),
        file: block.function.reads_files().then_some(block.file),
        start: block.start,
        count: block.count,
        readings: block.readings.iter().filter_map(source).collect(),
    };
    device.blocks.iter().map(one).collect()
}

fn notes(config: &Config, plan: &Plan) -> Vec<String> {
    let mut notes: Vec<String> = plan
        .gateways
        .iter()
        .filter_map(|gateway| Load::of(gateway, config.bus(&gateway.bus).response_time).finding(gateway))
        .collect();
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
    text.push_str(&requests_text(report));
    if !report.connections.is_empty() {
        let head: [&dyn std::fmt::Display; 7] =
            [&"connection", &"devices", &"requests/s", &"registers/s", &"in flight", &"busy", &"all once in"];
        let mut rows = vec![row(head)];
        rows.extend(report.connections.iter().map(connection_row));
        text.extend(["\n", &table(&rows), &assumption(report)]);
    }
    for note in &report.notes {
        text.extend(["\nnote: ", note, "\n"]);
    }
    text
}

fn connection_row(one: &ConnectionReport) -> Vec<String> {
    let (requests, registers) =
        (format!("{:.1}", one.requests_per_second), format!("{:.0}", one.registers_per_second));
    let (busy, round) = (format!("{:.0} %", one.busy * 100.0), format!("{} ms", one.round_ms));
    row([&one.address, &one.devices, &requests, &registers, &one.in_flight, &busy, &round])
}

/// What the load was computed with.
fn assumption(report: &Report) -> String {
    let mut times: Vec<u128> = report.connections.iter().map(|one| one.response_ms).collect();
    times.sort_unstable();
    times.dedup();
    let times: Vec<String> = times.iter().map(|ms| format!("{ms} ms")).collect();
    format!(
        "Busy assumes that a device takes {} to answer (`response_time` of its `[[bus]]`), on a serial line besides the \
         time of the characters.\n",
        times.join(" or ")
    )
}

/// What is asked of each device over Modbus.
fn requests_text(report: &Report) -> String {
    let mut rows = vec![row([&"device", &"function", &"first", &"count", &"values"])];
    let asked = report.devices.iter().filter(|one| !one.requests.is_empty());
    for device in asked.clone().take(SHOWN_MAX) {
        for (n, one) in device.requests.iter().enumerate() {
            let name = if n == 0 { device.id.as_str() } else { "" };
            let first =
                one.file.map_or_else(|| one.start.to_string(), |file| format!("{file}:{}", one.start));
            rows.push(row([&name, &one.function, &first, &one.count, &one.readings.len()]));
        }
    }
    let more = asked.count().saturating_sub(SHOWN_MAX);
    match (rows.len(), more) {
        (1, _) => String::new(),
        (_, 0) => format!("\n{}", table(&rows)),
        _ => format!("\n{}and those of {more} more devices: --json has them all\n", table(&rows)),
    }
}
