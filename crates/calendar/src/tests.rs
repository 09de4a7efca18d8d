//! Days that the clock change makes short or long, and texts that must not be guessed at.

use model::{Energy, Period, Timestamp};
use proptest::prelude::*;

use super::*;

fn berlin() -> Zone {
    Zone::new("Europe/Berlin").unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn v10_days_of_the_clock_change_have_92_and_100_quarters_and_the_others_96() {
    // Facts V10: UTC bounds and counts as published there; a constant load of 400 kW makes 100 kWh a quarter.
    let zone = berlin();
    for (day, quarters, from, to, kwh) in [
        ("2026-03-29", 92, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 9_200),
        ("2026-06-10", 96, "2026-06-09T22:00:00Z", "2026-06-10T22:00:00Z", 9_600),
        ("2026-10-25", 100, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 10_000),
    ] {
        let period = zone.day(date(day));
        assert_eq!(zone.quarters_of_day(date(day)), quarters, "{day}");
        assert_eq!(period.to_string(), format!("{from}/{to}"));
        let energy: Energy = period.quarters().map(|_| Energy::from_kilowatt_hours(100)).sum();
        assert_eq!(energy, Energy::from_kilowatt_hours(kwh), "{day}");
    }
    assert_eq!(zone.month("2026-03".parse().unwrap()).quarter_count(), 2_972);
    assert_eq!(zone.month("2026-10".parse().unwrap()).quarter_count(), 2_980);
    assert_eq!(zone.year(Year::new(2026).unwrap()).quarter_count(), 35_040);
    assert_eq!(zone.year(Year::new(2028).unwrap()).quarter_count(), 35_136);
}

#[test]
fn the_clock_changes_on_the_sundays_that_the_law_names() {
    let zone = berlin();
    for (spring, autumn) in [
        ("2026-03-29", "2026-10-25"),
        ("2027-03-28", "2027-10-31"),
        ("2028-03-26", "2028-10-29"),
        ("2029-03-25", "2029-10-28"),
        ("2030-03-31", "2030-10-27"),
    ] {
        assert_eq!((zone.quarters_of_day(date(spring)), zone.quarters_of_day(date(autumn))), (92, 100));
        assert_eq!((date(spring).weekday(), date(autumn).weekday()), (7, 7));
    }
}

#[test]
fn the_doubled_hour_is_labelled_2a_and_2b() {
    let zone = berlin();
    for (utc, label, text) in [
        ("2026-10-24T23:45:00Z", "01:45", "2026-10-25T01:45:00+02:00"),
        ("2026-10-25T00:15:00Z", "2A:15", "2026-10-25T02:15:00+02:00"),
        ("2026-10-25T01:15:00Z", "2B:15", "2026-10-25T02:15:00+01:00"),
        ("2026-10-25T02:00:00Z", "03:00", "2026-10-25T03:00:00+01:00"),
        ("2026-03-29T01:00:00Z", "03:00", "2026-03-29T03:00:00+02:00"),
    ] {
        let local = zone.local(instant_from_rfc3339(utc).unwrap());
        assert_eq!((local.time_label().as_str(), local.to_string().as_str()), (label, text));
    }
}

#[test]
fn a_local_time_that_exists_twice_or_never_is_not_guessed() {
    let zone = berlin();
    let autumn = date("2026-10-25");
    let at = |mark| zone.instant(autumn, 2, 30, mark).map(|instant| instant.to_string());
    assert_eq!(at(HourMark::A).unwrap(), "2026-10-25T00:30:00Z");
    assert_eq!(at(HourMark::B).unwrap(), "2026-10-25T01:30:00Z");
    assert!(matches!(at(HourMark::Only), Err(LocalTimeError::Twice { .. })));
    let spring = zone.instant(date("2026-03-29"), 2, 30, HourMark::Only);
    assert!(matches!(spring, Err(LocalTimeError::Skipped { .. })));
    assert!(matches!(zone.instant(autumn, 12, 0, HourMark::A), Err(LocalTimeError::Once { .. })));
    assert!(matches!(zone.instant(autumn, 24, 0, HourMark::Only), Err(LocalTimeError::NoTime { .. })));
}

#[test]
fn a_span_is_read_from_local_dates_or_from_instants_with_offset() {
    let zone = berlin();
    let march = zone.parse_span("2026-03-01", "2026-04-01").unwrap();
    assert_eq!(march, zone.month("2026-03".parse().unwrap()));
    assert_eq!(zone.as_month(march), Some("2026-03".parse().unwrap()));
    let same = zone.parse_span("2026-03-01T00:00:00+01:00", "2026-03-31T22:00:00Z").unwrap();
    assert_eq!(same, march);
    for (from, to) in [
        ("2026-03-01", "2026-03-01"),
        ("2026-03-02", "2026-03-01"),
        ("2026-03-01T00:00:00", "2026-04-01"),
        ("01.03.2026", "2026-04-01"),
        ("2026-02-30", "2026-04-01"),
        ("9999-01-01", "2026-04-01"),
        ("", ""),
        ("2026-03-01T00:00:00+01:00[Europe/Berlin]", "2026-04-01"),
    ] {
        assert!(zone.parse_span(from, to).is_err(), "{from:?} to {to:?} was taken");
    }
}

#[test]
fn months_know_their_neighbours_and_the_same_month_a_year_before() {
    let january: Month = "2026-01".parse().unwrap();
    assert_eq!(january.previous().to_string(), "2025-12");
    assert_eq!(january.year_before().to_string(), "2025-01");
    assert_eq!("2024-02".parse::<Month>().unwrap().last_day().to_string(), "2024-02-29");
    assert_eq!(Year::new(2026).unwrap().months().count(), 12);
    for bad in ["2026-13", "2026-1", "26-01", "2026", "2026-01-01", "+026-01"] {
        assert!(bad.parse::<Month>().is_err(), "{bad:?} was taken");
    }
}

#[test]
fn a_span_is_cut_into_local_months_and_only_whole_ones_count() {
    let zone = berlin();
    let span = zone.parse_span("2026-01-15", "2026-04-01").unwrap();
    let months = zone.months_in(span);
    assert_eq!(
        months.iter().map(|(month, _)| month.to_string()).collect::<Vec<_>>(),
        ["2026-01", "2026-02", "2026-03"]
    );
    assert_eq!(months[0].1.from, span.from);
    assert_eq!(zone.whole_months(span), 2);
    assert_eq!(zone.whole_months(zone.year(Year::new(2026).unwrap())), 12);
}

#[test]
fn a_zone_is_known_by_its_iana_name_only() {
    assert!(
        Zone::new("Europe/Atlantis")
            .unwrap_err()
            .to_string()
            .starts_with("`Europe/Atlantis` is no time zone")
    );
    let json = serde_json::to_string(&(berlin(), date("2026-01-31"))).unwrap();
    assert_eq!(json, r#"["Europe/Berlin","2026-01-31"]"#);
}

#[test]
fn an_instant_beyond_the_calendar_counts_as_its_edge() {
    let zone = berlin();
    assert_eq!(zone.date_of(Timestamp::MAX).to_string(), "2199-12-31");
    assert_eq!(zone.date_of(Timestamp::MIN).to_string(), "1900-01-01");
    assert!(zone.days_in(Period::new(Timestamp::MAX, Timestamp::MAX)).is_empty());
    assert_eq!(zone.years_in(Period::new(Timestamp::MIN, Timestamp::MAX)).len(), 300);
}

proptest! {
    #[test]
    fn days_follow_each_other_and_fill_a_span_exactly(start in 0i64..4_000_000_000, hours in 1i64..5_000) {
        let zone = berlin();
        let from = Timestamp::from_seconds(start);
        let span = Period::new(from, from.plus_millis(hours * 3_600_000));
        let days = zone.days_in(span);
        prop_assert_eq!(days.first().map(|(_, part)| part.from), Some(span.from));
        prop_assert_eq!(days.last().map(|(_, part)| part.to), Some(span.to));
        for pair in days.windows(2) {
            prop_assert_eq!(pair[0].1.to, pair[1].1.from);
            prop_assert_eq!(pair[0].0.next(), pair[1].0);
        }
    }

    #[test]
    fn what_a_local_time_prints_reads_back_as_the_instant(seconds in 0i64..6_000_000_000) {
        let zone = berlin();
        let instant = Timestamp::from_seconds(seconds);
        let local = zone.local(instant);
        prop_assert_eq!(instant_from_rfc3339(&local.to_string()).unwrap(), instant);
        let whole = Timestamp::from_seconds(seconds - seconds % 60);
        let local = zone.local(whole);
        prop_assert_eq!(zone.instant(local.date, local.hour, local.minute, local.mark), Ok(whole));
    }
}
