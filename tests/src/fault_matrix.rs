//! What a fault costs: one row a fault, all at once, read by one real agent from the real simulator on loopback.
//!
//! Beside each faulty device stands a healthy one that must lose nothing. Every device shows another number at every
//! tick, so that a late answer taken for the next one, or a value of another device, is seen. What was lost is counted
//! against the books of the simulator: what each device was asked and what it told.

mod flagship;
mod judge;
mod reboot;
mod stage;

use std::ops::RangeInclusive;

use model::Missing;

use judge::{Verdict, table};
use stage::Stage;

/// How a faulty device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// Modbus TCP, alone on its connection, one request a poll.
    Alone,
    /// Modbus TCP, two requests a poll, both under way at once.
    Ahead,
    /// Modbus TCP, behind a gateway; the healthy device is another unit on the same connection.
    Shared,
    /// Modbus RTU over TCP, alone on its connection, one request a poll.
    Rtu,
    /// SNMP, one packet a poll, not repeated.
    Snmp,
    /// SNMP, unanswered packets repeated twice.
    SnmpRepeats,
    /// SNMP, two packets a poll, both under way at once.
    SnmpWide,
}

impl On {
    const fn is_snmp(self) -> bool {
        matches!(self, Self::Snmp | Self::SnmpRepeats | Self::SnmpWide)
    }
}

/// A fault and what it may cost.
struct Row {
    name: &'static str,
    on: On,
    /// As the simulator is told; with `x3` for three requests, else for [`HELD`] polls.
    fault: &'static str,
    /// Polls lost at least and at most.
    lost: RangeInclusive<usize>,
    /// Every reason that may be given.
    reasons: &'static [Missing],
    /// The channel that is concerned; all, if it is not said.
    channel: Option<&'static str>,
}

/// Polls during which a fault that is not counted in requests holds.
const HELD: usize = 4;
/// A device is back within so many polls after a fault: one that was left alone for four periods may just have begun
/// to be, and the poll in which it is found again counts too.
const BACK_WITHIN: usize = 6;

const fn row(
    name: &'static str,
    on: On,
    fault: &'static str,
    lost: RangeInclusive<usize>,
    reasons: &'static [Missing],
) -> Row {
    Row { name, on, fault, lost, reasons, channel: None }
}

use Missing::{BackedOff, Disconnected, Exception, NoAnswer, Nonsense, NotAvailable, Refused, ShortAnswer};

/// Until it is back, a device that was dead for [`HELD`] polls may lose as many again and some.
const DEAD: RangeInclusive<usize> = HELD - 1..=HELD + BACK_WITHIN;

const ROWS: &[Row] = &[
    // Modbus, alone on a connection.
    row("hang, one request", On::Alone, "hang x1", 1..=1, &[NoAnswer]),
    row("hang", On::Alone, "hang", DEAD, &[NoAnswer, BackedOff]),
    row("refuse", On::Alone, "refuse", DEAD, &[Refused, Disconnected, BackedOff]),
    row("reset, one request", On::Alone, "abort x1", 0..=0, &[]),
    row("reset", On::Alone, "abort", DEAD, &[Disconnected, BackedOff]),
    row("hang up, one request", On::Alone, "drop x1", 0..=0, &[]),
    row("hang up", On::Alone, "drop", DEAD, &[Disconnected, BackedOff]),
    row("half-open, one request", On::Alone, "half-open x1", 1..=1, &[NoAnswer]),
    row("half-open", On::Alone, "half-open", DEAD, &[NoAnswer, BackedOff]),
    row("late, within the timeout", On::Alone, "late 100ms", 0..=0, &[]),
    row("late, after the timeout", On::Alone, "late 600ms x1", 1..=1, &[NoAnswer]),
    row("late, in the next poll", On::Alone, "late 1100ms x1", 1..=1, &[NoAnswer]),
    row("wrong transaction id", On::Alone, "wrong id x1", 1..=1, &[Nonsense]),
    row("no transaction id", On::Alone, "no id x1", 1..=1, &[Nonsense]),
    row("wrong unit", On::Alone, "wrong unit x1", 1..=1, &[Nonsense]),
    row("short answer", On::Alone, "short x1", 1..=1, &[ShortAnswer]),
    row("long answer", On::Alone, "long x1", 1..=1, &[Nonsense]),
    row("exception 1", On::Alone, "exception 1 x1", 1..=1, &[Exception]),
    row("exception 2", On::Alone, "exception 2 x1", 1..=1, &[Exception]),
    row("exception 3", On::Alone, "exception 3 x1", 1..=1, &[Exception]),
    row("exception 4", On::Alone, "exception 4 x1", 1..=1, &[Exception]),
    row("exception 5", On::Alone, "exception 5 x1", 1..=1, &[Exception]),
    row("exception 6", On::Alone, "exception 6 x1", 1..=1, &[Exception]),
    row("exception 7", On::Alone, "exception 7 x1", 1..=1, &[Exception]),
    row("exception 8", On::Alone, "exception 8 x1", 1..=1, &[Exception]),
    row("exception 9", On::Alone, "exception 9 x1", 1..=1, &[Exception]),
    row("exception 10", On::Alone, "exception 10 x1", 1..=1, &[Exception]),
    row("exception 11", On::Alone, "exception 11 x1", 1..=1, &[Exception]),
    row("split segments", On::Alone, "split", 0..=0, &[]),
    row("answered twice", On::Alone, "twice", 0..=0, &[]),
    row("idle connections closed", On::Alone, "idle 300ms", 0..=0, &[]),
    row("one client only", On::Alone, "alone", 0..=0, &[]),
    row("counter at zero once", On::Alone, "zero x1", 0..=0, &[]),
    row("device clock 1 h ahead", On::Alone, "jump 1h", 0..=0, &[]),
    // Modbus, two requests under way.
    row("merged segments", On::Ahead, "merge", 0..=0, &[]),
    row("answers swapped", On::Ahead, "reorder", 0..=0, &[]),
    // Modbus, behind a gateway with a healthy unit.
    row("unit hangs", On::Shared, "hang", DEAD, &[NoAnswer, BackedOff]),
    row("unit late", On::Shared, "late 600ms x1", 1..=2, &[NoAnswer, BackedOff]),
    row("unit gone, exception 11", On::Shared, "exception 11 x1", 1..=2, &[Exception, BackedOff]),
    row("other unit answers", On::Shared, "wrong unit x1", 1..=2, &[Nonsense, BackedOff]),
    row("gateway drops connection", On::Shared, "abort x1", 0..=0, &[]),
    row("answer short", On::Shared, "short x1", 1..=2, &[ShortAnswer, BackedOff]),
    // Modbus RTU over TCP, as a plain converter passes it on.
    row("hang, one request", On::Rtu, "hang x1", 1..=1, &[NoAnswer]),
    row("hang", On::Rtu, "hang", DEAD, &[NoAnswer, BackedOff]),
    row("late, after the timeout", On::Rtu, "late 600ms x1", 1..=1, &[NoAnswer]),
    row("late, in the next poll", On::Rtu, "late 1100ms x1", 1..=1, &[NoAnswer]),
    row("wrong checksum", On::Rtu, "wrong checksum x1", 1..=1, &[NoAnswer, Nonsense, ShortAnswer]),
    row("wrong unit", On::Rtu, "wrong unit x1", 1..=1, &[NoAnswer, Nonsense]),
    row("short answer", On::Rtu, "short x1", 1..=1, &[NoAnswer, Nonsense, ShortAnswer]),
    row("long answer", On::Rtu, "long x1", 1..=1, &[NoAnswer, Nonsense]),
    row("exception 4", On::Rtu, "exception 4 x1", 1..=1, &[Exception]),
    row("split segments", On::Rtu, "split", 0..=0, &[]),
    row("reset, one request", On::Rtu, "abort x1", 0..=0, &[]),
    // SNMP.
    row("hang, one packet", On::Snmp, "hang x1", 1..=1, &[NoAnswer]),
    row("hang", On::Snmp, "hang", DEAD, &[NoAnswer, BackedOff]),
    row("port closed", On::Snmp, "refuse", DEAD, &[NoAnswer, Refused, BackedOff]),
    row("late, within the timeout", On::Snmp, "late 100ms", 0..=0, &[]),
    row("late, after the timeout", On::Snmp, "late 600ms x1", 1..=1, &[NoAnswer]),
    row("late, in the next poll", On::Snmp, "late 1100ms x1", 1..=1, &[NoAnswer]),
    row("wrong request id", On::Snmp, "wrong id x1", 1..=1, &[NoAnswer]),
    row("wrong community", On::Snmp, "wrong community x1", 1..=1, &[NoAnswer]),
    row("genErr", On::Snmp, "exception 5 x1", 1..=1, &[Exception]),
    row("a binding is missing", On::Snmp, "short x1", 0..=0, &[]),
    row("a binding too many", On::Snmp, "long x1", 0..=0, &[]),
    row("duplicated", On::Snmp, "twice", 0..=0, &[]),
    row("reordered", On::SnmpWide, "reorder", 0..=0, &[]),
    row("a packet lost", On::SnmpRepeats, "lose 100 x1", 0..=0, &[]),
    row("30 % of packets lost", On::SnmpRepeats, "lose 30", 0..=2, &[NoAnswer, BackedOff]),
    row("counter at zero once", On::Snmp, "zero x1", 0..=0, &[]),
    row("device clock 1 h ahead", On::Snmp, "jump 1h", 0..=0, &[]),
    Row { channel: Some("outlet.1"), ..row("rows gone, the others", On::Snmp, "rows 2", 0..=0, &[]) },
    Row {
        channel: Some("outlet.3"),
        ..row("rows gone and back", On::Snmp, "rows 2", HELD - 1..=HELD + 2, &[NotAvailable])
    },
];

#[test]
fn a_fault_costs_what_the_table_says_and_nothing_to_the_device_beside_it() {
    let mut stage = Stage::start(ROWS);
    stage.wait_until_all_answer();
    stage.misbehave();
    stage.wait_polls(HELD);
    let cleared = stage.clear();
    stage.wait_until_all_are_back();
    stage.wait_polls(2);
    let verdicts: Vec<(Verdict, Verdict)> = stage.judge(cleared);
    eprintln!("{}", table(ROWS, &verdicts));
    let mistakes: Vec<String> =
        ROWS.iter().zip(&verdicts).flat_map(|(row, (bad, good))| mistakes(row, bad, good)).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Whatever is not as the row says.
fn mistakes(row: &Row, bad: &Verdict, good: &Verdict) -> Vec<String> {
    let mut found = Vec::new();
    let mut unless = |is_good: bool, what: String| {
        if !is_good {
            found.push(format!("{} ({:?}): {what}", row.name, row.on));
        }
    };
    unless(
        row.lost.contains(&bad.lost),
        format!("lost {}, expected {:?}: {:?}", bad.lost, row.lost, bad.reasons),
    );
    let reasons: Vec<_> = bad.reasons.keys().filter(|reason| !row.reasons.contains(*reason)).collect();
    unless(reasons.is_empty(), format!("lost for {reasons:?}"));
    unless(bad.wrong.is_empty(), format!("wrong values: {:?}", bad.wrong));
    unless(
        bad.wasted == 0 || row.channel.is_some(),
        format!("{} answers were true and were not taken", bad.wasted),
    );
    unless(bad.back_after <= BACK_WITHIN, format!("back after {} polls only", bad.back_after));
    unless(good.lost == 0, format!("the healthy device lost {}: {:?}", good.lost, good.reasons));
    unless(good.wrong.is_empty(), format!("wrong values of the healthy device: {:?}", good.wrong));
    unless(good.polls >= HELD + 4, format!("only {} polls of the healthy device", good.polls));
    found
}
