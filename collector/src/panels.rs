//! Routes of the panels: facts in, pages of `dashboards` out. No arithmetic here.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use calendar::Month;
use dashboards::{Theme, View};
use locale::Language;
use model::SiteId;
use serde::Deserialize;

use crate::facts::{self, Context};
use crate::web::{WebError, WebState};

/// How long a browser keeps a choice of language or theme, in seconds: a year.
const CHOICE_SECONDS: u32 = 31_536_000;

/// What every page may be asked with.
#[derive(Debug, Default, Deserialize)]
struct Choice {
    lang: Option<String>,
    theme: Option<String>,
    month: Option<String>,
}

/// Language and theme of a request, and what is to be remembered of them.
#[derive(Debug, Clone)]
struct Asked {
    language: Language,
    theme: Theme,
    path: String,
    remember: Vec<String>,
}

pub(crate) fn routes() -> Router<WebState> {
    Router::new()
        .route("/", get(city))
        .route("/site/{site}", get(site))
        .route("/site/{site}/quality", get(quality))
        .route("/reports", get(reports))
        .route("/reports/{file}", get(report_file))
        .route("/assets/{name}", get(asset))
        .fallback(nothing)
}

impl Asked {
    fn of(choice: &Choice, headers: &HeaderMap, uri: &Uri) -> Self {
        let cookie = |name: &str| {
            let all = headers.get(header::COOKIE)?.to_str().ok()?;
            let of_name = |part: &str| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            all.split(';').find_map(of_name)
        };
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = Language::negotiate(choice.lang.as_deref(), cookie("lang").as_deref(), accept);
        let theme = Theme::negotiate(choice.theme.as_deref(), cookie("theme").as_deref());
        let keep = |name: &str, value: &str| {
            format!("{name}={value}; Path=/; Max-Age={CHOICE_SECONDS}; SameSite=Lax; HttpOnly")
        };
        let mut remember = Vec::new();
        if choice.lang.is_some() {
            remember.push(keep("lang", language.code()));
        }
        if choice.theme.is_some() {
            remember.push(keep("theme", theme.as_str()));
        }
        Self { language, theme, path: uri.path().to_owned(), remember }
    }

    fn view(&self, context: &Context) -> View {
        let sites =
            context.sites.iter().map(|(id, site)| (id.clone(), site.topology.site.name.clone())).collect();
        View { language: self.language, theme: self.theme, path: self.path.clone(), sites }
    }

    fn respond(&self, page: Result<String, WebError>) -> Response {
        match page {
            Ok(page) => self.page(StatusCode::OK, page),
            Err(error) => self.failure(&error),
        }
    }

    fn failure(&self, error: &WebError) -> Response {
        let view =
            View { language: self.language, theme: self.theme, path: self.path.clone(), sites: Vec::new() };
        let text = error.public_text();
        match dashboards::message_page(&view, error.status().as_u16(), Some(&text)) {
            Ok(page) => self.page(error.status(), page),
            Err(_) => (error.status(), text).into_response(),
        }
    }

    fn page(&self, status: StatusCode, page: String) -> Response {
        let mut response = (status, Html(page)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(self.language.code()));
        for cookie in &self.remember {
            if let Ok(cookie) = HeaderValue::from_str(cookie) {
                headers.append(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

async fn city(
    State(state): State<WebState>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let asked = Asked::of(&choice, &headers, &uri);
    let for_page = asked.clone();
    let page = state.read(move |state, reader| {
        let context = state.context(reader)?;
        let sites = context.sites.keys().map(|site| state.overview(reader, &context, site));
        let sites = sites.collect::<Result<Vec<_>, _>>()?;
        let archive = facts::archive(reader, &context, &state.city_key(), state.now())?;
        let latest = archive.reports.into_iter().next();
        let city = facts::city(&state.config().city_name, sites, latest, state.now());
        Ok(dashboards::city_page(&for_page.view(&context), &city)?)
    });
    asked.respond(page.await)
}

async fn site(
    State(state): State<WebState>,
    Path(site): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let asked = Asked::of(&choice, &headers, &uri);
    let for_page = asked.clone();
    let page = state.read(move |state, reader| {
        let context = state.context(reader)?;
        let site = site_id(&site)?;
        let overview = state.overview(reader, &context, &site)?;
        Ok(dashboards::site_page(&for_page.view(&context), &overview)?)
    });
    asked.respond(page.await)
}

async fn quality(
    State(state): State<WebState>,
    Path(site): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let asked = Asked::of(&choice, &headers, &uri);
    let for_page = asked.clone();
    let page = state.read(move |state, reader| {
        let context = state.context(reader)?;
        let site = site_id(&site)?;
        let now = state.now();
        let month = match choice.month {
            Some(text) => text.parse::<Month>().map_err(|error| WebError::BadRequest(error.to_string()))?,
            None => context.site(&site)?.topology.site.zone.month_of(now),
        };
        let facts = facts::quality_page(reader, &context, &site, (month, now))?;
        Ok(dashboards::quality_page(&for_page.view(&context), &facts)?)
    });
    asked.respond(page.await)
}

async fn reports(
    State(state): State<WebState>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let asked = Asked::of(&choice, &headers, &uri);
    let for_page = asked.clone();
    let page = state.read(move |state, reader| {
        let context = state.context(reader)?;
        let archive = facts::archive(reader, &context, &state.city_key(), state.now())?;
        Ok(dashboards::reports_page(&for_page.view(&context), &archive)?)
    });
    asked.respond(page.await)
}

/// `ID.de.html`, `ID.en.html`, `ID.csv`, `ID.json`, made of the sealed facts.
async fn report_file(
    State(state): State<WebState>,
    Path(file): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let asked = Asked::of(&choice, &headers, &uri);
    let made = state.read(move |state, reader| {
        let context = state.context(reader)?;
        let unknown =
            || WebError::NotFound(format!("report file `{}`", file.chars().take(80).collect::<String>()));
        let (id, format) = file.split_once('.').ok_or_else(unknown)?;
        let found = facts::sealed(reader, &context, &state.city_key(), id)?;
        let (sealed, report) = found.ok_or_else(unknown)?;
        let (kind, body) = match format {
            "de.html" => ("text/html; charset=utf-8", report::html(&report, Language::German)?),
            "en.html" => ("text/html; charset=utf-8", report::html(&report, Language::English)?),
            "csv" => {
                ("text/csv; charset=utf-8; header=present", report::csv(&report, report::Variant::Standard)?)
            }
            "json" => {
                let facts = String::from_utf8(sealed.report.facts).map_err(|_| unknown())?;
                ("application/json", facts)
            }
            _ => return Err(unknown()),
        };
        Ok((kind, body))
    });
    match made.await {
        Ok((kind, body)) => {
            let mut response = body.into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            if kind.starts_with("text/html") {
                let policy = HeaderValue::from_static(report::html_security_policy());
                response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            }
            response
        }
        Err(error) => asked.failure(&error),
    }
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = dashboards::asset(&name) else {
        return WebError::NotFound("such asset".to_owned()).into_response();
    };
    let fresh =
        headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == asset.etag.as_bytes());
    let common = [
        (header::ETAG, asset.etag),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_TYPE, asset.content_type),
    ];
    if fresh {
        (StatusCode::NOT_MODIFIED, common).into_response()
    } else {
        (common, asset.body).into_response()
    }
}

async fn nothing(Query(choice): Query<Choice>, headers: HeaderMap, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(80).collect();
    Asked::of(&choice, &headers, &uri).failure(&WebError::NotFound(format!("page `{path}`")))
}

fn site_id(text: &str) -> Result<SiteId, WebError> {
    text.parse()
        .map_err(|_| WebError::NotFound(format!("site `{}`", text.chars().take(63).collect::<String>())))
}
