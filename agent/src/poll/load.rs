//! What a bus has to carry: computed from the plan before anything is asked.
//!
//! On a serial line the time of a request is that of its characters and those of its answer, the time that the device
//! takes, the silence between frames and the pause. Over TCP the line behind a gateway is not known, so it is the time
//! that the device and its gateway are assumed to take, divided among the requests that may be under way.

use std::time::Duration;

use crate::modbus::{Ask, Request};

use super::gateway::ModbusPlan;
use super::plan::GatewayPlan;

/// What a bus has to carry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Requests a second.
    pub requests: f64,
    /// Registers (or bits) a second.
    pub registers: f64,
    /// Share of the time in which it is busy; above 1 it cannot keep its periods.
    pub busy: f64,
    /// How long it takes to ask each device once.
    pub round: Duration,
}

impl Load {
    /// The load of a bus whose devices take `response` to answer.
    pub fn of(gateway: &GatewayPlan, response: Duration) -> Self {
        let mut load = Self { requests: 0.0, registers: 0.0, busy: 0.0, round: Duration::ZERO };
        for (device, _) in &gateway.devices {
            let a_second = device.period.as_secs_f64();
            let once: Duration =
                device.blocks.iter().map(|block| time(gateway, device, Ask::of(block), response)).sum();
            load.requests += device.blocks.len() as f64 / a_second;
            load.registers +=
                device.blocks.iter().map(|block| f64::from(block.count)).sum::<f64>() / a_second;
            load.busy += once.as_secs_f64() / a_second;
            load.round += once;
        }
        load
    }

    /// What to say about a bus that cannot keep its periods, or hardly.
    pub fn finding(&self, gateway: &GatewayPlan) -> Option<String> {
        let (bus, units) = (&gateway.bus, gateway.devices.len());
        let percent = self.busy * 100.0;
        if self.busy <= TIGHT {
            return None;
        }
        if self.busy <= 1.0 {
            return Some(format!(
                "{bus} is busy {percent:.0} % of the time: one silent unit makes the others late; longer periods leave room"
            ));
        }
        let mut periods: Vec<Duration> = gateway.devices.iter().map(|(device, _)| device.period).collect();
        periods.sort_unstable();
        periods.dedup();
        Some(match periods.as_slice() {
            [one] => format!(
                "{bus}: this bus cannot do {} with {units} units; {} is the least",
                shown(*one),
                shown(rounded_up(self.round))
            ),
            _ => format!(
                "{bus}: this bus cannot keep the periods of its {units} units, it would be busy {percent:.0} % of the \
                 time; all periods {:.1} times as long are the least",
                (self.busy * 10.0).ceil() / 10.0
            ),
        })
    }
}

/// Above this share a bus has no room for a repetition or a silent unit.
const TIGHT: f64 = 0.8;

/// How long a request keeps the bus busy.
fn time(gateway: &GatewayPlan, device: &ModbusPlan, ask: Ask, response: Duration) -> Duration {
    let manners = &gateway.manners;
    let rest = manners.pause.max(manners.silence);
    let request = Request { unit: device.unit, ask };
    let airtime = gateway.bus.line().map_or(Duration::ZERO, |line| line.airtime(request.air_bytes()));
    let under_way = u32::try_from(manners.in_flight).unwrap_or(u32::MAX).max(1);
    airtime + response / under_way + rest
}

/// To whole tenths of a second, from a second on to whole seconds: nobody writes 7.283 s.
fn rounded_up(time: Duration) -> Duration {
    let step: u128 = if time > Duration::from_secs(1) { 1000 } else { 100 };
    let millis = time.as_micros().div_ceil(1000).div_ceil(step) * step;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

fn shown(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modbus::{Bus, SerialLine};
    use crate::poll::Manners;
    use crate::poll::schedule::Schedule;
    use model::{Channel, DeviceId, Quantity};
    use profile::{DataType, Limits, ModbusReading, plan};

    fn device(unit: u8, period: Duration, registers: u16) -> (ModbusPlan, Schedule) {
        let reading = |n: u16| {
            let channel = Channel::new(&format!("outlet.{n}")).unwrap();
            ModbusReading::new(Quantity::ActivePower, channel, n, DataType::U16).unwrap()
        };
        let readings: Vec<ModbusReading> = (0..registers).map(reading).collect();
        let plan = ModbusPlan {
            device: DeviceId::new("meter").unwrap(),
            unit,
            blocks: plan(&readings, &Limits::default()),
            readings: readings.into(),
            limits: Limits::default(),
            timeout: Duration::from_secs(1),
            retries: 0,
            period,
            group: Some(u32::from(unit)),
            survey: None,
        };
        (plan, Schedule { period_ms: 1000, offset_ms: 0 })
    }

    fn gateway(bus: Bus, manners: Manners, devices: Vec<(ModbusPlan, Schedule)>) -> GatewayPlan {
        GatewayPlan { bus, manners, is_fixed: true, devices }
    }

    /// 2400 baud, characters of 11 bits: 4.58 ms each.
    fn slow_line(period: Duration, units: u8) -> GatewayPlan {
        let line = SerialLine { baud: 2400, ..SerialLine::new(std::path::Path::new("/dev/ttyS0")) };
        let manners = Manners { silence: line.silence(), ..Manners::default() };
        gateway(Bus::Rtu(line), manners, (1..=units).map(|unit| device(unit, period, 50)).collect())
    }

    // 8 characters there, 5 + 100 back: 113 * 11 / 2400 = 517.9 ms; 20 ms for the device; silence 3.5 * 11 / 2400 =
    // 16.0 ms: 554 ms a unit, 7.755 s for 14.
    #[test]
    fn a_line_that_is_too_slow_says_which_period_is_the_least() {
        let gateway = slow_line(Duration::from_secs(5), 14);
        let load = Load::of(&gateway, Duration::from_millis(20));
        assert!((load.round.as_secs_f64() - 7.755).abs() < 0.002, "{load:?}");
        assert!((load.busy - 1.551).abs() < 0.001, "{load:?}");
        let said = load.finding(&gateway).unwrap();
        assert!(said.contains("this bus cannot do 5 s with 14 units; 8 s is the least"), "{said}");
    }

    #[test]
    fn a_line_with_room_is_no_finding_and_one_without_is() {
        let response = Duration::from_millis(20);
        let enough = slow_line(Duration::from_secs(10), 14);
        assert_eq!(Load::of(&enough, response).finding(&enough), None);
        let tight = slow_line(Duration::from_secs(8), 14);
        let said = Load::of(&tight, response).finding(&tight).unwrap();
        assert!(said.contains("busy 97 % of the time"), "{said}");
    }

    // 10 requests of 100 ms each in a second, two at a time.
    #[test]
    fn over_tcp_requests_that_are_under_way_together_share_the_time() {
        let devices = || (1..=10).map(|unit| device(unit, Duration::from_secs(1), 3)).collect();
        let bus = || Bus::Tcp("gw:502".to_owned());
        let one = gateway(bus(), Manners::default(), devices());
        assert!((Load::of(&one, Duration::from_millis(100)).busy - 1.0).abs() < 1e-9);
        let two = gateway(bus(), Manners { in_flight: 2, ..Manners::default() }, devices());
        assert!((Load::of(&two, Duration::from_millis(100)).busy - 0.5).abs() < 1e-9);
    }

    #[test]
    fn devices_with_different_periods_are_told_by_which_factor() {
        let mut gateway = slow_line(Duration::from_secs(5), 10);
        gateway.devices.push(device(11, Duration::from_secs(1), 50));
        let said = Load::of(&gateway, Duration::from_millis(20)).finding(&gateway).unwrap();
        // 10 * 0.554 / 5 + 0.554 / 1 = 1.66
        assert!(said.contains("all periods 1.7 times as long"), "{said}");
    }
}
