//! Quarter-hour values of meter points as lines: measurement `interval_15m`.

use std::collections::HashMap;

use accounting::{Medium, PointValues, evaluate};
use line::{Encoder, FieldKey, SeriesKey};
use model::{IntervalValue, MeterPointId, Period, SiteId, Timestamp};
use store::{Core, Day};

use crate::facts::{FactsError, SiteEntry, SiteRecord};

/// Days that are remembered for each meter point, so that a day is not sent anew with each of its quarter hours.
const DAYS_KEPT: u32 = 4;
/// Milliwatt-hours of a watt-hour.
const MILLI: f64 = 1e3;
/// Millilitres of a cubic metre.
const MICRO: f64 = 1e6;

/// What was sent of recent days.
#[derive(Debug, Default)]
pub(super) struct SentDays(HashMap<(SiteId, Day, MeterPointId), Vec<IntervalValue>>);

impl SentDays {
    /// Puts the values of a site's UTC day that were not sent before into lines.
    pub(super) fn encode(
        &mut self,
        encoder: &mut Encoder,
        core: &Core,
        (entry, day): (&SiteEntry, Day),
    ) -> Result<(), FactsError> {
        let site = &entry.topology.site.id;
        let span = Period::new(day.start(), day.start().plus_millis(86_400_000));
        let mut record = SiteRecord::new(core, site);
        for point in evaluate(&entry.topology, span, |_| true, &mut record)? {
            let key = (site.clone(), day, point.point.clone());
            let known = self.0.get(&key).map_or(&[] as &[_], Vec::as_slice);
            encode_point(encoder, site, &point, (span, known));
            self.0.insert(key, point.values);
        }
        let oldest = day.index().saturating_sub(DAYS_KEPT);
        self.0.retain(|(_, day, _), _| day.index() > oldest);
        Ok(())
    }
}

fn encode_point(
    encoder: &mut Encoder,
    site: &SiteId,
    point: &PointValues,
    (span, known): (Period, &[IntervalValue]),
) {
    let tags = [("site", site.as_str()), ("point", point.point.as_str())];
    let Ok(head) = SeriesKey::new("interval_15m", &tags) else { return };
    let (field, divisor) = match point.medium {
        Medium::Electricity | Medium::Heat => ("energy_wh", MILLI),
        Medium::Water => ("volume_m3", MICRO),
    };
    let keys = [field, "quality", "coverage"].map(|name| FieldKey::new(name).expect("plain words"));
    for (n, (quarter, value)) in span.quarters().zip(&point.values).enumerate() {
        if known.get(n) == Some(value) || is_nothing(value) {
            continue;
        }
        encode_value(encoder, &head, &keys, (quarter.start(), value, divisor));
    }
}

/// Nothing was ever said of it: the future, or a time before the first reading.
fn is_nothing(value: &IntervalValue) -> bool {
    value.energy.is_none() && value.reason.is_none()
}

fn encode_value(
    encoder: &mut Encoder,
    head: &SeriesKey,
    [amount, quality, coverage]: &[FieldKey; 3],
    (time, value, divisor): (Timestamp, &IntervalValue, f64),
) {
    let mut line = encoder.begin(head);
    if let Some(energy) = value.energy {
        line = line.float(amount, energy.milliwatt_hours() as f64 / divisor);
    }
    let covered = if value.quality.is_covered() { 1.0 } else { 0.0 };
    let _written = line.text(quality, value.quality.code()).float(coverage, covered).end(time);
}
