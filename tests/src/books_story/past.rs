//! Makes the two months and ships them to a collector.

use std::process::Command;
use std::time::Duration;

use accounting::Topology;
use calendar::{Month, Zone};
use model::SiteId;
use profile::Library;
use sim::config::Config;
use sim::history::{Span, Writer};
use sim::physics::Ledger;
use sim::site::Site;
use spool::{Options, Spool};

use crate::harness::{
    Authority, CollectorText, Ground, Net, Program, collector_text, free_address, get, program, run,
    ship_spool, site_text, wait_for,
};

/// A site of this story and its month.
pub(super) struct OfMonth {
    pub(super) id: &'static str,
    pub(super) month: &'static str,
    /// Quarter hours of the month: 31 x 96, an hour less or more.
    pub(super) quarters: usize,
    /// The day that is no 96 quarter hours long, and how long it is.
    pub(super) long_day: (u8, usize),
}

/// In 2026 summer time begins on 29 March and ends on 25 October (2000/84/EC: last Sundays).
pub(super) const SITES: [OfMonth; 2] = [
    OfMonth { id: "rz-maerz", month: "2026-03", quarters: 2972, long_day: (29, 92) },
    OfMonth { id: "rz-oktober", month: "2026-10", quarters: 2980, long_day: (25, 100) },
];

/// From one reading to the next where the quarter hour is met, and where it is not: 70 s divide no quarter hour.
const ON_QUARTERS_MS: u32 = 900_000;
const BETWEEN_MS: u32 = 70_000;
/// The day from which on, and how long, quarter hours are not met; the odd day of March and of October is inside.
const BETWEEN_FROM_DAY: i64 = 24;
const BETWEEN_DAYS: i64 = 6;
const DAY_MS: i64 = 86_400_000;
const PATIENCE: Duration = Duration::from_mins(2);

pub(super) struct Past {
    pub(super) ground: Ground,
    config: Config,
}

impl Past {
    /// When this returns, all is in the record and the collector has ended.
    pub(super) fn make() -> Self {
        let (ground, net) = (Ground::new(), Net::take());
        let text = format!(
            "[simulation]\nseed = 5\ncommissioned = 2026-01-01\n\
             [[site]]\nid = \"rz-maerz\"\nagent = \"agent-rz-maerz\"\nnet = {0}\nracks = 3\nit_kw = 60\npv_kwp = 25\nheat_reuse = 0.3\n\
             [[site]]\nid = \"rz-oktober\"\nagent = \"agent-rz-oktober\"\nnet = {0}\nracks = 3\nit_kw = 90\nwater_litre_per_kwh = 1.2\n",
            net.number()
        );
        let config = Config::parse("sim.toml", &text).unwrap();
        let past = Self { ground, config };
        let (web, ingest) = (free_address(), free_address());
        past.set_up(&collector_text(&CollectorText { web, ingest, more: "" }));
        let file = past.ground.path("collector.toml");
        let mut command = Command::new(program("wattwacht-collector"));
        command.arg("run").arg("--config").arg(&file);
        let mut collector = Program::start("collector", &past.ground.path("collector.log"), &mut command);
        wait_for("the collector to be well", PATIENCE, || {
            assert_eq!(collector.ended(), None, "the collector ended:\n{}", collector.said());
            get(web, "/healthz").is_some_and(|answer| answer.status == 200)
        });
        for site in &SITES {
            let spool = past.spool(site);
            ship_spool(ingest, &format!("agent-{}", site.id), past.ground.dir(), spool.reader());
        }
        assert!(collector.stop().success(), "the collector did not end in order:\n{}", collector.said());
        past
    }

    fn set_up(&self, collector: &str) {
        let authority = Authority::new(self.ground.dir());
        authority.collector();
        let collector = self.ground.write("collector.toml", collector).display().to_string();
        for site in &self.config.sites {
            authority.agent(site.id.as_str(), site.agent.as_str());
            let file = self.ground.write(&format!("{}.toml", site.id), &site_text(site));
            let file = file.display().to_string();
            run("wattwacht-collector", &["import", "topology", &file, "--config", &collector]).expect(0);
        }
    }

    /// The month of a site, as its agent would have spooled it.
    fn spool(&self, of: &OfMonth) -> Spool {
        let library = Library::built_in().unwrap();
        let mut world = self.config.world(&library).unwrap();
        let (spool, _) =
            Spool::open(&self.ground.path(&format!("spool-{}", of.id)), Options::default()).unwrap();
        let month: Month = of.month.parse().unwrap();
        let period = Zone::new("Europe/Berlin").unwrap().month(month);
        let odd = period.from.plus_millis((BETWEEN_FROM_DAY - 1) * DAY_MS);
        let end = odd.plus_millis(BETWEEN_DAYS * DAY_MS);
        let spans = [
            // Each pace begins with the quarter hour that the one before has still met.
            (period.from, odd.plus_millis(1), ON_QUARTERS_MS),
            (odd.plus_millis(1), end, BETWEEN_MS),
            (end, period.to.plus_millis(2 * i64::from(ON_QUARTERS_MS)), ON_QUARTERS_MS),
        ];
        let site = SiteId::new(of.id).unwrap();
        let mut writer = Writer { world: &mut world, library: &library, site, spool };
        for (from, to, period_ms) in spans {
            writer.write(Span { from, to, period_ms }).unwrap();
        }
        writer.spool
    }

    /// A site and its books.
    pub(super) fn site(&self, id: &str) -> (Site, Ledger) {
        let site = self.config.sites.iter().find(|site| site.id.as_str() == id).unwrap();
        (site.clone(), site.ledger(self.config.seed))
    }

    /// A site's file.
    pub(super) fn topology(&self, id: &str) -> Topology {
        let text = std::fs::read_to_string(self.ground.path(&format!("{id}.toml"))).unwrap();
        Topology::read(id, &text).unwrap()
    }
}
