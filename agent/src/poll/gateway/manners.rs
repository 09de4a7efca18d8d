//! How a connection is used, and what gateways teach about themselves.

use std::time::Duration;

/// First answers in a row, each on a fresh connection, that fit in all but their transaction id, after which a gateway is
/// known to make ids of its own. A late answer cannot be one of them: it would come over the connection before.
const REWRITTEN_AFTER: u8 = 3;
/// Connections in a row that were closed while several requests were under way, after which it is one at a time.
const DROPPED_AFTER: u8 = 2;

/// How a connection is used: what `[[bus]]` says, and what the most sensitive device on the bus bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Requests that may be under way at once; 1 on a serial line.
    pub in_flight: usize,
    /// Rest between an answer and the next request.
    pub pause: Duration,
    /// Rest between the connection and the first request.
    pub pause_after_connect: Duration,
    /// Silence that parts frames on a serial line.
    pub silence: Duration,
    /// A connection unused for so long is made anew before it is used: somebody may have forgotten it.
    pub idle_timeout: Option<Duration>,
    /// Leaves the connection to others between polls.
    pub close_after_poll: bool,
    /// Takes an answer under any transaction id, one request at a time.
    pub ignore_transaction_id: bool,
    /// The line gives back what is sent.
    pub echo: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            in_flight: 1,
            pause: Duration::ZERO,
            pause_after_connect: Duration::ZERO,
            silence: Duration::ZERO,
            idle_timeout: None,
            close_after_poll: false,
            ignore_transaction_id: false,
            echo: false,
        }
    }
}

/// What a gateway has shown so far.
#[derive(Debug, Default)]
pub(super) struct Lessons {
    rewritten: u8,
    dropped: u8,
}

impl Lessons {
    /// An answer was matched by its id while so many requests were under way.
    pub(super) const fn answered(&mut self, under_way: usize) {
        self.rewritten = 0;
        if under_way > 1 {
            self.dropped = 0;
        }
    }

    /// An answer to a question that is not open. Does it rewrite ids, as is known now?
    pub(super) const fn stray(&mut self, fits: bool) -> bool {
        self.rewritten = if fits { self.rewritten.saturating_add(1) } else { 0 };
        self.rewritten == REWRITTEN_AFTER
    }

    /// It hung up while so many requests were under way. Does it bear only one, as is known now?
    pub(super) const fn hung_up(&mut self, under_way: usize) -> bool {
        if under_way > 1 {
            self.dropped = self.dropped.saturating_add(1);
        }
        under_way > 1 && self.dropped == DROPPED_AFTER
    }
}
