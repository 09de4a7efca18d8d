//! Texts of people: profiles, addresses, durations, identifiers.

use agent::address::Address;
use model::{Channel, Decimal, DeviceId};
use profile::{Oid, Profile, plan};
use settings::{duration_from_text, size_from_text};

use crate::throw::fuzz;

fn profiles(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Profile::parse("x.toml", &text) {
        Ok(profile) => {
            if let Some((limits, readings)) = profile.modbus() {
                let planned: usize = plan(readings, limits).iter().map(|block| block.readings.len()).sum();
                assert_eq!(planned, readings.len());
                assert!(readings.iter().all(|reading| !reading.shape().source.is_empty()));
            }
        }
        Err(mistakes) => assert!(mistakes.0.iter().all(|one| one.to_string().starts_with("x.toml:"))),
    }
}

fuzz!(a_profile_is_loaded_whole_or_every_mistake_has_its_line, "profile_text", profiles);

/// Whatever is taken is written the same when it is read again.
fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(address) = text.parse::<Address>() {
        let shown = address.to_string();
        assert_eq!(shown.parse::<Address>().map(|again| again.to_string()), Ok(shown));
    }
    if let Ok(oid) = text.parse::<Oid>() {
        assert_eq!(oid.to_string().parse(), Ok(oid));
    }
    if let Ok(number) = text.parse::<Decimal>() {
        assert_eq!(number.to_string().parse::<Decimal>().ok(), Some(number), "{text}");
    }
    duration_from_text(text).ok();
    size_from_text(text).ok();
    Channel::new(text).ok();
    DeviceId::new(text).ok();
}

fuzz!(a_word_that_is_taken_reads_the_same_again, "words", words);
