//! Pages out of facts.

mod city;
mod quality;
mod reports;
mod site;
mod tile;
mod words;

use askama::Template;
use locale::Language;
use model::SiteId;

use crate::facts::{CityOverview, ReportArchive, SiteOverview, SiteQuality};

/// Light, dark, or as the device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the device says.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// As in `?theme=` and in the cookie: `auto`, `light`, `dark`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of a request: the query's, else the cookie's, else as the device says.
    pub fn negotiate(query: Option<&str>, cookie: Option<&str>) -> Self {
        let named = |text: Option<&str>| Self::ALL.into_iter().find(|theme| Some(theme.as_str()) == text);
        named(query).or_else(|| named(cookie)).unwrap_or_default()
    }
}

/// How and for whom a page is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Language of the page.
    pub language: Language,
    /// Its theme.
    pub theme: Theme,
    /// Path of the page without query, such as `/site/rz-nord`; the links for language and theme lead there.
    pub path: String,
    /// Sites in the navigation: id and name, in order.
    pub sites: Vec<(SiteId, String)>,
}

/// A page that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("page {path} cannot be drawn")]
pub struct PageError {
    path: String,
    #[source]
    source: askama::Error,
}

/// `/`: all sites.
pub fn city_page(view: &View, facts: &CityOverview) -> Result<String, PageError> {
    render(view, &city::CityPage::new(view, facts))
}

/// `/site/{id}`: one site.
pub fn site_page(view: &View, facts: &SiteOverview) -> Result<String, PageError> {
    render(view, &site::SitePage::new(view, facts))
}

/// `/reports`: the archive.
pub fn reports_page(view: &View, facts: &ReportArchive) -> Result<String, PageError> {
    render(view, &reports::ReportsPage::new(view, facts))
}

/// `/site/{id}/quality`: coverage of each meter point and day of a month.
pub fn quality_page(view: &View, facts: &SiteQuality) -> Result<String, PageError> {
    render(view, &quality::QualityPage::new(view, facts))
}

/// A page that says one thing, such as why there is nothing to see. `status` is the HTTP status that it goes out with:
/// 404 and 503 have words of their own, all others are told as an error of this program; `detail`, if any, is shown as
/// it is, such as an error id.
pub fn message_page(view: &View, status: u16, detail: Option<&str>) -> Result<String, PageError> {
    let kind = match status {
        404 => "not-found",
        503 => "unavailable",
        _ => "failed",
    };
    let title = view.language.text(&format!("message-{kind}-title"));
    let text = view.language.text(&format!("message-{kind}-text"));
    let shell = Shell::new(view, title);
    render(view, &MessagePage { shell, text, detail: detail.unwrap_or_default().to_owned() })
}

fn render(view: &View, page: &impl Template) -> Result<String, PageError> {
    page.render().map_err(|source| PageError { path: view.path.clone(), source })
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    shell: Shell,
    text: String,
    detail: String,
}

/// What all pages share: head, navigation, switches.
struct Shell {
    language: Language,
    theme: Theme,
    title: String,
    path: String,
    links: Vec<Link>,
    themes: Vec<Link>,
}

/// A link of the navigation.
struct Link {
    href: String,
    text: String,
    current: bool,
}

impl Shell {
    fn new(view: &View, title: String) -> Self {
        let language = view.language;
        let link = |href: String, text: String| Link { current: href == view.path, href, text };
        let mut links = vec![link("/".to_owned(), language.text("nav-overview"))];
        links.extend(view.sites.iter().map(|(site, name)| link(format!("/site/{site}"), name.clone())));
        links.push(link("/reports".to_owned(), language.text("nav-reports")));
        let themes = Theme::ALL
            .iter()
            .map(|theme| Link {
                href: format!("{}?theme={}", view.path, theme.as_str()),
                text: language.text(&format!("theme-{}", theme.as_str())),
                current: *theme == view.theme,
            })
            .collect();
        Self { language, theme: view.theme, title, path: view.path.clone(), links, themes }
    }

    /// The sentence of the stale banner with `{at}` where the script puts the time.
    fn stale_words(&self) -> String {
        self.language.say("live-stale", &[("at", "{at}".into())])
    }

    /// The message of this key, for templates.
    fn text(&self, key: &str) -> String {
        self.language.text(key)
    }
}
