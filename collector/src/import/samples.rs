//! Samples from CSV, put into the inbox as if an agent had sent them: from there on they go the ordinary path.
//!
//! The spool's identity is made of the file's bytes, so a file that is imported twice is a batch that was sent twice:
//! nothing happens.

use std::collections::BTreeMap;

use calendar::instant_from_rfc3339;
use model::{
    AgentId, Channel, Decimal, DeviceId, Encoding, Missing, Poll, PollGroup, Quantity, Raw, Samples,
    SeriesDescriptor, Side, SiteId, SpoolId, Timestamp, Unit,
};
use sha2::{Digest, Sha256};
use store::{AgentKey, GapPolicy, Outcome, ReceivedBatch, Writer};
use wire::{Batch, Payload, Record};

use super::{ImportError, Mode, Request, Summary, csv};

const COLUMNS: &[&str] = &["time", "site", "device", "quantity", "channel", "value", "unit"];
/// The agent that imported samples come from, as far as the record is concerned.
const AGENT: &str = "import";
/// Polls of one record: about 20 kB, as a second of an agent with a thousand devices has.
const POLLS_PER_RECORD: usize = 2_000;
/// Records of one batch; together far below what a batch may hold.
const RECORDS_PER_BATCH: usize = 64;
/// Most digits behind the point that values may differ in, so that one series keeps one exponent.
const EXPONENT_MIN: i8 = -12;

struct Row {
    time: Timestamp,
    site: SiteId,
    series: SeriesName,
    value: Decimal,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct SeriesName {
    device: DeviceId,
    quantity: Quantity,
    channel: Channel,
}

/// A series of a file: values by time, each with the number of its row.
type Column = BTreeMap<Timestamp, (usize, Decimal)>;

pub(super) fn import(
    writer: &mut Writer,
    request: &Request<'_>,
    bytes: &[u8],
) -> Result<Summary, ImportError> {
    let rows = csv::rows(&request.name(), bytes, request.variant, COLUMNS, row)?;
    let mut sites: BTreeMap<SiteId, BTreeMap<SeriesName, Column>> = BTreeMap::new();
    for (n, row) in rows.iter().enumerate() {
        let column = sites.entry(row.site.clone()).or_default().entry(row.series.clone()).or_default();
        if let Some((earlier, _)) = column.insert(row.time, (n, row.value)) {
            let what =
                format!("{} has a value at {} already, in line {}", row.series.device, row.time, earlier + 2);
            return Err(request.contradiction(n as u64 + 2, what));
        }
    }
    let mut batches = Vec::new();
    for (site, columns) in &sites {
        batches.extend(site_batches(request, bytes, site, columns)?);
    }
    let lines = sites.iter().map(|(site, columns)| {
        let samples: usize = columns.values().map(BTreeMap::len).sum();
        format!("{site}: {samples} samples of {} series", columns.len())
    });
    let lines: Vec<String> = lines.collect();
    if request.mode == Mode::DryRun {
        return Ok(Summary { number: None, lines });
    }
    let number = writer.transaction(|tx| {
        let mut stored = false;
        for batch in &batches {
            stored |= matches!(tx.ingest(batch)?, Outcome::Stored { .. });
        }
        let note = |()| request.note(tx, bytes, rows.len(), format!("{} sites", sites.len()));
        stored.then_some(()).map(note).transpose()
    })?;
    let said_already =
        number.is_none().then(|| "the same file was imported before: nothing changed".to_owned());
    Ok(Summary { number, lines: lines.into_iter().chain(said_already).collect() })
}

fn row(row: &csv::Row<'_>) -> Result<Row, String> {
    let time = instant_from_rfc3339(row.text("time")).map_err(|error| format!("time: {error}"))?;
    let quantity: Quantity = row.parsed("quantity")?;
    let unit: Unit = row.parsed("unit")?;
    let factor = unit.factor_to(quantity.unit()).map_err(|error| format!("unit: {error}"))?;
    let value = row.decimal("value")?;
    let fits = |value: &Decimal| value.exponent() >= EXPONENT_MIN;
    let value =
        value.times(factor).filter(fits).ok_or_else(|| format!("value: `{value}` {unit} does not fit"))?;
    let series = SeriesName { device: row.parsed("device")?, quantity, channel: row.parsed("channel")? };
    Ok(Row { time, site: row.parsed("site")?, series, value })
}

fn site_batches(
    request: &Request<'_>,
    bytes: &[u8],
    site: &SiteId,
    columns: &BTreeMap<SeriesName, Column>,
) -> Result<Vec<ReceivedBatch>, ImportError> {
    let agent = AgentId::new(AGENT).expect("`import` is an id");
    let agent = AgentKey { site: site.clone(), agent };
    let mut sender = Sender { records: Vec::new(), time: request.at };
    sender.add(&Payload::RunStart {
        run: 0,
        agent_version: "import".to_owned(),
        last_durable: None,
        clean_stop: true,
    });
    let (series, groups) = declared(columns);
    for declaration in wire::split_declaration(0, &series, &groups) {
        sender.add(&declaration);
    }
    let mut polls = Vec::new();
    for ((column, series), group) in columns.values().zip(&series).zip(&groups) {
        for (time, (n, value)) in column {
            let too_wide = || {
                request.contradiction(*n as u64 + 2, "the value does not fit beside the others of its series")
            };
            let raw = raw(*value, series.exponent).ok_or_else(too_wide)?;
            polls.push(Poll { group: group.number, time: *time, values: vec![Ok(raw)] });
        }
    }
    polls.sort_by_key(|poll| poll.time);
    for part in polls.chunks(POLLS_PER_RECORD) {
        sender.add(&Payload::Samples { run: 0, samples: Samples { polls: part.to_vec() } });
    }
    sender.add(&Payload::RunStop { run: 0 });
    Ok(sender.batches(&agent, spool_of(bytes, site)))
}

/// The raw whole number at the series' exponent.
fn raw(value: Decimal, exponent: i8) -> Option<Raw> {
    if value.mantissa() == 0 {
        return Some(Raw::Integer(0));
    }
    let power = u32::try_from(i32::from(value.exponent()) - i32::from(exponent)).ok()?;
    value.mantissa().checked_mul(10i64.checked_pow(power)?).map(Raw::Integer)
}

fn declared(columns: &BTreeMap<SeriesName, Column>) -> (Vec<SeriesDescriptor>, Vec<PollGroup>) {
    let described = columns.iter().zip(0u32..).map(|((name, column), number)| {
        let exponents =
            column.values().map(|(_, value)| if value.mantissa() == 0 { 0 } else { value.exponent() });
        let series = SeriesDescriptor {
            number,
            device: name.device.clone(),
            quantity: name.quantity,
            channel: name.channel.clone(),
            encoding: Encoding::Integer,
            exponent: exponents.min().unwrap_or(0),
            wraps_at: None,
            resolution: 1,
            side: Side::Primary,
            profile: None,
            profile_hash: None,
            source: "import".to_owned(),
        };
        let (period_ms, offset_ms) = rhythm(column);
        let group =
            PollGroup { number, device: name.device.clone(), period_ms, offset_ms, series: vec![number] };
        (series, group)
    });
    described.unzip()
}

/// The shortest step between two samples, as the period of the plan; a quarter hour where there is only one.
fn rhythm(column: &Column) -> (u32, u32) {
    let times: Vec<Timestamp> = column.keys().copied().collect();
    let steps = times.windows(2).filter_map(|pair| match pair {
        [a, b] => u32::try_from(b.millis_since(*a)).ok(),
        _ => None,
    });
    let period = steps.min().unwrap_or(900_000).max(1);
    let first = times.first().map_or(0, |time| time.millis());
    (period, u32::try_from(first.rem_euclid(i64::from(period))).unwrap_or(0))
}

fn spool_of(bytes: &[u8], site: &SiteId) -> SpoolId {
    let hash: [u8; 32] =
        Sha256::new().chain_update(site.as_str()).chain_update([0]).chain_update(bytes).finalize().into();
    let mut id = [0; 16];
    id.copy_from_slice(hash.first_chunk::<16>().expect("32 bytes have a first 16"));
    SpoolId::from_bytes(id)
}

/// Numbers records and cuts them into batches.
struct Sender {
    records: Vec<Record>,
    time: Timestamp,
}

impl Sender {
    fn add(&mut self, payload: &Payload) {
        let sequence = self.records.len() as u64;
        self.records.push(Record { sequence, time: self.time, payload: wire::encode_payload(payload) });
    }

    fn batches(self, agent: &AgentKey, spool: SpoolId) -> Vec<ReceivedBatch> {
        let received = self.time;
        let batch = |records: &[Record]| {
            let first = records.first().map_or(0, |record| record.sequence);
            let last = records.last().map_or(0, |record| record.sequence);
            let checksums = records.iter().map(|record| crc32c::crc32c(&record.payload)).collect();
            let body =
                Batch { schema: wire::SCHEMA, spool, first, last, gap_from: None, records: records.to_vec() };
            ReceivedBatch {
                agent: agent.clone(),
                spool,
                first,
                last,
                checksums,
                received,
                gap: GapPolicy::Accept(Missing::Other),
                body: wire::encode_batch(&body),
            }
        };
        self.records.chunks(RECORDS_PER_BATCH).map(batch).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_series_share_the_finest_exponent() {
        assert_eq!(raw("12.5".parse().unwrap(), -3), Some(Raw::Integer(12_500)));
        assert_eq!(raw("0".parse().unwrap(), -3), Some(Raw::Integer(0)));
        assert_eq!(raw("1e18".parse().unwrap(), -3), None);
    }

    #[test]
    fn the_same_file_makes_the_same_spool_and_another_site_another() {
        let (a, b) = (SiteId::new("a").unwrap(), SiteId::new("b").unwrap());
        assert_eq!(spool_of(b"x", &a), spool_of(b"x", &a));
        assert_ne!(spool_of(b"x", &a), spool_of(b"x", &b));
        assert_ne!(spool_of(b"x", &a), spool_of(b"y", &a));
    }
}
