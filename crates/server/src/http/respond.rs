//! Every answer that is a yes.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use usance_core::command::Reply;
use usance_wire::native::{customers, licenses, meters, policies, products, tokens};

use crate::http::problem::No;

/// What a handler ends in.
pub(crate) type Answer = Result<Response, No>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// JSON that `write` appends.
pub(crate) fn json(write: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut body = Vec::with_capacity(512);
    write(&mut body);
    of_type(JSON, body)
}

/// Plain text.
pub(crate) fn text(text: impl Into<Body>) -> Response {
    of_type(TEXT, text)
}

/// A body of a media type.
pub(crate) fn of_type(media_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// What a command changed.
pub(crate) fn changed(reply: &Reply) -> Response {
    if *reply == Reply::Deleted {
        return StatusCode::NO_CONTENT.into_response();
    }
    json(|out| match reply {
        Reply::Product(product) => products::write(product, out),
        Reply::Policy(policy) => policies::write(policy, out),
        Reply::Customer(customer) => customers::write(customer, out),
        Reply::License(license, now) => licenses::write(license, *now, out),
        Reply::Meter(meter) => meters::write(meter, out),
        Reply::Token(token, secret) => tokens::write(token, secret.as_ref(), out),
        Reply::Deleted => {}
    })
}

/// What a command made.
pub(crate) fn made(reply: &Reply) -> Response {
    let mut response = changed(reply);
    *response.status_mut() = StatusCode::CREATED;
    response
}
