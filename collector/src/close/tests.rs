use std::fmt::Write;

use model::{
    IntervalValue, Missing, Period, Poll, Quality, Quantity, QuarterHour, Raw, Samples, SiteId, Timestamp,
};
use proptest::prelude::*;
use store::{AlarmFilter, Core, Day, IntervalSubject, SeriesId};
use wire::Payload;

use crate::testing::{Feed, Rig, close_all, group, series};

/// 2026-01-05T00:00Z, a Monday.
const START: i64 = 1_767_571_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(START + seconds)
}

/// A meter with a register in Wh and a power in W, polled every 10 s; it draws 3600 W, so 10 Wh a poll.
fn meter(feed: &mut Feed) -> wire::Batch {
    let all = vec![
        series(1, "meter-1", Quantity::ActiveEnergyImport, "total"),
        series(2, "meter-1", Quantity::ActivePower, "total"),
    ];
    feed.opening(at(0), all, vec![group(0, "meter-1", 10, &[1, 2])])
}

fn polls(feed: &mut Feed, seconds: std::ops::Range<i64>) -> wire::Batch {
    let records: Vec<_> = seconds
        .step_by(10)
        .map(|second| feed.poll(0, at(second), &[Raw::Integer(1000 + second), Raw::Integer(3600)]))
        .collect();
    feed.batch(records)
}

fn register(core: &Core) -> SeriesId {
    let site = SiteId::new("rz-1").unwrap();
    let found = core.series_of_site(&site).unwrap();
    found.iter().find(|one| one.descriptor.quantity == Quantity::ActiveEnergyImport).unwrap().id
}

fn intervals(rig: &Rig, hours: i64) -> Vec<IntervalValue> {
    let reader = rig.store.reader().unwrap();
    let id = reader.find_interval_series(&IntervalSubject::Register(register(&reader))).unwrap().unwrap();
    reader.intervals(id, Period::new(at(0), at(hours * 3600))).unwrap()
}

#[test]
fn samples_become_chunks_quarter_hours_gauges_and_a_loss_statement() {
    let rig = Rig::new();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    rig.ingest(&feed.agent.clone(), &meter(&mut feed));
    let batch = polls(&mut feed, 0..7200);
    rig.ingest(&feed.agent.clone(), &batch);
    let mut closer = rig.closer();
    close_all(&mut closer);

    let values = intervals(&rig, 2);
    // 3600 W for a quarter hour are 900 Wh; the last quarter hour has no reading at its end yet.
    for value in &values[..7] {
        assert_eq!((value.energy.unwrap().milliwatt_hours(), value.quality), (900_000, Quality::True));
    }
    assert_eq!(values[7].energy, None);

    let reader = rig.store.reader().unwrap();
    let device = reader.devices(&SiteId::new("rz-1").unwrap()).unwrap()[0].clone();
    let chunks = reader.chunks(device.key, Period::new(at(0), at(7200))).unwrap();
    assert_eq!(chunks.iter().map(store::Chunk::samples).collect::<Vec<_>>(), [720, 720]);
    let power = reader
        .series_of(device.key)
        .unwrap()
        .into_iter()
        .find(|one| one.descriptor.quantity == Quantity::ActivePower);
    let power = power.unwrap().id;
    let gauges = reader.gauges(power, Period::new(at(0), at(7200))).unwrap();
    assert!(
        gauges
            .iter()
            .all(|gauge| gauge
                .is_some_and(|gauge| gauge.count() == 90 && (gauge.mean() - 3600.0).abs() < 0.01))
    );
    let losses = reader.losses(device.key, Day::of(at(0)).unwrap()).unwrap();
    assert_eq!((losses.expected, losses.received), (1440, 1440));
    assert!(losses.missing.is_empty());
    assert_eq!(reader.inbox_load().unwrap().batches, 0);
    assert_eq!(rig.live.get(power).unwrap().time, at(7190));
    assert_eq!(reader.agents().unwrap()[0].version, "1.2.3");
}

#[test]
fn a_missing_sample_is_counted_with_its_reason_and_is_never_a_zero() {
    let rig = Rig::new();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    rig.ingest(&feed.agent.clone(), &meter(&mut feed));
    let values = vec![Err(Missing::NoAnswer), Err(Missing::NoAnswer)];
    let samples = Samples { polls: vec![Poll { group: 0, time: at(10), values }] };
    let lost = (at(10), Payload::Samples { run: feed.run, samples });
    let batch = feed.batch([lost]);
    rig.ingest(&feed.agent.clone(), &batch);
    close_all(&mut rig.closer());
    let reader = rig.store.reader().unwrap();
    let device = reader.devices(&SiteId::new("rz-1").unwrap()).unwrap()[0].key;
    let losses = reader.losses(device, Day::of(at(0)).unwrap()).unwrap();
    // Due at 0 s and 10 s, two series each; only the second poll came.
    assert_eq!((losses.expected, losses.received), (4, 0));
    assert_eq!(losses.missing[&Missing::NoAnswer], 2);
    let samples = reader.samples(register(&reader), Period::new(at(0), at(60))).unwrap();
    assert_eq!(samples.iter().map(|sample| sample.value).collect::<Vec<_>>(), [Err(Missing::NoAnswer)]);
}

#[test]
fn what_lay_between_two_lives_of_an_agent_is_agent_down() {
    let rig = Rig::new();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    rig.ingest(&feed.agent.clone(), &meter(&mut feed));
    let first = polls(&mut feed, 0..600);
    rig.ingest(&feed.agent.clone(), &first);
    feed.run = feed.next;
    let run = feed.run;
    let start = Payload::RunStart {
        run,
        agent_version: "1.2.4".into(),
        last_durable: Some(at(590)),
        clean_stop: false,
    };
    let declaration = Payload::Declaration {
        run,
        series: vec![
            series(1, "meter-1", Quantity::ActiveEnergyImport, "total"),
            series(2, "meter-1", Quantity::ActivePower, "total"),
        ],
        groups: vec![group(0, "meter-1", 10, &[1, 2])],
    };
    let opening = feed.batch([(at(1200), start), (at(1200), declaration)]);
    rig.ingest(&feed.agent.clone(), &opening);
    let second = polls(&mut feed, 1200..1800);
    rig.ingest(&feed.agent.clone(), &second);
    close_all(&mut rig.closer());
    let reader = rig.store.reader().unwrap();
    let device = reader.devices(&SiteId::new("rz-1").unwrap()).unwrap()[0].key;
    let losses = reader.losses(device, Day::of(at(0)).unwrap()).unwrap();
    // 0 to 1790 s are 180 polls of two series; those of 600 to 1190 s are lost.
    assert_eq!((losses.expected, losses.received, losses.missing[&Missing::AgentDown]), (360, 240, 120));
}

#[test]
fn a_device_that_two_agents_send_is_taken_from_one_and_told() {
    let rig = Rig::new();
    let (mut one, mut two) = (Feed::new("rz-1", "agent-1", 1), Feed::new("rz-1", "agent-2", 2));
    rig.ingest(&one.agent.clone(), &meter(&mut one));
    let batch = polls(&mut one, 0..600);
    rig.ingest(&one.agent.clone(), &batch);
    rig.ingest(&two.agent.clone(), &meter(&mut two));
    let foreign = two.poll(0, at(5), &[Raw::Integer(7), Raw::Integer(7)]);
    let batch = two.batch([foreign]);
    rig.ingest(&two.agent.clone(), &batch);
    close_all(&mut rig.closer());
    let reader = rig.store.reader().unwrap();
    let samples = reader.samples(register(&reader), Period::new(at(0), at(600))).unwrap();
    assert_eq!(samples.len(), 60);
    let alarms = reader.alarms(None, AlarmFilter::Open, 10).unwrap();
    assert_eq!((alarms[0].alarm.kind.as_str(), alarms[0].alarm.subject.as_str()), ("two_agents", "meter-1"));

    // After a while without the first one, the device may move.
    rig.clock.set(Timestamp::from_seconds(1_800_000_000 + 121));
    let moved = polls(&mut two, 600..610);
    rig.ingest(&two.agent.clone(), &moved);
    close_all(&mut rig.closer());
    assert_eq!(reader.samples(register(&reader), Period::new(at(0), at(700))).unwrap().len(), 61);
}

#[test]
fn a_payload_that_makes_no_sense_is_counted_and_the_rest_is_taken() {
    let rig = Rig::new();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    rig.ingest(&feed.agent.clone(), &meter(&mut feed));
    let good = feed.poll(0, at(0), &[Raw::Integer(1), Raw::Integer(2)]);
    let narrow = feed.poll(0, at(10), &[Raw::Integer(1)]);
    let unknown_group = feed.poll(9, at(20), &[Raw::Integer(1)]);
    let before_1970 = feed.poll(0, Timestamp::from_seconds(-5), &[Raw::Integer(1), Raw::Integer(2)]);
    let late = feed.poll(0, at(30), &[Raw::Integer(3), Raw::Integer(4)]);
    let mut batch = feed.batch([good, narrow, unknown_group, before_1970, late]);
    batch.records[1].payload = vec![0xff; 40];
    rig.ingest(&feed.agent.clone(), &batch);
    close_all(&mut rig.closer());
    let reader = rig.store.reader().unwrap();
    assert_eq!(reader.samples(register(&reader), Period::new(at(0), at(60))).unwrap().len(), 2);
    assert_eq!(rig.counters.unusable.load(std::sync::atomic::Ordering::Relaxed), 3);
}

#[test]
fn samples_that_come_late_are_counted_and_the_old_values_are_kept_as_a_revision() {
    let rig = Rig::new();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    rig.ingest(&feed.agent.clone(), &meter(&mut feed));
    // Half an hour of readings is missing at first.
    for span in [0..1800, 3600..7200] {
        let batch = polls(&mut feed, span);
        rig.ingest(&feed.agent.clone(), &batch);
    }
    let mut closer = rig.closer();
    close_all(&mut closer);
    assert_eq!(intervals(&rig, 2)[2].quality, Quality::Substitute);
    // They come from an import, in kWh with three decimals: another exponent for the same register.
    rig.clock.set(Timestamp::from_seconds(1_800_000_000 + 200));
    let mut import = Feed::new("rz-1", "import", 9);
    let mut series = series(1, "meter-1", Quantity::ActiveEnergyImport, "total");
    series.exponent = 1;
    let opening = import.opening(at(1800), vec![series], vec![group(0, "meter-1", 10, &[1])]);
    rig.ingest(&import.agent.clone(), &opening);
    let late: Vec<_> = (1800..3600)
        .step_by(10)
        .map(|second| import.poll(0, at(second), &[Raw::Integer((1000 + second) / 10)]))
        .collect();
    let batch = import.batch(late);
    rig.ingest(&import.agent.clone(), &batch);
    // The agent goes on with its own exponent.
    rig.clock.set(Timestamp::from_seconds(1_800_000_000 + 400));
    let batch = polls(&mut feed, 7200..9010);
    rig.ingest(&feed.agent.clone(), &batch);
    close_all(&mut closer);
    let values = intervals(&rig, 2);
    for (n, value) in values.iter().enumerate() {
        let off = (value.energy.unwrap().milliwatt_hours() - 900_000).abs();
        assert!(off <= 10_000 && value.quality == Quality::True, "quarter {n}: {value:?}");
    }
    let reader = rig.store.reader().unwrap();
    let id = reader.find_interval_series(&IntervalSubject::Register(register(&reader))).unwrap().unwrap();
    let revisions = reader.revisions(id, Period::new(at(0), at(7200))).unwrap();
    assert_eq!(revisions.iter().map(|one| one.why.as_str()).collect::<Vec<_>>(), ["samples came late"]);
}

#[test]
fn records_that_are_sent_again_in_another_batch_count_once() {
    let rig = Rig::new();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    rig.ingest(&feed.agent.clone(), &meter(&mut feed));
    let first = polls(&mut feed, 0..300);
    rig.ingest(&feed.agent.clone(), &first);
    // The sender never saw the answer: the last ten records of the batch come again, with new ones behind them.
    let mut again = polls(&mut feed, 300..600);
    let known = first.records.len() - 10;
    again.records.splice(0..0, first.records[known..].iter().cloned());
    again.first = again.records[0].sequence;
    rig.ingest(&feed.agent.clone(), &again);
    close_all(&mut rig.closer());
    let reader = rig.store.reader().unwrap();
    let device = reader.devices(&SiteId::new("rz-1").unwrap()).unwrap()[0].key;
    let losses = reader.losses(device, Day::of(at(0)).unwrap()).unwrap();
    assert_eq!((losses.expected, losses.received, losses.duplicate), (120, 120, 0));
    assert_eq!(reader.samples(register(&reader), Period::new(at(0), at(600))).unwrap().len(), 60);
}

#[test]
fn a_kill_between_raw_samples_and_counts_changes_nothing() {
    let reference = {
        let rig = Rig::new();
        let mut feed = Feed::new("rz-1", "agent-1", 1);
        rig.ingest(&feed.agent.clone(), &meter(&mut feed));
        let batch = polls(&mut feed, 0..7200);
        rig.ingest(&feed.agent.clone(), &batch);
        close_all(&mut rig.closer());
        dump(&rig)
    };
    let rig = Rig::new();
    let mut feed = Feed::new("rz-1", "agent-1", 1);
    rig.ingest(&feed.agent.clone(), &meter(&mut feed));
    let batch = polls(&mut feed, 0..7200);
    rig.ingest(&feed.agent.clone(), &batch);
    let mut closer = rig.closer();
    while closer.look().unwrap().rows > 0 {}
    closer.write_raw_and_die();
    let rig = rig.restart();
    close_all(&mut rig.closer());
    assert_eq!(dump(&rig), reference);
}

/// Everything that numbers are made of.
fn dump(rig: &Rig) -> String {
    let reader = rig.store.reader().unwrap();
    let mut text = String::new();
    for device in reader.devices(&SiteId::new("rz-1").unwrap()).unwrap() {
        for one in reader.series_of(device.key).unwrap() {
            let period = Period::new(at(0), at(86_400));
            writeln!(text, "{:?}", reader.samples(one.id, period).unwrap()).unwrap();
            writeln!(text, "{:?}", reader.gauges(one.id, period).unwrap()).unwrap();
            if let Some(id) = reader.find_interval_series(&IntervalSubject::Register(one.id)).unwrap() {
                writeln!(text, "{:?}", reader.intervals(id, period).unwrap()).unwrap();
            }
        }
        writeln!(text, "{:?}", reader.losses(device.key, Day::of(at(0)).unwrap()).unwrap()).unwrap();
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_record_is_the_same_however_the_stream_is_cut(
        cuts in proptest::collection::vec((1i64..240, 0u8..4), 1..8),
    ) {
        let whole = Rig::new();
        let mut feed = Feed::new("rz-1", "agent-1", 1);
        whole.ingest(&feed.agent.clone(), &meter(&mut feed));
        let batch = polls(&mut feed, 0..7200);
        whole.ingest(&feed.agent.clone(), &batch);
        close_all(&mut whole.closer());

        let mut rig = Rig::new();
        let mut closer = rig.closer();
        let mut feed = Feed::new("rz-1", "agent-1", 1);
        rig.ingest(&feed.agent.clone(), &meter(&mut feed));
        let mut from = 0;
        for (length, then) in cuts.into_iter().chain([(720, 1)]) {
            let to = (from + length * 10).min(7200);
            if from < to {
                let batch = polls(&mut feed, from..to);
                rig.ingest(&feed.agent.clone(), &batch);
            }
            from = to;
            match then {
                0 => { closer.look().unwrap(); }
                1 => close_all(&mut closer),
                // A kill: what was read and not written is read again.
                2 => { closer.look().unwrap(); drop(closer); rig = rig.restart(); closer = rig.closer(); }
                _ => { close_all(&mut closer); drop(closer); rig = rig.restart(); closer = rig.closer(); }
            }
        }
        close_all(&mut closer);
        prop_assert_eq!(dump(&rig), dump(&whole));
    }
}

#[test]
fn a_quarter_of_an_hour_index_is_that_of_the_epoch() {
    // Guards the constant above: 2026-01-05T00:00Z is quarter hour 1963968 (GNU date: 1767571200 s / 900).
    assert_eq!(at(0).quarter(), QuarterHour::from_index(1_963_968));
}
