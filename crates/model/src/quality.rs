//! How far an interval value can be trusted, in the words of German metering (MSCONS).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$outer:meta])* $name:ident $($(#[$doc:meta])* $variant:ident $code:literal $number:literal;)*) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $code)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Code, as in files and interfaces.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Number on disk; never reused.
            pub const fn number(self) -> u8 {
                match self { $(Self::$variant => $number,)* }
            }

            /// By its number on disk.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|one| one.code() == text).ok_or(())
            }
        }
    };
}

codes! {
    /// Quality of an interval value; in brackets the qualifier of MSCONS QTY 6063.
    Quality
    /// True value, measured (220).
    True "T" 1;
    /// Substitute value, formed by a rule or a person, final (67).
    Substitute "S" 2;
    /// Provisional value, to be replaced (Z18).
    Provisional "P" 3;
    /// Proposed value, not confirmed (201).
    Proposed "R" 4;
    /// Forecast (187).
    Forecast "F" 5;
    /// Not usable (20).
    NotUsable "X" 6;
    /// Missing; no value is there.
    Missing "M" 7;
}

impl Quality {
    /// Does it count as covered: true, substitute or provisional?
    pub const fn is_covered(self) -> bool {
        matches!(self, Self::True | Self::Substitute | Self::Provisional)
    }

    /// The lesser of the two: in a sum, the worst wins.
    #[must_use]
    pub const fn worse(self, other: Self) -> Self {
        const fn rank(quality: Quality) -> u8 {
            match quality {
                Quality::True => 0,
                Quality::Substitute => 1,
                Quality::Provisional => 2,
                Quality::Proposed => 3,
                Quality::Forecast => 4,
                Quality::NotUsable => 5,
                Quality::Missing => 6,
            }
        }
        if rank(other) > rank(self) { other } else { self }
    }
}

codes! {
    /// How a substitute was formed (MSCONS STS Z32).
    Method
    /// From a calibrated comparison meter.
    CalibratedComparison "Z88" 1;
    /// From a comparison meter without calibration.
    Comparison "Z89" 2;
    /// Reconstructed from calibrated values.
    ReconstructedCalibrated "Z90" 3;
    /// Reconstructed from values without calibration.
    Reconstructed "Z91" 4;
    /// Interpolated.
    Interpolation "Z92" 5;
    /// Last value held.
    HoldValue "Z93" 6;
    /// Balance of a section of the network.
    NetworkBalance "Z94" 7;
    /// From values of comparable earlier days.
    HistoricalValues "Z95" 8;
    /// Statistical.
    Statistical "ZJ2" 9;
    /// Apportioned.
    Apportioned "ZQ8" 10;
}

codes! {
    /// Why a value is no true one (MSCONS STS Z40, Z34).
    Reason
    /// No access.
    NoAccess "Z74" 1;
    /// Communication fault.
    CommunicationFault "Z75" 2;
    /// Grid outage.
    GridOutage "Z76" 3;
    /// Voltage lost.
    VoltageLoss "Z77" 4;
    /// The device was exchanged.
    DeviceExchange "Z78" 5;
    /// Calibration.
    Calibration "Z79" 6;
    /// Outside of operating conditions.
    OutsideConditions "Z80" 7;
    /// The device is faulty.
    DeviceFaulty "Z81" 8;
    /// Measurement uncertainty.
    MeasurementUncertainty "Z82" 9;
    /// The clock was set.
    ClockSet "ZA0" 10;
    /// Implausible.
    Implausible "ZA1" 11;
    /// Wrong transformer factor.
    WrongRatio "ZA3" 12;
    /// Reading error.
    ReadingError "ZA4" 13;
    /// Processing error.
    ProcessingError "ZA7" 14;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_quality_wins_in_a_sum() {
        assert_eq!(Quality::True.worse(Quality::Substitute), Quality::Substitute);
        assert_eq!(Quality::Missing.worse(Quality::True), Quality::Missing);
        assert_eq!(Quality::True.worse(Quality::True), Quality::True);
    }

    #[test]
    fn codes_read_back_from_text_and_from_disk() {
        for quality in Quality::ALL {
            assert_eq!(quality.code().parse(), Ok(*quality));
            assert_eq!(Quality::from_number(quality.number()), Some(*quality));
        }
        for method in Method::ALL {
            assert_eq!(Method::from_number(method.number()), Some(*method));
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::from_number(reason.number()), Some(*reason));
        }
        assert_eq!(Quality::from_number(0), None);
    }
}
