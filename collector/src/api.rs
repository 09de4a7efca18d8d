//! The API under `/api/v1`: JSON of what the panels show, live messages, health and statistics.

use std::convert::Infallible;

use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use model::{IntervalValue, Period, SiteId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_stream::wrappers::IntervalStream;
use tokio_stream::{Stream, StreamExt};

use crate::web::{LIVE_INTERVAL, WebError, WebState, site_id};

/// Quarter hours that one request may ask for: a leap year and a day.
const QUARTERS_MAX: usize = 367 * 96;
/// The description of this API.
const OPENAPI: &str = include_str!("api/openapi.json");

pub(crate) fn routes() -> Router<WebState> {
    Router::new()
        .route("/api/v1/sites", get(sites))
        .route("/api/v1/overview", get(overview))
        .route("/api/v1/live", get(live))
        .route("/api/v1/kpi", get(kpis))
        .route("/api/v1/intervals", get(intervals))
        .route("/api/v1/openapi.json", get(openapi))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
}

#[derive(Debug, Deserialize)]
struct OfSite {
    site: String,
}

#[derive(Debug, Deserialize)]
struct OfSpan {
    site: String,
    from: String,
    to: String,
    meter_point: Option<String>,
}

async fn sites(State(state): State<WebState>) -> Result<Json<Value>, WebError> {
    let list = state.read(|state, reader| {
        let context = state.context(reader)?;
        let site = |(id, facts): (&SiteId, &crate::facts::SiteEntry)| {
            let site = &facts.topology.site;
            let points = facts
                .topology
                .points
                .iter()
                .map(|point| json!({ "id": point.id, "name": point.name, "role": point.role }));
            json!({
                "id": id, "name": site.name, "city": site.city, "zone": site.zone,
                "topology_version": facts.version, "meter_points": points.collect::<Vec<_>>(),
            })
        };
        Ok(context.sites.iter().map(site).collect::<Vec<_>>())
    });
    Ok(Json(json!({ "sites": list.await? })))
}

async fn overview(State(state): State<WebState>, Query(of): Query<OfSite>) -> Result<Response, WebError> {
    let overview = overview_of(&state, of.site).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(overview)).into_response())
}

async fn overview_of(state: &WebState, site: String) -> Result<dashboards::SiteOverview, WebError> {
    state
        .read(move |state, reader| {
            let site = site_id(&site)?;
            state.overview(reader, &*state.context(reader)?, &site)
        })
        .await
}

/// A message each ten seconds, the first at once.
async fn live(State(state): State<WebState>, Query(of): Query<OfSite>) -> Result<Response, WebError> {
    // Whether there is such a site shows before the stream begins.
    overview_of(&state, of.site.clone()).await?;
    let ticks = IntervalStream::new(tokio::time::interval(LIVE_INTERVAL));
    let messages = ticks.then(move |_| {
        let (state, site) = (state.clone(), of.site.clone());
        async move { overview_of(&state, site).await }
    });
    let stream = Sse::new(events(messages)).keep_alive(KeepAlive::default());
    let headers =
        [(header::CACHE_CONTROL, "no-store"), (header::HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((headers, stream).into_response())
}

/// A message that could not be gathered is left out: the page grows stale and says so.
fn events(
    messages: impl Stream<Item = Result<dashboards::SiteOverview, WebError>>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    messages.filter_map(|message| {
        let event = message.ok().and_then(|overview| Event::default().json_data(overview).ok());
        event.map(Ok)
    })
}

async fn kpis(
    State(state): State<WebState>,
    Query(of): Query<OfSpan>,
) -> Result<Json<Vec<kpi::Figure>>, WebError> {
    let figures = state.read(move |state, reader| {
        let context = state.context(reader)?;
        let site = site_id(&of.site)?;
        let period = period(&context, &site, &of)?;
        Ok(context.span(reader, &site, period)?.figures()?)
    });
    Ok(Json(figures.await?))
}

#[derive(Debug, Serialize)]
struct Interval {
    from: String,
    /// Base units of the medium: milliwatt-hours, or millilitres of water.
    amount: Option<i64>,
    quality: model::Quality,
    method: Option<model::Method>,
    reason: Option<model::Reason>,
}

async fn intervals(State(state): State<WebState>, Query(of): Query<OfSpan>) -> Result<Json<Value>, WebError> {
    let made = state.read(move |state, reader| {
        let context = state.context(reader)?;
        let site = site_id(&of.site)?;
        let period = period(&context, &site, &of)?;
        if period.quarter_count() > QUARTERS_MAX {
            return Err(WebError::BadRequest(format!("more than {QUARTERS_MAX} quarter hours; ask for less at once")));
        }
        let span = context.span(reader, &site, period)?;
        let wanted = |id: &model::MeterPointId| of.meter_point.as_deref().is_none_or(|wanted| wanted == id.as_str());
        let point = |point: &accounting::PointValues| {
            let values = period.quarters().zip(&point.values).map(|(quarter, value)| interval(quarter, *value));
            let unit = if point.medium == accounting::Medium::Water { "ml" } else { "mWh" };
            json!({ "meter_point": point.point, "role": point.role, "unit": unit, "values": values.collect::<Vec<_>>() })
        };
        Ok(span.points().iter().filter(|values| wanted(&values.point)).map(point).collect::<Vec<_>>())
    });
    Ok(Json(json!({ "meter_points": made.await? })))
}

fn interval(quarter: model::QuarterHour, value: IntervalValue) -> Interval {
    Interval {
        from: quarter.start().to_string(),
        amount: value.energy.map(model::Energy::milliwatt_hours),
        quality: value.quality,
        method: value.method,
        reason: value.reason,
    }
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn readyz(State(state): State<WebState>) -> Response {
    if state.is_ready() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "not ready: batches are not taken yet\n").into_response()
}

async fn metrics(State(state): State<WebState>) -> Response {
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], state.metrics()).into_response()
}

fn period(context: &crate::facts::Context, site: &SiteId, of: &OfSpan) -> Result<Period, WebError> {
    let zone = &context.site(site)?.topology.site.zone;
    zone.parse_span(&of.from, &of.to).map_err(|error| WebError::BadRequest(error.to_string()))
}
