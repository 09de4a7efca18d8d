//! A key figure with its age, and what the script needs to keep it fresh.

use calendar::Zone;
use locale::{Fixed, Language};
use model::Timestamp;

use crate::facts::{Live, SiteOverview};

/// A value is stale when this many of its intervals, or of the messages', brought none.
const STALE_AFTER: i64 = 3;
/// From then on it is not shown as a value any more, only as "last".
const GONE_AFTER: i64 = 30;

/// How old a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Not older than 3 intervals.
    Fresh,
    /// Older.
    Stale,
    /// Older than 30 intervals, or never.
    Gone,
}

impl Age {
    pub(super) fn of<T>(frame: Frame<'_>, live: &Live<T>) -> Self {
        let Some(at) = live.at else { return Self::Gone };
        let (age, every) = (frame.now.millis_since(at), frame.interval(live));
        match () {
            () if age > every * GONE_AFTER => Self::Gone,
            () if age > every * STALE_AFTER => Self::Stale,
            () => Self::Fresh,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Gone => "gone",
        }
    }
}

/// A key figure. All texts are ready to be shown.
pub(super) struct Tile {
    /// Name of the field in the live message; empty if the script leaves the tile alone.
    pub(super) key: &'static str,
    /// How the script formats it: `kw`, `ratio`, `celsius`; empty if it leaves it alone.
    pub(super) kind: &'static str,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) unit: &'static str,
    /// Below the value: category, span, place.
    pub(super) note: String,
    /// `15:04 Uhr`, or empty.
    pub(super) at: String,
    /// The same in milliseconds for the script, or empty.
    pub(super) at_millis: String,
    pub(super) age: &'static str,
    /// What the age means in words; empty if fresh.
    pub(super) age_word: String,
    pub(super) stale_ms: i64,
    pub(super) gone_ms: i64,
}

/// Where and when a tile is drawn.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    pub(super) zone: &'a Zone,
    pub(super) now: Timestamp,
    /// How often messages come, in milliseconds.
    pub(super) interval_ms: u32,
}

impl<'a> Frame<'a> {
    pub(super) fn new(language: Language, facts: &'a SiteOverview) -> Self {
        Self { language, zone: &facts.zone, now: facts.server_time, interval_ms: facts.interval_ms }
    }

    /// The time in which a new value can be here: its own period, but no less than that of the messages which bring it.
    fn interval<T>(self, live: &Live<T>) -> i64 {
        i64::from(live.every_ms.max(self.interval_ms))
    }
}

/// What a tile shows: name of its field, formatter of the script, key of its label, unit.
#[derive(Clone, Copy)]
pub(super) struct Spec {
    pub(super) key: &'static str,
    pub(super) kind: &'static str,
    pub(super) label: &'static str,
    pub(super) unit: &'static str,
}

impl Tile {
    /// A value that lives.
    pub(super) fn live<T: Copy>(
        frame: Frame<'_>,
        spec: Spec,
        live: &Live<T>,
        show: impl Fn(T) -> Option<Fixed>,
        note: String,
    ) -> Self {
        let Frame { language, zone, .. } = frame;
        let age = if live.value.is_none() { Age::Gone } else { Age::of(frame, live) };
        let shown = live.value.and_then(show);
        let value = if age == Age::Gone { language.optional(None, "") } else { language.optional(shown, "") };
        Self {
            key: spec.key,
            kind: spec.kind,
            label: language.text(spec.label),
            value,
            unit: spec.unit,
            note,
            at: live.at.map(|at| language.time_of(zone, at)).unwrap_or_default(),
            at_millis: live.at.map(|at| at.millis().to_string()).unwrap_or_default(),
            age: age.as_str(),
            age_word: age_word(frame, age, live.at),
            stale_ms: frame.interval(live) * STALE_AFTER,
            gone_ms: frame.interval(live) * GONE_AFTER,
        }
    }

    /// A value that stands for a span and not for an instant.
    pub(super) fn fixed(
        language: Language,
        label: String,
        value: Option<Fixed>,
        unit: &'static str,
        note: String,
    ) -> Self {
        Self {
            key: "",
            kind: "",
            label,
            value: language.optional(value, ""),
            unit,
            note,
            at: String::new(),
            at_millis: String::new(),
            age: "fresh",
            age_word: String::new(),
            stale_ms: 0,
            gone_ms: 0,
        }
    }
}

fn age_word(frame: Frame<'_>, age: Age, at: Option<Timestamp>) -> String {
    let language = frame.language;
    match (age, at) {
        (Age::Fresh, _) => String::new(),
        (_, None) => language.text("age-never"),
        (Age::Stale | Age::Gone, Some(at)) => {
            let span = language.span(frame.now.millis_since(at));
            language.say("age-stale", &[("span", (&span).into())])
        }
    }
}
