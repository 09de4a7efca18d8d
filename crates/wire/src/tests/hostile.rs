//! What a hostile or a newer sender may send.

use proptest::prelude::*;
use prost::Message;

use super::example;
use crate::inflate::deflate;
use crate::message;
use crate::{
    Batch, MAX_BATCH_BYTES, MAX_INFLATED_BYTES, MAX_RECORDS, Payload, Record, WireError, decode_batch,
    decode_payload, encode_batch, encode_payload,
};

fn raw_batch(change: impl FnOnce(&mut message::Batch)) -> Vec<u8> {
    let example = example::batch();
    let records = example.records.iter().map(|record| message::Record {
        sequence: record.sequence,
        time: record.time.millis(),
        payload: record.payload.clone(),
    });
    let mut raw = message::Batch {
        schema: 1,
        spool: vec![7; 16],
        first: example.first,
        last: example.last,
        gap_from: None,
        records: records.collect(),
    };
    change(&mut raw);
    deflate(&raw.encode_to_vec())
}

fn said(body: &[u8]) -> String {
    decode_batch(body).unwrap_err().to_string()
}

#[test]
fn a_newer_schema_is_told_apart_even_if_all_else_has_changed() {
    // Schema 2 with field 5 as a number, which is no longer a list of messages.
    let body = deflate(&[0x08, 2, 0x28, 1]);
    assert!(matches!(decode_batch(&body), Err(WireError::NewerSchema { found: 2 })));
    let body = raw_batch(|batch| batch.schema = 2);
    assert!(matches!(decode_batch(&body), Err(WireError::NewerSchema { found: 2 })));
    assert_eq!(said(&body), "batch has schema 2, this program knows 1 and older");
}

#[test]
fn a_batch_whose_numbers_have_a_hole_is_refused() {
    assert!(said(&raw_batch(|batch| batch.records[2].sequence += 1)).starts_with("record.sequence: "));
    assert!(said(&raw_batch(|batch| batch.first -= 1)).starts_with("record.sequence: "));
    assert!(said(&raw_batch(|batch| batch.last += 1)).starts_with("batch.last: "));
    assert!(said(&raw_batch(|batch| batch.records.clear())).starts_with("batch.last: "));
    assert!(said(&raw_batch(|batch| batch.gap_from = Some(batch.first))).starts_with("batch.gap_from: "));
    assert!(said(&raw_batch(|batch| batch.schema = 0)).starts_with("batch.schema: "));
    assert!(said(&raw_batch(|batch| batch.spool = vec![1; 15])).starts_with("batch.spool: 15 bytes"));
}

#[test]
fn a_batch_may_end_at_the_last_number_there_is() {
    let record = Record { sequence: u64::MAX, time: example::TIME, payload: vec![] };
    let batch =
        Batch { first: u64::MAX, last: u64::MAX, gap_from: None, records: vec![record], ..example::batch() };
    assert_eq!(decode_batch(&encode_batch(&batch)).unwrap(), batch);
}

#[test]
fn a_bomb_is_refused_at_the_bound() {
    let bomb = deflate(&vec![0; MAX_INFLATED_BYTES * 4]);
    assert!(bomb.len() < 10_000, "{}", bomb.len());
    let error = decode_batch(&bomb).unwrap_err();
    assert!(matches!(error, WireError::TooMuch { found, .. } if found == MAX_INFLATED_BYTES + 1), "{error}");
}

#[test]
fn a_body_that_is_too_long_is_not_even_inflated() {
    let error = decode_batch(&vec![0; MAX_BATCH_BYTES + 1]).unwrap_err();
    assert!(matches!(error, WireError::TooMuch { limit: MAX_BATCH_BYTES, .. }), "{error}");
}

#[test]
fn a_frame_that_wants_a_huge_window_is_refused() {
    // RFC 8878 section 3.1.1: magic, descriptor without content size, window descriptor (exponent 17 = 128 MiB), then
    // an empty last raw block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00];
    assert!(matches!(decode_batch(&frame), Err(WireError::Inflate { .. })));
    let small = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3, 0x01, 0x00, 0x00];
    assert!(said(&small).starts_with("batch.schema: "), "{}", said(&small));
}

#[test]
fn more_records_than_the_bound_are_refused_before_they_take_memory() {
    let mut bytes = vec![0x08, 1];
    bytes.extend([0x2a, 0].repeat(MAX_RECORDS + 1));
    assert_eq!(said(&deflate(&bytes)), "number of records is 65537, at most 65536 is allowed");
}

#[test]
fn more_polls_than_the_bound_are_refused() {
    let polls = [0x1a, 0].repeat(70_000);
    let mut bytes = vec![0x22];
    prost::encode_length_delimiter(polls.len(), &mut bytes).unwrap();
    bytes.extend(polls);
    assert_eq!(
        decode_payload(&bytes).unwrap_err().to_string(),
        "number of polls is 70000, at most 65536 is allowed"
    );
}

#[test]
fn an_unknown_kind_of_payload_is_kept_as_it_is() {
    // Field 15, length-delimited, "hi".
    let bytes = [0x7a, 2, b'h', b'i'];
    let payload = decode_payload(&bytes).unwrap();
    assert_eq!(payload, Payload::Unknown(bytes.to_vec()));
    assert_eq!(encode_payload(&payload), bytes);
    assert_eq!(decode_payload(&[]).unwrap(), Payload::Unknown(vec![]));
}

#[test]
fn unknown_fields_of_a_known_payload_are_passed_over() {
    // RunStop { run = 5 } with a field 9 that no version has.
    assert_eq!(decode_payload(&[0x12, 4, 0x08, 5, 0x48, 1]).unwrap(), Payload::RunStop { run: 5 });
}

#[test]
fn a_series_with_an_unknown_quantity_is_left_out_and_its_neighbours_stay() {
    let (_, payload) = example::payloads().swap_remove(2);
    let bytes = encode_payload(&payload);
    let Some(message::Kind::Declaration(mut raw)) = message::Payload::decode(bytes.as_slice()).unwrap().kind
    else {
        panic!("a declaration was encoded")
    };
    raw.series[0].quantity = "neutrino_flux".to_owned();
    raw.series[1].encoding = 77;
    let kind = Some(message::Kind::Declaration(raw));
    let decoded = decode_payload(&message::Payload { kind }.encode_to_vec()).unwrap();
    let Payload::Declaration { series, groups, .. } = decoded else { panic!("{decoded:?}") };
    assert_eq!(series.iter().map(|series| series.number).collect::<Vec<_>>(), [9]);
    assert_eq!(groups[0].series, [7, 8, 9]);
}

#[test]
fn runs_that_do_not_fit_the_values_are_refused() {
    let decode = |poll: message::Poll| {
        let samples = message::Samples { run: 1, time: 0, polls: vec![poll] };
        let kind = Some(message::Kind::Samples(samples));
        decode_payload(&message::Payload { kind }.encode_to_vec())
    };
    let poll = message::Poll { integers: vec![1, 2], missing: vec![1], ..Default::default() };
    for runs in [vec![], vec![8], vec![8, 7, 7], vec![u32::MAX], vec![3 << 2, 7]] {
        assert!(decode(message::Poll { runs: runs.clone(), ..poll.clone() }).is_err(), "{runs:?} was taken");
    }
    assert!(decode(message::Poll { runs: vec![8, 7], ..poll }).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoders_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(decode_batch(&bytes).is_err());
        if let Ok(payload) = decode_payload(&bytes) {
            prop_assert_eq!(decode_payload(&encode_payload(&payload)).unwrap(), payload);
        }
        prop_assert!(decode_batch(&deflate(&bytes)).is_err() || !bytes.is_empty());
    }

    #[test]
    fn a_spoiled_payload_is_read_or_refused_but_never_panics(
        which in 0usize..7, at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode_payload(&example::payloads()[which].1);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        bytes.truncate(cut.index(bytes.len()) + 1);
        if let Ok(payload) = decode_payload(&bytes) {
            prop_assert_eq!(decode_payload(&encode_payload(&payload)).unwrap(), payload);
        }
    }

    #[test]
    fn a_spoiled_batch_never_panics(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = encode_batch(&example::batch());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(batch) = decode_batch(&bytes) {
            prop_assert_eq!(batch.last - batch.first + 1, batch.records.len() as u64);
        }
    }
}
