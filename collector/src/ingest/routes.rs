//! `POST /v1/batches` and `GET /v1/cursor`, for agents whose certificate was checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use model::SpoolId;
use store::{GapPolicy, Outcome, ReceivedBatch, Sighting};
use tower_http::timeout::TimeoutLayer;
use wire::{Acknowledgement, Batch, WireError};

use super::certificate::Identity;
use super::writer::{Incoming, RecordBusy, WriterHandle};
use crate::Clock;
use crate::close::{CloseCounters, Wake};

/// Longest time for one request: a megabyte over the slowest line that makes sense (300 kbit/s).
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Batches that may wait for the closer before agents are asked to hold back: at most 20 GiB, some hours of backlog.
const INBOX_BATCHES_MAX: u64 = 20_000;
/// How long an agent that is asked to hold back should wait, in seconds.
const RETRY_AFTER: &str = "5";

/// What became of batches, for `/metrics`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Stored.
    pub stored: AtomicU64,
    /// Here already.
    pub duplicate: AtomicU64,
    /// Sent back because what lies before is not here.
    pub rewound: AtomicU64,
    /// From a clone of a spool.
    pub cloned: AtomicU64,
    /// Broken, too large or of a newer schema.
    pub refused: AtomicU64,
    /// Turned away for the time being.
    pub held_back: AtomicU64,
    /// Bytes of the stored ones.
    pub bytes: AtomicU64,
}

/// What the routes need.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Where batches go.
    pub writer: WriterHandle,
    /// Tells when a batch came.
    pub clock: Clock,
    /// Counts.
    pub counters: Arc<Counters>,
    /// The closer's counts, of which what waits for it matters here.
    pub closer: Arc<CloseCounters>,
    /// Tells the closer when there is something new in the inbox.
    pub wake: Option<Wake>,
}

/// The routes; each request carries the [`Identity`] of its connection as an extension.
pub fn router(gate: Gate) -> Router {
    Router::new()
        .route("/v1/batches", post(batches))
        .route("/v1/cursor", get(cursor))
        .layer(DefaultBodyLimit::max(wire::MAX_BATCH_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .with_state(gate)
}

async fn batches(
    State(gate): State<Gate>,
    Extension(identity): Extension<Arc<Identity>>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let answer = take(&gate, &identity, &headers, body).await;
    answer.unwrap_or_else(|refusal| refusal.answer(&gate.counters))
}

/// Why a batch was not taken.
enum Refusal {
    TooLarge,
    Newer,
    Broken(WireError),
    HoldBack,
    Unreadable(StatusCode, String),
}

impl Refusal {
    fn answer(self, counters: &Counters) -> Response {
        let counter = if matches!(self, Self::HoldBack) { &counters.held_back } else { &counters.refused };
        counter.fetch_add(1, Ordering::Relaxed);
        match self {
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the batch is too large").into_response(),
            Self::Newer => {
                let known = [(wire::SCHEMA_HEADER, wire::SCHEMA.to_string())];
                (StatusCode::UPGRADE_REQUIRED, known, "this collector knows no such schema yet")
                    .into_response()
            }
            Self::Broken(error) => (StatusCode::BAD_REQUEST, crate::chain(&error)).into_response(),
            Self::HoldBack => {
                let wait = [(header::RETRY_AFTER, RETRY_AFTER)];
                (StatusCode::TOO_MANY_REQUESTS, wait, "too much waits to be worked off").into_response()
            }
            Self::Unreadable(status, text) => (status, text).into_response(),
        }
    }
}

async fn take(
    gate: &Gate,
    identity: &Identity,
    headers: &HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, Refusal> {
    let schema = headers.get(wire::SCHEMA_HEADER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    if schema.is_some_and(|schema| schema > wire::SCHEMA) {
        return Err(Refusal::Newer);
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
        status => Refusal::Unreadable(status, rejection.body_text()),
    })?;
    if gate.closer.waiting.load(Ordering::Relaxed) > INBOX_BATCHES_MAX {
        return Err(Refusal::HoldBack);
    }
    let size = body.len();
    let decoded =
        tokio::task::spawn_blocking(move || wire::decode_batch(&body).map(|batch| (batch, body))).await;
    let (batch, body) = match decoded {
        Ok(Ok(pair)) => pair,
        Ok(Err(WireError::NewerSchema { .. })) => return Err(Refusal::Newer),
        Ok(Err(error)) => return Err(Refusal::Broken(error)),
        Err(_) => {
            let text = "the batch could not be read".to_owned();
            return Err(Refusal::Unreadable(StatusCode::INTERNAL_SERVER_ERROR, text));
        }
    };
    let outcome = gate.writer.ingest(incoming(gate, identity, &batch, body.into())).await;
    answer(gate, identity, outcome, size)
}

fn incoming(gate: &Gate, identity: &Identity, batch: &Batch, body: Vec<u8>) -> Incoming {
    let received = gate.clock.now();
    let certificate = Some((identity.fingerprint, identity.valid_to));
    Incoming {
        batch: ReceivedBatch {
            agent: identity.agent.clone(),
            spool: batch.spool,
            first: batch.first,
            last: batch.last,
            checksums: batch.records.iter().map(|record| crc32c::crc32c(&record.payload)).collect(),
            received,
            gap: GapPolicy::Refuse,
            body,
        },
        gap_from: batch.gap_from,
        sighting: Sighting { key: identity.agent.clone(), at: received, version: None, certificate },
    }
}

fn answer(
    gate: &Gate,
    identity: &Identity,
    outcome: Result<Outcome, RecordBusy>,
    size: usize,
) -> Result<Response, Refusal> {
    let counters = &gate.counters;
    let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
    let (status, next) = match outcome {
        Ok(Outcome::Stored { next, .. }) => {
            count(&counters.stored);
            counters.bytes.fetch_add(u64::try_from(size).unwrap_or(u64::MAX), Ordering::Relaxed);
            if let Some(wake) = &gate.wake {
                wake.wake();
            }
            (StatusCode::OK, next)
        }
        Ok(Outcome::Duplicate { next }) => {
            count(&counters.duplicate);
            (StatusCode::OK, next)
        }
        Ok(Outcome::Refused { next }) => {
            count(&counters.rewound);
            (StatusCode::CONFLICT, next)
        }
        Ok(Outcome::Cloned { .. }) => {
            count(&counters.cloned);
            tracing::error!(agent = %identity.agent, "two machines send as one agent: a copy of its spool is refused");
            let text = "this spool differs from what was received of it: is it a copy?";
            return Ok((StatusCode::FORBIDDEN, text).into_response());
        }
        Err(RecordBusy::Full | RecordBusy::Failed | RecordBusy::Closed) => return Err(Refusal::HoldBack),
    };
    Ok((status, Json(Acknowledgement { next })).into_response())
}

#[derive(serde::Deserialize)]
struct CursorQuery {
    spool: SpoolId,
}

async fn cursor(
    State(gate): State<Gate>,
    Extension(identity): Extension<Arc<Identity>>,
    Query(query): Query<CursorQuery>,
) -> Response {
    let agent = identity.agent.clone();
    let read = gate.writer.work(move |writer| writer.reader().cursor(&agent, query.spool)).await;
    match read {
        Ok(Ok(cursor)) => {
            Json(Acknowledgement { next: cursor.map_or(0, |cursor| cursor.next) }).into_response()
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_AFTER)]).into_response(),
    }
}
