//! What is wrong or doubtful in a Modbus profile is named with its line.

use crate::Profile;

/// Five lines, then `protocol`, `modbus` and `reading = [`: the first row of `rows` is line 9.
const HEAD: &str = "id = \"x-y\"\nmaker = \"X\"\nmodel = \"Y\"\nconfidence = \"known\"\nsources = \"none\"\nprotocol = \"modbus\"\n";

fn said(rest: &str) -> Vec<String> {
    let said =
        Profile::parse("x.toml", &format!("{HEAD}{rest}")).expect_err("there are mistakes").to_string();
    said.lines().map(|line| line.strip_prefix("x.toml:").unwrap().to_owned()).collect()
}

fn row(quantity: &str, channel: &str, rest: &str) -> String {
    format!("{{ quantity = \"{quantity}\", channel = \"{channel}\", {rest} }},\n")
}

fn rows(rows: &[String]) -> String {
    format!("modbus = {{ function = 3, type = \"u16\" }}\nreading = [\n{}]\n", rows.concat())
}

fn mistakes(given: &[String]) -> Vec<String> {
    said(&rows(given))
}

fn doubts(given: &[String]) -> Vec<String> {
    let text = format!("{HEAD}{}", rows(given));
    let line = |doubt: &settings::Mistake| doubt.to_string().strip_prefix("x.toml:").unwrap().to_owned();
    Profile::doubts("x.toml", &text).iter().map(line).collect()
}

#[test]
fn flags_that_share_bits_or_registers_with_others_are_found() {
    let flag = |channel: &str, rest: &str| row("state", channel, &format!("{rest}, unit = \"1\""));
    let found = mistakes(&[
        flag("a", "register = 8, bit = 3"),
        flag("b", "register = 8, mask = 0x0C"),
        flag("c", "register = 8"),
        flag("d", "register = 9, bit = 16"),
        flag("e", "register = 10, bit = 1, mask = 2"),
        flag("f", "register = 11, type = \"i16\", bit = 1"),
    ]);
    assert_eq!(
        found,
        [
            "10: reading.2.mask: fc3 8 u16 abcd mask 0xc shares bits with fc3 8 u16 abcd mask 0x8",
            "11: reading.3.register: fc3 8 u16 abcd overlaps fc3 8 u16 abcd mask 0x8",
            "11: reading.3.register: fc3 8 u16 abcd overlaps fc3 8 u16 abcd mask 0xc",
            "12: reading.4.bit: found 16, expected a whole number from 0 to 15",
            "13: reading.5.mask: `bit` and `mask` say the same twice; one is enough",
            "14: reading.6.bit: bits are taken from u16, u32, u48 or u64, not from i16",
        ]
    );
}

#[test]
fn names_that_stand_twice_or_cannot_be_are_found() {
    let named = |channel: &str, register: u16, names: &str| {
        row("state", channel, &format!("register = {register}, unit = \"1\", names = {{ {names} }}"))
    };
    let found = mistakes(&[
        named("a", 1, "1 = \"on\", 0x1 = \"running\""),
        named("b", 2, "1 = \"on\", 2 = \"on\""),
        named("c", 3, "on = \"1\""),
        named("d", 4, "70000 = \"far\""),
        row("voltage", "l1", "register = 5, unit = \"V\", names = { 1 = \"on\" }"),
    ]);
    let expected = [
        "9: reading.1.names.",
        "10: reading.2.names.2: \"on\" is the name of another value already",
        "11: reading.3.names.on: is no whole number such as 3 or 0x10",
        "12: reading.4.names: 70000, \"far\", cannot be in fc3 4 u16 abcd",
        "13: reading.5.names: are for the values of a `state`, not of voltage",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} does not begin with {expected}");
    }
    assert!(found[0].contains("has a name already"), "{}", found[0]);
}

#[test]
fn scales_offsets_and_factors_that_cannot_be_are_found() {
    let found = mistakes(&[
        row("voltage", "l1", "register = 1, type = \"f32\", offset = 3, unit = \"V\""),
        row("active_energy_import", "total", "register = 3, offset = 3, unit = \"Wh\""),
        row("voltage", "l2", "register = 4, type = \"f32\", scale_register = 6, unit = \"V\""),
        row("voltage", "l3", "register = 8, type = \"u32\", scale_register = 9, unit = \"V\""),
        row("current", "l1", "register = 10, scale_register = 20, scale_usual = -2, unit = \"A\""),
        row("current", "l2", "register = 11, scale_register = 20, scale_usual = -1, unit = \"A\""),
        row("current", "l3", "register = 12, scale_usual = -1, unit = \"A\""),
        row("active_power", "l1", "register = 13, scale = 1e17, unit = \"W\""),
        row("active_power", "l2", "register = 14, scale = 123456789012345678, unit = \"W\""),
        row("active_energy_import", "l1", "register = 15, wraps_at = 100000, unit = \"Wh\""),
        row("state", "a", "register = 16, scale = 0.1, unit = \"1\""),
        row("frequency", "total", "register = 20, unit = \"Hz\""),
    ]);
    let expected = [
        "9: reading.1.offset: a float register takes neither an offset nor",
        "10: reading.2.offset: an offset of 3 is not possible here: only gauges",
        "11: reading.3.scale_register: a float register takes neither",
        "12: reading.4.scale_register: fc3 8 u32 abcd sf 9 holds its own scale factor",
        "14: reading.6.scale_usual: found -1, but fc3 10 u16 abcd sf 20 says -2",
        "15: reading.7.scale_usual: says something about `scale_register`, which is missing",
        "17: reading.9.scale: 65535 in fc3 14 u16 abcd times the scale does not fit 64 bits",
        "18: reading.10.wraps_at: found 100000, but fc3 15 u16 abcd holds at most 65535",
        "19: reading.11.scale: a state is the number in the register",
        "20: reading.12.scale_register: fc3 20 u16 abcd overlaps fc3 10 u16 abcd sf 20",
        "20: reading.12.scale_register: fc3 20 u16 abcd overlaps fc3 11 u16 abcd sf 20",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} does not begin with {expected}");
    }
}

#[test]
fn functions_and_files_that_do_not_fit_each_other_are_found() {
    let found = mistakes(&[
        row("voltage", "l1", "function = 6, register = 1, unit = \"V\""),
        row("voltage", "l2", "function = 20, register = 2, unit = \"V\""),
        row("voltage", "l3", "file = 3, register = 3, unit = \"V\""),
        row("current", "l1", "function = 20, file = 1, register = 9999, type = \"u32\", unit = \"A\""),
        row("state", "a", "function = 1, register = 4, unit = \"1\""),
        row("current", "l2", "register = 5, colour = 3, unit = \"A\""),
    ]);
    let expected = [
        "9: reading.1.function: found 6, expected 1, 2, 3, 4 or 20: devices are only read",
        "10: reading.2: function 20 needs `file`, the number of a file",
        "11: reading.3.file: only function 20 reads files",
        "12: reading.4.register: fc20 1:9999 u32 abcd goes beyond register 9999",
        "13: reading.5.type: function 1 does not read u16",
        "14: reading.6.colour: is no known key here",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} does not begin with {expected}");
    }
}

#[test]
fn points_outside_of_their_sunspec_model_are_found() {
    let found = said(
        "modbus = { function = 3, type = \"i16\" }
[[sunspec.model]]
ids = [203]
length = 20
reading = [
  { quantity = \"active_power\", channel = \"total\", register = 18, scale_register = 22, unit = \"W\" },
  { quantity = \"voltage\", channel = \"l1\", register = 1, unit = \"V\" },
  { quantity = \"current\", channel = \"l1\", register = 21, unit = \"A\" },
]
[[sunspec.model]]
ids = [203]
length = 20
",
    );
    assert_eq!(
        found,
        [
            "8: sunspec.model: model 203 is described twice",
            "12: sunspec.model.1.reading.1.register: fc3 18 i16 abcd sf 22 is outside of the model, whose points are 2 to 21",
            "13: sunspec.model.1.reading.2.register: fc3 1 i16 abcd is outside of the model, whose points are 2 to 21",
            "16: sunspec.model.2: the model gives nothing: `reading` is missing",
        ]
    );
    let found = said(
        "sunspec = {}\nreading = [{ quantity = \"voltage\", channel = \"l1\", function = 3, type = \"u16\", register = 1, unit = \"V\" }]\n",
    );
    assert_eq!(found.len(), 2, "{found:#?}");
}

#[test]
fn name_plates_that_cannot_be_are_found() {
    let found = said(
        "identify.registers = [{ function = 3, register = 1, text = [\"\"] }, { function = 3, register = 1, words = [] }]
identity.clock = { function = 3, register = 1, form = \"sundial\" }
reading = [{ quantity = \"voltage\", channel = \"l1\", function = 3, type = \"u16\", scale = 0.1, register = 1, unit = \"V\" }]
",
    );
    let expected = [
        "7: identify.registers.1.text: 1 or more texts of 1 to 64 characters are expected",
        "7: identify.registers.2.words: 1 to 32 numbers from 0 to 65535 are expected",
        "8: identity.clock.form: found \"sundial\", expected \"unix\", \"words\" or \"iec870\"",
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_possible_but_hardly_meant_is_doubted_and_not_refused() {
    let found = doubts(&[
        row("active_power", "total", "register = 1, scale = 100, unit = \"kW\""),
        row("voltage", "l1", "register = 2, scale = 0.001, unit = \"V\""),
        row("active_energy_import", "total", "register = 3, unit = \"kWh\""),
        row("voltage", "l2", "register = 40011, scale = 0.1, unit = \"V\""),
        row("power_factor", "total", "register = 6, unit = \"1\""),
        row("active_power", "l1", "register = 7, type = \"f32\", unit = \"MW\""),
        row("voltage", "l3", "register = 9, scale = 0.1, unit = \"V\""),
        row("current", "l1", "register = 40021, unit = \"A\""),
    ]);
    let expected = [
        "9: reading.1.scale: one step of fc3 1 u16 abcd is 100000 W: is that meant?",
        "10: reading.2.scale: fc3 2 u16 abcd holds at most 65.535 V",
        "11: reading.3.type: fc3 3 u16 abcd is a counter of 16 bits",
        "12: reading.4.register: 40011 looks like the number of a manual; on the wire that is 10",
        "13: reading.5.unit: one step of fc3 6 u16 abcd is 1 1",
        "14: reading.6.unit: one step of fc3 7 f32 abcd is 1000000 W",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} does not begin with {expected}");
    }
}

#[test]
fn nothing_in_the_profiles_that_come_with_the_program_is_doubtful() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/profiles");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let doubts = Profile::doubts(&path.display().to_string(), &text);
        assert!(doubts.is_empty(), "{doubts:#?}");
    }
}
