//! What was measured, as a table for people.

use std::fmt::{self, Write as _};

use crate::compare::{Compared, Comparison, Spread, Summary};
use crate::log::Deviation;

/// The whole as text.
///
/// # Errors
/// Never: it is written into a string.
pub(crate) fn table(comparison: &Comparison) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let said = &comparison.conditions;
    writeln!(out, "{} processors; {}", said.processors, said.pinned)?;
    writeln!(out, "load average before {}, after {}", said.load_before, said.load_after)?;
    writeln!(
        out,
        "{} rounds of {} s, agent and floor in turns: median (least-most); peers and shipping once",
        said.rounds, said.span_s
    )?;
    said.not_measured.iter().try_for_each(|why| writeln!(out, "{why}"))?;
    comparison.loads.iter().try_for_each(|load| one(&mut out, load))?;
    writeln!(
        out,
        "\nDeviation: how far the first request of a poll was off the device's own grid, as the devices saw it; own: off\n\
         the instant at which the agent meant to poll, as it says itself. Lost: values of living devices."
    )?;
    Ok(out)
}

fn one(out: &mut String, compared: &Compared) -> fmt::Result {
    let load = &compared.load;
    let (devices, period) = (load.devices, load.period);
    writeln!(
        out,
        "\n{}: {devices} devices, every {period:?}, {} values a poll",
        load.name,
        load.kind.values()
    )?;
    writeln!(
        out,
        "  {:<20} {:>20} {:>17} {:>8} {:>5} {:>5} {:>7} {:>20} {:>20} {:>7}",
        "",
        "CPU us/poll",
        "x floor",
        "us/value",
        "req.",
        "waits",
        "MiB",
        "dev. p50/p99/max ms",
        "own ms",
        "lost"
    )?;
    compared.results.iter().try_for_each(|summary| row(out, summary))
}

fn row(out: &mut String, summary: &Summary) -> fmt::Result {
    let name = summary.who.name();
    if let Some(why) = &summary.failed {
        return writeln!(out, "  {name:<20} not measured: {why}");
    }
    let ratio = summary.ratio.map_or_else(|| "-".to_owned(), |ratio| shown(ratio, 2));
    let own = summary.own_deviation_us.map_or_else(|| "-".to_owned(), milliseconds);
    let mib = summary.peak_memory_kib as f64 / 1024.0;
    writeln!(
        out,
        "  {name:<20} {:>20} {ratio:>17} {:>8.2} {:>5.1} {:>5.2} {mib:>7.1} {:>20} {own:>20} {:>6.2}%",
        shown(summary.cpu_us_per_poll, 1),
        summary.cpu_us_per_value.median,
        summary.requests_per_poll,
        summary.waits_per_poll,
        milliseconds(summary.deviation_us),
        summary.lost * 100.0
    )
}

fn shown(spread: Spread, digits: usize) -> String {
    let Spread { median, least, most } = spread;
    if least.total_cmp(&most).is_eq() {
        return format!("{median:.digits$}");
    }
    format!("{median:.digits$} ({least:.digits$}-{most:.digits$})")
}

fn milliseconds(deviation: Deviation) -> String {
    let ms = |micros: u64| micros as f64 / 1000.0;
    format!("{:.2}/{:.2}/{:.1}", ms(deviation.p50), ms(deviation.p99), ms(deviation.max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_once_has_no_spread() {
        assert_eq!(shown(Spread { median: 1.25, least: 1.25, most: 1.25 }, 1), "1.2");
        assert_eq!(shown(Spread { median: 2.0, least: 1.0, most: 3.0 }, 1), "2.0 (1.0-3.0)");
        assert_eq!(milliseconds(Deviation { p50: 20, p99: 1200, max: 3456 }), "0.02/1.20/3.5");
    }
}
