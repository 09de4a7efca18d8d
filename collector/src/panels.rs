//! Routes of the panels: facts in, pages of `dashboards` out. No arithmetic here.

use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use calendar::Month;
use dashboards::{Theme, View};
use locale::Language;
use serde::Deserialize;
use store::Reader;

use crate::facts::{self, Context};
use crate::web::{WebError, WebState, site_id};

/// How long a browser keeps a choice of language or theme, in seconds: a year.
const CHOICE_SECONDS: u32 = 31_536_000;

/// What every page may be asked with.
#[derive(Debug, Default, Deserialize)]
struct Choice {
    lang: Option<String>,
    theme: Option<String>,
}

/// What the page of quality may be asked with besides.
#[derive(Debug, Default, Deserialize)]
struct OfMonth {
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

impl FromRequestParts<WebState> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, state: &WebState) -> Result<Self, Response> {
        let choice = Query::<Choice>::from_request_parts(parts, state).await;
        let Query(choice) = choice.map_err(IntoResponse::into_response)?;
        Ok(Self::of(&choice, &parts.headers, &parts.uri))
    }
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

    /// The page that `draw` makes of the record.
    async fn answer(
        self,
        state: &WebState,
        draw: impl FnOnce(&WebState, &Reader, &Context, &View) -> Result<String, WebError> + Send + 'static,
    ) -> Response {
        let asked = self.clone();
        let page = state.read(move |state, reader| {
            let context = state.context(reader)?;
            draw(state, reader, &context, &asked.view(&context))
        });
        match page.await {
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

async fn city(State(state): State<WebState>, asked: Asked) -> Response {
    let draw = |state: &WebState, reader: &Reader, context: &Context, view: &View| {
        let sites = context.sites.keys().map(|site| state.overview(reader, context, site));
        let sites = sites.collect::<Result<Vec<_>, _>>()?;
        let latest = facts::newest(reader, context, &state.city_key())?;
        let city = facts::city(&state.config().city_name, sites, latest, state.now());
        Ok(dashboards::city_page(view, &city)?)
    };
    asked.answer(&state, draw).await
}

async fn site(State(state): State<WebState>, Path(site): Path<String>, asked: Asked) -> Response {
    let draw = move |state: &WebState, reader: &Reader, context: &Context, view: &View| {
        let overview = state.overview(reader, context, &site_id(&site)?)?;
        Ok(dashboards::site_page(view, &overview)?)
    };
    asked.answer(&state, draw).await
}

async fn quality(
    State(state): State<WebState>,
    Path(site): Path<String>,
    Query(of): Query<OfMonth>,
    asked: Asked,
) -> Response {
    let draw = move |state: &WebState, reader: &Reader, context: &Context, view: &View| {
        let (site, now) = (site_id(&site)?, state.now());
        let month = match of.month {
            Some(text) => text.parse::<Month>().map_err(|error| WebError::BadRequest(error.to_string()))?,
            None => context.site(&site)?.topology.site.zone.month_of(now),
        };
        let facts = facts::quality_page(reader, context, &site, (month, now))?;
        Ok(dashboards::quality_page(view, &facts)?)
    };
    asked.answer(&state, draw).await
}

async fn reports(State(state): State<WebState>, asked: Asked) -> Response {
    let draw = |state: &WebState, reader: &Reader, context: &Context, view: &View| {
        let archive = facts::archive(reader, context, &state.city_key(), state.now())?;
        Ok(dashboards::reports_page(view, &archive)?)
    };
    asked.answer(&state, draw).await
}

/// `ID.de.html`, `ID.en.html`, `ID.csv`, `ID.json`, made of the sealed facts.
async fn report_file(State(state): State<WebState>, Path(file): Path<String>, asked: Asked) -> Response {
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

async fn nothing(asked: Asked) -> Response {
    let path: String = asked.path.chars().take(80).collect();
    asked.failure(&WebError::NotFound(format!("page `{path}`")))
}
