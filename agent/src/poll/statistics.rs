//! What the engine did, in numbers.

use model::{Missing, Raw};
use serde::Serialize;

/// Buckets of a [`Histogram`]: 16 per power of two up to 2^36 us (19 hours), so within 6 % of the true value.
const BUCKETS: usize = 16 * 36;

/// How far polls were off their schedule, in microseconds.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one deviation, in microseconds.
    pub fn add(&mut self, micros: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(micros)) {
            *bucket += 1;
        }
        self.count += 1;
        self.max = self.max.max(micros);
    }

    /// The value that `share` (0 to 1) of the deviations do not pass, as the upper edge of its bucket; 0 without any.
    pub fn quantile(&self, share: f64) -> u64 {
        let wanted = share * self.count as f64;
        let mut seen = 0u64;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen as f64 >= wanted {
                return upper_edge(index).min(self.max);
            }
        }
        self.max
    }

    /// The largest deviation, in microseconds.
    pub const fn max(&self) -> u64 {
        self.max
    }
}

fn bucket_of(micros: u64) -> usize {
    if micros < 16 {
        return usize::try_from(micros).unwrap_or(0);
    }
    let exponent = micros.ilog2();
    let sub = (micros >> (exponent - 4)) & 15;
    let index = u64::from(exponent - 3) * 16 + sub;
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

fn upper_edge(index: usize) -> u64 {
    let index = u64::try_from(index).unwrap_or(0);
    if index < 16 {
        return index;
    }
    let (exponent, sub) = (index / 16 + 3, index % 16);
    ((16 + sub + 1) << (exponent - 4)) - 1
}

/// Counters of one engine since it began.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// Polls that were due, whatever became of them.
    pub polls: u64,
    /// Polls in which every value came.
    pub complete: u64,
    /// Values that came.
    pub values: u64,
    /// Values that did not, by reason, in the order of [`Missing::ALL`].
    pub missing: [u64; Missing::ALL.len()],
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Bytes sent, without TCP, UDP and IP.
    pub bytes_out: u64,
    /// Bytes received, without TCP, UDP and IP.
    pub bytes_in: u64,
    /// Connections opened.
    pub connects: u64,
    /// Answers that matched no request, or came too late, and were thrown away.
    pub strays: u64,
    /// Times that the wall clock was set.
    pub clock_steps: u64,
    /// Polls that could not be handed on because the disk was behind.
    pub unrecorded: u64,
    /// From the scheduled tick to the first request on its way.
    pub deviation: Histogram,
    /// Sum over all values of a mix of their bits; the same values in any order give the same sum.
    pub checksum: u64,
}

impl Statistics {
    /// Counts what a poll brought.
    pub fn poll(&mut self, values: &[Result<Raw, Missing>]) {
        self.polls += 1;
        let mut came = 0u64;
        for value in values {
            match value {
                Ok(raw) => {
                    came += 1;
                    self.checksum = self.checksum.wrapping_add(mix(*raw));
                }
                Err(reason) => self.lost(*reason),
            }
        }
        self.values += came;
        self.complete += u64::from(usize::try_from(came).is_ok_and(|came| came == values.len()));
    }

    fn lost(&mut self, reason: Missing) {
        let place = Missing::ALL.iter().position(|known| *known == reason);
        if let Some(count) = place.and_then(|place| self.missing.get_mut(place)) {
            *count += 1;
        }
    }

    /// As it is printed and logged.
    pub fn report(&self) -> Report {
        let missing = Missing::ALL.iter().zip(self.missing).filter(|(_, count)| *count > 0);
        Report {
            polls: self.polls,
            complete: self.complete,
            values: self.values,
            missing: missing.map(|(reason, count)| (reason.as_str(), count)).collect(),
            requests: self.requests,
            bytes_out: self.bytes_out,
            bytes_in: self.bytes_in,
            connects: self.connects,
            strays: self.strays,
            clock_steps: self.clock_steps,
            unrecorded: self.unrecorded,
            deviation_us: Deviation {
                p50: self.deviation.quantile(0.5),
                p99: self.deviation.quantile(0.99),
                max: self.deviation.max(),
            },
            checksum: format!("{:016x}", self.checksum),
        }
    }
}

/// [`Statistics`] as they are printed, in JSON.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the fields are those of Statistics")]
pub struct Report {
    pub polls: u64,
    pub complete: u64,
    pub values: u64,
    pub missing: std::collections::BTreeMap<&'static str, u64>,
    pub requests: u64,
    pub bytes_out: u64,
    pub bytes_in: u64,
    pub connects: u64,
    pub strays: u64,
    pub clock_steps: u64,
    pub unrecorded: u64,
    pub deviation_us: Deviation,
    pub checksum: String,
}

/// Deviations from the schedule, in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Deviation {
    /// Half of the polls are no further off.
    pub p50: u64,
    /// 99 of 100 polls are no further off.
    pub p99: u64,
    /// The worst.
    pub max: u64,
}

/// The finaliser of SplitMix64 over kind and bits: nearby values give unrelated numbers.
fn mix(raw: Raw) -> u64 {
    let (kind, bits) = match raw {
        Raw::Integer(value) => (1, value.cast_unsigned()),
        Raw::Float32(value) => (2, u64::from(value.to_bits())),
        Raw::Float64(value) => (3, value.to_bits()),
    };
    let mut z = bits.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(kind));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_poll_is_counted_by_what_it_brought() {
        let mut statistics = Statistics::default();
        statistics.poll(&[Ok(Raw::Integer(1)), Err(Missing::NoAnswer)]);
        statistics.poll(&[Ok(Raw::Integer(2)), Ok(Raw::Float32(1.0))]);
        let report = statistics.report();
        assert_eq!((report.polls, report.complete, report.values), (2, 1, 3));
        assert_eq!(report.missing.into_iter().collect::<Vec<_>>(), [("no_answer", 1)]);
    }

    #[test]
    fn the_checksum_knows_the_values_and_not_their_order() {
        let sum = |values: &[Raw]| {
            let mut statistics = Statistics::default();
            for value in values {
                statistics.poll(&[Ok(*value)]);
            }
            statistics.checksum
        };
        let (one, two) = (Raw::Integer(1), Raw::Integer(2));
        assert_eq!(sum(&[one, two]), sum(&[two, one]));
        assert_ne!(sum(&[one, one]), sum(&[two, two]));
        assert_ne!(sum(&[Raw::Integer(0)]), sum(&[Raw::Float64(0.0)]));
    }

    proptest! {
        #[test]
        fn a_quantile_is_never_too_low_and_at_most_a_sixteenth_too_high(
            mut micros in prop::collection::vec(0u64..10_000_000_000, 1..200),
        ) {
            let mut histogram = Histogram::default();
            for value in &micros {
                histogram.add(*value);
            }
            micros.sort_unstable();
            let exact = micros[(micros.len() * 99).div_ceil(100) - 1];
            let found = histogram.quantile(0.99);
            prop_assert!(found >= exact && found <= exact + exact / 16 + 1, "{found} for {exact}");
        }
    }
}
