use locale::Language;
use model::{CarbonMass, Decimal, Energy};
use serde_json::Value;

use crate::{
    FactorStatus, HistoryMonth, MonthReport, Sealed, SiteMonth, Status, Use, Variant, csv, file_name, html,
    html_security_policy, summary,
};

const SAMPLE: &str = include_str!("tests/sample.json");
const DE: Language = Language::German;
const EN: Language = Language::English;

fn sample() -> MonthReport {
    serde_json::from_str(SAMPLE).unwrap()
}

fn one_site() -> MonthReport {
    let mut report = sample();
    report.sites.truncate(1);
    report
}

fn kwh(energy: i64) -> Energy {
    Energy::from_kilowatt_hours(energy)
}

fn before(site: &mut SiteMonth) -> &mut HistoryMonth {
    &mut site.history[0]
}

fn plain(text: &str) -> String {
    text.replace(['\u{202f}', '\u{a0}'], " ")
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    let (a, b) = (sample(), sample());
    assert_eq!(html(&a, DE).unwrap(), html(&b, DE).unwrap());
    assert_eq!(csv(&a, Variant::Standard).unwrap(), csv(&b, Variant::Standard).unwrap());
    assert_eq!(Sealed::new(&a).unwrap(), Sealed::new(&b).unwrap());
}

#[test]
fn sealed_facts_read_back_as_the_same_facts_and_seal_to_the_same_bytes() {
    let sealed = Sealed::new(&sample()).unwrap();
    let again: MonthReport = serde_json::from_str(sealed.json()).unwrap();
    assert_eq!(again, sample());
    assert_eq!(Sealed::new(&again).unwrap().json(), sealed.json());
}

/// Fails at the first float.
fn walk(value: &Value) {
    match value {
        Value::Number(number) => assert!(number.is_i64() || number.is_u64(), "{number} is a float"),
        Value::Array(items) => items.iter().for_each(walk),
        Value::Object(members) => members.values().for_each(walk),
        _ => {}
    }
}

#[test]
fn sealed_facts_are_canonical_json_with_whole_numbers_only() {
    let sealed = Sealed::new(&sample()).unwrap();
    // Members sorted by name, no white space between them (RFC 8785, 3.2).
    assert!(
        sealed
            .json()
            .starts_with(r#"{"city":"Frankfurt am Main","data_as_of":"2026-11-03T05:00:00Z","factors":[{"#)
    );
    assert!(
        !sealed.json().contains('\n') && !sealed.json().contains("\": ") && !sealed.json().contains(", \"")
    );
    assert_eq!(sealed.sha256().len(), 64);
    walk(&serde_json::from_str(sealed.json()).unwrap());
}

#[test]
fn one_changed_milliwatt_hour_changes_the_seal() {
    let mut changed = sample();
    let total = &mut changed.sites[0].energy.total.energy;
    *total = total.map(|energy| energy + Energy::from_milliwatt_hours(1));
    assert_ne!(Sealed::new(&changed).unwrap().sha256(), Sealed::new(&sample()).unwrap().sha256());
}

#[test]
fn unknown_fields_and_broken_amounts_are_refused() {
    for (from, to) in [
        ("\"revision\": 1", "\"revision\": 1, \"surprise\": 2"),
        ("\"month\": \"2026-10\"", "\"month\": \"2026-13\""),
        ("\"energy_kwh\": \"60\"", "\"energy_kwh\": \"60.0000001\""),
        ("\"energy_kwh\": \"60\"", "\"energy_kwh\": 60.5"),
    ] {
        let text = SAMPLE.replacen(from, to, 1);
        assert_ne!(text, SAMPLE, "{from}");
        assert!(serde_json::from_str::<MonthReport>(&text).is_err(), "{to} was taken");
    }
}

#[test]
fn energy_is_said_with_a_variant_for_up_down_same_and_unknown() {
    let mut report = one_site();
    report.sites[0].energy.total.energy = Some(kwh(182_400));
    let mut said = |value: Option<Energy>, language| {
        before(&mut report.sites[0]).energy.total.energy = value;
        plain(&summary(&report, &report.sites[0], language)[0])
    };
    // 182,400 against 190,200 is -4.1009 %; against 170,000 +7.2941 %.
    assert!(said(Some(kwh(190_200)), DE).starts_with(
        "Im Oktober 2026 hat der Standort RZ Nord 182.400 kWh Strom verbraucht. \
         Das sind 4,1 % weniger als im Oktober 2025 (190.200 kWh)."
    ));
    assert!(said(Some(kwh(190_200)), EN).starts_with(
        "In October 2026 the site RZ Nord used 182,400 kWh of electricity. \
         That is 4.1 % less than in October 2025 (190,200 kWh)."
    ));
    assert!(said(Some(kwh(170_000)), DE).contains("Das sind 7,3 % mehr als im Oktober 2025 (170.000 kWh)."));
    assert!(
        said(Some(kwh(182_000)), DE).contains("Das ist etwa gleich viel wie im Oktober 2025 (182.000 kWh).")
    );
    assert!(said(None, DE).contains("Ein Vergleich mit Oktober 2025 ist nicht möglich."));
}

#[test]
fn energy_that_is_not_known_is_said_to_be_unknown() {
    let mut report = one_site();
    report.sites[0].energy.total.energy = None;
    assert_eq!(
        summary(&report, &report.sites[0], DE)[0],
        "Für den Oktober 2026 ist nicht bekannt, wie viel Strom der Standort RZ Nord verbraucht hat."
    );
}

#[test]
fn pue_is_said_as_kilowatt_hours_in_and_out_or_withheld_with_its_reason() {
    let mut report = one_site();
    report.sites[0].pue[1].value = "1.4560".parse().ok();
    before(&mut report.sites[0]).pue = "1.5100".parse().ok();
    assert_eq!(
        plain(&summary(&report, &report.sites[0], DE)[1]),
        "Von 146 kWh, die hineingehen, kommen 100 kWh bei den Rechnern an (PUE 1,46, Kategorie 2). \
         Im Oktober 2025 war der PUE 1,51, er ist also gesunken."
    );
    report.sites[0].pue[1].value = None;
    report.sites[0].pue[1].withheld = Some("low_coverage".to_owned());
    assert_eq!(
        summary(&report, &report.sites[0], EN)[1],
        "No statement on efficiency is possible. Too few values for a statement."
    );
}

#[test]
fn co2_is_said_with_its_factor_and_whether_that_may_change() {
    let mut report = one_site();
    let said = |report: &MonthReport| plain(&summary(report, &report.sites[0], DE)[2]);
    assert!(said(&report).contains("Strommix Deutschland für 2024, vorläufig)"), "{}", said(&report));
    report.factors[0].status = FactorStatus::Final;
    assert!(said(&report).contains("Strommix Deutschland für 2024)"));
    report.sites[0].co2.total = None;
    report.sites[0].co2.withheld = Some("missing_factor".to_owned());
    assert_eq!(said(&report), "Zum CO₂ ist keine Aussage möglich. Ein Emissionsfaktor fehlt.");
}

#[test]
fn the_target_is_said_with_a_variant_for_each_verdict() {
    let mut report = one_site();
    let mut said = |actual: Option<i64>, percent: u32| {
        let target = report.sites[0].target.as_mut().unwrap();
        target.allowed_to_date = Some(CarbonMass::from_milligrams(640_000_000_000));
        target.actual_to_date = actual.map(|tonnes| CarbonMass::from_milligrams(tonnes * 1_000_000_000));
        target.coverage_to_date.expected = 1000;
        target.coverage_to_date.measured = percent * 10;
        target.coverage_to_date.substitute = 0;
        plain(&summary(&report, &report.sites[0], DE)[3])
    };
    assert_eq!(
        said(Some(600), 100),
        "Bis Ende Oktober 2026 waren 640,0 t erlaubt, es waren 600,0 t: 40,0 t unter dem Weg zu 2030."
    );
    assert!(said(Some(612), 100).contains("nur 28,0 t unter dem Weg"));
    assert!(said(Some(700), 100).contains("60,0 t über dem Weg"));
    assert_eq!(
        said(Some(600), 94),
        "Seit Jahresbeginn liegen nur 94,0 % der Werte vor. Wir sagen deshalb nicht, ob das Ziel erreicht ist."
    );
    assert!(said(None, 100).contains("ist nicht bekannt"));
    report.sites[0].target = None;
    assert_eq!(summary(&report, &report.sites[0], DE)[3], "Ein Zielpfad ist nicht hinterlegt.");
}

#[test]
fn the_sum_adds_whole_amounts_and_weighs_pue_by_it_energy() {
    let mut report = sample();
    let set = |site: &mut SiteMonth, total: i64, it: i64, pue: &str| {
        site.energy.total.energy = Some(kwh(total));
        site.pue[1].it_energy = Some(kwh(it));
        site.pue[1].value = pue.parse().ok();
    };
    set(&mut report.sites[0], 300, 200, "1.5");
    set(&mut report.sites[1], 120, 100, "1.2");
    let sum = report.sum("Summe").unwrap();
    assert_eq!(Use::Total.energy(&sum.energy), Some(kwh(420)));
    // (300 + 120) / (200 + 100) = 1.4, while the mean of the ratios would be 1.35.
    assert_eq!(sum.chosen_pue().unwrap().value, Some(Decimal::new(14, -1)));
    assert_eq!(sum.quality.coverage.expected, 5960);
}

#[test]
fn the_sum_does_not_know_what_one_site_does_not_know() {
    let mut report = sample();
    report.sites[1].energy.total.energy = None;
    report.sites[1].co2.total = None;
    report.sites[1].target = None;
    report.sites[1].pue_category = Some(1);
    let sum = report.sum("Summe").unwrap();
    assert_eq!(Use::Total.energy(&sum.energy), None);
    assert_eq!(sum.co2.total, None);
    assert!(sum.target.is_none() && sum.chosen_pue().is_none());
    assert!(one_site().sum("Summe").is_none(), "one site needs no sum");
}

/// Cells of the CSV by column name, for the report's own month of each site.
fn own_rows(report: &MonthReport) -> Vec<std::collections::HashMap<String, String>> {
    let text = csv(report, Variant::Standard).unwrap();
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<std::collections::HashMap<String, String>> =
        reader.deserialize().map(Result::unwrap).collect();
    rows.into_iter().filter(|row| row["month"] == "2026-10").collect()
}

#[test]
fn html_csv_and_json_show_the_same_numbers() {
    let report = sample();
    let json: Value = serde_json::from_str(Sealed::new(&report).unwrap().json()).unwrap();
    let pages = Language::ALL.map(|language| (language, html(&report, language).unwrap()));
    let rows = own_rows(&report);
    assert_eq!(rows.len(), 3, "two sites and their sum");
    for (row, site) in rows.iter().zip(json["sites"].as_array().unwrap()) {
        let exact = [
            ("energy_total_kwh", &site["energy"]["total"]["energy_kwh"], 1.0, 0),
            ("energy_cooling_kwh", &site["energy"]["cooling"]["energy_kwh"], 1.0, 0),
            ("pue_2", &site["pue"][1]["value"], 1.0, 2),
            ("co2_location_t", &site["co2"]["total_kg"], 1000.0, 1),
            ("co2_allowed_to_date_t", &site["target"]["allowed_to_date_kg"], 1000.0, 1),
        ];
        for (column, value, divisor, decimals) in exact {
            let exact: f64 = value.as_str().unwrap().parse().unwrap();
            assert_eq!(row[column], format!("{:.decimals$}", exact / divisor), "{column} of CSV and JSON");
            for (language, page) in &pages {
                let shown =
                    locale::Fixed::from_f64(row[column].parse().unwrap(), decimals.try_into().unwrap());
                let shown = language.number(shown.unwrap());
                assert!(page.contains(&shown), "{column} {shown} is not in the {language} page");
            }
        }
    }
}

#[test]
fn a_row_of_the_csv_stands_for_each_site_and_month_and_the_sum() {
    let text = csv(&sample(), Variant::Standard).unwrap();
    assert_eq!(text.matches("\r\n").count(), 1 + 3 * 13);
    assert!(text.starts_with("report,revision,status,site,month,energy_total_kwh,"));
    let columns = text.lines().next().unwrap().matches(',').count();
    assert!(text.lines().all(|line| line.matches(',').count() == columns));
}

#[test]
fn the_csv_for_excel_has_a_mark_semicolons_and_decimal_commas() {
    let text = csv(&sample(), Variant::ExcelDe).unwrap();
    assert!(text.starts_with("\u{feff}report;revision;"));
    assert!(text.contains(";1,4") && !text.contains(";1.4"));
    assert_eq!(Variant::from_name("excel-de"), Some(Variant::ExcelDe));
    assert_eq!(Variant::from_name("xls"), None);
}

#[test]
fn what_is_missing_is_empty_in_the_csv_and_a_dash_in_the_page() {
    let mut report = one_site();
    report.sites[0].energy.total.energy = None;
    assert_eq!(own_rows(&report)[0]["energy_total_kwh"], "");
    assert_eq!(own_rows(&report)[0]["energy_change_year_before_percent"], "");
    assert!(html(&report, DE).unwrap().contains("<th scope=\"row\">Gesamt</th><td class=\"n\">–</td>"));
}

#[test]
fn every_figure_of_the_page_has_caption_summary_and_table() {
    for language in Language::ALL {
        let page = html(&sample(), language).unwrap();
        let figures: Vec<&str> =
            page.split("<figure").skip(1).map(|rest| rest.split("</figure>").next().unwrap()).collect();
        assert_eq!(figures.len(), 4);
        for figure in figures {
            for needed in
                ["<figcaption>", "class=\"summary\"", "<svg", "<table>", "<caption", "<details open>"]
            {
                assert!(figure.contains(needed), "{needed}");
            }
        }
    }
}

#[test]
fn the_page_stands_alone_and_keeps_its_own_policy() {
    for language in Language::ALL {
        let page = html(&sample(), language).unwrap();
        for forbidden in
            ["⟦", " style=", " onclick", "<script", "src=", "http://", "https://", "url(http", "@import"]
        {
            assert!(!page.contains(forbidden), "{forbidden} is there");
        }
        assert!(page.contains(&format!("<html lang=\"{language}\">")));
        assert!(page.contains(&html_security_policy().replace('\'', "&#39;")));
        assert!(page.contains(Sealed::new(&sample()).unwrap().sha256()));
        let mut ids: Vec<&str> =
            page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "an id stands twice");
    }
}

#[test]
fn text_from_outside_is_escaped_in_the_page() {
    let mut report = one_site();
    report.city = "<script>alert(1)</script>".to_owned();
    report.sites[0].name = "A&B \"x\"".to_owned();
    report.sites[0].kpis[0].withheld = Some("<b>x</b>".to_owned());
    let page = html(&report, DE).unwrap();
    assert!(!page.contains("<script>") && !page.contains("<b>x") && !page.contains("A&B"));
}

#[test]
fn a_preliminary_month_says_so() {
    let mut report = sample();
    report.status = Status::Preliminary;
    assert!(html(&report, DE).unwrap().contains("Vorläufig: Die Zahlen können sich noch ändern."));
    assert!(csv(&report, Variant::Standard).unwrap().contains(",preliminary,"));
}

#[test]
fn samples_that_nothing_accounts_for_are_told() {
    let mut report = one_site();
    report.sites[0].quality.losses.lost = 7;
    // 26,784,000 - 26,758,112 - 25,871 - 7 = 10.
    assert!(html(&report, DE).unwrap().contains("10 geplante Messwerte sind nicht belegt."));
}

#[test]
fn files_are_named_after_the_report() {
    assert_eq!(file_name(&sample(), "html", Some(DE)), "frankfurt-2026-10-r1.de.html");
    assert_eq!(file_name(&sample(), "csv", None), "frankfurt-2026-10-r1.csv");
}

#[test]
fn a_month_without_values_is_a_gap_among_the_bars_and_no_zero() {
    let mut report = one_site();
    report.sites[0].history.remove(5);
    let page = html(&report, DE).unwrap();
    assert!(page.contains("<th scope=\"row\">März 2026</th><td class=\"n\">–</td>"));
    assert_eq!(page.matches("class=\"gap\"").count(), 2, "one bar, drawn wide and narrow");
}
