//! A device that describes itself.

use super::*;

/// "SunS" at 40000, the common model (1), an inverter of three phases (103), the end.
fn device() -> BTreeMap<u16, u16> {
    let mut words: BTreeMap<u16, u16> = (40_000..=40_123).map(|address| (address, 0)).collect();
    let mut put = |from: u16, list: &[u16]| words.extend((from..).zip(list.iter().copied()));
    put(40_000, &[0x5375, 0x6E53, 1, 66]);
    // "ACME" and "INV-9" behind the number and the length of model 1.
    put(40_004, &[0x4143, 0x4D45]);
    put(40_020, &[0x494E, 0x562D, 0x3900]);
    put(40_070, &[103, 50]);
    // Current l1 in hundredths of an ampere, voltage l1 in tenths of a volt, power in tens of watts, state 4.
    put(40_073, &[1250]);
    put(40_076, &[0xFFFE]);
    put(40_080, &[2301]);
    put(40_083, &[0xFFFF]);
    put(40_084, &[280, 1]);
    put(40_108, &[4]);
    put(40_122, &[0xFFFF, 0]);
    words
}

#[test]
fn a_sunspec_device_is_found_by_its_mark_and_read_with_its_scale_factors() {
    let words = device();
    let server = Server::start(move |asked| {
        let last = asked.start.saturating_add(asked.count);
        let found: Option<Vec<u16>> =
            (asked.start..last).map(|address| words.get(&address).copied()).collect();
        Reaction::Send(match (asked.function, found) {
            (3, Some(found)) => asked.words(&found),
            (43, _) => asked.exception(1),
            _ => asked.exception(2),
        })
    });
    let address: Address = format!("modbus+tcp://{}/1", server.address).parse().unwrap();
    let library = Library::built_in().unwrap();
    let probed = with(&address, |question| probe(&question, &library)).unwrap();
    assert_eq!(probed.profile.as_deref(), Some("sunspec-inverter"), "{:?}", probed.notes);
    assert!(
        probed.notes.iter().any(|note| note == "the device has the SunSpec models 1, 103"),
        "{:?}",
        probed.notes
    );
    let identity = (probed.identity.maker.as_deref(), probed.identity.model.as_deref());
    assert_eq!(identity, (Some("ACME"), Some("INV-9")));
    let value = |quantity: &str, channel: &str| {
        let mut found =
            probed.readings.iter().filter(|one| one.quantity == quantity && one.channel == channel);
        found.next().map(|one| one.value.to_string())
    };
    assert_eq!(value("current", "output.l1").as_deref(), Some("12.5"));
    assert_eq!(value("voltage", "output.l1").as_deref(), Some("230.1"));
    assert_eq!(value("active_power", "output").as_deref(), Some("2800"));
    let state = probed.readings.iter().find(|one| one.quantity == "state").unwrap();
    assert_eq!((state.value.to_string().as_str(), state.meaning.as_deref()), ("4", Some("running")));
}
