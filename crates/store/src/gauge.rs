//! Gauges by quarter hour: mean, lowest, highest and count, one blob for each series and UTC day.
//!
//! For panels over long spans; nothing is accounted from them. They are kept to the 24 bits of a 32-bit float, 7
//! digits, which is more than the instruments have.

use model::{Period, QuarterHour};
use serde::{Deserialize, Serialize};

use crate::bytes::{self, Input, put, put_len};
use crate::chunk::{Values, column};
use crate::interval::{MAX_QUARTERS, SLOTS};
use crate::key::{Day, place_of, row_key};
use crate::{CodecError, Core, SeriesId, StoreError, Tx};

const LAYOUT: u8 = 1;

/// A gauge over one quarter hour, in the quantity's canonical unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GaugeQuarter {
    mean: f32,
    lowest: f32,
    highest: f32,
    count: u32,
}

impl GaugeQuarter {
    /// From the mean, lowest and highest of `count` samples; kept to 7 digits.
    #[allow(clippy::cast_possible_truncation, reason = "7 digits are what is kept")]
    pub const fn new(mean: f64, lowest: f64, highest: f64, count: u32) -> Self {
        Self { mean: mean as f32, lowest: lowest as f32, highest: highest as f32, count }
    }

    /// Mean of the samples.
    pub fn mean(self) -> f64 {
        self.mean.into()
    }

    /// Lowest sample.
    pub fn lowest(self) -> f64 {
        self.lowest.into()
    }

    /// Highest sample.
    pub fn highest(self) -> f64 {
        self.highest.into()
    }

    /// How many samples had a value.
    pub const fn count(self) -> u32 {
        self.count
    }
}

type GaugeDay = [Option<GaugeQuarter>; SLOTS];

impl Tx<'_> {
    /// Writes successive quarter hours of a gauge from `first` on; `None` leaves a quarter hour as it is.
    ///
    /// # Errors
    /// If the record cannot be written, a day is damaged, or the quarter hours lie before 1970.
    pub fn put_gauges(
        &self,
        series: SeriesId,
        first: QuarterHour,
        values: &[Option<GaugeQuarter>],
    ) -> Result<(), StoreError> {
        let mut quarter = first;
        let mut rest = values;
        while !rest.is_empty() {
            let (day, later) = rest.split_at(rest.len().min(SLOTS - quarter.slot()));
            let key = row_key(series.number(), Day::of(quarter.start())?.index());
            let mut stored = self.gauge_day(key)?.unwrap_or([None; SLOTS]);
            for (slot, value) in stored.iter_mut().skip(quarter.slot()).zip(day) {
                *slot = value.or(*slot);
            }
            let body = encode(key, &stored).map_err(StoreError::corrupt(name(key)))?;
            let sql = "INSERT INTO gauge_day(id, body) VALUES(?1, ?2)
                ON CONFLICT DO UPDATE SET body = excluded.body";
            self.run("write gauges", sql, (key, body))?;
            quarter = QuarterHour::from_index((quarter.utc_day() + 1) * QuarterHour::PER_DAY);
            rest = later;
        }
        Ok(())
    }
}

impl Core {
    /// A gauge by quarter hour: one for each that starts in `period`, `None` where there was no sample.
    ///
    /// # Errors
    /// If they cannot be read, a day is damaged, or the period is longer than [`MAX_QUARTERS`].
    pub fn gauges(&self, series: SeriesId, period: Period) -> Result<Vec<Option<GaugeQuarter>>, StoreError> {
        let quarters = period.quarters();
        if quarters.len() > MAX_QUARTERS {
            return Err(StoreError::TooMany { what: "period", most: MAX_QUARTERS });
        }
        let mut values = Vec::with_capacity(quarters.len());
        let mut day: Option<(i64, GaugeDay)> = None;
        for quarter in quarters {
            let Ok(place) = Day::of(quarter.start()) else {
                values.push(None);
                continue;
            };
            let key = row_key(series.number(), place.index());
            if day.is_none_or(|(known, _)| known != key) {
                day = Some((key, self.gauge_day(key)?.unwrap_or([None; SLOTS])));
            }
            values.push(day.and_then(|(_, slots)| slots[quarter.slot()]));
        }
        Ok(values)
    }

    fn gauge_day(&self, key: i64) -> Result<Option<GaugeDay>, StoreError> {
        let sql = "SELECT body FROM gauge_day WHERE id = ?1";
        let body: Option<Vec<u8>> = self.one("read gauges", sql, [key], |row| row.get(0))?;
        body.map(|body| decode(key, &body)).transpose().map_err(StoreError::corrupt(name(key)))
    }
}

fn name(key: i64) -> String {
    let day =
        Day::from_index(i64::from(place_of(key))).map_or_else(|_| "?".to_owned(), |day| day.to_string());
    format!("gauges of series {} on {day}", key >> 24)
}

/// Layout, counts in runs (0: no value), then three columns of those that are there, each with its length.
fn encode(key: i64, day: &GaugeDay) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![LAYOUT];
    for run in day.chunk_by(|a, b| count(*a) == count(*b)) {
        put_len(&mut out, run.len());
        put(&mut out, count(run[0]).into());
    }
    for part in PARTS {
        let values = day.iter().flatten().map(|quarter| *part(&mut quarter.clone())).collect();
        let mut packed = Vec::new();
        column::encode(&Values::Float32(values), &mut packed)?;
        put_len(&mut out, packed.len());
        out.append(&mut packed);
    }
    bytes::seal(key, &mut out);
    Ok(out)
}

/// The three floats of a quarter hour, in their order on disk.
const PARTS: [fn(&mut GaugeQuarter) -> &mut f32; 3] =
    [|quarter| &mut quarter.mean, |quarter| &mut quarter.lowest, |quarter| &mut quarter.highest];

fn count(quarter: Option<GaugeQuarter>) -> u32 {
    // No sample and no value are the same.
    quarter.map_or(0, |quarter| quarter.count.max(1))
}

fn decode(key: i64, bytes: &[u8]) -> Result<GaugeDay, CodecError> {
    let mut input = bytes::unseal(key, bytes)?;
    let layout = input.byte("layout")?;
    if layout != LAYOUT {
        return Err(CodecError::Version { found: layout, known: LAYOUT });
    }
    let mut day = [None; SLOTS];
    read_counts(&mut day, &mut input)?;
    let there = day.iter().flatten().count();
    for part in PARTS {
        let len = input.bounded("bytes of a column", input.rest().len())?;
        let mut values = Values::Float32(Vec::new());
        column::decode(&mut values, there, input.take("column", len)?)?;
        let Values::Float32(values) = values else { continue };
        for (quarter, value) in day.iter_mut().flatten().zip(values) {
            *part(quarter) = value;
        }
    }
    input.end("gauges")?;
    Ok(day)
}

fn read_counts(day: &mut GaugeDay, input: &mut Input<'_>) -> Result<(), CodecError> {
    let mut at = 0;
    while at < SLOTS {
        let len = input.bounded("length of a run", SLOTS - at)?.max(1);
        let count = input.bounded("number of samples", u32::MAX as usize)?;
        let count = u32::try_from(count).expect("bounded");
        let quarter = (count > 0).then(|| GaugeQuarter::new(0.0, 0.0, 0.0, count));
        day[at..at + len].fill(quarter);
        at += len;
    }
    Ok(())
}
