//! The course of the demo.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::Timestamp;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::certificates::{Authority, CertificateError};
use super::children::{ChildError, Children, finish};
use super::files::{self, Meeting, Target};
use super::ground::{Ground, GroundError, check_addresses};
use super::history::{Counters, End, HistoryError, Job, past_of};
use super::http;
use super::programs::{MissingProgram, Programs};
use crate::server::Clock;
use crate::site::{Link, Site, frankfurt};
use crate::time::Month;

/// How long a program may take until it answers.
const START_MAX: Duration = Duration::from_secs(30);
/// How long the collector may take to work off the past.
const SETTLE_MAX: Duration = Duration::from_mins(5);
/// How often things are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the demo is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder, wiped and made anew.
    pub dir: PathBuf,
    /// Where the panels are.
    pub web: SocketAddr,
    /// Where agents ship to.
    pub ingest: SocketAddr,
    /// Whole months of past, besides the current one.
    pub months: u32,
    /// Seed of the world.
    pub seed: u64,
    /// Factor sets, as files.
    pub factors: Vec<PathBuf>,
}

/// Why the demo ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// A program is missing.
    #[error(transparent)]
    Programs(#[from] MissingProgram),
    /// Folder or addresses.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// Certificates.
    #[error(transparent)]
    Certificates(#[from] CertificateError),
    /// A program.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The past.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Something does not answer.
    #[error("{what} did not answer at {address} within {} s", START_MAX.as_secs())]
    Silent {
        /// What.
        what: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// The preset is broken.
    #[error("the preset of the demo is broken")]
    Preset(#[from] model::InvalidId),
    /// The clock is out of range.
    #[error("the clock shows {0}, with which no demo can be made")]
    Clock(Timestamp),
}

/// Runs the demo until `stop` is cancelled or something ends by itself. `say` shows people how far it is.
///
/// # Errors
/// If something cannot be had, or a program ends by itself. All that was started has been ended then.
pub async fn run(
    options: &Options,
    programs: &Programs,
    clock: Clock,
    stop: &CancellationToken,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), DemoError> {
    let mut stage = Stage::new(options, programs, clock, say)?;
    let course = async {
        stage.set_up()?;
        stage.play().await?;
        Err::<(), _>(stage.children.watch().await.into())
    };
    let result = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        result = course => result,
    };
    if result.is_ok() {
        say("stopping");
    }
    stage.children.end().await;
    result
}

struct Stage<'o> {
    options: &'o Options,
    programs: &'o Programs,
    clock: Clock,
    say: &'o (dyn Fn(&str) + Send + Sync),
    ground: Ground,
    sites: Vec<Site>,
    children: Children,
    /// The current local month.
    month: Month,
    commissioned: Timestamp,
    meeting: Meeting,
}

impl<'o> Stage<'o> {
    fn new(
        options: &'o Options,
        programs: &'o Programs,
        clock: Clock,
        say: &'o (dyn Fn(&str) + Send + Sync),
    ) -> Result<Self, DemoError> {
        let now = clock();
        let month = Month::of(now).ok_or(DemoError::Clock(now))?;
        let first = |back: u32| month.back(back).and_then(Month::start).ok_or(DemoError::Clock(now));
        // All counters began before the past does; servers were merged in the south seven months ago.
        let commissioned = first(options.months + 3)?;
        let sites = frankfurt(commissioned, Some(first(7.min(options.months))?))?;
        let (ground, was_used) = Ground::take(&options.dir)?;
        if was_used {
            say("wiped what an earlier demo had left; every demo begins anew");
        }
        check_addresses(options.web, options.ingest, &sites)?;
        let meeting = Meeting { web: options.web, ingest: options.ingest };
        Ok(Self {
            options,
            programs,
            clock,
            say,
            ground,
            sites,
            children: Children::default(),
            month,
            commissioned,
            meeting,
        })
    }

    /// Certificates and configurations.
    fn set_up(&self) -> Result<(), DemoError> {
        let authority = Authority::new(&self.ground.folder("certificates")?)?;
        authority.server("collector", self.options.ingest.ip())?;
        self.ground.folder("log")?;
        let date = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
        let consolidation = self.sites.iter().flat_map(|site| &site.plant.steps).map(|step| step.from).next();
        let text = files::simulator(
            self.options.seed,
            &date(self.commissioned),
            &date(consolidation.unwrap_or(self.commissioned)),
        );
        self.ground.write("simulator.toml", &text)?;
        self.ground.write("lab.community", "public\n")?;
        for site in &self.sites {
            authority.agent(&site.id, &site.agent)?;
            self.ground.write(&format!("{}.toml", site.agent), &files::agent(site, &self.meeting))?;
            self.ground.write(&format!("{}.toml", site.id), &files::site(site, &Target::of(site)))?;
        }
        let factors: Vec<String> = self.options.factors.iter().map(|path| files::shown(path)).collect();
        self.ground.write("collector.toml", &files::collector(&self.meeting, &factors))?;
        Ok(())
    }

    async fn play(&mut self) -> Result<(), DemoError> {
        (self.say)("starting the simulator");
        let (sim, collector) = (self.programs.sim.clone(), self.programs.collector.clone());
        self.start("simulator", &sim, "simulator.toml")?;
        self.wait_for_simulator().await?;
        (self.say)("importing sites and emission factors");
        self.import().await?;
        (self.say)("starting the collector");
        self.start("collector", &collector, "collector.toml")?;
        self.wait_for_collector().await?;
        self.past().await?;
        (self.say)("starting the agents");
        let agent = self.programs.agent.clone();
        for name in self.sites.iter().map(|site| site.agent.to_string()).collect::<Vec<_>>() {
            self.start(&name, &agent, &format!("{name}.toml"))?;
        }
        self.settle().await?;
        self.report().await?;
        self.tell();
        Ok(())
    }

    fn start(&mut self, name: &str, program: &std::path::Path, config: &str) -> Result<(), DemoError> {
        let config = files::shown(&self.ground.dir.join(config));
        let log = self.ground.dir.join("log").join(format!("{name}.log"));
        let (of, program) = (std::process::id().to_string(), program.display().to_string());
        let args = ["child", "--of", &of, "--", &program, "run", "--config", &config];
        Ok(self.children.start(name, &self.programs.sim, &args, &log)?)
    }

    async fn wait_for_simulator(&mut self) -> Result<(), DemoError> {
        let modbus = |link: &Link| matches!(link, Link::Modbus { .. }).then(|| link.listen());
        let devices = self.sites.iter().flat_map(|site| &site.devices);
        let Some(address) = devices.filter_map(|device| modbus(&device.link)).next_back() else {
            return Ok(());
        };
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(address).await.is_err() {
            self.patience("the simulator", address, deadline).await?;
        }
        Ok(())
    }

    async fn wait_for_collector(&mut self) -> Result<(), DemoError> {
        let address = self.options.web;
        let deadline = Instant::now() + START_MAX;
        while http::get(address, "/healthz").await.is_none_or(|(status, _)| status != 200) {
            self.patience("the collector", address, deadline).await?;
        }
        Ok(())
    }

    async fn patience(
        &mut self,
        what: &'static str,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<(), DemoError> {
        self.children.check()?;
        if Instant::now() > deadline {
            return Err(DemoError::Silent { what, address });
        }
        sleep(LOOK_EVERY).await;
        Ok(())
    }

    async fn import(&self) -> Result<(), DemoError> {
        let config = files::shown(&self.ground.dir.join("collector.toml"));
        for site in &self.sites {
            let file = files::shown(&self.ground.dir.join(format!("{}.toml", site.id)));
            let args = ["import", "topology", &file, "--config", &config];
            finish(&format!("importing site `{}`", site.id), &self.programs.collector, &args).await?;
        }
        Ok(())
    }

    async fn past(&mut self) -> Result<(), DemoError> {
        let first = self.month.back(self.options.months).and_then(Month::start);
        let from = first.ok_or_else(|| DemoError::Clock((self.clock)()))?;
        let job = Job {
            config: self.ground.dir.join("simulator.toml"),
            work: self.ground.dir.clone(),
            url: self.meeting.url(),
            credentials: self.ground.dir.join("certificates"),
            // A day more, so that the first month begins with a reading wherever its midnight is.
            from: from.plus_millis(-86_400_000),
            to: End::Now,
        };
        let counters = Arc::new(Counters::default());
        let begin = Instant::now();
        let past = async {
            let of_site = |site: &Site| {
                (site.id.clone(), site.agent.clone(), Arc::clone(&self.clock), Arc::clone(&counters))
            };
            let mut all = tokio::task::JoinSet::new();
            for (site, agent, clock, counters) in self.sites.iter().map(of_site) {
                let job = job.clone();
                all.spawn(async move { past_of(&job, (&site, &agent), clock, counters).await });
            }
            let mut samples = 0;
            while let Some(ended) = all.join_next().await {
                let site = || self.sites.first().map(|site| site.id.clone());
                samples += match (ended, site()) {
                    (Ok(written), _) => written?.samples,
                    (Err(_), Some(site)) => return Err(HistoryError::Panicked(site)),
                    (Err(_), None) => 0,
                };
            }
            Ok(samples)
        };
        let months = self.options.months;
        let say = self.say;
        say(&format!("making a past of {months} months and shipping it as the agents would"));
        let told = async {
            loop {
                sleep(Duration::from_secs(5)).await;
                let (done, of) = (
                    counters.acknowledged.load(Ordering::Relaxed),
                    counters.expected.load(Ordering::Relaxed),
                );
                say(&format!("  {} %, {done} of {of} records", 100 * done.min(of) / of.max(1)));
            }
        };
        let samples = tokio::select! {
            samples = past => samples?,
            () = told => 0,
            error = self.children.watch() => return Err(error.into()),
        };
        say(&format!("  {samples} samples in {} s", begin.elapsed().as_secs()));
        Ok(())
    }

    /// Waits until the collector has worked off what it took in.
    async fn settle(&mut self) -> Result<(), DemoError> {
        (self.say)("waiting until the collector has worked the past into its record");
        let deadline = Instant::now() + SETTLE_MAX;
        let mut quiet = 0;
        while quiet < 3 && Instant::now() < deadline {
            self.children.check()?;
            let metrics =
                http::get(self.options.web, "/metrics").await.map(|(_, body)| body).unwrap_or_default();
            match waiting_batches(&metrics) {
                Some(waiting) if waiting <= 1.0 => quiet += 1,
                Some(_) => quiet = 0,
                None => {
                    tracing::warn!("the collector does not say how much it has still to work off");
                    return Ok(());
                }
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn report(&self) -> Result<(), DemoError> {
        let Some(month) = self.month.back(1) else { return Ok(()) };
        (self.say)(&format!("making the reports of {month}"));
        let config = files::shown(&self.ground.dir.join("collector.toml"));
        let out = files::shown(&self.ground.folder("reports")?);
        let month = month.to_string();
        for site in &self.sites {
            let id = site.id.as_str();
            let args = [
                "report",
                "--site",
                id,
                "--month",
                &month,
                "--format",
                "html,csv,json",
                "--out",
                &out,
                "--config",
                &config,
            ];
            finish(&format!("the report of `{id}`"), &self.programs.collector, &args).await?;
        }
        Ok(())
    }

    fn tell(&self) {
        let reports = self.ground.dir.join("reports");
        (self.say)(&format!(
            "\nrunning. Ctrl-C ends everything.\n  panels   http://{}/\n  reports  {}\n  files    {}",
            self.options.web,
            files::shown(&reports),
            files::shown(&self.ground.dir),
        ));
        for name in std::fs::read_dir(&reports).into_iter().flatten().flatten() {
            (self.say)(&format!("           {}", files::shown(&name.path())));
        }
    }
}

/// The metric by which the collector says how many batches it has still to work off.
fn waiting_batches(metrics: &str) -> Option<f64> {
    let line = metrics.lines().find(|line| !line.starts_with('#') && line.contains("inbox"))?;
    line.rsplit(' ').next()?.parse().ok()
}
