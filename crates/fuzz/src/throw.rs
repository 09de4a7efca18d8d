//! How bytes are made and how long they are thrown: the one place for the bounds of the gate.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// Time for mutations of the corpus of one target; half as much again goes into random bytes.
/// `WATTWACHT_FUZZ_MS` sets another.
const TIME_MS: u64 = 800;
/// Longest input: the longest of the corpora and room to grow.
pub(crate) const BYTES_MAX: usize = 16 << 10;
/// Changes in one mutation.
const CHANGES_MAX: usize = 6;
/// Numbers at which lengths and signs turn over.
const EDGES: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 63,
    u64::MAX,
];

/// Makes a test of a target: `fuzz!(name_of_the_test, "folder", target)`, where `target` takes any bytes.
macro_rules! fuzz {
    ($name:ident, $folder:literal, $target:expr) => {
        #[test]
        fn $name() {
            $crate::throw::mutations($folder, $target);
            bolero::check!(name = $folder)
                .with_test_time($crate::throw::time() / 2)
                .with_max_len($crate::throw::BYTES_MAX)
                .for_each(|bytes: &[u8]| $target(bytes));
        }
    };
}
pub(crate) use fuzz;

/// How long to throw mutations at each target.
pub(crate) fn time() -> Duration {
    let set = std::env::var("WATTWACHT_FUZZ_MS").ok().and_then(|text| text.parse().ok());
    Duration::from_millis(set.unwrap_or(TIME_MS))
}

/// The folder of a target's seeds.
pub(crate) fn corpus(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/__fuzz__").join(folder).join("corpus")
}

/// Throws the corpus, changed at random, at `target`. bolero knows only bytes without any order on stable Rust, and such
/// rarely come past the first length.
pub(crate) fn mutations(folder: &str, target: impl Fn(&[u8])) {
    // Under a fuzzer that watches the coverage the mutations are its own.
    if std::env::var_os("BOLERO_LIBFUZZER_ARGS").is_some()
        || std::env::var_os("CARGO_BOLERO_SELECT").is_some()
    {
        return;
    }
    let seeds = read(&corpus(folder));
    assert!(!seeds.is_empty(), "`{folder}` has no corpus");
    for seed in &seeds {
        throw(folder, seed, &target);
    }
    let mut random = SmallRng::from_os_rng();
    let end = Instant::now() + time();
    while Instant::now() < end {
        throw(folder, &mutation(&seeds, &mut random), &target);
    }
}

fn throw(folder: &str, bytes: &[u8], target: &impl Fn(&[u8])) {
    let _shown = Shown { folder, bytes };
    target(bytes);
}

fn read(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// Says on which bytes a target broke.
struct Shown<'a> {
    folder: &'a str,
    bytes: &'a [u8],
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex = self.bytes.iter().fold(String::new(), |mut hex, byte| {
                write!(hex, "{byte:02x}").unwrap();
                hex
            });
            eprintln!(
                "broke on; keep it by: echo {hex} | xxd -r -p > crates/fuzz/src/__fuzz__/{}/crashes/NAME",
                self.folder
            );
        }
    }
}

fn mutation(seeds: &[Vec<u8>], random: &mut SmallRng) -> Vec<u8> {
    let mut bytes = seeds.choose(random).cloned().unwrap_or_default();
    for _ in 0..random.random_range(1..=CHANGES_MAX) {
        change(&mut bytes, seeds, random);
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut SmallRng) {
    let at = random.random_range(0..=bytes.len());
    let end = random.random_range(at..=bytes.len());
    match random.random_range(0..9u8) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => bytes.insert(at, random.random()),
        3 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        4 => {
            let other = seeds.choose(random).map_or(&[][..], Vec::as_slice);
            let from = random.random_range(0..=other.len());
            bytes.splice(at..end, other[from..].iter().copied());
        }
        5 => edge(&mut bytes[at..], random),
        6 => bytes[at..].first_mut().into_iter().for_each(|byte| *byte ^= 1 << random.random_range(0..8)),
        7 => bytes[at..]
            .first_mut()
            .into_iter()
            .for_each(|byte| *byte = byte.wrapping_add(random.random_range(0..=2)).wrapping_sub(1)),
        _ => bytes[at..].first_mut().into_iter().for_each(|byte| *byte = random.random()),
    }
}

/// Writes a number at which something turns over, in either byte order.
fn edge(bytes: &mut [u8], random: &mut SmallRng) {
    let width = *[1usize, 2, 4, 8].choose(random).unwrap();
    let number = EDGES.choose(random).unwrap();
    let digits = if random.random() {
        number.to_be_bytes()[8 - width..].to_vec()
    } else {
        number.to_le_bytes()[..width].to_vec()
    };
    bytes.iter_mut().zip(digits).for_each(|(byte, digit)| *byte = digit);
}

/// Reads an input piece by piece; zeros follow its end.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    pub(crate) fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// At most so many.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(crate) fn words(&mut self) -> Vec<u16> {
        let all = self.take(self.0.len());
        all.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    }

    /// One of `all`, which must not be empty.
    pub(crate) fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[usize::from(self.word()) % all.len()]
    }
}
