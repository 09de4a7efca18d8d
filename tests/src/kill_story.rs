//! Both sides are killed over and over under load; the record and the spools are compared sample by sample afterwards.
//!
//! What is held to account: promise 1 (nothing vanishes) and promise 2 (nothing counts twice) of the design.

pub(crate) mod expected;
mod world;

use std::collections::BTreeMap;

use model::{Missing, Period, Raw};
use rustix::process::Signal;
use store::{AgentKey, Reader, Store};

use crate::harness::{agent_key, drain, now, open_record, whole_time};
use expected::{Expected, Series, of_spool};
use world::{AGENTS, KILLS, World};

/// What the record holds of a site: each sample with how often it is there.
type Found = BTreeMap<Series, BTreeMap<i64, (Result<Raw, Missing>, u32)>>;

#[test]
fn every_acknowledged_sample_is_in_the_record_exactly_once_after_kills_of_both_sides() {
    let mut world = World::start();
    let began = now();
    let killed = world.kill_for_a_while();
    let closed_to = world.closed_to();
    assert!(killed.iter().all(|count| *count >= KILLS), "too few kills to tell: {killed:?}");
    world.wait_until_all_ship();
    for agent in &mut world.agents {
        agent.signal(Signal::TERM);
    }
    for agent in &mut world.agents {
        assert!(agent.end().success(), "an agent did not end in order:\n{}", agent.said());
    }
    let mut spools = Vec::new();
    for (site, agent) in AGENTS {
        let (spool, recovery) = drain(world.ingest, agent, world.ground.dir());
        assert!(recovery.clean_stop, "{agent} stopped in order, its spool says otherwise");
        let status = spool.status();
        assert_eq!((status.acknowledged, status.lost_records), (status.synced, 0), "{agent}: {status:?}");
        spools.push((agent_key(site, agent), of_spool(&spool)));
    }
    assert!(world.collector.stop().success(), "the collector did not end in order");
    let store = open_record(&world.ground.path("record"));
    let mut compared = 0;
    for (agent, expected) in &spools {
        assert!(
            expected.runs.len() > usize::try_from(KILLS).unwrap(),
            "{agent} was not killed: {} runs",
            expected.runs.len()
        );
        compared += check(&store, agent, expected);
        check_statement(&store.reader().unwrap(), agent, expected, Period { from: began, to: now() });
    }
    assert!(compared > 10_000, "only {compared} samples were compared");
    eprintln!("kills of collector and agents: {killed:?}; batches closed meanwhile: {closed_to}");
}

fn check(store: &Store, agent: &AgentKey, expected: &Expected) -> usize {
    let reader = store.reader().unwrap();
    let cursor = reader.cursors(agent).unwrap();
    assert_eq!(cursor.len(), 1, "{agent} has one spool");
    assert_eq!(reader.inbox_load().unwrap().batches, 0, "the collector has worked off its inbox");
    let found = of_record(&reader, agent);
    let mut wrong = Vec::new();
    for (series, samples) in &expected.samples {
        let there = found.get(series);
        for (time, value) in samples {
            match there.and_then(|there| there.get(time)) {
                Some((stored, 1)) if stored == value => {}
                other => wrong
                    .push(format!("{series:?} at {time}: {value:?} in the spool, {other:?} in the record")),
            }
        }
    }
    for (series, samples) in &found {
        let spooled = expected.samples.get(series);
        let foreign = samples.keys().filter(|time| spooled.is_none_or(|known| !known.contains_key(*time)));
        wrong.extend(foreign.map(|time| format!("{series:?} at {time} is in no spool")));
    }
    assert!(
        wrong.is_empty(),
        "{agent}: {} samples are wrong, such as\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
    let count: usize = expected.samples.values().map(BTreeMap::len).sum();
    assert!(count > 2_000, "only {count} samples of {agent} were compared");
    eprintln!(
        "{agent}: {count} samples of {} series compared, {} runs",
        expected.samples.len(),
        expected.runs.len()
    );
    count
}

fn of_record(reader: &Reader, agent: &AgentKey) -> Found {
    let mut found = Found::new();
    for device in reader.devices(&agent.site).unwrap() {
        let names: BTreeMap<_, Series> = reader
            .series_of(device.key)
            .unwrap()
            .into_iter()
            .map(|one| (one.id, (device.id.clone(), one.descriptor.quantity, one.descriptor.channel)))
            .collect();
        for chunk in reader.chunks(device.key, whole_time()).unwrap() {
            for block in &chunk.blocks {
                for column in &block.columns {
                    let samples = found.entry(names[&column.series].clone()).or_default();
                    for (time, value) in block.times.iter().zip(column.rows()) {
                        samples.entry(*time).and_modify(|known| known.1 += 1).or_insert((value, 1));
                    }
                }
            }
        }
    }
    found
}

/// What is in no spool has a reason: the statement of losses of each device adds up, and what lay between two runs of
/// the agent is in it as `agent_down`.
fn check_statement(reader: &Reader, agent: &AgentKey, expected: &Expected, test: Period) {
    let mut down = 0;
    for device in reader.devices(&agent.site).unwrap() {
        let days = [test.from, test.to].map(|at| store::Day::of(at).unwrap());
        let mut sum = store::LossStatement::default();
        for day in days[0].index()..=days[1].index() {
            let day = reader.losses(device.key, store::Day::from_index(day.into()).unwrap()).unwrap();
            sum.expected += day.expected;
            sum.received += day.received;
            day.missing.iter().for_each(|(reason, n)| *sum.missing.entry(*reason).or_default() += n);
        }
        let missing: u64 = sum.missing.values().sum();
        let of_device = || expected.samples.iter().filter(|(series, _)| series.0 == device.id);
        let received =
            of_device().flat_map(|(_, samples)| samples.values()).filter(|value| value.is_ok()).count();
        assert_eq!(sum.received, received as u64, "{agent}/{}: what was received", device.id);
        let times = || of_device().next().map(|(_, samples)| samples.keys().collect::<Vec<_>>());
        assert_eq!(
            sum.expected,
            sum.received + missing + expected.open_end(&device.id),
            "{agent}/{}: what is in no spool has a reason: {sum:?}\nsamples at {:?}\nruns began at {:?}",
            device.id,
            times(),
            expected.runs
        );
        down += sum.missing.get(&Missing::AgentDown).copied().unwrap_or(0);
    }
    assert!(down > 0, "{agent} was killed, and nothing is `agent_down`");
}
