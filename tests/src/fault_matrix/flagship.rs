//! The flagship: twenty units behind one gateway, one of them dead.

use std::fmt::Write as _;
use std::time::Duration;

use model::{DeviceId, SiteId};
use sim::server::Server;
use sim::site::{Device, Link};

use super::judge::{Entry, judge, parse};
use super::stage::{device, one_counter, one_counter_text, serve, start_agent, watts};
use crate::harness::{Ground, Net, now, wait_for};
use crate::kill_story::expected::of_spool;

const UNITS: usize = 20;
/// The one that is dead.
const DEAD: usize = 7;
/// Polls of each unit while it is.
const POLLS: usize = 12;
/// Its request may hold the line for half a period, as the others' own answers come within a few milliseconds. The rest
/// is for a busy machine.
const DEPARTURE_MS_MAX: i64 = 500 + 250;
const PATIENCE: Duration = Duration::from_secs(90);

fn name(n: usize) -> DeviceId {
    DeviceId::new(&format!("unit-{}", n + 1)).unwrap()
}

fn book(server: &Server, n: usize) -> Vec<Entry> {
    parse(&server.command(format!("book load/{}", name(n)).parse().unwrap()).unwrap())
}

fn devices(net: &Net) -> Vec<Device> {
    let unit = |n: usize| u8::try_from(n + 1).unwrap();
    let link = |n: usize| Link::Modbus { listen: net.at(1, 0), unit: unit(n) };
    (0..UNITS).map(|n| device(name(n), n, link(n), one_counter())).collect()
}

#[test]
fn one_dead_unit_of_20_costs_the_other_19_neither_a_sample_nor_their_schedule() {
    let (ground, net) = (Ground::new(), Net::take());
    let server = serve(devices(&net));
    let address = server.address_of(&SiteId::new("load").unwrap(), &name(0)).unwrap();
    let mut text = String::new();
    for n in 0..UNITS {
        let address = format!("modbus+tcp://{address}/{}", n + 1);
        write!(text, "\n[[device]]\nid = \"{}\"\naddress = \"{address}\"\nevery = \"1s\"\n", name(n))
            .unwrap();
        text.push_str(&one_counter_text());
    }
    let mut agent = start_agent(&ground, &text);
    wait_for("all units to answer", PATIENCE, || (0..UNITS).all(|n| book(&server, n).len() > 1));
    let command = format!("set load/{} hang", name(DEAD)).parse().unwrap();
    assert_eq!(server.command(command).as_deref(), Some("ok\n"));
    let dead_from = now();
    let polled =
        |n: usize| book(&server, n).iter().filter(|one| one.asked > dead_from.millis()).count() > POLLS;
    wait_for("polls", PATIENCE, || (0..UNITS).filter(|n| *n != DEAD).all(polled));
    let until = now().plus_millis(-2000);
    assert!(agent.stop().success(), "the agent did not end in order");
    let dir = ground.path("spool-agent-load");
    let (spool, _) = spool::Spool::open(&dir, spool::Options::default()).unwrap();
    let found = of_spool(&spool);
    let mut deviations = Vec::new();
    for n in 0..UNITS {
        let book = book(&server, n);
        let verdict = judge(&found, (&name(n), watts(n)), None, &book, (dead_from, until));
        assert!(verdict.wrong.is_empty(), "{}: {:?}", name(n), verdict.wrong);
        if n == DEAD {
            assert!(verdict.lost >= POLLS - 2, "the dead unit lost {} only", verdict.lost);
            continue;
        }
        assert_eq!(verdict.lost, 0, "{}: {:?}", name(n), verdict.reasons);
        let (period, offset) = found.schedule_of(&name(n)).unwrap();
        let since = book.iter().filter(|one| one.asked > dead_from.millis());
        deviations.extend(since.map(|one| (one.asked - offset).rem_euclid(period)));
    }
    deviations.sort_unstable();
    let at = |percent: usize| deviations[(deviations.len() - 1) * percent / 100];
    eprintln!(
        "20 units, one dead: {} polls of the others, lost 0; {} of them asked within 10 ms of their tick, half of all \
         within {} ms, 99 % within {} ms, all within {} ms",
        deviations.len(),
        deviations.iter().filter(|late| **late <= 10).count(),
        at(50),
        at(99),
        at(100)
    );
    assert!(at(100) <= DEPARTURE_MS_MAX, "asked {} ms after the tick", at(100));
}
