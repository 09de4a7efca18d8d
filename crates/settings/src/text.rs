//! Durations and sizes as people write them.

use std::time::Duration;

/// A text that is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// No duration.
    #[error("`{0}` is no duration such as `10s`, `500ms`, `15m`, `1h30m` or `500d`")]
    Duration(String),
    /// No size.
    #[error("`{0}` is no size such as `2 GiB`, `512 MiB` or `4096 B`")]
    Size(String),
}

/// Reads `10s`, `500ms`, `1h30m`, `500d` (days of 24 hours).
///
/// # Errors
/// If it is anything else, or more than a century.
pub fn duration_from_text(text: &str) -> Result<Duration, InvalidText> {
    let wrong = || InvalidText::Duration(text.chars().take(40).collect());
    let mut rest = text.trim();
    let mut total_ms: u64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after.trim_start(), |c| c.is_ascii_alphabetic());
        let factor = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let amount = digits.parse::<u64>().map_err(|_| wrong())?;
        total_ms = amount.checked_mul(factor).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    if total_ms > 36_600 * 86_400_000 { Err(wrong()) } else { Ok(Duration::from_millis(total_ms)) }
}

/// Reads `2 GiB`, `512 MiB`, `64 KiB`, `4096 B` into bytes.
///
/// # Errors
/// If it is anything else, or does not fit.
pub fn size_from_text(text: &str) -> Result<u64, InvalidText> {
    let wrong = || InvalidText::Size(text.chars().take(40).collect());
    let (digits, unit) = split_while(text.trim(), |c| c.is_ascii_digit());
    let shift = match unit.trim() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return Err(wrong()),
    };
    let amount = digits.parse::<u64>().map_err(|_| wrong())?;
    amount.checked_mul(1 << shift).ok_or_else(wrong)
}

fn split_while(text: &str, keep: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !keep(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_people_write_it() {
        for (text, ms) in [
            ("10s", 10_000),
            ("500ms", 500),
            ("1h30m", 5_400_000),
            ("500d", 43_200_000_000),
            ("15 min", 900_000),
        ] {
            assert_eq!(duration_from_text(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "10", "s", "1.5s", "-1s", "10 x", "99999999999999999999s", "40000d"] {
            assert!(duration_from_text(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_size_needs_its_binary_unit() {
        assert_eq!(size_from_text("2 GiB"), Ok(2_147_483_648));
        assert_eq!(size_from_text("512MiB"), Ok(536_870_912));
        for bad in ["2", "2 GB", "GiB", "99999999999 TiB"] {
            assert!(size_from_text(bad).is_err(), "{bad:?} was taken");
        }
    }
}
