//! How fast and how small the record is, on signals like those of a PDU and a year of meters.
//!
//! `cargo run --release -p store --example throughput`; CPU seconds of this process, from `/proc/self/stat`. Peak
//! memory and disk are what 500 devices for 6 hours and 500 meters for a year take: some 100 MB in a temporary folder.

#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails has no other answer")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "signals are made of small numbers"
)]

use std::path::Path;
use std::time::Instant;

use model::{
    Channel, DeviceId, Encoding, Energy, IntervalValue, MeterPointId, Missing, Period, Poll, Quantity,
    QuarterHour, Raw, SeriesDescriptor, Side, SiteId, Timestamp,
};
use store::{
    BlockBuilder, Cause, Chunk, Finality, Hour, IntervalSeriesId, IntervalSubject, Options, Registered,
    Store, StoreError, Writer,
};

/// 2026-01-01T00:00Z, by GNU date.
const START: i64 = 1_767_225_600_000;
const HOUR: i64 = 3_600_000;
const DEVICES: u32 = 100;
const HOURS: i64 = 6;

fn main() {
    let (dir, store) = (tempfile::tempdir().unwrap(), Options::default());
    let store = Store::open(dir.path(), store).unwrap();
    let mut writer = store.writer().unwrap();
    for (name, encoding, hours) in [
        ("scaled integers, chunks of 1 h at 10 s", Encoding::Integer, 1),
        ("scaled integers, chunks of 6 h at 10 s", Encoding::Integer, 6),
        ("32-bit floats, chunks of 1 h at 10 s", Encoding::Float32, 1),
    ] {
        raw(&mut writer, dir.path(), (name, encoding, hours));
    }
    intervals(&mut writer, dir.path());
}

/// CPU seconds that this process has used; ticks are hundredths on Linux.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<i64> =
        stat.rsplit(')').next().unwrap().split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // Of what follows the name and the state, user and system time are the 11th and 12th number.
    (fields[10] + fields[11]) as f64 / 100.0
}

/// Bytes of the files, their write-ahead logs apart: what is left when the work is over.
fn bytes_in(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    let kept = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "db"));
    kept.map(|file| file.metadata().unwrap().len()).sum()
}

/// A small generator of noise (xorshift), so that runs repeat.
struct Noise(u64);

impl Noise {
    fn next(&mut self, span: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as i64 % (2 * span + 1) - span
    }
}

/// Something that wanders about a mean: each step by up to `step`, and an eighth of the way back.
struct Wander {
    off: i64,
    step: i64,
}

impl Wander {
    fn next(&mut self, noise: &mut Noise) -> i64 {
        self.off += noise.next(self.step) - self.off / 8;
        self.off
    }
}

/// 20 quantities of a three-phase meter with the digits that such meters send, every 10 s: voltages wander by 0.3 V,
/// the load by 1 %, power factors hardly; registers rise.
fn polls(encoding: Encoding, seed: u64, from: i64, to: i64) -> Vec<Poll> {
    let mut noise = Noise(seed * 0x9e37_79b9 + 1);
    let mut energy = [50_000_000i64; 2];
    let mut loads = [12, 12, 12].map(|step| Wander { off: 0, step });
    let mut others = [3, 3, 3, 1, 1, 1, 4].map(|step| Wander { off: 0, step });
    let value = |integer: i64, digits: i32| match encoding {
        Encoding::Integer => Ok(Raw::Integer(integer)),
        _ => Ok(Raw::Float32((integer as f64 / 10f64.powi(digits)) as f32)),
    };
    (from..to)
        .step_by(10_000)
        .map(|time| {
            let wave = ((time % 86_400_000) as f64 / 86_400_000.0 * std::f64::consts::TAU).sin();
            let mean = 1300 + (500.0 * wave) as i64;
            let mut values: Vec<Result<Raw, Missing>> = Vec::with_capacity(20);
            let mut total = 0;
            for phase in 0..3 {
                let power = mean + loads[phase].next(&mut noise);
                let volts = 2310 + others[phase].next(&mut noise);
                let factor = 960 + others[phase + 3].next(&mut noise);
                let apparent = power * 1000 / factor;
                values.extend([value(power, 0), value(volts, 1), value(apparent * 1000 / volts, 2)]);
                values.extend([value(factor, 3), value(apparent, 0)]);
                total += power;
            }
            energy[0] += total / 360;
            energy[1] += total / 1200;
            let hertz = 50_000 + others[6].next(&mut noise);
            values.extend([value(total, 0), value(hertz, 3), value(energy[0], 0), value(energy[1], 0)]);
            values.push(value(241 + noise.next(1) / 2, 1));
            Poll { group: 0, time: Timestamp::from_millis(time), values }
        })
        .collect()
}

fn registered(writer: &mut Writer, device: u32, encoding: Encoding) -> Vec<Registered> {
    let site = SiteId::new("rz-1").unwrap();
    let descriptor = |n: u32| SeriesDescriptor {
        number: n,
        device: DeviceId::new(&format!("meter-{device}-{encoding:?}").to_lowercase()).unwrap(),
        quantity: Quantity::ALL[n as usize],
        channel: Channel::total(),
        encoding,
        exponent: 0,
        wraps_at: None,
        resolution: 1,
        side: Side::Primary,
        profile: None,
        profile_hash: None,
        source: String::new(),
    };
    writer
        .transaction::<_, StoreError>(|tx| {
            (0..20).map(|n| tx.series(&site, &descriptor(n), Timestamp::from_millis(START))).collect()
        })
        .unwrap()
}

/// From decoded polls to chunks on the disk.
fn raw(writer: &mut Writer, dir: &Path, (name, encoding, hours): (&str, Encoding, i64)) {
    // Each measurement in a month of its own.
    let start = START + (hours * 2 + i64::from(encoding == Encoding::Float32)) * 31 * 24 * HOUR;
    let devices: Vec<_> = (0..DEVICES).map(|device| registered(writer, device, encoding)).collect();
    let polled: Vec<_> =
        (1..).zip(&devices).map(|(seed, _)| polls(encoding, seed, start, start + HOURS * HOUR)).collect();
    writer.checkpoint().unwrap();
    let (before, wall, size) = (cpu(), Instant::now(), bytes_in(dir));
    let mut samples = 0;
    let mut body = 0;
    for from in (0..HOURS).step_by(hours as usize) {
        let chunks: Vec<Chunk> = devices
            .iter()
            .zip(&polled)
            .map(|(series, polls)| chunk(series, encoding, start + from * HOUR, hours, polls))
            .collect();
        samples += chunks.iter().map(Chunk::samples).sum::<usize>();
        writer.put_chunks(&chunks).unwrap();
        body +=
            chunks.iter().map(|chunk| chunk.encode().unwrap().len()).sum::<usize>() * usize::from(from == 0);
    }
    let used = cpu() - before;
    writer.checkpoint().unwrap();
    let per_block = samples / (HOURS / hours) as usize;
    println!(
        "{name}: {:.2} million samples a CPU second ({:.2} s wall for {samples}), {:.3} B a sample in blobs, {:.3} on disk",
        samples as f64 / used / 1e6,
        wall.elapsed().as_secs_f64(),
        body as f64 / per_block as f64,
        (bytes_in(dir) - size) as f64 / samples as f64,
    );
}

fn chunk(series: &[Registered], encoding: Encoding, from: i64, hours: i64, polls: &[Poll]) -> Chunk {
    let columns: Vec<_> = series.iter().map(|one| (one.series, one.version, encoding)).collect();
    let mut builder = BlockBuilder::new(&columns);
    let span = from..from + hours * HOUR;
    for poll in polls.iter().filter(|poll| span.contains(&poll.time.millis())) {
        builder.push(poll.time, &poll.values).unwrap();
    }
    let first = Hour::of(Timestamp::from_millis(from)).unwrap();
    Chunk { device: series[0].device, first, hours: hours as u8, blocks: vec![builder.finish()] }
}

/// A year of 500 meter points, and its sums by month.
fn intervals(writer: &mut Writer, dir: &Path) {
    const METERS: u32 = 500;
    const DAYS: i64 = 365;
    let (before, size) = (cpu(), bytes_in(dir));
    let ids: Vec<_> = (0..METERS).map(|meter| year(writer, meter, DAYS)).collect();
    let used = cpu() - before;
    writer.checkpoint().unwrap();
    let values = f64::from(METERS) * DAYS as f64 * 96.0;
    let on_disk = (bytes_in(dir) - size) as f64;
    println!(
        "intervals: {values} written in {used:.2} CPU s, {:.2} B a value on disk, the log of changes included",
        on_disk / values
    );
    let months: Vec<Period> = (0..12)
        .map(|month| {
            let day = |n: i64| Timestamp::from_millis(START - HOUR + n * DAYS / 12 * 24 * HOUR);
            Period::new(day(month), day(month + 1))
        })
        .collect();
    let before = (cpu(), Instant::now());
    let mut total = Energy::ZERO;
    for id in &ids {
        let sums = writer.reader().interval_sums(*id, &months).unwrap();
        total += sums.iter().map(|sum| sum.energy).sum();
    }
    println!(
        "year by month of {METERS}: {:.2} CPU s, {:.2} s wall ({total:?})",
        cpu() - before.0,
        before.1.elapsed().as_secs_f64()
    );
    let before = cpu();
    let year = Period::new(months[0].from, months[11].to);
    let count: usize = ids.iter().map(|id| writer.reader().intervals(*id, year).unwrap().len()).sum();
    println!("every value of that year ({count}): {:.2} CPU s", cpu() - before);
}

/// A register that counts in steps of 10 Wh, day by day.
fn year(writer: &mut Writer, meter: u32, days: i64) -> IntervalSeriesId {
    let mut noise = Noise(u64::from(meter) * 77 + 5);
    let cause = Cause { at: Timestamp::from_millis(START), why: "closed".to_owned(), import: None };
    let subject = IntervalSubject::MeterPoint {
        site: SiteId::new("rz-1").unwrap(),
        point: MeterPointId::new(&format!("point-{meter}")).unwrap(),
    };
    writer
        .transaction::<_, StoreError>(|tx| {
            let id = tx.interval_series(&subject)?;
            for day in 0..days {
                let first = QuarterHour::from_index(START / QuarterHour::MILLIS + day * 96);
                let value = |slot: i64| {
                    let wave = (slot as f64 / 96.0 * std::f64::consts::TAU).sin();
                    let steps = 2500 + (500.0 * wave) as i64 + noise.next(60);
                    Some(IntervalValue::measured(Energy::from_watt_hours(steps * 10)))
                };
                let values: Vec<_> = (0..96).map(value).collect();
                tx.put_intervals(id, first, &values, (Finality::Final, &cause))?;
            }
            Ok(id)
        })
        .unwrap()
}
