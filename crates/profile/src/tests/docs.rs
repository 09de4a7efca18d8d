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
fn every_quantity_of_devices_is_in_the_manual() {
    let page = include_str!("../../../../docs/profiles.md");
    let of_devices = |quantity: &&model::Quantity| quantity.domain() != model::Domain::Host;
    for quantity in model::Quantity::ALL.iter().filter(of_devices) {
        let shown = page.contains(&format!("`{quantity}`")) || *quantity == model::Quantity::Uptime;
        assert!(shown, "{quantity} is not in docs/profiles.md");
    }
}
