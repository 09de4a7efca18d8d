//! Amounts with their unit in the type.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use serde::{Deserialize, Serialize};

macro_rules! whole_amounts {
    ($($(#[$doc:meta])* $name:ident $from:ident $get:ident $unit:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            #[doc = concat!("From whole ", $unit, ".")]
            pub const fn $from(value: i64) -> Self {
                Self(value)
            }

            #[doc = concat!("In whole ", $unit, ".")]
            pub const fn $get(self) -> i64 {
                self.0
            }

            /// The sum; `None` if it does not fit.
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) { Some(sum) => Some(Self(sum)), None => None }
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                amounts.fold(Self::ZERO, Add::add)
            }
        }
    )*};
}

whole_amounts! {
    /// Energy, electrical or thermal, in milliwatt-hours. A whole number, so a month of sums is exact in any order;
    /// 64 bits hold 9.2 billion MWh.
    Energy from_milliwatt_hours milliwatt_hours "milliwatt-hours";
    /// Mass of CO2 or CO2 equivalents in milligrams; 64 bits hold 9.2 billion tonnes.
    CarbonMass from_milligrams milligrams "milligrams";
    /// Volume in millilitres.
    Volume from_millilitres millilitres "millilitres";
}

impl Energy {
    /// From whole watt-hours.
    pub const fn from_watt_hours(value: i64) -> Self {
        Self(value * 1000)
    }

    /// From whole kilowatt-hours.
    pub const fn from_kilowatt_hours(value: i64) -> Self {
        Self(value * 1_000_000)
    }

    /// In kilowatt-hours, for display and for ratios.
    pub fn kilowatt_hours(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The rise from `earlier` to `self`; `None` if it is a fall.
    pub fn since(self, earlier: Self) -> Option<Self> {
        (self >= earlier).then(|| Self(self.0 - earlier.0))
    }

    /// The mean power that makes this energy in `millis`; `None` for an empty span.
    pub fn mean_power(self, millis: i64) -> Option<Power> {
        (millis > 0).then(|| Power::from_watts(self.0 as f64 * 3600.0 / millis as f64))
    }
}

impl CarbonMass {
    /// In kilograms, for display and for ratios.
    pub fn kilograms(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// In tonnes, for display and for ratios.
    pub fn tonnes(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Volume {
    /// In cubic metres, for display and for ratios.
    pub fn cubic_metres(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

macro_rules! float_amounts {
    ($($(#[$doc:meta])* $name:ident $from:ident $get:ident $unit:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(f64);

        impl $name {
            #[doc = concat!("From ", $unit, ".")]
            pub const fn $from(value: f64) -> Self {
                Self(value)
            }

            #[doc = concat!("In ", $unit, ".")]
            pub const fn $get(self) -> f64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, $unit)
            }
        }
    )*};
}

float_amounts! {
    /// Power, electrical or thermal.
    Power from_watts watts "W";
    /// Temperature.
    Celsius from_degrees degrees "Cel";
    /// A number without a unit; 1 is the whole.
    Ratio new value "1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energy_adds_as_whole_numbers_and_knows_its_mean_power() {
        let quarter = Energy::from_kilowatt_hours(100);
        assert_eq!([quarter; 4].into_iter().sum::<Energy>(), Energy::from_watt_hours(400_000));
        assert_eq!(quarter.mean_power(900_000), Some(Power::from_watts(400_000.0)));
        assert_eq!(quarter.mean_power(0), None);
    }

    #[test]
    fn a_register_that_fell_has_no_rise() {
        let (low, high) = (Energy::from_watt_hours(1), Energy::from_watt_hours(3));
        assert_eq!(high.since(low), Some(Energy::from_watt_hours(2)));
        assert_eq!(low.since(high), None);
    }
}
