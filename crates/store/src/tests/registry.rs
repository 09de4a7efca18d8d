use std::collections::BTreeMap;

use model::{Event, EventKind, Missing, Period, Severity};

use super::*;
use crate::{Claim, Day, LossStatement, PlannedGroup, ReportedEvent, SeriesId, Sighting};

fn write<T>(writer: &mut Writer, work: impl FnOnce(&crate::Tx<'_>) -> Result<T, StoreError>) -> T {
    writer.transaction(work).unwrap()
}

#[test]
fn a_series_keeps_its_number_and_gets_a_version_for_each_new_meaning() {
    let (dir, store) = record();
    let mut writer = store.writer().unwrap();
    let plain = descriptor("meter-1", Quantity::ActivePower);
    let scaled = SeriesDescriptor { exponent: -2, number: 99, ..plain.clone() };
    let later = NOW.plus_millis(60_000);
    let first = write(&mut writer, |tx| tx.series(&site(), &plain, NOW));
    let second = write(&mut writer, |tx| tx.series(&site(), &scaled, later));
    let again =
        write(&mut writer, |tx| tx.series(&site(), &SeriesDescriptor { number: 5, ..plain.clone() }, later));
    assert_eq!((first.version, second.version, again), (1, 2, first));
    assert_eq!(second.series, first.series);
    drop((writer, store));
    let reader = reopen(&dir).reader().unwrap();
    let versions = reader.descriptor_versions(first.series).unwrap();
    assert_eq!(
        versions.iter().map(|one| (one.version, one.from)).collect::<Vec<_>>(),
        [(1, NOW), (2, later)]
    );
    assert_eq!(reader.descriptor(first.series, 2).unwrap().exponent, -2);
    let expected = SeriesDescriptor { number: first.series.number(), ..plain };
    assert_eq!(versions[0].descriptor, expected);
    let found =
        reader.find_series(&site(), &expected.device, expected.quantity, &expected.channel).unwrap().unwrap();
    assert_eq!((found.id, found.version, found.descriptor), (first.series, 1, expected));
    assert!(reader.descriptor(first.series, 3).is_err());
}

#[test]
fn devices_and_series_are_listed_by_site() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let power = register(&mut writer, "meter-1", Quantity::ActivePower);
    register(&mut writer, "meter-1", Quantity::ActiveEnergyImport);
    register(&mut writer, "meter-2", Quantity::ActivePower);
    let south = SiteId::new("rz-sued").unwrap();
    write(&mut writer, |tx| tx.series(&south, &descriptor("meter-1", Quantity::ActivePower), NOW));
    let reader = writer.reader();
    assert_eq!(reader.sites().unwrap(), [site(), south.clone()]);
    assert_eq!(reader.devices(&site()).unwrap().len(), 2);
    assert_eq!(reader.series_of_site(&site()).unwrap().len(), 3);
    assert_eq!(reader.series_of(power.device).unwrap().len(), 2);
    assert_eq!(reader.devices(&south).unwrap()[0].id.as_str(), "meter-1");
    assert_ne!(reader.devices(&south).unwrap()[0].key, power.device);
}

#[test]
fn a_device_that_another_agent_sends_now_cannot_be_claimed() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let device = register(&mut writer, "meter-1", Quantity::ActivePower).device;
    let minute = |n: i64| NOW.plus_millis(n * 60_000);
    let mut claim = |name, at| write(&mut writer, |tx| tx.claim_device(device, &agent(name), at, 120_000));
    assert_eq!(claim("agent-1", minute(0)), Claim::Granted);
    assert_eq!(claim("agent-1", minute(1)), Claim::Granted);
    let held = Claim::HeldBy { agent: agent("agent-1").agent, seen: minute(1) };
    assert_eq!(claim("agent-2", minute(2)), held);
    assert_eq!(claim("agent-2", minute(3)), Claim::Granted);
}

#[test]
fn a_plan_ends_where_it_changes_and_goes_on_where_it_does_not() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let device = register(&mut writer, "meter-1", Quantity::ActivePower).device;
    let group = |period_ms| PlannedGroup { device, period_ms, offset_ms: 20, series: vec![SeriesId::new(1)] };
    let at = |n: i64| NOW.plus_millis(n * 1000);
    write(&mut writer, |tx| tx.set_plan(&agent("agent-1"), at(0), &[group(1000), group(10_000)]));
    write(&mut writer, |tx| tx.set_plan(&agent("agent-1"), at(5), &[group(1000), group(10_000)]));
    write(&mut writer, |tx| tx.set_plan(&agent("agent-1"), at(60), &[group(1000), group(2000)]));
    let plan = writer.reader().plan_of(device, Period::new(at(0), at(100))).unwrap();
    let seen: Vec<_> = plan.iter().map(|entry| (entry.group.period_ms, entry.from, entry.to)).collect();
    assert_eq!(seen, [(1000, at(0), None), (10_000, at(0), Some(at(60))), (2000, at(60), None)]);
    assert_eq!(plan[0].group.series, [SeriesId::new(1)]);
    assert_eq!(writer.reader().plan_of(device, Period::new(at(60), at(100))).unwrap().len(), 2);
    assert_eq!(writer.reader().plan_now(&site()).unwrap().len(), 2);
}

#[test]
fn losses_add_up_by_device_day_and_reason() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let device = register(&mut writer, "meter-1", Quantity::ActivePower).device;
    let day = Day::of(NOW).unwrap();
    let part = LossStatement {
        expected: 10,
        received: 7,
        late: 1,
        duplicate: 0,
        missing: BTreeMap::from([(Missing::NoAnswer, 2), (Missing::AgentDown, 1)]),
    };
    write(&mut writer, |tx| tx.add_losses(device, day, &part));
    write(&mut writer, |tx| tx.add_losses(device, day, &part));
    let sum = writer.reader().losses(device, day).unwrap();
    assert_eq!((sum.expected, sum.received, sum.late, sum.duplicate), (20, 14, 2, 0));
    assert_eq!(sum.missing[&Missing::NoAnswer], 4);
    write(&mut writer, |tx| tx.set_losses(device, day, &part));
    assert_eq!(writer.reader().losses(device, day).unwrap(), part);
}

#[test]
fn an_agent_is_known_by_what_it_said_last() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let sighting =
        Sighting { key: agent("agent-1"), at: NOW, version: None, certificate: Some(([1; 32], NOW)) };
    write(&mut writer, |tx| tx.saw_agent(&sighting));
    let later = NOW.plus_millis(1);
    let second = Sighting { at: later, version: Some("0.1.0".to_owned()), certificate: None, ..sighting };
    write(&mut writer, |tx| tx.saw_agent(&second));
    let agents = writer.reader().agents().unwrap();
    assert_eq!((agents[0].first, agents[0].seen, agents[0].version.as_str()), (NOW, later, "0.1.0"));
    assert_eq!(agents[0].certificate, Some([1; 32]));
}

#[test]
fn events_read_back_by_site_and_time() {
    let (_dir, store) = record();
    let mut writer = store.writer().unwrap();
    let event = |at| Event {
        time: at,
        device: None,
        kind: EventKind::Other,
        severity: Severity::Warning,
        text: "hot".to_owned(),
    };
    for n in 0..3 {
        let reported = ReportedEvent { agent: agent("agent-1"), event: event(NOW.plus_millis(n)) };
        write(&mut writer, |tx| tx.add_event(&reported));
    }
    let some =
        writer.reader().events(&site(), Period::new(NOW.plus_millis(1), NOW.plus_millis(3)), 1).unwrap();
    assert_eq!(some.len(), 1);
    assert_eq!(some[0].event, event(NOW.plus_millis(1)));
}
