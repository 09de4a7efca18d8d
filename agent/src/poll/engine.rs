//! The loop that everything hangs on.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll, Token, Waker};
use model::{Missing, Timestamp};

use super::desk::{Desk, Ended, Health, Wake};
use super::gateway::{Gateway, Scratch};
use super::helper::{self, Found, Helper, Resolver, Whose};
use super::outbox::Outbox;
use super::plan::Plan;
use super::schedule::Schedule;
use super::snmp::{Family, SnmpDevices};
use super::statistics::Statistics;
use crate::clock::{Clock, Now};

const WAKER: Token = Token(0);
const SNMP_V4: Token = Token(1);
const SNMP_V6: Token = Token(2);
const FIRST_GATEWAY: usize = 3;
/// Events that are taken at once; more come with the next turn.
const EVENTS_AT_ONCE: usize = 1024;
/// The engine turns at least this often, so that its heartbeat can be watched.
const TURN_AT_MOST: Duration = Duration::from_millis(500);
/// From here on a jump of the wall clock is a step that is recorded; less is followed silently, as NTP slews.
const STEP_US: i64 = 500_000;
/// Missed ticks of one group that are recorded one by one after a pause; a machine that slept longer has lost more,
/// which the collector sees from the plan.
const MISSED_TICKS_MAX: u32 = 3600;

/// Why an engine cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}")]
pub struct EngineError {
    what: &'static str,
    #[source]
    source: io::Error,
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> EngineError {
    move |source| EngineError { what, source }
}

/// What other threads may see and do of an engine.
#[derive(Debug, Clone)]
pub struct Handle {
    waker: Arc<Waker>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    tried: AtomicBool,
    turns: AtomicU64,
}

impl Handle {
    /// Asks the engine to stop. Returns at once.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Err(error) = self.waker.wake() {
            // It turns twice a second even so.
            tracing::debug!(%error, "cannot wake the engine");
        }
    }

    /// Has everything been due at least once?
    pub fn has_tried_all(&self) -> bool {
        self.shared.tried.load(Ordering::Acquire)
    }

    /// How often the loop has turned; it does at least twice a second.
    pub fn turns(&self) -> u64 {
        self.shared.turns.load(Ordering::Relaxed)
    }
}

/// Something with a schedule.
#[derive(Debug)]
struct Scheduled {
    schedule: Schedule,
    next: Timestamp,
    target: Target,
    tried: bool,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Gateway(usize, usize),
    Snmp(usize),
    Host(usize),
}

#[derive(Debug)]
struct Host {
    group: u32,
    series: usize,
    health: Health,
    device: model::DeviceId,
    /// The poll that is under way.
    scheduled: Option<Timestamp>,
}

/// The poll engine. It lives on one thread.
#[derive(Debug)]
pub struct Engine {
    poll: Poll,
    desk: Desk,
    all: Vec<Scheduled>,
    untried: usize,
    gateways: Vec<Gateway>,
    snmp: Option<SnmpDevices>,
    hosts: Vec<Host>,
    helper: Helper,
    helper_thread: std::thread::JoinHandle<()>,
    scratch: Scratch,
    shared: Arc<Shared>,
    seen: Now,
}

impl Engine {
    /// An engine for this plan, and a handle to it.
    ///
    /// # Errors
    /// If the system refuses what it needs: a poll, sockets, a thread.
    pub fn new(plan: Plan, clock: Box<dyn Clock>, outbox: Outbox) -> Result<(Self, Handle), EngineError> {
        Self::with_resolver(plan, clock, outbox, helper::of_system())
    }

    /// As [`new`](Self::new), with another way to look up names.
    pub(super) fn with_resolver(
        plan: Plan,
        clock: Box<dyn Clock>,
        outbox: Outbox,
        resolver: Resolver,
    ) -> Result<(Self, Handle), EngineError> {
        let poll = Poll::new().map_err(failed("make a poll"))?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(failed("make a waker"))?);
        let registry = poll.registry().try_clone().map_err(failed("share a poll"))?;
        let desk = Desk::new(clock, registry, outbox, plan.numbers);
        let series_of =
            |group: u32| plan.groups.iter().find(|one| one.number == group).map_or(0, |one| one.series.len());
        let (mut probes, mut hosts, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for host in plan.hosts {
            let series = series_of(host.group);
            all.push((host.schedule, Target::Host(hosts.len())));
            hosts.push(Host {
                group: host.group,
                series,
                health: Health::default(),
                device: host.device,
                scheduled: None,
            });
            probes.push(host.probe);
        }
        let (helper, helper_thread) =
            Helper::start(probes, resolver, Arc::clone(&waker)).map_err(failed("start a thread"))?;
        let shared = Arc::new(Shared::default());
        let handle = Handle { waker, shared: Arc::clone(&shared) };
        let seen = desk.now;
        let (gateways, snmp) = (Vec::new(), None);
        let mut engine = Self {
            poll,
            desk,
            all: Vec::new(),
            untried: 0,
            gateways,
            snmp,
            hosts,
            helper,
            helper_thread,
            scratch: Scratch::default(),
            shared,
            seen,
        };
        engine.add_gateways(plan.gateways, &mut all);
        engine.add_snmp(plan.snmp, &mut all)?;
        engine.schedule(all);
        Ok((engine, handle))
    }

    fn add_gateways(&mut self, plans: Vec<super::plan::GatewayPlan>, all: &mut Vec<(Schedule, Target)>) {
        for plan in plans {
            let place = self.gateways.len();
            let token = Token(FIRST_GATEWAY + place);
            let mut gateway = Gateway::new(place, token, plan.bus, plan.manners);
            for (device, schedule) in plan.devices {
                all.push((schedule, Target::Gateway(place, gateway.add(device))));
            }
            self.gateways.push(gateway);
        }
    }

    fn add_snmp(
        &mut self,
        targets: Vec<super::snmp::SnmpTarget>,
        all: &mut Vec<(Schedule, Target)>,
    ) -> Result<(), EngineError> {
        if targets.is_empty() {
            return Ok(());
        }
        // Ids begin elsewhere after every start, so that answers to the run before are not taken for ours.
        let first_id =
            i32::try_from(self.desk.now.wall_us.rem_euclid(0x4000_0000)).unwrap_or(0) + 0x0100_0000;
        let mut snmp = SnmpDevices::new(self.poll.registry(), (SNMP_V4, SNMP_V6), first_id)
            .map_err(failed("bind a UDP socket"))?;
        for target in targets {
            let schedule = target.schedule;
            all.push((schedule, Target::Snmp(snmp.add(target))));
        }
        self.snmp = Some(snmp);
        Ok(())
    }

    fn schedule(&mut self, all: Vec<(Schedule, Target)>) {
        let now = self.desk.now.wall();
        for (schedule, target) in all {
            let next = schedule.next(now);
            self.desk.wheel.insert(next, Wake::Poll(self.all.len()));
            self.all.push(Scheduled { schedule, next, target, tried: false });
        }
        self.untried = self.all.len();
    }

    /// Polls until it is asked to stop; gives what it did.
    ///
    /// # Errors
    /// If the system does not let it wait for events any more.
    pub fn run(mut self) -> Result<Statistics, EngineError> {
        self.resolve_all();
        let mut events = Events::with_capacity(EVENTS_AT_ONCE);
        let mut due = Vec::new();
        while !self.shared.stop.load(Ordering::Acquire) {
            self.desk.refresh();
            self.watch_clock();
            self.desk.wheel.take_due(self.desk.now.wall(), &mut due);
            self.desk.take_soon(&mut due);
            due.drain(..).for_each(|wake| self.wake(wake));
            self.resolve_again();
            let wait = self.wait();
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(failed("wait for events")(error));
                }
                _ => {}
            }
            self.desk.refresh();
            events.iter().for_each(|event| self.event(event));
            self.shared.turns.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self.stop())
    }

    fn wait(&mut self) -> Duration {
        self.desk.refresh();
        let most = self.desk.until_soon().map_or(TURN_AT_MOST, |soon| soon.min(TURN_AT_MOST));
        let Some(next) = self.desk.wheel.next_due() else { return most };
        let micros = next.millis().saturating_mul(1000) - self.desk.now.wall_us;
        Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(most)
    }

    fn wake(&mut self, wake: Wake) {
        match wake {
            Wake::Poll(place) => self.due(place),
            Wake::Gateway(place) => {
                if let Some(gateway) = self.gateways.get_mut(place) {
                    gateway.alarm(&mut self.desk);
                }
            }
            Wake::Snmp(place) => {
                if let Some(snmp) = &mut self.snmp {
                    snmp.alarm(place, &mut self.desk);
                }
            }
            Wake::Flush => self.desk.flush(),
        }
    }

    fn due(&mut self, place: usize) {
        let now = self.desk.now.wall();
        let Some(one) = self.all.get_mut(place) else { return };
        let (target, mut scheduled) = (one.target, one.next);
        one.next = one.schedule.next(scheduled);
        let mut missed = Vec::new();
        while one.next <= now {
            if missed.len() < usize::try_from(MISSED_TICKS_MAX).unwrap_or(usize::MAX) {
                missed.push(scheduled);
            }
            scheduled = one.next;
            one.next = one.schedule.next(scheduled);
        }
        if !std::mem::replace(&mut one.tried, true) {
            self.untried -= 1;
            self.shared.tried.store(self.untried == 0, Ordering::Release);
        }
        self.desk.wheel.insert(one.next, Wake::Poll(place));
        for tick in missed {
            self.missed(target, tick);
        }
        self.start(target, scheduled);
    }

    fn start(&mut self, target: Target, scheduled: Timestamp) {
        match target {
            Target::Gateway(place, device) => {
                if let Some(gateway) = self.gateways.get_mut(place) {
                    gateway.due(device, scheduled, &mut self.desk);
                }
            }
            Target::Snmp(place) => {
                if let Some(snmp) = &mut self.snmp {
                    snmp.due(place, scheduled, &mut self.desk);
                }
            }
            Target::Host(place) => self.start_host(place, scheduled),
        }
    }

    /// A tick passed while the engine could not run.
    fn missed(&mut self, target: Target, scheduled: Timestamp) {
        let group = match target {
            Target::Gateway(place, device) => {
                self.gateways.get(place).and_then(|gateway| gateway.group(device))
            }
            Target::Snmp(place) => self.snmp.as_ref().and_then(|snmp| snmp.group(place)),
            Target::Host(place) => self.hosts.get(place).map(|host| (host.group, host.series)),
        };
        if let Some(group) = group {
            self.desk.skipped(group, scheduled, Missing::Overrun);
        }
    }

    fn start_host(&mut self, place: usize, scheduled: Timestamp) {
        self.end_host(place, &[], Missing::Overrun);
        let Some(host) = self.hosts.get_mut(place) else { return };
        self.desk.refresh();
        self.desk.departed(scheduled);
        host.scheduled = Some(scheduled);
        if !self.helper.read_host(place) {
            self.end_host(place, &[], Missing::Overrun);
        }
    }

    fn end_host(&mut self, place: usize, values: &[Result<model::Raw, Missing>], reason: Missing) {
        let Some(host) = self.hosts.get_mut(place) else { return };
        let Some(scheduled) = host.scheduled.take() else { return };
        let answered = (!values.is_empty()).then(|| self.desk.now.wall());
        let mut values = values.to_vec();
        values.resize(host.series, Err(reason));
        self.desk.ended(&Ended { group: host.group, scheduled, answered, values: &values });
        if let Some(event) = host.health.after(&values, &host.device, self.desk.now.wall()) {
            self.desk.event(event);
        }
    }

    fn event(&mut self, event: &Event) {
        match event.token() {
            WAKER => self.helper_found(),
            SNMP_V4 => self.packets(Family::V4),
            SNMP_V6 => self.packets(Family::V6),
            Token(token) => {
                if let Some(gateway) = token.checked_sub(FIRST_GATEWAY).and_then(|n| self.gateways.get_mut(n))
                {
                    gateway.event(&mut self.scratch, &mut self.desk);
                }
            }
        }
    }

    /// Reads until the socket is empty: the poll tells of it only when it was empty before.
    fn packets(&mut self, family: Family) {
        let Some(snmp) = &mut self.snmp else { return };
        while snmp.event(family, &mut self.desk) {}
    }

    fn helper_found(&mut self) {
        let found: Vec<Found> = self.helper.found().collect();
        for found in found {
            match found {
                Found::Address(Whose::Gateway(place), address) => {
                    if let Some(gateway) = self.gateways.get_mut(place) {
                        gateway.resolved(address);
                    }
                }
                Found::Address(Whose::Snmp(place), address) => {
                    if let Some(snmp) = &mut self.snmp {
                        snmp.resolved(place, address, &mut self.desk);
                    }
                }
                Found::Host(place, values) => self.end_host(place, &values, Missing::Other),
            }
        }
    }

    fn resolve_all(&mut self) {
        let open = self.gateways.iter().enumerate().filter(|(_, gateway)| gateway.is_unresolved());
        let places: Vec<usize> = open.map(|(place, _)| place).collect();
        self.desk.unresolved.extend(places);
        self.resolve_again();
    }

    fn resolve_again(&mut self) {
        let helper = &self.helper;
        let gateways = &self.gateways;
        // What does not fit now stays in the list.
        self.desk.unresolved.retain(|place| {
            let name = gateways.get(*place).and_then(Gateway::name).map(str::to_owned);
            name.is_some_and(|name| !helper.resolve(Whose::Gateway(*place), name))
        });
        let Some(snmp) = &mut self.snmp else { return };
        for (place, name) in snmp.unresolved() {
            if !helper.resolve(Whose::Snmp(place), name) {
                snmp.ask_again(place);
            }
        }
    }

    /// Notices that the wall clock was set, and lays everything anew.
    fn watch_clock(&mut self) {
        let (now, seen) = (self.desk.now, std::mem::replace(&mut self.seen, self.desk.now));
        let passed = i64::try_from(now.mono.saturating_sub(seen.mono).as_micros()).unwrap_or(i64::MAX);
        let expected = seen.wall_us.saturating_add(passed);
        if (now.wall_us - expected).abs() < STEP_US {
            return;
        }
        let before = Timestamp::from_millis(expected.div_euclid(1000));
        tracing::warn!(%before, after = %now.wall(), "the clock was set");
        self.desk.clock_step(before, now.wall());
        self.desk.wheel.restart(now.wall());
        for (place, one) in self.all.iter_mut().enumerate() {
            one.next = one.schedule.next(now.wall());
            self.desk.wheel.insert(one.next, Wake::Poll(place));
        }
        self.gateways.iter_mut().for_each(|gateway| gateway.rearm(&mut self.desk));
        if let Some(snmp) = &mut self.snmp {
            snmp.rearm(&mut self.desk);
        }
        self.desk.flush();
    }

    fn stop(mut self) -> Statistics {
        self.desk.refresh();
        self.gateways.iter_mut().for_each(|gateway| gateway.stop(&mut self.desk));
        if let Some(snmp) = &mut self.snmp {
            snmp.stop(&mut self.desk);
        }
        (0..self.hosts.len()).for_each(|place| self.end_host(place, &[], Missing::AgentDown));
        self.desk.close();
        drop(self.helper);
        // A name that is being looked up must not keep the agent from stopping: the thread ends by itself.
        if self.helper_thread.is_finished() && self.helper_thread.join().is_err() {
            tracing::error!("the helper thread broke down");
        }
        self.desk.statistics
    }
}
