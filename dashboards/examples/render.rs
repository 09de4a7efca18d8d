//! Draws every page and a report from made-up facts into a folder, to look at them:
//! `cargo run -p dashboards --example render -- FOLDER`.

#[path = "../src/tests/sample.rs"]
#[allow(
    clippy::unwrap_used,
    reason = "made-up facts are written down here; a mistake in them must stop the example"
)]
mod sample;

use std::error::Error;
use std::fs;
use std::path::Path;

use ::dashboards::{
    self, SECURITY_HEADERS, Theme, View, asset, city_page, message_page, quality_page, reports_page,
    site_page,
};
use locale::Language;

const REPORT: &str = include_str!("../../crates/report/src/tests/sample.json");

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: render FOLDER")?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("assets"))?;
    for name in ["panels.css", "live.js", "icon.svg"] {
        let asset = asset(name).ok_or("an asset is missing")?;
        fs::write(folder.join("assets").join(name), asset.body)?;
    }
    let headers: std::collections::BTreeMap<_, _> = SECURITY_HEADERS.iter().copied().collect();
    fs::write(folder.join("headers.json"), serde_json::to_string(&headers)?)?;
    fs::write(folder.join("report-policy.txt"), report::html_security_policy())?;
    for facts in [sample::nord(), sample::sued()] {
        fs::write(folder.join(format!("live-{}.json", facts.site)), serde_json::to_string(&facts)?)?;
    }
    for language in Language::ALL {
        for theme in [Theme::Light, Theme::Dark] {
            pages(folder, language, theme)?;
        }
        documents(folder, language)?;
    }
    Ok(())
}

fn pages(folder: &Path, language: Language, theme: Theme) -> Result<(), Box<dyn Error>> {
    let sites = [sample::nord(), sample::sued()].map(|site| (site.site, site.name)).to_vec();
    let view = |path: &str| View { language, theme, path: path.to_owned(), sites: sites.clone() };
    let name = |page: &str| folder.join(format!("{page}.{language}.{}.html", theme.as_str()));
    fs::write(name("city"), city_page(&view("/"), &sample::city())?)?;
    fs::write(name("site-nord"), site_page(&view("/site/rz-nord"), &sample::nord())?)?;
    fs::write(name("site-sued"), site_page(&view("/site/rz-sued"), &sample::sued())?)?;
    fs::write(name("reports"), reports_page(&view("/reports"), &sample::archive())?)?;
    fs::write(name("quality"), quality_page(&view("/site/rz-nord/quality"), &sample::quality())?)?;
    fs::write(name("message"), message_page(&view("/nowhere"), 404, None)?)?;
    Ok(())
}

fn documents(folder: &Path, language: Language) -> Result<(), Box<dyn Error>> {
    let all: report::MonthReport = serde_json::from_str(REPORT)?;
    fs::write(folder.join(format!("report.{language}.html")), report::html(&all, language)?)?;
    let mut one = all.clone();
    one.sites.truncate(1);
    "rz-nord-2026-10-r1".clone_into(&mut one.id);
    fs::write(folder.join(format!("report-one.{language}.html")), report::html(&one, language)?)?;
    fs::write(folder.join("report.csv"), report::csv(&all, report::Variant::Standard)?)?;
    fs::write(folder.join("report.json"), report::Sealed::new(&all)?.json())?;
    Ok(())
}
