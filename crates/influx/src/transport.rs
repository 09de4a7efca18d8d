//! Ways to post one compressed body of lines.

use std::future::Future;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};

use crate::connect::{Config, ConnectError, Generation, Secret};
use crate::outcome::Outcome;

/// Longest time for a connection to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for one body and its answer: a slow disk under a large backlog needs seconds, never this.
pub(crate) const POST_TIMEOUT: Duration = Duration::from_secs(30);
/// Most of an error's text that is read and kept: the first broken line stands in it.
const TEXT_BYTES_MAX: usize = 4096;

/// Posts bodies of line protocol with times in milliseconds.
pub trait Transport: Send + Sync {
    /// Posts one body, compressed with gzip, and says what became of it. Waits at most a named limit.
    fn post(&self, body: Vec<u8>) -> impl Future<Output = Outcome> + Send;
}

/// Plain HTTP or HTTPS to `/write` (version 1 and what speaks like it), `/api/v2/write` or `/api/v3/write_lp`.
#[derive(Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
    url: reqwest::Url,
    authorization: Option<Secret>,
}

impl HttpTransport {
    /// For a server of this generation.
    ///
    /// # Errors
    /// If the address is no URL or the certificates cannot be read.
    pub fn new(config: &Config, generation: Generation) -> Result<Self, ConnectError> {
        let (path, parameters) = write_path(config, generation);
        let mut url = config.endpoint(path)?;
        url.query_pairs_mut().extend_pairs(parameters);
        let authorization = config.authorization(generation);
        Ok(Self { client: config.client()?, url, authorization })
    }

    async fn send(&self, body: Vec<u8>) -> Result<Outcome, reqwest::Error> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_ENCODING, "gzip")
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(body);
        if let Some(secret) = &self.authorization {
            request = request.header(AUTHORIZATION, secret.expose());
        }
        let mut answer = request.send().await?;
        let status = answer.status().as_u16();
        let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = if answer.status().is_success() { String::new() } else { beginning(&mut answer).await? };
        Ok(Outcome::from_answer(status, wait.as_deref(), text))
    }
}

impl Transport for HttpTransport {
    async fn post(&self, body: Vec<u8>) -> Outcome {
        match self.send(body).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Busy { retry_after: None, text: chain(&error.without_url()) },
        }
    }
}

type Parameters<'a> = Vec<(&'static str, &'a str)>;

fn write_path(config: &Config, generation: Generation) -> (&'static str, Parameters<'_>) {
    let database = config.database.as_str();
    match generation {
        Generation::One => ("write", vec![("db", database), ("precision", "ms")]),
        Generation::Two => {
            let org = config.org.as_deref().unwrap_or_default();
            ("api/v2/write", vec![("org", org), ("bucket", database), ("precision", "ms")])
        }
        // The version 3 path keeps wrong lines (400) and trouble of the server (5xx) apart, its version 1 path does not.
        Generation::Three => (
            "api/v3/write_lp",
            vec![("db", database), ("precision", "millisecond"), ("accept_partial", "true")],
        ),
    }
}

/// The beginning of an answer's text, read in pieces so that an endless one costs nothing.
pub(crate) async fn beginning(answer: &mut reqwest::Response) -> Result<String, reqwest::Error> {
    let mut text = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        text.extend_from_slice(&piece);
        if text.len() >= TEXT_BYTES_MAX {
            break;
        }
    }
    text.truncate(TEXT_BYTES_MAX);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// An error with all its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Version 2 through the client library `influxdb2`, as a carrier of bodies that `line` made. It knows plain HTTP
/// only (loopback or behind a proxy); its own encoders are not used, because they let NaN and backslashes through.
#[derive(Debug)]
pub struct Influxdb2Transport {
    client: influxdb2::Client,
    org: String,
    bucket: String,
}

impl Influxdb2Transport {
    /// For a server of version 2 at an `http://` address without a path.
    ///
    /// # Errors
    /// If the address is no such URL.
    pub fn new(config: &Config) -> Result<Self, ConnectError> {
        // The library panics on an address that is no URL, so it is read here first.
        let url = config.endpoint("")?;
        let gzip = reqwest_of_influxdb2::header::HeaderValue::from_static("gzip");
        let headers = [(reqwest_of_influxdb2::header::CONTENT_ENCODING, gzip)].into_iter().collect();
        let builder = reqwest_of_influxdb2::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(POST_TIMEOUT)
            .default_headers(headers);
        let org = config.org.clone().unwrap_or_default();
        let token = config.token.as_ref().map(Secret::expose).unwrap_or_default();
        let client = influxdb2::ClientBuilder::with_builder(builder, url.as_str(), &org, token)
            .build()
            .map_err(|error| ConnectError::Client { cause: error.to_string() })?;
        Ok(Self { client, org, bucket: config.database.clone() })
    }
}

impl Transport for Influxdb2Transport {
    async fn post(&self, body: Vec<u8>) -> Outcome {
        let precision = influxdb2::api::write::TimestampPrecision::Milliseconds;
        let sent =
            self.client.write_line_protocol_with_precision(&self.org, &self.bucket, body, precision).await;
        match sent {
            Ok(()) => Outcome::Stored,
            Err(influxdb2::RequestError::Http { status, text }) => {
                Outcome::from_answer(status.as_u16(), None, text.chars().take(TEXT_BYTES_MAX).collect())
            }
            Err(error) => Outcome::Busy { retry_after: None, text: chain(&error) },
        }
    }
}

/// One of the transports.
#[derive(Debug)]
pub enum AnyTransport {
    /// Plain HTTP or HTTPS.
    Http(HttpTransport),
    /// Through `influxdb2`.
    Influxdb2(Influxdb2Transport),
}

impl Transport for AnyTransport {
    async fn post(&self, body: Vec<u8>) -> Outcome {
        match self {
            Self::Http(transport) => transport.post(body).await,
            Self::Influxdb2(transport) => transport.post(body).await,
        }
    }
}
