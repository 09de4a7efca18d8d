//! How a device misbehaves: from when to when, by configuration or told at run time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use model::Timestamp;

/// Longest lateness: past any timeout that makes sense.
const LATE_MAX: Duration = Duration::from_mins(5);

/// A way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Takes connections and requests and says nothing.
    Hang,
    /// Takes no connection; for SNMP, its port is closed.
    Refuse,
    /// Answers late.
    Late(Duration),
    /// Answers with a Modbus exception, or for SNMP with genErr.
    Exception(u8),
    /// Closes the connection instead of answering; for SNMP as [`Hang`](Self::Hang).
    Drop,
    /// Loses so many of a hundred answers.
    Lose(u8),
    /// Its counters began again at 0 at the beginning of the fault.
    Reset,
    /// Its counters, where their wrap is known, pass it at the beginning of the fault.
    Rollover,
    /// Its clock is so many milliseconds ahead: it answers with what will be then.
    ClockJump(i64),
}

/// A fault and when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed {
    /// What.
    pub fault: Fault,
    /// From when; for a reset and a rollover, when they happen.
    pub from: Timestamp,
    /// Until when, not inside.
    pub to: Timestamp,
}

/// All faults of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Behaviour {
    faults: Vec<Timed>,
}

impl Behaviour {
    /// Adds a fault; of faults that exclude each other, the one added last holds.
    pub fn add(&mut self, fault: Timed) {
        self.faults.push(fault);
    }

    /// Behaves well from now on. What happened to its counters stays.
    pub fn clear(&mut self, now: Timestamp) {
        for timed in &mut self.faults {
            if !matches!(timed.fault, Fault::Reset | Fault::Rollover) {
                timed.to = timed.to.min(now);
            }
        }
    }

    /// Does it close its port?
    pub fn refuses(&self, now: Timestamp) -> bool {
        self.answering(now) == Some(Fault::Refuse)
    }

    /// How it fails to answer, if it does.
    pub fn answering(&self, now: Timestamp) -> Option<Fault> {
        let concerns = |fault: Fault| !matches!(fault, Fault::Reset | Fault::Rollover | Fault::ClockJump(_));
        self.faults
            .iter()
            .rev()
            .find(|timed| concerns(timed.fault) && timed.holds(now))
            .map(|timed| timed.fault)
    }

    /// What its own clock shows.
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        let ahead = self.faults.iter().filter(|timed| timed.holds(now)).map(|timed| match timed.fault {
            Fault::ClockJump(millis) => millis,
            _ => 0,
        });
        now.plus_millis(ahead.sum())
    }

    /// The last reset that has happened.
    pub fn reset_before(&self, now: Timestamp) -> Option<Timestamp> {
        let resets = self.faults.iter().filter(|timed| timed.fault == Fault::Reset && timed.from <= now);
        resets.map(|timed| timed.from).max()
    }

    /// When counters pass their wrap, whether or not it has happened.
    pub fn rollover(&self) -> Option<Timestamp> {
        self.faults.iter().rev().find(|timed| timed.fault == Fault::Rollover).map(|timed| timed.from)
    }
}

impl Timed {
    /// From `from` on, for good.
    pub const fn since(fault: Fault, from: Timestamp) -> Self {
        Self { fault, from, to: Timestamp::MAX }
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.to
    }
}

/// A text that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault: `hang`, `refuse`, `drop`, `reset`, `rollover`, `late 300ms`, `exception 2`, `lose 30` or \
     `jump -1h` is expected"
)]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        fault(text).ok_or_else(|| UnknownFault(text.chars().take(60).collect()))
    }
}

fn fault(text: &str) -> Option<Fault> {
    let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let rest = rest.trim();
    Some(match (word, rest) {
        ("hang", "") => Fault::Hang,
        ("refuse", "") => Fault::Refuse,
        ("drop", "") => Fault::Drop,
        ("reset", "") => Fault::Reset,
        ("rollover", "") => Fault::Rollover,
        ("late", rest) => {
            Fault::Late(settings::duration_from_text(rest).ok().filter(|late| *late <= LATE_MAX)?)
        }
        ("exception", rest) => Fault::Exception(rest.parse().ok().filter(|code| *code > 0)?),
        ("lose", rest) => Fault::Lose(rest.parse().ok().filter(|percent| *percent <= 100)?),
        ("jump", rest) => Fault::ClockJump(signed_millis(rest)?),
        _ => return None,
    })
}

fn signed_millis(text: &str) -> Option<i64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let millis = settings::duration_from_text(text).ok()?.as_millis();
    Some(sign * i64::try_from(millis).ok()?)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hang => f.write_str("hang"),
            Self::Refuse => f.write_str("refuse"),
            Self::Late(late) => write!(f, "late {}ms", late.as_millis()),
            Self::Exception(code) => write!(f, "exception {code}"),
            Self::Drop => f.write_str("drop"),
            Self::Lose(percent) => write!(f, "lose {percent}"),
            Self::Reset => f.write_str("reset"),
            Self::Rollover => f.write_str("rollover"),
            Self::ClockJump(millis) if *millis < 0 => write!(f, "jump -{}ms", millis.unsigned_abs()),
            Self::ClockJump(millis) => write!(f, "jump {millis}ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_fault_reads_back_from_what_it_prints() {
        for text in [
            "hang",
            "refuse",
            "late 300ms",
            "exception 11",
            "drop",
            "lose 30",
            "reset",
            "rollover",
            "jump -3600000ms",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
        for bad in
            ["", "hang now", "late", "late 1h", "exception 0", "exception 256", "lose 101", "jump x", "Hang"]
        {
            assert!(bad.parse::<Fault>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_fault_holds_in_its_time_and_the_last_one_wins() {
        let mut behaviour = Behaviour::default();
        behaviour.add(Timed { fault: Fault::Hang, from: at(10), to: at(20) });
        behaviour.add(Timed { fault: Fault::Refuse, from: at(15), to: at(20) });
        assert_eq!(behaviour.answering(at(9)), None);
        assert_eq!(behaviour.answering(at(10)), Some(Fault::Hang));
        assert_eq!(behaviour.answering(at(15)), Some(Fault::Refuse));
        assert_eq!(behaviour.answering(at(20)), None);
    }

    #[test]
    fn a_device_that_was_cleared_behaves_but_keeps_what_happened_to_its_counters() {
        let mut behaviour = Behaviour::default();
        for fault in [Fault::Hang, Fault::Reset, Fault::ClockJump(5000)] {
            behaviour.add(Timed::since(fault, at(10)));
        }
        assert_eq!(behaviour.clock(at(11)), at(16));
        behaviour.clear(at(12));
        assert_eq!(behaviour.answering(at(12)), None);
        assert_eq!(behaviour.clock(at(12)), at(12));
        assert_eq!(behaviour.reset_before(at(12)), Some(at(10)));
    }
}
