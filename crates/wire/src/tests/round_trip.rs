//! Whatever is encoded is decoded the same.

use model::{
    Channel, DeviceId, Encoding, Event, EventKind, Missing, Poll, PollGroup, ProfileId, Quantity, Raw,
    Samples, SeriesDescriptor, Severity, Side, SpoolId, Timestamp,
};
use proptest::option;
use proptest::prelude::*;

use crate::{
    Batch, MAX_PAYLOAD_BYTES, Payload, Record, decode_batch, decode_payload, encode_batch, encode_payload,
    split_declaration,
};

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 1_700_000_000_000i64..1_900_000_000_000].prop_map(Timestamp::from_millis)
}

fn missing() -> impl Strategy<Value = Missing> {
    prop::sample::select(Missing::ALL)
}

fn value() -> impl Strategy<Value = Result<Raw, Missing>> {
    prop_oneof![
        any::<i64>().prop_map(|value| Ok(Raw::Integer(value))),
        any::<u32>().prop_map(|bits| Ok(Raw::Float32(f32::from_bits(bits)))),
        any::<u64>().prop_map(|bits| Ok(Raw::Float64(f64::from_bits(bits)))),
        missing().prop_map(Err),
    ]
}

fn values() -> impl Strategy<Value = Vec<Result<Raw, Missing>>> {
    prop_oneof![
        proptest::collection::vec(value(), 0..30),
        (value(), 0usize..300).prop_map(|(value, count)| vec![value; count]),
    ]
}

fn samples() -> impl Strategy<Value = Samples> {
    let poll =
        (any::<u32>(), time(), values()).prop_map(|(group, time, values)| Poll { group, time, values });
    proptest::collection::vec(poll, 0..8).prop_map(|polls| Samples { polls })
}

fn device() -> impl Strategy<Value = DeviceId> {
    "[a-z0-9][a-z0-9-]{0,20}".prop_map(|id| DeviceId::new(&id).unwrap())
}

prop_compose! {
    fn series()(
        number in any::<u32>(),
        device in device(),
        (quantity, encoding, side) in (
            prop::sample::select(vec![Quantity::ActivePower, Quantity::Temperature, Quantity::ActiveEnergyImport]),
            prop::sample::select(vec![Encoding::Integer, Encoding::Float32, Encoding::Float64]),
            prop::sample::select(vec![Side::Primary, Side::Secondary]),
        ),
        channel in "[a-z][0-9]{0,3}",
        (exponent, wraps_at, resolution) in (any::<i8>(), any::<Option<u64>>(), any::<u32>()),
        profile in option::of("[a-z]{1,3}"),
        hash in option::of(any::<[u8; 32]>()),
        source in ".{0,40}",
    ) -> SeriesDescriptor {
        SeriesDescriptor {
            number, device, quantity, encoding, exponent, wraps_at, resolution, side, source,
            channel: Channel::new(&channel).unwrap(),
            profile: profile.map(|id| ProfileId::new(&id).unwrap()),
            profile_hash: hash,
        }
    }
}

prop_compose! {
    fn group()(
        (number, period_ms, offset_ms) in any::<(u32, u32, u32)>(),
        device in device(),
        series in proptest::collection::vec(any::<u32>(), 0..40),
    ) -> PollGroup {
        PollGroup { number, device, period_ms, offset_ms, series }
    }
}

prop_compose! {
    fn event()(
        time in time(),
        device in option::of(device()),
        kind in prop::sample::select(vec![
            EventKind::DeviceSilent, EventKind::DeviceBack, EventKind::DeviceRestarted, EventKind::Notification,
            EventKind::Other,
        ]),
        severity in prop::sample::select(vec![Severity::Info, Severity::Warning, Severity::Critical]),
        text in ".{0,500}",
    ) -> Event {
        Event { time, device, kind, severity, text }
    }
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        (any::<u64>(), "[ -~]{0,64}", option::of(time()), any::<bool>()).prop_map(
            |(run, agent_version, last_durable, clean_stop)| Payload::RunStart {
                run,
                agent_version,
                last_durable,
                clean_stop
            }
        ),
        any::<u64>().prop_map(|run| Payload::RunStop { run }),
        (any::<u64>(), proptest::collection::vec(series(), 0..6), proptest::collection::vec(group(), 0..6))
            .prop_map(|(run, series, groups)| Payload::Declaration { run, series, groups }),
        (any::<u64>(), samples()).prop_map(|(run, samples)| Payload::Samples { run, samples }),
        (any::<(u64, u64)>(), time(), time(), missing())
            .prop_map(|((first, last), from, to, reason)| { Payload::Gap { first, last, from, to, reason } }),
        (time(), time()).prop_map(|(before, after)| Payload::ClockStep { before, after }),
        event().prop_map(Payload::Event),
    ]
}

proptest! {
    #[test]
    fn a_payload_decodes_to_what_it_was(payload in payload()) {
        prop_assert_eq!(decode_payload(&encode_payload(&payload)).unwrap(), payload);
    }

    #[test]
    fn a_batch_decodes_to_what_it_was(
        first in 0u64..1 << 60,
        gap in option::of(1u64..1000),
        spool in any::<[u8; 16]>(),
        payloads in proptest::collection::vec((time(), proptest::collection::vec(any::<u8>(), 0..300)), 1..20),
    ) {
        let records: Vec<Record> =
            (first..).zip(payloads).map(|(sequence, (time, payload))| Record { sequence, time, payload }).collect();
        let last = records.last().unwrap().sequence;
        let gap_from = gap.and_then(|gap| first.checked_sub(gap));
        let batch = Batch { schema: 1, spool: SpoolId::from_bytes(spool), first, last, gap_from, records };
        prop_assert_eq!(decode_batch(&encode_batch(&batch)).unwrap(), batch);
    }

    #[test]
    fn a_split_declaration_says_the_same_in_parts_that_fit(
        some in series(), count in 0u32..3000, group in group(), groups in 0u32..50,
    ) {
        let all: Vec<_> = (0..count).map(|number| SeriesDescriptor { number, ..some.clone() }).collect();
        let plan: Vec<_> = (0..groups)
            .map(|number| PollGroup { number, series: vec![u32::MAX; 2000], ..group.clone() })
            .collect();
        let (mut joined, mut joined_plan) = (Vec::new(), Vec::new());
        for part in split_declaration(7, &all, &plan) {
            prop_assert!(encode_payload(&part).len() < MAX_PAYLOAD_BYTES / 4);
            let Payload::Declaration { run: 7, series, groups } = part else { panic!("{part:?}") };
            joined.extend(series);
            joined_plan.extend(groups);
        }
        prop_assert_eq!(joined, all);
        prop_assert_eq!(joined_plan, plan);
    }
}

#[test]
fn texts_that_are_too_long_are_cut_so_that_they_can_be_read_again() {
    let version =
        Payload::RunStart { run: 1, agent_version: "ä".repeat(100), last_durable: None, clean_stop: false };
    let Payload::RunStart { agent_version, .. } = decode_payload(&encode_payload(&version)).unwrap() else {
        panic!("a start was encoded")
    };
    assert_eq!(agent_version, "ä".repeat(32));
    let event = Event {
        time: Timestamp::from_millis(0),
        device: None,
        kind: EventKind::Other,
        severity: Severity::Info,
        text: "\u{1F50C}".repeat(501),
    };
    let Payload::Event(event) = decode_payload(&encode_payload(&Payload::Event(event))).unwrap() else {
        panic!("an event was encoded")
    };
    assert_eq!(event.text.chars().count(), 500);
}
