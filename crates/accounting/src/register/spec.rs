//! What must be known of a register to count with it.

use model::{Encoding, Raw, SeriesDescriptor, Timestamp};

use crate::Medium;
use crate::fraction::divided;

/// A state of a register, as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// When it was read.
    pub time: Timestamp,
    /// What the register showed, in raw steps.
    pub state: Raw,
}

impl Reading {
    /// From its parts.
    pub const fn new(time: Timestamp, state: Raw) -> Self {
        Self { time, state }
    }
}

/// Why a series cannot be counted as a register.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Not a counter of energy or volume.
    #[error("`{0}` is no counter of energy or volume")]
    NoCounter(model::Quantity),
    /// The exponent is too large.
    #[error("a step of 10^{0} base units is beyond any register, 10^18 is the most")]
    Exponent(i32),
}

/// What must be known of a register to count with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegisterSpec {
    medium: Medium,
    /// Power of ten that makes a raw step base units.
    exponent: i32,
    /// Base units after which the register begins again at 0.
    wraps_at: Option<i128>,
    /// Smallest step, in raw steps; 0 for floats, whose step grows with the state.
    resolution: u32,
    period_ms: i64,
    /// Most base units in an hour that are plausible.
    rate_max: i64,
}

/// Largest power of ten that a raw step may have in base units: 10^18 is the last that a 64-bit number holds.
const EXPONENT_MAX: i32 = 18;
/// Smallest power of ten worth counting: a 64-bit raw state below this is always less than one base unit.
const EXPONENT_MIN: i32 = -36;
/// Readings that are further apart never count as neighbours, however long the period (design 2, step 6).
const NEIGHBOURS_MS_MAX: i64 = 120_000;
/// Meters refresh their registers up to this much later than they measure; a rise may be this much older.
const REFRESH_MS: i64 = 60_000;
/// Most power that is plausible where nobody says better: ten times the largest municipal data centre.
const POWER_MAX_MILLIWATTS: i64 = 10_000_000_000;
/// Most flow that is plausible where nobody says better: 1000 m3/h.
const FLOW_MAX_MILLILITRES_PER_HOUR: i64 = 1_000_000_000;

impl RegisterSpec {
    /// A register of `medium` whose raw step is `10^exponent` of the canonical unit (Wh, m3), read every `period_ms`,
    /// with a step of 1, no rollover and the widest plausible power or flow.
    ///
    /// # Errors
    /// If the exponent is too large.
    pub fn new(medium: Medium, exponent: i8, period_ms: u32) -> Result<Self, SpecError> {
        let exponent = i32::from(exponent) + medium.canonical_exponent();
        if exponent > EXPONENT_MAX {
            return Err(SpecError::Exponent(exponent));
        }
        let rate_max = match medium {
            Medium::Electricity | Medium::Heat => POWER_MAX_MILLIWATTS,
            Medium::Water => FLOW_MAX_MILLILITRES_PER_HOUR,
        };
        let period_ms = i64::from(period_ms);
        Ok(Self { medium, exponent, wraps_at: None, resolution: 1, period_ms, rate_max })
    }

    /// The register that a series is, read every `period_ms`.
    ///
    /// # Errors
    /// If the series is no counter of energy or volume, or its exponent is too large.
    pub fn of_series(series: &SeriesDescriptor, period_ms: u32) -> Result<Self, SpecError> {
        let medium = Medium::of(series.quantity).ok_or(SpecError::NoCounter(series.quantity))?;
        let resolution = if series.encoding == Encoding::Integer { series.resolution.max(1) } else { 0 };
        let spec = Self { resolution, ..Self::new(medium, series.exponent, period_ms)? };
        Ok(series.wraps_at.map_or(spec, |steps| spec.wrapping_at(steps)))
    }

    /// The same register, beginning again at 0 after `steps` raw steps.
    #[must_use]
    pub fn wrapping_at(self, steps: u64) -> Self {
        Self { wraps_at: scaled(i128::from(steps), self.exponent), ..self }
    }

    /// The same register, moving by `steps` raw steps at a time; 0 for floats, whose step is that of their format.
    #[must_use]
    pub const fn with_resolution(self, steps: u32) -> Self {
        Self { resolution: steps, ..self }
    }

    /// The same register with the most base units an hour that are plausible: for electricity the power in mW, seen
    /// from the register's side of the transformers.
    #[must_use]
    pub fn with_plausible_rate(self, per_hour: i64) -> Self {
        Self { rate_max: per_hour.max(1), ..self }
    }

    /// What it counts.
    pub const fn medium(&self) -> Medium {
        self.medium
    }

    /// State in base units, rounded half away from zero; `None` if it is no number that a register can show.
    pub(crate) fn state(&self, raw: Raw) -> Option<i64> {
        let exact = match raw {
            Raw::Integer(steps) => scaled(i128::from(steps), self.exponent)?,
            Raw::Float32(value) => from_float(f64::from(value), self.exponent)?,
            Raw::Float64(value) => from_float(value, self.exponent)?,
        };
        i64::try_from(exact).ok().filter(|state| *state >= 0)
    }

    /// Smallest step of the register at a state, in base units, at least 1.
    pub(crate) fn step(&self, raw: Raw) -> i64 {
        let step = match raw {
            Raw::Integer(_) => scaled(i128::from(self.resolution.max(1)), self.exponent),
            Raw::Float32(value) => {
                from_float(f64::from(f32::from_bits(value.to_bits() + 1)) - f64::from(value), self.exponent)
            }
            Raw::Float64(value) => from_float(f64::from_bits(value.to_bits() + 1) - value, self.exponent),
        };
        step.and_then(|step| i64::try_from(step).ok()).unwrap_or(1).max(1)
    }

    /// Base units after which the register begins again at 0.
    pub(crate) const fn modulus(&self) -> Option<i128> {
        self.wraps_at
    }

    /// May a boundary between two readings this far apart be interpolated and stay true?
    pub(crate) fn are_neighbours(&self, millis: i64) -> bool {
        millis <= NEIGHBOURS_MS_MAX.min(self.period_ms.saturating_mul(2))
    }

    /// The largest rise that is plausible in so many milliseconds, in base units: P x t x 1.1, with what the meter
    /// may hold back until it refreshes, and one step.
    pub(crate) fn plausible_rise(&self, millis: i64, step: i64) -> i128 {
        let millis = i128::from(millis) + i128::from(REFRESH_MS);
        i128::from(self.rate_max) * millis * 11 / 36_000_000 + i128::from(step)
    }
}

/// `number x 10^exponent`, rounded half away from zero; `None` if it does not fit.
fn scaled(number: i128, exponent: i32) -> Option<i128> {
    let power = 10i128.checked_pow(exponent.max(EXPONENT_MIN).unsigned_abs())?;
    if exponent < 0 { Some(divided(number, power)) } else { number.checked_mul(power) }
}

/// `value x 10^exponent`, from the bits of the float, rounded once, half away from zero; `None` if it is no finite
/// number or does not fit.
fn from_float(value: f64, exponent: i32) -> Option<i128> {
    if !value.is_finite() {
        return None;
    }
    let bits = value.to_bits();
    let field = i32::try_from(bits >> 52 & 0x7ff).ok()?;
    let fraction = i128::from(bits & 0x000f_ffff_ffff_ffff);
    let (digits, twos) =
        if field == 0 { (fraction, -1074) } else { (fraction | 0x0010_0000_0000_0000, field - 1075) };
    let digits = if value.is_sign_negative() { -digits } else { digits };
    // A number of 53 bits with 2^-120 below it is 0 in every base unit; with 2^70 above it, beyond 64 bits.
    let twos = if digits == 0 || twos < -170 { return Some(0) } else { twos };
    if twos > 70 {
        return None;
    }
    product(digits, twos, exponent)
}

/// `digits x 2^twos x 10^tens`, rounded once. Factors of two common to both powers are taken out first, so that 128
/// bits are enough for every state a register shows.
fn product(digits: i128, twos: i32, tens: i32) -> Option<i128> {
    let tens = tens.max(EXPONENT_MIN);
    let (twos, fives) = (twos + tens, tens);
    let (mut above, mut below) = (digits, 1i128);
    if fives >= 0 {
        above = above.checked_mul(5i128.checked_pow(fives.unsigned_abs())?)?;
    } else {
        below = below.checked_mul(5i128.checked_pow(fives.unsigned_abs())?)?;
    }
    if twos >= 0 {
        above = above.checked_mul(1i128.checked_shl(twos.unsigned_abs()).filter(|power| *power > 0)?)?;
        return Some(divided(above, below));
    }
    match 1i128
        .checked_shl(twos.unsigned_abs())
        .filter(|power| *power > 0)
        .and_then(|power| below.checked_mul(power))
    {
        Some(below) => Some(divided(above, below)),
        // The divisor alone is beyond 128 bits, so the quotient is below one half.
        None => Some(0),
    }
}
