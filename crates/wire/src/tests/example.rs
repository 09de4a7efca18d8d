//! One payload of each kind, the same for ever: golden files hold their bytes.

use model::{
    Channel, DeviceId, Encoding, Event, EventKind, Missing, Poll, PollGroup, ProfileId, Quantity, Raw,
    Samples, SeriesDescriptor, Severity, Side, SpoolId, Timestamp,
};

use crate::{Batch, Payload, Record, encode_payload};

pub(super) const TIME: Timestamp = Timestamp::from_millis(1_792_890_000_000);

pub(super) fn payloads() -> Vec<(&'static str, Payload)> {
    vec![
        (
            "run-start",
            Payload::RunStart {
                run: 4711,
                agent_version: "0.1.0".to_owned(),
                last_durable: Some(Timestamp::from_millis(-1)),
                clean_stop: true,
            },
        ),
        ("run-stop", Payload::RunStop { run: 4711 }),
        ("declaration", declaration()),
        ("samples", Payload::Samples { run: 4711, samples: samples() }),
        (
            "gap",
            Payload::Gap {
                first: 10,
                last: 20,
                from: TIME,
                to: TIME.plus_millis(1),
                reason: Missing::SpoolFull,
            },
        ),
        ("clock-step", Payload::ClockStep { before: TIME, after: TIME.plus_millis(-3_600_000) }),
        ("event", Payload::Event(event())),
    ]
}

fn declaration() -> Payload {
    let energy = SeriesDescriptor {
        number: 7,
        device: DeviceId::new("main-meter").unwrap(),
        quantity: Quantity::ActiveEnergyImport,
        channel: Channel::total(),
        encoding: Encoding::Integer,
        exponent: -1,
        wraps_at: Some(u64::from(u32::MAX) + 1),
        resolution: 1,
        side: Side::Secondary,
        profile: Some(ProfileId::new("janitza-umg96rm").unwrap()),
        profile_hash: Some([0xA5; 32]),
        source: "fc3 19068 u32 abcd".to_owned(),
    };
    let power = SeriesDescriptor {
        number: 8,
        quantity: Quantity::ActivePower,
        channel: Channel::new("l1").unwrap(),
        encoding: Encoding::Float32,
        exponent: 0,
        wraps_at: None,
        resolution: 0,
        side: Side::Primary,
        ..energy.clone()
    };
    let bare = SeriesDescriptor { number: 9, profile: None, profile_hash: None, ..power.clone() };
    let group = PollGroup {
        number: 3,
        device: energy.device.clone(),
        period_ms: 10_000,
        offset_ms: 250,
        series: vec![7, 8, 9],
    };
    Payload::Declaration { run: 4711, series: vec![energy, power, bare], groups: vec![group] }
}

fn samples() -> Samples {
    let poll = |group, millis, values| Poll { group, time: TIME.plus_millis(millis), values };
    Samples {
        polls: vec![
            poll(1, 0, vec![Ok(Raw::Integer(0)), Ok(Raw::Integer(-1)), Ok(Raw::Integer(i64::MIN))]),
            poll(2, 10, vec![Ok(Raw::Float32(230.5)), Ok(Raw::Float32(f32::from_bits(0x7fa0_0001)))]),
            poll(3, -10, vec![Ok(Raw::Float64(-0.0)), Ok(Raw::Float64(1e300))]),
            poll(
                4,
                999,
                vec![
                    Ok(Raw::Integer(5)),
                    Err(Missing::Exception),
                    Ok(Raw::Float32(1.5)),
                    Ok(Raw::Integer(6)),
                ],
            ),
            poll(5, 0, vec![Err(Missing::NoAnswer); 3]),
            poll(u32::MAX, 0, vec![]),
        ],
    }
}

fn event() -> Event {
    Event {
        time: TIME,
        device: Some(DeviceId::new("pdu-17").unwrap()),
        kind: EventKind::DeviceSilent,
        severity: Severity::Warning,
        text: "kein Lebenszeichen seit 10 s".to_owned(),
    }
}

pub(super) fn batch() -> Batch {
    let records: Vec<Record> = (100..)
        .zip(payloads())
        .map(|(sequence, (_, payload))| Record { sequence, time: TIME, payload: encode_payload(&payload) })
        .collect();
    let last = records.last().expect("the list above is not empty").sequence;
    let spool = SpoolId::from_bytes(*b"0123456789abcdef");
    Batch { schema: 1, spool, first: 100, last, gap_from: Some(90), records }
}
