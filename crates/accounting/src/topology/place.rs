//! Places, contracts, measures, events, targets and limits of a site.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use calendar::{Date, Year};
use model::{CarbonMass, Channel, Decimal, DeviceId, MeterPointId, Quantity, RackId, RoomId, Severity};
use serde::{Deserialize, Serialize};

use crate::{Fraction, Validity};

/// A room, `[[room]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Id.
    pub id: RoomId,
    /// Name for people; its id if none was given.
    pub name: String,
    /// Floor area in m2.
    pub floor_area_m2: Option<Decimal>,
    /// From when to when.
    pub validity: Validity,
}

/// A rack, `[[rack]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rack {
    /// Id.
    pub id: RackId,
    /// The room it stands in.
    pub room: RoomId,
    /// Name for people; its id if none was given.
    pub name: String,
    /// Height units.
    pub height_units: Option<u16>,
    /// Rated power in kW.
    pub rated_power_kw: Option<Decimal>,
    /// From when to when.
    pub validity: Validity,
}

/// Where a device stands, `[[place]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The device.
    pub device: DeviceId,
    /// The room.
    pub room: Option<RoomId>,
    /// The rack; its room is then known too.
    pub rack: Option<RackId>,
    /// Lowest height unit.
    pub height_unit: Option<u16>,
    /// From when to when.
    pub validity: Validity,
}

/// One of two supply paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedSide {
    /// A.
    A,
    /// B.
    B,
}

/// A supply path of a rack or room, `[[feed]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Id.
    pub id: String,
    /// A or B.
    pub side: FeedSide,
    /// The rack it supplies, if one alone.
    pub rack: Option<RackId>,
    /// The room it supplies, if a whole one.
    pub room: Option<RoomId>,
    /// The meter point of its energy.
    pub meter_point: Option<MeterPointId>,
    /// Rated power in kW.
    pub rated_power_kw: Option<Decimal>,
    /// From when to when.
    pub validity: Validity,
}

/// An organisational unit, `[[unit]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Id.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The unit above it.
    pub parent: Option<String>,
    /// Cost centre.
    pub cost_centre: Option<String>,
    /// From when to when.
    pub validity: Validity,
}

/// A supply contract, `[[contract]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Id.
    pub id: String,
    /// Who supplies.
    pub supplier: String,
    /// What the product is called.
    pub product: Option<String>,
    /// The meter points that it supplies.
    pub meter_points: Vec<MeterPointId>,
    /// CO2 per kWh by the supplier's disclosure, in g.
    pub g_per_kwh: Option<Decimal>,
    /// Share of renewables by the supplier's disclosure, 0 to 1.
    pub renewable_share: Option<Fraction>,
    /// Where this is written.
    pub source: Option<String>,
    /// From when to when.
    pub validity: Validity,
}

/// Something done to save energy, `[[measure]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Id.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// The day from which it acts.
    pub from: Date,
    /// The meter points on which it acts.
    pub meter_points: Vec<MeterPointId>,
    /// Saving that was promised, in kWh a year.
    pub expected_kwh_a: Option<Decimal>,
    /// What it cost, in EUR.
    pub cost_eur: Option<Decimal>,
}

/// Something that happened at the site and explains its numbers, `[[event]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteEvent {
    /// The day.
    pub date: Date,
    /// In words.
    pub text: String,
    /// The meter points it touches; none means all.
    pub meter_points: Vec<MeterPointId>,
}

/// Which carbon accounts a target is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Book {
    /// Location-based, by the mix of the grid (GHG Protocol Scope 2 Guidance).
    Location,
    /// Market-based, by contracts (GHG Protocol Scope 2 Guidance).
    Market,
    /// As municipal inventories count: federal mix, CO2e with upstream.
    Bisko,
}

impl Book {
    /// Name, as in files; also the variant of the KPI `co2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Location => "location",
            Self::Market => "market",
            Self::Bisko => "bisko",
        }
    }
}

impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Book {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Location, Self::Market, Self::Bisko];
        let found = all.into_iter().find(|book| book.as_str() == text);
        found.ok_or_else(|| {
            format!(
                "`{}` is no book; known are location, market, bisko",
                text.chars().take(40).collect::<String>()
            )
        })
    }
}

/// What the site may emit in a year, `[[target]]`. Between two targets of a book the path is a straight line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The year.
    pub year: Year,
    /// CO2 of the whole year.
    pub mass: CarbonMass,
    /// Which accounts it is about.
    pub book: Book,
}

/// A limit on what a device measures, `[[limit]]`, in the canonical unit of its quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Id.
    pub id: String,
    /// Name for people; its id if none was given.
    pub name: String,
    /// The device.
    pub device: DeviceId,
    /// The part of it.
    pub channel: Channel,
    /// What it measures.
    pub quantity: Quantity,
    /// More than this is too much.
    pub above: Option<Decimal>,
    /// Less than this is too little.
    pub below: Option<Decimal>,
    /// How long it must last before it counts.
    pub hold: Duration,
    /// How much it matters.
    pub severity: Severity,
    /// Where the limit is written, such as ASHRAE TC 9.9.
    pub source: Option<String>,
    /// From when to when.
    pub validity: Validity,
}
