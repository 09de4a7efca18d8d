//! The ways to misbehave, and how they are written.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Longest lateness: past any timeout that makes sense.
const LATE_MAX: Duration = Duration::from_mins(5);

/// A way to misbehave. What a protocol has no such thing for is as if the device behaved well: a Modbus device has no
/// community, a datagram cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Takes connections and requests and says nothing.
    Hang,
    /// Takes no connection; for SNMP, its port is closed.
    Refuse,
    /// Has forgotten its connections without closing them, as after a power cut: one that was open or is made
    /// meanwhile stays mute for good, also when the fault is over. For SNMP as [`Hang`](Self::Hang).
    HalfOpen,
    /// Answers late.
    Late(Duration),
    /// Answers with a Modbus exception, or for SNMP with genErr.
    Exception(u8),
    /// Closes the connection instead of answering; for SNMP as [`Hang`](Self::Hang).
    Drop,
    /// Resets the connection (RST) instead of answering; for SNMP as [`Hang`](Self::Hang).
    Abort,
    /// Loses so many of a hundred answers.
    Lose(u8),
    /// Answers under the number of the next request: transaction id, request id.
    WrongId,
    /// Answers with transaction id 0, as gateways do that keep none.
    NoId,
    /// Answers as the next unit.
    WrongUnit,
    /// Answers with another community.
    WrongCommunity,
    /// Answers with the last register or binding left out, and a length that agrees.
    Short,
    /// Answers with one register or binding more than were asked for, and a length that agrees.
    Long,
    /// Answers twice.
    Twice,
    /// Keeps an answer back until there is a second one, and sends both at once.
    Merge,
    /// Answers with a wrong checksum, where frames have one.
    Checksum,
    /// Sends an answer byte by byte, with pauses.
    Split,
    /// Keeps an answer back and sends the one after it first.
    Reorder,
    /// Hangs up on whoever has asked nothing for so long.
    Idle(Duration),
    /// Takes one client at a time and hangs up on others.
    Alone,
    /// Its counters began again at 0 at the beginning of the fault.
    Reset,
    /// Its counters, where their wrap is known, pass it at the beginning of the fault.
    Rollover,
    /// Its counters show 0 while it lasts, and go on afterwards as if nothing had been.
    Zero,
    /// Its tables have so many rows.
    Rows(u8),
    /// Its clock is so many milliseconds ahead: it answers with what will be then.
    ClockJump(i64),
}

impl Fault {
    /// Does it change how a request is answered?
    pub(super) const fn is_of_answers(self) -> bool {
        !matches!(
            self,
            Self::Reset
                | Self::Rollover
                | Self::Zero
                | Self::Rows(_)
                | Self::ClockJump(_)
                | Self::Idle(_)
                | Self::Alone
        )
    }

    /// Does it change who may be connected?
    pub(super) const fn is_of_the_door(self) -> bool {
        matches!(self, Self::Refuse | Self::Idle(_) | Self::Alone)
    }
}

/// A text that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault: `hang`, `refuse`, `half-open`, `drop`, `abort`, `late 300ms`, `exception 2`, `lose 30`, \
     `wrong id`, `wrong unit`, `wrong community`, `wrong checksum`, `no id`, `short`, `long`, `twice`, `merge`, `split`, `reorder`, \
     `idle 2s`, `alone`, `reset`, `rollover`, `zero`, `rows 2` or `jump -1h` is expected"
)]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let rest = rest.trim();
        let found = if rest.is_empty() { plain(word) } else { measured(word, rest) };
        found.ok_or_else(|| UnknownFault(text.chars().take(60).collect()))
    }
}

/// Faults that are one word.
fn plain(word: &str) -> Option<Fault> {
    Some(match word {
        "hang" => Fault::Hang,
        "refuse" => Fault::Refuse,
        "half-open" => Fault::HalfOpen,
        "drop" => Fault::Drop,
        "abort" => Fault::Abort,
        "short" => Fault::Short,
        "long" => Fault::Long,
        "twice" => Fault::Twice,
        "merge" => Fault::Merge,
        "split" => Fault::Split,
        "reorder" => Fault::Reorder,
        "alone" => Fault::Alone,
        "reset" => Fault::Reset,
        "rollover" => Fault::Rollover,
        "zero" => Fault::Zero,
        _ => return None,
    })
}

/// Faults that say how much, or of what.
fn measured(word: &str, rest: &str) -> Option<Fault> {
    let time = || settings::duration_from_text(rest).ok().filter(|time| *time <= LATE_MAX);
    Some(match (word, rest) {
        ("wrong", "id") => Fault::WrongId,
        ("wrong", "unit") => Fault::WrongUnit,
        ("wrong", "community") => Fault::WrongCommunity,
        ("wrong", "checksum") => Fault::Checksum,
        ("no", "id") => Fault::NoId,
        ("late", _) => Fault::Late(time()?),
        ("idle", _) => Fault::Idle(time()?),
        ("exception", rest) => Fault::Exception(rest.parse().ok().filter(|code| *code > 0)?),
        ("lose", rest) => Fault::Lose(rest.parse().ok().filter(|percent| *percent <= 100)?),
        ("rows", rest) => Fault::Rows(rest.parse().ok()?),
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
            Self::Late(late) => write!(f, "late {}ms", late.as_millis()),
            Self::Idle(idle) => write!(f, "idle {}ms", idle.as_millis()),
            Self::Exception(code) => write!(f, "exception {code}"),
            Self::Lose(percent) => write!(f, "lose {percent}"),
            Self::Rows(rows) => write!(f, "rows {rows}"),
            Self::ClockJump(millis) if *millis < 0 => write!(f, "jump -{}ms", millis.unsigned_abs()),
            Self::ClockJump(millis) => write!(f, "jump {millis}ms"),
            plain => f.write_str(plain.words()),
        }
    }
}

impl Fault {
    /// Those that need no number, as they are written.
    const fn words(self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::Refuse => "refuse",
            Self::HalfOpen => "half-open",
            Self::Drop => "drop",
            Self::Abort => "abort",
            Self::WrongId => "wrong id",
            Self::NoId => "no id",
            Self::WrongUnit => "wrong unit",
            Self::WrongCommunity => "wrong community",
            Self::Checksum => "wrong checksum",
            Self::Short => "short",
            Self::Long => "long",
            Self::Twice => "twice",
            Self::Merge => "merge",
            Self::Split => "split",
            Self::Reorder => "reorder",
            Self::Alone => "alone",
            Self::Reset => "reset",
            Self::Rollover => "rollover",
            Self::Zero => "zero",
            Self::Late(_)
            | Self::Exception(_)
            | Self::Lose(_)
            | Self::Idle(_)
            | Self::Rows(_)
            | Self::ClockJump(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_back_from_what_it_prints() {
        for text in [
            "hang",
            "refuse",
            "half-open",
            "late 300ms",
            "exception 11",
            "drop",
            "abort",
            "lose 30",
            "wrong id",
            "wrong unit",
            "wrong community",
            "wrong checksum",
            "no id",
            "short",
            "long",
            "twice",
            "merge",
            "split",
            "reorder",
            "idle 2000ms",
            "alone",
            "reset",
            "rollover",
            "zero",
            "rows 2",
            "jump -3600000ms",
        ] {
            let fault: Fault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
        let bad = [
            "",
            "hang now",
            "late",
            "late 1h",
            "exception 0",
            "exception 256",
            "lose 101",
            "jump x",
            "Hang",
            "wrong",
        ];
        for bad in bad {
            assert!(bad.parse::<Fault>().is_err(), "{bad:?} was taken");
        }
    }
}
