use model::{Missing, Poll, Raw};
use wire::decode_payload;

use super::*;
use crate::config::{Config, Folders};

const CONFIG: &str = "[agent]\nid = \"a\"\nsite = \"s\"\n[[device]]\nid = \"m\"\naddress = \"modbus+tcp://h/1\"\n\
    profile = \"abb-b23\"\n";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn plan() -> Plan {
    Plan::new(&Config::parse("a.toml", CONFIG, &Folders::default()).unwrap())
}

fn open(dir: &Path) -> Box<SpoolSink> {
    Box::new(SpoolSink::open(dir, 64 << 20, &plan(), at(1000)).unwrap())
}

fn payloads(reader: &mut SpoolReader) -> Vec<Payload> {
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let records = reader.read(from, 1 << 20).unwrap();
        let Some(last) = records.last() else { return all };
        from = last.sequence + 1;
        all.extend(records.iter().map(|record| decode_payload(&record.payload).unwrap()));
    }
}

fn samples(group: u32, value: i64) -> Samples {
    let values = vec![Ok(Raw::Integer(value)), Err(Missing::NoAnswer)];
    Samples { polls: vec![Poll { group, time: at(1001), values }] }
}

#[test]
fn a_run_begins_with_its_start_and_its_plan_and_ends_with_its_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = open(folder.path());
    let mut reader = sink.reader();
    sink.take(Message::Samples(at(1001), samples(1, 42)));
    sink.settle();
    sink.close();
    let all = payloads(&mut reader);
    let Payload::RunStart { run, last_durable: None, clean_stop: true, .. } = all[0] else {
        panic!("{:?}", all[0])
    };
    let declared = all.iter().filter_map(|one| {
        if let Payload::Declaration { series, groups, .. } = one {
            Some((series.len(), groups.len()))
        } else {
            None
        }
    });
    let declared = declared.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(declared, (plan().series.len(), 1));
    assert!(all.contains(&Payload::Samples { run, samples: samples(1, 42) }));
    assert_eq!(all.last(), Some(&Payload::RunStop { run }));
}

#[test]
fn the_next_run_knows_how_the_one_before_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = open(folder.path());
    sink.take(Message::Samples(at(1001), samples(1, 42)));
    sink.settle();
    // No close: as after kill -9.
    drop(sink);
    let sink = open(folder.path());
    let mut reader = sink.reader();
    let starts: Vec<Payload> =
        payloads(&mut reader).into_iter().filter(|one| matches!(one, Payload::RunStart { .. })).collect();
    let Payload::RunStart { run: first, .. } = starts[0] else { unreachable!() };
    let Payload::RunStart { run, last_durable, clean_stop, .. } = starts[1] else { unreachable!() };
    assert!(run > first);
    assert_eq!((last_durable, clean_stop), (Some(at(1002)), false));
}

#[test]
fn every_segment_begins_with_the_declarations_so_that_any_suffix_can_be_understood() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = Box::new(SpoolSink::open(folder.path(), 4 << 20, &plan(), at(1000)).unwrap());
    let mut reader = sink.reader();
    let learned =
        PollGroup { number: 77, device: "p".parse().unwrap(), period_ms: 1000, offset_ms: 0, series: vec![] };
    sink.take(Message::Declare(at(1000), Vec::new(), vec![learned]));
    // Values that do not compress, until there are several segments.
    let wide = |n: i64| Samples {
        polls: vec![Poll {
            group: 1,
            time: at(n),
            values: (0..5000).map(|i| Ok(Raw::Integer(i * n * 7_919_777))).collect(),
        }],
    };
    for n in 1..60 {
        sink.take(Message::Samples(at(n), wide(n)));
    }
    sink.settle();
    assert!(sink.spool.status().segments >= 2, "{:?}", sink.spool.status());
    // Whatever is read from the start of the last segment on: the plan comes before the first samples.
    let all = payloads(&mut reader);
    let groups = |one: &Payload| matches!(one, Payload::Declaration { groups, .. } if groups.iter().any(|group| group.number == 77));
    assert!(
        all.iter().filter(|one| groups(one)).count() >= sink.spool.status().segments,
        "declared too rarely"
    );
}

#[test]
fn samples_too_many_for_one_record_become_several() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = open(folder.path());
    let mut reader = sink.reader();
    let poll = |group: u32| Poll {
        group,
        time: at(5),
        values: (0..50_000).map(|i| Ok(Raw::Integer(i * 1_234_567_891 + i64::from(group)))).collect(),
    };
    let polls: Vec<Poll> = (1..=8).map(poll).collect();
    sink.take(Message::Samples(at(5), Samples { polls: polls.clone() }));
    sink.settle();
    let read: Vec<Samples> = payloads(&mut reader)
        .into_iter()
        .filter_map(|one| if let Payload::Samples { samples, .. } = one { Some(samples) } else { None })
        .collect();
    assert!(read.len() > 1);
    assert_eq!(read.into_iter().flat_map(|samples| samples.polls).collect::<Vec<_>>(), polls);
}
