//! A site's file: meter points and what they are made of, places, contracts, measures, targets, limits.
//!
//! The text is the exchange format; the truth is the versioned record in the collector. Reading it finds every mistake
//! at once, with file and line: unknown roles and references, circular formulas, overlapping validity, ratios where
//! there can be none. What was read without mistake is consistent, so lookups need no errors.

mod check;
mod keys;
mod place;
mod point;
mod read;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use calendar::{Date, Zone};
use model::{CityId, Decimal, DeviceId, MeterPointId, Role, SiteId, Timestamp};

pub use keys::{Accuracy, Flow, InvalidAccuracy, Medium, SeriesKey, Validity};
pub use place::{Book, Contract, Feed, FeedSide, Limit, Measure, Place, Rack, Room, SiteEvent, Target, Unit};
pub use point::{MeterPoint, RatioMistake, Source, Virtual};

/// The site itself, `[site]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Id.
    pub id: SiteId,
    /// Name for people.
    pub name: String,
    /// The city it belongs to.
    pub city: CityId,
    /// The zone that cuts its days and months.
    pub zone: Zone,
    /// First day of operation; limits of the EnEfG depend on it.
    pub start_of_operation: Option<Date>,
    /// Non-redundant connected electrical power, in kW (EnEfG section 3 no. 24).
    pub rated_power_kw: Option<Decimal>,
    /// Rated power of the IT, in kW.
    pub it_power_kw: Option<Decimal>,
    /// Floor area of the building, in m2 (EnEfG annex 3 no. 1e).
    pub floor_area_m2: Option<Decimal>,
    /// Floor area of the computer rooms, in m2.
    pub it_floor_area_m2: Option<Decimal>,
    /// Postcode (EnEfG annex 3 no. 1d).
    pub postcode: Option<String>,
    /// Owner (EnEfG annex 3 no. 1b).
    pub owner: Option<String>,
    /// Operator (EnEfG annex 3 no. 1b).
    pub operator: Option<String>,
}

/// A site's file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// `[site]`.
    pub site: Site,
    /// `[[meter_point]]`, in such an order that a point comes after all points its formulas name.
    pub points: Vec<MeterPoint>,
    /// `[[room]]`.
    pub rooms: Vec<Room>,
    /// `[[rack]]`.
    pub racks: Vec<Rack>,
    /// `[[place]]`: where devices stand.
    pub places: Vec<Place>,
    /// `[[feed]]`.
    pub feeds: Vec<Feed>,
    /// `[[unit]]`.
    pub units: Vec<Unit>,
    /// `[[contract]]`.
    pub contracts: Vec<Contract>,
    /// `[[measure]]`.
    pub measures: Vec<Measure>,
    /// `[[event]]`.
    pub events: Vec<SiteEvent>,
    /// `[[target]]`, by year.
    pub targets: Vec<Target>,
    /// `[[limit]]`.
    pub limits: Vec<Limit>,
}

impl Topology {
    /// Reads a site's file. `file` is what mistakes call it.
    ///
    /// # Errors
    /// Every mistake found, each with its line.
    pub fn read(file: &str, text: &str) -> Result<Self, settings::Mistakes> {
        read::topology(file, text)
    }

    /// The meter point of that id.
    pub fn point(&self, id: &MeterPointId) -> Option<&MeterPoint> {
        self.points.iter().find(|point| point.id == *id)
    }

    /// The meter points of a role that have a source, a formula or an import at some time within their validity.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &MeterPoint> {
        self.points.iter().filter(move |point| point.role == role)
    }

    /// Every register series that some meter point is made of, at whatever time.
    pub fn series(&self) -> BTreeSet<&SeriesKey> {
        self.points.iter().flat_map(|point| &point.sources).map(|source| &source.series).collect()
    }

    /// The meter points that a series feeds at an instant, directly.
    pub fn points_of_series(&self, series: &SeriesKey, time: Timestamp) -> impl Iterator<Item = &MeterPoint> {
        let feeds = move |source: &Source| source.series == *series && source.validity.contains(time);
        self.points.iter().filter(move |point| point.sources.iter().any(feeds))
    }

    /// Where a device stands at an instant.
    pub fn place_of(&self, device: &DeviceId, time: Timestamp) -> Option<&Place> {
        self.places.iter().find(|place| place.device == *device && place.validity.contains(time))
    }

    /// The targets of a book, by year: between two of them the path is a straight line.
    pub fn targets_of(&self, book: Book) -> impl Iterator<Item = &Target> {
        self.targets.iter().filter(move |target| target.book == book)
    }

    /// The limits that hold at an instant.
    pub fn limits_at(&self, time: Timestamp) -> impl Iterator<Item = &Limit> {
        self.limits.iter().filter(move |limit| limit.validity.contains(time))
    }
}
