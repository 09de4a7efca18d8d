use model::{Energy, Method, Quality, Reason};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::day::SLOTS;
use super::*;

const KEY: i64 = row_key(7, 20_000);

fn value() -> impl Strategy<Value = IntervalValue> {
    let energy = prop_oneof![
        8 => (0i64..20_000).prop_map(|steps| steps * 10_000),
        1 => any::<i64>(),
    ];
    let select = prop::sample::select::<Quality>;
    (
        option::weighted(0.9, energy),
        select(Quality::ALL),
        option::of(prop::sample::select(Method::ALL)),
        option::of(prop::sample::select(Reason::ALL)),
    )
        .prop_map(|(energy, quality, method, reason)| IntervalValue {
            energy: energy.map(Energy::from_milliwatt_hours),
            quality,
            method,
            reason,
        })
}

fn day() -> impl Strategy<Value = DayValues> {
    let mixed = vec(option::weighted(0.8, (value(), any::<bool>())), SLOTS);
    let plain = vec(
        (0i64..1 << 40)
            .prop_map(|mwh| Some((IntervalValue::measured(Energy::from_milliwatt_hours(mwh)), true))),
        SLOTS,
    );
    prop_oneof![mixed, plain].prop_map(|slots| {
        let mut day = DayValues::default();
        for (slot, value) in slots.into_iter().enumerate() {
            if let Some((value, is_final)) = value {
                day.set(slot, value, is_final);
            }
        }
        day
    })
}

proptest! {
    #[test]
    fn a_day_reads_back(day in day()) {
        prop_assert_eq!(DayValues::decode(KEY, &day.encode(KEY)), Ok(day));
    }

    #[test]
    fn a_value_reads_back_from_its_marks(value in value(), slot in 0..SLOTS, is_final: bool) {
        let mut day = DayValues::default();
        day.set(slot, value, is_final);
        prop_assert_eq!(day.get(slot), Some(value));
        prop_assert_eq!(day.is_final(slot), is_final);
    }

    #[test]
    fn a_day_cut_or_changed_is_refused(day in day(), place: prop::sample::Index, flip in 1u8..=255) {
        let bytes = day.encode(KEY);
        let place = place.index(bytes.len());
        prop_assert!(DayValues::decode(KEY, &bytes[..place]).is_err());
        let mut changed = bytes.clone();
        changed[place] ^= flip;
        prop_assert!(DayValues::decode(KEY, &changed).is_err());
        prop_assert!(DayValues::decode(KEY + 1, &bytes).is_err());
    }

    #[test]
    fn a_day_whose_checksum_was_forged_never_panics(
        day in day(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = day.encode(KEY);
        bytes.truncate(bytes.len() - 4);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        crate::bytes::seal(KEY, &mut bytes);
        if let Ok(day) = DayValues::decode(KEY, &bytes) {
            prop_assert!((0..SLOTS).filter_map(|slot| day.get(slot)).count() <= SLOTS);
        }
    }
}

#[test]
fn amounts_at_the_ends_of_64_bits_read_back() {
    let mut day = DayValues::default();
    for (slot, amount) in [i64::MIN, i64::MAX, 0, -1, i64::MIN].into_iter().enumerate() {
        day.set(slot, IntervalValue::measured(Energy::from_milliwatt_hours(amount)), false);
    }
    assert_eq!(DayValues::decode(KEY, &day.encode(KEY)), Ok(day));
}

#[test]
fn nothing_ever_said_is_no_zero() {
    let day = DayValues::default();
    let back = DayValues::decode(KEY, &day.encode(KEY)).unwrap();
    assert_eq!(back.get(0), None);
    assert_eq!(back.present().count(), 0);
}
