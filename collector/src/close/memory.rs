//! The closer's memory: samples, registers, gauges and losses that no checkpoint has made durable yet.

use std::collections::{BTreeMap, HashMap, HashSet};

use accounting::{Output, RegisterSpec};
use model::{
    Event, EventKind, Missing, Poll, PollGroup, Samples, SeriesDescriptor, SeriesKind, Severity, SpoolId,
    Timestamp,
};
use store::{
    AgentKey, Block, DeviceKey, Gap, Hour, PlannedGroup, Registered, ReportedEvent, SeriesId, Sighting,
};
use wire::Payload;

use super::bucket;
use super::group::{Came, Column, Counted, Group, Into, Took};
use super::losses::Losses;
use super::saved::SavedDevice;
use super::spool::{Known, Spool};
use super::track::{CounterTrack, GaugeTrack, Scale};

/// How long an agent holds a device after it last sent it: another one that sends it within this time is refused. Two
/// minutes outlast a restart of the agent, and are soon over when a device is moved from one agent to another.
pub(super) const HOLD_MS: i64 = 120_000;
/// Events that are kept for one checkpoint; more are noise of a broken agent.
const EVENTS_MAX: usize = 10_000;

/// Something in a batch that cannot be used. The batch is read on; it is counted and logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CloserTrouble {
    #[error("samples of group {group} in run {run}, which was not declared")]
    Undeclared { run: u64, group: u32 },
    #[error("group number {number} is beyond what a run may have")]
    GroupNumber { number: u32 },
    #[error("a run declares more series than it may have")]
    TooManySeries,
    #[error("a poll of group {group} does not have as many values as the group has series")]
    Width { group: u32 },
    #[error("a poll of group {group} lies at {time}, which no record can hold")]
    Instant { group: u32, time: Timestamp },
}

/// A device of the record.
#[derive(Debug)]
pub(super) struct DeviceState {
    pub(super) key: DeviceKey,
    pub(super) agent: Option<AgentKey>,
    pub(super) agent_seen: Timestamp,
    pub(super) losses: Losses,
    pub(super) saved: SavedDevice,
    pub(super) counters: Vec<usize>,
    /// Was it sent since the last checkpoint?
    pub(super) sent: bool,
}

/// Whose record is being read, and when it was received.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'r> {
    pub(super) spool: SpoolId,
    pub(super) agent: &'r AgentKey,
    pub(super) time: Timestamp,
    pub(super) received: Timestamp,
}

/// A device that two agents send.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Dispute {
    pub(super) device: DeviceKey,
    pub(super) holder: AgentKey,
    pub(super) other: AgentKey,
}

/// What is to be written at the next checkpoint besides samples and counts.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) events: Vec<ReportedEvent>,
    pub(super) gaps: Vec<Gap>,
    pub(super) sightings: Vec<Sighting>,
    pub(super) plans: Vec<(AgentKey, Timestamp, Vec<PlannedGroup>)>,
    pub(super) disputes: HashSet<Dispute>,
    pub(super) blocks: Vec<(DeviceKey, Hour, u8, Block)>,
    pub(super) spools: HashSet<SpoolId>,
}

/// What a declaration needs from the record before it can be taken.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) agent: AgentKey,
    pub(super) series: Vec<SeriesDescriptor>,
    pub(super) groups: Vec<PollGroup>,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) spools: HashMap<SpoolId, Spool>,
    pub(super) devices: Vec<DeviceState>,
    pub(super) device_places: HashMap<DeviceKey, usize>,
    pub(super) counters: Vec<CounterTrack>,
    pub(super) gauges: Vec<GaugeTrack>,
    /// Place of a series in the list of its kind; a quantity, and so a series, is of one kind for ever.
    tracks: HashMap<SeriesId, usize>,
    pub(super) pending: Pending,
    /// Samples taken since the last checkpoint.
    pub(super) samples: usize,
    /// Samples that were not taken, because another agent holds their device.
    pub(super) disputed: u64,
    scratch: Output,
}

impl Memory {
    /// Takes a payload that needs nothing from the record; a declaration is taken by [`declare`](Self::declare).
    pub(super) fn take(&mut self, from: From<'_>, payload: Payload) -> Result<(), CloserTrouble> {
        self.pending.spools.insert(from.spool);
        match payload {
            Payload::Samples { run, samples } => return self.samples(from, run, samples),
            Payload::RunStart { run, agent_version, .. } => {
                self.begin_run(from, run);
                let version = Some(agent_version);
                let key = from.agent.clone();
                let sighting = Sighting { key, at: from.received, version, certificate: None };
                self.pending.sightings.push(sighting);
            }
            Payload::Gap { first, last, from: start, to, reason } => {
                self.lost(from, (start, to), reason);
                let (agent, spool) = (from.agent.clone(), from.spool);
                let gap = Gap { agent, spool, first, last, from: Some(start), to: Some(to), reason };
                self.pending.gaps.push(gap);
            }
            Payload::ClockStep { before, after } => {
                let text = format!("the agent's clock was set from {before} to {after}");
                let event = Event {
                    time: after,
                    device: None,
                    kind: EventKind::Other,
                    severity: Severity::Info,
                    text,
                };
                self.event(from, event);
            }
            Payload::Event(event) => self.event(from, event),
            // A stop in order says nothing that the next start does not; kinds of newer agents are kept by the agent's
            // version policy, not here.
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, from: From<'_>, event: Event) {
        if self.pending.events.len() < EVENTS_MAX {
            self.pending.events.push(ReportedEvent { agent: from.agent.clone(), event });
        }
    }

    fn spool(&mut self, from: From<'_>) -> &mut Spool {
        self.spools.entry(from.spool).or_insert_with(|| Spool::new(from.agent.clone()))
    }

    /// The agent process began anew: what was due since its last poll did not come because it was down.
    fn begin_run(&mut self, from: From<'_>, run: u64) {
        let spool = self.spools.entry(from.spool).or_insert_with(|| Spool::new(from.agent.clone()));
        if spool.run == Some(run) {
            return;
        }
        spool.run = Some(run);
        for mut group in spool.clear() {
            let losses = &mut self.devices[group.device].losses;
            // Each group by itself: of those that were due together when the agent was killed, some came and some did
            // not; and a run that ended before its first poll was durable is not counted twice.
            if expect(&mut group, from.time, losses) {
                let span = (group.came.to(), from.time);
                if let Err(error) = losses.expect(&group.plan, span, Some(Missing::AgentDown)) {
                    tracing::warn!(%error, "losses of a stop cannot be counted");
                }
            }
            let device = self.devices[group.device].key;
            self.pending
                .blocks
                .extend(group.blocks().map(|(first, hours, block)| (device, first, hours, block)));
        }
    }

    /// Records were dropped before they were sent.
    fn lost(&mut self, from: From<'_>, span: (Timestamp, Timestamp), reason: Missing) {
        let Some(spool) = self.spools.get_mut(&from.spool) else { return };
        for group in spool.groups_mut() {
            if let Err(error) = self.devices[group.device].losses.expect(&group.plan, span, Some(reason)) {
                tracing::warn!(%error, "a gap cannot be counted");
            }
        }
    }

    fn samples(&mut self, from: From<'_>, run: u64, samples: Samples) -> Result<(), CloserTrouble> {
        let mut trouble = Ok(());
        for poll in samples.polls {
            if let Err(error) = self.poll(from, run, poll) {
                trouble = Err(error);
            }
        }
        trouble
    }

    fn poll(&mut self, from: From<'_>, run: u64, poll: Poll) -> Result<(), CloserTrouble> {
        let number = poll.group;
        let undeclared = CloserTrouble::Undeclared { run, group: number };
        let spool = self.spools.get_mut(&from.spool).filter(|spool| spool.run == Some(run));
        let Some(spool) = spool else { return Err(undeclared) };
        let latest = spool.latest.map_or(poll.time, |latest| latest.max(poll.time));
        let Some(group) = spool.group(number) else { return Err(undeclared) };
        let device = &mut self.devices[group.device];
        if device.agent.as_ref() != Some(from.agent) && !claim(device, from, &mut self.pending.disputes) {
            self.disputed += u64::try_from(poll.values.len()).unwrap_or(u64::MAX);
            return Ok(());
        }
        device.agent_seen = from.received;
        device.sent = true;
        let time = poll.time;
        let mut into = Into {
            counters: &mut self.counters,
            gauges: &mut self.gauges,
            losses: &mut device.losses,
            scratch: &mut self.scratch,
        };
        let took = group.take(poll, &mut into);
        spool.latest = Some(latest);
        match took {
            Took::Samples(count) => self.samples += count,
            Took::Width => return Err(CloserTrouble::Width { group: number }),
            Took::Instant => return Err(CloserTrouble::Instant { group: number, time }),
        }
        Ok(())
    }

    /// Which series and groups of a declaration are new; `None` if it says nothing new. Begins the run if its start
    /// was lost.
    pub(super) fn wanted(
        &mut self,
        from: From<'_>,
        run: u64,
        (series, groups): (Vec<SeriesDescriptor>, Vec<PollGroup>),
    ) -> Result<Option<Wanted>, CloserTrouble> {
        self.pending.spools.insert(from.spool);
        if self.spool(from).run != Some(run) {
            self.begin_run(from, run);
        }
        let spool = self.spool(from);
        let is_new = |one: &SeriesDescriptor| {
            spool.known.get(&one.number).is_none_or(|known| known.descriptor != *one)
        };
        let series: Vec<_> = series.into_iter().filter(is_new).collect();
        if !spool.has_room(series.len()) {
            return Err(CloserTrouble::TooManySeries);
        }
        let new: HashSet<u32> = series.iter().map(|one| one.number).collect();
        let changed = |group: &PollGroup| {
            !spool.has_group(group) || group.series.iter().any(|number| new.contains(number))
        };
        let groups: Vec<_> = groups.into_iter().filter(changed).collect();
        if series.is_empty() && groups.is_empty() {
            return Ok(None);
        }
        Ok(Some(Wanted { agent: from.agent.clone(), series, groups }))
    }

    /// Takes a declaration, with what the record says to each of its series and, in the order of the groups, devices.
    pub(super) fn declare(
        &mut self,
        from: From<'_>,
        wanted: Wanted,
        registered: Vec<Registered>,
        devices: &[DeviceKey],
    ) -> Result<(), CloserTrouble> {
        let spool = self.spool(from);
        for (descriptor, registered) in wanted.series.into_iter().zip(registered) {
            spool.known.insert(descriptor.number, Known { registered, descriptor });
        }
        let mut periods: BTreeMap<DeviceKey, u32> = BTreeMap::new();
        for (plan, device) in wanted.groups.iter().zip(devices) {
            let shortest = periods.entry(*device).or_insert(plan.period_ms);
            *shortest = (*shortest).min(plan.period_ms);
        }
        for (plan, device) in wanted.groups.into_iter().zip(devices) {
            let hours = bucket::hours_of(periods[device]);
            self.put_group(from, plan, *device, hours)?;
        }
        self.plan(from);
        Ok(())
    }

    fn put_group(
        &mut self,
        from: From<'_>,
        plan: PollGroup,
        device: DeviceKey,
        hours: u8,
    ) -> Result<(), CloserTrouble> {
        let place = self.device_places[&device];
        let columns: Vec<_> =
            plan.series.iter().map(|number| self.column(from.spool, *number, &plan, place)).collect();
        let mut group = Group::new(plan, place, &columns, hours);
        (group.counted_to, group.came) = (from.time, Came::Nothing { since: from.time });
        if let Some(mut old) = self.spool(from).put_group(group)? {
            let state = &mut self.devices[old.device];
            expect(&mut old, from.time, &mut state.losses);
            let device = state.key;
            self.pending
                .blocks
                .extend(old.blocks().map(|(first, hours, block)| (device, first, hours, block)));
        }
        Ok(())
    }

    fn column(&mut self, spool: SpoolId, number: u32, plan: &PollGroup, device: usize) -> Option<Column> {
        let known = self.spools.get(&spool)?.known.get(&number)?.clone();
        let counted = self.counted(&known, plan.period_ms, device);
        Some(Column {
            series: known.registered.series,
            version: known.registered.version,
            encoding: known.descriptor.encoding,
            counted,
        })
    }

    /// Where the values of a series are counted; the same place whatever group or run they come from, but each column
    /// with its own exponent.
    fn counted(&mut self, known: &Known, period_ms: u32, device: usize) -> Counted {
        let (series, descriptor) = (known.registered.series, &known.descriptor);
        match (descriptor.kind(), RegisterSpec::of_series(descriptor, period_ms)) {
            (SeriesKind::Counter, Ok(spec)) => {
                let place = *self.tracks.entry(series).or_insert_with(|| {
                    let device = &mut self.devices[device];
                    let carry = device.saved.carries.get(&series.number()).cloned().unwrap_or_default();
                    device.counters.push(self.counters.len());
                    self.counters.push(CounterTrack::new(series, spec, carry));
                    self.counters.len() - 1
                });
                Counted::Counter(place, spec)
            }
            (SeriesKind::Gauge, _) => {
                let place = *self.tracks.entry(series).or_insert_with(|| {
                    self.gauges.push(GaugeTrack::new(series));
                    self.gauges.len() - 1
                });
                Counted::Gauge(place, Scale::of(descriptor))
            }
            _ => Counted::Not,
        }
    }

    /// The plan that the run has now, to be kept in the record.
    fn plan(&mut self, from: From<'_>) {
        let devices = &self.devices;
        let Some(spool) = self.spools.get(&from.spool) else { return };
        let planned = |group: &Group| PlannedGroup {
            device: devices[group.device].key,
            period_ms: group.plan.period_ms,
            offset_ms: group.plan.offset_ms,
            series: group.columns().iter().map(|column| column.series).collect(),
        };
        let groups: Vec<_> = spool.groups().map(planned).collect();
        let agent = spool.agent.clone();
        // Only the last word of a run of declarations counts.
        self.pending.plans.retain(|(known, at, _)| *known != agent || *at != from.time);
        self.pending.plans.push((agent, from.time, groups));
    }

    /// Counts what was due up to the latest poll of each spool.
    pub(super) fn expect_up_to_now(&mut self) {
        for id in &self.pending.spools {
            let Some(spool) = self.spools.get_mut(id) else { continue };
            let Some(latest) = spool.latest else { continue };
            for group in spool.groups_mut() {
                expect(group, latest.plus_millis(1), &mut self.devices[group.device].losses);
            }
        }
    }
}

/// Counts what was due of a group up to an instant. False if it was counted that far already.
fn expect(group: &mut Group, until: Timestamp, losses: &mut Losses) -> bool {
    if until <= group.counted_to {
        return false;
    }
    if let Err(error) = losses.expect(&group.plan, (group.counted_to, until), None) {
        tracing::warn!(%error, "what was due cannot be counted");
    }
    group.counted_to = until;
    true
}

/// May this agent send this device? Only one at a time may, and one that stopped gives it free after a while.
fn claim(device: &mut DeviceState, from: From<'_>, disputes: &mut HashSet<Dispute>) -> bool {
    if let Some(holder) = &device.agent
        && from.received.millis_since(device.agent_seen) < HOLD_MS
    {
        let (holder, other) = (holder.clone(), from.agent.clone());
        disputes.insert(Dispute { device: device.key, holder, other });
        return false;
    }
    device.agent = Some(from.agent.clone());
    true
}
