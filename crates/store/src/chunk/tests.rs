use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::key::HOUR_MS;

/// 2026-11-22T19:00Z, by GNU date: 1795374000 s.
const HOUR: i64 = 1_795_374_000 / 3600;
const SPAN: u8 = 3;

fn first() -> Hour {
    Hour::from_index(HOUR).unwrap()
}

fn encodings() -> impl Strategy<Value = Encoding> {
    prop::sample::select(vec![Encoding::Integer, Encoding::Float32, Encoding::Float64])
}

fn raw(encoding: Encoding) -> BoxedStrategy<Raw> {
    match encoding {
        Encoding::Integer => {
            prop_oneof![-1000i64..1000, any::<i64>(), Just(7)].prop_map(Raw::Integer).boxed()
        }
        Encoding::Float32 => any::<u32>().prop_map(|bits| Raw::Float32(f32::from_bits(bits))).boxed(),
        Encoding::Float64 => any::<u64>().prop_map(|bits| Raw::Float64(f64::from_bits(bits))).boxed(),
    }
}

fn cell(encoding: Encoding) -> impl Strategy<Value = Result<Raw, Missing>> {
    prop_oneof![
        8 => raw(encoding).prop_map(Ok),
        1 => prop::sample::select(Missing::ALL).prop_map(Err),
    ]
}

/// Instants on a grid with late answers and holes, or anywhere.
fn times() -> impl Strategy<Value = Vec<i64>> {
    let anywhere = vec(0..i64::from(SPAN) * HOUR_MS, 0..80);
    let grid = (
        1i64..20_000,
        0i64..5000,
        vec(prop_oneof![9 => Just(Some(0)), 1 => Just(None), 1 => (0i64..900).prop_map(Some)], 0..120),
    )
        .prop_map(|(period, phase, ticks)| {
            let tick = |(n, off): (i64, Option<i64>)| off.map(|off| phase + n * period + off);
            (0..).zip(ticks).filter_map(tick).collect()
        });
    prop_oneof![anywhere, grid].prop_map(|mut times: Vec<i64>| {
        times.sort_unstable();
        times.dedup();
        times.retain(|time| *time < i64::from(SPAN) * HOUR_MS);
        times.iter().map(|time| time + HOUR * HOUR_MS).collect()
    })
}

/// Series, each once.
fn columns(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(u32, u16, Encoding)>> {
    prop::collection::btree_map(0u32..5, (1u16..3, encodings()), count)
        .prop_map(|series| series.into_iter().map(|(id, (version, e))| (id, version, e)).collect())
}

fn block() -> impl Strategy<Value = Block> {
    (times(), columns(0..4)).prop_flat_map(|(times, columns)| {
        let rows = times.len();
        let cells: Vec<_> = columns.iter().map(|(_, _, encoding)| vec(cell(*encoding), rows)).collect();
        cells.prop_map(move |cells| build(&times, &columns, &cells))
    })
}

fn build(times: &[i64], columns: &[(u32, u16, Encoding)], cells: &[Vec<Result<Raw, Missing>>]) -> Block {
    let series: Vec<_> = columns.iter().map(|(id, version, e)| (SeriesId::new(*id), *version, *e)).collect();
    let mut builder = BlockBuilder::new(&series);
    for (row, time) in times.iter().enumerate() {
        let values: Vec<_> = cells.iter().map(|column| column[row]).collect();
        builder.push(Timestamp::from_millis(*time), &values).unwrap();
    }
    assert_eq!(builder.mistaken(), 0);
    builder.finish()
}

fn chunk() -> impl Strategy<Value = Chunk> {
    vec(block(), 0..4).prop_map(|blocks| Chunk {
        device: DeviceKey::new(9),
        first: first(),
        hours: SPAN,
        blocks,
    })
}

/// Two blocks of one shape whose instants often meet.
fn meeting() -> impl Strategy<Value = (Block, Block)> {
    let instants = || {
        vec(any::<bool>(), 40).prop_map(|there| {
            let due = |(n, there): (i64, bool)| there.then_some(HOUR * HOUR_MS + n * 1000);
            (0..).zip(there).filter_map(due).collect::<Vec<_>>()
        })
    };
    (instants(), instants(), columns(1..4)).prop_flat_map(|(a, b, columns)| {
        let cells = |rows: usize| columns.iter().map(|(_, _, e)| vec(cell(*e), rows)).collect::<Vec<_>>();
        let shape = columns.clone();
        (cells(a.len()), cells(b.len()))
            .prop_map(move |(first, second)| (build(&a, &shape, &first), build(&b, &shape, &second)))
    })
}

fn decode(bytes: &[u8]) -> Result<Chunk, CodecError> {
    Chunk::decode(DeviceKey::new(9), first(), bytes)
}

/// What a series says by time, as the rule has it: the first value counts, else the first reason.
fn said(chunks: &[&Chunk], series: u32) -> std::collections::BTreeMap<i64, Result<Raw, Missing>> {
    let mut said = std::collections::BTreeMap::<i64, Result<Raw, Missing>>::new();
    for block in chunks.iter().flat_map(|chunk| &chunk.blocks) {
        for column in block.columns.iter().filter(|column| column.series.number() == series) {
            for (time, value) in block.times.iter().zip(column.rows()) {
                let known = said.entry(*time).or_insert(value);
                if known.is_err() && value.is_ok() {
                    *known = value;
                }
            }
        }
    }
    said
}

proptest! {
    #[test]
    fn a_chunk_reads_back_to_the_bit(chunk in chunk()) {
        prop_assert_eq!(decode(&chunk.encode().unwrap()), Ok(chunk));
    }

    #[test]
    fn a_chunk_cut_anywhere_is_refused(chunk in chunk(), cut: prop::sample::Index) {
        let bytes = chunk.encode().unwrap();
        prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn a_chunk_with_changed_bytes_is_refused(
        chunk in chunk(), place: prop::sample::Index, flip in 1u8..=255,
    ) {
        let mut bytes = chunk.encode().unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn a_chunk_whose_checksum_was_forged_never_panics_nor_takes_unbounded_memory(
        chunk in chunk(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = chunk.encode().unwrap();
        bytes.truncate(bytes.len() - 4);
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        crate::bytes::seal(crate::key::row_key(9, first().index()), &mut bytes);
        if let Ok(chunk) = decode(&bytes) {
            prop_assert!(chunk.samples() <= MAX_CHUNK_SAMPLES);
        }
    }

    #[test]
    fn merging_says_what_both_say_and_what_was_there_first_counts(a in chunk(), b in chunk()) {
        let merged = a.clone().merge(b.clone()).unwrap();
        for series in 0..5 {
            prop_assert_eq!(said(&[&merged], series), said(&[&a, &b], series));
        }
        prop_assert_eq!(decode(&merged.encode().unwrap()), Ok(merged));
    }

    #[test]
    fn of_two_values_at_one_instant_the_one_that_was_there_counts((a, b) in meeting()) {
        let of = |block| Chunk { device: DeviceKey::new(9), first: first(), hours: SPAN, blocks: vec![block] };
        let (a, b) = (of(a), of(b));
        let merged = a.clone().merge(b.clone()).unwrap();
        prop_assert_eq!(merged.blocks.len(), 1);
        for series in 0..5 {
            prop_assert_eq!(said(&[&merged], series), said(&[&a, &b], series));
        }
    }

    #[test]
    fn merging_a_chunk_with_itself_changes_nothing_that_is_said(a in chunk()) {
        let merged = a.clone().merge(a.clone()).unwrap();
        for series in 0..5 {
            prop_assert_eq!(said(&[&merged], series), said(&[&a], series));
        }
        prop_assert_eq!(merged.blocks, a.tidied().blocks);
    }

    /// Two lives of an agent within one hour, written twice because a kill fell between raw samples and what is counted.
    #[test]
    fn what_several_blocks_of_one_shape_say_twice_stands_there_once((a, b) in meeting()) {
        let instants: std::collections::BTreeSet<i64> = a.times.iter().chain(&b.times).copied().collect();
        let distinct = instants.len() * a.columns.len();
        let of = |blocks| Chunk { device: DeviceKey::new(9), first: first(), hours: SPAN, blocks };
        let once = of(vec![a, b]);
        prop_assert_eq!(once.clone().tidied().samples(), distinct);
        prop_assert_eq!(once.clone().merge(once.clone()).unwrap().samples(), distinct);
        for series in 0..5 {
            prop_assert_eq!(said(&[&once.clone().tidied()], series), said(&[&once], series));
        }
    }

    #[test]
    fn polls_may_be_added_in_any_order(block in block(), seed: u64) {
        let columns: Vec<_> = block.columns.iter().map(|c| (c.series, c.version, c.encoding())).collect();
        let rows: Vec<Vec<_>> = block.columns.iter().map(|column| column.rows().collect()).collect();
        let mut order: Vec<usize> = (0..block.times.len()).collect();
        order.sort_by_key(|row| (*row as u64).wrapping_mul(seed | 1));
        let mut builder = BlockBuilder::new(&columns);
        for row in order {
            let values: Vec<_> = rows.iter().map(|column| column[row]).collect();
            builder.push(Timestamp::from_millis(block.times[row]), &values).unwrap();
        }
        prop_assert_eq!(builder.finish(), block);
    }
}

#[test]
fn more_rows_than_a_block_holds_go_on_in_the_next() {
    let shape = [(SeriesId::new(1), 1, Encoding::Integer)];
    let of = |times: std::ops::Range<i64>| {
        let mut builder = BlockBuilder::new(&shape);
        for n in times {
            let value = if n % 7 == 0 { Err(Missing::NoAnswer) } else { Ok(Raw::Integer(n)) };
            builder.push(Timestamp::from_millis(HOUR * HOUR_MS + n), &[value]).unwrap();
        }
        builder.finish()
    };
    let most = i64::try_from(MAX_ROWS).unwrap();
    let blocks = vec![of(0..most), of(most - 5..most + 10)];
    let chunk = Chunk { device: DeviceKey::new(9), first: first(), hours: 1, blocks }.tidied();
    assert_eq!(chunk.blocks.iter().map(|block| block.times.len()).collect::<Vec<_>>(), [MAX_ROWS, 10]);
    assert_eq!(chunk.blocks[1], of(most..most + 10));
    assert_eq!(decode(&chunk.encode().unwrap()), Ok(chunk));
}

#[test]
fn a_chunk_in_the_row_of_another_device_or_hour_is_refused() {
    let chunk = Chunk { device: DeviceKey::new(9), first: first(), hours: 1, blocks: Vec::new() };
    let bytes = chunk.encode().unwrap();
    assert!(Chunk::decode(DeviceKey::new(8), first(), &bytes).is_err());
    assert!(Chunk::decode(DeviceKey::new(9), first().plus(1), &bytes).is_err());
}

#[test]
fn a_chunk_never_passes_the_end_of_its_utc_day() {
    // 19:00Z leaves five hours of the day.
    let chunk = |hours| Chunk { device: DeviceKey::new(9), first: first(), hours, blocks: Vec::new() };
    assert!(chunk(5).encode().is_ok());
    assert!(chunk(6).encode().is_err());
    assert!(chunk(0).encode().is_err());
}

#[test]
fn an_instant_outside_of_its_chunk_is_refused() {
    let block =
        build(&[HOUR * HOUR_MS + HOUR_MS], &[(1, 1, Encoding::Integer)], &[vec![Ok(Raw::Integer(1))]]);
    let chunk = Chunk { device: DeviceKey::new(9), first: first(), hours: 1, blocks: vec![block] };
    assert!(matches!(chunk.encode(), Err(CodecError::Impossible { what: "instant", .. })));
}

#[test]
fn a_value_of_another_kind_than_its_series_is_counted_and_becomes_nonsense() {
    let mut builder = BlockBuilder::new(&[(SeriesId::new(1), 1, Encoding::Integer)]);
    builder.push(Timestamp::from_millis(0), &[Ok(Raw::Float32(1.0))]).unwrap();
    assert_eq!(builder.mistaken(), 1);
    let rows: Vec<_> = builder.finish().columns[0].rows().collect();
    assert_eq!(rows, [Err(Missing::Nonsense)]);
}

#[test]
fn an_hour_of_regular_polls_takes_few_bytes_for_its_instants() {
    let times: Vec<i64> = (0..360).map(|n| HOUR * HOUR_MS + n * 10_000 + 30).collect();
    let bytes = super::times::encode(HOUR * HOUR_MS, &times).unwrap();
    assert!(bytes.len() <= 8, "{} bytes", bytes.len());
}
