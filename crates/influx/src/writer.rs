//! What to send, what to send again, and when.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::ops::Range;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::outcome::Outcome;
use crate::transport::Transport;

/// Most lines of one body: what the documentation of version 2 recommends.
pub const LINES_PER_BODY: usize = 5000;
/// Most bytes of one body before compression; version 3 refuses more than 10 MiB.
const BYTES_PER_BODY: usize = 8 << 20;
/// First wait after trouble; doubled each time.
const BACK_OFF_FIRST: Duration = Duration::from_millis(500);
/// Longest wait after trouble.
const BACK_OFF_MAX: Duration = Duration::from_mins(1);
/// Wait after a refusal that only a person can end; longer than the others, so that no log fills up.
const DENIED_WAIT: Duration = Duration::from_mins(1);

/// What became of lines that were handed to a [`Writer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Lines that are stored.
    pub lines: u64,
    /// Lines that the server refuses for what they are.
    pub quarantined: u64,
    /// Points that are older than what the server keeps, as it says.
    pub beyond_retention: u64,
}

/// Why nothing moves on right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    /// Can only a person end it?
    pub denied: Option<u16>,
    /// The server's or the connection's words.
    pub text: String,
    /// How long until the next try.
    pub wait: Duration,
}

/// Is told what a [`Writer`] meets.
pub trait Observer: Send {
    /// A line that the server will never take.
    fn quarantined(&mut self, line: &str, why: &str);
    /// The server cannot be reached, is busy, or does not let us in; the lines are kept and tried again.
    fn setback(&mut self, setback: &Setback);
    /// A body was stored.
    fn stored(&mut self);
}

/// Writes lines until each is stored, refused for what it is, or too old.
#[derive(Debug)]
pub struct Writer<T> {
    transport: T,
    failures: u32,
}

impl<T: Transport> Writer<T> {
    /// On a transport.
    pub fn new(transport: T) -> Self {
        Self { transport, failures: 0 }
    }

    /// Writes whole lines, in bodies of a bounded size. Ends only when all of them are dealt with; dropping it before
    /// is harmless, since all lines can be sent again.
    pub async fn write(&mut self, text: &str, observer: &mut impl Observer) -> Written {
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let mut written = Written::default();
        // Last in, first out keeps the lines in their order and the list short: one half per depth of halving.
        let mut waiting = bodies(&lines);
        while let Some(range) = waiting.pop() {
            let part = &lines[range.clone()];
            match self.post(part, observer).await {
                Settled::Stored => written.lines += count(part),
                Settled::Retention(dropped) => {
                    let dropped = dropped.min(count(part));
                    written.lines += count(part) - dropped;
                    written.beyond_retention += dropped;
                }
                Settled::Refused(why) => {
                    if let [line] = part {
                        observer.quarantined(line, &why);
                        written.quarantined += 1;
                    } else {
                        let middle = range.start + part.len() / 2;
                        waiting.extend([middle..range.end, range.start..middle]);
                    }
                }
            }
        }
        written
    }

    /// Posts one body until the server says something about its lines.
    async fn post(&mut self, lines: &[&str], observer: &mut impl Observer) -> Settled {
        let body = compressed(lines);
        loop {
            let setback = match self.transport.post(body.clone()).await {
                Outcome::Stored => return self.settled(Settled::Stored, observer),
                Outcome::Retention { dropped } => return self.settled(Settled::Retention(dropped), observer),
                Outcome::Refused { text } => return Settled::Refused(text),
                Outcome::TooLarge => return Settled::Refused("too large for the server".to_owned()),
                Outcome::Denied { status, text } => Setback { denied: Some(status), text, wait: DENIED_WAIT },
                Outcome::Busy { retry_after, text } => Setback {
                    denied: None,
                    text,
                    wait: retry_after.unwrap_or_else(|| back_off(self.failures)),
                },
            };
            self.failures = self.failures.saturating_add(1);
            observer.setback(&setback);
            tokio::time::sleep(setback.wait).await;
        }
    }

    fn settled(&mut self, settled: Settled, observer: &mut impl Observer) -> Settled {
        self.failures = 0;
        observer.stored();
        settled
    }
}

enum Settled {
    Stored,
    Retention(u64),
    Refused(String),
}

fn count(lines: &[&str]) -> u64 {
    u64::try_from(lines.len()).unwrap_or(u64::MAX)
}

/// Ranges of lines, each small enough for one body, the first one last.
fn bodies(lines: &[&str]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (n, line) in lines.iter().enumerate() {
        if n - start >= LINES_PER_BODY || (n > start && bytes + line.len() > BYTES_PER_BODY) {
            ranges.push(start..n);
            (start, bytes) = (n, 0);
        }
        bytes += line.len() + 1;
    }
    if start < lines.len() {
        ranges.push(start..lines.len());
    }
    ranges.reverse();
    ranges
}

/// The lightest level: line protocol repeats itself so much that higher ones gain little.
fn compressed(lines: &[&str]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let put = |encoder: &mut GzEncoder<Vec<u8>>| {
        for line in lines {
            encoder.write_all(line.as_bytes())?;
            encoder.write_all(b"\n")?;
        }
        encoder.try_finish()
    };
    put(&mut encoder).expect("a Vec takes all that is written");
    encoder.finish().expect("a Vec takes all that is written")
}

/// Full jitter: anything between nothing and the doubled wait, so that many senders do not come back together.
fn back_off(failures: u32) -> Duration {
    let ceiling = BACK_OFF_FIRST.saturating_mul(1 << failures.min(10)).min(BACK_OFF_MAX);
    // A fresh `RandomState` is keyed at random; 32 bits of it are plenty to spread senders.
    let random = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or(u32::MAX);
    ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX))
}
