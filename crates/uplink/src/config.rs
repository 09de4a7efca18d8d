//! Where to ship, as whom, and how fast.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Where to ship to, and as whom.
#[derive(Debug, Clone)]
pub struct Config {
    /// The collector's door for agents, `https://host:8443`; a path prefix is kept.
    pub url: String,
    /// PEM file with the certificates that may have signed the collector's certificate. No others are trusted.
    pub ca: PathBuf,
    /// PEM file with this agent's certificate chain.
    pub cert: PathBuf,
    /// PEM file with this agent's private key.
    pub key: PathBuf,
    /// Sizes and times; the default suits.
    pub pace: Pace,
}

/// Sizes and times of an uplink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Size of a batch as sent at which it goes out when there is more, in bytes.
    pub target_bytes: usize,
    /// Shortest time between two batches while the spool is nearly empty.
    pub linger: Duration,
    /// How often to look into the spool for new records.
    pub look: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for a whole exchange.
    pub request_timeout: Duration,
    /// First bound of the wait after a failure; doubles with each.
    pub retry_min: Duration,
    /// Last bound of the wait after a failure, and the wait where only a person can help.
    pub retry_max: Duration,
    /// Longest time that the collector may ask to be left alone.
    pub retry_after_max: Duration,
    /// Longest time that an exchange may still take once a stop is asked for.
    pub stop_grace: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            target_bytes: 256 << 10,
            linger: Duration::from_secs(1),
            look: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_mins(1),
            retry_after_max: Duration::from_mins(10),
            stop_grace: Duration::from_secs(5),
        }
    }
}

/// Why an uplink cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UplinkError {
    /// The URL cannot be used.
    #[error("collector url `{url}`: {problem}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be read.
    #[error("cannot read {what} `{path}`", path = path.display())]
    Read {
        /// What the file is for.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{what} `{path}`: {problem}", path = path.display())]
    Pem {
        /// What the file is for.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What was found and what was expected.
        problem: String,
    },
    /// Certificate and key do not make a TLS client.
    #[error("certificate `{cert}` and key `{key}` make no TLS client", cert = cert.display(), key = key.display())]
    Tls {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// What rustls says.
        #[source]
        source: rustls::Error,
    },
    /// The HTTP client cannot be built.
    #[error("cannot build the http client")]
    Client(#[source] reqwest::Error),
}
