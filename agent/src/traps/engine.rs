//! Our own engine of SNMP v3: whoever sends an inform to us signs it with keys that are bound to our engine's id and with
//! our engine's time (RFC 3411, 3.1.1.1; RFC 3414, 2.2).
//!
//! Invariant: no pair of id and number of starts is ever used twice, so nothing that was sent to an earlier run is taken
//! again: the number is counted up on disk before the engine is used, and where it is lost there is a new id.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Number of starts at which an engine ends (RFC 3414, 2.2.2).
const BOOTS_LAST: u32 = 0x7fff_ffff;
/// First bytes of the id (RFC 3411, 5): a new kind of id, private enterprise 32473, format 5 (octets). That number is
/// nobody's (RFC 5612); what makes the id unique are the random bytes behind it.
const ID_HEAD: [u8; 5] = [0x80, 0, 0x7e, 0xd9, 5];
/// Random bytes behind them.
const ID_RANDOM_BYTES: usize = 16;
/// Longest file that is read: 42 digits, a space, 10 digits and the end of the line.
const FILE_BYTES_MAX: u64 = 64;
/// How far a message may be off our time (RFC 3414, 2.2.3), in seconds.
const WINDOW_SECONDS: u32 = 150;

/// Our engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEngine {
    id: Vec<u8>,
    boots: u32,
    started: Duration,
}

impl OwnEngine {
    /// Starts the engine whose id and number of starts stand in `file`, or a new one; `now` is the monotonic clock.
    ///
    /// # Errors
    /// If the file cannot be written: then there is no engine.
    pub fn start(file: &Path, now: Duration) -> io::Result<Self> {
        let (id, boots) = match read(file) {
            Some((id, boots)) if boots < BOOTS_LAST - 1 => (id, boots + 1),
            _ => (new_id(), 1),
        };
        write(file, &id, boots)?;
        Ok(Self { id, boots, started: now })
    }

    /// Its id.
    pub(super) fn id(&self) -> &[u8] {
        &self.id
    }

    /// How often it was started, and for how many seconds it has run.
    pub(super) fn clock(&self, now: Duration) -> (u32, u32) {
        let seconds = now.saturating_sub(self.started).as_secs();
        (self.boots, u32::try_from(seconds).unwrap_or(BOOTS_LAST).min(BOOTS_LAST))
    }

    /// Is a message with these boots and time one of now? (RFC 3414, 3.2, step 7a.)
    pub(super) fn is_in_time(&self, (boots, time): (u32, u32), now: Duration) -> bool {
        let (own_boots, own_time) = self.clock(now);
        boots == own_boots && boots < BOOTS_LAST && time.abs_diff(own_time) <= WINDOW_SECONDS
    }
}

/// What is not exactly what [`write()`] writes is nothing.
fn read(file: &Path) -> Option<(Vec<u8>, u32)> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(File::open(file).ok()?, FILE_BYTES_MAX), &mut text).ok()?;
    let (id, boots) = text.strip_suffix('\n')?.split_once(' ')?;
    let digits: Vec<u8> = id
        .bytes()
        .map(|digit| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let id: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    let is_ours = rest.is_empty() && id.len() == ID_HEAD.len() + ID_RANDOM_BYTES && id.starts_with(&ID_HEAD);
    Some((id, boots.parse().ok()?)).filter(|_| is_ours)
}

/// On disk before it is used, whole or not at all.
fn write(file: &Path, id: &[u8], boots: u32) -> io::Result<()> {
    let digits: Vec<String> = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let new = file.with_extension("new");
    let mut out = File::create(&new)?;
    writeln!(out, "{} {boots}", digits.concat())?;
    out.sync_all()?;
    fs::rename(&new, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn new_id() -> Vec<u8> {
    let random = || RandomState::new().build_hasher().finish().to_be_bytes();
    [ID_HEAD.as_slice(), &random(), &random()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    #[test]
    fn an_engine_keeps_its_id_and_counts_its_starts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("snmp-engine");
        let first = OwnEngine::start(&file, NOW).unwrap();
        let second = OwnEngine::start(&file, NOW).unwrap();
        assert_eq!((first.boots, second.boots), (1, 2));
        assert_eq!(first.id, second.id);
        assert_eq!(first.id.len(), 21);
        let other = OwnEngine::start(&folder.path().join("other"), NOW).unwrap();
        assert_ne!(first.id, other.id);
    }

    #[test]
    fn where_the_count_is_lost_or_has_come_to_its_end_there_is_a_new_engine() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("snmp-engine");
        let first = OwnEngine::start(&file, NOW).unwrap();
        let good = fs::read_to_string(&file).unwrap();
        let last = good.replace(" 1\n", " 2147483646\n");
        for bad in ["", "x", "8000 1\n", good.trim_end(), &good.replace('8', "é"), &last] {
            fs::write(&file, bad).unwrap();
            let anew = OwnEngine::start(&file, NOW).unwrap();
            assert!(anew.boots == 1 && anew.id != first.id, "{bad:?}");
        }
        assert!(OwnEngine::start(&folder.path().join("none/file"), NOW).is_err());
    }

    #[test]
    fn a_message_is_in_time_within_150_seconds_of_the_same_start() {
        let engine = OwnEngine { id: Vec::new(), boots: 3, started: NOW };
        let now = NOW + Duration::from_secs(1000);
        assert_eq!(engine.clock(now), (3, 1000));
        for (clock, expected) in [
            ((3, 850), true),
            ((3, 1150), true),
            ((3, 849), false),
            ((3, 1151), false),
            ((2, 1000), false),
            ((4, 1000), false),
        ] {
            assert_eq!(engine.is_in_time(clock, now), expected, "{clock:?}");
        }
    }
}
