//! Bytes of every version, kept for ever. To add those of a new version run the tests once with `BLESS=1`; what is
//! there is never written again.

use std::fs;
use std::path::PathBuf;

use super::example;
use crate::{decode_batch, decode_payload, encode_batch, encode_payload};

fn golden(name: &str, made: &[u8]) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(format!("v1-{name}.bin"));
    if !path.exists() && std::env::var_os("BLESS").is_some() {
        fs::write(&path, made).unwrap();
    }
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn payloads_of_version_1_decode_for_ever_and_are_written_the_same() {
    for (name, payload) in example::payloads() {
        let bytes = encode_payload(&payload);
        let golden = golden(name, &bytes);
        assert_eq!(decode_payload(&golden).unwrap(), payload, "{name} is read otherwise");
        assert_eq!(bytes, golden, "{name} is written otherwise");
    }
}

/// Compressed bytes may change with zstd, so only reading is held.
#[test]
fn a_batch_of_version_1_decodes_for_ever() {
    let batch = example::batch();
    let golden = golden("batch", &encode_batch(&batch));
    assert_eq!(decode_batch(&golden).unwrap(), batch);
}

/// Worked out by hand from the encoding of protocol buffers: key = field number x 8 + wire type, zigzag for sint64.
#[test]
fn a_clock_step_is_the_bytes_that_the_proto_file_promises() {
    use model::Timestamp;
    let payload =
        crate::Payload::ClockStep { before: Timestamp::from_millis(1), after: Timestamp::from_millis(-2) };
    // Payload.clock_step = 6, length-delimited: 0x32, 4 bytes; before = 1, varint: 0x08, zigzag(1) = 2; after = 2,
    // varint: 0x10, zigzag(-2) = 3.
    assert_eq!(encode_payload(&payload), [0x32, 4, 0x08, 2, 0x10, 3]);
}

/// Ten whole numbers of one poll by hand: nothing but the numbers and their frame.
#[test]
fn a_poll_of_one_kind_carries_nothing_but_its_values() {
    use model::{Poll, Raw, Samples, Timestamp};
    let poll = Poll { group: 1, time: Timestamp::from_millis(0), values: vec![Ok(Raw::Integer(1)); 10] };
    let payload = crate::Payload::Samples { run: 0, samples: Samples { polls: vec![poll] } };
    let mut expected = vec![0x22, 16, 0x1a, 14, 0x08, 1, 0x1a, 10];
    expected.extend([2; 10]);
    assert_eq!(encode_payload(&payload), expected);
}
