//! Writes what was polled as line protocol, to stdout or into a file: one line per device, tick, domain and channel.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

use line::{Encoder, FieldKey, Reading, SeriesKey};
use model::{DeviceId, PollGroup, SeriesDescriptor, SiteId};

use super::Sink;
use crate::config::{Config, Location};
use crate::poll::{Message, Plan};

/// Writes line protocol.
pub struct LineSink {
    to: Box<dyn Write + Send>,
    site: SiteId,
    locations: BTreeMap<DeviceId, Location>,
    encoder: Encoder,
    groups: BTreeMap<u32, Vec<LinePlan>>,
    in_trouble: bool,
}

/// One line of a group: its key, and for each field the place of its value in the poll.
struct LinePlan {
    key: SeriesKey,
    fields: Vec<(FieldKey, usize, SeriesDescriptor)>,
}

impl fmt::Debug for LineSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineSink").field("site", &self.site).finish_non_exhaustive()
    }
}

impl LineSink {
    /// A sink that writes to `to`.
    pub fn new(to: Box<dyn Write + Send>, config: &Config, plan: &Plan) -> Self {
        let located = config.devices.iter().filter_map(|one| Some((one.id.clone(), one.location.clone()?)));
        let mut sink = Self {
            to,
            site: config.site.clone(),
            locations: located.collect(),
            encoder: Encoder::new(),
            groups: BTreeMap::new(),
            in_trouble: false,
        };
        sink.declare(&plan.series, &plan.groups);
        sink
    }

    fn declare(&mut self, series: &[SeriesDescriptor], groups: &[PollGroup]) {
        let by_number: BTreeMap<u32, &SeriesDescriptor> =
            series.iter().map(|one| (one.number, one)).collect();
        for group in groups {
            let columns = group.series.iter().enumerate();
            let columns = columns.filter_map(|(place, number)| Some((place, *by_number.get(number)?)));
            let lines = self.lines(columns);
            self.groups.insert(group.number, lines);
        }
    }

    fn lines<'a>(&self, columns: impl Iterator<Item = (usize, &'a SeriesDescriptor)>) -> Vec<LinePlan> {
        let mut lines: BTreeMap<SeriesKey, LinePlan> = BTreeMap::new();
        for (place, series) in columns {
            let location = self.locations.get(&series.device);
            let key = SeriesKey::of(&Reading {
                domain: series.quantity.domain(),
                site: &self.site,
                device: &series.device,
                channel: &series.channel,
                room: location.and_then(|one| one.room.as_ref()),
                rack: location.and_then(|one| one.rack.as_ref()),
            });
            let line = lines.entry(key.clone()).or_insert_with(|| LinePlan { key, fields: Vec::new() });
            line.fields.push((FieldKey::of(series.quantity), place, series.clone()));
        }
        lines.into_values().collect()
    }

    fn encode(&mut self, poll: &model::Poll) {
        let Some(lines) = self.groups.get(&poll.group) else { return };
        for plan in lines {
            let mut line = self.encoder.begin(&plan.key);
            for (field, place, series) in &plan.fields {
                if let Some(Ok(raw)) = poll.values.get(*place) {
                    line = line.float(field, series.value(*raw));
                }
            }
            // A line without any field is none: what is missing is not written.
            line.end(poll.time);
        }
    }
}

impl Sink for LineSink {
    fn take(&mut self, message: Message) {
        match message {
            Message::Samples(_, samples) => samples.polls.iter().for_each(|poll| self.encode(poll)),
            Message::Declare(_, series, groups) => self.declare(&series, &groups),
            Message::Event(..) | Message::ClockStep(..) => {}
        }
    }

    fn settle(&mut self) {
        let written = self.to.write_all(self.encoder.text().as_bytes()).and_then(|()| self.to.flush());
        self.encoder.clear();
        match written {
            Ok(()) => self.in_trouble = false,
            Err(error) if !std::mem::replace(&mut self.in_trouble, true) => {
                tracing::error!(%error, "cannot write line protocol");
            }
            Err(_) => {}
        }
    }

    fn close(mut self: Box<Self>) {
        self.settle();
    }
}

#[cfg(test)]
mod tests;
