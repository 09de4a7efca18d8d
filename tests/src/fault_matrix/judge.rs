//! What an agent delivered, against the books of the simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use model::{DeviceId, Missing, Raw, Timestamp};

use super::Row;
use crate::kill_story::expected::{Expected, Series};

/// A question to a device and whether it told the truth, as its book says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// When it was asked, in milliseconds.
    pub(super) asked: i64,
    /// The instant whose state it had to show.
    shows: i64,
    is_zero: bool,
    /// It answered well, if perhaps late.
    pub(super) is_truth: bool,
    /// It answered late, or not with everything.
    is_weak: bool,
}

/// Reads a book as the simulator writes it.
pub(super) fn parse(text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [asked, shows, told, ..] = words[..] else { return None };
        Some(Entry {
            asked: asked.parse().unwrap(),
            shows: shows.parse().unwrap(),
            is_zero: words.last() == Some(&"zero"),
            is_truth: told == "truth",
            is_weak: ["late", "partly"].contains(&told),
        })
    };
    text.lines().filter_map(entry).collect()
}

impl Entry {
    /// What a counter of so many watts showed, in milliwatt-hours: it runs since the epoch, and begins anew after a
    /// thousand days.
    fn shown(&self, watts: i64) -> i64 {
        if self.is_zero { 0 } else { watts * self.shows.rem_euclid(86_400_000 * 1000) / 3600 }
    }
}

/// How a device fared.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Polls that were due.
    pub(super) polls: usize,
    /// Polls of which something is missing.
    pub(super) lost: usize,
    /// For which reasons.
    pub(super) reasons: BTreeMap<Missing, usize>,
    /// Values that the device has not told in that poll.
    pub(super) wrong: Vec<String>,
    /// Polls in which the device told nothing but the truth at once, and which are lost even so.
    pub(super) wasted: usize,
    /// After the end of the fault, the first whole poll is this one, if none is lost later.
    pub(super) back_after: usize,
}

/// Compares what was found of a device with its book: from its first sample until `until`.
pub(super) fn judge(
    found: &Expected,
    (device, watts): (&DeviceId, i64),
    channel: Option<&str>,
    book: &[Entry],
    (cleared, until): (Timestamp, Timestamp),
) -> Verdict {
    let (period, offset) = found.schedule_of(device).unwrap_or_else(|| panic!("{device} was never learned"));
    let tick = |millis: i64| (millis - offset).div_euclid(period);
    let is_watched =
        |series: &Series| series.0 == *device && channel.is_none_or(|only| series.2.as_str() == only);
    let watched =
        || found.samples.iter().filter(|(series, _)| is_watched(series)).map(|(_, samples)| samples);
    // What was due before the device was learned is no matter of the fault.
    let begin = |samples: &BTreeMap<i64, Result<Raw, Missing>>| {
        samples.iter().find(|one| one.1.is_ok()).map(|one| *one.0)
    };
    let first = watched().filter_map(begin).map(tick).max();
    let ticks = first.unwrap_or_else(|| panic!("nothing of {device} was found"))..tick(until.millis());
    let mut polls: BTreeMap<i64, Poll> = ticks.clone().map(|tick| (tick, Poll::default())).collect();
    for entry in book {
        polls.entry(tick(entry.asked)).or_default().asked.push(*entry);
    }
    for (at, value) in watched().flatten() {
        polls.entry(tick(*at)).or_default().values.push(*value);
    }
    let mut verdict = Verdict { polls: ticks.clone().count(), back_after: 1, ..Verdict::default() };
    for (tick, poll) in polls.range(ticks) {
        assert!(!poll.values.is_empty(), "a poll of {device} left neither a value nor a reason");
        verdict.add(poll, watts);
        let is_after = tick * period + offset >= cleared.millis();
        verdict.back_after += usize::from(is_after && poll.is_lost());
    }
    verdict
}

/// A poll: what the device was asked and told, and what the agent has of it.
#[derive(Debug, Default)]
struct Poll {
    asked: Vec<Entry>,
    values: Vec<Result<Raw, Missing>>,
}

impl Poll {
    fn is_lost(&self) -> bool {
        self.values.iter().any(Result::is_err)
    }
}

impl Verdict {
    fn add(&mut self, poll: &Poll, watts: i64) {
        let told = |raw: Raw| poll.asked.iter().any(|one| may_be(one, raw, watts));
        let wrong = poll.values.iter().flatten().filter(|raw| !told(**raw));
        self.wrong.extend(wrong.map(|raw| format!("{raw:?}, asked {:?}", poll.asked)));
        let reasons: BTreeSet<Missing> = poll.values.iter().filter_map(|value| value.err()).collect();
        for reason in reasons {
            *self.reasons.entry(reason).or_default() += 1;
        }
        let only_truth = !poll.asked.is_empty() && poll.asked.iter().all(|one| one.is_truth);
        self.lost += usize::from(poll.is_lost());
        self.wasted += usize::from(poll.is_lost() && only_truth);
    }
}

/// May a poll with this question have brought this value?
fn may_be(entry: &Entry, raw: Raw, watts: i64) -> bool {
    (entry.is_truth || entry.is_weak) && raw == Raw::Integer(entry.shown(watts))
}

/// The table that is printed and quoted.
pub(super) fn table(rows: &[Row], verdicts: &[(Verdict, Verdict)]) -> String {
    let mut text =
        "| Fault | On | Polls | Lost | Why | Wrong values | Healthy device lost |\n|---|---|--:|--:|---|--:|--:|\n".to_owned();
    for (row, (bad, good)) in rows.iter().zip(verdicts) {
        let why: Vec<String> = bad.reasons.iter().map(|(reason, n)| format!("{reason} {n}")).collect();
        writeln!(
            text,
            "| {} | {:?} | {} | {} | {} | {} | {} of {} |",
            row.name,
            row.on,
            bad.polls,
            bad.lost,
            why.join(", "),
            bad.wrong.len(),
            good.lost,
            good.polls
        )
        .unwrap();
    }
    text
}
