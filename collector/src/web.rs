//! The people's door: what panels and API share. Read-only; every request gets a reader of the record for itself.
//!
//! Invariants: nothing here writes the record; a request is bounded in size and time; work on the record happens on
//! threads that may block; every answer carries the security headers of the panels.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::{SiteId, Timestamp};
use store::{Reader, Store};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::Clock;
use crate::close::LiveTable;
use crate::config::Config;
use crate::facts::{self, Catalogue, Context, FactsError, Slow};

/// Longest time for one request: a year of KPIs of a large site with room to spare.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Readers that are kept open between requests: more requests than this at once open their own.
const READERS_KEPT: usize = 8;
/// How long values that change with the quarter hour are kept: short against a quarter hour, long against the live
/// messages of several open pages.
const SLOW_KEPT_MS: i64 = 60_000;
/// How often a live message is sent: the period of most devices.
pub(crate) const LIVE_INTERVAL: Duration = Duration::from_secs(10);

/// What panels and API need.
#[derive(Clone)]
pub struct WebState(Arc<Inner>);

struct Inner {
    store: Store,
    config: Config,
    live: Arc<LiveTable>,
    clock: Clock,
    ready: Arc<AtomicBool>,
    metrics: Box<dyn Fn() -> String + Send + Sync>,
    readers: Mutex<Vec<Reader>>,
    slow: Mutex<HashMap<SiteId, (Timestamp, Slow)>>,
    catalogue: Arc<Catalogue>,
}

impl std::fmt::Debug for WebState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebState").finish_non_exhaustive()
    }
}

/// The parts of a running collector that the web shows.
pub struct Parts {
    /// The record.
    pub store: Store,
    /// The configuration.
    pub config: Config,
    /// The latest values.
    pub live: Arc<LiveTable>,
    /// Sites and factors.
    pub catalogue: Arc<Catalogue>,
    /// The clock.
    pub clock: Clock,
    /// Set once batches are taken.
    pub ready: Arc<AtomicBool>,
    /// The statistics as text for Prometheus.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    #[error("{0}")]
    BadRequest(String),
    #[error("there is no {0}")]
    NotFound(String),
    #[error(transparent)]
    Facts(#[from] FactsError),
    #[error("the record cannot be read")]
    Store(#[from] store::StoreError),
    #[error("the page cannot be drawn")]
    Page(#[from] dashboards::PageError),
    #[error("the report cannot be made")]
    Report(#[from] report::RenderError),
    #[error("the work was cut off")]
    Cut,
}

impl WebError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) | Self::Facts(FactsError::UnknownSite { .. }) => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What people may read of it: the whole text of what they asked wrongly, nothing of the machine's insides.
    pub(crate) fn public_text(&self) -> String {
        if self.status() == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %crate::chain(self), "request failed");
            return "the collector could not answer; its log says why".to_owned();
        }
        self.to_string()
    }
}

/// As JSON, for the API.
impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.public_text() });
        (self.status(), axum::Json(body)).into_response()
    }
}

impl WebState {
    /// From the parts of a running collector.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, config, live, catalogue, clock, ready, metrics } = parts;
        Self(Arc::new(Inner {
            store,
            config,
            live,
            clock,
            ready,
            metrics,
            readers: Mutex::default(),
            slow: Mutex::default(),
            catalogue,
        }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    pub(crate) fn metrics(&self) -> String {
        (self.0.metrics)()
    }

    /// Name under which the reports of the whole city are sealed.
    pub(crate) fn city_key(&self) -> SiteId {
        SiteId::new(self.0.config.city.as_str()).expect("a city's id has the form of a site's")
    }

    /// Runs `work` with a reader, on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, &Reader) -> Result<T, WebError> + Send + 'static,
    ) -> Result<T, WebError> {
        let state = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let kept = state.0.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let reader = kept.map_or_else(|| state.0.store.reader(), Ok)?;
            let result = work(&state, &reader);
            let mut readers = state.0.readers.lock().unwrap_or_else(PoisonError::into_inner);
            if readers.len() < READERS_KEPT {
                readers.push(reader);
            }
            result
        });
        done.await.unwrap_or(Err(WebError::Cut))
    }

    /// Sites and factors.
    pub(crate) fn context(&self, reader: &Reader) -> Result<Arc<Context>, WebError> {
        Ok(self.0.catalogue.context(reader, self.now())?)
    }

    /// A site's overview.
    pub(crate) fn overview(
        &self,
        reader: &Reader,
        context: &Context,
        site: &SiteId,
    ) -> Result<dashboards::SiteOverview, WebError> {
        let now = self.now();
        let kept = self.0.slow.lock().unwrap_or_else(PoisonError::into_inner).get(site).cloned();
        let fresh =
            kept.filter(|(at, _)| now.millis_since(*at) < SLOW_KEPT_MS && at.quarter() == now.quarter());
        let slow = if let Some((_, slow)) = fresh {
            slow
        } else {
            let slow = Slow::gather(reader, context, site, now)?;
            let mut all = self.0.slow.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(site.clone(), (now, slow.clone()));
            slow
        };
        let interval_ms = u32::try_from(LIVE_INTERVAL.as_millis()).unwrap_or(u32::MAX);
        let now = facts::Now { live: &self.0.live, time: now, interval_ms };
        Ok(facts::site(reader, context, (site, &slow), now)?)
    }
}

/// Panels, API, health and statistics on one listener.
pub fn router(state: WebState) -> Router {
    let mut router = crate::panels::routes().merge(crate::api::routes()).with_state(state);
    for (name, value) in dashboards::SECURITY_HEADERS {
        let (name, value) = (HeaderName::from_static(name), HeaderValue::from_static(value));
        // A report document carries a policy of its own, for its one inline style sheet.
        router = router.layer(SetResponseHeaderLayer::if_not_present(name, value));
    }
    router.layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
}

/// The site that a request names.
pub(crate) fn site_id(text: &str) -> Result<SiteId, WebError> {
    text.parse()
        .map_err(|_| WebError::NotFound(format!("site `{}`", text.chars().take(63).collect::<String>())))
}
