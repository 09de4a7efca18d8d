//! `[[bus]]`: how the devices on one Modbus connection or serial line are spoken to, all together.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use settings::Table;

use super::{DeviceConfig, Speech};
use crate::address::bus;
use crate::modbus::Bus;
use crate::poll::Manners;

const PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);
const IDLE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);
const IN_FLIGHT: RangeInclusive<i64> = 1..=16;
const RESPONSE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(10);
/// How long a device takes to answer if nothing else is said; meters take 5 to 50 ms.
pub const RESPONSE_USUAL: Duration = Duration::from_millis(20);
/// The same with the time on a serial line that is not known: that of about 20 registers at 9600 baud.
pub const RESPONSE_BEHIND_SERVER: Duration = Duration::from_millis(80);

/// How one bus is used. What is not said comes from its devices' profiles, or is learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusConfig {
    /// The bus.
    pub bus: Bus,
    /// Requests that may be under way at once; also more than a profile of a device behind it says.
    pub in_flight: Option<usize>,
    /// All else. Its `in_flight` is not used.
    pub manners: Manners,
    /// How long a device takes to answer, for the load that `check` computes.
    pub response_time: Duration,
}

impl BusConfig {
    /// A bus of which nothing is said.
    pub fn usual(bus: &Bus) -> Self {
        let silence = bus.line().map_or(Duration::ZERO, crate::modbus::SerialLine::silence);
        let manners = Manners { silence, ..Manners::default() };
        Self { bus: bus.clone(), in_flight: None, manners, response_time: usual_response(bus) }
    }

    fn from_table(table: &Table<'_>) -> Option<Self> {
        let address = table.string("address");
        let bus = address.and_then(|text| bus(&text).map_err(|error| table.mistake("address", error)).ok());
        let pause = |key| table.optional_duration(key, PAUSE);
        let flag = |key| table.optional_boolean(key).unwrap_or(false);
        let in_flight = table.optional_integer("in_flight", IN_FLIGHT).and_then(|n| usize::try_from(n).ok());
        let manners = Manners {
            in_flight: 1,
            pause: pause("pause").unwrap_or_default(),
            pause_after_connect: pause("pause_after_connect").unwrap_or_default(),
            silence: pause("silence").unwrap_or_default(),
            idle_timeout: table.optional_duration("idle_timeout", IDLE),
            close_after_poll: flag("close_after_poll"),
            ignore_transaction_id: flag("ignore_transaction_id"),
            echo: flag("echo"),
        };
        let response_time = table
            .optional_duration("response_time", RESPONSE)
            .unwrap_or_else(|| bus.as_ref().map_or(RESPONSE_USUAL, usual_response));
        let one = Self { bus: bus?, in_flight, manners, response_time };
        one.check(table);
        Some(one)
    }

    fn check(&self, table: &Table<'_>) {
        let several = self.in_flight.is_some_and(|n| n > 1);
        if self.bus.is_rtu() {
            if several {
                table.mistake("in_flight", "on a serial line only one request can be under way");
            }
            if self.manners.ignore_transaction_id {
                table.mistake("ignore_transaction_id", "frames of a serial line have no transaction id");
            }
        } else {
            for key in ["echo", "silence"].into_iter().filter(|key| table.has(key)) {
                table.mistake(key, "is for serial lines, modbus+rtu:// and modbus+rtu-tcp://");
            }
        }
        if self.manners.ignore_transaction_id && several {
            table.mistake(
                "in_flight",
                "must be 1 where transaction ids are ignored: nothing else tells answers apart",
            );
        }
    }
}

const fn usual_response(bus: &Bus) -> Duration {
    if matches!(bus, Bus::RtuTcp(_)) { RESPONSE_BEHIND_SERVER } else { RESPONSE_USUAL }
}

/// All `[[bus]]`, and the silence of those lines of which none says it.
pub(super) fn buses(root: &Table<'_>) -> Vec<BusConfig> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    root.tables("bus", |table| {
        let one = BusConfig::from_table(table)?;
        if let Some(line) = seen.insert(one.bus.key(), table.line()) {
            table.mistake("address", format_args!("the bus of line {line} has that address"));
        }
        Some(one)
    })
}

/// Gives each serial line the settings that its devices name, and notes what contradicts: a line has one rate, and a
/// `[[bus]]` that no device is on says nothing.
pub(super) fn settle(root: &Table<'_>, buses: &mut [BusConfig], devices: &[DeviceConfig]) {
    let mut lines: BTreeMap<String, &DeviceConfig> = BTreeMap::new();
    for device in devices {
        let Speech::Modbus(modbus) = &device.speech else { continue };
        let first = *lines.entry(modbus.bus.key()).or_insert(device);
        if matches!(&first.speech, Speech::Modbus(other) if other.bus != modbus.bus) {
            let (one, other) = (&device.address, &first.address);
            root.mistake(
                "device",
                format_args!("`{one}` and `{other}` are on one line with different settings"),
            );
        }
    }
    for one in buses {
        let Some(Speech::Modbus(modbus)) = lines.get(&one.bus.key()).map(|device| &device.speech) else {
            root.mistake("bus", format_args!("no device is on `{}`", one.bus));
            continue;
        };
        one.bus = modbus.bus.clone();
        let least = one.bus.line().map_or(Duration::ZERO, crate::modbus::SerialLine::silence);
        one.manners.silence = one.manners.silence.max(least);
    }
}
