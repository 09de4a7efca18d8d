//! From a checked configuration to what is polled: gateways, SNMP devices, series and groups.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{DeviceId, PollGroup, SeriesDescriptor};
use profile::{SeriesShape, plan as blocks};

use super::desk::Numbers;
use super::gateway::{Manners, ModbusPlan, SurveyPlan};
use super::schedule::{SNMP_TICK_MS, Schedule, TICK_MS};
use super::snmp::SnmpTarget;
use crate::config::{BusConfig, Config, DeviceConfig, ModbusConfig, SnmpConfig, Speech};
use crate::host::{Probe, Roots};
use crate::modbus::Bus;

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

/// The devices on one bus.
#[derive(Debug)]
pub struct GatewayPlan {
    /// The bus.
    pub bus: Bus,
    /// How the connection is used.
    pub manners: Manners,
    /// Is the number of requests under way said by the configuration?
    pub is_fixed: bool,
    /// Devices with their schedules.
    pub devices: Vec<(ModbusPlan, Schedule)>,
}

impl GatewayPlan {
    /// A bus without devices. Until the first one comes nothing limits the requests that may be under way.
    fn new(said: BusConfig) -> Self {
        let in_flight = said.in_flight.unwrap_or(usize::MAX);
        let single = said.bus.is_rtu() || said.manners.ignore_transaction_id;
        let manners = Manners { in_flight: if single { 1 } else { in_flight }, ..said.manners };
        Self { bus: said.bus, manners, is_fixed: single || said.in_flight.is_some(), devices: Vec::new() }
    }

    /// What the most sensitive device on a bus bears holds for all of them, for they share the connection; but what the
    /// configuration says of the bus holds first.
    fn add(&mut self, device: ModbusPlan, schedule: Schedule) {
        if !self.is_fixed {
            self.manners.in_flight = self.manners.in_flight.min(usize::from(device.limits.in_flight));
        }
        self.manners.pause = self.manners.pause.max(device.limits.pause);
        self.devices.push((device, schedule));
    }
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
                Speech::Modbus(modbus) => plan.add_modbus(config, (device, modbus), &mut places),
                Speech::Snmp(snmp) => plan.snmp.push(snmp_target(device, snmp)),
                Speech::Host => plan.add_host(device),
            }
        }
        plan
    }

    fn add_modbus(
        &mut self,
        config: &Config,
        (device, modbus): (&DeviceConfig, &ModbusConfig),
        places: &mut BTreeMap<String, usize>,
    ) {
        let schedule = Schedule::spread(&device.id, device.every, TICK_MS);
        let one = self.modbus_plan(device, modbus, schedule);
        let place = *places.entry(modbus.bus.key()).or_insert_with(|| {
            self.gateways.push(GatewayPlan::new(config.bus(&modbus.bus)));
            self.gateways.len() - 1
        });
        if let Some(gateway) = self.gateways.get_mut(place) {
            gateway.add(one, schedule);
        }
    }

    fn modbus_plan(
        &mut self,
        device: &DeviceConfig,
        modbus: &ModbusConfig,
        schedule: Schedule,
    ) -> ModbusPlan {
        let surveyed = modbus.profile.as_ref().filter(|profile| profile.sunspec().is_some());
        let shapes =
            || modbus.readings.iter().map(profile::ModbusReading::shape).collect::<Vec<SeriesShape>>();
        // What a device that describes itself has is declared when it is known.
        let group = surveyed
            .is_none()
            .then(|| self.declare(&device.id, &shapes(), modbus.profile.as_deref(), schedule));
        ModbusPlan {
            device: device.id.clone(),
            unit: modbus.unit,
            blocks: blocks(&modbus.readings, &modbus.limits),
            readings: Arc::clone(&modbus.readings),
            limits: modbus.limits,
            timeout: device.timeout,
            retries: device.retries,
            period: device.every,
            group,
            survey: surveyed.map(|profile| SurveyPlan { profile: Arc::clone(profile), schedule }),
        }
    }

    fn add_host(&mut self, device: &DeviceConfig) {
        let schedule = Schedule::spread(&device.id, device.every, TICK_MS);
        let probe = Probe::new(&Roots::default(), device.every);
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
        credentials: snmp.credentials.clone(),
        profile: std::sync::Arc::clone(&snmp.profile),
        timeout: device.timeout,
        retries: device.retries,
        in_flight: snmp.in_flight,
        schedule: Schedule::spread(&device.id, device.every, SNMP_TICK_MS),
    }
}
