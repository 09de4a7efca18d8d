//! All sites: `/`.

use askama::Template;

use super::site::{AlarmRow, SitePart, alarm_row, alarms_empty, power_chart};
use super::{Shell, View};
use crate::facts::{CityOverview, SiteOverview};

/// Alarms shown here; the rest is on the sites' own pages.
const ALARMS_SHOWN: usize = 5;

#[derive(Template)]
#[template(path = "city.html")]
pub(super) struct CityPage {
    shell: Shell,
    lead: String,
    cards: Vec<Card>,
    alarms: Vec<AlarmRow>,
    alarms_more: String,
    alarms_empty: String,
    report: Option<ReportLink>,
}

struct Card {
    part: SitePart,
    spark: String,
}

struct ReportLink {
    text: String,
    href: String,
}

impl CityPage {
    pub(super) fn new(view: &View, facts: &CityOverview) -> Self {
        let language = view.language;
        let title = language.say("city-title", &[("city", (&facts.city).into())]);
        let mut alarms: Vec<(&SiteOverview, _)> =
            facts.sites.iter().flat_map(|site| site.alarms.iter().map(move |alarm| (site, alarm))).collect();
        alarms.sort_by_key(|(_, alarm)| (std::cmp::Reverse(alarm.severity), alarm.since));
        let hidden = alarms.len().saturating_sub(ALARMS_SHOWN);
        let at = language.date_time(&facts.zone, facts.server_time);
        Self {
            shell: Shell::new(view, title),
            lead: language.say("city-lead", &[("at", (&at).into())]),
            cards: facts.sites.iter().map(|site| card(view, site)).collect(),
            alarms: alarms
                .iter()
                .take(ALARMS_SHOWN)
                .map(|(site, alarm)| alarm_row(language, site, alarm))
                .collect(),
            alarms_more: more(view, hidden),
            alarms_empty: facts.sites.first().map(|site| alarms_empty(language, site)).unwrap_or_default(),
            report: facts.latest_report.as_ref().and_then(|report| report_link(view, report)),
        }
    }

    fn text(&self, key: &str) -> String {
        self.shell.text(key)
    }
}

fn more(view: &View, hidden: usize) -> String {
    match hidden {
        0 => String::new(),
        some => view.language.say("alarms-more", &[("count", (some as u64).into())]),
    }
}

fn card(view: &View, site: &SiteOverview) -> Card {
    let chart = power_chart(view.language, site, &format!("spark-{}", site.site));
    Card { part: SitePart::new(view.language, site), spark: chart.sparkline() }
}

fn report_link(view: &View, report: &crate::facts::ReportEntry) -> Option<ReportLink> {
    let language = view.language;
    let mine = |file: &&crate::facts::ReportFile| file.language.as_deref() == Some(language.code());
    let file = report.files.iter().filter(|file| file.format == "html").find(mine)?;
    let month = language.month(report.month);
    let text = language.say("city-report", &[("scope", (&report.scope).into()), ("month", (&month).into())]);
    Some(ReportLink { text, href: file.href.clone() })
}
