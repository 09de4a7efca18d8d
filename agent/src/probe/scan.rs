//! Looking for devices: every address of a range is asked politely, and what answers is recognised.
//!
//! Promises: only read requests are sent; no more of them a second than was said, over all addresses together; ranges are bounded; when somebody has had enough, what was found so far is kept.

mod find;
mod list;
mod targets;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use profile::Library;
use serde::Serialize;

use super::{Pace, RealTime, Secret};
use crate::modbus::Bus;

pub use list::toml;
pub use targets::{ADDRESSES_MAX, InvalidTarget, Target, Units};

/// Addresses that are waited for at once. Most of a range is silent, and each silence costs a whole time limit.
const WORKERS: usize = 32;

/// What is looked for.
#[derive(Debug)]
pub struct Search<'a> {
    /// Where.
    pub targets: Vec<Target>,
    /// Over Modbus TCP, at this port; `None` for not at all.
    pub modbus_port: Option<u16>,
    /// Which units.
    pub units: Units,
    /// Over SNMP, in whose names, by the names that the list of devices gives them; empty for not at all.
    pub secrets: Vec<(String, Secret)>,
    /// The port of SNMP.
    pub snmp_port: u16,
    /// Requests a second, at most.
    pub rate: u32,
    /// Longest wait for each answer.
    pub timeout: Duration,
    /// How time passes, and whether somebody has had enough.
    pub time: &'a RealTime,
}

/// A device that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Where.
    pub address: String,
    /// By what it can be read.
    pub profile: Option<String>,
    /// Why by that; or why by none.
    pub why: String,
    /// What it calls itself.
    pub name: Option<String>,
    /// Maker.
    pub maker: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// The name of the credentials to which it answered.
    pub credentials: Option<String>,
    /// Where it stands in the order of addresses.
    #[serde(skip)]
    place: (usize, u16),
}

/// What is going on, for whoever waits.
#[derive(Debug)]
pub enum Progress<'f> {
    /// So many of so many places are done.
    Done(usize, usize),
    /// A device was found.
    Found(&'f Found),
    /// A place was given up half-way, with the reason.
    Gave(&'f str),
}

/// One place to look at.
#[derive(Debug, Clone)]
enum Place {
    Host(IpAddr),
    Bus(Bus),
}

/// How much there is to do: places, and the least time that it takes.
pub fn effort(search: &Search<'_>) -> (usize, Duration) {
    let places = places(&search.targets);
    let per_host =
        u32::from(search.modbus_port.is_some()) + u32::try_from(search.secrets.len()).unwrap_or(u32::MAX);
    let units = u32::try_from(search.units.on_line().len()).unwrap_or(u32::MAX);
    let asked: u32 = places
        .iter()
        .map(|place| match place {
            Place::Host(_) => per_host,
            Place::Bus(_) => units,
        })
        .fold(0, u32::saturating_add);
    (places.len(), Duration::from_secs(1) / search.rate.max(1) * asked)
}

/// Looks at every place. Ends early, with what was found, when the search's time is over.
pub fn scan(search: &Search<'_>, library: &Library, tell: &(dyn Fn(Progress<'_>) + Sync)) -> Vec<Found> {
    let places = places(&search.targets);
    let all = places.len();
    let pace = Pace::new(search.time, search.rate);
    let open: Mutex<VecDeque<(usize, Place)>> = Mutex::new(places.into_iter().enumerate().collect());
    let (found, done) = (Mutex::new(Vec::new()), Mutex::new(0));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(all) {
            scope.spawn(|| {
                while let Some((n, place)) = next(&open, search) {
                    let mut here = find::at(search, library, &place, (&pace, tell));
                    for one in &mut here {
                        one.place.0 = n;
                    }
                    locked(&found).extend(here);
                    let mut done = locked(&done);
                    *done += 1;
                    tell(Progress::Done(*done, all));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by(|a: &Found, b: &Found| (a.place, &a.address).cmp(&(b.place, &b.address)));
    found
}

fn next(open: &Mutex<VecDeque<(usize, Place)>>, search: &Search<'_>) -> Option<(usize, Place)> {
    if search.time.is_over() { None } else { locked(open).pop_front() }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn places(targets: &[Target]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for target in targets {
        match target {
            Target::Hosts(hosts) => {
                places.extend(hosts.iter().filter(|host| seen.insert(**host)).map(|host| Place::Host(*host)));
            }
            Target::Bus(bus) => places.push(Place::Bus(bus.clone())),
        }
    }
    places
}

/// Unit ids of a serial line (MODBUS over Serial Line V1.02, 2.2).
const LINE_UNITS: RangeInclusive<u8> = 1..=247;

#[cfg(test)]
mod tests;
