//! A run of records as one body, and the answer to it.

use model::{SpoolId, Timestamp};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::error::within;
use crate::inflate::{deflate, inflate};
use crate::{MAX_PAYLOAD_BYTES, MAX_RECORDS, SCHEMA, WireError, message};

/// A contiguous run of records of one spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Major version of the format: [`SCHEMA`].
    pub schema: u32,
    /// The spool from which the records come.
    pub spool: SpoolId,
    /// Sequence number of the first record.
    pub first: u64,
    /// Sequence number of the last record, inside.
    pub last: u64,
    /// If the records just before [`first`](Self::first) are gone for good: the first number of that hole. A collector
    /// whose cursor is at `next < first` takes the batch if `gap_from <= next`, and answers 409 with `next` otherwise:
    /// the sender still has what is wanted. Why they are gone is said by a [`Gap`](crate::Payload::Gap) that follows.
    pub gap_from: Option<u64>,
    /// The records, numbered without a hole from `first` to `last`; never empty.
    pub records: Vec<Record>,
}

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in its spool.
    pub sequence: u64,
    /// When it was written, by the agent's clock.
    pub time: Timestamp,
    /// What it says; read by [`decode_payload`](crate::decode_payload).
    pub payload: Vec<u8>,
}

/// A collector's answer, as JSON: `{"next": 4711}`. With status 200 everything below `next` is stored for good; with 409
/// `next` is what the collector wants first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Number of the first record that the collector does not have.
    pub next: u64,
}

/// A batch as the body of a request: a protocol buffer, compressed once.
///
/// The bounds are the decoder's to hold; a sender compares the size with [`MAX_BATCH_BYTES`](crate::MAX_BATCH_BYTES).
pub fn encode_batch(batch: &Batch) -> Vec<u8> {
    let message = message::Batch {
        schema: batch.schema,
        spool: batch.spool.bytes().to_vec(),
        first: batch.first,
        last: batch.last,
        gap_from: batch.gap_from,
        records: batch.records.iter().map(record_message).collect(),
    };
    deflate(&message.encode_to_vec())
}

fn record_message(record: &Record) -> message::Record {
    message::Record { sequence: record.sequence, time: record.time.millis(), payload: record.payload.clone() }
}

/// Reads the body of a request.
///
/// # Errors
/// [`WireError::NewerSchema`] if the batch is of a newer major version. Another error if a bound is exceeded, if the
/// bytes are no batch, or if the numbers of the records do not run from `first` to `last` without a hole.
pub fn decode_batch(body: &[u8]) -> Result<Batch, WireError> {
    let bytes = inflate(body)?;
    let broken = |source| WireError::Protobuf { what: "batch", bytes: bytes.len(), source };
    check_schema(message::SchemaHead::decode(bytes.as_slice()).map_err(broken)?.schema)?;
    let head = message::BatchHead::decode(bytes.as_slice()).map_err(broken)?;
    within("number of records", head.records.len(), MAX_RECORDS)?;
    let message = message::Batch::decode(bytes.as_slice()).map_err(broken)?;
    let spool = <[u8; 16]>::try_from(message.spool.as_slice()).map_err(|_| {
        WireError::invalid("batch.spool", format_args!("{} bytes, not 16", message.spool.len()))
    })?;
    check_numbers(&message)?;
    Ok(Batch {
        schema: message.schema,
        spool: SpoolId::from_bytes(spool),
        first: message.first,
        last: message.last,
        gap_from: message.gap_from,
        records: message.records.into_iter().map(record).collect(),
    })
}

fn check_schema(found: u32) -> Result<(), WireError> {
    match found {
        0 => Err(WireError::invalid("batch.schema", "not there")),
        1..=SCHEMA => Ok(()),
        found => Err(WireError::NewerSchema { found }),
    }
}

fn check_numbers(batch: &message::Batch) -> Result<(), WireError> {
    let mut expected = Some(batch.first);
    for record in &batch.records {
        if expected != Some(record.sequence) {
            let problem = format!("{} where {expected:?} was expected", record.sequence);
            return Err(WireError::invalid("record.sequence", problem));
        }
        within("size of a payload in bytes", record.payload.len(), MAX_PAYLOAD_BYTES)?;
        expected = record.sequence.checked_add(1);
    }
    let last = batch.records.last().map(|record| record.sequence);
    if last != Some(batch.last) {
        return Err(WireError::invalid(
            "batch.last",
            format_args!("{}, the last record is {last:?}", batch.last),
        ));
    }
    if batch.gap_from.is_some_and(|gap| gap >= batch.first) {
        return Err(WireError::invalid("batch.gap_from", "does not lie before `first`"));
    }
    Ok(())
}

fn record(message: message::Record) -> Record {
    Record {
        sequence: message.sequence,
        time: Timestamp::from_millis(message.time),
        payload: message.payload,
    }
}
