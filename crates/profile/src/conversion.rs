//! From the number in a register to one in the canonical unit of its quantity, and back.

use model::{Channel, Decimal, Missing, Quantity, Raw, SeriesKind, Unit};

/// Steps of temperature that came in degrees Fahrenheit: thousandths of a degree Celsius, finer than any sensor.
const MILLI: i8 = -3;

/// Beyond this power of ten neither side of a conversion makes sense, and intermediate products would not fit 128 bits.
const EXPONENT_MAX: i8 = 18;

/// How a raw whole number becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// `value = raw x step`; the mantissa of the step goes into the raw value, its exponent is that of the series.
    Linear(Decimal),
    /// `value = raw x 10^exponent`, `raw = register x mantissa + offset`: a gauge that counts from elsewhere than 0.
    Shifted {
        /// Raw steps for one step of the register.
        mantissa: i64,
        /// Raw steps when the register is 0.
        offset: i64,
        /// Power of ten of the raw value.
        exponent: i8,
    },
    /// `value = (raw x step - 32) x 5/9`, rounded to thousandths of a degree Celsius.
    Fahrenheit(Decimal),
}

/// Why a scale and a unit do not make a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConversionError {
    /// Nothing would be left of the value.
    #[error("a scale of 0 makes every value 0")]
    Zero,
    /// The unit measures something else.
    #[error("{unit} does not fit {quantity}, which is recorded in {}", quantity.unit())]
    Unit {
        /// The unit that was given.
        unit: Unit,
        /// What is measured.
        quantity: Quantity,
    },
    /// The scale is out of all reason.
    #[error("a scale of {0} is out of range, 1e-18 to 1e18 are taken")]
    Range(Decimal),
    /// A float would lose its bits.
    #[error("a float register can only be scaled by a power of ten, {0} (scale and unit together) is none")]
    Float(Decimal),
    /// A float would lose its bits.
    #[error("a float register takes neither an offset nor a scale factor from another register")]
    FloatOnly,
    /// The offset is out of all reason, or meant for what has its 0 where the canonical unit has it.
    #[error("an offset of {0} is not possible here: only gauges take one, none in degrees Fahrenheit")]
    Offset(Decimal),
}

/// A value in the canonical unit of its quantity, to be put into a register by the simulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// An exact one: energy counters.
    Exact(Decimal),
    /// The nearest float: power, temperature.
    Float(f64),
}

/// Why a value cannot be put into a register or an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The profile has no such reading.
    #[error("the profile has no {quantity} at `{channel}`")]
    NoSuchReading {
        /// What was to be encoded.
        quantity: Quantity,
        /// At which part of the device.
        channel: Channel,
    },
    /// The value does not fit the type.
    #[error("the value of {0} does not fit its register")]
    OutOfRange(String),
    /// A raw value of one kind for a register of the other.
    #[error("{0} holds another kind of raw value")]
    Kind(String),
}

impl Conversion {
    /// The conversion of a quantity that comes with `scale` in `unit`.
    ///
    /// # Errors
    /// If the unit does not measure the quantity, or the scale is 0 or out of range.
    pub fn new(quantity: Quantity, scale: Decimal, unit: Unit) -> Result<Self, ConversionError> {
        if scale.mantissa() == 0 {
            return Err(ConversionError::Zero);
        }
        if !(-EXPONENT_MAX..=EXPONENT_MAX).contains(&scale.exponent()) {
            return Err(ConversionError::Range(scale));
        }
        if unit == Unit::Fahrenheit && quantity.unit() == Unit::Celsius {
            return Ok(Self::Fahrenheit(scale));
        }
        let factor = unit.factor_to(quantity.unit()).map_err(|_| ConversionError::Unit { unit, quantity })?;
        let step = scale.times(factor).ok_or(ConversionError::Range(scale))?;
        Ok(Self::Linear(step))
    }

    /// The conversion of a float register.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if the bits could not be kept.
    pub fn for_float(quantity: Quantity, scale: Decimal, unit: Unit) -> Result<Self, ConversionError> {
        match Self::new(quantity, scale, unit)? {
            Self::Linear(step) if step.is_power_of_ten() => Ok(Self::Linear(step)),
            Self::Linear(step) | Self::Fahrenheit(step) => Err(ConversionError::Float(step)),
            Self::Shifted { .. } => Err(ConversionError::FloatOnly),
        }
    }

    /// The same with `offset` in `unit` added to each value.
    ///
    /// # Errors
    /// If the quantity is no gauge, or the sum cannot be told exactly in one power of ten.
    pub fn plus(self, quantity: Quantity, offset: Decimal, unit: Unit) -> Result<Self, ConversionError> {
        if offset.mantissa() == 0 {
            return Ok(self);
        }
        let wrong = ConversionError::Offset(offset);
        match self {
            Self::Linear(step) if quantity.kind() == SeriesKind::Gauge => {
                let factor = unit.factor_to(quantity.unit());
                let factor = factor.map_err(|_| ConversionError::Unit { unit, quantity })?;
                offset.times(factor).and_then(|offset| shifted(step, offset)).ok_or(wrong)
            }
            _ => Err(wrong),
        }
    }

    /// The same for a register whose steps are `10^power` times as large.
    pub(crate) fn times_power(self, power: i8) -> Self {
        match self {
            Self::Linear(step) => Self::Linear(times_power(step, power)),
            Self::Fahrenheit(step) => Self::Fahrenheit(times_power(step, power)),
            Self::Shifted { .. } => self,
        }
    }

    /// Power of ten of the raw value that [`decode`](Self::decode) gives.
    pub const fn exponent(self) -> i8 {
        match self {
            Self::Linear(step) => step.exponent(),
            Self::Shifted { exponent, .. } => exponent,
            Self::Fahrenheit(_) => MILLI,
        }
    }

    /// Smallest step of the register in raw steps.
    pub fn resolution(self) -> u32 {
        match self {
            Self::Linear(step) => u32::try_from(step.mantissa().unsigned_abs()).unwrap_or(u32::MAX),
            Self::Shifted { mantissa, .. } => u32::try_from(mantissa.unsigned_abs()).unwrap_or(u32::MAX),
            Self::Fahrenheit(step) => {
                let degrees = (step.to_f64().abs() * 5000.0 / 9.0).ceil();
                // Saturates on purpose: a coarser step than the largest number cannot be said.
                if degrees < f64::from(u32::MAX) { float_to_u32(degrees) } else { u32::MAX }
            }
        }
    }

    /// `register` counted in raw steps: a wrap at 2^32 register steps of 10 Wh is one at 2^32 raw steps of 10 Wh.
    pub fn raw_steps(self, register: u64) -> Option<u64> {
        match self {
            Self::Linear(step) => register.checked_mul(step.mantissa().unsigned_abs()),
            Self::Shifted { .. } | Self::Fahrenheit(_) => None,
        }
    }

    /// The raw value of a register's whole number.
    ///
    /// # Errors
    /// [`Missing::OutOfRange`] if it does not fit 64 bits.
    pub fn decode(self, register: i64) -> Result<Raw, Missing> {
        let raw = match self {
            Self::Linear(step) => register.checked_mul(step.mantissa()),
            Self::Shifted { mantissa, offset, .. } => {
                register.checked_mul(mantissa).and_then(|raw| raw.checked_add(offset))
            }
            Self::Fahrenheit(step) => millidegrees_celsius(register, step),
        };
        raw.map(Raw::Integer).ok_or(Missing::OutOfRange)
    }

    /// The register's whole number whose raw value is `raw`; `None` if there is none.
    pub fn encode_raw(self, raw: i64) -> Option<i64> {
        match self {
            Self::Linear(step) => (raw % step.mantissa() == 0).then(|| raw / step.mantissa()),
            Self::Shifted { mantissa, offset, .. } => {
                raw.checked_sub(offset).filter(|raw| raw % mantissa == 0).map(|raw| raw / mantissa)
            }
            Self::Fahrenheit(_) => self.encode(Amount::Exact(Decimal::new(raw, MILLI)), SeriesKind::Gauge),
        }
    }

    /// The register's whole number that shows `amount`: counters show what is complete, all else the nearest step.
    pub fn encode(self, amount: Amount, kind: SeriesKind) -> Option<i64> {
        match (self, amount) {
            (Self::Linear(step), Amount::Exact(value)) => divide(value, step, kind),
            (Self::Linear(step), Amount::Float(value)) => whole(value / step.to_f64(), kind),
            (Self::Shifted { mantissa, offset, exponent }, amount) => {
                let steps = divide(amount.rounded(exponent)?, Decimal::new(1, exponent), SeriesKind::Gauge)?;
                let above = i128::from(steps) - i128::from(offset);
                i64::try_from(round_half_away(
                    above * i128::from(mantissa.signum()),
                    i128::from(mantissa).abs(),
                ))
                .ok()
            }
            (Self::Fahrenheit(step), amount) => {
                let celsius = amount.to_f64();
                whole((celsius * 9.0 / 5.0 + 32.0) / step.to_f64(), SeriesKind::Gauge)
            }
        }
    }
}

impl Amount {
    /// The nearest float.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Exact(value) => value.to_f64(),
            Self::Float(value) => value,
        }
    }

    /// The nearest multiple of `10^exponent`; an exact one stays as it is.
    fn rounded(self, exponent: i8) -> Option<Decimal> {
        match self {
            Self::Exact(value) => Some(value),
            Self::Float(value) => {
                let steps = whole(value / Decimal::new(1, exponent).to_f64(), SeriesKind::Gauge)?;
                Some(Decimal::new(steps, exponent))
            }
        }
    }
}

fn shifted(step: Decimal, offset: Decimal) -> Option<Conversion> {
    let exponent = step.exponent().min(offset.exponent());
    let steps = |value: Decimal| {
        let power = u32::try_from(i32::from(value.exponent()) - i32::from(exponent)).ok()?;
        value.mantissa().checked_mul(10i64.checked_pow(power)?)
    };
    Some(Conversion::Shifted { mantissa: steps(step)?, offset: steps(offset)?, exponent })
}

/// A step `10^power` times as large.
pub(crate) const fn times_power(step: Decimal, power: i8) -> Decimal {
    Decimal::new(step.mantissa(), step.exponent().saturating_add(power))
}

fn millidegrees_celsius(register: i64, step: Decimal) -> Option<i64> {
    let power = |exponent: i8| 10i128.checked_pow(u32::from(exponent.unsigned_abs()));
    let exact = i128::from(register) * i128::from(step.mantissa());
    let (fahrenheit, divisor) = if step.exponent() >= 0 {
        (exact.checked_mul(power(step.exponent())?)?, 1)
    } else {
        (exact, power(step.exponent())?)
    };
    let above_freezing = fahrenheit.checked_sub(divisor.checked_mul(32)?)?;
    let (numerator, denominator) = (above_freezing.checked_mul(5000)?, divisor.checked_mul(9)?);
    i64::try_from(round_half_away(numerator, denominator)).ok()
}

fn round_half_away(numerator: i128, denominator: i128) -> i128 {
    let magnitude = (numerator.abs() + denominator / 2) / denominator;
    if numerator < 0 { -magnitude } else { magnitude }
}

fn divide(value: Decimal, step: Decimal, kind: SeriesKind) -> Option<i64> {
    let shift = i32::from(value.exponent()) - i32::from(step.exponent());
    let power = 10i128.checked_pow(shift.unsigned_abs())?;
    let (mut numerator, mut denominator) = (i128::from(value.mantissa()), i128::from(step.mantissa()));
    if shift >= 0 {
        numerator = numerator.checked_mul(power)?;
    } else {
        denominator = denominator.checked_mul(power)?;
    }
    if denominator < 0 {
        (numerator, denominator) = (-numerator, -denominator);
    }
    let steps = match kind {
        SeriesKind::Counter => numerator.div_euclid(denominator),
        SeriesKind::Gauge | SeriesKind::State => round_half_away(numerator, denominator),
    };
    i64::try_from(steps).ok()
}

/// A millionth of a step: what a float loses on its way must not cost a counter a whole step.
const FLOAT_SLACK: f64 = 1e-6;

fn whole(steps: f64, kind: SeriesKind) -> Option<i64> {
    let steps = match kind {
        SeriesKind::Counter => (steps + FLOAT_SLACK).floor(),
        SeriesKind::Gauge | SeriesKind::State => steps.round(),
    };
    float_to_i64(steps)
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked first; 2^63 itself is excluded")]
fn float_to_i64(value: f64) -> Option<i64> {
    let beyond = 2f64.powi(63);
    (-beyond..beyond).contains(&value).then_some(value as i64)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller gives whole numbers from 0 to below 2^32"
)]
fn float_to_u32(value: f64) -> u32 {
    value as u32
}
