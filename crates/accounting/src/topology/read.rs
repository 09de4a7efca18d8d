//! Reads a site's file, table by table, and notes every mistake with its line.

mod lists;
mod points;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;

use calendar::{Date, Zone, instant_from_rfc3339};
use model::{Decimal, Timestamp};
use settings::{Mistake, Mistakes, Table};

use super::check::{At, Found};
use super::keys::Validity;
use super::{Site, Topology};

/// Reads a site's file.
pub(super) fn topology(file: &str, text: &str) -> Result<Topology, Mistakes> {
    let notes = Notes::default();
    let read = settings::read(file, text, |root| whole(root, &notes));
    let mut mistakes = match &read {
        Ok(_) => Vec::new(),
        // Broken TOML comes without a key, and what is made of the rest of such a file misleads.
        Err(Mistakes(all)) if all.iter().any(|mistake| mistake.key.is_empty()) => return read,
        Err(Mistakes(all)) => all.clone(),
    };
    let found = notes.into_found();
    mistakes.extend(found.into_iter().map(|(At { line, key }, what)| Mistake {
        file: file.to_owned(),
        line,
        key,
        what,
    }));
    mistakes.sort();
    mistakes.sort_by_key(|mistake| mistake.line);
    if mistakes.is_empty() { read } else { Err(Mistakes(mistakes)) }
}

fn whole(root: &Table<'_>, notes: &Notes) -> Option<Topology> {
    let site = root.table("site", site);
    // Without a zone the dates of the rest can still be checked for form and order.
    let zone = site.as_ref().map_or_else(|| Zone::new("UTC").ok(), |site| Some(site.zone.clone()))?;
    let reader = Reader { zone: &zone, notes };
    let rooms = reader.rooms(root);
    let racks = reader.racks(root);
    let places = reader.places(root);
    let feeds = reader.feeds(root);
    let units = reader.units(root);
    let contracts = reader.contracts(root);
    let measures = reader.measures(root);
    let events = reader.events(root);
    let targets = reader.targets(root);
    let limits = reader.limits(root);
    let points = reader.meter_points(root);
    Some(Topology {
        site: site?,
        points,
        rooms,
        racks,
        places,
        feeds,
        units,
        contracts,
        measures,
        events,
        targets,
        limits,
    })
}

fn site(table: &Table<'_>) -> Option<Site> {
    let (id, city, zone) = (table.parsed("id"), table.parsed("city"), table.parsed("zone"));
    let name = table.optional_string("name");
    let start_of_operation = optional_date(table, "start_of_operation");
    let amount = |key| positive(table, key);
    let (rated_power_kw, it_power_kw) = (amount("rated_power_kw"), amount("it_power_kw"));
    let (floor_area_m2, it_floor_area_m2) = (amount("floor_area_m2"), amount("it_floor_area_m2"));
    let text = |key| table.optional_string(key);
    let (postcode, owner, operator) = (text("postcode"), text("owner"), text("operator"));
    let id: model::SiteId = id?;
    Some(Site {
        name: name.unwrap_or_else(|| id.to_string()),
        id,
        city: city?,
        zone: zone?,
        start_of_operation,
        rated_power_kw,
        it_power_kw,
        floor_area_m2,
        it_floor_area_m2,
        postcode,
        owner,
        operator,
    })
}

/// A decimal above 0, if there.
fn positive(table: &Table<'_>, key: &str) -> Option<Decimal> {
    let number: Decimal = table.optional_number(key)?;
    if number.mantissa() > 0 {
        return Some(number);
    }
    table.mistake(key, format_args!("found {number}, expected a number above 0"));
    None
}

/// A local date, if there.
fn optional_date(table: &Table<'_>, key: &str) -> Option<Date> {
    let date = table.optional_date(key)?;
    Date::try_from(date).map_err(|error| table.mistake(key, error)).ok()
}

/// What was seen and what was referred to, until the whole file is read.
#[derive(Debug, Default)]
struct Notes {
    seen: RefCell<BTreeMap<(&'static str, String), At>>,
    referred: RefCell<Vec<(&'static str, String, At)>>,
    found: RefCell<Vec<Found>>,
}

impl Notes {
    fn into_found(self) -> Vec<Found> {
        let seen = self.seen.into_inner();
        let mut found = self.found.into_inner();
        for (kind, id, at) in self.referred.into_inner() {
            let key = (kind, id);
            if !seen.contains_key(&key) {
                found.push((at, format!("`{}` is no {kind} of this site", key.1)));
            }
        }
        found
    }
}

/// Reads the parts of a site's file.
struct Reader<'r> {
    zone: &'r Zone,
    notes: &'r Notes,
}

impl Reader<'_> {
    /// Notes an id, and that it stands twice if it does.
    fn seen(&self, kind: &'static str, id: Option<&impl Display>, at: &At) {
        let Some(id) = id else { return };
        let key = (kind, id.to_string());
        let earlier = self.notes.seen.borrow().get(&key).map(|at| at.line);
        if let Some(line) = earlier {
            self.found(at, format!("the {kind} `{id}` stands in line {line} already"));
        } else {
            self.notes.seen.borrow_mut().insert(key, at.clone());
        }
    }

    /// Notes that something is referred to, to be looked up when the whole file is read.
    fn refers(&self, kind: &'static str, id: Option<&impl Display>, at: &At) {
        self.notes.referred.borrow_mut().extend(id.map(|id| (kind, id.to_string(), at.clone())));
    }

    fn found(&self, at: &At, what: String) {
        self.notes.found.borrow_mut().push((at.clone(), what));
    }

    /// `valid_from` and `valid_to` are local dates; `valid_from_time` and `valid_to_time` are RFC 3339 instants, for a
    /// meter that is exchanged in the middle of a day.
    fn validity(&self, table: &Table<'_>) -> Validity {
        let from = self.bound(table, ["valid_from", "valid_from_time"]).unwrap_or(Timestamp::MIN);
        let to = self.bound(table, ["valid_to", "valid_to_time"]).unwrap_or(Timestamp::MAX);
        if from >= to {
            table.mistake("valid_to", "the validity ends before it begins; the end itself is not inside");
        }
        Validity { from, to }
    }

    fn bound(&self, table: &Table<'_>, [date, time]: [&str; 2]) -> Option<Timestamp> {
        let day = optional_date(table, date).map(|day| self.zone.start_of_day(day));
        let text = table.optional_string(time);
        let instant = text
            .and_then(|text| instant_from_rfc3339(&text).map_err(|error| table.mistake(time, error)).ok());
        if table.has(date) && table.has(time) {
            table.mistake(time, format_args!("stands beside `{date}`; give one of the two"));
        }
        day.or(instant)
    }
}
