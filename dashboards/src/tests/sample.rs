//! Made-up facts of two sites, for tests and for looking at pages (`examples/render.rs`).

use super::dashboards::{
    AgentNow, Alarm, AlarmKind, CityOverview, Co2Progress, InletNow, Live, PointDays, PowerTrend,
    Provisional, PueNow, PueRolling, ReportArchive, ReportEntry, ReportFile, Severity, SiteOverview,
    SiteQuality,
};
use calendar::{Month, Zone};
use model::{CarbonMass, Celsius, Coverage, MeterPointId, Period, Power, Ratio, SiteId, Timestamp};

/// 22 November 2026, 15:04:20 in Frankfurt.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_356_260);

pub(crate) fn zone() -> Zone {
    Zone::new("Europe/Berlin").unwrap()
}

fn live<T>(value: T) -> Live<T> {
    Live { value: Some(value), at: Some(NOW.plus_millis(-20_000)), every_ms: 10_000 }
}

fn covered(expected: u32, measured: u32) -> Coverage {
    Coverage { expected, measured, substitute: 0, provisional: 0 }
}

/// A day and night rhythm; the quarters from `gap` on are missing for two hours.
fn trend(peak: f64, gap: usize) -> PowerTrend {
    let wave = |step: usize| 0.86 + 0.14 * ((step as f64 - 36.0) / 96.0 * std::f64::consts::TAU).sin();
    let line = |share: f64, ripple: f64| {
        let power = |step: usize| {
            let noise = ((step * 7919) % 13) as f64 / 13.0 * ripple;
            Some(Power::from_watts(peak * share * wave(step) * (1.0 + noise)))
                .filter(|_| !(gap..gap + 8).contains(&step))
        };
        (0..96).map(power).collect()
    };
    PowerTrend {
        from: Timestamp::from_seconds(1_795_356_000 - 86_400 - 900),
        step_ms: 900_000,
        total: line(1.0, 0.03),
        it: line(0.68, 0.01),
        cooling: line(0.22, 0.09),
    }
}

fn progress(days: i64, kilograms: [i64; 3], coverage: Coverage) -> Co2Progress {
    let mass = |kilograms: i64| Some(CarbonMass::from_milligrams(kilograms * 1_000_000));
    Co2Progress {
        period: Period::new(NOW.plus_millis(-days * 86_400_000), NOW),
        actual: mass(kilograms[0]),
        allowed: mass(kilograms[1]),
        budget: mass(kilograms[2]),
        coverage,
        factor: "uba-strommix@2025-03".to_owned(),
        factor_year: 2024,
        factor_provisional: Provisional::Yes,
    }
}

/// A site in good order.
pub(crate) fn nord() -> SiteOverview {
    SiteOverview {
        site: SiteId::new("rz-nord").unwrap(),
        name: "RZ Nord".to_owned(),
        zone: zone(),
        server_time: NOW,
        interval_ms: 10_000,
        power_total: live(Power::from_watts(153_400.0)),
        power_it: live(Power::from_watts(104_630.0)),
        power_cooling: live(Power::from_watts(33_810.0)),
        pue_now: PueNow { live: live(Ratio::new(1.4662)), category: Some(2), withheld: None },
        pue_rolling: Some(PueRolling {
            value: Some(Ratio::new(1.513)),
            category: 2,
            months: 12,
            coverage: covered(35_040, 34_800),
            withheld: None,
        }),
        coverage_today: covered(360, 359),
        co2_month: Some(progress(21, [27_300, 29_900, 41_200], covered(12_000, 11_950))),
        co2_year: Some(progress(325, [412_400, 431_800, 484_100], covered(187_200, 186_900))),
        inlet: Some(InletNow {
            live: live(Celsius::from_degrees(24.3)),
            place: "Rack A07".to_owned(),
            limit: Celsius::from_degrees(27.0),
        }),
        power_24h: trend(153_000.0, 40),
        alarms: Vec::new(),
        alarm_rules: 14,
        alarms_checked: Some(NOW.plus_millis(-15_000)),
        devices: 24,
        devices_silent: 0,
        agents: vec![AgentNow { agent: "agent-nord".to_owned(), last_seen: Some(NOW.plus_millis(-4_000)) }],
    }
}

/// A site in trouble.
pub(crate) fn sued() -> SiteOverview {
    let old = |value| Live { value: Some(value), at: Some(NOW.plus_millis(-95_000)), every_ms: 10_000 };
    let alarm = |id: &str, severity, kind, object: &str, minutes: i64| Alarm {
        id: id.to_owned(),
        severity,
        kind,
        object: object.to_owned(),
        since: NOW.plus_millis(-minutes * 60_000),
    };
    SiteOverview {
        site: SiteId::new("rz-sued").unwrap(),
        name: "RZ Süd".to_owned(),
        power_total: old(Power::from_watts(98_760.0)),
        power_it: old(Power::from_watts(68_200.0)),
        power_cooling: Live::never(10_000),
        pue_now: PueNow { live: Live::never(10_000), category: Some(2), withheld: Some("stale".to_owned()) },
        pue_rolling: Some(PueRolling {
            value: None,
            category: 2,
            months: 3,
            coverage: covered(8_640, 7_800),
            withheld: Some("low_coverage".to_owned()),
        }),
        coverage_today: covered(360, 301),
        co2_month: Some(progress(21, [18_100, 16_900, 23_400], covered(12_000, 11_900))),
        co2_year: Some(progress(325, [261_000, 255_300, 290_000], covered(187_200, 160_100))),
        inlet: Some(InletNow {
            live: live(Celsius::from_degrees(28.6)),
            place: "Rack B02".to_owned(),
            limit: Celsius::from_degrees(27.0),
        }),
        power_24h: trend(99_000.0, 60),
        alarms: vec![
            alarm(
                "inlet-b02",
                Severity::Critical,
                AlarmKind::InletLimit {
                    value: Celsius::from_degrees(28.6),
                    limit: Celsius::from_degrees(27.0),
                },
                "Rack B02",
                34,
            ),
            alarm("silent-crac-2", Severity::Warning, AlarmKind::DeviceSilent, "crac-2", 132),
            alarm(
                "coverage",
                Severity::Warning,
                AlarmKind::LowCoverage { coverage: covered(360, 301), limit_percent: 95 },
                "ups-out",
                420,
            ),
        ],
        devices: 17,
        devices_silent: 1,
        agents: vec![AgentNow { agent: "agent-sued".to_owned(), last_seen: Some(NOW.plus_millis(-95_000)) }],
        ..nord()
    }
}

/// Both.
pub(crate) fn city() -> CityOverview {
    CityOverview {
        city: "Frankfurt am Main".to_owned(),
        zone: zone(),
        server_time: NOW,
        sites: vec![nord(), sued()],
        latest_report: archive().reports.into_iter().next(),
    }
}

/// Three reports.
pub(crate) fn archive() -> ReportArchive {
    let entry = |id: &str, scope: &str, month: u8, preliminary| ReportEntry {
        id: id.to_owned(),
        scope: scope.to_owned(),
        month: Month::new(2026, month).unwrap(),
        revision: 1,
        preliminary,
        created: NOW.plus_millis(-i64::from(12 - month) * 86_400_000 * 20),
        coverage: covered(2_980, 2_941),
        sha256: "3f7a90c1e2b4".repeat(5) + "3f7a",
        files: [("html", Some("de")), ("html", Some("en")), ("csv", None), ("json", None)]
            .map(|(format, language)| ReportFile {
                format: format.to_owned(),
                language: language.map(str::to_owned),
                href: match language {
                    Some(language) => format!("/reports/{id}.{language}.{format}"),
                    None => format!("/reports/{id}.{format}"),
                },
            })
            .to_vec(),
    };
    ReportArchive {
        zone: zone(),
        server_time: NOW,
        reports: vec![
            entry("frankfurt-2026-11-r1", "alle Standorte", 11, Provisional::Yes),
            entry("frankfurt-2026-10-r1", "alle Standorte", 10, Provisional::No),
            entry("rz-nord-2026-10-r1", "RZ Nord", 10, Provisional::No),
        ],
    }
}

/// A month up to the 22nd with a gap, a substituted day and a missing one.
pub(crate) fn quality() -> SiteQuality {
    let day = |point: usize, day: usize| match (point, day) {
        (_, 22..) => None,
        (1, 8) => Some(covered(96, 61)),
        (1, 9) => Some(covered(96, 0)),
        (2, 14) => Some(Coverage { expected: 96, measured: 90, substitute: 6, provisional: 0 }),
        _ => Some(covered(96, 96)),
    };
    let point = |(place, (id, role)): (usize, &(&str, &str))| PointDays {
        point: MeterPointId::new(id).unwrap(),
        role: (*role).to_owned(),
        days: (0..30).map(|n| day(place, n)).collect(),
    };
    let points = [("grid", "MP_EVU"), ("ups-out", "MP_IT1"), ("pdu-out", "MP_IT2"), ("cooling", "MP_KS")];
    SiteQuality {
        site: SiteId::new("rz-nord").unwrap(),
        name: "RZ Nord".to_owned(),
        zone: zone(),
        server_time: NOW,
        month: Month::new(2026, 11).unwrap(),
        earlier: Some(Month::new(2026, 10).unwrap()),
        later: None,
        points: points.iter().enumerate().map(point).collect(),
    }
}
