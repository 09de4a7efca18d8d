//! Everybody in turns: agent, floor, agent, floor and so on; peers once.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::fleet::Kind;
use crate::log::Deviation;
use crate::peers;
use crate::process::Pin;
use crate::turn::{Load, Terms, Turn, Who, turn};

/// Every device was due once, and connections and caches are made, before measuring begins.
const WARM_UP_MODBUS: Duration = Duration::from_millis(2500);
/// Rows are learned when a device is first due, so a whole period passes before all are polled.
const WARM_UP_SNMP_ON_TOP: Duration = Duration::from_secs(1);
/// Peers take longer to find their pace.
const WARM_UP_PEERS: Duration = Duration::from_secs(2);

/// How much is measured.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    pub(crate) agent: PathBuf,
    pub(crate) modbus_devices: u32,
    pub(crate) snmp_devices: u32,
    pub(crate) snmp_period: Duration,
    /// Measured span of a turn with Modbus; with SNMP it is one period.
    pub(crate) span: Duration,
    pub(crate) rounds: u32,
    /// Only loads whose names hold this.
    pub(crate) only: Option<String>,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) conditions: Conditions,
    pub(crate) loads: Vec<Compared>,
}

/// Under what conditions.
#[derive(Debug, Serialize)]
pub(crate) struct Conditions {
    pub(crate) pinned: String,
    pub(crate) processors: usize,
    /// Load average before the first turn and after the last (`/proc/loadavg`).
    pub(crate) load_before: String,
    pub(crate) load_after: String,
    pub(crate) rounds: u32,
    pub(crate) span_s: f64,
    pub(crate) not_measured: Vec<String>,
}

/// One load, and how each did with it.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub(crate) load: Load,
    pub(crate) results: Vec<Summary>,
}

/// What one did in all its turns.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) who: Who,
    pub(crate) cpu_us_per_poll: Spread,
    pub(crate) cpu_us_per_value: Spread,
    /// Over the floor of the same round.
    pub(crate) ratio: Option<Spread>,
    pub(crate) requests_per_poll: f64,
    pub(crate) waits_per_poll: f64,
    pub(crate) peak_memory_kib: u64,
    /// The worst of all turns for `max`, the middle one for the others.
    pub(crate) deviation_us: Deviation,
    pub(crate) own_deviation_us: Option<Deviation>,
    /// The worst of all turns.
    pub(crate) lost: f64,
    /// Why it was not measured, if it was not.
    pub(crate) failed: Option<String>,
}

/// Middle and ends of what was measured several times.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// Measures everything.
///
/// # Errors
/// If the agent or the floor cannot be measured; a peer that fails is said so in its row.
pub(crate) fn compare(scale: &Scale, mut tell: impl FnMut(&str)) -> anyhow::Result<Comparison> {
    let pin = Pin::find();
    let (peers, not_measured) = peers::installed();
    let load_before = load_average();
    let mut loads = Vec::new();
    for (load, others) in plan(scale, &peers) {
        loads.push(compare_load(load, &others, (scale, pin), &mut tell)?);
    }
    let conditions = Conditions {
        pinned: pin.to_string(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        load_before,
        load_after: load_average(),
        rounds: scale.rounds,
        span_s: scale.span.as_secs_f64(),
        not_measured,
    };
    Ok(Comparison { conditions, loads })
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The loads of the design, and who takes part besides agent and floor. Peers that read value by value or without more
/// than one request under way are measured once, not once for each variant.
fn plan(scale: &Scale, peers: &[Who]) -> Vec<(Load, Vec<Who>)> {
    let second = Duration::from_secs(1);
    let load =
        |name, kind, in_flight| Load { name, kind, devices: scale.modbus_devices, period: second, in_flight };
    let shipping = [&[Who::AgentShipping], peers].concat();
    let blocks_join = peers.iter().copied().filter(|peer| *peer != Who::Collectd).collect();
    let outlets = Load {
        name: "SNMP, 24 outlets x 4 columns",
        kind: Kind::Outlets,
        devices: scale.snmp_devices,
        period: scale.snmp_period,
        in_flight: 2,
    };
    let all = vec![
        (load("Modbus, 3 requests, one in flight", Kind::Split, 1), shipping.clone()),
        (load("Modbus, 3 requests, all in flight", Kind::Split, 3), Vec::new()),
        (load("Modbus, joined into 1 request", Kind::Joined, 1), blocks_join),
        (outlets, shipping),
        (Load { devices: 8, ..load("gateway, 1 of 8 units dead", Kind::Gateway, 1) }, peers.to_vec()),
    ];
    let wanted = |load: &Load| scale.only.as_ref().is_none_or(|only| load.name.contains(only.as_str()));
    all.into_iter().filter(|(load, _)| wanted(load)).collect()
}

fn compare_load(
    load: Load,
    others: &[Who],
    (scale, pin): (&Scale, Pin),
    tell: &mut impl FnMut(&str),
) -> anyhow::Result<Compared> {
    let warm_up = if load.kind.is_snmp() { load.period + WARM_UP_SNMP_ON_TOP } else { WARM_UP_MODBUS };
    let span = if load.kind.is_snmp() { load.period.max(scale.span) } else { scale.span };
    let terms = Terms { agent: scale.agent.clone(), pin, warm_up, span };
    // The bare loop knows no failure, so it cannot poll a dead unit.
    let floor = load.kind != Kind::Gateway;
    let rounds = if floor { scale.rounds } else { 1 };
    let (mut agents, mut floors) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        tell(&format!("{}: round {round} of {rounds}", load.name));
        agents.push(turn(Who::Agent, &load, &terms)?);
        if floor {
            floors.push(turn(Who::Floor, &load, &terms)?);
        }
    }
    let ratios: Vec<f64> = agents
        .iter()
        .zip(&floors)
        .map(|(agent, floor)| agent.cpu_us_per_poll / floor.cpu_us_per_poll)
        .collect();
    let base = spread(floors.iter().map(|turn| turn.cpu_us_per_poll)).median;
    let mut results = vec![summary(Who::Agent, &agents, Some(spread(ratios)).filter(|_| floor))];
    if floor {
        results.push(summary(Who::Floor, &floors, Some(spread([1.0]))));
    }
    for who in others {
        tell(&format!("{}: {}", load.name, who.name()));
        let terms = Terms { warm_up: terms.warm_up + WARM_UP_PEERS, ..terms.clone() };
        match turn(*who, &load, &terms) {
            Ok(turn) => {
                let ratio = floor.then(|| spread([turn.cpu_us_per_poll / base]));
                results.push(summary(*who, &[turn], ratio));
            }
            Err(error) => {
                results.push(Summary { failed: Some(format!("{error:#}")), ..summary(*who, &[], None) });
            }
        }
    }
    Ok(Compared { load, results })
}

fn summary(who: Who, turns: &[Turn], ratio: Option<Spread>) -> Summary {
    let over = |value: fn(&Turn) -> f64| spread(turns.iter().map(value));
    let middle = |value: fn(&Turn) -> u64| {
        let mut all: Vec<u64> = turns.iter().map(value).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(0)
    };
    let worst = |value: fn(&Turn) -> u64| turns.iter().map(value).max().unwrap_or(0);
    let own = |turn: &Turn| turn.own_deviation_us.unwrap_or_default();
    let has_own = turns.iter().any(|turn| turn.own_deviation_us.is_some());
    let own = Deviation {
        p50: turns.iter().map(|turn| own(turn).p50).max().unwrap_or(0),
        p99: turns.iter().map(|turn| own(turn).p99).max().unwrap_or(0),
        max: turns.iter().map(|turn| own(turn).max).max().unwrap_or(0),
    };
    Summary {
        who,
        cpu_us_per_poll: over(|turn| turn.cpu_us_per_poll),
        cpu_us_per_value: over(|turn| turn.cpu_us_per_value),
        ratio,
        requests_per_poll: over(|turn| turn.requests_per_poll).median,
        waits_per_poll: over(|turn| turn.waits_per_poll).median,
        peak_memory_kib: worst(|turn| turn.peak_memory_kib),
        deviation_us: Deviation {
            p50: middle(|turn| turn.deviation_us.p50),
            p99: middle(|turn| turn.deviation_us.p99),
            max: worst(|turn| turn.deviation_us.max),
        },
        own_deviation_us: has_own.then_some(own),
        lost: over(|turn| turn.lost).most,
        failed: None,
    }
}

fn spread(values: impl IntoIterator<Item = f64>) -> Spread {
    let mut all: Vec<f64> = values.into_iter().collect();
    all.sort_by(f64::total_cmp);
    let at = |place: usize| all.get(place).copied().unwrap_or(0.0);
    Spread { median: at(all.len() / 2), least: at(0), most: at(all.len().saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_and_ends_are_of_what_was_measured() {
        let found = spread([3.0, 1.0, 2.0]);
        assert!((found.median - 2.0).abs() < 1e-9 && (found.least - 1.0).abs() < 1e-9);
        assert!((found.most - 3.0).abs() < 1e-9);
    }

    #[test]
    fn every_load_of_the_design_is_there_with_whoever_is_installed() {
        let scale = Scale {
            agent: PathBuf::new(),
            modbus_devices: 10,
            snmp_devices: 5,
            snmp_period: Duration::from_secs(10),
            span: Duration::from_secs(1),
            rounds: 1,
            only: None,
        };
        let planned = plan(&scale, &[Who::Collectd]);
        assert_eq!(planned.len(), 5);
        assert!(planned.iter().all(|(load, _)| load.kind != Kind::Gateway || load.devices == 8));
        assert_eq!(planned.iter().filter(|(_, others)| others.contains(&Who::Collectd)).count(), 3);
        let only = Scale { only: Some("SNMP".to_owned()), ..scale };
        assert_eq!(plan(&only, &[]).len(), 1);
    }
}
