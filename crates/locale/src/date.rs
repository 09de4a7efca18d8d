//! Days, months and times of day in words, in the site's zone.

use calendar::{Date, HourMark, Local, Month, Zone};
use model::{Period, Timestamp};

use crate::{Fixed, Language};

impl Language {
    /// Month and year: `Oktober 2026`, `October 2026`.
    pub fn month(self, month: Month) -> String {
        format!("{} {}", self.month_name(month.number()), month.year())
    }

    /// Name of a month, 1 to 12.
    pub fn month_name(self, month: u8) -> String {
        self.text(&format!("month-{month}"))
    }

    /// Short name of a month, 1 to 12: `Okt`, `Oct`.
    pub fn month_short(self, month: u8) -> String {
        self.text(&format!("month-short-{month}"))
    }

    /// A day: `22.11.2026`, `22 Nov 2026`.
    pub fn date(self, date: Date) -> String {
        let (day, month, year) = (date.day(), date.month().number(), date.year());
        match self {
            Self::German => format!("{day:02}.{month:02}.{year}"),
            Self::English => format!("{day} {} {year}", self.month_short(month)),
        }
    }

    /// A time of day: `15:04 Uhr`, `15:04`; in the doubled hour of autumn `2A:15` and `2B:15`.
    pub fn time(self, local: &Local) -> String {
        match self {
            Self::German => format!("{} Uhr", local.time_label()),
            Self::English => local.time_label(),
        }
    }

    /// Day and time of day of an instant: `22.11.2026, 15:04 Uhr`, `22 Nov 2026, 15:04`.
    pub fn date_time(self, zone: &Zone, instant: Timestamp) -> String {
        let local = zone.local(instant);
        format!("{}, {}", self.date(local.date), self.time(&local))
    }

    /// Time of day of an instant: `15:04 Uhr`, `15:04`.
    pub fn time_of(self, zone: &Zone, instant: Timestamp) -> String {
        self.time(&zone.local(instant))
    }

    /// Day without year and time, for axes: `22.11., 15:00`, `22 Nov, 15:00`.
    pub fn short_time(self, zone: &Zone, instant: Timestamp) -> String {
        let local = zone.local(instant);
        let (day, month) = (local.date.day(), local.date.month().number());
        match self {
            Self::German => format!("{day:02}.{month:02}., {}", local.time_label()),
            Self::English => format!("{day} {}, {}", self.month_short(month), local.time_label()),
        }
    }

    /// From and to of a stretch of time, the date said once if it is the same.
    pub fn stretch(self, zone: &Zone, period: Period) -> String {
        let same_day = zone.date_of(period.from) == zone.date_of(period.to);
        let (from, to) = match (self, zone.local(period.to).mark) {
            (Self::German, HourMark::Only) if same_day => {
                let from = zone.local(period.from);
                let from = format!("{}, {}", self.date(from.date), from.time_label());
                (from, self.time_of(zone, period.to))
            }
            _ if same_day => (self.date_time(zone, period.from), self.time_of(zone, period.to)),
            _ => (self.date_time(zone, period.from), self.date_time(zone, period.to)),
        };
        if same_day { format!("{from}\u{2013}{to}") } else { format!("{from} \u{2013} {to}") }
    }

    /// A span of time in at most two units: `45 s`, `14 min`, `6 h 15 min`, `3 d 4 h`. Negative ones count as none.
    pub fn span(self, millis: i64) -> String {
        let seconds = millis.max(0) / 1000;
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        let unit = |value: i64, unit: &str| self.with_unit(Fixed::whole(value), unit);
        let day = match self {
            Self::German => "Tg.",
            Self::English => "d",
        };
        let pair = |first: String, rest: i64, name: &str| {
            if rest == 0 { first } else { format!("{first} {}", unit(rest, name)) }
        };
        match () {
            () if minutes == 0 => unit(seconds, "s"),
            () if hours == 0 => unit(minutes, "min"),
            () if days == 0 => pair(unit(hours, "h"), minutes % 60, "min"),
            () => pair(unit(days, day), hours % 24, "h"),
        }
    }
}
