//! How fast the closer is: samples per second from batch bodies in the inbox to committed chunks and quarter hours.
//!
//! `cargo run --release -p collector --example closer_speed [DEVICES] [PERIOD_S] [HOURS]`
#![allow(clippy::print_stdout, reason = "a measurement prints its result")]

use std::sync::Arc;
use std::time::Instant;

use collector::Clock;
use collector::close::{CloseCounters, Closer, LiveTable};
use collector::ingest::start_writer;
use model::{
    Channel, DeviceId, Encoding, Poll, PollGroup, Quantity, Raw, Samples, SeriesDescriptor, Side, SpoolId,
    Timestamp,
};
use store::{AgentKey, GapPolicy, Options, ReceivedBatch, Store};
use wire::{Batch, Payload, Record};

const SERIES: u32 = 20;
const START_S: i64 = 1_767_225_600;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u32>());
    let mut next = |default| numbers.next().unwrap_or(Ok(default));
    let (devices, period_s, hours) = (next(100)?, next(10)?, next(4)?);
    let dir = tempfile::tempdir()?;
    let store = Store::open(dir.path(), Options::default())?;
    let samples = fill(&store, devices, period_s, hours)?;
    let (writer, thread) = start_writer(store.writer()?)?;
    let clock = Clock::system();
    let (live, counters) = (Arc::new(LiveTable::default()), Arc::new(CloseCounters::default()));
    let mut closer = Closer::open(&store, writer.clone(), clock, live, counters)?;
    let (began, cpu) = (Instant::now(), cpu_seconds()?);
    while closer.look()?.rows > 0 {
        closer.checkpoint_when_due()?;
    }
    closer.checkpoint()?;
    closer.settle()?;
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds()? - cpu);
    drop((closer, writer));
    thread.join().map_err(|_| "the writer's thread panicked")?;
    // Without the write-ahead logs, whose size is a bound and not what is in them.
    let raw = store.months()?.into_iter().map(|month| dir.path().join(month.file_name()));
    let bytes: u64 = raw.map(|file| std::fs::metadata(file).map_or(0, |found| found.len())).sum();
    println!(
        "{samples} samples: {:.0}/s wall, {:.0} per CPU second, {:.3} bytes a sample in raw files",
        f64::from(samples) / wall,
        f64::from(samples) / cpu,
        bytes as f64 / f64::from(samples)
    );
    Ok(())
}

/// Puts the batches of an agent into the inbox: a record for each second in which something was polled.
fn fill(store: &Store, devices: u32, period_s: u32, hours: u32) -> Result<u32, Box<dyn std::error::Error>> {
    let mut writer = store.writer()?;
    let agent = AgentKey { site: "rz-1".parse()?, agent: "agent-1".parse()? };
    let mut sequence = 0;
    let mut records = vec![declaration(devices, period_s)?];
    let ticks = hours * 3600 / period_s;
    for tick in 0..ticks {
        let time = Timestamp::from_seconds(START_S + i64::from(tick) * i64::from(period_s));
        let polls = (0..devices).map(|device| poll(device, tick, time)).collect();
        let payload = Payload::Samples { run: 0, samples: Samples { polls } };
        records.push((time, wire::encode_payload(&payload)));
        if records.len() >= 16 || tick + 1 == ticks {
            sequence = store_batch(&mut writer, &agent, sequence, std::mem::take(&mut records))?;
        }
    }
    Ok(devices * SERIES * ticks)
}

fn store_batch(
    writer: &mut store::Writer,
    agent: &AgentKey,
    first: u64,
    records: Vec<(Timestamp, Vec<u8>)>,
) -> Result<u64, Box<dyn std::error::Error>> {
    let records: Vec<Record> = (first..)
        .zip(records)
        .map(|(sequence, (time, payload))| Record { sequence, time, payload })
        .collect();
    let last = first + records.len() as u64 - 1;
    let checksums = records.iter().map(|record| crc32c::crc32c(&record.payload)).collect();
    let spool = SpoolId::from_bytes([7; 16]);
    let batch = Batch { schema: wire::SCHEMA, spool, first, last, gap_from: None, records };
    let (received, gap, body) =
        (Timestamp::from_seconds(START_S), GapPolicy::Refuse, wire::encode_batch(&batch));
    writer.ingest(&[ReceivedBatch {
        agent: agent.clone(),
        spool,
        first,
        last,
        checksums,
        received,
        gap,
        body,
    }])?;
    Ok(last + 1)
}

fn declaration(devices: u32, period_s: u32) -> Result<(Timestamp, Vec<u8>), Box<dyn std::error::Error>> {
    let mut series = Vec::new();
    let mut groups = Vec::new();
    for device in 0..devices {
        let id = DeviceId::new(&format!("device-{device}"))?;
        for column in 0..SERIES {
            series.push(SeriesDescriptor {
                number: device * SERIES + column,
                device: id.clone(),
                quantity: if column == 0 { Quantity::ActiveEnergyImport } else { Quantity::ActivePower },
                channel: Channel::new(&format!("outlet.{column}"))?,
                encoding: Encoding::Integer,
                exponent: -1,
                wraps_at: None,
                resolution: 1,
                side: Side::Primary,
                profile: None,
                profile_hash: None,
                source: String::new(),
            });
        }
        let series = (device * SERIES..(device + 1) * SERIES).collect();
        groups.push(PollGroup {
            number: device,
            device: id,
            period_ms: period_s * 1000,
            offset_ms: 0,
            series,
        });
    }
    let payload = Payload::Declaration { run: 0, series, groups };
    Ok((Timestamp::from_seconds(START_S), wire::encode_payload(&payload)))
}

/// A register that rises by about 10 W and powers that wander by some steps.
fn poll(device: u32, tick: u32, time: Timestamp) -> Poll {
    let values = (0..SERIES)
        .map(|column| {
            let noise =
                (tick.wrapping_mul(2_654_435_761) ^ (device * SERIES + column).wrapping_mul(40_503)) >> 28;
            let value = if column == 0 { tick * 300 } else { 20_000 + column * 100 + noise };
            Ok(Raw::Integer(i64::from(value)))
        })
        .collect();
    Poll { group: device, time, values }
}

/// User and system time of this process, from `/proc/self/stat` (clock ticks of 10 ms).
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}
