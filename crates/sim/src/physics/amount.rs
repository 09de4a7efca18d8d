//! Exact amounts of energy or volume.

use std::ops::{Add, AddAssign, Mul, Sub};

use model::{Energy, Volume};

/// An exact amount of whatever flows: of energy in milliwatt-milliseconds, of a liquid in (millilitres per hour)
/// milliseconds. Both are 1/3,600,000 of the unit in which the books are kept, milliwatt-hours and millilitres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Milliseconds of an hour.
    const PER_UNIT: i128 = 3_600_000;

    /// From milliwatt-milliseconds, or (millilitres per hour) milliseconds.
    pub const fn from_fine(fine: i128) -> Self {
        Self(fine)
    }

    /// In milliwatt-milliseconds, or (millilitres per hour) milliseconds.
    pub const fn fine(self) -> i128 {
        self.0
    }

    /// From milliwatt-hours, or millilitres.
    pub const fn from_thousandths(value: i64) -> Self {
        Self(value as i128 * Self::PER_UNIT)
    }

    /// In whole milliwatt-hours, or millilitres, rounded down. Clamped to what 64 bits hold, which is past 9 billion MWh.
    pub fn thousandths(self) -> i64 {
        i64::try_from(self.0.div_euclid(Self::PER_UNIT)).unwrap_or(i64::MAX)
    }

    /// As energy, rounded down.
    pub fn energy(self) -> Energy {
        Energy::from_milliwatt_hours(self.thousandths())
    }

    /// As volume, rounded down.
    pub fn volume(self) -> Volume {
        Volume::from_millilitres(self.thousandths())
    }

    /// In watt-hours, or litres, as the nearest float.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 3.6e9
    }

    /// The share `from..to` of `of` parts. Shares that follow each other add up to the whole exactly.
    #[must_use]
    pub fn share(self, from: u32, to: u32, of: u32) -> Self {
        let up_to = |part: u32| (self.0 * i128::from(part)).div_euclid(i128::from(of.max(1)));
        Self(up_to(to) - up_to(from))
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul<i128> for Amount {
    type Output = Self;
    fn mul(self, factor: i128) -> Self {
        Self(self.0 * factor)
    }
}
