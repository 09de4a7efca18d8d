//! The profiles that come with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use model::{Channel, SeriesKind};

use crate::modbus::Limits;
use crate::snmp::{Key, KeySource, Lookup, SnmpTable, TableReading, Wanted};
use crate::{Amount, Block, DataType, Library, ModbusReading, SnmpProfile, plan};

fn library() -> Library {
    Library::built_in().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_built_in_profile_is_without_mistakes() {
    assert!(library().iter().count() >= 20);
}

#[test]
fn every_file_of_the_folder_is_built_in_under_its_own_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/profiles");
    let stem =
        |entry: fs::DirEntry| entry.path().file_stem().and_then(|stem| stem.to_str().map(str::to_owned));
    let files: BTreeSet<String> =
        fs::read_dir(folder).unwrap().filter_map(|entry| stem(entry.unwrap())).collect();
    let ids: BTreeSet<String> = library().iter().map(|profile| profile.id.as_str().to_owned()).collect();
    assert_eq!(files, ids);
}

#[test]
fn every_modbus_profile_fits_into_requests_that_its_device_bears() {
    for profile in library().iter() {
        let Some((limits, readings)) = profile.modbus() else { continue };
        let blocks = plan(readings, limits);
        let most = blocks.iter().map(|block| block.count).max();
        assert!(most <= Some(limits.max_registers), "{}", profile.id);
        assert!(blocks.len() <= 40, "{} needs {} requests", profile.id, blocks.len());
        assert!(
            *limits
                == Limits {
                    pause: limits.pause,
                    gap: limits.gap,
                    max_registers: limits.max_registers,
                    in_flight: 1
                }
        );
    }
}

/// Whatever words a device sends, they are written back as they were; flags keep to their bits.
#[test]
fn every_modbus_reading_is_found_again_in_the_registers_that_show_it() {
    let patterns = [0x0000u16, 0x0001, 0x0123, 0x0999, 0x3FC0, 0x7FFE];
    for profile in library().iter() {
        let Some((_, readings)) = profile.modbus() else { continue };
        let models = profile.sunspec().into_iter().flat_map(|sunspec| &sunspec.models);
        for reading in readings.iter().chain(models.flat_map(|model| &model.readings)) {
            let block = Block::of(0, reading);
            let seen = patterns.iter().filter(|pattern| comes_back(reading, &block, **pattern)).count();
            assert!(seen > 1, "{}: {} can hardly be shown", profile.id, reading.source());
        }
    }
}

fn comes_back(reading: &ModbusReading, block: &Block, pattern: u16) -> bool {
    let mut answer = vec![0u16; usize::from(block.count)];
    let at = usize::from(reading.register - block.start);
    let last = if reading.order.swaps_words() { at } else { at + usize::from(reading.data_type.words()) - 1 };
    answer[last] = if reading.data_type == DataType::Bit { pattern & 1 } else { pattern };
    if let Some(factor) = reading.scale_register {
        answer[usize::from(factor - block.start)] = i16::from(reading.scale_usual).cast_unsigned();
    }
    let Ok(raw) = block.value(reading, &answer) else { return false };
    let mut shown = vec![0u16; usize::from(block.count)];
    for patch in reading.patches(&reading.encode_raw(raw).unwrap()) {
        for (n, (mask, word)) in patch.words.iter().enumerate() {
            let slot = &mut shown[usize::from(patch.register - block.start) + n];
            *slot = (*slot & !mask) | (word & mask);
        }
    }
    assert_eq!(block.value(reading, &shown), Ok(raw), "{}", reading.source());
    true
}

/// Whatever a profile says it reads, an object can be made that it reads so.
#[test]
fn every_snmp_reading_is_found_again_in_the_objects_that_show_it() {
    for profile in library().iter() {
        let Some(snmp) = profile.snmp() else { continue };
        for one in samples(snmp) {
            let binds = snmp
                .encode(std::slice::from_ref(&one))
                .unwrap_or_else(|error| panic!("{}: {error}", profile.id));
            let rows = snmp.rows(&binds);
            let same = |row: &&crate::SnmpReading| {
                row.shape.quantity == one.quantity && row.shape.channel == one.channel
            };
            let row = rows
                .iter()
                .find(same)
                .unwrap_or_else(|| panic!("{}: {one:?} is not in {binds:#?}", profile.id));
            let raw =
                row.raw.unwrap_or_else(|reason| panic!("{}: {one:?} is {reason}: {binds:#?}", profile.id));
            let step = 10f64.powi(i32::from(row.shape.exponent)) * f64::from(row.shape.resolution);
            let value = raw.to_f64() * 10f64.powi(i32::from(row.shape.exponent));
            assert!((value - one.amount.to_f64()).abs() <= step, "{}: {one:?} reads {value}", profile.id);
        }
    }
}

fn samples(snmp: &SnmpProfile) -> Vec<Wanted> {
    let amount = |quantity: model::Quantity| match quantity.kind() {
        SeriesKind::Counter => Amount::Float(250_000.0),
        SeriesKind::State => Amount::Float(3.0),
        SeriesKind::Gauge if quantity.unit() == model::Unit::One => Amount::Float(0.97),
        SeriesKind::Gauge => Amount::Float(42.0),
    };
    let scalars = snmp.scalars.iter().map(|scalar| (scalar.measured.quantity, scalar.channel.clone()));
    let of_table = |table: &SnmpTable| {
        let channel = |one: &TableReading| (one.measured.quantity, channel(table, one));
        table.readings.iter().map(channel).collect::<Vec<_>>()
    };
    let all = scalars.chain(snmp.tables.iter().flat_map(of_table)).collect::<BTreeSet<_>>();
    all.into_iter()
        .map(|(quantity, channel)| Wanted { quantity, channel, amount: amount(quantity) })
        .collect()
}

fn channel(table: &SnmpTable, reading: &TableReading) -> Channel {
    let filling = |place: &str| {
        let key = table.keys.iter().find(|key| key.name == place);
        Some(key.map_or_else(|| "1".to_owned(), some_filling))
    };
    Channel::new(&reading.channel.fill(filling).unwrap()).unwrap()
}

fn some_filling(key: &Key) -> String {
    let from_object = matches!(&key.from, KeySource::Object(Lookup { .. }));
    let mapped = key.map.iter().find(|(_, to)| !to.is_empty() || from_object);
    let any = mapped.map(|(_, to)| to.clone()).or_else(|| key.filling("5"));
    any.or_else(|| key.map.first().map(|(_, to)| to.clone())).expect("a key fills its place")
}
