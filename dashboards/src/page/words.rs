//! States as shape, word and colour.

use locale::{Fixed, Language};
use model::Severity;

use crate::facts::{Alarm, AlarmKind};

/// A state as it is shown: class, word and shape say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// In order.
    Ok,
    /// Good to know.
    Info,
    /// Old or never heard of.
    Stale,
    /// Soon a person must act.
    Warning,
    /// A person must act.
    Critical,
}

impl State {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Stale => "stale",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The shape in a field of 16 x 16: dot, letter i, clock, triangle, octagon.
    pub(super) const fn shape(self) -> &'static str {
        match self {
            Self::Ok => r#"<circle cx="8" cy="8" r="6"/>"#,
            Self::Info => r#"<path d="M6 2h4v3H6zM5 7h5v5h1v2H5v-2h1V9H5z"/>"#,
            Self::Stale => {
                r#"<path d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 2a5 5 0 1 1 0 10A5 5 0 0 1 8 3zM7 4h2v4l2 2-1.4 1.4L7 9z" fill-rule="evenodd"/>"#
            }
            Self::Warning => r#"<path d="M8 1l7.5 14H.5z"/>"#,
            Self::Critical => r#"<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z"/>"#,
        }
    }

    pub(super) const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Info,
            Severity::Warning => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }
}

/// A state with its word.
pub(super) struct Chip {
    pub(super) state: State,
    pub(super) word: String,
}

impl Chip {
    pub(super) fn new(language: Language, state: State) -> Self {
        Self { state, word: language.text(&format!("state-{}", state.class())) }
    }

    /// The same shape and colour with another word.
    pub(super) const fn saying(state: State, word: String) -> Self {
        Self { state, word }
    }
}

/// The sentence of an alarm.
pub(super) fn alarm_text(language: Language, alarm: &Alarm) -> String {
    let object = ("object", (&alarm.object).into());
    match &alarm.kind {
        AlarmKind::DeviceSilent => language.say("alarm-device-silent", &[object]),
        AlarmKind::AgentSilent => language.say("alarm-agent-silent", &[object]),
        AlarmKind::LowCoverage { coverage, limit_percent } => {
            let covered = language.optional(Fixed::coverage(*coverage), "%");
            let limit = language.with_unit(Fixed::whole(i64::from(*limit_percent)), "%");
            language.say(
                "alarm-low-coverage",
                &[object, ("coverage", (&covered).into()), ("limit", (&limit).into())],
            )
        }
        AlarmKind::InletLimit { value, limit } => {
            let value = language.optional(Fixed::degrees(*value), "°C");
            let limit = language.optional(Fixed::degrees(*limit), "°C");
            language
                .say("alarm-inlet-limit", &[object, ("value", (&value).into()), ("limit", (&limit).into())])
        }
        AlarmKind::Other { text } => language.say("alarm-other", &[object, ("text", text.as_str().into())]),
    }
}

/// Why there is no value, in words; a code that is not known is shown as it is.
pub(super) fn withheld(language: Language, code: &str) -> String {
    let key = format!("withheld-{}", code.replace('_', "-"));
    if language.has(&key) { language.text(&key) } else { code.to_owned() }
}
