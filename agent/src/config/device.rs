//! One `[[device]]`.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use model::{DeviceId, RackId, RoomId};
use profile::modbus::{Defaults, limits, readings};
use profile::{Body, Library, Limits, ModbusReading};
use settings::Table;

use super::{Credentials, SharedProfile};
use crate::address::Address;
use crate::modbus::Bus;
use crate::poll::schedule::TICK_MS;

const EVERY: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(24);
const EVERY_USUAL: Duration = Duration::from_secs(10);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);
const TIMEOUT_USUAL: Duration = Duration::from_secs(1);
const RETRIES: RangeInclusive<i64> = 0..=5;
/// A UDP packet may be lost without anything being wrong; a TCP connection repeats by itself.
const SNMP_RETRIES_USUAL: u8 = 1;
/// Management cards work on one request at a time; a second one waits in their queue instead of on the network.
const SNMP_IN_FLIGHT_USUAL: usize = 2;
/// The tallest racks have 58 units.
const UNITS: RangeInclusive<i64> = 1..=60;
/// The profile name of the machine itself.
const HOST: &str = "host";

/// A device that is read.
#[derive(Debug, Clone)]
pub struct DeviceConfig {
    /// Its id.
    pub id: DeviceId,
    /// Where it is, as written, without secrets.
    pub address: Address,
    /// Time from one poll to the next.
    pub every: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// How often an unanswered request is repeated within its period.
    pub retries: u8,
    /// Where it stands.
    pub location: Option<Location>,
    /// How it is spoken to.
    pub speech: Speech,
}

/// Where a device stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The room.
    pub room: Option<RoomId>,
    /// The rack.
    pub rack: Option<RackId>,
    /// The lowest unit of the rack that it takes.
    pub u: Option<u8>,
}

/// How a device is spoken to.
#[derive(Debug, Clone)]
pub enum Speech {
    /// Modbus, over TCP or a serial line.
    Modbus(ModbusConfig),
    /// SNMP.
    Snmp(SnmpConfig),
    /// The machine itself.
    Host,
}

/// A device that is read over Modbus.
#[derive(Debug, Clone)]
pub struct ModbusConfig {
    /// What it hangs on.
    pub bus: Bus,
    /// Unit id.
    pub unit: u8,
    /// What is read.
    pub readings: Arc<[ModbusReading]>,
    /// What the device bears.
    pub limits: Limits,
    /// Its profile; `None` if the readings stand in the configuration.
    pub profile: Option<SharedProfile>,
}

/// A device that is read over SNMP.
#[derive(Debug, Clone)]
pub struct SnmpConfig {
    /// `host:port`.
    pub endpoint: String,
    /// In whose name it is asked.
    pub credentials: crate::snmp::Credentials,
    /// Its profile.
    pub profile: SharedProfile,
    /// Requests that may be under way at once.
    pub in_flight: usize,
}

impl DeviceConfig {
    pub(super) fn from_table(
        table: &Table<'_>,
        library: &Library,
        credentials: &Credentials,
    ) -> Option<Self> {
        let id = table.parsed::<DeviceId>("id");
        let address = table.parsed::<Address>("address");
        let every = table.optional_duration("every", EVERY).unwrap_or(EVERY_USUAL);
        if !every.as_millis().is_multiple_of(u128::from(TICK_MS)) {
            table.mistake("every", format_args!("found {every:?}, expected whole {TICK_MS} ms"));
        }
        let timeout = table.optional_duration("timeout", TIMEOUT).unwrap_or(TIMEOUT_USUAL);
        let retries = table.optional_integer("retries", RETRIES).and_then(|n| u8::try_from(n).ok());
        let location = table.optional_table("location", |table| Some(location(table)));
        let speech = speech(table, address.as_ref(), library, credentials);
        let usual = if matches!(speech, Some(Speech::Snmp(_))) { SNMP_RETRIES_USUAL } else { 0 };
        Some(Self {
            id: id?,
            address: address?,
            every,
            timeout,
            retries: retries.unwrap_or(usual),
            location,
            speech: speech?,
        })
    }
}

fn location(table: &Table<'_>) -> Location {
    let u = table.optional_integer("u", UNITS).and_then(|u| u8::try_from(u).ok());
    Location { room: table.optional_parsed("room"), rack: table.optional_parsed("rack"), u }
}

fn speech(
    table: &Table<'_>,
    address: Option<&Address>,
    library: &Library,
    credentials: &Credentials,
) -> Option<Speech> {
    match address {
        Some(Address::Modbus { bus, unit }) => Some(Speech::Modbus(modbus(table, (bus, *unit), library))),
        Some(Address::Snmp { community: Some(_), .. }) => {
            table.mistake(
                "address",
                "a community does not belong here but into a file that `credentials` names",
            );
            None
        }
        Some(Address::Snmp { endpoint, community: None }) => {
            snmp(table, endpoint, library, credentials).map(Speech::Snmp)
        }
        Some(Address::Host) => {
            host(table);
            Some(Speech::Host)
        }
        None => {
            // The address is wrong already; its other keys cannot be judged without it.
            table.keys();
            None
        }
    }
}

fn modbus(table: &Table<'_>, (bus, unit): (&Bus, u8), library: &Library) -> ModbusConfig {
    let profile = shared_profile(table, library);
    let (usual, of_profile) = match profile.as_ref().map(|profile| &profile.body) {
        Some(Body::Modbus { limits, readings, .. }) => (*limits, Some(readings)),
        Some(Body::Snmp(_)) => {
            table.mistake("profile", "is for SNMP, the address is one of Modbus");
            (Limits::default(), None)
        }
        None => (Limits::default(), None),
    };
    let limits = limits(table, usual);
    let inline = readings(table, "reading", &Defaults::default());
    if table.has("profile") == table.has("reading") {
        table.mistake("", "either `profile` or `[[device.reading]]` is expected");
    }
    let readings: Arc<[ModbusReading]> = of_profile.map_or(inline, Clone::clone).into();
    if let Some(wide) = readings.iter().find(|reading| reading.words() > limits.max_registers) {
        let most = limits.max_registers;
        table.mistake(
            "max_registers",
            format_args!("{} does not fit into a request of {most} registers", wide.source()),
        );
    }
    ModbusConfig { bus: bus.clone(), unit, readings, limits, profile }
}

fn snmp(
    table: &Table<'_>,
    endpoint: &str,
    library: &Library,
    credentials: &Credentials,
) -> Option<SnmpConfig> {
    let credentials = credentials.of_device(table);
    let in_flight = table.optional_integer("in_flight", 1..=16).and_then(|n| usize::try_from(n).ok());
    if !table.has("profile") {
        table.mistake("", "`profile` is missing: an SNMP device is read by a profile");
    }
    let profile = shared_profile(table, library)?;
    if profile.snmp().is_none() {
        table.mistake("profile", "is for Modbus, the address is one of SNMP");
    }
    let in_flight = in_flight.unwrap_or(SNMP_IN_FLIGHT_USUAL);
    Some(SnmpConfig { endpoint: endpoint.to_owned(), credentials: credentials?, profile, in_flight })
}

fn host(table: &Table<'_>) {
    if let Some(other) = table.optional_string("profile").filter(|profile| profile != HOST) {
        table.mistake(
            "profile",
            format_args!("found \"{other}\", expected \"{HOST}\" or nothing for host://"),
        );
    }
}

fn shared_profile(table: &Table<'_>, library: &Library) -> Option<SharedProfile> {
    let id = table.optional_string("profile")?;
    let profile = library.get(&id);
    if profile.is_none() {
        table.mistake(
            "profile",
            format_args!("there is no profile `{id}`; `wattwacht-agent profiles list` names all"),
        );
    }
    profile.cloned()
}
