//! Everything of a site's file but its meter points.

use std::time::Duration;

use calendar::Year;
use model::{CarbonMass, MeterPointId, Severity};
use settings::Table;

use super::{Reader, optional_date, positive};
use crate::Fraction;
use crate::fraction::divided;
use crate::topology::check::{self, At};
use crate::topology::place::{
    Contract, Feed, FeedSide, Limit, Measure, Place, Rack, Room, SiteEvent, Target, Unit,
};

/// A limit may have to last this long at most before it counts.
const HOLD_MAX: Duration = Duration::from_hours(24);

fn at(table: &Table<'_>, key: &str) -> At {
    At { line: table.line(), key: key.to_owned() }
}

impl Reader<'_> {
    pub(super) fn rooms(&self, root: &Table<'_>) -> Vec<Room> {
        root.tables("room", |table| {
            let at = at(table, "room");
            let id: Option<model::RoomId> = table.parsed("id");
            self.seen("room", id.as_ref(), &at);
            let name = table.optional_string("name");
            let floor_area_m2 = positive(table, "floor_area_m2");
            let validity = self.validity(table);
            let id = id?;
            Some(Room { name: name.unwrap_or_else(|| id.to_string()), id, floor_area_m2, validity })
        })
    }

    pub(super) fn racks(&self, root: &Table<'_>) -> Vec<Rack> {
        root.tables("rack", |table| {
            let at = at(table, "rack");
            let (id, room): (Option<model::RackId>, Option<model::RoomId>) =
                (table.parsed("id"), table.parsed("room"));
            self.seen("rack", id.as_ref(), &at);
            self.refers("room", room.as_ref(), &at);
            let name = table.optional_string("name");
            let height_units = height(table, "height_units");
            let rated_power_kw = positive(table, "rated_power_kw");
            let validity = self.validity(table);
            let id = id?;
            let name = name.unwrap_or_else(|| id.to_string());
            Some(Rack { id, room: room?, name, height_units, rated_power_kw, validity })
        })
    }

    pub(super) fn places(&self, root: &Table<'_>) -> Vec<Place> {
        let read = root.tables("place", |table| {
            let at = at(table, "place");
            let device: Option<model::DeviceId> = table.parsed("device");
            let (room, rack) = (table.optional_parsed("room"), table.optional_parsed("rack"));
            self.refers("room", room.as_ref(), &at);
            self.refers("rack", rack.as_ref(), &at);
            let height_unit = height(table, "u");
            let validity = self.validity(table);
            Some((Place { device: device?, room, rack, height_unit, validity }, at))
        });
        let (places, lines): (Vec<Place>, Vec<At>) = read.into_iter().unzip();
        let rows: Vec<_> = places.iter().map(|place| (place.device.to_string(), place.validity)).collect();
        for (at, what) in check::overlaps(&rows, &lines) {
            self.found(&at, what);
        }
        places
    }

    pub(super) fn feeds(&self, root: &Table<'_>) -> Vec<Feed> {
        root.tables("feed", |table| {
            let at = at(table, "feed");
            let id = table.string("id");
            self.seen("feed", id.as_ref(), &at);
            let side = feed_side(table);
            let (rack, room) = (table.optional_parsed("rack"), table.optional_parsed("room"));
            let meter_point = table.optional_parsed("meter_point");
            self.refers("rack", rack.as_ref(), &at);
            self.refers("room", room.as_ref(), &at);
            self.refers("meter point", meter_point.as_ref(), &at);
            let rated_power_kw = positive(table, "rated_power_kw");
            let validity = self.validity(table);
            Some(Feed { id: id?, side: side?, rack, room, meter_point, rated_power_kw, validity })
        })
    }

    pub(super) fn units(&self, root: &Table<'_>) -> Vec<Unit> {
        root.tables("unit", |table| {
            let at = at(table, "unit");
            let id = table.string("id");
            self.seen("unit", id.as_ref(), &at);
            let name = table.optional_string("name");
            let parent = table.optional_string("parent");
            self.refers("unit", parent.as_ref(), &at);
            let cost_centre = table.optional_string("cost_centre");
            let validity = self.validity(table);
            let id = id?;
            Some(Unit { name: name.unwrap_or_else(|| id.clone()), id, parent, cost_centre, validity })
        })
    }

    pub(super) fn contracts(&self, root: &Table<'_>) -> Vec<Contract> {
        root.tables("contract", |table| {
            let at = at(table, "contract");
            let (id, supplier) = (table.string("id"), table.string("supplier"));
            self.seen("contract", id.as_ref(), &at);
            let (product, source) = (table.optional_string("product"), table.optional_string("source"));
            let meter_points = self.meter_point_list(table, &at);
            let g_per_kwh = table.optional_number("g_per_kwh");
            let renewable_share = table.optional_number::<Fraction>("renewable_share");
            if renewable_share.is_some_and(|share| !(0.0..=1.0).contains(&share.to_f64())) {
                table.mistake("renewable_share", "expected a share from 0 to 1");
            }
            let validity = self.validity(table);
            let (id, supplier) = (id?, supplier?);
            Some(Contract {
                id,
                supplier,
                product,
                meter_points,
                g_per_kwh,
                renewable_share,
                source,
                validity,
            })
        })
    }

    pub(super) fn measures(&self, root: &Table<'_>) -> Vec<Measure> {
        root.tables("measure", |table| {
            let at = at(table, "measure");
            let id = table.string("id");
            self.seen("measure", id.as_ref(), &at);
            let name = table.optional_string("name");
            let from = required_date(table, "from");
            let meter_points = self.meter_point_list(table, &at);
            let (expected_kwh_a, cost_eur) =
                (table.optional_number("expected_kwh_a"), table.optional_number("cost_eur"));
            let id = id?;
            let name = name.unwrap_or_else(|| id.clone());
            Some(Measure { id, name, from: from?, meter_points, expected_kwh_a, cost_eur })
        })
    }

    pub(super) fn events(&self, root: &Table<'_>) -> Vec<SiteEvent> {
        root.tables("event", |table| {
            let at = at(table, "event");
            let (date, text) = (required_date(table, "date"), table.string("text"));
            let meter_points = self.meter_point_list(table, &at);
            Some(SiteEvent { date: date?, text: text?, meter_points })
        })
    }

    pub(super) fn targets(&self, root: &Table<'_>) -> Vec<Target> {
        let mut targets = root.tables("target", |table| {
            let at = at(table, "target");
            let year = table.integer("year", 1990..=2199).and_then(|year| i16::try_from(year).ok());
            let year = year.and_then(|year| Year::new(year).ok());
            let book: Option<crate::Book> = table.parsed("book");
            let mass = table.number::<Fraction>("t_co2").and_then(|tonnes| {
                let mass = tonnes_of(tonnes);
                if mass.is_none() {
                    table.mistake("t_co2", "expected tonnes from 0 to 9000000000");
                }
                mass
            });
            let (year, book) = (year?, book?);
            self.seen("target", Some(&format_args!("{year} {book}")), &at);
            Some(Target { year, mass: mass?, book })
        });
        targets.sort_by_key(|target| (target.book, target.year));
        targets
    }

    pub(super) fn limits(&self, root: &Table<'_>) -> Vec<Limit> {
        root.tables("limit", |table| {
            let at = at(table, "limit");
            let id = table.string("id");
            self.seen("limit", id.as_ref(), &at);
            let (name, source) = (table.optional_string("name"), table.optional_string("source"));
            let (device, channel, quantity) =
                (table.parsed("device"), table.parsed("channel"), table.parsed("quantity"));
            let (above, below) = (table.optional_number("above"), table.optional_number("below"));
            if above.is_none() && below.is_none() {
                table.mistake("", "a limit needs `above`, `below` or both");
            }
            let hold = table.optional_duration("hold", Duration::ZERO..=HOLD_MAX).unwrap_or_default();
            let severity = severity(table);
            let validity = self.validity(table);
            let id = id?;
            let name = name.unwrap_or_else(|| id.clone());
            let (device, channel, quantity, severity) = (device?, channel?, quantity?, severity?);
            Some(Limit {
                id,
                name,
                device,
                channel,
                quantity,
                above,
                below,
                hold,
                severity,
                source,
                validity,
            })
        })
    }

    fn meter_point_list(&self, table: &Table<'_>, at: &At) -> Vec<MeterPointId> {
        let mut ids = Vec::new();
        for text in table.strings("meter_points") {
            match MeterPointId::new(&text) {
                Ok(id) => {
                    self.refers("meter point", Some(&id), at);
                    ids.push(id);
                }
                Err(error) => table.mistake("meter_points", error),
            }
        }
        ids
    }
}

fn required_date(table: &Table<'_>, key: &str) -> Option<calendar::Date> {
    if !table.has(key) {
        // Asks for it, so that its absence is noted.
        return table.date(key).and(None);
    }
    optional_date(table, key)
}

fn height(table: &Table<'_>, key: &str) -> Option<u16> {
    table.optional_integer(key, 1..=100).and_then(|units| u16::try_from(units).ok())
}

fn feed_side(table: &Table<'_>) -> Option<FeedSide> {
    match table.string("side")?.as_str() {
        "a" => Some(FeedSide::A),
        "b" => Some(FeedSide::B),
        other => {
            table.mistake("side", format_args!("found \"{other}\", expected \"a\" or \"b\""));
            None
        }
    }
}

/// `warning` unless said otherwise.
fn severity(table: &Table<'_>) -> Option<Severity> {
    match table.optional_string("severity").as_deref() {
        Some("info") => Some(Severity::Info),
        None | Some("warning") => Some(Severity::Warning),
        Some("critical") => Some(Severity::Critical),
        Some(other) => {
            table.mistake(
                "severity",
                format_args!("found \"{other}\", expected \"info\", \"warning\" or \"critical\""),
            );
            None
        }
    }
}

/// Tonnes in whole milligrams, rounded half away from zero; `None` below 0 or beyond 64 bits.
fn tonnes_of(tonnes: Fraction) -> Option<CarbonMass> {
    let above = i128::from(tonnes.numerator()) * 1_000_000_000;
    let mass = i64::try_from(divided(above, i128::from(tonnes.denominator()))).ok()?;
    (mass >= 0).then(|| CarbonMass::from_milligrams(mass))
}
