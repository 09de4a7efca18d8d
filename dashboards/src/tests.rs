mod sample;

use crate as dashboards;
use locale::Language;
use model::Power;

use crate::{
    SECURITY_HEADERS, SiteOverview, Theme, View, asset, city_page, message_page, quality_page, reports_page,
    site_page,
};

fn view(language: Language, path: &str) -> View {
    let sites = [sample::nord(), sample::sued()].map(|site| (site.site, site.name)).to_vec();
    View { language, theme: Theme::Auto, path: path.to_owned(), sites }
}

fn nord(language: Language) -> String {
    site_page(&view(language, "/site/rz-nord"), &sample::nord()).unwrap()
}

fn sued(language: Language) -> String {
    site_page(&view(language, "/site/rz-sued"), &sample::sued()).unwrap()
}

fn all(language: Language) -> Vec<String> {
    vec![
        city_page(&view(language, "/"), &sample::city()).unwrap(),
        nord(language),
        sued(language),
        reports_page(&view(language, "/reports"), &sample::archive()).unwrap(),
        quality_page(&view(language, "/site/rz-nord/quality"), &sample::quality()).unwrap(),
        message_page(&view(language, "/x"), 404, Some("e-1")).unwrap(),
        message_page(&view(language, "/x"), 503, None).unwrap(),
        message_page(&view(language, "/x"), 500, None).unwrap(),
    ]
}

#[test]
fn every_page_keeps_the_policy_and_has_all_its_messages() {
    for language in Language::ALL {
        for page in all(language) {
            for forbidden in
                ["⟦", " style=", " onclick", " onload", "<style", "javascript:", "http://", "https://"]
            {
                assert!(!page.contains(forbidden), "{forbidden} is there");
            }
            assert!(
                !page
                    .replace("<script type=\"module\" src=\"/assets/live.js\"></script>", "")
                    .contains("<script")
            );
            assert!(page.contains(&format!("<html lang=\"{language}\"")));
            for landmark in [
                "<header",
                "<main id=\"main\"",
                "<footer",
                "<nav aria-label",
                "class=\"skip\" href=\"#main\"",
            ] {
                assert!(page.contains(landmark), "{landmark}");
            }
            assert_eq!(page.matches("<h1>").count(), 1);
        }
    }
}

#[test]
fn every_figure_has_caption_summary_table_and_unit() {
    for page in all(Language::German) {
        for figure in page.split("<figure").skip(1).map(|rest| rest.split("</figure>").next().unwrap()) {
            for needed in ["<figcaption>", "class=\"summary\"", "role=\"img\"", "<table>", "<caption"] {
                assert!(figure.contains(needed), "{needed}");
            }
            assert!(figure.contains("(kW)") || figure.contains("CO₂ (t)"), "no unit");
        }
    }
}

#[test]
fn the_numbers_of_a_site_are_in_its_page_without_script() {
    let page = nord(Language::German);
    for number in [">153<", ">105<", ">33,8<", ">1,47<", ">1,51<", ">99,7<", ">24,3<"] {
        assert!(page.contains(&format!("class=\"number\"{number}")), "{number}");
    }
    assert!(page.contains("RZ Nord: 153\u{202f}kW, PUE 1,47 (12 Monate: 1,51)."));
    assert!(page.contains("Stand 22.11.2026, 15:04 Uhr, heute 99,7\u{202f}% der Viertelstundenwerte."));
    assert!(nord(Language::English).contains("class=\"number\">33.8<"));
    assert!(page.contains("<noscript>"));
}

#[test]
fn an_old_value_is_marked_and_a_very_old_one_is_no_value() {
    let page = sued(Language::German);
    let tile = |page: &str, key: &str| {
        page.split(&format!("data-live=\"{key}\"")).nth(1).unwrap().split("</div>").next().unwrap().to_owned()
    };
    // 95 s at 10 s each: past 3 intervals, not past 30.
    let total = tile(&page, "power_total");
    assert!(
        total.contains("data-age=\"stale\"")
            && total.contains(">98,8<")
            && total.contains("veraltet seit 1\u{202f}min")
    );
    let cooling = tile(&page, "power_cooling");
    assert!(
        cooling.contains("data-age=\"gone\"")
            && cooling.contains(">–<")
            && cooling.contains("noch kein Wert")
    );
    let mut old = sample::nord();
    old.power_total.at = old.power_total.at.map(|at| at.plus_millis(-400_000));
    let page = site_page(&view(Language::German, "/site/rz-nord"), &old).unwrap();
    let total = tile(&page, "power_total");
    assert!(total.contains("data-age=\"gone\"") && !total.contains(">153<"), "{total}");
}

#[test]
fn a_site_whose_power_is_old_is_never_called_in_order() {
    let mut silent = sample::nord();
    silent.power_total.at = silent.power_total.at.map(|at| at.plus_millis(-60_000));
    let page = site_page(&view(Language::German, "/site/rz-nord"), &silent).unwrap();
    let chip = page.split("<h1>").nth(1).unwrap().split("</div>").next().unwrap();
    assert!(chip.contains("chip stale") && chip.contains("veraltet"), "{chip}");
    assert!(page.contains("Die aktuelle Leistung ist nicht bekannt."));
}

#[test]
fn a_value_from_a_wrong_clock_or_without_a_number_does_not_break_the_page() {
    let mut odd = sample::nord();
    odd.power_total.value = Some(Power::from_watts(f64::NAN));
    odd.power_24h.total = vec![Some(Power::from_watts(f64::INFINITY))];
    let page = site_page(&view(Language::German, "/site/rz-nord"), &odd).unwrap();
    assert!(!page.contains("NaN") && !page.contains("inf<"));
}

#[test]
fn alarms_are_said_in_words_with_their_numbers() {
    let page = sued(Language::German).replace('\u{202f}', " ");
    for sentence in [
        "Rack B02: Einlass 28,6 °C, Grenze 27,0 °C.",
        "Das Gerät crac-2 antwortet nicht.",
        "ups-out: Nur 83,6 % der Werte liegen vor, nötig sind 95 %.",
        "seit 22.11.2026, 14:30 Uhr (34 min)",
        "Eines von 17 Geräten schweigt.",
    ] {
        assert!(page.contains(sentence), "{sentence}");
    }
    assert!(nord(Language::German).contains("Keine offenen Alarme. 14 Regeln, letzte Prüfung 15:04 Uhr."));
}

#[test]
fn the_verdict_on_the_path_is_a_word_and_is_suppressed_below_95_percent() {
    assert!(nord(Language::German).contains("</svg>auf Kurs</span>"));
    let page = sued(Language::German);
    assert!(page.contains("</svg>nicht auf Kurs</span>"));
    // 160,100 of 187,200 quarter hours of the year are 85.5 %.
    assert!(page.contains("zum Zielpfad ist keine Aussage möglich"));
}

#[test]
fn text_from_outside_is_escaped() {
    let mut hostile = sample::sued();
    hostile.name = "<script>alert(1)</script>".to_owned();
    hostile.alarms[0].object = "\"><img src=x>".to_owned();
    hostile.alarms[0].id = "\" onclick=\"x".to_owned();
    let page = site_page(&view(Language::German, "/site/rz-sued"), &hostile).unwrap();
    assert!(!page.contains("<script>alert") && !page.contains("<img") && !page.contains("\" onclick"));
}

#[test]
fn switches_lead_to_the_same_page() {
    let page = nord(Language::German);
    assert!(page.contains("href=\"/site/rz-nord?lang=en\" hreflang=\"en\" lang=\"en\">English<"));
    assert!(page.contains("href=\"/site/rz-nord?theme=dark\""));
    assert!(page.contains("<a href=\"/site/rz-nord\" aria-current=\"page\">RZ Nord</a>"));
    let dark = View { theme: Theme::Dark, ..view(Language::German, "/") };
    assert!(city_page(&dark, &sample::city()).unwrap().contains("<html lang=\"de\" data-theme=\"dark\">"));
    assert_eq!(Theme::negotiate(Some("x"), Some("dark")), Theme::Dark);
}

#[test]
fn an_empty_city_and_an_empty_archive_say_why() {
    let mut empty = sample::city();
    empty.sites.clear();
    empty.latest_report = None;
    let page = city_page(&view(Language::German, "/"), &empty).unwrap();
    assert!(
        page.contains("Es ist noch kein Standort angelegt.") && page.contains("Es gibt noch keinen Bericht.")
    );
    let mut archive = sample::archive();
    archive.reports.clear();
    assert!(
        reports_page(&view(Language::English, "/reports"), &archive)
            .unwrap()
            .contains("There is no report yet.")
    );
}

#[test]
fn the_live_message_has_the_fields_that_the_script_reads_and_reads_back() {
    let facts = sample::nord();
    let json = serde_json::to_value(&facts).unwrap();
    assert_eq!(
        json["power_total"],
        serde_json::json!({"value": 153_400.0, "at": 1_795_356_240_000i64, "every_ms": 10_000})
    );
    assert_eq!(json["pue_now"]["live"]["value"], 1.4662);
    assert_eq!(json["inlet"]["live"]["value"], 24.3);
    assert_eq!((&json["server_time"], &json["interval_ms"]), (&1_795_356_260_000i64.into(), &10_000.into()));
    assert_eq!(serde_json::from_value::<SiteOverview>(json).unwrap(), facts);
    let script = asset("live.js").unwrap().body;
    let script = std::str::from_utf8(script).unwrap();
    for field in ["server_time", "interval_ms", "every_ms", "alarms", "field.live", "/api/v1/live?site="] {
        assert!(script.contains(field), "the script does not read {field}");
    }
    assert!(!script.contains("innerHTML") && !script.contains("eval("));
}

#[test]
fn assets_have_a_type_and_a_tag_and_nothing_else_is_served() {
    for (name, content_type) in [
        ("panels.css", "text/css; charset=utf-8"),
        ("live.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let asset = asset(name).unwrap();
        assert_eq!(asset.content_type, content_type);
        assert!(asset.etag.starts_with('"') && asset.etag.len() == 18 && !asset.body.is_empty());
    }
    for other in ["", "../Cargo.toml", "panels.css/", "PANELS.CSS"] {
        assert!(asset(other).is_none(), "{other}");
    }
    // Budgets of the design language: 20 kB of styles and 25 kB of script, packed; these are the plain sizes.
    assert!(
        asset("panels.css").unwrap().body.len() < 20_000 && asset("live.js").unwrap().body.len() < 25_000
    );
}

#[test]
fn the_policy_forbids_inline_code_and_other_hosts() {
    let policy = SECURITY_HEADERS.iter().find(|(name, _)| *name == "content-security-policy").unwrap().1;
    assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"));
}

#[test]
fn a_day_of_the_quality_page_says_its_state_by_glyph_and_words() {
    let page = quality_page(&view(Language::German, "/site/rz-nord/quality"), &sample::quality()).unwrap();
    let page = page.replace('\u{202f}', " ");
    // 61 of 96 quarter hours are 63.54 %.
    assert!(page.contains("◐</span><span class=\"hidden\">Lücke, 63,5 %</span>"));
    assert!(page.contains("○</span><span class=\"hidden\">fehlt ganz</span>"));
    assert!(page.contains("◇</span><span class=\"hidden\">vollständig mit Ersatzwerten, 100,0 %</span>"));
    assert!(page.contains("href=\"/site/rz-nord/quality?month=2026-10\""));
    assert_eq!(page.matches("scope=\"row\"").count(), 4);
}

#[test]
fn a_fast_value_is_not_called_stale_before_a_message_could_bring_a_new_one() {
    let mut fast = sample::nord();
    // Read every second, sent every 10 s, 20 s old: two messages, which is no reason to worry.
    fast.power_total.every_ms = 1_000;
    let page = site_page(&view(Language::German, "/site/rz-nord"), &fast).unwrap();
    assert!(page.contains(
        "data-live=\"power_total\" data-kind=\"kw\" data-at=\"1795356240000\" data-stale-ms=\"30000\""
    ));
    assert!(page.contains("</svg>in Ordnung</span>"));
}
