//! Notifications in words. Names and meanings: SNMPv2-MIB (RFC 3418), UPS-MIB (RFC 1628), ENTITY-MIB (RFC 6933),
//! PowerNet-MIB of APC (traps 1 to 11 of 1.3.6.1.4.1.318), NET-SNMP-AGENT-MIB. All others are told by their numbers.

use std::fmt::Write as _;

use model::{Decimal, EventKind, Raw, Severity};
use profile::snmp::{Condition, Measured, Scalar, SnmpProfile, SnmpReading, TableReading, VarBinds};
use profile::{Oid, SnmpValue};

use super::notification::Notification;

/// Objects that are written out.
const OBJECTS_MAX: usize = 8;
/// Characters of one value that are written out.
const VALUE_CHARS_MAX: usize = 80;
/// Characters of a text (`model::Event`).
const TEXT_CHARS_MAX: usize = 500;
/// SNMP-COMMUNITY-MIB (RFC 3584): what a proxy adds, the community among it, which is a secret.
const PROXIED: [u32; 8] = [1, 3, 6, 1, 6, 3, 18, 1];
/// Who defined a trap of v1 (RFC 3584): its name begins with it anyway.
const ENTERPRISE: [u32; 11] = [1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0];
/// upsAlarmDescr: which alarm an entry stands for.
const ALARM_DESCR: [u32; 11] = [1, 3, 6, 1, 2, 1, 33, 1, 6, 2, 1];

/// A notification as an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// Short, the same for all of a kind.
    pub title: String,
    pub kind: EventKind,
    pub severity: Severity,
    /// All in one line.
    pub text: String,
}

/// Name, meaning, severity.
type Known = (&'static str, &'static str, Severity);

/// A notification in words; `profile` is the one by which its sender is read.
pub(super) fn words(notification: &Notification, profile: Option<&SnmpProfile>) -> Words {
    let arcs = notification.name.arcs();
    let known = known(arcs);
    let title = known.map_or_else(|| notification.name.to_string(), |(name, _, _)| name.to_owned());
    let mut severity = known.map_or(Severity::Warning, |(_, _, severity)| severity);
    let mut text = title.clone();
    let meaning = match (arcs, alarm(notification)) {
        // An alarm of a UPS comes or goes: which one it is says how bad that is.
        ([1, 3, 6, 1, 2, 1, 33, 2, 3], Some((name, meaning, of_alarm))) => {
            severity = of_alarm;
            Some(format!("{name}, {meaning}"))
        }
        ([1, 3, 6, 1, 2, 1, 33, 2, 4], Some((name, _, _))) => Some(format!("{name} is over")),
        _ => known.map(|(_, meaning, _)| meaning.to_owned()),
    };
    if let Some(meaning) = meaning {
        text.extend([": ", &meaning]);
    }
    let objects = objects(notification);
    if !objects.is_empty() {
        text.extend([" (", &objects, ")"]);
    }
    if let Some(ticks) = notification.uptime {
        text.extend([", up for ", &uptime(ticks)]);
    }
    let readings = profile.map(|profile| readings(notification, profile)).unwrap_or_default();
    if !readings.is_empty() {
        text.extend(["; ", &readings]);
    }
    let restarted = matches!(arcs, [1, 3, 6, 1, 6, 3, 1, 1, 5, 1 | 2]);
    let kind = if restarted { EventKind::DeviceRestarted } else { EventKind::Notification };
    Words { title, kind, severity, text: text.chars().take(TEXT_CHARS_MAX).collect() }
}

fn known(arcs: &[u32]) -> Option<Known> {
    match arcs {
        [1, 3, 6, 1, 6, 3, 1, 1, 5, n] => standard(*n),
        [1, 3, 6, 1, 2, 1, 33, 2, n] => ups(*n),
        [1, 3, 6, 1, 4, 1, 318, 0, n] => apc(*n),
        [1, 3, 6, 1, 2, 1, 47, 2, 0, 1] => {
            Some(("entConfigChange", "a part was added, removed or renumbered", Severity::Info))
        }
        [1, 3, 6, 1, 4, 1, 8072, 4, 0, 2] => {
            Some(("nsNotifyShutdown", "its SNMP agent stops", Severity::Info))
        }
        [1, 3, 6, 1, 4, 1, 8072, 4, 0, 3] => {
            Some(("nsNotifyRestart", "its SNMP agent was started anew", Severity::Info))
        }
        _ => None,
    }
}

fn standard(n: u32) -> Option<Known> {
    Some(match n {
        1 => ("coldStart", "it was started, its settings may be others than before", Severity::Warning),
        2 => ("warmStart", "it was started anew with the same settings", Severity::Info),
        3 => ("linkDown", "a network link went down", Severity::Warning),
        4 => ("linkUp", "a network link is up", Severity::Info),
        5 => ("authenticationFailure", "somebody asked it with wrong credentials", Severity::Warning),
        6 => ("egpNeighborLoss", "a neighbour of EGP is lost", Severity::Warning),
        _ => return None,
    })
}

fn ups(n: u32) -> Option<Known> {
    Some(match n {
        1 => ("upsTrapOnBattery", "the UPS runs on its battery", Severity::Critical),
        2 => ("upsTrapTestCompleted", "a test of the UPS has ended", Severity::Info),
        3 => ("upsTrapAlarmEntryAdded", "an alarm has come", Severity::Warning),
        4 => ("upsTrapAlarmEntryRemoved", "an alarm is over", Severity::Info),
        _ => return None,
    })
}

fn apc(n: u32) -> Option<Known> {
    Some(match n {
        1 => ("communicationLost", "its card has lost the UPS", Severity::Critical),
        2 => ("upsOverload", "the load is more than the UPS can carry", Severity::Critical),
        3 => ("upsDiagnosticsFailed", "the UPS has failed its self-test", Severity::Critical),
        4 => ("upsDischarged", "the battery is discharged", Severity::Critical),
        5 => ("upsOnBattery", "the UPS runs on its battery", Severity::Critical),
        6 => ("smartBoostOn", "the UPS raises a low mains voltage", Severity::Warning),
        7 => ("lowBattery", "the battery is low and will soon be empty", Severity::Critical),
        8 => ("communicationEstablished", "its card has found the UPS", Severity::Info),
        9 => ("powerRestored", "the mains is back", Severity::Info),
        10 => ("upsDiagnosticsPassed", "the UPS has passed its self-test", Severity::Info),
        11 => ("returnFromLowBattery", "the battery is no longer low", Severity::Info),
        _ => return None,
    })
}

/// The alarm of UPS-MIB that an entry stands for.
fn alarm(notification: &Notification) -> Option<Known> {
    let mut descriptions =
        notification.objects.iter().filter(|(oid, _)| oid.arcs().starts_with(&ALARM_DESCR));
    let is_descr = |oid: &Oid| oid.arcs().get(ALARM_DESCR.len()) == Some(&2);
    let (_, SnmpValue::Oid(which)) = descriptions.find(|(oid, _)| is_descr(oid))? else { return None };
    well_known_alarm(which)
}

/// upsWellKnownAlarms (RFC 1628, upsAlarm 3).
fn well_known_alarm(which: &Oid) -> Option<Known> {
    use Severity::{Critical, Info, Warning};
    let [1, 3, 6, 1, 2, 1, 33, 1, 6, 3, n] = which.arcs() else { return None };
    Some(match n {
        1 => ("upsAlarmBatteryBad", "a battery has to be replaced", Critical),
        2 => ("upsAlarmOnBattery", "the UPS runs on its battery", Critical),
        3 => ("upsAlarmLowBattery", "the battery is low", Critical),
        4 => {
            ("upsAlarmDepletedBattery", "the battery could not carry the load if the mains failed", Critical)
        }
        5 => ("upsAlarmTempBad", "a temperature is out of range", Warning),
        6 => ("upsAlarmInputBad", "the input is out of range", Warning),
        7 => ("upsAlarmOutputBad", "the output is out of range", Critical),
        8 => ("upsAlarmOutputOverload", "the load is more than the UPS can carry", Critical),
        9 => ("upsAlarmOnBypass", "the load is on the bypass", Warning),
        10 => ("upsAlarmBypassBad", "the bypass is out of range", Warning),
        11 => ("upsAlarmOutputOffAsRequested", "the output was switched off as asked for", Warning),
        12 => ("upsAlarmUpsOffAsRequested", "the UPS was switched off as asked for", Warning),
        13 => ("upsAlarmChargerFailed", "the charger has failed", Critical),
        14 => ("upsAlarmUpsOutputOff", "the output is off", Critical),
        15 => ("upsAlarmUpsSystemOff", "the UPS is off", Critical),
        16 => ("upsAlarmFanFailure", "a fan has failed", Warning),
        17 => ("upsAlarmFuseFailure", "a fuse has blown", Critical),
        18 => ("upsAlarmGeneralFault", "the UPS has a fault", Critical),
        19 => ("upsAlarmDiagnosticTestFailed", "a test has failed", Warning),
        20 => ("upsAlarmCommunicationsLost", "the SNMP agent has lost the UPS", Critical),
        21 => ("upsAlarmAwaitingPower", "the output is off until the mains is back", Warning),
        22 => ("upsAlarmShutdownPending", "the UPS will be switched off after a delay", Critical),
        23 => ("upsAlarmShutdownImminent", "the UPS will be switched off within five seconds", Critical),
        24 => ("upsAlarmTestInProgress", "a test is running", Info),
        _ => return None,
    })
}

/// `ifIndex.3 = 3, ...`.
fn objects(notification: &Notification) -> String {
    let told = |(oid, _): &&(Oid, SnmpValue)| !oid.arcs().starts_with(&PROXIED) && oid.arcs() != ENTERPRISE;
    let told: Vec<_> = notification.objects.iter().filter(told).collect();
    let one = |(oid, value): &&(Oid, SnmpValue)| format!("{} = {}", object_name(oid), value_text(value));
    let mut texts: Vec<String> = told.iter().take(OBJECTS_MAX).map(one).collect();
    if told.len() > OBJECTS_MAX {
        texts.push(format!("{} more", told.len() - OBJECTS_MAX));
    }
    texts.join(", ")
}

/// `battery_runtime battery 1500 s`, of objects whose meaning the profile knows without looking at other objects, which a
/// notification seldom brings along.
fn readings(notification: &Notification, profile: &SnmpProfile) -> String {
    let mut plain: VarBinds = notification.objects.iter().cloned().collect();
    plain.retain(|oid, _| is_plain(oid, profile));
    let one = |reading: SnmpReading| {
        let (shape, Ok(Raw::Integer(raw))) = (reading.shape, reading.raw) else { return None };
        let value = Decimal::new(raw, shape.exponent);
        Some(format!("{} {} {value} {}", shape.quantity, shape.channel, shape.quantity.unit()))
    };
    let texts: Vec<String> = profile.rows(&plain).into_iter().filter_map(one).take(OBJECTS_MAX).collect();
    texts.join(", ")
}

fn is_plain(oid: &Oid, profile: &SnmpProfile) -> bool {
    let needs_others = |measured: &Measured, conditions: &[Condition]| {
        measured.unit_from.is_some() || measured.scale_from.is_some() || !conditions.is_empty()
    };
    let scalar = |one: &Scalar| one.oid == *oid && needs_others(&one.measured, &one.only_if);
    let column =
        |one: &TableReading| oid.starts_with(&one.column) && needs_others(&one.measured, &one.only_if);
    let mut columns = profile.tables.iter().flat_map(|table| &table.readings);
    !profile.scalars.iter().any(scalar) && !columns.any(column)
}

/// Names of objects that come with standard notifications.
const OBJECTS: [(&[u32], &str); 17] = [
    (&[1, 3, 6, 1, 2, 1, 1, 1], "sysDescr"),
    (&[1, 3, 6, 1, 2, 1, 1, 5], "sysName"),
    (&[1, 3, 6, 1, 2, 1, 1, 6], "sysLocation"),
    (&[1, 3, 6, 1, 2, 1, 2, 2, 1, 1], "ifIndex"),
    (&[1, 3, 6, 1, 2, 1, 2, 2, 1, 2], "ifDescr"),
    (&[1, 3, 6, 1, 2, 1, 2, 2, 1, 7], "ifAdminStatus"),
    (&[1, 3, 6, 1, 2, 1, 2, 2, 1, 8], "ifOperStatus"),
    (&[1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1], "ifName"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 2, 2], "upsSecondsOnBattery"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 2, 3], "upsEstimatedMinutesRemaining"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 9, 7], "upsConfigLowBattTime"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 6, 2, 1, 1], "upsAlarmId"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 6, 2, 1, 2], "upsAlarmDescr"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 7, 1], "upsTestId"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 7, 3], "upsTestResultsSummary"),
    (&[1, 3, 6, 1, 2, 1, 33, 1, 7, 4], "upsTestResultsDetail"),
    (&[1, 3, 6, 1, 4, 1, 318, 2, 3, 3], "mtrapargsString"),
];

/// `ifIndex.3`; scalars without their `.0`.
fn object_name(oid: &Oid) -> String {
    let known = OBJECTS.iter().find_map(|(base, name)| Some((oid.arcs().strip_prefix(*base)?, name)));
    let Some((index, name)) = known else { return oid.to_string() };
    let mut text = (*name).to_owned();
    for arc in index.iter().filter(|_| index != [0]) {
        // Writing into a text never fails.
        write!(text, ".{arc}").unwrap_or_default();
    }
    text
}

fn value_text(value: &SnmpValue) -> String {
    match value {
        SnmpValue::OctetString(bytes) | SnmpValue::Opaque(bytes) => octets(bytes),
        SnmpValue::Oid(oid) => {
            well_known_alarm(oid).map_or_else(|| oid.to_string(), |(name, _, _)| name.to_owned())
        }
        SnmpValue::IpAddress([a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
        SnmpValue::TimeTicks(ticks) => uptime(*ticks),
        SnmpValue::Counter64(number) => number.to_string(),
        other => other.number().map_or_else(|| "no value".to_owned(), |number| number.to_string()),
    }
}

/// Text in quotes without characters that could pretend to be another line; other bytes in hex.
fn octets(bytes: &[u8]) -> String {
    let trimmed = bytes.trim_ascii_end();
    let trimmed = trimmed.strip_suffix(&[0]).unwrap_or(trimmed);
    match std::str::from_utf8(trimmed) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => {
            let clean = text.chars().map(|c| if c.is_whitespace() || c == '"' { ' ' } else { c });
            let shown: String = clean.take(VALUE_CHARS_MAX).collect();
            let more = if text.chars().count() > VALUE_CHARS_MAX { "..." } else { "" };
            format!("\"{shown}{more}\"")
        }
        _ => {
            let mut shown = String::new();
            for byte in trimmed.iter().take(VALUE_CHARS_MAX / 4) {
                // Writing into a text never fails.
                write!(shown, "{byte:02x}").unwrap_or_default();
            }
            let more = if trimmed.len() > VALUE_CHARS_MAX / 4 { "..." } else { "" };
            format!("0x{shown}{more}")
        }
    }
}

/// Hundredths of a second as `3d 04:05:06`.
fn uptime(ticks: u32) -> String {
    let seconds = ticks / 100;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let clock = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if days == 0 { clock } else { format!("{days}d {clock}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(name: &str, objects: &[(&str, SnmpValue)]) -> Words {
        let notification = Notification {
            wants_answer: false,
            request_id: 1,
            name: name.parse().unwrap(),
            uptime: Some(27_340_605),
            objects: objects.iter().map(|(oid, value)| (oid.parse().unwrap(), value.clone())).collect(),
        };
        words(&notification, None)
    }

    #[test]
    fn a_link_that_goes_down_is_told_with_its_interface() {
        let words = told(
            "1.3.6.1.6.3.1.1.5.3",
            &[
                ("1.3.6.1.2.1.2.2.1.1.3", SnmpValue::Integer(3)),
                ("1.3.6.1.2.1.2.2.1.2.3", SnmpValue::OctetString(b"eth0\0".to_vec())),
            ],
        );
        let text =
            "linkDown: a network link went down (ifIndex.3 = 3, ifDescr.3 = \"eth0\"), up for 3d 03:56:46";
        assert_eq!((words.text.as_str(), words.severity), (text, Severity::Warning));
        assert_eq!((words.title.as_str(), words.kind), ("linkDown", EventKind::Notification));
    }

    #[test]
    fn an_alarm_of_a_ups_is_as_bad_as_what_it_is_about() {
        let descr = |n: u32| {
            let which = format!("1.3.6.1.2.1.33.1.6.3.{n}").parse().unwrap();
            [("1.3.6.1.2.1.33.1.6.2.1.2.7", SnmpValue::Oid(which))]
        };
        let overload = told("1.3.6.1.2.1.33.2.3", &descr(8));
        assert_eq!(overload.severity, Severity::Critical);
        assert!(
            overload.text.starts_with("upsTrapAlarmEntryAdded: upsAlarmOutputOverload, the load is more"),
            "{overload:?}"
        );
        let test = told("1.3.6.1.2.1.33.2.3", &descr(24));
        assert_eq!(test.severity, Severity::Info);
        let over = told("1.3.6.1.2.1.33.2.4", &descr(8));
        assert!(
            over.text.contains("upsAlarmOutputOverload is over") && over.severity == Severity::Info,
            "{over:?}"
        );
        assert_eq!(told("1.3.6.1.2.1.33.2.1", &[]).severity, Severity::Critical);
    }

    #[test]
    fn a_start_of_the_device_is_an_event_of_its_own_kind() {
        for n in [1, 2] {
            assert_eq!(told(&format!("1.3.6.1.6.3.1.1.5.{n}"), &[]).kind, EventKind::DeviceRestarted);
        }
    }

    #[test]
    fn what_is_unknown_is_told_by_its_numbers_and_the_community_of_a_proxy_never() {
        let words = told(
            "1.3.6.1.4.1.99999.1",
            &[
                ("1.3.6.1.4.1.99999.2.0", SnmpValue::Gauge32(7)),
                ("1.3.6.1.6.3.18.1.4.0", SnmpValue::OctetString(b"s3cret".to_vec())),
                ("1.3.6.1.4.1.99999.3.0", SnmpValue::OctetString(vec![0xff, 1])),
                ("1.3.6.1.4.1.99999.4.0", SnmpValue::OctetString(b"a\nb \"c\"".to_vec())),
            ],
        );
        let objects =
            "1.3.6.1.4.1.99999.2.0 = 7, 1.3.6.1.4.1.99999.3.0 = 0xff01, 1.3.6.1.4.1.99999.4.0 = \"a b  c \"";
        assert_eq!(words.text, format!("1.3.6.1.4.1.99999.1 ({objects}), up for 3d 03:56:46"));
        assert_eq!(words.severity, Severity::Warning, "nobody can say that it is harmless");
    }

    proptest! {
        #[test]
        fn a_text_is_one_line_of_bounded_length(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40)) {
            let objects: Vec<_> = values.into_iter().map(|value| ("1.3.6.1.2.1.1.5.0", SnmpValue::OctetString(value))).collect();
            let words = told("1.3.6.1.4.1.99999.1", &objects);
            prop_assert!(words.text.chars().count() <= 500 && !words.text.chars().any(char::is_control));
        }
    }
}
