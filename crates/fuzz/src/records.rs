//! What other programs, other versions and broken disks hand over: batches, payloads, spool records, a collector's answer.

use model::SpoolId;
use wire::{decode_batch, decode_payload, encode_batch, encode_payload};

use crate::throw::{Bytes, fuzz};

/// The bytes as the body itself, and as what a body was compressed from.
fn batches(bytes: &[u8]) {
    for body in [bytes.to_vec(), zstd::bulk::compress(bytes, 1).unwrap()] {
        if let Ok(batch) = decode_batch(&body) {
            assert!(!batch.records.is_empty());
            assert_eq!(decode_batch(&encode_batch(&batch)).unwrap(), batch);
        }
    }
}

fuzz!(a_batch_that_is_taken_is_whole_and_says_the_same_again, "wire_batch", batches);

/// Not compared as values: a NaN is not equal to itself.
fn payloads(bytes: &[u8]) {
    let Ok(payload) = decode_payload(bytes) else { return };
    let once = encode_payload(&payload);
    if once.len() > wire::MAX_PAYLOAD_BYTES {
        return;
    }
    let again = decode_payload(&once).expect("what is encoded can be decoded");
    assert_eq!(encode_payload(&again), once, "{payload:?}");
}

fuzz!(a_payload_that_is_taken_says_the_same_again, "wire_payload", payloads);

/// The identity of the spool, then a segment.
fn spool_records(bytes: &[u8]) {
    let mut end = 0;
    let Some((id, bytes)) = bytes.split_first_chunk() else { return };
    for (_, payload) in spool::records_in(SpoolId::from_bytes(*id), bytes) {
        assert!(
            payload.start >= end && payload.end <= bytes.len() && payload.len() <= spool::MAX_PAYLOAD_BYTES
        );
        end = payload.end;
    }
}

fuzz!(records_in_a_spoiled_segment_never_overlap, "spool_records", spool_records);

/// Status, length of the waiting time, waiting time, body.
fn collector_answers(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let status = input.word();
    let wait = usize::from(input.byte() % 32);
    let wait = std::str::from_utf8(input.take(wait)).ok();
    let said = uplink::answer::read(status, wait, input.0);
    let text = format!("{said:?}");
    assert!(text.len() < 4096, "a message repeats too much of an answer: {} bytes", text.len());
}

fuzz!(a_collectors_answer_of_any_kind_is_a_short_message, "collector_answer", collector_answers);
