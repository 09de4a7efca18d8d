//! From a checked configuration to what is polled: gateways, SNMP devices, series and groups.

use std::collections::BTreeMap;
use std::time::Duration;

use model::{DeviceId, PollGroup, SeriesDescriptor};
use profile::{SeriesShape, plan as blocks};

use super::desk::Numbers;
use super::gateway::{Manners, ModbusPlan};
use super::schedule::{SNMP_TICK_MS, Schedule, TICK_MS};
use super::snmp::SnmpTarget;
use crate::config::{Config, DeviceConfig, ModbusConfig, SnmpConfig, Speech};
use crate::host::Probe;

/// All that is polled.
#[derive(Debug, Default)]
pub struct Plan {
    /// Modbus, by address.
    pub gateways: Vec<GatewayPlan>,
    /// Devices asked over SNMP; their series are learned from them.
    pub snmp: Vec<SnmpTarget>,
    /// The machine itself.
    pub hosts: Vec<HostPlan>,
    /// Series that are known before anything was asked.
    pub series: Vec<SeriesDescriptor>,
    /// Groups that are known before anything was asked.
    pub groups: Vec<PollGroup>,
    /// Where numbers go on.
    pub numbers: Numbers,
}

/// The devices behind one Modbus address.
#[derive(Debug)]
pub struct GatewayPlan {
    /// `host:port`.
    pub endpoint: String,
    /// How the connection is used.
    pub manners: Manners,
    /// Devices with their schedules.
    pub devices: Vec<(ModbusPlan, Schedule)>,
}

/// The machine itself, as a device.
#[derive(Debug)]
pub struct HostPlan {
    /// Its id as a device.
    pub device: DeviceId,
    /// Number of its group.
    pub group: u32,
    /// When it is due.
    pub schedule: Schedule,
    /// What can be read.
    pub probe: Probe,
}

impl Plan {
    /// The plan of a configuration.
    pub fn new(config: &Config) -> Self {
        let mut plan = Self::default();
        let mut places = BTreeMap::new();
        for device in &config.devices {
            match &device.speech {
                Speech::Modbus(modbus) => plan.add_modbus(device, modbus, &mut places),
                Speech::Snmp(snmp) => plan.snmp.push(snmp_target(device, snmp)),
                Speech::Host => plan.add_host(device),
            }
        }
        plan
    }

    fn add_modbus(
        &mut self,
        device: &DeviceConfig,
        modbus: &ModbusConfig,
        places: &mut BTreeMap<String, usize>,
    ) {
        let schedule = Schedule::spread(&device.id, device.every, TICK_MS);
        let shapes: Vec<SeriesShape> = modbus.readings.iter().map(profile::ModbusReading::shape).collect();
        let group = self.declare(&device.id, &shapes, modbus.profile.as_deref(), schedule);
        let one = ModbusPlan {
            device: device.id.clone(),
            unit: modbus.unit,
            blocks: blocks(&modbus.readings, &modbus.limits),
            readings: std::sync::Arc::clone(&modbus.readings),
            timeout: device.timeout,
            retries: device.retries,
            period: device.every,
            group,
        };
        let place = *places.entry(modbus.endpoint.clone()).or_insert_with(|| {
            let manners = Manners { in_flight: usize::MAX, pause: Duration::ZERO };
            self.gateways.push(GatewayPlan {
                endpoint: modbus.endpoint.clone(),
                manners,
                devices: Vec::new(),
            });
            self.gateways.len() - 1
        });
        if let Some(gateway) = self.gateways.get_mut(place) {
            // What the most sensitive device behind an address bears holds for all of them: they share the connection.
            gateway.manners.in_flight = gateway.manners.in_flight.min(usize::from(modbus.limits.in_flight));
            gateway.manners.pause = gateway.manners.pause.max(modbus.limits.pause);
            gateway.devices.push((one, schedule));
        }
    }

    fn add_host(&mut self, device: &DeviceConfig) {
        let schedule = Schedule::spread(&device.id, device.every, TICK_MS);
        let probe = Probe::new();
        let group = self.declare(&device.id, &probe.shapes(), None, schedule);
        self.hosts.push(HostPlan { device: device.id.clone(), group, schedule, probe });
    }

    fn declare(
        &mut self,
        device: &DeviceId,
        shapes: &[SeriesShape],
        profile: Option<&profile::Profile>,
        schedule: Schedule,
    ) -> u32 {
        let first = self.series.len();
        let described =
            shapes.iter().map(|shape| shape.describe(self.numbers.series(), device.clone(), profile));
        self.series.extend(described);
        let number = self.numbers.group();
        self.groups.push(PollGroup {
            number,
            device: device.clone(),
            period_ms: schedule.period_ms,
            offset_ms: schedule.offset_ms,
            series: self.series.iter().skip(first).map(|series| series.number).collect(),
        });
        number
    }
}

fn snmp_target(device: &DeviceConfig, snmp: &SnmpConfig) -> SnmpTarget {
    SnmpTarget {
        device: device.id.clone(),
        name: snmp.endpoint.clone(),
        community: std::sync::Arc::clone(&snmp.community),
        profile: std::sync::Arc::clone(&snmp.profile),
        timeout: device.timeout,
        retries: device.retries,
        in_flight: snmp.in_flight,
        schedule: Schedule::spread(&device.id, device.every, SNMP_TICK_MS),
    }
}
