//! What operators and programs ask of the server itself.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::Response;
use hyper::body::Bytes;
use usance_engine::Health;
use usance_wire::native::{Fault, caller};

use crate::http::App;
use crate::http::extract::Who;
use crate::http::metrics;
use crate::http::problem::No;
use crate::http::respond::{Answer, json, of_type, text};
use crate::http::routes::openapi;
use crate::http::stream::Figures;

const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

pub(super) async fn alive() -> Response {
    text("alive\n")
}

pub(super) async fn ready(State(app): State<App>) -> Answer {
    match app.engine.health() {
        Health::Ready => Ok(text("ready\n")),
        Health::Stopped(reason) => Err(No::from(Fault::StorageFailed(Some(reason)))),
    }
}

pub(super) async fn metrics(State(app): State<App>) -> Response {
    let statistics = app.engine.statistics();
    let end = statistics.ledger_sizes.iter().map(|(_, size)| *size).max().unwrap_or_default();
    let webhooks = app.webhooks.statistics(end);
    let figures = Figures { webhooks, ..app.hub.figures(&statistics.ledger_sizes) };
    of_type(PROMETHEUS, metrics::text(&statistics, figures))
}

pub(super) async fn contract() -> Response {
    static CONTRACT: LazyLock<Bytes> = LazyLock::new(|| openapi().into());
    of_type(JSON, CONTRACT.clone())
}

pub(super) async fn whoami(Who(who): Who) -> Response {
    json(|out| caller::write(&who, out))
}

pub(super) async fn no_such_route() -> No {
    Fault::NoSuchRoute.into()
}

pub(super) async fn method_not_allowed() -> No {
    Fault::MethodNotAllowed.into()
}
