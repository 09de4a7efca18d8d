use locale::Language;
use model::{CarbonMass, Coverage};
use proptest::prelude::*;

use crate::axis::Axis;
use crate::tokens::{Kind, TOKENS, Token};
use crate::{Bar, Bullet, Chart, Details, LineChart, LineSeries, StackedBars, Tone, Verdict, escape, style};

const DE: Language = Language::German;

fn mass(tonnes: i64) -> CarbonMass {
    CarbonMass::from_milligrams(tonnes * 1_000_000_000)
}

fn covered(percent: u32) -> Coverage {
    Coverage { expected: 100, measured: percent, substitute: 0, provisional: 0 }
}

fn bullet(actual: Option<CarbonMass>) -> Bullet {
    Bullet {
        id: "co2".to_owned(),
        title: "CO₂".to_owned(),
        actual,
        allowed: Some(mass(100)),
        budget: Some(mass(120)),
        coverage: covered(95),
    }
}

fn line(values: &[Option<f64>]) -> LineChart {
    LineChart {
        id: "power".to_owned(),
        title: "Leistung".to_owned(),
        unit: "kW".to_owned(),
        label_name: "Beginn".to_owned(),
        labels: (0..values.len()).map(|step| format!("{step}:00")).collect(),
        ticks: vec![(0, "0:00".to_owned())],
        series: vec![LineSeries { name: "<Gesamt>".to_owned(), tone: Tone::Total, values: values.to_vec() }],
        decimals: 1,
    }
}

fn bars() -> StackedBars {
    let bar = |label: &str, it, cooling, total| Bar {
        label: label.to_owned(),
        tick: label.to_owned(),
        subtick: String::new(),
        parts: vec![it, cooling],
        total,
    };
    StackedBars {
        id: "energy".to_owned(),
        title: "Energie".to_owned(),
        finding: "Mehr".to_owned(),
        unit: "kWh".to_owned(),
        label_name: "Monat".to_owned(),
        total_name: "Gesamt".to_owned(),
        parts: vec![(Tone::It, "IT".to_owned()), (Tone::Cooling, "Kälte".to_owned())],
        bars: vec![
            bar("Mai", Some(100.0), Some(20.0), Some(130.0)),
            bar("Juni", None, None, None),
            bar("Juli", Some(90.0), Some(30.0), Some(120.0)),
        ],
        decimals: 0,
    }
}

fn charts() -> [Chart; 3] {
    [bullet(Some(mass(80))).chart(DE), line(&[Some(1.0), None, Some(3.0)]).chart(DE), bars().chart(DE)]
}

/// Relative luminance and contrast by WCAG 2.2, "relative luminance" and "contrast ratio".
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |colour: &str| {
        let channel = |from: usize| {
            let value =
                f64::from(u8::from_str_radix(colour.get(from..from + 2).unwrap(), 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn the_contrast_formula_gives_the_values_of_the_standard() {
    // Black on white is 21:1 by definition; #767676 is the well-known lightest grey with 4.54:1 on white.
    assert!((contrast("#000000", "#FFFFFF") - 21.0).abs() < 1e-9);
    assert!((contrast("#767676", "#FFFFFF") - 4.54).abs() < 0.005);
}

#[test]
fn every_colour_keeps_the_contrast_that_it_is_held_to() {
    let named = |name: &str| TOKENS.iter().find(|token| token.name == name).unwrap();
    for theme in [|token: &Token| token.light, |token: &Token| token.dark] {
        let grounds = ["page", "card"].map(|name| theme(named(name)));
        for token in TOKENS {
            let (against, least): (Vec<&str>, f64) = match token.kind {
                Kind::Text => (grounds.to_vec(), 4.5),
                Kind::Graphic => (grounds.to_vec(), 3.0),
                Kind::TextOn(ground) => (vec![theme(named(ground))], 4.5),
                Kind::Ground | Kind::Divider => continue,
            };
            for ground in against {
                let found = contrast(theme(token), ground);
                assert!(found >= least, "{} {} on {ground}: {found:.2}", token.name, theme(token));
            }
        }
    }
}

#[test]
fn every_figure_has_caption_summary_drawing_table_and_unit_and_nothing_that_a_policy_forbids() {
    for chart in charts() {
        let html = chart.figure(DE, "x", Details::Folded);
        for needed in [
            "<figcaption>",
            "class=\"summary\"",
            "<svg",
            "role=\"img\"",
            "<title",
            "<desc",
            "<table>",
            "<caption",
        ] {
            assert!(html.contains(needed), "{needed} is missing");
        }
        for forbidden in
            [" style=", " onclick", " onload", " on=", "javascript:", "<script", "http:", "https:"]
        {
            assert!(!html.contains(forbidden), "{forbidden} is there");
        }
        assert!(!html.contains('⟦'), "a message is missing");
        assert!(["kW", "kWh", "t)"].iter().any(|unit| html.contains(unit)), "no unit");
    }
}

#[test]
fn ids_of_the_wide_and_the_narrow_drawing_differ() {
    for chart in charts() {
        let mut ids: Vec<&str> =
            chart.svg.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}

#[test]
fn a_gap_breaks_the_line_and_is_told_and_is_no_zero() {
    let chart = line(&[Some(10.0), Some(20.0), None, Some(30.0), Some(40.0)]).chart(DE);
    let path =
        chart.svg.split("class=\"line s-total dash-total\" d=\"").last().unwrap().split('"').next().unwrap();
    assert_eq!(path.matches('M').count(), 2, "{path}");
    assert!(chart.svg.contains("class=\"gap\""));
    assert_eq!(chart.table.rows[2], ["2:00", "–"]);
    assert_eq!(
        chart.summary,
        "<Gesamt>: mindestens 10,0\u{202f}kW, höchstens 40,0\u{202f}kW, im Mittel 25,0\u{202f}kW. \
         1 von 5 Werten fehlen; sie sind als Lücke gezeichnet."
    );
    assert_eq!(chart.finding, "Leistung: höchstens 40,0\u{202f}kW (4:00)");
}

#[test]
fn a_chart_without_values_says_so() {
    for values in [vec![], vec![None, None], vec![Some(f64::NAN)]] {
        let chart = line(&values).chart(DE);
        assert_eq!(chart.finding, "Leistung: noch keine Werte");
        assert!(!chart.svg.contains("NaN"));
    }
}

#[test]
fn a_single_value_between_gaps_is_drawn_as_a_dot() {
    assert!(line(&[None, Some(1.0), None]).chart(DE).svg.contains("<circle"));
}

#[test]
fn bars_stack_their_parts_and_outline_what_no_part_explains() {
    let chart = bars().chart(DE);
    // Three bars: 2 parts and a rest of 10, a gap, 2 parts that explain all; drawn twice, wide and narrow.
    assert_eq!(chart.svg.matches("class=\"edge\"").count(), 8);
    assert_eq!(chart.svg.matches("class=\"budget\"").count(), 2);
    assert_eq!(chart.svg.matches("class=\"gap\"").count(), 2);
    assert_eq!(chart.table.columns, ["Monat", "IT (kWh)", "Kälte (kWh)", "Gesamt (kWh)"]);
    assert_eq!(chart.table.rows[1], ["Juni", "–", "–", "–"]);
    assert_eq!(
        chart.summary,
        "2 Monate mit Werten; am wenigsten im Juli mit 120\u{202f}kWh, am meisten im Mai mit 130\u{202f}kWh."
    );
}

#[test]
fn the_verdict_follows_the_path_and_is_silent_below_95_percent() {
    let verdict = |actual, percent| Verdict::of(actual, Some(mass(100)), covered(percent));
    assert_eq!(verdict(Some(mass(95)), 95), Verdict::OnCourse);
    assert_eq!(verdict(Some(mass(96)), 95), Verdict::Narrowly);
    assert_eq!(verdict(Some(mass(100)), 100), Verdict::Narrowly);
    assert_eq!(verdict(Some(mass(101)), 100), Verdict::OffCourse);
    assert_eq!(verdict(Some(mass(10)), 94), Verdict::NoStatement);
    assert_eq!(verdict(None, 100), Verdict::NoStatement);
    assert_eq!(Verdict::of(Some(mass(1)), None, covered(100)), Verdict::NoStatement);
    assert_eq!(Verdict::of(Some(mass(1)), Some(mass(2)), Coverage::default()), Verdict::NoStatement);
}

#[test]
fn the_bullet_says_its_verdict_in_words() {
    assert_eq!(
        bullet(Some(mass(80))).chart(DE).finding,
        "CO₂: 80,0\u{202f}t von bis jetzt erlaubten 100,0\u{202f}t, auf Kurs"
    );
    assert_eq!(
        bullet(Some(mass(110))).chart(Language::English).finding,
        "CO₂: 110.0\u{202f}t against 100.0\u{202f}t allowed so far, off course"
    );
    assert_eq!(bullet(None).chart(DE).finding, "CO₂: bisher –; zum Zielpfad ist keine Aussage möglich");
}

#[test]
fn text_from_outside_cannot_leave_its_place() {
    assert_eq!(escape("<a href='x'>\"&\u{1}"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\u{fffd}");
    let html = line(&[Some(1.0)]).chart(DE).figure(DE, "x", Details::Open);
    assert!(!html.contains("<Gesamt>") && html.contains("&lt;Gesamt&gt;"));
}

#[test]
fn columns_of_numbers_stand_right_and_columns_of_words_left() {
    let table = crate::Table {
        caption: "t".to_owned(),
        columns: ["a", "b", "c"].map(str::to_owned).to_vec(),
        rows: vec![
            ["x", "−1.234,5", "ja"].map(str::to_owned).to_vec(),
            ["y", "–", ""].map(str::to_owned).to_vec(),
        ],
    };
    let html = table.html("t");
    assert!(html.contains("<td class=\"n\">−1.234,5</td><td>ja</td>"), "{html}");
}

#[test]
fn the_style_sheet_has_every_token_for_both_themes() {
    for token in TOKENS {
        for colour in [token.light, token.dark] {
            assert!(style().contains(&format!("--{}:{colour};", token.name)));
        }
    }
}

proptest! {
    #[test]
    fn an_axis_holds_its_values_in_few_round_steps(greatest in 0.001f64..1e12) {
        let axis = Axis::up_to(greatest);
        prop_assert!(axis.top >= greatest * (1.0 - 1e-6));
        prop_assert!(axis.top <= greatest * 2.6);
        prop_assert!((2..=6).contains(&axis.ticks.len()), "{:?}", axis.ticks);
        prop_assert_eq!(axis.ticks[0].to_bits(), 0f64.to_bits());
    }

    #[test]
    fn no_value_makes_a_broken_drawing(values in proptest::collection::vec(proptest::option::of(any::<f64>()), 0..40)) {
        let svg = line(&values).chart(DE).svg;
        prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
