//! What a collector may answer, and what follows from it.

use std::time::Duration;

use wire::Acknowledgement;

/// Longest part of an unexpected answer that is repeated in a message, in characters.
const MAX_TEXT: usize = 200;

/// The outcome of one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: all below this number is stored for good.
    Stored(u64),
    /// 409: the collector wants this number first.
    Rewind(u64),
    /// 413: send less at once.
    TooLarge,
    /// 426: the collector is older than this program.
    NewerSchema(String),
    /// 400, 401, 403, 404, 421, 422: it will not take this from us until a person has acted.
    Refused(String),
    /// 429, 503: come back later.
    Busy(Option<Duration>, String),
    /// Anything else.
    Unexpected(String),
    /// No answer in time.
    TimedOut(String),
    /// No connection, or it broke.
    Unreachable(String),
}

/// Reads an answer that came.
pub fn read(status: u16, retry_after: Option<&str>, body: &[u8]) -> Answer {
    let said = || format!("the collector answers {status}: {}", text(body));
    match (status, serde_json::from_slice::<Acknowledgement>(body)) {
        (200, Ok(Acknowledgement { next })) => Answer::Stored(next),
        (409, Ok(Acknowledgement { next })) => Answer::Rewind(next),
        (413, _) => Answer::TooLarge,
        (426, _) => Answer::NewerSchema(said()),
        (400 | 401 | 403 | 404 | 421 | 422, _) => Answer::Refused(said()),
        (429 | 503, _) => Answer::Busy(retry_after.and_then(seconds), said()),
        _ => Answer::Unexpected(said()),
    }
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3). Its other form, a date, is not used by our collector and would need
/// a clock that both sides agree on; it counts as none.
fn seconds(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

/// The beginning of a body, as one line without control characters.
fn text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let clean = text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    clean.take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        assert_eq!(read(200, None, br#"{"next": 7}"#), Answer::Stored(7));
        assert_eq!(read(200, None, br#"{"next": 7, "more": [1]}"#), Answer::Stored(7));
        assert_eq!(read(409, None, br#"{"next":0}"#), Answer::Rewind(0));
        assert_eq!(read(413, None, b""), Answer::TooLarge);
        assert!(matches!(read(426, None, b""), Answer::NewerSchema(_)));
        for status in [400, 401, 403, 404, 421, 422] {
            assert!(matches!(read(status, None, b""), Answer::Refused(_)), "{status}");
        }
        let busy = Answer::Busy(Some(Duration::from_secs(12)), "the collector answers 429: wait".to_owned());
        assert_eq!(read(429, Some(" 12 "), b"wait"), busy);
        assert!(matches!(read(503, Some("Wed, 21 Oct 2015 07:28:00 GMT"), b""), Answer::Busy(None, _)));
        assert!(matches!(read(429, Some("-1"), b""), Answer::Busy(None, _)));
        assert!(matches!(read(500, None, b""), Answer::Unexpected(_)));
        assert!(matches!(read(204, None, b""), Answer::Unexpected(_)));
    }

    #[test]
    fn an_answer_without_a_number_is_not_taken_for_one() {
        for body in [b"".as_slice(), b"OK", b"{}", br#"{"next":-1}"#, br#"{"next":"7"}"#, br#"{"next":1.5}"#]
        {
            assert!(matches!(read(200, None, body), Answer::Unexpected(_)), "{body:?}");
            assert!(matches!(read(409, None, body), Answer::Unexpected(_)), "{body:?}");
        }
    }

    #[test]
    fn a_strange_answer_is_quoted_in_part_and_cleaned() {
        let Answer::Unexpected(said) =
            read(500, None, &[b"<h1>\x1b[31m\n".as_slice(), &[b'x'; 5000]].concat())
        else {
            panic!("500 is unexpected")
        };
        assert!(said.starts_with("the collector answers 500: <h1> [31m xxx"), "{said}");
        assert!(said.len() < 300);
    }
}
