//! What handlers ask of a request: its caller, its path, its query, its body.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes};
use usance_core::caller::Caller;
use usance_core::refusal::Refusal;
use usance_engine::Presented;
use usance_wire::limits::BODY_BYTES_MAX;
use usance_wire::native::{Fault, query};

use crate::http::problem::{No, bad_header, failed};
use crate::http::{App, HttpOptions};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Who is calling.
pub(crate) struct Who(pub(crate) Arc<Caller>);

/// The parameters of the path, percent-decoded.
pub(crate) struct InPath<T>(pub(crate) T);

/// The query, as it was sent.
pub(crate) struct Query(pub(crate) String);

/// The body of a request that takes JSON and no query.
pub(crate) struct Json(pub(crate) Bytes);

impl FromRequestParts<App> for Who {
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, No> {
        Self::of(parts, app).await
    }
}

impl Who {
    /// Learns it from the head of a request.
    pub(crate) async fn of(parts: &Parts, app: &App) -> Result<Self, No> {
        let presented = presented(&parts.headers)?;
        let caller = app.engine.authenticate(presented).await;
        caller.map(Self).map_err(failed)
    }
}

impl<T> FromRequestParts<App> for InPath<T>
where
    T: Send,
    Path<T>: FromRequestParts<App>,
{
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, No> {
        match Path::from_request_parts(parts, app).await {
            Ok(Path(parameters)) => Ok(Self(parameters)),
            Err(_) => Err(Refusal::invalid("path", "must be percent-encoded UTF-8").into()),
        }
    }
}

impl FromRequestParts<App> for Query {
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, No> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

impl FromRequest<App> for Json {
    type Rejection = No;

    async fn from_request(request: Request, app: &App) -> Result<Self, No> {
        let (parts, body) = request.into_parts();
        Self::of(&parts, body, &app.options).await
    }
}

impl Json {
    /// Reads the body of a request.
    pub(crate) async fn of(parts: &Parts, body: Body, options: &HttpOptions) -> Result<Self, No> {
        no_query(parts)?;
        let bytes = read(body, BODY_BYTES_MAX, options).await?;
        let is_json = matches!(media_type(&parts.headers), MediaType::None | MediaType::Json);
        if !bytes.is_empty() && !is_json {
            return Err(Fault::UnsupportedMediaType("application/json").into());
        }
        Ok(Self(bytes))
    }
}

/// What a body is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// Nothing is said.
    None,
    /// JSON.
    Json,
    /// A JSON object a line.
    Lines,
    /// Something else.
    Other,
}

/// What the body is said to be.
pub(crate) fn media_type(headers: &HeaderMap) -> MediaType {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return MediaType::None;
    };
    let value = value.as_bytes();
    let end = value.iter().position(|byte| *byte == b';');
    let essence = value.get(..end.unwrap_or(value.len())).unwrap_or(value);
    let essence = essence.trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return MediaType::Json;
    }
    if essence.eq_ignore_ascii_case(b"application/x-ndjson") {
        return MediaType::Lines;
    }
    MediaType::Other
}

/// Refuses a query where none is known: what it was meant to say would be passed over.
pub(crate) fn no_query(parts: &Parts) -> Result<(), No> {
    match parts.uri.query() {
        Some(query) => Ok(query::read_none(query)?),
        None => Ok(()),
    }
}

/// The same, before a handler that would not look.
pub(crate) async fn refuse_query(request: Request, next: Next) -> Result<Response, No> {
    let (parts, body) = request.into_parts();
    no_query(&parts)?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// The `Idempotency-Key` header.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, No> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(bad_header("Idempotency-Key", "may be there once"));
    }
    let text = std::str::from_utf8(value.as_bytes());
    text.map(Some).map_err(|_| bad_header("Idempotency-Key", "must be UTF-8"))
}

/// Reads a body to its end, within its bounds of size and time.
pub(crate) async fn read(
    body: Body,
    bytes_max: usize,
    options: &HttpOptions,
) -> Result<Bytes, Fault> {
    tokio::time::timeout(options.body_timeout, collect(body, bytes_max))
        .await
        .unwrap_or(Err(Fault::RequestTimeout))
}

async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, Fault> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(Fault::BodyTooLarge(bytes_max));
    }
    // Most bodies are one frame, which is then the whole without a copy.
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Fault::BodyIncomplete)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len().max(whole.len()) + data.len() > bytes_max {
            return Err(Fault::BodyTooLarge(bytes_max));
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.reserve(announced.max(first.len() + data.len()));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    if whole.is_empty() {
        return Ok(first);
    }
    Ok(whole.into())
}

/// What the `Authorization` header presents.
pub(crate) fn presented(headers: &HeaderMap) -> Result<Presented<'_>, No> {
    let refuse = |why| Err(Refusal::Unauthenticated(why).into());
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return refuse("send Authorization: Bearer <token>, or License <key>");
    };
    if values.next().is_some() {
        return refuse("send one Authorization header");
    }
    let Ok(text) = value.to_str() else {
        return refuse("the Authorization header may have printable ASCII only");
    };
    let (scheme, secret) = text.trim().split_once(' ').unwrap_or((text, ""));
    let secret = secret.trim_start();
    if secret.is_empty() {
        return refuse("the Authorization header has no token or key");
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Presented::Token(secret));
    }
    if scheme.eq_ignore_ascii_case("license") {
        return Ok(Presented::LicenseKey(secret));
    }
    refuse("the Authorization scheme must be Bearer or License")
}

#[cfg(test)]
mod tests;
