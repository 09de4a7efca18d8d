//! SunSpec: chains of models as devices describe themselves.

use profile::sunspec::{Step, SunSpecProfile, Survey};
use profile::{Body, Library};

use crate::throw::{Bytes, fuzz};

/// More questions than any chain that is believed costs.
const QUESTIONS_MAX: usize = 200;

fn profiles() -> Vec<SunSpecProfile> {
    let library = Library::built_in().unwrap();
    library
        .iter()
        .filter_map(|profile| match &profile.body {
            Body::Modbus { sunspec, .. } => sunspec.clone(),
            Body::Snmp(_) => None,
        })
        .collect()
}

static PROFILES: std::sync::LazyLock<Vec<SunSpecProfile>> = std::sync::LazyLock::new(profiles);

/// Which profile, then for each question: how many words, and the words.
fn survey(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let mut survey = Survey::new(input.one_of(&PROFILES));
    for _ in 0..QUESTIONS_MAX {
        match survey.next() {
            Step::Ask { address, count, .. } => {
                assert!(u32::from(address) + u32::from(count) <= 65_536, "{address} {count}");
                let words: Vec<u16> = (0..input.byte() % 4).map(|_| input.word()).collect();
                if words.is_empty() { survey.refused() } else { survey.take(&words) }
            }
            Step::Found(readings) => {
                let inside = |register: u16, end: u32| {
                    survey.models().iter().any(|model| {
                        register >= model.address
                            && end <= u32::from(model.address) + u32::from(model.length) + 2
                    })
                };
                assert!(
                    readings.iter().all(|one| inside(one.span().0, one.span().1)),
                    "outside of the model"
                );
                return;
            }
            Step::NotSunSpec => return,
        }
    }
    panic!("a survey does not end");
}

fuzz!(a_survey_ends_and_reads_only_inside_of_models, "sunspec", survey);
