use std::io;
use std::sync::{Arc, Mutex};

use model::{Missing, Poll, Raw, Samples, Timestamp};

use super::*;
use crate::config::Folders;

const CONFIG: &str = r#"
[agent]
id = "a"
site = "rz-1"
[[device]]
id = "m"
address = "modbus+tcp://h/1"
location = { room = "r1", rack = "a07" }
[[device.reading]]
quantity = "active_power"
channel = "l1"
register = 0
function = 3
type = "i32"
scale = 0.1
unit = "kW"
[[device.reading]]
quantity = "voltage"
channel = "l1"
register = 2
function = 3
type = "f32"
unit = "V"
[[device.reading]]
quantity = "active_energy_import"
channel = "total"
register = 4
function = 3
type = "u32"
unit = "kWh"
"#;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn one_line_for_each_domain_and_channel_in_canonical_units_and_nothing_for_what_is_missing() {
    let config = Config::parse("a.toml", CONFIG, &Folders::default()).unwrap();
    let plan = Plan::new(&config);
    let written = Written::default();
    let mut sink = LineSink::new(Box::new(written.clone()), &config, &plan);
    let poll =
        |time, values| Poll { group: plan.groups[0].number, time: Timestamp::from_millis(time), values };
    let polls = vec![
        poll(1000, vec![Ok(Raw::Integer(12)), Ok(Raw::Float32(230.5)), Ok(Raw::Integer(7))]),
        poll(2000, vec![Err(Missing::NoAnswer), Ok(Raw::Float32(231.0)), Err(Missing::NoAnswer)]),
        poll(3000, vec![Err(Missing::NoAnswer); 3]),
    ];
    sink.take(Message::Samples(Timestamp::from_millis(0), Samples { polls }));
    sink.settle();
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    // 12 x 0.1 kW are 1200 W, 7 kWh are 7000 Wh.
    let tags = |channel| format!("channel={channel},device=m,rack=a07,room=r1,site=rz-1");
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            format!("energy,{} active_energy_import_wh=7000 1000", tags("total")),
            format!("power,{} active_power_w=1200,voltage_v=230.5 1000", tags("l1")),
            format!("power,{} voltage_v=231 2000", tags("l1")),
        ]
    );
}
