//! What real meters send, put into words by hand.

use super::*;
use profile::{Function, Profile};

use crate::probe::draft::draft;

fn words(start: u16, words: &[u16]) -> BTreeMap<u16, u16> {
    (start..).zip(words.iter().copied()).collect()
}

fn first(words: &BTreeMap<u16, u16>, register: u16) -> Guess {
    guesses(words).into_iter().find(|guess| guess.register == register).unwrap()
}

fn said(guess: &Guess) -> (&str, &str, &str) {
    (&guess.form, &guess.value, &guess.could_be)
}

#[test]
fn a_voltage_is_found_in_every_type_and_order() {
    // 230.2 as a float is 0x43663333; 2302 tenths are 0x08FE; 230 200 thousandths are 0x00038338.
    for (sent, expected) in [
        (vec![0x4366, 0x3333], ("f32 abcd", "230.2", "voltage, 230 V")),
        (vec![0x3333, 0x4366], ("f32 cdab", "230.2", "voltage, 230 V")),
        (vec![0x6643, 0x3333], ("f32 badc", "230.2", "voltage, 230 V")),
        (vec![0x08FE], ("u16", "230.2", "voltage, 230 V, x 0.1")),
        (vec![0x0003, 0x8338], ("u32 abcd", "230.2", "voltage, 230 V, x 0.001")),
        (vec![0x8338, 0x0003], ("u32 cdab", "230.2", "voltage, 230 V, x 0.001")),
        // 230.2 as a float of 64 bits: 0x406CC66666666666.
        (vec![0x406C, 0xC666, 0x6666, 0x6666], ("f64 abcd", "230.2", "voltage, 230 V")),
    ] {
        assert_eq!(said(&first(&words(10, &sent), 10)), expected, "{sent:04X?}");
    }
}

#[test]
fn a_frequency_is_found_as_a_float_and_in_hundredths() {
    // 49.98 as a float is 0x4247EB85; 4998 is 0x1386.
    assert_eq!(said(&first(&words(0, &[0x4247, 0xEB85]), 0)), ("f32 abcd", "49.98", "frequency, 50 Hz"));
    assert_eq!(said(&first(&words(0, &[0x1386]), 0)), ("u16", "49.98", "frequency, 50 Hz, x 0.01"));
}

#[test]
fn text_is_told_as_such_and_three_floats_that_look_like_one_are_not() {
    let name = words(100, &[0x5043, 0x3A31, 0x3233, 0x3435, 0x0000]);
    assert_eq!(said(&first(&name, 100)).1, "\"PC:12345\"");
    // 230.2, 231.2, 229.2: 43 66 33 33, 43 67 33 33, 43 65 33 33 are all characters.
    let volts = words(0, &[0x4366, 0x3333, 0x4367, 0x3333, 0x4365, 0x3333]);
    let found: Vec<String> = best(&guesses(&volts)).into_iter().map(|guess| guess.value).collect();
    assert_eq!(found, ["230.2", "231.2", "229.2"]);
}

#[test]
fn few_lines_are_told_of_a_register_and_none_of_the_inside_of_what_is_sure() {
    let volts = words(0, &[0x4366, 0x3333, 0x4367, 0x3333]);
    let found = guesses(&volts);
    assert!(found.iter().all(|guess| guess.register != 1 && guess.register != 3), "{found:#?}");
    let many = guesses(&words(0, &[0x1234, 0x5678, 0x1234, 0x5678, 0x1111, 0x2222]));
    assert!(
        (0..6).all(|register| many.iter().filter(|guess| guess.register == register).count() <= PER_REGISTER)
    );
}

#[test]
fn zeros_and_what_is_nothing_are_not_told() {
    let found = guesses(&words(0, &[0, 0, 0, 0, 0xFFFF, 0xFFFF]));
    assert!(found.iter().all(|guess| guess.register > 2), "{found:#?}");
}

#[test]
fn a_draft_is_a_profile_that_reads_back() {
    let sent = [0x4366, 0x3333, 0x4367, 0x3333, 0x4365, 0x3333, 0x4247, 0xEB85, 0x447A, 0x0000];
    let text = draft(&guesses(&words(19_000, &sent)), Function::Holding);
    let profile = Profile::parse("draft.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
    let (_, readings) = profile.modbus().unwrap();
    let read: Vec<String> =
        readings.iter().map(|one| format!("{} {} {}", one.quantity, one.channel, one.source())).collect();
    assert_eq!(
        read,
        [
            "voltage l1 fc3 19000 f32 abcd",
            "voltage l2 fc3 19002 f32 abcd",
            "voltage l3 fc3 19004 f32 abcd",
            "frequency total fc3 19006 f32 abcd",
        ]
    );
    // 1000 is sure to be nothing.
    assert!(
        text.contains("  # { quantity = \"?\", channel = \"?\", register = 19008, type = \"f32\""),
        "{text}"
    );
}

proptest::proptest! {
    #[test]
    fn whatever_the_words_guesses_are_few_and_nothing_panics(
        start in proptest::prelude::any::<u16>(),
        sent in proptest::collection::vec(proptest::prelude::any::<u16>(), 0..40),
    ) {
        let words: BTreeMap<u16, u16> = (u32::from(start)..)
            .zip(sent)
            .filter_map(|(address, word)| Some((u16::try_from(address).ok()?, word)))
            .collect();
        let found = guesses(&words);
        proptest::prop_assert!(found.len() <= words.len() * PER_REGISTER);
        draft(&found, Function::Input);
    }
}

#[test]
fn floats_that_are_read_one_register_off_are_not_told() {
    // 230.1, 231.2, 229.3 V; 2300 and -2500 W, whose first word alone would be 50.46 in thousandths.
    let sent = [0x4366, 0x199A, 0x4367, 0x3333, 0x4365, 0x4CCD, 0x450F, 0xC000, 0xC51C, 0x4000];
    let swapped: Vec<u16> = sent.chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    for (sent, form) in [(sent.as_slice(), "f32 abcd"), (swapped.as_slice(), "f32 cdab")] {
        let found: Vec<(String, String)> =
            best(&guesses(&words(0, sent))).into_iter().map(|guess| (guess.form, guess.value)).collect();
        let values = ["230.1", "231.2", "229.3", "2300", "-2500"];
        assert_eq!(found, values.map(|value| (form.to_owned(), value.to_owned())));
    }
}
