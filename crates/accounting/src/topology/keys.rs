//! Small values that meter points are described with.

use std::fmt;
use std::str::FromStr;

use model::{Channel, DeviceId, Period, Quantity, QuarterHour, SeriesDescriptor, Timestamp};
use serde::{Deserialize, Serialize};

/// What flows through a meter, and with it the base unit in which whole amounts are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Medium {
    /// Electrical energy, in milliwatt-hours.
    Electricity,
    /// Thermal energy, in milliwatt-hours; never adds to electrical energy.
    Heat,
    /// Volume of water or fuel, in millilitres.
    Water,
}

impl Medium {
    /// What a counter of this quantity counts; `None` if it is no counter of energy or volume.
    pub const fn of(quantity: Quantity) -> Option<Self> {
        match quantity {
            Quantity::ActiveEnergyImport | Quantity::ActiveEnergyExport => Some(Self::Electricity),
            Quantity::ThermalEnergy => Some(Self::Heat),
            Quantity::Volume => Some(Self::Water),
            _ => None,
        }
    }

    /// Power of ten that makes the canonical unit (Wh, m3) base units (mWh, ml).
    pub(crate) const fn canonical_exponent(self) -> i32 {
        match self {
            Self::Electricity | Self::Heat => 3,
            Self::Water => 6,
        }
    }

    /// Symbol of the unit in which people read it: kWh or m3, a million base units each.
    pub const fn display_unit(self) -> &'static str {
        match self {
            Self::Electricity | Self::Heat => "kWh",
            Self::Water => "m3",
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Electricity => "electricity",
            Self::Heat => "heat",
            Self::Water => "water",
        })
    }
}

impl FromStr for Medium {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Electricity, Self::Heat, Self::Water];
        let found = all.into_iter().find(|medium| medium.to_string() == text);
        found.ok_or_else(|| {
            let text: String = text.chars().take(40).collect();
            format!("`{text}` is no medium; known are electricity, heat, water")
        })
    }
}

/// Which way the energy of a meter point goes, seen from the data centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Into it: bought or generated.
    #[default]
    Import,
    /// Out of it: fed into the grid.
    Export,
}

impl FromStr for Flow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "import" => Ok(Self::Import),
            "export" => Ok(Self::Export),
            other => Err(format!(
                "`{}` is neither `import` nor `export`",
                other.chars().take(40).collect::<String>()
            )),
        }
    }
}

/// A register series of the site: device, channel, quantity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The device.
    pub device: DeviceId,
    /// The part of it.
    pub channel: Channel,
    /// What it counts.
    pub quantity: Quantity,
}

/// The series that an agent describes.
impl From<&SeriesDescriptor> for SeriesKey {
    fn from(series: &SeriesDescriptor) -> Self {
        let SeriesDescriptor { device, channel, quantity, .. } = series;
        Self { device: device.clone(), channel: channel.clone(), quantity: *quantity }
    }
}

/// `device/channel/quantity`
impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.device, self.channel, self.quantity)
    }
}

/// From when to when something holds, half-open; an open end holds for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Validity {
    /// The first instant at which it holds.
    pub from: Timestamp,
    /// The first instant at which it holds no more.
    pub to: Timestamp,
}

impl Validity {
    /// For ever.
    pub const ALWAYS: Self = Self { from: Timestamp::MIN, to: Timestamp::MAX };

    /// Does it hold at an instant?
    pub fn contains(self, instant: Timestamp) -> bool {
        self.from <= instant && instant < self.to
    }

    /// Does it hold through a whole quarter hour?
    pub fn covers(self, quarter: QuarterHour) -> bool {
        self.from <= quarter.start() && quarter.end() <= self.to
    }

    /// Does it share an instant with another?
    pub fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// As a period.
    pub fn period(self) -> Period {
        Period::new(self.from, self.to)
    }
}

/// The most by which a meter or transformer may be wrong, as a share of what it shows, by its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accuracy {
    class: &'static str,
    /// Maximum permissible error in hundredths of a percent.
    error: u16,
}

/// A text that is no accuracy class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no accuracy class; known are {known}", known = CLASSES.map(|(class, _)| class).join(", "))]
pub struct InvalidAccuracy(String);

/// Class and maximum permissible error in hundredths of a percent. Numbered classes: IEC 62053-21/-22 and IEC 61869-2,
/// at and above 20 % of the rated current. A, B, C: MID 2014/32/EU annex V table 2, Itr to Imax, 5 to 30 Cel.
const CLASSES: [(&str, u16); 14] = [
    ("0.1", 10),
    ("0.2", 20),
    ("0.2S", 20),
    ("0.5", 50),
    ("0.5S", 50),
    ("1", 100),
    ("1.5", 150),
    ("2", 200),
    ("2.5", 250),
    ("3", 300),
    ("5", 500),
    ("A", 350),
    ("B", 200),
    ("C", 70),
];

impl Accuracy {
    /// The class, as written on the plate.
    pub const fn class(self) -> &'static str {
        self.class
    }

    /// Maximum permissible error as a share, 0.005 for class 0.5.
    pub fn permissible_error(self) -> f64 {
        f64::from(self.error) / 10_000.0
    }

    /// Standard uncertainty as a share: the permissible error over the square root of 3, a rectangular distribution
    /// (GUM, JCGM 100:2008, 4.3.7).
    pub fn standard_uncertainty(self) -> f64 {
        self.permissible_error() / 3f64.sqrt()
    }
}

impl FromStr for Accuracy {
    type Err = InvalidAccuracy;

    fn from_str(text: &str) -> Result<Self, InvalidAccuracy> {
        let found = CLASSES.iter().find(|(class, _)| *class == text);
        let accuracy = found.map(|(class, error)| Self { class, error: *error });
        accuracy.ok_or_else(|| InvalidAccuracy(text.chars().take(20).collect()))
    }
}

impl TryFrom<String> for Accuracy {
    type Error = InvalidAccuracy;
    fn try_from(text: String) -> Result<Self, InvalidAccuracy> {
        text.parse()
    }
}

impl From<Accuracy> for String {
    fn from(accuracy: Accuracy) -> Self {
        accuracy.class.to_owned()
    }
}
