use std::collections::BTreeSet;

use calendar::{Month, Zone};
use model::{CarbonMass, Celsius, Coverage, Decimal, Energy, Period, Power, Timestamp};
use proptest::prelude::*;

use crate::{Change, Fixed, Language, keys};

const DE: Language = Language::German;
const EN: Language = Language::English;

#[test]
fn numbers_print_as_cldr_has_them_for_german_and_english() {
    // Expected texts written by hand after CLDR `decimalFormats` of de and en-GB; minus is U+2212.
    for (value, decimals, german, english) in [
        (0.0, 0, "0", "0"),
        (7.0, 2, "7,00", "7.00"),
        (999.0, 0, "999", "999"),
        (1000.0, 0, "1.000", "1,000"),
        (1_234_567.89, 2, "1.234.567,89", "1,234,567.89"),
        (-1_234.5, 1, "−1.234,5", "−1,234.5"),
        (0.005, 2, "0,01", "0.01"),
        (-0.005, 2, "−0,01", "−0.01"),
        (1.005, 2, "1,01", "1.01"),
        (2.5, 0, "3", "3"),
        (-2.5, 0, "−3", "−3"),
        (0.449_999, 1, "0,4", "0.4"),
        (-0.004, 2, "0,00", "0.00"),
        (123_456_789_012.0, 0, "123.456.789.012", "123,456,789,012"),
    ] {
        let fixed = Fixed::from_f64(value, decimals).unwrap();
        assert_eq!(DE.number(fixed), german, "{value}");
        assert_eq!(EN.number(fixed), english, "{value}");
    }
}

#[test]
fn a_number_that_is_none_or_does_not_fit_has_no_text() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e18, -1e300] {
        assert_eq!(Fixed::from_f64(value, 2), None, "{value}");
    }
    assert_eq!(Fixed::from_decimal(Decimal::new(1, 18), 0), None);
    assert_eq!(Fixed::from_f64(1e-300, 2).map(Fixed::plain), Some("0.00".to_owned()));
}

#[test]
fn files_get_a_plain_number_and_people_a_grouped_one() {
    let value = Fixed::from_scaled(-1_234_567_895, 3, 2);
    assert_eq!(value.plain(), "-1234567.90");
    assert_eq!(value.plain_comma(), "-1234567,90");
    assert_eq!(DE.number(value), "−1.234.567,90");
}

#[test]
fn amounts_show_the_decimals_of_their_unit_after_a_narrow_space() {
    // Half of a kWh is 500,000 mWh; 66,349,999 g are 66.349999 t.
    assert_eq!(DE.energy(Energy::from_milliwatt_hours(182_400_500_000)), "182.401\u{202f}kWh");
    assert_eq!(EN.energy(Energy::from_milliwatt_hours(182_400_499_999)), "182,400\u{202f}kWh");
    assert_eq!(DE.tonnes(CarbonMass::from_milligrams(66_349_999_999)), "66,3\u{202f}t");
    assert_eq!(EN.tonnes(CarbonMass::from_milligrams(66_350_000_000)), "66.4\u{202f}t");
    for (watts, text) in [(9_994.0, "9,99"), (12_345.0, "12,3"), (142_499.0, "142"), (0.0, "0,00")] {
        assert_eq!(DE.number(Fixed::kilowatts(Power::from_watts(watts)).unwrap()), text);
    }
    assert_eq!(DE.optional(Fixed::degrees(Celsius::from_degrees(-3.25)), "°C"), "−3,3\u{202f}°C");
    assert_eq!(DE.optional(None, "kW"), "–");
}

#[test]
fn coverage_is_cut_so_that_a_hundred_percent_means_all() {
    let coverage = |measured| Coverage { expected: 35_040, measured, substitute: 0, provisional: 0 };
    let shown = |measured| Fixed::coverage(coverage(measured)).unwrap().plain();
    assert_eq!(shown(35_040), "100.0");
    assert_eq!(shown(35_039), "99.9");
    assert_eq!(shown(0), "0.0");
    assert_eq!(Fixed::coverage(Coverage::default()), None);
}

#[test]
fn a_change_below_half_a_percent_is_about_the_same() {
    let kind = |now, before| Change::between(Some(now), Some(before));
    assert_eq!(kind(1_004, 1_000), Change::Same);
    assert_eq!(kind(996, 1_000), Change::Same);
    assert_eq!(kind(1_005, 1_000), Change::Up(Fixed::from_f64(0.5, 1).unwrap()));
    assert_eq!(kind(995, 1_000), Change::Down(Fixed::from_f64(0.5, 1).unwrap()));
    assert_eq!(kind(2_000, 1_000), Change::Up(Fixed::from_f64(100.0, 1).unwrap()));
    assert_eq!(kind(5, 0), Change::Unknown);
    assert_eq!(Change::between(None, Some(1)), Change::Unknown);
    assert_eq!(Change::between(Some(1), None), Change::Unknown);
}

#[test]
fn dates_follow_the_site_and_not_the_server() {
    let zone = Zone::new("Europe/Berlin").unwrap();
    // `date -u -d '2026-11-22T14:04:00Z' +%s` = 1795356240.
    let at = Timestamp::from_seconds(1_795_356_240);
    assert_eq!(DE.date_time(&zone, at), "22.11.2026, 15:04 Uhr");
    assert_eq!(EN.date_time(&zone, at), "22 Nov 2026, 15:04");
    assert_eq!(DE.month(Month::new(2026, 3).unwrap()), "März 2026");
    assert_eq!(EN.month(Month::new(2026, 10).unwrap()), "October 2026");
    let later = Period::new(at, at.plus_millis(3_600_000));
    assert_eq!(DE.stretch(&zone, later), "22.11.2026, 15:04–16:04 Uhr");
    assert_eq!(EN.stretch(&zone, later), "22 Nov 2026, 15:04–16:04");
    let days = Period::new(at, at.plus_millis(86_400_000));
    assert_eq!(EN.stretch(&zone, days), "22 Nov 2026, 15:04 – 23 Nov 2026, 15:04");
}

#[test]
fn the_doubled_hour_of_autumn_says_which_one_it_is() {
    let zone = Zone::new("Europe/Berlin").unwrap();
    // 2026-10-25T00:15Z is 2:15 summer time, one hour later 2:15 standard time.
    let first = Timestamp::from_seconds(1_792_887_300);
    assert_eq!(EN.time_of(&zone, first), "2A:15");
    assert_eq!(EN.time_of(&zone, first.plus_millis(3_600_000)), "2B:15");
}

#[test]
fn spans_are_said_in_at_most_two_units() {
    let minute = 60_000;
    for (millis, text) in [
        (-5, "0 s"),
        (45_999, "45 s"),
        (14 * minute, "14 min"),
        (375 * minute, "6 h 15 min"),
        (360 * minute, "6 h"),
        (76 * 60 * minute, "3 d 4 h"),
    ] {
        assert_eq!(EN.span(millis).replace('\u{202f}', " "), text);
    }
    assert_eq!(DE.span(48 * 60 * minute).replace('\u{202f}', " "), "2 Tg.");
}

#[test]
fn both_languages_have_the_same_keys_and_placeholders() {
    assert_eq!(keys(DE), keys(EN), "same keys in the same order");
    let unique: BTreeSet<_> = keys(DE).into_iter().collect();
    assert_eq!(unique.len(), keys(DE).len(), "a key stands twice");
    for key in keys(DE) {
        assert!(DE.has(key) && EN.has(key), "{key} was not understood");
        assert_eq!(placeholders(DE, key), placeholders(EN, key), "{key}");
    }
}

/// Names after `$` between this key and the next one.
fn placeholders(language: Language, key: &str) -> BTreeSet<String> {
    let text = crate::message::source(language);
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&format!("{key} =")));
    let first = lines.next().unwrap_or_default().to_owned();
    let rest = lines.take_while(|line| line.starts_with(' '));
    let body = rest.fold(first, |body, line| body + "\n" + line);
    body.split('$')
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect())
        .collect()
}

#[test]
fn counts_choose_the_plural_and_are_grouped() {
    let silent = |n: u64| DE.say("site-devices", &[("all", 1200u64.into()), ("silent", n.into())]);
    assert_eq!(silent(0), "Alle 1.200 Geräte melden sich.");
    assert_eq!(silent(1), "Eines von 1.200 Geräten schweigt.");
    assert_eq!(silent(3), "3 von 1.200 Geräten schweigen.");
}

#[test]
fn a_message_that_is_missing_or_lacks_an_argument_shows_its_key() {
    assert_eq!(DE.text("no-such-key"), "⟦no-such-key⟧");
    assert_eq!(DE.text("city-lead"), "⟦city-lead⟧");
}

#[test]
fn a_placeholder_is_never_read_as_a_message() {
    assert_eq!(EN.say("city-lead", &[("at", "{ $x } <b>".into())]), "As of { $x } <b>");
}

#[test]
fn the_language_comes_from_query_then_cookie_then_header_then_german() {
    assert_eq!(Language::negotiate(Some("en"), Some("de"), None), EN);
    assert_eq!(Language::negotiate(Some("xx"), Some("en"), None), EN);
    assert_eq!(Language::negotiate(None, None, Some("fr-FR, en-GB;q=0.8, de;q=0.5")), EN);
    assert_eq!(Language::negotiate(None, None, Some("fr")), DE);
    assert_eq!(Language::negotiate(None, None, None), DE);
}

proptest! {
    #[test]
    fn grouping_never_changes_the_digits(value in any::<i64>(), scale in 0u8..=18, decimals in 0u8..=9) {
        let fixed = Fixed::from_scaled(value, scale, decimals);
        let grouped = DE.number(fixed);
        prop_assert_eq!(grouped.replace('.', "").replace(',', ".").replace('\u{2212}', "-"), fixed.plain());
        for group in grouped.trim_start_matches('\u{2212}').split(',').next().unwrap().split('.').skip(1) {
            prop_assert_eq!(group.len(), 3);
        }
    }

    #[test]
    fn rounding_is_never_off_by_more_than_half_a_unit(value in -1_000_000_000_000i64..1_000_000_000_000, decimals in 0u8..=6) {
        let shown: f64 = Fixed::from_scaled(value, 6, decimals).plain().parse().unwrap();
        let exact = value as f64 / 1e6;
        prop_assert!((shown - exact).abs() <= 0.5 * 10f64.powi(-i32::from(decimals)) * (1.0 + 1e-6) + 1e-6);
    }

    #[test]
    fn a_float_and_its_exact_decimal_are_rounded_alike(mantissa in -999_999_999i64..999_999_999, decimals in 0u8..=4) {
        let exact = Fixed::from_decimal(Decimal::new(mantissa, -4), decimals);
        prop_assert_eq!(Fixed::from_f64(mantissa as f64 / 1e4, decimals), exact);
    }
}
