//! What an uplink did, for logs, metrics and status pages.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use spool::SpoolReader;

/// How an uplink stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet in touch with the collector.
    Starting,
    /// The last exchange went well.
    Connected,
    /// The last exchange failed; it is tried again by itself.
    Retrying,
    /// The collector refuses this agent or its batches: a person must act. Tried again, slowly.
    Refused,
    /// The collector is older than this agent: it must be upgraded. Nothing is lost.
    CollectorTooOld,
    /// Ended.
    Stopped,
}

macro_rules! troubles {
    ($($(#[$doc:meta])* $variant:ident $name:literal;)*) => {
        /// Why an exchange was repeated.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Trouble {
            $($(#[$doc])* $variant,)*
        }

        impl Trouble {
            /// All, in the order of [`Snapshot::retries`].
            pub const ALL: [Self; 9] = [$(Self::$variant,)*];

            /// Snake-case name, for labels.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

troubles! {
    /// No connection, or it broke.
    Network "network";
    /// No answer in time.
    Timeout "timeout";
    /// 429 or 503.
    Busy "busy";
    /// 409, or 200 with a smaller number than was sent: the collector's cursor is elsewhere.
    Rewind "rewind";
    /// 413: the batch was too big.
    TooLarge "too_large";
    /// 426: the collector is older.
    NewerSchema "newer_schema";
    /// 400, 401, 403, 404 and the like.
    Refused "refused";
    /// Any other answer.
    Answer "answer";
    /// The spool could not be read.
    Spool "spool";
}

/// Counters of an uplink, shared with whoever shows them.
#[derive(Debug)]
pub struct Statistics {
    reader: SpoolReader,
    batches: AtomicU64,
    records: AtomicU64,
    bytes: AtomicU64,
    payload_bytes: AtomicU64,
    retries: [AtomicU64; Trouble::ALL.len()],
    now: Mutex<(State, Option<String>)>,
}

/// The counters at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// How it stands.
    pub state: State,
    /// Batches acknowledged.
    pub batches: u64,
    /// Records acknowledged.
    pub records: u64,
    /// Bytes of acknowledged batches as sent.
    pub bytes: u64,
    /// Bytes of their payloads before compression.
    pub payload_bytes: u64,
    /// Repeated exchanges by reason, one entry for each of [`Trouble::ALL`].
    pub retries: [u64; 9],
    /// Records on disk that the collector does not have.
    pub lag_records: u64,
    /// What went wrong last, as a sentence; `None` while all is well.
    pub last_error: Option<String>,
}

impl Statistics {
    pub(crate) fn new(reader: SpoolReader) -> Self {
        Self {
            reader,
            batches: AtomicU64::new(0),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            payload_bytes: AtomicU64::new(0),
            retries: Default::default(),
            now: Mutex::new((State::Starting, None)),
        }
    }

    /// The counters now.
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (state, last_error) = self.now.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Snapshot {
            state,
            batches: read(&self.batches),
            records: read(&self.records),
            bytes: read(&self.bytes),
            payload_bytes: read(&self.payload_bytes),
            retries: self.retries.each_ref().map(read),
            lag_records: self.reader.synced().saturating_sub(self.reader.acknowledged()),
            last_error,
        }
    }

    pub(crate) fn sent(&self, records: u64, bytes: usize, payload_bytes: usize) {
        let add = |counter: &AtomicU64, more: u64| counter.fetch_add(more, Ordering::Relaxed);
        add(&self.batches, 1);
        add(&self.records, records);
        add(&self.bytes, bytes as u64);
        add(&self.payload_bytes, payload_bytes as u64);
    }

    pub(crate) fn retry(&self, trouble: Trouble) {
        for (counter, _) in self.retries.iter().zip(Trouble::ALL).filter(|(_, kind)| *kind == trouble) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sets the state and returns the one before.
    pub(crate) fn enter(&self, state: State, error: Option<String>) -> State {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *now, (state, error)).0
    }
}
