//! The panels: pages, styles and scripts.
//!
//! Last on the path of a reading: facts in, HTML out. No arithmetic beyond scales and ages, no clock, no socket; the
//! collector has the routes. Every page works without JavaScript; one small script refreshes numbers and their age.
//!
//! Invariants:
//! - A value is never shown without its age, and a frozen page says so (the age is computed in the browser from the
//!   server time of the last message and the browser's steady clock, never from its wall clock).
//! - Nothing is loaded from another host; there is no inline script, no inline style, no `on...=` attribute, so the
//!   strict [`SECURITY_HEADERS`] hold.
//! - State is said by shape, word and colour, never by colour alone.

mod asset;
mod facts;
mod page;

pub use asset::{Asset, SECURITY_HEADERS, asset};
pub use facts::{
    AgentNow, Alarm, AlarmKind, CityOverview, Co2Progress, InletNow, Live, PointDays, PowerTrend,
    Provisional, PueNow, PueRolling, ReportArchive, ReportEntry, ReportFile, Severity, SiteOverview,
    SiteQuality,
};
pub use page::{PageError, Theme, View, city_page, message_page, quality_page, reports_page, site_page};

#[cfg(test)]
mod tests;
