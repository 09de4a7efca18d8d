//! A stand-in server that gives the answers which real ones were seen to give, against both transports.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::{get, post};

use crate::{Config, Generation, HttpTransport, Influxdb2Transport, Outcome, Secret, Transport, connect};

type Answer = (u16, &'static str);

async fn serve(answer: Answer) -> String {
    let handler = |State(answer): State<Answer>, uri: Uri, headers: HeaderMap| async move {
        assert_eq!(headers["content-encoding"], "gzip");
        assert!(uri.query().unwrap().contains("precision=ms"), "{uri}");
        let status = StatusCode::from_u16(answer.0).unwrap();
        (status, [("retry-after", "3")], answer.1)
    };
    let ping = || async { (StatusCode::NO_CONTENT, [("x-influxdb-version", "1.6.7~rc0")]) };
    let router = Router::new()
        .route("/write", post(handler))
        .route("/api/v2/write", post(handler))
        .route("/ping", get(ping))
        .route("/query", post(|| async { r#"{"results":[{"statement_id":0}]}"# }))
        .with_state(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn config(url: &str) -> Config {
    Config {
        url: url.to_owned(),
        generation: None,
        database: "d".into(),
        org: Some("o".into()),
        token: Some(Secret::new("t")),
        retention: None,
        ca: None,
    }
}

async fn both(answer: Answer) -> [Outcome; 2] {
    let config = config(&serve(answer).await);
    let http = HttpTransport::new(&config, Generation::One).unwrap();
    let library = Influxdb2Transport::new(&config).unwrap();
    [http.post(vec![1]).await, library.post(vec![1]).await]
}

#[tokio::test]
async fn the_answers_of_real_servers_are_understood() {
    const MALFORMED_1: &str =
        r#"{"error":"partial write: unable to parse 'm v=': missing field value dropped=0"}"#;
    const CONFLICT_2: &str = r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: input field \"v\""}"#;
    const RETENTION_1: &str = r#"{"error":"partial write: points beyond retention policy dropped=3"}"#;
    const RETENTION_2: &str = r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: dropped 1 points outside retention policy of duration 168h0m0s"}"#;
    type Check = fn(&Outcome) -> bool;
    let table: [(Answer, Check); 11] = [
        ((204, ""), |outcome| *outcome == Outcome::Stored),
        ((400, MALFORMED_1), |outcome| matches!(outcome, Outcome::Refused { .. })),
        ((422, CONFLICT_2), |outcome| matches!(outcome, Outcome::Refused { .. })),
        ((400, RETENTION_1), |outcome| *outcome == Outcome::Retention { dropped: 3 }),
        ((422, RETENTION_2), |outcome| *outcome == Outcome::Retention { dropped: 1 }),
        // Version 3 when its disk is full: says nothing about the lines.
        ((400, "write buffer error: no space"), |outcome| matches!(outcome, Outcome::Busy { .. })),
        ((401, "unauthorized"), |outcome| matches!(outcome, Outcome::Denied { status: 401, .. })),
        ((404, "bucket not found"), |outcome| matches!(outcome, Outcome::Denied { status: 404, .. })),
        ((413, "too large"), |outcome| *outcome == Outcome::TooLarge),
        ((503, "request throttled"), |outcome| matches!(outcome, Outcome::Busy { .. })),
        ((418, "?"), |outcome| matches!(outcome, Outcome::Busy { .. })),
    ];
    for (answer, check) in table {
        for outcome in both(answer).await {
            assert!(check(&outcome), "{answer:?} became {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_heard() {
    let [http, _] = both((429, "slow down")).await;
    assert!(matches!(http, Outcome::Busy { retry_after: Some(wait), .. } if wait.as_secs() == 3), "{http:?}");
}

#[tokio::test]
async fn the_generation_is_asked_for_by_ping() {
    let (_, generation) = connect(&config(&serve((204, "")).await)).await.unwrap();
    assert_eq!(generation, Generation::One);
}

#[tokio::test]
async fn nobody_there_is_no_reason_to_lose_a_line() {
    // A port that was free a moment ago and on which nobody listens.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = config(&url);
    assert!(connect(&config).await.is_err());
    let transport = HttpTransport::new(&config, Generation::One).unwrap();
    assert!(matches!(transport.post(vec![1]).await, Outcome::Busy { .. }));
}

#[test]
fn a_wrong_address_is_an_error_and_a_secret_is_not_shown() {
    for bad in ["", "nonsense", "ftp://x", "http://"] {
        assert!(HttpTransport::new(&config(bad), Generation::One).is_err(), "{bad}");
        assert!(Influxdb2Transport::new(&config(bad)).is_err(), "{bad}");
    }
    let shown = format!("{:?}", Config { token: Some(Secret::new("geheim")), ..config("http://h") });
    assert!(!shown.contains("geheim"), "{shown}");
}

#[test]
fn user_and_password_go_to_version_1_as_basic() {
    // RFC 7617 section 2: Aladdin with his sesame.
    let config = Config { token: Some(Secret::new("Aladdin:open sesame")), ..config("http://h") };
    let header = config.authorization(Generation::One).unwrap();
    assert_eq!(header.expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}
