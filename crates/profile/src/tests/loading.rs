//! Every mistake in a profile is found, with its line.

use crate::modbus::{Defaults, readings};
use crate::{Library, LibraryError, Profile};

const HEAD: &str = "id = \"x-y\"\nmaker = \"X\"\nmodel = \"Y\"\nconfidence = \"known\"\nsources = \"none\"\n";

fn mistakes(rest: &str) -> Vec<String> {
    let text = format!("{HEAD}{rest}");
    let said = Profile::parse("x.toml", &text).expect_err("there are mistakes").to_string();
    said.lines().map(|line| line.strip_prefix("x.toml:").unwrap().to_owned()).collect()
}

fn modbus(rows: &str) -> Vec<String> {
    mistakes(&format!("protocol = \"modbus\"\nmodbus = {{ function = 3 }}\nreading = [\n{rows}]\n"))
}

#[test]
fn registers_that_overlap_and_doubled_channels_are_found() {
    let said = modbus(
        "{ quantity = \"voltage\", channel = \"l1\", register = 10, type = \"f32\", unit = \"V\" },
         { quantity = \"voltage\", channel = \"l2\", register = 11, type = \"f32\", unit = \"V\" },
         { quantity = \"voltage\", channel = \"l1\", register = 20, type = \"f32\", unit = \"V\" },\n",
    );
    assert_eq!(
        said,
        [
            "10: reading.2.register: fc3 11 f32 abcd overlaps fc3 10 f32 abcd",
            "11: reading.3.channel: voltage at `l1` is already read from fc3 10 f32 abcd",
        ]
    );
}

#[test]
fn units_scales_and_names_that_cannot_be_are_found() {
    let said = modbus(
        "{ quantity = \"voltge\", channel = \"l1\", register = 1, type = \"f32\", unit = \"V\" },
         { quantity = \"active_power\", channel = \"l1\", register = 3, type = \"f32\", unit = \"kWh\" },
         { quantity = \"voltage\", channel = \"L 1\", register = 5, type = \"u16\", unit = \"V\" },
         { quantity = \"voltage\", channel = \"l1\", register = 7, type = \"u16\", scale = 0, unit = \"V\" },
         { quantity = \"volume_flow\", channel = \"total\", register = 9, type = \"f32\", unit = \"L/min\" },
         { quantity = \"voltage\", channel = \"l2\", register = 65535, type = \"u32\", unit = \"V\" },
         { quantity = \"voltage\", channel = \"l3\", register = 13, unit = \"V\" },\n",
    );
    let begins = [
        "9: reading.1.quantity: `voltge` is no known quantity",
        "10: reading.2.unit: kWh does not fit active_power, which is recorded in W",
        "11: reading.3.channel: `L 1` is no channel",
        "12: reading.4.scale: a scale of 0",
        "13: reading.5.unit: a float register can only be scaled by a power of ten, 0.06",
        "14: reading.6.register: fc3 65535 u32 abcd goes beyond register 65535",
        "15: reading.7: `type` is missing",
    ];
    assert_eq!(said.len(), begins.len(), "{said:#?}");
    for (said, begin) in said.iter().zip(begins) {
        assert!(said.starts_with(begin), "{said} does not begin with {begin}");
    }
}

#[test]
fn sentinels_must_fit_their_type_and_a_value_its_request() {
    let said = modbus(
        "{ quantity = \"voltage\", channel = \"l1\", register = 1, type = \"u16\", unit = \"V\", sentinels = [\"0x10000\"] },\n",
    );
    assert_eq!(
        said,
        ["9: reading.1.sentinels: \"0x10000\" is no bit pattern of u16 such as \"0xFFFF\" or \"-1\""]
    );
    let said = mistakes(
        "protocol = \"modbus\"\nmodbus = { function = 3, max_registers = 2 }\nreading = [{ quantity = \"active_energy_import\", channel = \"total\", register = 1, type = \"u64\", unit = \"Wh\" }]\n",
    );
    assert_eq!(
        said,
        ["8: reading.1.register: fc3 1 u64 abcd does not fit into one request of at most 2 registers"]
    );
}

#[test]
fn mistakes_in_snmp_tables_are_found() {
    let said = mistakes(
        "protocol = \"snmp\"
base.e = \"1.3.6.1.4.1.9999\"
[[table]]
index = [\"pdu\", \"outlet\"]
type = \"kind\"
channel = \"outlet.{outlt}\"
reading = [
  { quantity = \"active_power\", column = \"e.1.2\", unit = \"W\" },
  { quantity = \"active_power\", column = \"e.1.3\", unit = \"W\" },
  { quantity = \"current\", column = \"e.1.x\", unit = \"A\", unit_from = { column = \"e.9\", index = [\"rack\"], codes = { 1 = \"A\" } } },
  { quantity = \"voltage\", column = \"e.1.4\", unit = \"W\", only_if = [{ column = \"e.5\" }] },
]\n",
    );
    let expected = [
        "8: table.1: `{outlt}` in `outlet.{outlt}` is neither in the index nor a key",
        "8: table.1: `{outlt}` in `outlet.{outlt}` is neither in the index nor a key",
        "10: table.1.type: `kind` is neither in the index nor a key",
        "14: table.1.reading.2.channel: active_power at `outlet.{outlt}` is already read from 1.3.6.1.4.1.9999.1.2; say `fallback = true` if meant",
        "15: table.1.reading.3.unit_from.index: `rack` is no part of the index, which is pdu, outlet",
        "15: table.1.reading.3.column: `1.x` is no OID: 1 to 128 numbers joined by dots are expected, such as `1.3.6.1.2.1.1.2.0`",
        "16: table.1.reading.4.unit: W does not fit voltage, which is recorded in V",
        "16: table.1.reading.4.only_if.1: needs one of `is`, `is_not`, `is_text`, `is_not_text`, a list of values",
    ];
    assert_eq!(said, expected);
}

#[test]
fn the_reading_of_an_agents_configuration_has_the_same_shape() {
    let text = "[[device]]\nid = \"meter-1\"\n[[device.reading]]\nquantity = \"active_power\"\nchannel = \"l1\"\nregister = 0\nfunction = 3\ntype = \"f32\"\norder = \"abcd\"\nscale = 1\nunit = \"W\"\n";
    let read = settings::read("agent.toml", text, |root| {
        Some(root.tables("device", |device| {
            device.string("id");
            Some(readings(device, "reading", &Defaults::default()))
        }))
    });
    let sources: Vec<String> = read.unwrap().concat().iter().map(crate::ModbusReading::source).collect();
    assert_eq!(sources, ["fc3 0 f32 abcd"]);
}

#[test]
fn a_profile_of_the_user_joins_the_library_and_a_taken_id_is_refused() {
    let mut library = Library::built_in().unwrap();
    let text = format!(
        "{HEAD}protocol = \"modbus\"\nreading = [{{ quantity = \"state\", channel = \"fault\", function = 1, register = 8, type = \"bit\", unit = \"1\" }}]\n"
    );
    assert_eq!(library.add("mine.toml", &text).unwrap().id.as_str(), "x-y");
    assert!(library.get("x-y").is_some());
    assert!(matches!(library.add("mine.toml", &text), Err(LibraryError::Taken { .. })));
}

#[test]
fn the_hash_of_a_profile_is_the_sha_256_of_its_text() {
    let text = format!(
        "{HEAD}protocol = \"modbus\"\n[[reading]]\nquantity = \"voltage\"\nchannel = \"l1\"\nregister = 1\nfunction = 3\ntype = \"f32\"\nunit = \"V\"\n"
    );
    let hash = Profile::parse("x.toml", &text).unwrap().hash();
    let other = Profile::parse("x.toml", &text.replace("register = 1", "register = 2")).unwrap().hash();
    assert_ne!(hash, other);
    assert_eq!(hash, Profile::parse("y.toml", &text).unwrap().hash());
}
