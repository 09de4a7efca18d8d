//! Finds out who answers at an address, and makes sure that there is a place to write to.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::AUTHORIZATION;

use crate::transport::{
    AnyTransport, CONNECT_TIMEOUT, HttpTransport, Influxdb2Transport, POST_TIMEOUT, beginning, chain,
};

/// The header in which every generation names its version.
const VERSION_HEADER: &str = "x-influxdb-version";

/// Text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Which InfluxDB: they differ in paths, credentials and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// 1.x, and what speaks like it.
    One,
    /// 2.x.
    Two,
    /// 3.
    Three,
}

/// Where to write.
#[derive(Debug, Clone)]
pub struct Config {
    /// `http://host:port` or `https://host:port/path`.
    pub url: String,
    /// The generation, or `None` to ask the server.
    pub generation: Option<Generation>,
    /// Database, or bucket on version 2.
    pub database: String,
    /// Organisation, on version 2.
    pub org: Option<String>,
    /// API token; on version 1 `user:password`.
    pub token: Option<Secret>,
    /// How long a database that is made here keeps its points; `None` for ever.
    pub retention: Option<Duration>,
    /// PEM texts of the authorities that may vouch for the server; `None` for those of the machine.
    pub ca: Option<Vec<u8>>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("`{url}` is no address such as `http://127.0.0.1:8086`")]
    Url {
        /// What was found.
        url: String,
    },
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client: {cause}")]
    Client {
        /// Why.
        cause: String,
    },
    /// Nobody answers.
    #[error("cannot reach InfluxDB at {url}")]
    Unreachable {
        /// The address, without credentials.
        url: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The server refuses to make or to name the database.
    #[error("InfluxDB at {url} does not give us database `{database}`: {text}")]
    Database {
        /// The address, without credentials.
        url: String,
        /// The database or bucket.
        database: String,
        /// The server's words.
        text: String,
    },
}

impl Config {
    /// An address below the server's.
    pub(crate) fn endpoint(&self, path: &str) -> Result<Url, ConnectError> {
        let wrong = || ConnectError::Url { url: self.url.clone() };
        let mut base = Url::parse(&self.url).map_err(|_| wrong())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none_or(str::is_empty) {
            return Err(wrong());
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.join(path).map_err(|_| wrong())
    }

    pub(crate) fn client(&self) -> Result<reqwest::Client, ConnectError> {
        // Fails only if the program has chosen a provider before, which then is the one to use.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let broken = |error: reqwest::Error| ConnectError::Client { cause: chain(&error) };
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(POST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &self.ca {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem).map_err(broken)?);
        } else if self.url.starts_with("http://") {
            // Plain HTTP must work on machines that have no certificates of authorities at all.
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(broken)
    }

    /// What stands in the `Authorization` header. Version 1.6 knows no `Token`, every 1.x knows `Basic`.
    pub(crate) fn authorization(&self, generation: Generation) -> Option<Secret> {
        let token = self.token.as_ref()?.expose();
        Some(Secret::new(match generation {
            Generation::One if token.contains(':') => format!("Basic {}", base64(token.as_bytes())),
            Generation::One | Generation::Two => format!("Token {token}"),
            Generation::Three => format!("Bearer {token}"),
        }))
    }

    /// The address without user and password, for messages.
    fn shown(&self) -> String {
        Url::parse(&self.url).ok().map_or_else(String::new, |url| url.origin().ascii_serialization())
    }
}

/// RFC 4648 section 4, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Asks the server for its generation unless it is given, makes the database where there is none, and gives the way to
/// write to it.
///
/// # Errors
/// If the address is wrong, nobody answers, or the server refuses the database. May be tried again.
pub async fn connect(config: &Config) -> Result<(AnyTransport, Generation), ConnectError> {
    let generation = match config.generation {
        Some(generation) => generation,
        None => probe(config).await?,
    };
    let transport = match generation {
        Generation::One => {
            create_database(config).await?;
            AnyTransport::Http(HttpTransport::new(config, generation)?)
        }
        Generation::Two if config.url.starts_with("http://") && config.endpoint("")?.path() == "/" => {
            create_bucket(config).await?;
            AnyTransport::Influxdb2(Influxdb2Transport::new(config)?)
        }
        Generation::Two | Generation::Three => AnyTransport::Http(HttpTransport::new(config, generation)?),
    };
    Ok((transport, generation))
}

/// `GET /ping`: all generations answer it and name their version. Who names none speaks the dialect of version 1.
async fn probe(config: &Config) -> Result<Generation, ConnectError> {
    let unreachable = |source: reqwest::Error| ConnectError::Unreachable {
        url: config.shown(),
        source: source.without_url(),
    };
    let mut request = config.client()?.get(config.endpoint("ping")?);
    if let Some(secret) = config.authorization(Generation::Two) {
        request = request.header(AUTHORIZATION, secret.expose());
    }
    let answer = request.send().await.map_err(unreachable)?;
    let version =
        answer.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(match version.trim_start_matches('v').chars().next() {
        Some('2') => Generation::Two,
        Some('3') => Generation::Three,
        _ => Generation::One,
    })
}

/// `CREATE DATABASE` does nothing where there is one already.
async fn create_database(config: &Config) -> Result<(), ConnectError> {
    let name = identifier(&config.database);
    statement(config, &format!("CREATE DATABASE {name}")).await?;
    match config.retention {
        Some(span) => {
            let hours = span.as_secs().div_ceil(3600).max(1);
            statement(config, &format!("ALTER RETENTION POLICY \"autogen\" ON {name} DURATION {hours}h"))
                .await
        }
        None => Ok(()),
    }
}

/// InfluxQL, "Identifiers": in double quotes, in which quotes and backslashes are escaped.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

async fn statement(config: &Config, text: &str) -> Result<(), ConnectError> {
    let unreachable = |source: reqwest::Error| ConnectError::Unreachable {
        url: config.shown(),
        source: source.without_url(),
    };
    let mut url = config.endpoint("query")?;
    url.query_pairs_mut().append_pair("q", text);
    let mut request = config.client()?.post(url);
    if let Some(secret) = config.authorization(Generation::One) {
        request = request.header(AUTHORIZATION, secret.expose());
    }
    let mut answer = request.send().await.map_err(unreachable)?;
    let ok = answer.status().is_success();
    let words = beginning(&mut answer).await.map_err(unreachable)?;
    if ok && !words.contains("\"error\"") {
        return Ok(());
    }
    Err(ConnectError::Database { url: config.shown(), database: config.database.clone(), text: words })
}

/// Version 2 makes no bucket by itself.
async fn create_bucket(config: &Config) -> Result<(), ConnectError> {
    let refused = |error: influxdb2::RequestError| ConnectError::Database {
        url: config.shown(),
        database: config.database.clone(),
        text: chain(&error),
    };
    let builder =
        reqwest_of_influxdb2::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(POST_TIMEOUT);
    let org = config.org.clone().unwrap_or_default();
    let token = config.token.as_ref().map(Secret::expose).unwrap_or_default();
    let client = influxdb2::ClientBuilder::with_builder(builder, config.endpoint("")?.as_str(), &org, token)
        .build()
        .map_err(|error| ConnectError::Client { cause: error.to_string() })?;
    let by_name = influxdb2::api::buckets::ListBucketsRequest {
        name: Some(config.database.clone()),
        ..influxdb2::api::buckets::ListBucketsRequest::default()
    };
    if client.list_buckets(Some(by_name)).await.is_ok_and(|found| !found.buckets.is_empty()) {
        return Ok(());
    }
    let orgs = influxdb2::api::organization::ListOrganizationRequest {
        org: Some(org.clone()),
        ..influxdb2::api::organization::ListOrganizationRequest::new()
    };
    let found = client.list_organizations(orgs).await.map_err(refused)?;
    let id = found.orgs.into_iter().find(|one| one.name == org).and_then(|one| one.id).unwrap_or_default();
    let mut bucket = influxdb2::models::PostBucketRequest::new(id, config.database.clone());
    if let Some(span) = config.retention {
        let seconds = i32::try_from(span.as_secs().max(3600)).unwrap_or(i32::MAX);
        bucket.retention_rules = vec![influxdb2::models::RetentionRule::new(
            influxdb2::models::retention_rule::Type::Expire,
            seconds,
        )];
    }
    client.create_bucket(Some(bucket)).await.map_err(refused)
}
