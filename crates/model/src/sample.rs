//! Values as they were polled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A value as the device sent it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Raw {
    /// A whole number.
    Integer(i64),
    /// A 32-bit float, bits kept.
    Float32(f32),
    /// A 64-bit float, bits kept.
    Float64(f64),
}

impl Raw {
    /// The nearest 64-bit float.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Float32(value) => f64::from(value),
            Self::Float64(value) => value,
        }
    }

    /// Can it be a measured value? NaN and the infinities can not.
    pub fn is_finite(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Float32(value) => value.is_finite(),
            Self::Float64(value) => value.is_finite(),
        }
    }
}

/// Same kind and same bits.
impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float32(a), Self::Float32(b)) => a.to_bits() == b.to_bits(),
            (Self::Float64(a), Self::Float64(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

impl Eq for Raw {}

macro_rules! missing {
    ($($(#[$doc:meta])* $variant:ident $code:literal $name:literal;)*) => {
        /// Why a scheduled sample has no value. A bounded set, so that it can be counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Missing {
            $($(#[$doc])* $variant,)*
        }

        impl Missing {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Number on the wire and on disk; never reused for another reason.
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// By number; an unknown one, from a newer agent, is [`Missing::Other`].
            pub fn from_code(code: u8) -> Self {
                match code { $($code => Self::$variant,)* _ => Self::Other }
            }

            /// Snake-case name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

missing! {
    /// The device was asked and did not answer in time.
    NoAnswer 1 "no_answer";
    /// The connection was refused or could not be made.
    Refused 2 "refused";
    /// The connection broke in the exchange.
    Disconnected 3 "disconnected";
    /// The answer held less than was asked for.
    ShortAnswer 4 "short_answer";
    /// The device answered with an exception or an error status.
    Exception 5 "exception";
    /// The answer made no sense: wrong unit, wrong function, broken frame.
    Nonsense 6 "nonsense";
    /// The device says that it has no such value.
    NotAvailable 7 "not_available";
    /// The value lies outside of what can be.
    OutOfRange 8 "out_of_range";
    /// The device is dead for longer and was not asked again yet.
    BackedOff 9 "backed_off";
    /// The answer to the poll before was still awaited, or the agent was too busy.
    Overrun 10 "overrun";
    /// The agent was not running.
    AgentDown 11 "agent_down";
    /// The spool was full and the oldest had to go.
    SpoolFull 12 "spool_full";
    /// A reason that this version does not know.
    Other 255 "other";
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Missing {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == text).ok_or(())
    }
}

/// What one poll of one group brought: a value or a reason for each of its series, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Number of the [`PollGroup`](crate::PollGroup).
    pub group: u32,
    /// The scheduled tick if the answer came within 250 ms of it, otherwise the instant of the answer.
    pub time: Timestamp,
    /// One for each series of the group.
    pub values: Vec<Result<Raw, Missing>>,
}

/// All polls that ended in one second: the payload of one record of the spool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Samples {
    /// In the order in which they ended.
    pub polls: Vec<Poll>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_from_its_code_and_its_name() {
        for reason in Missing::ALL {
            assert_eq!(Missing::from_code(reason.code()), *reason);
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        assert_eq!(Missing::from_code(200), Missing::Other);
    }

    #[test]
    fn raw_floats_compare_by_their_bits() {
        assert_eq!(Raw::Float32(f32::NAN), Raw::Float32(f32::NAN));
        assert_ne!(Raw::Float64(0.0), Raw::Float64(-0.0));
        assert_ne!(Raw::Integer(1), Raw::Float64(1.0));
    }
}
