//! Every answer that is a no.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use usance_core::refusal::Refusal;
use usance_engine::Failure;
use usance_wire::native::{Fault, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SCHEMES: HeaderValue = HeaderValue::from_static("Bearer, License");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// A problem on its way out. It gets its request id when it leaves.
#[derive(Debug)]
pub(crate) struct No(pub(crate) Problem);

impl IntoResponse for No {
    fn into_response(self) -> Response {
        render(&self.0, &request_id())
    }
}

impl<P: Into<Problem>> From<P> for No {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

/// The problem that a failure of the engine is.
pub(crate) fn failed(failure: Failure) -> No {
    No(match failure {
        Failure::Refused(refusal) => Problem::Refused(refusal),
        Failure::Overloaded => Fault::Overloaded.into(),
        Failure::StorageFull => Fault::StorageFull.into(),
        Failure::StorageFailed => Fault::StorageFailed(None).into(),
        Failure::Unknown => Fault::OutcomeUnknown.into(),
        Failure::Closing => Fault::Closing.into(),
    })
}

/// What a panic in a handler is answered with, and the only line about it beside its own.
pub(crate) fn panicked() -> Response {
    let request_id = request_id();
    tracing::error!(request.id = request_id, "a request failed by a panic");
    render(&Fault::Internal.into(), &request_id)
}

/// The refusal of a header.
pub(crate) fn bad_header(name: &'static str, reason: &'static str) -> No {
    Refusal::invalid(name, reason).into()
}

fn render(problem: &Problem, request_id: &str) -> Response {
    let mut body = Vec::with_capacity(512);
    problem.write(request_id, &mut body);
    let mut response = Response::new(Body::from(body));
    let status = StatusCode::from_u16(problem.status());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(seconds) = problem.retry_after_s() {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if problem.status() == 401 {
        headers.insert(WWW_AUTHENTICATE, SCHEMES);
    }
    response
}

/// A name for one request: random digits of this process, then a number. Only problems need one,
/// and only they pay for it.
fn request_id() -> String {
    static PROCESS: LazyLock<String> = LazyLock::new(|| {
        let random = RandomState::new().build_hasher().finish();
        format!("{:08x}", random >> 32)
    });
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut id = PROCESS.clone();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    write!(id, "-{number:x}").expect("appending to a string does not fail");
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_their_statuses_and_headers() {
        for (failure, status, retry, schemes) in [
            (Failure::Overloaded, 503, Some("1"), None),
            (Failure::StorageFull, 503, None, None),
            (Failure::StorageFailed, 503, None, None),
            (Failure::Unknown, 503, None, None),
            (Failure::Closing, 503, None, None),
            (
                Failure::Refused(Refusal::Unauthenticated("who are you")),
                401,
                None,
                Some("Bearer, License"),
            ),
            (Failure::Refused(Refusal::KeyMistyped), 404, None, None),
        ] {
            let response = failed(failure).into_response();
            let header = |name: HeaderName| {
                let value = response.headers().get(name)?;
                Some(value.to_str().unwrap().to_owned())
            };
            assert_eq!(response.status(), status);
            assert_eq!(header(RETRY_AFTER).as_deref(), retry);
            assert_eq!(header(WWW_AUTHENTICATE).as_deref(), schemes);
            assert_eq!(header(CONTENT_TYPE).as_deref(), Some("application/problem+json"));
            assert!(header(REQUEST_ID).is_some());
        }
    }

    #[test]
    fn request_ids_differ() {
        assert_ne!(request_id(), request_id());
    }
}
