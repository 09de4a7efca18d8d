//! One exchange with the collector.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use model::SpoolId;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, Url};

use crate::answer::{self, Answer};
use crate::tls::Material;
use crate::{Config, UplinkError};

/// Most of an answer that is read: a number in JSON, or a page of an error.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// How often a connection with an exchange under way is asked whether it is alive, and how long that may take.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A client for one collector.
pub(crate) struct Client {
    http: reqwest::Client,
    batches: Url,
    cursor: Url,
    config: Config,
    material: Material,
}

impl Client {
    pub(crate) fn new(config: Config, material: Material) -> Result<Self, UplinkError> {
        let base = check_url(&config.url)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(material.client_config(&config)?)
            .connect_timeout(config.pace.connect_timeout)
            .timeout(config.pace.request_timeout)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .redirect(Policy::none())
            .no_proxy()
            .https_only(true)
            .user_agent(concat!("wattwacht-uplink/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(UplinkError::Client)?;
        Ok(Self { http, batches: below(&base, "batches"), cursor: below(&base, "cursor"), config, material })
    }

    /// A client with the certificates as they are now, if they have changed.
    pub(crate) fn renewed(&self) -> Result<Option<Self>, UplinkError> {
        let material = Material::read(&self.config)?;
        if material == self.material {
            return Ok(None);
        }
        Self::new(self.config.clone(), material).map(Some)
    }

    /// A client that shares no connection with this one. After a time-out the connection may be dead without either
    /// side knowing, and a pool would use it again until TCP gives up after a quarter of an hour.
    pub(crate) fn fresh(&self) -> Result<Option<Self>, UplinkError> {
        Self::new(self.config.clone(), Material::read(&self.config)?).map(Some)
    }

    /// Sends a batch.
    pub(crate) async fn send(&self, body: Vec<u8>) -> Answer {
        let request = self
            .http
            .post(self.batches.clone())
            .header(CONTENT_TYPE, wire::CONTENT_TYPE)
            .header(wire::SCHEMA_HEADER, wire::SCHEMA)
            .body(body);
        self.exchange(request).await
    }

    /// Asks how far the collector is.
    pub(crate) async fn cursor(&self, spool: SpoolId) -> Answer {
        let mut url = self.cursor.clone();
        url.query_pairs_mut().append_pair("spool", &spool.to_string());
        self.exchange(self.http.get(url)).await
    }

    async fn exchange(&self, request: RequestBuilder) -> Answer {
        match read_answer(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_timeout() => Answer::TimedOut(self.describe(error)),
            Err(error) => Answer::Unreachable(self.describe(error)),
        }
    }

    /// The whole chain of causes in one line, and what to look at where the cause is known.
    fn describe(&self, error: reqwest::Error) -> String {
        let mut said = format!("cannot reach the collector at {}", self.config.url);
        let error = error.without_url();
        let mut cause: Option<&dyn Error> = Some(&error);
        let mut last = String::new();
        while let Some(error) = cause {
            let text = error.to_string();
            if text != last {
                write!(said, ": {text}").expect("writing to a string cannot fail");
            }
            (cause, last) = (error.source(), text);
        }
        // The second: an authority of the same name, but with another key.
        if said.contains("UnknownIssuer") || said.contains("BadSignature") {
            let ca = self.config.ca.display();
            write!(said, " (its certificate is not signed by one in `{ca}`)")
                .expect("writing to a string cannot fail");
        }
        said
    }
}

impl std::fmt::Debug for Client {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("batches", &self.batches.as_str()).finish_non_exhaustive()
    }
}

async fn read_answer(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let mut response = request.send().await?;
    let body = read_body(&mut response).await?;
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Ok(answer::read(response.status().as_u16(), retry_after, &body))
}

/// The body, of which the rest is left unread if it is too long.
async fn read_body(response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend(chunk.iter().take(MAX_ANSWER_BYTES - body.len()));
        if body.len() >= MAX_ANSWER_BYTES {
            break;
        }
    }
    Ok(body)
}

fn check_url(text: &str) -> Result<Url, UplinkError> {
    let wrong = |problem: String| UplinkError::Url { url: text.to_owned(), problem };
    let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    match (url.scheme(), url.host_str(), url.query().or(url.fragment())) {
        ("https", Some(_), None) => Ok(url),
        ("https", _, _) => Err(wrong("a host, a port and a path are all that is expected".to_owned())),
        (scheme, _, _) => Err(wrong(format!("`{scheme}` is no scheme for it, `https` is"))),
    }
}

fn below(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    let prefix = base.path().trim_end_matches('/');
    url.set_path(&format!("{prefix}/v1/{name}"));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_url_is_kept() {
        for (base, expected) in [
            ("https://c:8443", "https://c:8443/v1/batches"),
            ("https://c:8443/", "https://c:8443/v1/batches"),
            ("https://c/energy/", "https://c/energy/v1/batches"),
        ] {
            assert_eq!(below(&check_url(base).unwrap(), "batches").as_str(), expected);
        }
    }

    #[test]
    fn a_url_that_cannot_be_meant_is_refused_with_what_is_wrong() {
        for (url, said) in [
            ("http://c", "collector url `http://c`: `http` is no scheme for it, `https` is"),
            ("collector:8443", "collector url `collector:8443`: `collector` is no scheme for it, `https` is"),
            (
                "https://c?x=1",
                "collector url `https://c?x=1`: a host, a port and a path are all that is expected",
            ),
            ("", "collector url ``: relative URL without a base"),
        ] {
            assert_eq!(check_url(url).unwrap_err().to_string(), said);
        }
    }
}
