//! Register maps of devices that have no profile of their own: what a person would write into the agent's
//! configuration. The simulator reads the same text that it writes for the agent.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use profile::ModbusReading;
use profile::modbus::{Defaults, readings};
use settings::Mistakes;

type Map = Arc<[ModbusReading]>;

/// Most rack sensors of a room unit.
const SENSORS_MAX: u8 = 64;

/// Reads a map from text, as `[[reading]]` tables.
///
/// # Errors
/// Every mistake in it.
pub fn read(name: &str, text: &str) -> Result<Map, Mistakes> {
    let list = settings::read(name, text, |table| Some(readings(table, "reading", &Defaults::default())))?;
    Ok(Arc::from(list))
}

fn built_in(name: &str, text: &str) -> Map {
    read(name, text).expect("the built-in maps are read by a test")
}

/// A meter behind current transformers that counts the secondary side: the meter point applies the ratio.
pub(crate) fn transformer_meter() -> Map {
    static MAP: LazyLock<Map> =
        LazyLock::new(|| built_in("transformer meter", include_str!("maps/transformer-meter.toml")));
    Arc::clone(&MAP)
}

/// A chiller: power, energy, water temperatures, state.
pub(crate) fn chiller() -> Map {
    static MAP: LazyLock<Map> = LazyLock::new(|| built_in("chiller", include_str!("maps/chiller.toml")));
    Arc::clone(&MAP)
}

/// A heat meter.
pub(crate) fn heat_meter() -> Map {
    static MAP: LazyLock<Map> =
        LazyLock::new(|| built_in("heat meter", include_str!("maps/heat-meter.toml")));
    Arc::clone(&MAP)
}

/// A meter of water or fuel.
pub(crate) fn liquid_meter() -> Map {
    static MAP: LazyLock<Map> =
        LazyLock::new(|| built_in("liquid meter", include_str!("maps/liquid-meter.toml")));
    Arc::clone(&MAP)
}

/// The meter of load tests: three blocks of registers that cannot be joined into one request.
pub(crate) fn plain_meter() -> Map {
    static MAP: LazyLock<Map> =
        LazyLock::new(|| built_in("plain meter", include_str!("maps/plain-meter.toml")));
    Arc::clone(&MAP)
}

/// Temperature at the inlet of each rack, room humidity, weather outside.
pub(crate) fn room(racks: u8) -> Map {
    let mut text = include_str!("maps/room.toml").to_owned();
    for n in 1..=racks.min(SENSORS_MAX) {
        writeln!(
            text,
            "[[reading]]\nquantity = \"temperature\"\nchannel = \"sensor.{n}\"\nregister = {}\nfunction = 4\n\
             type = \"i16\"\nscale = 0.1\nunit = \"Cel\"\n",
            99 + u16::from(n)
        )
        .expect("writing to a String cannot fail");
    }
    built_in("room", &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_map_is_without_mistakes() {
        for (map, least) in
            [(transformer_meter(), 8), (chiller(), 7), (heat_meter(), 5), (liquid_meter(), 2), (room(8), 11)]
        {
            assert!(map.len() >= least, "{} readings", map.len());
        }
    }

    #[test]
    fn the_plain_meter_has_twenty_fields_in_three_blocks_that_cannot_be_joined() {
        let map = plain_meter();
        assert_eq!(map.len(), 20);
        let mut registers: Vec<(u16, u32)> = map.iter().map(|one| (one.register, one.end())).collect();
        registers.sort_unstable();
        // A request spans at most 125 registers.
        let far = registers.windows(2).filter(|pair| u32::from(pair[1].0) > pair[0].1 + 125).count();
        assert_eq!(far, 2);
    }
}
