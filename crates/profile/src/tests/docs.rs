//! What `docs/profiles.md` shows is what the program takes.

use crate::Profile;

/// The TOML blocks of the page that stand alone with the head of the page before them.
#[test]
fn the_examples_of_the_manual_are_profiles() {
    let page = include_str!("../../../../docs/profiles.md");
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap_or_default()).collect();
    let head = blocks.iter().find(|block| block.starts_with("id = ")).expect("the head is shown");
    let reading = blocks.iter().find(|block| block.starts_with("[[reading]]")).expect("a reading is shown");
    let limits = blocks.iter().find(|block| block.starts_with("modbus.function")).expect("limits are shown");
    let plate =
        blocks.iter().find(|block| block.starts_with("identify.registers")).expect("a name plate is shown");
    let modbus = format!("{head}{limits}{plate}{reading}");
    Profile::parse("docs/profiles.md", &modbus).unwrap_or_else(|error| panic!("{error}\n{modbus}"));
    let scalar = blocks.iter().find(|block| block.starts_with("scalar")).expect("a scalar is shown");
    let tables: Vec<&str> = blocks.iter().filter(|block| block.starts_with("[[table]]")).copied().collect();
    assert_eq!(tables.len(), 2, "a plain table and one with rows of several types are shown");
    let table = tables.concat();
    let recognise = blocks.iter().find(|block| block.starts_with("identify.object_id")).expect("it is shown");
    let bases = "base = { a = \"1.3.6.1.4.1.318.1.1\", e = \"1.3.6.1.4.1.534.6.6.7\", v = \"1.3.6.1.4.1.21239.5.2\" }\n";
    let snmp = format!("{}{bases}{recognise}{scalar}{table}", head.replace("\"modbus\"", "\"snmp\""));
    Profile::parse("docs/profiles.md", &snmp).unwrap_or_else(|error| panic!("{error}\n{snmp}"));
}

#[test]
fn the_whole_profiles_of_the_manual_are_right_and_not_doubtful() {
    let page = include_str!("../../../../docs/profiles.md");
    let blocks = page.split("```toml\n").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    let whole: Vec<&str> = blocks.filter(|block| block.starts_with("# ")).collect();
    assert_eq!(whole.len(), 2);
    for text in whole {
        Profile::parse("docs/profiles.md", text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(Profile::doubts("docs/profiles.md", text), []);
    }
}

#[test]
fn every_type_and_every_key_of_a_reading_is_in_the_manual() {
    let page = include_str!("../../../../docs/profiles.md");
    for data_type in crate::DataType::ALL {
        assert!(page.contains(&format!("`{data_type}`")), "{data_type} is not in docs/profiles.md");
    }
    // The program itself names the keys that it knows.
    let text = "id = \"a-b\"\nmaker = \"A\"\nmodel = \"B\"\nprotocol = \"modbus\"\nconfidence = \"known\"\nsources = \"-\"\n[[reading]]\nquantity = \"voltage\"\nchannel = \"l1\"\nregister = 1\nfunction = 3\ntype = \"u16\"\nunit = \"V\"\ncolour = 1\n";
    let said = Profile::parse("x", text).expect_err("there is no key `colour`").to_string();
    let keys: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    assert!(keys.len() > 15, "{said}");
    for key in keys {
        assert!(
            page.contains(&format!("`{key}`")) || page.contains(&format!("`{key} = ")),
            "{key} is not in the manual"
        );
    }
}

#[test]
fn every_quantity_of_devices_is_in_the_manual() {
    let page = include_str!("../../../../docs/profiles.md");
    let of_devices = |quantity: &&model::Quantity| quantity.domain() != model::Domain::Host;
    for quantity in model::Quantity::ALL.iter().filter(of_devices) {
        let shown = page.contains(&format!("`{quantity}`")) || *quantity == model::Quantity::Uptime;
        assert!(shown, "{quantity} is not in docs/profiles.md");
    }
}
