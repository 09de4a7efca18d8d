//! What a meter point measures for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role of a meter point")]
pub struct UnknownRole(String);

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// What a meter point measures for, by the metering points of the Blauer Engel for data centres (DE-UZ 228),
        /// which are those of EN 50600-4.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Role {
            $($(#[$doc])* $variant,)*
        }

        impl Role {
            /// Every role.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Name, as in files.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

roles! {
    /// Electricity from the utility.
    Grid "MP_EVU";
    /// Own generation from renewables.
    Renewable "MP_EE";
    /// Emergency generators.
    Generator "MP_NEA";
    /// IT energy at the UPS output, category 1.
    ItUpsOutput "MP_IT1";
    /// IT energy at the PDU output, category 2.
    ItPduOutput "MP_IT2";
    /// IT energy at the input of the equipment, category 3.
    ItInput "MP_IT3";
    /// Electricity of the cooling system.
    Cooling "MP_KS";
    /// Cold that is produced, thermal.
    ColdProduced "MP_KE";
    /// Heat that is removed from the rooms, thermal.
    HeatRemoved "MP_RZ";
    /// Heat that is handed over for use outside, thermal.
    HeatReused "MP_An";
    /// Other electricity of the data centre.
    Other "MP_So";
    /// Electricity that only lifts waste heat to a useful temperature.
    HeatUpgrade "heat-upgrade";
    /// Electricity that leaves the boundary, such as offices behind the same intake.
    OutsideBoundary "outside";
    /// Potable water that enters.
    WaterPotable "water-potable";
    /// Other water that enters.
    WaterOther "water-other";
    /// Anything below, shown but in no sum.
    Sub "sub";
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Role {
    type Error = UnknownRole;
    fn try_from(text: String) -> Result<Self, UnknownRole> {
        text.parse()
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.as_str().to_owned()
    }
}
