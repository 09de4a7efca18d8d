//! Chance that repeats: every number here is a pure function of a seed and a place in time, so that any instant can be
//! asked for in any order and always gives the same answer.

use std::f64::consts::PI;

/// Scrambles a seed with a key: the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, OOPSLA 2014).
pub(crate) const fn mix(seed: u64, key: u64) -> u64 {
    let mut z =
        seed.wrapping_add(key.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Scrambles a seed with a text, such as the id of a site.
pub(crate) fn mix_text(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed, 0), |seed, byte| mix(seed, u64::from(byte)))
}

/// Evenly spread over -1 to 1.
pub(crate) fn spread(seed: u64, key: i64) -> f64 {
    let bits = mix(seed, key.cast_unsigned()) >> 11;
    bits as f64 / (1u64 << 52) as f64 - 1.0
}

/// A whole number evenly spread over `-most` to `most`; 0 if `most` is not positive.
pub(crate) fn spread_whole(seed: u64, key: i64, most: i64) -> i64 {
    let width = most.max(0).saturating_mul(2).saturating_add(1).cast_unsigned();
    (mix(seed, key.cast_unsigned()) % width).cast_signed() - most.max(0)
}

/// A smooth curve between -1 and 1 through a random value every `spacing_ms`.
pub(crate) fn smooth(seed: u64, millis: i64, spacing_ms: i64) -> f64 {
    let (cell, within) = (millis.div_euclid(spacing_ms), millis.rem_euclid(spacing_ms));
    let (before, after) = (spread(seed, cell), spread(seed, cell + 1));
    let weight = (1.0 - (PI * within as f64 / spacing_ms as f64).cos()) / 2.0;
    before + (after - before) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_repeats_and_differs_by_seed() {
        let curve = |seed| (0..50).map(|n| smooth(seed, n * 1000, 7000)).collect::<Vec<_>>();
        assert_eq!(curve(1), curve(1));
        assert_ne!(curve(1), curve(2));
    }

    #[test]
    fn chance_stays_in_its_bounds_and_has_no_bias() {
        let values: Vec<f64> = (0..20_000).map(|n| spread(7, n)).collect();
        assert!(values.iter().all(|value| (-1.0..=1.0).contains(value)));
        // The mean of 20,000 even numbers over -1..1 has a standard deviation of 0.577 / 141 = 0.004.
        assert!(values.iter().sum::<f64>().abs() / 20_000.0 < 0.02);
        assert!((0..1000).all(|n| spread_whole(7, n, 3).abs() <= 3));
        assert_eq!(spread_whole(7, 1, 0), 0);
    }
}
