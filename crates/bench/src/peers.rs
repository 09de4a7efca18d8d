//! Configurations by which other programs read the same values at the same period.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fleet::{self, Kind, UNITS};
use crate::turn::{Load, Who};

/// Where Debian's package puts collectd's plugins.
const COLLECTD_PLUGINS: &str = "/usr/lib/collectd";
/// Threads that collectd reads with: enough that none waits for another on loopback, and its default.
const COLLECTD_THREADS: u32 = 5;

/// The peers that are on this machine, and why the others are not measured.
pub(crate) fn installed() -> (Vec<Who>, Vec<String>) {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    if on_path("collectd") && Path::new(COLLECTD_PLUGINS).join("modbus.so").exists() {
        found.push(Who::Collectd);
    } else {
        missing.push(
            "collectd is not installed (apt-get install --no-install-recommends collectd-core libmodbus5 libsnmp40)"
                .to_owned(),
        );
    }
    if on_path("telegraf") {
        found.push(Who::Telegraf);
    } else {
        missing.push("Telegraf is not on the PATH".to_owned());
    }
    missing.push("snmp_exporter is not measured: it polls only when a Prometheus asks it to".to_owned());
    (found, missing)
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Writes a configuration for collectd: no plugin that writes, so values go nowhere, as with the agent's `discard`.
pub(crate) fn collectd(load: &Load, folder: &Path) -> anyhow::Result<PathBuf> {
    let types = folder.join("types.db");
    fs::write(&types, "gauge value:GAUGE:U:U\noutlet a:GAUGE:U:U, b:GAUGE:U:U, c:GAUGE:U:U, d:GAUGE:U:U\n")?;
    let (base, types, interval) = (folder.display(), types.display(), load.period.as_secs_f64());
    let head = format!(
        "BaseDir \"{base}\"\nPIDFile \"{base}/collectd.pid\"\nPluginDir \"{COLLECTD_PLUGINS}\"\nTypesDB \"{types}\"\n\
         Interval {interval}\nReadThreads {COLLECTD_THREADS}\nHostname \"bench\"\nFQDNLookup false\n"
    );
    let plugin = if load.kind.is_snmp() { collectd_snmp(load) } else { collectd_modbus(load) };
    let path = folder.join("collectd.conf");
    fs::write(&path, head + &plugin)?;
    Ok(path)
}

fn collectd_modbus(load: &Load) -> String {
    let registers: Vec<u16> =
        load.kind.blocks().iter().flat_map(|(start, count)| (*start..start + count).step_by(2)).collect();
    let data = |register: &u16| {
        format!(
            "<Data \"v{register}\">\nRegisterBase {register}\nRegisterType float\nRegisterCmd ReadHolding\n\
             Type gauge\nInstance \"v{register}\"\n</Data>\n"
        )
    };
    let collect = |register: &u16| format!("Collect \"v{register}\"\n");
    let collect: String = registers.iter().map(collect).collect();
    let data: String = registers.iter().map(data).collect();
    let host = |place: u32| collectd_host(load, place, &collect);
    let hosts: String = (0..load.kind.addresses(load.devices)).map(host).collect();
    format!("LoadPlugin modbus\n<Plugin modbus>\n{data}{hosts}</Plugin>\n")
}

fn collectd_host(load: &Load, place: u32, collect: &str) -> String {
    let slave = |device: u32| {
        let unit = load.kind.unit(device);
        format!("<Slave {unit}>\nInstance \"device-{device}\"\n{collect}</Slave>\n")
    };
    let slaves: String = behind(load, place).map(slave).collect();
    let address = load.kind.address(place * units(load.kind));
    let (ip, port, interval) = (address.ip(), address.port(), load.period.as_secs_f64());
    format!(
        "<Host \"host-{place}\">\nAddress \"{ip}\"\nPort \"{port}\"\nInterval {interval}\n{slaves}</Host>\n"
    )
}

/// Devices at one address.
const fn units(kind: Kind) -> u32 {
    if matches!(kind, Kind::Gateway) { UNITS } else { 1 }
}

/// The devices at the address with this number.
fn behind(load: &Load, place: u32) -> std::ops::Range<u32> {
    let units = units(load.kind);
    place * units..((place + 1) * units).min(load.devices)
}

/// One table of four columns, asked by get-bulk.
fn collectd_snmp(load: &Load) -> String {
    let columns: Vec<String> = fleet::columns();
    let columns = columns.join("\" \".");
    let (community, interval) = (fleet::COMMUNITY, load.period.as_secs_f64());
    let host = |device: u32| {
        let address = load.kind.address(device);
        format!(
            "<Host \"device-{device}\">\nAddress \"{address}\"\nVersion 2\nCommunity \"{community}\"\n\
             Collect \"outlets\"\nBulkSize 24\nInterval {interval}\n</Host>\n"
        )
    };
    let hosts: String = (0..load.devices).map(host).collect();
    format!(
        "LoadPlugin snmp\n<Plugin snmp>\n<Data \"outlets\">\nTable true\nType \"outlet\"\nTypeInstanceOID \"\"\n\
         Values \".{columns}\"\n</Data>\n{hosts}</Plugin>\n"
    )
}

/// Writes a configuration for Telegraf with `outputs.discard`.
pub(crate) fn telegraf(load: &Load, folder: &Path) -> anyhow::Result<PathBuf> {
    let interval = format!("{}ms", load.period.as_millis());
    let head = format!(
        "[agent]\ninterval = \"{interval}\"\nflush_interval = \"1s\"\nmetric_buffer_limit = 100000\n\
         omit_hostname = true\n[[outputs.discard]]\n"
    );
    let inputs = if load.kind.is_snmp() { telegraf_snmp(load) } else { telegraf_modbus(load) };
    let path = folder.join("telegraf.conf");
    fs::write(&path, head + &inputs)?;
    Ok(path)
}

/// Configuration by request, which asks for each block in one; several units of a gateway share one connection.
fn telegraf_modbus(load: &Load) -> String {
    let block = |device: u32, (start, count): (u16, u16)| {
        let field =
            |register: u16| format!("{{ address = {register}, name = \"v{register}\", type = \"FLOAT32\" }}");
        let fields: Vec<String> = (start..start + count).step_by(2).map(field).collect();
        let (unit, fields) = (load.kind.unit(device), fields.join(", "));
        format!(
            "[[inputs.modbus.request]]\nslave_id = {unit}\nbyte_order = \"ABCD\"\nregister = \"holding\"\n\
             fields = [{fields}]\n"
        )
    };
    let host = |place: u32| {
        let address = load.kind.address(place * units(load.kind));
        let blocks = |device: u32| load.kind.blocks().iter().map(move |one| block(device, *one));
        let requests: String = behind(load, place).flat_map(blocks).collect();
        format!(
            "[[inputs.modbus]]\nname = \"host-{place}\"\ncontroller = \"tcp://{address}\"\ntimeout = \"1s\"\n\
             configuration_type = \"request\"\n{requests}"
        )
    };
    (0..load.kind.addresses(load.devices)).map(host).collect()
}

fn telegraf_snmp(load: &Load) -> String {
    let agents: Vec<String> =
        (0..load.devices).map(|device| format!("\"udp://{}\"", load.kind.address(device))).collect();
    let field = |column: &String| {
        format!(
            "[[inputs.snmp.table.field]]\noid = \".{column}\"\nname = \"c{}\"\n",
            column.replace('.', "_")
        )
    };
    let fields: String = fleet::columns().iter().map(field).collect();
    format!(
        "[[inputs.snmp]]\nagents = [{}]\nversion = 2\ncommunity = \"{}\"\nmax_repetitions = 24\n\
         [[inputs.snmp.table]]\nname = \"outlet\"\n{fields}",
        agents.join(", "),
        fleet::COMMUNITY
    )
}
